"""The picture of `monte_carlo.py`: yields over factors, and each chip's two losses."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.explore.yields import wilson
from sim.figures import COLOURS, MARKERS, RC, STYLES
from sim.plain_numbers import PlainNumbers

Array = NDArray[np.float64]

_POINTS = 200  # of a curve
_WITHIN = 2.0


@dataclass(frozen=True)
class Series:
    """One way in which chips come by their weights.

    Attributes:
        label: in words.
        losses: (chips,), V²; NaN where a chip failed or diverged.
        nominal: loss of the chip of nominal parts, V².
        ratios: loss over the twin's, (chips,); inf where a chip failed or diverged.
    """

    label: str
    losses: Array
    nominal: float
    ratios: Array


def plot(series: Sequence[Series], twin: float, title: str, path: Path) -> None:
    """Draw both panels.

    Args:
        series: trained in the loop, and transferred, in this order.
        twin: loss of the ideal twin, V².
        title: what was computed.
        path: PNG to write.
    """
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10, 4.6))
        left, right = figure.subplots(1, 2)
        _yields(left, series)
        _losses(right, series[0], series[1], twin)
        figure.suptitle(title, fontsize=10)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130)


def _yields(axes: Axes, series: Sequence[Series]) -> None:
    finite = np.concatenate([one.ratios[np.isfinite(one.ratios)] for one in series])
    most = max(10.0, 1.2 * float(finite.max())) if finite.size else 10.0
    least = min(0.8, 0.9 * float(finite.min())) if finite.size else 0.8
    factors = np.geomspace(least, most, _POINTS)
    for k, one in enumerate(series):
        found = [wilson(int((one.ratios <= x).sum()), one.ratios.size) for x in factors]
        shares = [100 * y.share for y in found]
        axes.plot(factors, shares, STYLES[k], color=COLOURS[k], label=one.label)
        band = ([100 * y.low for y in found], [100 * y.high for y in found])
        axes.fill_between(factors, *band, color=COLOURS[k], alpha=0.2, linewidth=0)
    axes.axvline(_WITHIN, color="grey", linewidth=1, linestyle=":")
    axes.annotate(
        "2 ×", (_WITHIN, 0.02), (3, 0), xycoords=("data", "axes fraction"),
        textcoords="offset points", color="dimgrey", fontsize=9,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(PlainNumbers())
    axes.set_ylim(0, 100)
    axes.set_xlabel("factor on the loss of the ideal twin")
    axes.set_ylabel("chips within the factor (%)")
    axes.legend(loc="upper left", fontsize=9)
    axes.set_title("yield; bands: 95 % (Wilson)", fontsize=10)


def _losses(axes: Axes, loop: Series, transfer: Series, twin: float) -> None:
    better = int((loop.losses < transfer.losses).sum())
    known = int((np.isfinite(loop.losses) & np.isfinite(transfer.losses)).sum())
    axes.plot(
        transfer.losses, loop.losses, MARKERS[0], color=COLOURS[0], markersize=4, alpha=0.6,
        markeredgewidth=0, label="a chip",
    )  # fmt: skip
    axes.plot(
        [transfer.nominal], [loop.nominal], MARKERS[2], color=COLOURS[1], markersize=8,
        label="nominal parts",
    )  # fmt: skip
    axes.axline((twin, twin), (10 * twin, 10 * twin), color="grey", linewidth=1)
    axes.axhline(_WITHIN * twin, color="grey", linewidth=1, linestyle=":")
    axes.axvline(_WITHIN * twin, color="grey", linewidth=1, linestyle=":")
    axes.annotate(
        "2 × the twin's loss", (0.99, _WITHIN * twin), (0, 4), xycoords=("axes fraction", "data"),
        textcoords="offset points", ha="right", color="dimgrey", fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )  # fmt: skip
    for scale in (axes.set_xscale, axes.set_yscale):
        scale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PlainNumbers())
        axis.set_minor_formatter(PlainNumbers())
    axes.set_xlabel(f"loss, {transfer.label} (V²)")
    axes.set_ylabel(f"loss, {loop.label} (V²)")
    axes.legend(loc="upper left", fontsize=9)
    axes.set_title(f"below the line {better} of {known} chips: better in the loop", fontsize=10)

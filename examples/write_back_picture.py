"""The picture of `write_back_study.py`: losses over levels, and device by device."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_rows import Row

from sim.figures import COLOURS, MARKERS, RC, STYLES
from sim.plain_numbers import PlainNumbers

IN_LOOP, TRANSFER = "in_loop", "transfer"
ROWS = {"yes": "with an accumulator", "no": "without an accumulator"}
_SHIFT = 1.06  # factor between series over levels
_APART = 0.14  # between the two losses of a device


def plot(rows: Sequence[Row], title: str, path: Path) -> None:
    """Draw a row of panels with an accumulator, and one without.

    Args:
        rows: of the study.
        title: what was computed.
        path: PNG to write.
    """
    fitted = [row for row in rows if row["r_min"] == rows[0]["r_min"]]
    wide = [row for row in rows if row["r_min"] != rows[0]["r_min"]]
    with mpl.rc_context(RC):
        figure = Figure(figsize=(11, 7.6))
        grid: Any = figure.subplots(2, 2, sharey=True, width_ratios=(1.35, 1))
        for panels, (kept, said) in zip(grid, ROWS.items(), strict=True):
            mine = [row for row in fitted if row["accumulator"] == kept]
            for axes in panels:
                _reference(axes, [row for row in mine if row["device"] == "ideal"])
            _levels(panels[0], mine, [row for row in wide if row["accumulator"] == kept])
            _devices(panels[1], [row for row in mine if not row["spacing"]])
            panels[0].set_title(said, fontsize=10, loc="left", fontweight="bold")
            panels[0].set_ylabel("test loss (V²)")
        grid[0, 0].set_yscale("log")
        grid[0, 0].yaxis.set_major_formatter(PlainNumbers())
        grid[0, 0].yaxis.set_minor_formatter(PlainNumbers())
        grid[1, 0].set_xlabel("levels of a device")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9)
        figure.suptitle(title, fontsize=10)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130)


def _reference(axes: Axes, ideal: Sequence[Row]) -> None:
    """Ideal resistors: the band of what they learn, and where they start."""
    losses = [loss(row, IN_LOOP) for row in ideal]
    if losses and all(map(math.isfinite, losses)):
        axes.axhspan(
            min(losses), max(losses), color=COLOURS[2], alpha=0.25, linewidth=0,
            label="ideal resistors, in the loop",
        )  # fmt: skip
        axes.axhline(float(np.median(losses)), color=COLOURS[2], linewidth=1)
    start = float(np.median([float(row["start_in_loop"]) for row in ideal]))
    axes.axhline(
        start, color="grey", linewidth=1, linestyle=":", label="ideal resistors, untrained"
    )


def _levels(axes: Axes, rows: Sequence[Row], wide: Sequence[Row]) -> None:
    series = [
        (f"{spacing} levels, {said}", [row for row in rows if row["spacing"] == spacing], which, k)
        for k, spacing in enumerate(("linear", "log"))
        for which, said in ((IN_LOOP, "in the loop"), (TRANSFER, "transfer"))
    ]
    if wide:
        series.append(("linear levels over ±10, in the loop", list(wide), IN_LOOP, 4))
    for place, (label, mine, which, k) in enumerate(series):
        counts = sorted({int(row["levels"]) for row in mine})
        shifted = [n * _SHIFT ** (place - (len(series) - 1) / 2) for n in counts]
        groups = [[row for row in mine if int(row["levels"]) == n] for n in counts]
        hollow = which == TRANSFER
        _errorbar(
            axes, shifted, groups, which, label=label, color=COLOURS[k], marker=MARKERS[k],
            linestyle=STYLES[3] if hollow else STYLES[min(k, 2)],
            markerfacecolor="white" if hollow else COLOURS[k],
        )  # fmt: skip
    counts = sorted({int(row["levels"]) for row in rows if row["spacing"]})
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(n) for n in counts])
    axes.minorticks_off()


def _devices(axes: Axes, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(row["device"] for row in rows if row["device"] != "ideal"))
    groups = [[row for row in rows if row["device"] == name] for name in names]
    for k, (which, said) in enumerate(((IN_LOOP, "in the loop"), (TRANSFER, "transfer"))):
        places = [place + (2 * k - 1) * _APART for place in range(len(names))]
        _errorbar(
            axes, places, groups, which, label=said, color=COLOURS[3 + 2 * k],
            marker=MARKERS[3 + k],
            linestyle="", markersize=7, markerfacecolor="white" if k else COLOURS[3],
        )  # fmt: skip
    labels = [name.replace(" wall, ", "\nwall, ") for name in names]
    axes.set_xticks(range(len(names)), labels, fontsize=8)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.legend(handles=axes.containers, fontsize=8, loc="best")


def _errorbar(
    axes: Axes, places: Sequence[float], groups: Sequence[Sequence[Row]], which: str, **look: Any
) -> None:
    """Medians over seeds, bars from least to most; what did not end well is a cross on top."""
    losses = [[loss(row, which) for row in rows] for rows in groups]
    medians = np.array([np.median(one) for one in losses])
    medians[~np.isfinite(medians)] = np.nan
    finite = [[x for x in one if math.isfinite(x)] or [math.nan] for one in losses]
    down = np.maximum(medians - [min(one) for one in finite], 0)
    up = np.maximum([max(one) for one in finite] - medians, 0)
    axes.errorbar(places, medians, yerr=np.array([down, up]), capsize=2, **look)
    lost = [place for place, one in zip(places, losses, strict=True) if math.inf in one]
    if lost:
        axes.plot(
            lost, [0.985] * len(lost), "x", color=look["color"], clip_on=False,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def loss(row: Row, which: str) -> float:
    """A row's loss, V²; inf where the point failed or diverged."""
    return float(row[which]) if row["state"] == "done" else math.inf

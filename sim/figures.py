"""The figures of a run: losses and deviation, and the look that all figures share.

Matplotlib is imported where a figure is drawn: commands start and refuse wrong input without it.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cycler import cycler
from numpy.typing import NDArray

from circuits.quantities import format_quantity
from sim.compare import Comparison
from sim.loop import IDEAL

Array = NDArray[np.float64]

# Okabe and Ito's palette, told apart without colour vision; styles differ in shape as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# One more than colours, so that a colour and a marker meet again after 56 only.
MARKERS = "os^Dv<>P"
STYLES = ("-", "--", "-.", ":")
LABELS = {"ideal": "ideal mathematics", "in_loop": "circuit in the loop (ngspice)"}
_BOXES = 13  # epochs shown, at most
_LEGEND = 12  # names in a legend, at most
RC: Any = {
    "figure.constrained_layout.use": True,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 10,
    "axes.prop_cycle": cycler(color=COLOURS),
}
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


def plot_losses(
    rows: Sequence[Mapping[str, float]], loss_name: str, title: str, path: Path
) -> None:
    """Box plot of the per-sample loss over epochs, learners side by side (paper, Fig. 5).

    Args:
        rows: of the history: `epoch`, and per learner its quantiles as `ideal_q50`.
        loss_name: for the axis.
        title: of the figure.
        path: PNG to write.
    """
    import matplotlib as mpl  # noqa: PLC0415  # most of a second
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above
    from matplotlib.patches import Patch  # noqa: PLC0415  # as above

    from sim.plain_numbers import PlainNumbers  # noqa: PLC0415  # as above

    learners = [name for name in LABELS if f"{name}_q50" in rows[0]]
    shown = sorted({round(i) for i in np.linspace(0, len(rows) - 1, min(_BOXES, len(rows)))})
    with mpl.rc_context(RC):
        figure = Figure(figsize=(8, 4.5))
        axes = figure.subplots()
        handles = []
        for k, name in enumerate(learners):
            stats = [_box(rows[i], name) for i in shown]
            offset = (k - (len(learners) - 1) / 2) * 0.36
            colour = COLOURS[k]
            axes.bxp(
                stats,
                positions=np.arange(len(shown)) + offset,
                widths=0.3,
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.45 if k else 0.8, "hatch": "//" * k},
                medianprops={"color": "black", "linewidth": 1.5},
                manage_ticks=False,
            )
            handles.append(
                Patch(
                    facecolor=colour, alpha=0.45 if k else 0.8, hatch="//" * k, label=LABELS[name]
                )
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(PlainNumbers())
        axes.yaxis.set_minor_formatter(PlainNumbers())
        axes.set_xticks(range(len(shown)), [f"{rows[i]['epoch']:.0f}" for i in shown])
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"{loss_name} per sample")
        figure.suptitle(f"{title}\nbox: quartiles, whiskers: 5 % and 95 %", fontsize=10)
        axes.legend(
            handles=handles,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=len(handles),
            frameon=False,
        )
        figure.savefig(path, dpi=130)


def _box(row: Mapping[str, float], name: str) -> dict[str, Any]:
    # A logarithmic axis has no place for a loss of exactly zero.
    q05, q25, q50, q75, q95 = (max(row[f"{name}_{q}"], 1e-12) for q in QUANTILES)
    return {"whislo": q05, "q1": q25, "med": q50, "q3": q75, "whishi": q95, "fliers": []}


def plot_deviation(comparison: Comparison, path: Path) -> None:
    """SPICE against the twin for every node, and their difference; a column for each layer."""
    import matplotlib as mpl  # noqa: PLC0415  # most of a second
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    count = len(comparison.ideal.outputs)
    rms_and_max = comparison.rms_and_max()
    scale, unit = (1.0, "V") if max(top for _, top in rms_and_max) >= 1.0 else (1e3, "mV")
    with mpl.rc_context(RC):
        figure = Figure(figsize=(3.6 * count + 0.6, 6.2))
        grid = figure.subplots(2, count, squeeze=False)
        for layer in range(1, count + 1):
            ideal = comparison.ideal.outputs[layer - 1]
            spice = comparison.circuit.outputs[layer - 1]
            above, below = grid[0, layer - 1], grid[1, layer - 1]
            for j, (x, y) in enumerate(zip(ideal.T, spice.T, strict=True)):
                look = {
                    "marker": MARKERS[j % len(MARKERS)],
                    "color": COLOURS[j % len(COLOURS)],
                    "linestyle": "",
                    "markersize": 3.5,
                    "alpha": 0.7,
                    "label": f"{'a' if layer == count else 'x'}{layer}_{j + 1}",
                }
                above.plot(x, y, **look)
                below.plot(x, scale * (y - x), **look)
            above.axline((0, 0), slope=1, color="grey", linewidth=0.8, zorder=0)
            below.axhline(0, color="grey", linewidth=0.8, zorder=0)
            rms, largest = (format_quantity(v, "V", 3) for v in rms_and_max[layer - 1])
            above.set_title(f"layer {layer}: rms {rms}, max {largest}", fontsize=10)
            below.set_xlabel(f"{comparison.twin} (V)")
            if ideal.shape[1] <= _LEGEND:
                above.legend(fontsize=8)
        grid[0, 0].set_ylabel("ngspice (V)")
        twin = "ideal" if comparison.twin == IDEAL else comparison.twin
        grid[1, 0].set_ylabel(f"ngspice − {twin} ({unit})")
        figure.savefig(path, dpi=130)

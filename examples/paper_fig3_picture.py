"""The picture and the table of `paper_fig3.py`: slices of the grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from paper_rows import Row, counted, markdown

from sim.figures import COLOURS, MARKERS, RC, STYLES

KINDS = {
    "gaussian": "Gaussian",
    "bernoulli": "one coin (Bernoulli)",
    "binomial": "several coins (binomial)",
}
PANELS = {
    "eta": "learning rate η",
    "variance": "variance σ² of Gaussian noise (V²)",
    "scale": "scale α of coins, in 11.86 mV",
    "sources": "coins n at a node",
    "probability": "probability p of a coin to be up",
}
_TOGETHER = "sources"  # where one coin and several are one series
_CLOSE = 2.0  # points
_SHIFT = 0.09  # of the distance of two ticks, between neighbouring series


@dataclass(frozen=True)
class Slice:
    """Accuracies at one value of one hyperparameter, over all values of the others.

    Attributes:
        value: of the hyperparameter.
        median: %.
        least: %.
        most: %.
        settings: how many.
    """

    value: float
    median: float
    least: float
    most: float
    settings: int


def slices(rows: Sequence[Row], axis: str) -> list[Slice]:
    """The slices along one axis, ascending; what diverged counts as an accuracy of 0 %."""
    values = sorted({float(row[axis]) for row in rows})
    found = []
    for value in values:
        accuracies = [accuracy(row) for row in rows if float(row[axis]) == value]
        found.append(
            Slice(
                value,
                float(np.median(accuracies)),
                min(accuracies),
                max(accuracies),
                len(accuracies),
            )
        )
    return found


def accuracy(row: Row) -> float:
    """Of the training images, %; 0 where the training diverged."""
    return float(np.nan_to_num(100 * float(row["train_accuracy"])))


def best(rows: Sequence[Row]) -> Row:
    """The row of the largest accuracy."""
    return max(rows, key=accuracy)


def _of(rows: Sequence[Row], *kinds: str) -> list[Row]:
    return [row for row in rows if row["noise"] in kinds]


def format_table(rows: Sequence[Row]) -> str:
    """Best, median and least of each kind of noise, as Markdown."""
    upper = accuracy(best(_of(rows, "none")))
    cells = []
    for kind, label in {"none": "BP, no noise", **KINDS}.items():
        mine = _of(rows, kind)
        if not mine:
            continue
        accuracies = [accuracy(row) for row in mine]
        close = sum(upper - a <= _CLOSE for a in accuracies)
        cells.append(
            (
                label,
                f"{len(mine)}",
                f"{max(accuracies):.1f}",
                _described(best(mine)),
                f"{np.median(accuracies):.1f}",
                f"{min(accuracies):.1f}",
                f"{close} of {len(mine)}",
            )
        )
    heads = (
        "noise",
        "settings",
        "best, %",
        "at",
        "median, %",
        "least, %",
        f"within {_CLOSE:g} points of BP's best",
    )
    return markdown(heads, cells)


def _described(row: Row) -> str:
    symbols = {"eta": "η", "variance": "σ²", "scale": "α", "sources": "n", "probability": "p"}
    said = [f"{symbol} = {float(row[axis]):.3g}" for axis, symbol in symbols.items() if row[axis]]
    return ", ".join(said)


def title(rows: Sequence[Row]) -> str:
    """What was trained, by which engine."""
    first = rows[0]
    seconds = sum(float(np.nan_to_num(float(row["seconds"]))) for row in rows)
    images = "all" if first["train_samples"] == "all" else f"{int(first['train_samples']):,}"
    return (
        f"a single layer on {first['data']}, {images} training images, "
        f"{counted(int(first['epochs']), 'epoch')}, seed {first['seed']}: {len(rows)} settings, "
        f"{seconds / 60:.0f} min of training\n"
        f"{first['engine']}; medians, bars from least to most over all other hyperparameters"
    )


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw the slices, a panel a hyperparameter."""
    upper = best(_of(rows, "none"))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10, 6.4))
        panels: Any = figure.subplots(2, 3, sharey=True)
        for axes, (axis, label) in zip(panels.flat, PANELS.items(), strict=False):
            _plot_slices(axes, [row for row in rows if row[axis] and row["rule"] != "bp"], axis)
            axes.axhline(accuracy(upper), color="grey", linewidth=1.6, zorder=0)
            axes.set_xlabel(label)
        for axes in panels[:, 0]:
            axes.set_ylabel("training accuracy (%)")
            least = min(accuracy(row) for row in rows)
            axes.set_ylim(10 * ((least - 2) // 10) if least > 2 else 0, accuracy(upper) + 2)
        empty = panels.flat[-1]
        empty.set_axis_off()
        handles = {}
        for axes in panels.flat:
            lines, labels = axes.get_legend_handles_labels()
            handles |= dict(zip(labels, lines, strict=True))
        (line,) = empty.plot([], [], color="grey", linewidth=1.6)
        handles[f"best of BP: {accuracy(upper):.1f} % at {_described(upper)}"] = line
        empty.legend(handles.values(), handles, loc="center", frameon=False, title="ANP under")
        figure.suptitle(title(rows), fontsize=10)
        figure.savefig(path, dpi=130)


def _plot_slices(axes: Axes, rows: Sequence[Row], axis: str) -> None:
    kinds = [(k, kind) for k, kind in enumerate(KINDS) if _of(rows, kind)]
    series = [(k, KINDS[kind], slices(_of(rows, kind), axis)) for k, kind in kinds]
    if axis == _TOGETHER:
        series = [(len(KINDS), "coins, one and several", slices(rows, axis))] if rows else []
    values = sorted({one.value for _, _, found in series for one in found})
    places = {value: i for i, value in enumerate(values)}
    for at, (k, label, found) in enumerate(series):
        shift = (at - (len(series) - 1) / 2) * _SHIFT
        axes.errorbar(
            [places[one.value] + shift for one in found],
            [one.median for one in found],
            yerr=[
                [one.median - one.least for one in found],
                [one.most - one.median for one in found],
            ],
            color=COLOURS[k],
            marker=MARKERS[k],
            linestyle=STYLES[k],
            markersize=5,
            linewidth=1.2,
            capsize=2.5,
            label=label,
        )
    axes.set_xticks(range(len(values)), [f"{float(f'{value:.2g}'):g}" for value in values])
    axes.set_xlim(-0.5, len(values) - 0.5)
    if len(values) > 6:
        axes.tick_params(axis="x", labelrotation=60, labelsize=8)

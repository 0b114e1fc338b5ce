"""The figure of a training: accuracy and loss over its epochs."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.figures import COLOURS, RC
from sim.plain_numbers import PlainNumbers
from sim.scale.training import Row

_LOOKS = {
    "train": {"color": COLOURS[0], "linestyle": "-", "marker": "o", "label": "training samples"},
    "test": {"color": COLOURS[1], "linestyle": "--", "marker": "s", "label": "held-out samples"},
    "noisy": {
        "color": COLOURS[2],
        "linestyle": ":",
        "marker": "^",
        "label": "learned from, during the epoch",
    },
}
_BESIDE = 0.02  # of the axis, left and right of the first and last epoch
_MARKED = 40  # epochs, up to which each has a marker


def plot_curves(
    history: Sequence[Row], title: str, loss: str, path: Path, *, held_out: bool, classes: int
) -> None:
    """Plot accuracy, where targets are classes, and loss over epochs.

    Args:
        history: a row an epoch, the start as epoch 0.
        title: says what it is, and by which engine.
        loss: its name, with its unit, for the axis.
        path: PNG to write.
        held_out: whether there are test samples.
        classes: how many; 0 where targets are numbers.
    """
    parts = ("train", "test") if held_out else ("train",)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9, 4.2) if classes else (6, 4.2))
        panels = figure.subplots(1, 2 if classes else 1, squeeze=False)[0]
        if classes:
            for part in parts:
                _draw(panels[0], history, part, "accuracy", 100)
            panels[0].axhline(100 / classes, color="grey", linewidth=1, linestyle="-.")
            panels[0].annotate(
                "chance",
                (1, 100 / classes),
                xycoords=("axes fraction", "data"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="right",
                color="dimgrey",
                fontsize=9,
            )
            panels[0].set_ylabel("accuracy (%)")
        for part in (*parts, "noisy"):
            _draw(panels[-1], history, part, "loss", 1)
        panels[-1].set_ylabel(loss)
        if all(row["train_loss"] > 0 for row in history if math.isfinite(row["train_loss"])):
            panels[-1].set_yscale("log")
            panels[-1].yaxis.set_major_formatter(PlainNumbers())
            panels[-1].yaxis.set_minor_formatter(PlainNumbers())
        for axes in panels:
            axes.set_xlabel("epoch")
            last = max(*(row["epoch"] for row in history), 1)
            axes.set_xlim(-_BESIDE * last, (1 + _BESIDE) * last)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.suptitle(title, fontsize=10)
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        figure.savefig(path, dpi=130)


def _draw(axes: Any, history: Sequence[Row], part: str, what: str, factor: float) -> None:
    """A line through the epochs that are known."""
    known = [
        (row["epoch"], factor * row[f"{part}_{what}"])
        for row in history
        if math.isfinite(row[f"{part}_{what}"])
    ]
    look = dict(_LOOKS[part])
    if len(known) > _MARKED:
        look["marker"] = ""
    axes.plot([x for x, _ in known], [y for _, y in known], markersize=4, **look)

"""The picture and the table of `paper_fig4.py`: accuracies over the epochs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from paper_rows import Row, counted, markdown, span

from sim.figures import COLOURS, RC

Array = NDArray[np.float64]

LEARNERS = {
    "simulated": "DANP, a chain at every node",
    "measured": "DANP, one measured-like series",
    "bp": "BP",
}
CLASSES = {"cifar100": 100}  # others have ten
PARTS = {"train": "training", "test": "test"}
_CHANCE = "#C00000"  # red as in the paper, and named in the picture
_LOOKS: Sequence[dict[str, Any]] = (
    {"linestyle": "-", "marker": "o"},
    {"linestyle": "--", "marker": "s"},
)
_MARKS = 8  # markers on a line


def curves(rows: Sequence[Row], part: str) -> tuple[Array, Array]:
    """Accuracies of one learner over the epochs, by seed.

    Args:
        rows: of one learner on one set of images.
        part: train or test.

    Returns:
        Epochs, shape (E,), and accuracies, %, shape (seeds, E).

    Raises:
        ValueError: seeds differ in their epochs.
    """
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        accuracy = 100 * float(row[f"{part}_accuracy"])
        found.setdefault(row["seed"], {})[int(row["epoch"])] = accuracy
    epochs = [sorted(of_seed) for of_seed in found.values()]
    if any(others != epochs[0] for others in epochs):
        raise ValueError("seeds have different epochs")
    accuracies = [[of_seed[epoch] for epoch in epochs[0]] for of_seed in found.values()]
    return np.array(epochs[0], dtype=np.float64), np.array(accuracies)


def chance(data: str) -> float:
    """Accuracy of a guess, %."""
    return 100 / CLASSES.get(data, 10)


def _of(rows: Sequence[Row], data: str, learner: str) -> list[Row]:
    return [row for row in rows if row["data"] == data and row["learner"] == learner]


def format_table(rows: Sequence[Row]) -> str:
    """Accuracies after the last epoch, and BP's at its best, as Markdown."""
    cells = []
    for data in dict.fromkeys(row["data"] for row in rows):
        for learner, label in LEARNERS.items():
            mine = _of(rows, data, learner)
            if not mine:
                continue
            first = mine[0]
            train, test = (curves(mine, part)[1] for part in PARTS)
            rates = f"{float(first['eta']):.3g}"
            if learner != "bp":
                rates += f", {float(first['decor_rate']):.3g}"
            times = [float(row["seconds"]) for row in mine if row["epoch"] != "0"]
            cells.append(
                (
                    data,
                    label,
                    rates,
                    first["epochs"],
                    f"{len(train)}",
                    span(train[:, -1].tolist()),
                    span(test[:, -1].tolist()),
                    f"{test.max():.1f}",
                    f"{np.median(times):.1f}",
                )
            )
    heads = (
        "images",
        "learner",
        "η, ε",
        "epochs",
        "seeds",
        "training accuracy at the end, %",
        "test accuracy at the end, %",
        "best test accuracy, %",
        "s an epoch",
    )
    return markdown(heads, cells)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Draw the curves, a column a set of images, training above test."""
    names = list(dict.fromkeys(row["data"] for row in rows))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(max(8.0, 4.2 * len(names)), 7.0))
        grid: Any = figure.subplots(2, len(names), sharex="col", sharey="col", squeeze=False)
        for column, data in enumerate(names):
            for axes, (part, label) in zip(grid[:, column], PARTS.items(), strict=True):
                _plot_part(axes, rows, data, part)
                if column == 0:
                    axes.set_ylabel(f"{label} accuracy (%)")
            grid[0, column].set_title(f"{data}: {_effort(rows, data)}", fontsize=10)
            grid[1, column].set_xlabel("epoch")
            grid[1, column].xaxis.set_major_locator(MaxNLocator(integer=True))
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(
            f"three hidden layers of 500; {rows[0]['engine']}\n"
            "lines: mean of the seeds, envelopes: worst to best; noise off in scores",
            fontsize=10,
        )
        figure.savefig(path, dpi=130)


def _effort(rows: Sequence[Row], data: str) -> str:
    mine = [row for row in rows if row["data"] == data]
    images = mine[0]["train_samples"]
    some = "" if images == "all" else f"{int(images):,} images, "
    seeds = len({row["seed"] for row in mine})
    return f"{some}{counted(int(mine[0]['epochs']), 'epoch')}, {counted(seeds, 'seed')}"


def _plot_part(axes: Axes, rows: Sequence[Row], data: str, part: str) -> None:
    for k, (learner, look) in enumerate(zip(LEARNERS, _LOOKS, strict=False)):
        mine = _of(rows, data, learner)
        if not mine:
            continue
        epochs, found = curves(mine, part)
        colour = COLOURS[k]
        axes.fill_between(
            epochs, found.min(axis=0), found.max(axis=0), color=colour, alpha=0.25, linewidth=0
        )
        every = max(1, len(epochs) // _MARKS)
        axes.plot(
            epochs,
            found.mean(axis=0),
            color=colour,
            markevery=(k * every // 2, every),
            markersize=4,
            label=LEARNERS[learner],
            **look,
        )
    top = max(
        100 * float(row[f"{p}_accuracy"]) for row in rows if row["data"] == data for p in PARTS
    )
    axes.set_ylim(0, 1.12 * top)
    upper = _of(rows, data, "bp")
    if upper:
        best = curves(upper, part)[1].max()
        axes.axhline(best, color="black", linewidth=1.4, label="BP at its best")
        _name(axes, best, f"BP {best:.1f} %", "black")
    axes.axhline(chance(data), color=_CHANCE, linestyle=":", linewidth=1.6, label="chance")
    _name(axes, chance(data), f"chance {chance(data):g} %", _CHANCE)


def _name(axes: Axes, height: float, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (0.99, height),
        (0, 2),
        ("axes fraction", "data"),
        "offset points",
        ha="right",
        va="bottom",
        fontsize=8,
        color=colour,
    )

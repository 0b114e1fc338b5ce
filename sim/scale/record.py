"""What a training leaves in its folder, and what it prints at its end."""

import math
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from circuits.network import format_layers
from learning import Model
from learning.datasets.published import DIGITS
from sim.pace import format_duration
from sim.record import HISTORY, RunFolder
from sim.scale.checkpoint import versions
from sim.scale.config import ScaleConfig
from sim.scale.device import engine
from sim.scale.preparation import Setup
from sim.scale.title import counted, figure_title, layers_of, noise_of, part_of
from sim.scale.trained import Trained
from sim.scale.training import Row, Training

SUMMARY = "summary.json"

_NEURONS = 100  # of a circuit that is scored in minutes, at most

CIRCUIT = "circuit.toml"
"""The circuit that a cell stands for, drawn offsets included, as `sim.run --config` takes it."""


def write_found(training: Training, folder: RunFolder, ended: str) -> None:
    """Write history, weights, figure, and last the summary.

    Args:
        training: at its end, or where it was stopped.
        folder: of the training.
        ended: finished, stopped or diverged.

    Raises:
        WriteError: the folder does not take it.
    """
    setup = training.setup
    folder.write_rows(HISTORY, training.history)
    folder.write_weights(_models(setup), {})
    if setup.cell is not None:
        folder.write_text(CIRCUIT, setup.cell.circuit_toml())
    loss = f"loss: {setup.config.learning.loss} ({setup.loss.unit})"

    def plot(path: Path) -> None:
        from sim.scale.figure import plot_curves  # noqa: PLC0415  # matplotlib: most of a second

        plot_curves(
            training.history,
            figure_title(setup, training.epochs),
            loss,
            path,
            held_out=setup.data.test is not None,
            classes=setup.data.classes or 0,
        )

    folder.write_figure("curves.png", plot)
    folder.write_json(SUMMARY, summarise(training, ended))


def _models(setup: Setup) -> Mapping[str, Model]:
    """Start and learned model; with a cell, what its resistors make of the latter as well."""
    models = {"start": setup.start, "ideal": setup.network.to_model()}
    if setup.cell is not None:
        models["programmed"] = setup.cell.as_built(models["ideal"])
    return models


def summarise(training: Training, ended: str) -> dict[str, Any]:
    """The contents of `summary.json`; losses in nat or V², times in s."""
    setup, history = training.setup, training.history
    config = setup.config
    scored = [row for row in history if math.isfinite(row["test_loss"])]
    best = max(
        scored,
        key=lambda row: row["test_accuracy"] if setup.data.classes else -row["test_loss"],
        default=None,
    )
    return {
        "data": config.data.name,
        "source": setup.data.source,
        "layers": list(config.network.layers or ()),
        "rule": config.learning.rule,
        "seed": config.seed,
        "engine": engine(setup.device),
        "epochs": training.epochs,
        "epochs_asked": config.learning.epochs,
        "finished": ended == "finished",
        "ended": ended,
        "samples": setup.data.train.samples,
        "test_samples": setup.data.test.samples if setup.data.test else 0,
        "loss_name": config.learning.loss,
        "start": _figures(history[0]) if history else None,
        "end": _figures(scored[-1]) if scored else None,
        "best": _figures(best) if best else None,
        "skipped_updates": sum(row["skipped"] for row in history),
        "noise": {
            "source": config.circuit.noise.source if setup.noise else None,
            "sigma_v": setup.noise.sigma if setup.noise else None,
            "in_scores": config.evaluation.noise,
        },
        "cell": config.cell,
        "device": setup.about_device,
        "precision": config.precision,
        "time": {"total_s": sum(row["seconds"] for row in history)},
        "versions": versions(),
        "config": config.model_dump(mode="json", exclude_none=True),
    }


def _figures(row: Row) -> dict[str, float]:
    names = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy")
    return {name: row[name] for name in names}


def print_report(console: Console, setup: Setup, trained: Trained) -> None:
    """Print scores at the start, at the end and at their best, and facts."""
    config, classes = setup.config, setup.data.classes
    scored = [row for row in trained.history if math.isfinite(row["test_loss"])]
    if not scored:
        return
    title = (
        f"{config.data.name} {layers_of(config)}{part_of(setup)}, {config.learning.rule}, "
        f"{counted(trained.epochs, 'epoch')} of {config.learning.epochs or 0:,}, seed "
        f"{config.seed}: {engine(setup.device)}"
    )
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("epoch", justify="right")
    for part in ("train", "test") if setup.data.test else ("train",):
        table.add_column(f"{part} loss", justify="right")
        if classes:
            table.add_column(f"{part} accuracy", justify="right")
    for label, row in _told(scored, classes):
        cells = []
        for part in ("train", "test") if setup.data.test else ("train",):
            cells.append(f"{row[f'{part}_loss']:.4g}")
            if classes:
                cells.append(f"{100 * row[f'{part}_accuracy']:.2f} %")
        table.add_row(label, f"{row['epoch']:,.0f}", *cells)
    console.print(table, soft_wrap=not console.is_terminal)
    for what, fact in _facts(setup, trained):
        console.print(f"{what:<16} {fact}", soft_wrap=True)


def _told(scored: list[Row], classes: int | None) -> Iterator[tuple[str, Row]]:
    yield "at the start", scored[0]
    if len(scored) > 1:
        if classes:
            yield "best on test", max(scored, key=lambda row: row["test_accuracy"])
        yield "at the end", scored[-1]


def _facts(setup: Setup, trained: Trained) -> Iterator[tuple[str, str]]:
    config, samples = setup.config, setup.data.scored_train.samples
    yield "noise", noise_of(setup)
    yield (
        "scored on",
        (
            f"{counted(samples, 'training sample')}"
            + (f" and {counted(setup.data.test.samples, 'test sample')}" if setup.data.test else "")
            + (", the noise on" if config.evaluation.noise else ", the noise off")
        ),
    )
    if config.learning.rule in ("anp", "danp"):
        skipped = sum(row["skipped"] for row in trained.history)
        yield "skipped updates", f"{skipped:,.0f} (both passes the same)"
    yield "time", f"{format_duration(trained.seconds)} on {setup.about_device['kind']}, no SPICE"
    if trained.finished:
        yield "next", _next_step(config, trained.folder)


def _next_step(config: ScaleConfig, folder: Path) -> str:
    """The command that looks at a finished training: in SPICE, where a circuit can be that."""
    layers, data = config.network.layers or (), config.data
    fits = config.network.leak == config.circuit.activation.negative_slope
    small = sum(layers[1:]) <= _NEURONS
    same = data.train_samples is None and data.test_samples is None  # are held out by default
    if data.name != DIGITS or data.scale != "volts" or not (fits and small and same):
        return f"tensorboard --logdir {shlex.quote(str(folder.parent))} (pip install tensorboard)"
    seed = f" --seed {config.seed}" if config.seed else ""
    circuit, start = "", shlex.quote(str(folder / "weights.npz"))
    if config.cell:
        circuit, start = f" --config {shlex.quote(str(folder / CIRCUIT))}", f"{start}:programmed"
    return (
        f"score it in SPICE: python -m sim.run{circuit} --task digits --layers "
        f"{format_layers(layers)}{seed} --start {start} --epochs 0"
    )

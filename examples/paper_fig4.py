"""The paper's Fig. 4: three hidden layers of 500, DANP beside backpropagation, over the epochs.

DANP learns under simulated noise, a hidden Markov chain at every node, and under measured-like
noise: the paper's measured series is not part of this project, so one such chain is written as a
recording of 100 million samples (the paper's 2,500 s at 40 kHz) and read in the paper's order,
sample after sample for all nodes. Envelopes reach from the worst to the best of the seeds, the
black line is BP's best accuracy of all epochs and seeds, the red one chance. Rates are those of
Table 1 (`--preset fig4-mnist` of `python -m learning.train`), the noise is held off where
networks are scored.

The paper trains 1,000 epochs and more; `--epochs` says how many it is here, and so does the
picture. Each training has a folder in `--out`: those that are finished are not run again, one that
was stopped goes on. No SPICE: mathematics, in torch.
"""

import csv
import itertools
import json
import math
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from paper_fig4_picture import LEARNERS, format_table, plot
from paper_rows import DATA, Row, read_rows, write_rows

from circuits.sampled import HmmParameters
from netlists.commandline import execute
from sim.errors import UserError
from sim.record import CONFIG, HISTORY

if TYPE_CHECKING:
    from sim.scale import ScaleConfig

NAME = "paper_fig4"
OUT = Path("runs/paper-fig4")
COLUMNS = (
    "data", "learner", "eta", "decor_rate", "epochs", "train_samples", "seed", "epoch",
    "train_accuracy", "test_accuracy", "seconds", "engine",
)  # fmt: skip
SUMMARY = "summary.json"
_SERIES_SEED = 0
_RECORDING = "circuit.noise.measured.file"
_PLACES = ("data.data_dir", "data.download", "device", "checkpoint_every")


@dataclass(frozen=True)
class Effort:
    """How much is trained.

    Attributes:
        epochs: times through the training images.
        seeds: from 0.
        data_dir: folder of the images' files.
        download: fetch those that are not there.
        train_samples: how many images; all where left out.
        device: auto, cpu or cuda.
        eta: of DANP; of the preset where left out.
        decor_rate: likewise.
        series_samples: in the measured-like recording.
    """

    epochs: int = 20
    seeds: int = 5
    data_dir: Path | None = None
    download: bool = False
    train_samples: int | None = None
    device: str = "auto"
    eta: float | None = None
    decor_rate: float | None = None
    series_samples: int = 100_000_000


def configuration(
    data: str, learner: str, seed: int, effort: Effort, series: Path
) -> "ScaleConfig":
    """The configuration of one training.

    Args:
        data: name of images.
        learner: simulated, measured or bp.
        seed: of start, noise and order.
        effort: how much.
        series: the measured-like recording.
    """
    from sim.scale import configure  # noqa: PLC0415
    from sim.scale.presets import PRESETS  # noqa: PLC0415

    settings: dict[str, Any] = {
        "seed": seed,
        "device": effort.device,
        "data.name": data,
        "data.data_dir": None if effort.data_dir is None else str(effort.data_dir),
        "data.download": effort.download,
        "data.train_samples": effort.train_samples,
        "learning.epochs": effort.epochs,
    }
    if learner == "bp":
        settings["learning.rule"] = "bp"
    else:
        settings |= {"learning.eta": effort.eta, "learning.decor_rate": effort.decor_rate}
    if learner == "measured":
        settings |= {
            "circuit.noise.source": "measured",
            "circuit.noise.measured.file": str(series),
            "circuit.noise.measured.sample_time": HmmParameters().sample_time,
        }
    preset = f"fig4-{data}" if f"fig4-{data}" in PRESETS else "fig4-mnist"
    return configure(preset, settings)


def train(config: "ScaleConfig", folder: Path) -> list[dict[str, float]]:
    """Train, go on with a training that was stopped, or read back one that is finished.

    Returns:
        A row an epoch, the start as epoch 0.

    Raises:
        UserError: the folder holds a training of other settings.
    """
    from sim.scale import train as train_at_scale  # noqa: PLC0415

    if not (folder / CONFIG).is_file():
        return train_at_scale(config, folder, quiet=False).history
    _require_same(config, folder)
    if not _finished(folder):
        return train_at_scale(out=folder, resume=True, quiet=False).history
    with (folder / HISTORY).open(encoding="utf8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _finished(folder: Path) -> bool:
    """Whether the training in a folder is at its end; one that was killed has no summary."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf8"))
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and bool(summary.get("finished"))


def _require_same(config: "ScaleConfig", folder: Path) -> None:
    """Refuse a folder whose training is another; where files are does not make it one."""
    from sim.scale import configure  # noqa: PLC0415

    there = _settings(configure(config=folder / CONFIG))
    for name, wanted in _settings(config).items():
        if there.get(name) != wanted:
            raise UserError(
                f"{folder}: holds a training whose {name} is {there.get(name)}, wanted {wanted}; "
                "name another --out, or move it away"
            )


def _settings(config: "ScaleConfig") -> dict[str, Any]:
    """What a training's figures depend on, by dotted path; layers follow from the data."""
    found = dict(_flat(config.model_dump(exclude={"network": {"layers"}})))
    recording = found[_RECORDING]
    return {name: value for name, value in found.items() if name not in _PLACES} | {
        _RECORDING: recording and Path(recording).name
    }


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def write_recording(folder: Path, samples: int) -> Path:
    """The measured-like series, written where it is not there yet.

    Args:
        folder: in which it is, or will be.
        samples: how many.
    """
    from sim.scale.noise import measured_like, write_series  # noqa: PLC0415

    series = folder / f"measured-like-{samples}"
    if not series.exists():
        print(f"writing a measured-like series of {samples:,} samples …", flush=True)
        draft = folder / f".{series.name}.part"
        shutil.rmtree(draft, ignore_errors=True)  # of a run that was stopped
        rng = np.random.default_rng(_SERIES_SEED)
        write_series(draft, measured_like(HmmParameters(), samples, rng))
        draft.rename(series)
    return series


def measure(data: str, learner: str, seed: int, out: Path, effort: Effort) -> Iterator[Row]:
    """Train, and give a row an epoch."""
    import torch  # noqa: PLC0415

    series = out / "none"
    if learner == "measured":
        series = write_recording(out, effort.series_samples)
    config = configuration(data, learner, seed, effort, series)
    folder = out / data / learner / f"seed{seed}"
    print(f"\n{data}, {LEARNERS[learner]}, seed {seed}: {folder}", flush=True)
    for epoch in train(config, folder):
        if math.isnan(epoch["test_accuracy"]):  # between epochs that are scored
            continue
        yield {
            "data": data,
            "learner": learner,
            "eta": repr(config.learning.eta),
            "decor_rate": repr(config.learning.decor_rate),
            "epochs": str(effort.epochs),
            "train_samples": str(effort.train_samples or "all"),
            "seed": str(seed),
            "epoch": f"{epoch['epoch']:.0f}",
            "train_accuracy": f"{epoch['train_accuracy']:.6g}",
            "test_accuracy": f"{epoch['test_accuracy']:.6g}",
            "seconds": f"{epoch['seconds']:.4g}",
            "engine": f"mathematics (torch {torch.__version__})",
        }


def main(
    out: Path = OUT, data: Sequence[str] = ("mnist",), effort: Effort | None = None
) -> list[Row]:
    """Train what is missing, print a table, write `paper_fig4.csv` and `paper_fig4.png`.

    Args:
        out: folder of both, and of the trainings.
        data: names of images; rows of others that the table holds stay in it and in the picture.
        effort: how much is trained.

    Returns:
        All rows.
    """
    effort = effort or Effort()
    path = out / f"{NAME}.csv"
    read_rows(path, COLUMNS)  # before hours of training: is it ours?
    found = [
        row
        for name, learner, seed in itertools.product(data, LEARNERS, range(effort.seeds))
        for row in measure(name, learner, seed, out, effort)
    ]
    kept = [row for row in read_rows(path, COLUMNS) if row["data"] not in data]
    rows = sorted(kept + found, key=lambda row: DATA.index(row["data"]))
    write_rows(path, COLUMNS, rows)
    print(f"\n{format_table(rows)}\n\n{path} and .png")
    plot(rows, out / f"{NAME}.png")
    return rows


_RATE = click.FloatRange(0, min_open=True)


@click.command()
@click.option(
    "--data", multiple=True, type=click.Choice(DATA), default=("mnist",), show_default=True
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the images' files.")
@click.option("--download", is_flag=True, help="Fetch the files that are not there.")
@click.option(
    "--epochs", type=click.IntRange(1), default=20, show_default=True, help="Paper: 1000."
)
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="From 0.")
@click.option("--train-samples", type=click.IntRange(1), help="Training images.  [default: all]")
@click.option("--eta", type=_RATE, help="η of DANP.  [default: Table 1]")
@click.option("--decor-rate", type=_RATE, help="ε of DANP.  [default: Table 1]")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(
    "--series-samples",
    type=click.IntRange(1000),
    default=100_000_000,
    show_default=True,
    help="Of the measured-like recording.",
)
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
def command(out: Path, data: Sequence[str], **given: Any) -> None:
    """The paper's Fig. 4: DANP under simulated and measured-like noise, and BP, over epochs."""
    main(out, tuple(dict.fromkeys(data)), Effort(**given))


if __name__ == "__main__":
    sys.exit(execute(command, None, "paper_fig4.py"))

"""The paper's Fig. 3: how much a single layer minds its learning rate and its noise.

ANP trains 784-10 on MNIST (cross-entropy, Adam, batches of 64) over a grid of learning rates η and
of noise: Gaussian of variance σ², or n coins that are up with probability p and whose two levels
lie α · 11.86 mV apart, as those of the paper's junction do at α = 1. One coin is its Bernoulli
source, several are a binomial one. Points are medians over all that the panel does not show, error
bars reach from the least to the largest; BP over the same η gives the grey line. Accuracies are
those of the training images, all of them, with the noise held off.

The paper trains 100 epochs; `--epochs` says how many it is here, and so does the picture. What the
paper swept over is not printed beyond BP's η: the grid is ours, and options change it. Settings are
kept in `paper_fig3.csv` as they finish, and not trained again. No SPICE: mathematics, in torch.
"""

import itertools
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
from paper_fig3_picture import format_table, plot
from paper_rows import DATA, Row, Several, read_rows, write_rows

from netlists.commandline import execute
from sim.lock import locked

NAME = "paper_fig3"
OUT = Path("runs/paper-fig3")
SETTING = ("rule", "noise", "eta", "variance", "scale", "sources", "probability")
TRAINING = ("data", "epochs", "train_samples", "seed")
FOUND = ("train_accuracy", "test_accuracy", "seconds", "engine")
COLUMNS = (*SETTING, *TRAINING, *FOUND)


@dataclass(frozen=True)
class Grid:
    """What is swept.

    Attributes:
        halvings: k of η = 0.1 · 2⁻ᵏ.
        variances: σ² of Gaussian noise, V².
        scales: α, factor on the distance of a coin's levels, 1.
        sources: n, coins at a node; one is a Bernoulli source, several a binomial one.
        probabilities: p of a coin to be up.
    """

    halvings: tuple[int, ...] = tuple(range(10))
    variances: tuple[float, ...] = (1e-8, 1e-6, 1e-4, 1e-2, 1.0)
    scales: tuple[float, ...] = (0.01, 1.0, 100.0)
    sources: tuple[int, ...] = (1, 4, 16)
    probabilities: tuple[float, ...] = (0.1, 0.5, 0.9)

    def settings(self) -> Iterator[Row]:
        """All of them: BP, Gaussian noise, coins."""
        etas = [0.1 * 2.0**-k for k in self.halvings]
        for eta in etas:
            yield _setting("bp", "none", eta)
        for eta, variance in itertools.product(etas, self.variances):
            yield _setting("anp", "gaussian", eta, variance=variance)
        for eta, scale, n, p in itertools.product(
            etas, self.scales, self.sources, self.probabilities
        ):
            kind = "bernoulli" if n == 1 else "binomial"
            yield _setting("anp", kind, eta, scale=scale, sources=n, probability=p)


def _setting(rule: str, noise: str, eta: float, **of_noise: float) -> Row:
    values = {"rule": rule, "noise": noise, "eta": repr(eta)}
    return values | {
        name: f"{of_noise[name]:g}" if name in of_noise else "" for name in SETTING[3:]
    }


@dataclass(frozen=True)
class Effort:
    """How each setting is trained.

    Attributes:
        data: a name of images.
        data_dir: folder of their files.
        download: fetch those that are not there.
        epochs: times through the training images.
        train_samples: how many images; all where left out.
        seed: of start, noise and order.
        jobs: processes.
    """

    data: str = "mnist"
    data_dir: Path | None = None
    download: bool = False
    epochs: int = 5
    train_samples: int | None = None
    seed: int = 0
    jobs: int = 1

    def row(self, setting: Row) -> Row:
        """What a setting's row begins with."""
        samples = "all" if self.train_samples is None else str(self.train_samples)
        return {
            **setting,
            "data": self.data,
            "epochs": str(self.epochs),
            "train_samples": samples,
            "seed": str(self.seed),
        }


def configuration(setting: Row, effort: Effort) -> Any:
    """The training of a setting."""
    from sim.scale import configure  # noqa: PLC0415  # an import of a second, where all is kept

    settings: dict[str, Any] = {
        "seed": effort.seed,
        "threads": 1,  # ten outputs leave nothing to share out
        "data.name": effort.data,
        "data.data_dir": None if effort.data_dir is None else str(effort.data_dir),
        "data.download": effort.download,
        "data.train_samples": effort.train_samples,
        "learning.rule": setting["rule"],
        "learning.eta": float(setting["eta"]),
        "learning.epochs": effort.epochs,
        "evaluation.every": max(effort.epochs, 1),
        "evaluation.train_samples": 1_000_000,  # all
    }
    noise = setting["noise"]
    if noise == "gaussian":
        settings["circuit.noise.gaussian.sigma"] = math.sqrt(float(setting["variance"]))
    elif noise != "none":
        settings["circuit.noise.source"] = noise
        settings[f"circuit.noise.{noise}.skew"] = float(setting["probability"]) - 0.5
        settings["noise.gain"] = float(setting["scale"])
        if noise == "binomial":
            settings["circuit.noise.binomial.n_sources"] = int(setting["sources"])
    return configure("fig3", settings)


def measure(setting: Row, effort: Effort) -> Row:
    """Train one setting and return its row; accuracies of one that diverged are NaN."""
    import torch  # noqa: PLC0415

    from sim.scale import train  # noqa: PLC0415
    from sim.scale.training import DivergedError  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as scratch:
        found: dict[str, float] = dict.fromkeys(FOUND[:3], math.nan)
        try:
            trained = train(configuration(setting, effort), Path(scratch) / "run")
        except DivergedError:
            pass
        else:
            found = {name: trained.history[-1][name] for name in FOUND[:2]}
            found["seconds"] = trained.seconds
    row = {name: f"{value:.6g}" for name, value in found.items()}
    return {**effort.row(setting), **row, "engine": f"mathematics (torch {torch.__version__})"}


def sweep(settings: Sequence[Row], effort: Effort, finished: Callable[[Row], None]) -> None:
    """Train settings, in as many processes as the effort says.

    Args:
        settings: those that are wanted.
        effort: of each.
        finished: told of every row.
    """
    if effort.jobs == 1:
        for setting in settings:
            finished(measure(setting, effort))
        return
    # Processes are spawned: torch's threads do not survive a fork.
    with ProcessPoolExecutor(effort.jobs, get_context("spawn")) as pool:
        asked = [pool.submit(measure, setting, effort) for setting in settings]
        try:
            for answer in as_completed(asked):
                finished(answer.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def main(out: Path = OUT, grid: Grid | None = None, effort: Effort | None = None) -> list[Row]:
    """Train what is missing, print a table, write `paper_fig3.csv` and `paper_fig3.png`.

    Args:
        out: folder of both.
        grid: what is swept.
        effort: how each setting is trained.

    Returns:
        The rows of the grid.
    """
    wanted, effort = list((grid or Grid()).settings()), effort or Effort()
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        rows = _completed(out / f"{NAME}.csv", wanted, effort)
    asked = {_key(effort.row(setting)) for setting in wanted}
    shown = [row for row in rows if _key(row) in asked]
    print(f"\n{format_table(shown)}\n\n{out / NAME}.csv and .png")
    plot(shown, out / f"{NAME}.png")
    return shown


def _completed(path: Path, wanted: Sequence[Row], effort: Effort) -> list[Row]:
    """All rows of the table, once the settings that it lacks are trained."""
    rows = read_rows(path, COLUMNS)
    known = {_key(row) for row in rows}
    missing = [setting for setting in wanted if _key(effort.row(setting)) not in known]
    print(f"{len(wanted)} settings, {len(wanted) - len(missing)} of them finished before")

    def finished(row: Row) -> None:
        rows.append(row)
        write_rows(path, COLUMNS, rows)
        print(f"{len(rows) - len(known)}/{len(missing)}  {_told(row)}", flush=True)

    sweep(missing, effort, finished)
    return rows


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in (*SETTING, *TRAINING))


def _told(row: Row) -> str:
    what = " ".join(f"{name} {row[name]}" for name in SETTING[2:] if row[name])
    return f"{row['rule']} {row['noise']} {what}: {100 * float(row['train_accuracy']):.1f} %"


@click.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the images' files.")
@click.option("--download", is_flag=True, help="Fetch the files that are not there.")
@click.option("--data", type=click.Choice(DATA), default="mnist", show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=5, show_default=True, help="Paper: 100.")
@click.option("--train-samples", type=click.IntRange(1), help="Training images.  [default: all]")
@click.option("--halvings", type=Several(int, 0, 40), help="k of η = 0.1·2⁻ᵏ.  [default: 0,…,9]")
@click.option(
    "--variances", type=Several(float, 0, 1e6, open_ends=True), help="σ² of Gaussian noise, V²."
)
@click.option(
    "--scales", type=Several(float, 0, 1e6, open_ends=True), help="α, factors on 11.86 mV."
)
@click.option("--sources", type=Several(int, 1, 1024), help="Coins at a node.")
@click.option(
    "--probabilities", type=Several(float, 0, 1, open_ends=True), help="Of a coin to be up."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Processes."
)
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
def command(out: Path, **given: Any) -> None:
    """The paper's Fig. 3: accuracies of a single layer over learning rates and noise."""
    axes = {f.name: given.pop(f.name) for f in fields(Grid)}
    grid = Grid(**{name: values for name, values in axes.items() if values is not None})
    main(out, grid, Effort(**given))


if __name__ == "__main__":
    sys.exit(execute(command, None, "paper_fig3.py"))

"""A Monte Carlo: how many chips learn, of parts that all differ.

Chips of 2-2-2-1 are drawn with the typical spreads of `circuits.mismatch.TYPICAL`: resistors,
op-amps, diodes and junctions. Each is trained in the loop, in ngspice, beside the ideal twin, which
meets the noise of its junctions and knows of no other mismatch; then the twin's weights are
transferred to it. A chip learns where its loss is at most twice the twin's. Every chip is compared
with the one of nominal parts, too.

The training is the smallest, in steps of five epochs, by which the chip of nominal parts has
learned and stands still: 25 epochs of 50 samples at η = 0.08 lower its loss 165-fold, to 1.05 times
the twin's. The seed is one whose task that chip solves: no yield can be read from one that it does
not. `--seeds` takes others; the median over them counts, chip by chip.

Stop it whenever you like: the same command goes on. `danp-cosim explore` shows the rest.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from monte_carlo_picture import Series, plot
from numpy.typing import NDArray
from paper_rows import KEPT, PICTURES, Row, Several, markdown, write_rows

from netlists.commandline import execute
from sim.explore.opened import Sweep, open_sweep
from sim.explore.yields import Yield, wilson
from sim.sweep import sweep
from sim.sweep.measures import DONE
from sim.sweep.planning import plan_of

Array = NDArray[np.float64]

NAME = "monte-carlo"
OUT = Path("runs") / NAME
COLUMNS = ("chip", "seed", "state", "start_in_loop", "ideal", "in_loop", "transfer", "engine")
"""Losses in V²; of mathematics is `ideal` alone."""
AS_DESIGNED = "nominal"
"""In place of a chip's number: the chip of nominal parts."""
MEASURES = {"in_loop": "trained in the loop", "transfer": "the twin's weights transferred"}
TWIN, NOMINAL = "ideal twin", "chip of nominal parts"
WITHIN = 2.0
"""Factor within which a chip that learns comes to what it is compared with."""


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes:
        chips: how many, numbers 0, 1, …
        seeds: of the training, each on every chip.
        epochs: of a training.
        samples: of an epoch.
        eta: learning rate η, 1.
        jobs: worker processes.
        scheduler: address of one that has workers already.
    """

    chips: int = 200
    seeds: tuple[int, ...] = (3,)
    epochs: int = 25
    samples: int = 50
    eta: float = 0.08
    jobs: int = 2
    scheduler: str | None = None

    @property
    def title(self) -> str:
        """In words."""
        return f"{self.chips} chips of 2-2-2-1, {self.epochs} epochs of {self.samples} samples"

    def plans(self) -> Mapping[str, Mapping[str, Any]]:
        """The sweeps, by the folder that each is in: chips, and the one of nominal parts."""
        settings = {
            "task.layers": "2,2,2,1",
            "task.epochs": self.epochs,
            "task.samples": self.samples,
            "learning.eta": self.eta,
        }
        common = {"seeds": list(self.seeds), "set": settings}
        return {
            "nominal": {"title": "2-2-2-1 of nominal parts", **common},
            f"chips-{self.chips}": {
                "title": f"{self.chips} chips of 2-2-2-1",
                "chips": self.chips,
                **common,
            },
        }


@dataclass(frozen=True)
class Chips:
    """What became of the chips.

    Attributes:
        ratios: loss over that of what it is compared with, by loss and by that, (chips,); the
            median over seeds; inf where it failed or diverged.
        losses: by loss, (chips,), V²; the same median; NaN where it failed or diverged.
        nominal: of the chip of nominal parts, by loss, V²; median over seeds.
        twin: loss of that chip's twin, V²; likewise.
        fall: by which factor the nominal chip's loss falls in its training.
        not_done: chips with a point that failed or diverged.
    """

    ratios: Mapping[tuple[str, str], Array]
    losses: Mapping[str, Array]
    nominal: Mapping[str, float]
    twin: float
    fall: float
    not_done: int

    def yield_of(self, loss: str, compared_with: str, within: float) -> Yield:
        """The share of chips within a factor, with Wilson's interval."""
        ratios = self.ratios[loss, compared_with]
        return wilson(int((ratios <= within).sum()), ratios.size)


def run(out: Path, effort: Effort) -> Iterator[Row]:
    """Compute what is missing of both sweeps; a row a point.

    Args:
        out: folder of the sweeps, and of the points that both share.
        effort: how much.
    """
    for name, tree in effort.plans().items():
        folder = out / name
        sweep(
            plan_of(tree, name), folder, jobs=effort.jobs, scheduler=effort.scheduler, quiet=False
        )
        yield from rows_of(open_sweep(folder), effort.seeds)


def rows_of(found: Sweep, seeds: Sequence[int]) -> Iterator[Row]:
    """The points of a sweep over chips and seeds, or over seeds alone, as the CSV file has them."""
    _, chips, _ = found.state.shape
    numbered = "chip" in found.data.coords
    losses = {name: found.values(name)[0] for name in COLUMNS[3:-1]}
    for chip, (k, seed) in itertools.product(range(chips), enumerate(seeds)):
        row = {
            "chip": str(int(found.data["chip"][chip])) if numbered else AS_DESIGNED,
            "seed": str(seed),
            "state": str(found.state[0, chip, k]),
            **{name: f"{values[chip, k]:.6g}" for name, values in losses.items()},
            "engine": found.measure("in_loop").engine,
        }
        yield row


def evaluate(rows: Sequence[Row]) -> Chips:
    """Compare chips with their twins and with the chip of nominal parts, seed by seed."""
    by_chip: dict[str, list[Row]] = {}
    for row in rows:
        by_chip.setdefault(row["chip"], []).append(row)
    nominal = by_chip.pop(AS_DESIGNED)
    chips = list(by_chip.values())
    done = np.array([[row["state"] == DONE for row in seeds] for seeds in chips])

    def table(name: str, of: Sequence[Sequence[Row]] = chips) -> Array:
        return np.array([[float(row[name]) for row in seeds] for seeds in of])

    ratios, losses = {}, {}
    for loss in MEASURES:
        values = np.where(done, table(loss), np.nan)
        losses[loss] = np.median(values, axis=1)
        for what, others in ((TWIN, table("ideal")), (NOMINAL, table(loss, [nominal]))):
            ratio = np.where(done, values / others, np.inf)
            ratios[loss, what] = np.median(ratio, axis=1)
    start, end = table("start_in_loop", [nominal]), table("in_loop", [nominal])
    return Chips(
        ratios,
        losses,
        {loss: float(np.median(table(loss, [nominal]))) for loss in MEASURES},
        float(np.median(table("ideal", [nominal]))),
        float(np.median(start / end)),
        int((~done).any(axis=1).sum()),
    )


def report(found: Chips, title: str) -> str:
    """What was found, for people."""
    rows = []
    for (loss, compared_with), ratios in found.ratios.items():
        one = found.yield_of(loss, compared_with, WITHIN)
        interval = f"{100 * one.low:.1f} to {100 * one.high:.1f} %"
        rows.append(
            (
                MEASURES[loss], compared_with, f"{WITHIN:g} ×", f"{one.learning} of {one.chips}",
                f"{100 * one.share:.1f} %", interval, f"{np.median(ratios):.3g}",
            )
        )  # fmt: skip
    heads = (
        "circuit", "loss compared with", "within", "chips", "yield", "95 % interval (Wilson)",
        "median ratio",
    )  # fmt: skip
    nominal = ", ".join(f"{MEASURES[loss]} {value:.3g}" for loss, value in found.nominal.items())
    return f"""
{title}
twin (mathematics): loss {found.twin:.3g} V²
chip of nominal parts (ngspice): {nominal} V²; its training lowers the loss {found.fall:.3g}-fold
chips that failed or diverged, and count as not learning: {found.not_done}

{markdown(heads, rows)}
"""


def draw(rows: Sequence[Row], path: Path) -> None:
    """The picture of rows."""
    found = evaluate(rows)
    chips = next(iter(found.losses.values())).size
    series = [
        Series(text, found.losses[loss], found.nominal[loss], found.ratios[loss, TWIN])
        for loss, text in MEASURES.items()
    ]
    plot(series, found.twin, f"{chips} chips of 2-2-2-1 (ngspice), all parts drawn", path)


def main(
    out: Path = OUT,
    effort: Effort | None = None,
    results: Path | None = None,
    pictures: Path | None = None,
) -> Chips:
    """Compute what is missing, print yields, write `monte-carlo.csv` and `monte-carlo.png`.

    Args:
        out: folder of the sweeps.
        effort: how much is computed.
        results: folder of the CSV file; by default `out`.
        pictures: folder of the picture; likewise.
    """
    effort = effort or Effort()
    begun = time.perf_counter()
    rows = list(run(out, effort))
    seconds = time.perf_counter() - begun
    found = evaluate(rows)
    seeds = ", ".join(map(str, effort.seeds))
    print(report(found, f"{effort.title}, η = {effort.eta:g}, seed {seeds}"))
    workers = f"workers of {effort.scheduler}" if effort.scheduler else f"{effort.jobs} workers"
    print(f"{seconds:.0f} s now, by {workers}, without the points that were known")
    table, picture = (results or out) / f"{NAME}.csv", (pictures or out) / f"{NAME}.png"
    write_rows(table, COLUMNS, rows)
    draw(rows, picture)
    print(f"{table} and {picture}; every part: danp-cosim explore {out}/chips-{effort.chips}")
    return found


@click.command()
@click.option("--chips", type=click.IntRange(1), default=200, show_default=True)
@click.option(
    "--seeds", type=Several(int, 0, 2**31), default=(3,), help="Of the training.  [default: 3]"
)
@click.option("--epochs", type=click.IntRange(0), default=25, show_default=True)
@click.option("--samples", type=click.IntRange(1), default=50, show_default=True)
@click.option(
    "--eta", type=click.FloatRange(0, min_open=True), default=0.08, show_default=True, help="η."
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=2, show_default=True, help="Processes."
)
@click.option("--scheduler", help="Address of a dask scheduler that has workers.")
@click.option("--out", type=click.Path(path_type=Path), default=OUT, show_default=True)
@click.option("--keep", is_flag=True, help="Numbers and picture go to docs/ in place of --out.")
def command(out: Path, keep: bool, **given: Any) -> None:
    """A Monte Carlo of 2-2-2-1: how many chips of differing parts learn."""
    main(out, Effort(**given), *((KEPT, PICTURES) if keep else ()))


if __name__ == "__main__":
    sys.exit(execute(command, None, "monte_carlo.py"))

"""Which device learns: weights on few levels, and on devices that are worse than that.

2-2-2-1 is trained in the loop, in ngspice, with every weight written to a device: one of 2 to 256
levels, spaced evenly or in even ratios, preferred values of resistors, a digital potentiometer, a
magnetic domain wall of 2, 3 or 5 states, an oxide RRAM by weak RESET; and, to compare with, to the
ideal resistor. The learner keeps weights of its own in high precision, which it writes (the
accumulator), or has nothing but what the devices hold. Beside that the ideal twin's weights are
transferred: written once.

R_min is 50 kΩ, so that weights reach ±2: the trained ones of these seeds end within ±1.4. The
default of 10 kΩ would spread the levels over ±10; a second sweep shows what that costs. A device
can be judged only where the rest learns: the seeds are those of 3, 4, 8, 12 to 29 whose loss falls
more than a hundredfold with ideal resistors, in 20 epochs of 50 samples at η = 0.08, less seed 13,
whose weights reach 1.95.

Stop it whenever you like: the same command goes on. Some 15 minutes on two cores.
"""

import itertools
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from paper_rows import KEPT, PICTURES, Row, Several, markdown, write_rows
from write_back_picture import plot

from netlists.commandline import execute
from sim.config import RunConfig
from sim.explore.opened import Sweep, open_sweep
from sim.sweep import sweep
from sim.sweep.measures import DONE
from sim.sweep.planning import plan_of

NAME = "write-back-study"
OUT = Path("runs") / NAME
FIGURES = ("start_in_loop", "ideal", "in_loop", "transfer", "clipped", "writes")
COLUMNS = (
    "device",
    "levels",
    "spacing",
    "accumulator",
    "r_min",
    "seed",
    "state",
    *FIGURES,
    "engine",
)
LEVELS = (2, 3, 4, 8, 16, 32, 64, 128, 256)
FITTED, WIDE = 50e3, 10e3
"""R_min, Ω: weights within ±2; the default, within ±10."""
WITHIN = 2.0
"""Factor on the ideal device's loss within which a device learns."""


@dataclass(frozen=True)
class Device:
    """What weights are written to.

    Attributes:
        name: in words.
        kind: a value of `circuit.write_back.device`.
        levels: that it has; none where they are not counted.
        settings: of its own, by their path in `circuit.write_back`.
    """

    name: str
    kind: str
    levels: int | None
    settings: Mapping[str, Any]

    @property
    def spacing(self) -> str:
        """Of its levels, as the CSV file has it."""
        return str(self.settings.get("levels.spacing", ""))


def of_levels(count: int, spacing: str) -> Device:
    """A device of levels."""
    settings = {"levels.count": count, "levels.spacing": spacing}
    return Device(f"{count} levels, {spacing}", "levels", count, settings)


def devices(levels: Sequence[int]) -> list[Device]:
    """All that are compared, the ideal one first."""
    return [
        Device("ideal", "ideal", None, {}),
        *(of_levels(count, spacing) for spacing in ("linear", "log") for count in levels),
        *(Device(name, "e-series", None, {"e_series.series": name}) for name in ("E24", "E96")),
        Device("digipot", "digipot", 256, {}),
        *(
            Device(f"domain wall, {n}", "domain-wall", n, {"domain_wall.states": n})
            for n in (2, 3, 5)
        ),
        Device("RRAM", "rram-weak-reset", None, {}),
    ]


@dataclass(frozen=True)
class Effort:
    """How much is computed.

    Attributes:
        levels: numbers of levels.
        seeds: of the training, each on every device.
        epochs: of a training.
        samples: of an epoch.
        eta: learning rate η, 1.
        jobs: worker processes.
        scheduler: address of one that has workers already.
    """

    levels: tuple[int, ...] = LEVELS
    seeds: tuple[int, ...] = (3, 20, 22)
    epochs: int = 20
    samples: int = 50
    eta: float = 0.08
    jobs: int = 2
    scheduler: str | None = None

    def plan(self, tried: Sequence[Device], accumulator: Sequence[bool], r_min: float) -> Any:
        """A sweep over devices, with an accumulator or without, and seeds.

        Args:
            tried: devices, side by side.
            accumulator: both, or one alone.
            r_min: smallest weight resistor, Ω.
        """
        paths = dict.fromkeys(path for one in tried for path in one.settings)
        listed = {"circuit.write_back.device": [one.kind for one in tried]}
        for path in paths:
            rest = _default(path)
            listed[f"circuit.write_back.{path}"] = [one.settings.get(path, rest) for one in tried]
        return {
            "title": f"2-2-2-1 on {len(tried)} devices, R_min {r_min:g} Ω",
            "seeds": list(self.seeds),
            "set": {
                "task.layers": "2,2,2,1",
                "task.epochs": self.epochs,
                "task.samples": self.samples,
                "learning.eta": self.eta,
                "circuit.synapse.r_min": r_min,
            },
            "grid": {"circuit.write_back.accumulator": list(accumulator)},
            "list": listed,
        }


def _default(path: str) -> Any:
    found: Any = RunConfig().circuit.write_back
    for name in path.split("."):
        found = getattr(found, name)
    return found


def run(out: Path, effort: Effort) -> list[Row]:
    """Compute what is missing, and return a row a point.

    Args:
        out: folder of both sweeps, and of the points that they share.
        effort: how much.
    """
    linear = [of_levels(count, "linear") for count in effort.levels]
    sweeps = {
        "fitted": (devices(effort.levels), (True, False), FITTED),
        "wide": (linear, (True,), WIDE),
    }
    rows: list[Row] = []
    for name, (tried, accumulator, r_min) in sweeps.items():
        sweep(
            plan_of(effort.plan(tried, accumulator, r_min), name),
            out / name,
            jobs=effort.jobs,
            scheduler=effort.scheduler,
            quiet=False,
        )
        rows += rows_of(open_sweep(out / name), tried, accumulator, r_min, effort.seeds)
    return rows


def rows_of(
    found: Sweep,
    tried: Sequence[Device],
    accumulator: Sequence[bool],
    r_min: float,
    seeds: Sequence[int],
) -> Iterator[dict[str, str]]:
    """A row a point, in the order of the sweep's dimensions.

    Args:
        found: the sweep.
        tried: its devices.
        accumulator: with it, without it, or both.
        r_min: smallest weight resistor, Ω.
        seeds: of the trainings.
    """
    values = {name: found.values(name) for name in FIGURES}  # (settings, 1, seeds)
    engine = found.measure("in_loop").engine
    for setting, (kept, device) in enumerate(itertools.product(accumulator, tried)):
        for k, seed in enumerate(seeds):
            figures = {name: f"{values[name][setting, 0, k]:.6g}" for name in FIGURES}
            yield {
                "device": device.name,
                "levels": "" if device.levels is None else str(device.levels),
                "spacing": device.spacing,
                "accumulator": "yes" if kept else "no",
                "r_min": f"{r_min:g}",
                "seed": str(seed),
                "state": str(found.state[setting, 0, k]),
                **figures,
                "engine": engine,
            }


def report(rows: Sequence[Row]) -> str:
    """Medians over seeds, device by device, as Markdown."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["accumulator"], row["r_min"], row["device"]), []).append(row)
    ideal = {row["seed"]: row for row in groups["yes", f"{FITTED:g}", "ideal"]}
    cells = []
    for (kept, r_min, device), mine in groups.items():
        ratio = float(np.median([loss(row) / loss(ideal[row["seed"]]) for row in mine]))
        cells.append(
            (
                device,
                kept,
                f"{float(r_min) / 1e3:g} kΩ",
                told(mine, "in_loop"),
                told(mine, "transfer"),
                f"{ratio:.3g}",
                "yes" if ratio <= WITHIN else "no",
                f"{sum(row['state'] != DONE for row in mine)}",
            )
        )
    heads = (
        "device",
        "accumulator",
        "R_min",
        "loss in the loop, V²",
        "loss after transfer, V²",
        "in the loop, times the ideal device",
        f"within {WITHIN:g} times",
        "not done",
    )
    return markdown(heads, cells)


def loss(row: Row, which: str = "in_loop") -> float:
    """A row's loss, V²; inf where it failed or diverged."""
    return float(row[which]) if row["state"] == DONE else math.inf


def told(rows: Sequence[Row], which: str) -> str:
    """Median and range over seeds."""
    losses = [loss(row, which) for row in rows]
    return f"{np.median(losses):.2g} ({min(losses):.2g} to {max(losses):.2g})"


def draw(rows: Sequence[Row], path: Path) -> None:
    """The picture of rows."""
    seeds = len({row["seed"] for row in rows})
    plot(rows, f"2-2-2-1 in ngspice, {seeds} seeds: medians, bars from least to most", path)


def main(
    out: Path = OUT,
    effort: Effort | None = None,
    results: Path | None = None,
    pictures: Path | None = None,
) -> list[Row]:
    """Compute what is missing, print a table, write `write-back-study.csv` and `.png`.

    Args:
        out: folder of the sweeps.
        effort: how much is computed.
        results: folder of the CSV file; by default `out`.
        pictures: folder of the picture; likewise.
    """
    effort = effort or Effort()
    begun = time.perf_counter()
    rows = run(out, effort)
    print(f"\n{report(rows)}\n\n{len(rows)} points, {time.perf_counter() - begun:.0f} s now")
    table, picture = (results or out) / f"{NAME}.csv", (pictures or out) / f"{NAME}.png"
    write_rows(table, COLUMNS, rows)
    draw(rows, picture)
    print(f"{table} and {picture}; more: danp-cosim explore {out / 'fitted'}")
    return rows


@click.command()
@click.option(
    "--levels", type=Several(int, 2, 65536), default=LEVELS, help="[default: 2, 4, …, 256, and 3]"
)
@click.option(
    "--seeds", type=Several(int, 0, 2**31), default=(3, 20, 22), help="[default: 3,20,22]"
)
@click.option("--epochs", type=click.IntRange(0), default=20, show_default=True)
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
    """Which device learns: 2-2-2-1 on levels, potentiometers, domain walls and RRAM."""
    main(out, Effort(**given), *((KEPT, PICTURES) if keep else ()))


if __name__ == "__main__":
    sys.exit(execute(command, None, "write_back_study.py"))

"""`python -m benchmarks.sweep`: how a sweep scales, and what dask adds to a point.

Exit code 1 where two ways find something different, 2 for a wrong option.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.sweep.figure import plot
from benchmarks.sweep.race import run_race
from benchmarks.sweep.report import print_report, write_csv
from benchmarks.sweep.workload import Workload
from circuits.network import format_layers, parse_layers

DOCS = Path(__file__).parents[2] / "docs"
FIGURE, TABLE = DOCS / "images" / "sweep_scaling.png", DOCS / "results" / "sweep_scaling.csv"
_WIDTH = 150  # characters, where no terminal says


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sweep",
        description=(
            "Time the points of a sweep over seeds by bare processes and by a sweep's runner, with "
            "1, 2, … workers, and compare what they find."
        ),
    )
    parser.add_argument(
        "--workers", type=_numbers, default=(1, 2), metavar="K,K,…",
        help="numbers of worker processes (default 1,2)",
    )  # fmt: skip
    parser.add_argument(
        "--points", type=_positive, default=16, help="of a turn (default %(default)s)"
    )
    parser.add_argument("--rounds", type=_positive, default=7, help="(default %(default)s)")
    parser.add_argument(
        "--layers", type=_layers, default="2,2,2,1", help="of the network (default %(default)s)"
    )
    parser.add_argument("--epochs", type=_positive, default=5, help="(default %(default)s)")
    parser.add_argument(
        "--samples", type=_positive, default=50, help="of an epoch (default %(default)s)"
    )
    parser.add_argument("--csv", type=Path, default=TABLE, help="CSV to write")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="PNG to write")
    return parser.parse_args(arguments)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_positive(part) for part in text.split(",")))


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number from 1 on, got {text!r}")
    return value


def _layers(text: str) -> str:
    try:
        return format_layers(parse_layers(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    options = read_options(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    workload = Workload(options.layers, options.points, options.epochs, options.samples)
    with console.status("starting") as status:
        race = run_race(workload, options.workers, options.rounds, status.update)
    print_report(console, race)
    write_csv(race, options.csv)
    plot(race, options.figure)
    return 0 if race.sound else 1


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks.cosim`: what a pass costs, in one run, on the same passes for everyone.

Exit code 1 where sampled voltages differ by more than 10 µV or a contender fails, 2 for a wrong
option.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.cosim.aims import judge
from benchmarks.cosim.contenders import CONTENDERS
from benchmarks.cosim.figure import plot
from benchmarks.cosim.race import Limits, Race, run_race, run_soaks
from benchmarks.cosim.report import Report, typed
from benchmarks.cosim.table import print_network, print_verdict, write_markdown
from benchmarks.cosim.workload import describe, prepare
from circuits import Network
from circuits.network import parse_layers
from sim.errors import SIMULATION, SimulationError, UserError

NETWORKS = ("2-2-2-1", "8-8-4", "16-32-10", "64-10", "64-64-64-10", "784-500-500-500-10")
_WIDTH = 170  # characters, where no terminal says
FIGURE = Path(__file__).parents[2] / "docs" / "images" / "cosim.png"


def read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Options of the command line."""
    names = [contender.name for contender in CONTENDERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cosim",
        description="Time a pass in every way to run it, on the same passes.",
    )
    parser.add_argument(
        "--layers", nargs="+", type=_network, help=f"networks (default {' '.join(NETWORKS)})"
    )
    parser.add_argument("--contenders", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument(
        "--budget", type=_positive, default=20.0, help="seconds a cell (default %(default)g)"
    )
    parser.add_argument(
        "--passes", type=_several, default=2000, help="most passes a cell (default %(default)s)"
    )
    parser.add_argument(
        "--soak", type=_several, help="passes of a long run on the first network (default: none)"
    )
    parser.add_argument(
        "--reltol", type=_positive, help="of all contenders, not of references (default: a run's)"
    )
    parser.add_argument("--seed", type=_whole, default=0, help="of passes and weights (default 0)")
    parser.add_argument("--out", type=_file, help="JSON file to write")
    parser.add_argument("--figure", type=_file, default=FIGURE, help="PNG to write")
    parser.add_argument("--markdown", type=_file, help="Markdown file to write the tables to")
    options = parser.parse_args(arguments)
    options.layers = options.layers or [_network(text) for text in NETWORKS]
    return options


def _network(text: str) -> Network:
    try:
        return Network(parse_layers(text.replace("-", ",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"wanted a positive number, got {text}")
    return value


def _whole(text: str, least: int = 0) -> int:
    value = int(text)
    if value < least:
        raise argparse.ArgumentTypeError(f"wanted at least {least}, got {text}")
    return value


def _several(text: str) -> int:
    return _whole(text, least=2)  # a sample takes two


def _file(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder to write in: {path.parent}")
    return path


def run(options: argparse.Namespace, scratch: Path, console: Console) -> Report:
    """Measure everything; print tables as they come.

    Raises:
        UserError: ngspice is missing, or no run takes such a network.
        SimulationError: ngspice failed in the measurement of a settling time.
    """
    extra = {} if options.reltol is None else {"reltol": options.reltol}
    chosen = [
        replace(contender, settings={**contender.settings, **extra})
        for contender in CONTENDERS
        if contender.name in options.contenders
    ]
    limits = Limits(options.budget, options.passes)
    races: dict[str, Race] = {}
    networks: dict[str, dict[str, object]] = {}
    soaks = {}
    for network in options.layers:
        name = typed(network)
        passes = scratch / name / "passes.npz"
        passes.parent.mkdir()
        with console.status(f"{name}: preparing") as status:
            workload = prepare(network, options.seed, passes)
            race = run_race(workload, passes, chosen, limits, status.update)
            if options.soak and not races:
                status.update(f"{name}: {options.soak} passes")
                soaks = run_soaks(workload, passes, chosen, options.soak)
        races[name] = race
        networks[name] = describe(workload) | {"reference": race.reference}
        print_network(console, name, race)
    figures = {(name, one): m for name, race in races.items() for one, m in race.figures.items()}
    return Report(
        options.budget,
        networks,
        [row for race in races.values() for row in race.rows],
        [found for race in races.values() for found in race.differences],
        soaks,
        judge(figures, {one: cell.measured for one, cell in soaks.items() if cell.measured}),
        [
            *(line for race in races.values() for line in race.failures),
            *(f"long run, {one}: {c.message}" for one, c in soaks.items() if c.state == "failed"),
        ],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code."""
    options = read_options(arguments)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            report = run(options, Path(scratch), console)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SimulationError as error:
        print(f"error: {error}", file=sys.stderr)
        return SIMULATION
    print_verdict(console, report)
    if options.out:
        report.write(options.out)
    if options.markdown:
        write_markdown(report, options.markdown)
    plot(report, options.figure)
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())

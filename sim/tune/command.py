"""`python -m sim.tune`: parameters searched for the least loss or energy."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from netlists.commandline import INTERRUPTED, complain, execute
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError, UserError
from sim.options import WholeNumber, with_jobs, with_settings
from sim.settings import load_config
from sim.sweep.paths import full_path
from sim.tune.plan import NAME, Goal, Plan, Stage, make_plan
from sim.tune.plan_file import read_plan
from sim.tune.ranges import make_range, parse_over


@click.command(context_settings={"max_content_width": 100})
@click.argument("what", required=False, type=click.Path(path_type=Path), metavar="[FILE|DIR]")
@click.option(
    "--over",
    multiple=True,
    metavar="PATH=RANGE",
    help=(
        "Parameter to tune, by any unique ending of its path, and where: LOW..HIGH, LOW..HIGH:log "
        "or A,B,C, as in eta=1e-3..1:log; may be repeated."
    ),
)
@click.option(
    "--for",
    "goal",
    type=click.Choice(get_args(Goal)),
    help="What is made small: final loss, energy per pass, or both.  [default: loss]",
)
@click.option(
    "--stage",
    type=click.Choice(get_args(Stage)),
    help=(
        "spice: every trial in ngspice; twin-first: by the calibrated twin, its best then in "
        "ngspice; mathematics: the twin alone.  [default: twin-first for a loss where mathematics "
        "sees all that is tuned, else spice]"
    ),
)
@click.option(
    "--trials", type=WholeNumber(min=1), metavar="N", help="Sets of values to try.  [default: 40]"
)
@click.option(
    "--batch",
    type=WholeNumber(min=1),
    metavar="N",
    help="Trials proposed together, whatever the number of workers.  [default: 4]",
)
@click.option(
    "--seeds",
    type=WholeNumber(min=1),
    metavar="N",
    help="Seeds 0 … N-1, over which a trial takes the mean.  [default: 3]",
)
@click.option(
    "--held-out",
    type=WholeNumber(min=1),
    metavar="N",
    help="The next N seeds, on which start and best are judged.  [default: 5]",
)
@click.option(
    "--finalists",
    type=WholeNumber(min=1),
    metavar="N",
    help="Of twin-first: trials that are run in ngspice.  [default: 5]",
)
@click.option(
    "--sampler-seed", type=WholeNumber(min=0), metavar="N", help="Of proposals.  [default: 0]"
)
@with_settings("circuit.opamp.gbw=300k", "runs/<time>-tune")
@with_jobs
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler, in place of --jobs.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder of points, which sweeps may share.  [default: points in the study's folder]",
)
def tune(
    *,
    what: Path | None,
    over: tuple[str, ...],
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    jobs: int,
    scheduler: str | None,
    store: Path | None,
    **asked: Any,
) -> int:
    """Tune parameters for the least loss or energy.

    FILE is a TOML file that says what to tune; options override it. DIR is the folder of a study
    that was stopped: it goes on, as it does when the same command is given again. Leaves
    trials.csv, best.toml for danp-cosim run --config, result.json and tune.png.

    Exit codes: 0 done, 2 a wrong input, 3 no trial could be finished, 130 stopped by Ctrl-C or
    SIGTERM.
    """
    console = open_console()
    going_on = what is not None and what.is_dir()
    if going_on and out is not None and out != what:
        raise UserError(f"--out: {what} is the folder of a study, which goes on there")
    base = {"config_file": config_file, "preset": preset, "assignments": assignments}
    plan = _plan(what, over, asked, base)
    folder = what if what is not None and going_on else out or _new_folder()
    if not quiet:
        seeds = f"{len(plan.seeds)} seed{'s' * (len(plan.seeds) > 1)} each"
        searched = ", ".join(plan.paths)
        console.print(
            f"{plan.trials} trials of {searched} for {plan.goal}, stage {plan.stage}, {seeds}, in "
            f"{folder}",
            soft_wrap=True,
        )
    # What takes a second to import, which help and mistakes do without.
    from sim.tune.trying import StoppedStudyError  # noqa: PLC0415
    from sim.tune.tuning import tune as follow  # noqa: PLC0415

    try:
        tuned = follow(plan, folder, jobs=jobs, scheduler=scheduler, store=store, quiet=quiet)
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    except StoppedStudyError as error:
        complain(f"{error} --jobs {jobs}" if jobs > 1 else str(error))
        return INTERRUPTED
    if not quiet:
        from sim.tune.table import print_tuned  # noqa: PLC0415

        print_tuned(console, tuned)
        console.print(f"folder: {folder}", soft_wrap=True)
    return 0


def _new_folder() -> Path:
    return Path("runs") / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-tune"


def _plan(
    what: Path | None, over: Sequence[str], asked: Mapping[str, Any], base: Mapping[str, Any]
) -> Plan:
    """The plan of a file or a folder, with options in the place of what it says.

    Args:
        what: the file or the folder, if any.
        over: ranges as typed.
        asked: options about the study, by attribute of the plan; None where not given.
        base: options about the configuration: `config_file`, `preset` and `assignments`.
    """
    path = what / NAME if what is not None and what.is_dir() else what
    if path is not None and not path.is_file():
        raise UserError(f"{path}: no such file; wanted a TOML file, or the folder of a study")
    tree = read_plan(path) if path is not None else {}
    beside = path.parent if path is not None else Path()
    file = beside / tree["config"] if "config" in tree else None
    preset = tree.get("preset")
    if base["config_file"] is not None or base["preset"] is not None:
        file, preset = base["config_file"], base["preset"]
    settings = {full_path(name): value for name, value in _flat(tree.get("set", {}))}
    names = {dotted: f"[set] {dotted}" for dotted in settings}
    typed = [_in_full(text) for text in base["assignments"]]
    config = load_config(file, preset, settings, names, typed)
    ranges = [make_range(name, said, str(path)) for name, said in _flat(tree.get("over", {}))]
    asked_over = [parse_over(text) for text in over]
    here = {one.path for one in asked_over}
    ranges = [one for one in ranges if one.path not in here] + asked_over
    given = {name: value for name, value in asked.items() if value is not None}
    if "seeds" in given:
        given["seeds"] = tuple(range(given["seeds"]))
    return make_plan(config, ranges, **{**_of_the_plan(tree), **given})


def _in_full(assignment: str) -> str:
    """What `--set` is given, with the path in full; left alone where it is no assignment."""
    path, equals, value = assignment.partition("=")
    if not (path and equals):
        return assignment
    try:
        return f"{full_path(path)}={value}"
    except UserError as error:
        raise UserError(f"--set {error}") from None


def _of_the_plan(tree: Mapping[str, Any]) -> dict[str, Any]:
    names = ("stage", "trials", "batch", "seeds", "held_out", "finalists", "sampler_seed", "title")
    found = {name: tree[name] for name in names if name in tree}
    return {**found, "goal": tree["for"]} if "for" in tree else found


def _flat(tree: Mapping[str, Any], above: str = "") -> list[tuple[str, Any]]:
    """Values by path, whether a file writes `"learning.eta"` or `learning.eta`."""
    found: list[tuple[str, Any]] = []
    for name, value in tree.items():
        if isinstance(value, Mapping) and "from" not in value and "to" not in value:
            found += _flat(value, f"{above}{name}.")
        else:
            found.append((f"{above}{name}", value))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return execute(tune, arguments, "python -m sim.tune")

"""The command that computes a sweep."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from netlists.commandline import INTERRUPTED, complain
from sim.console import open_console
from sim.errors import SIMULATION, UserError
from sim.options import MOST_JOBS, WholeNumber, with_settings
from sim.sweep.axes import parse_axis
from sim.sweep.folder import PLAN
from sim.sweep.labels import counted
from sim.sweep.measures import DIVERGED, DONE, FAILED
from sim.sweep.plan import Plan
from sim.sweep.planning import COMMAND_LINE, plan_of
from sim.sweep.tree import read_tree

_MANY = 10_000  # points from which on a sweep is not begun without --yes


@click.command(context_settings={"max_content_width": 100})
@click.argument("file", required=False, metavar="[FILE.toml|DIR]", type=click.Path(path_type=Path))
@click.option(
    "--vary",
    "varied",
    metavar="PATH=VALUES",
    multiple=True,
    help=(
        "A parameter by its path, or any unique ending of it, and its values: a,b,c or "
        "from..to:steps or from..to:steps:log, each crossed with all else; normal(m,s) and other "
        "distributions are drawn, --draws times.  May be repeated."
    ),
)
@click.option("--seeds", type=WholeNumber(1), metavar="N", help="Seeds 0 to N - 1 of every run.")
@click.option(
    "--mc",
    "chips",
    type=WholeNumber(1),
    metavar="N",
    help=(
        "Monte Carlo: chips 0 to N - 1, their parts drawn; with typical spreads where the "
        "configuration has none."
    ),
)
@click.option(
    "--corners",
    metavar="NAME,…",
    help="temperature, supply, parts, or single ones: cold, hot, low, high, slow, fast.",
)
@click.option("--draws", type=WholeNumber(1), metavar="N", help="Random draws of what is drawn.")
@with_settings("opamp.gbw=300k", "runs/<name of FILE, or mark of what is asked>-sweep")
@click.option(
    "--jobs",
    type=WholeNumber(1, MOST_JOBS),
    metavar="N",
    help="Worker processes on this machine; results are the same for every number.  [default: 1]",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Take the workers of this dask scheduler, such as tcp://10.0.0.1:8786.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder where points are kept, by what they are computed from.  [default: points, beside "
    "--out]",
)
@click.option(
    "--again",
    type=click.Choice((FAILED, DIVERGED)),
    multiple=True,
    help="Compute points again that ended so.",
)
@click.option("--yes", is_flag=True, help=f"Begin a sweep of more than {_MANY:,} points, too.")
def sweep(
    *,
    file: Path | None,
    varied: tuple[str, ...],
    seeds: int | None,
    chips: int | None,
    corners: str | None,
    draws: int | None,
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    jobs: int | None,
    scheduler: str | None,
    store: Path | None,
    again: tuple[str, ...],
    yes: bool,
    quiet: bool,
) -> int:
    """Run a design at many points: grids, lists, random draws, corners, chips and seeds.

    FILE.toml says what is varied, or the options do. Every point is a whole run, computed once:
    the same command, or one with the sweep's folder DIR, goes on where a sweep was stopped. Failed
    points are kept with their reason and do not stop the rest.

    Exit codes: 0 done, 2 a wrong input, 3 no point is done, 130 stopped by Ctrl-C or SIGTERM.
    """
    from sim.sweep.report import print_swept  # noqa: PLC0415  # these take half a second
    from sim.sweep.sweeping import StoppedSweepError, run_sweep, stopped_line  # noqa: PLC0415

    if jobs is not None and scheduler is not None:
        raise UserError(
            "--jobs: starts workers here, and --scheduler takes those that are there; leave one out"
        )
    options: dict[str, Any] = {
        "seeds": seeds,
        "chips": chips,
        "config": None if config_file is None else str(config_file),
        "preset": preset,
    }
    given = {name: value for name, value in options.items() if value is not None}
    tree = _with_options(given, varied, corners, draws, assignments)
    plan, folder = _asked(file, tree, out)
    _require_sane(plan, yes=yes)
    console = open_console()
    try:
        swept = run_sweep(
            plan,
            folder,
            console,
            jobs=jobs or 1,
            scheduler=scheduler,
            store=store,
            again=again,
            quiet=quiet,
        )
    except StoppedSweepError as error:
        complain(str(error))
        return INTERRUPTED
    done = any(one.state == DONE for one in swept.found.values())
    if not quiet:
        print_swept(console, swept)
        _print_places(console, folder, done=done)
    if swept.stopped:
        complain(stopped_line(swept, folder))
        return INTERRUPTED
    if not done:
        complain(f"{folder}: no point is done; points.csv there has the reasons")
        return SIMULATION
    return 0


def _with_options(
    tree: dict[str, Any],
    varied: tuple[str, ...],
    corners: str | None,
    draws: int | None,
    assignments: tuple[str, ...],
) -> dict[str, Any]:
    """A tree as of a TOML file, with what the options ask for."""
    for text in varied:
        path, equals, values = text.partition("=")
        if not equals or not path.strip():
            raise UserError(
                f"--vary: wanted PATH=VALUES, as in opamp.gbw=300k,1M,2.8M, got {text!r}"
            )
        grid = tree.setdefault("grid", {})
        if path.strip() in grid:
            raise UserError(f"--vary: {path.strip()} is there twice")
        grid[path.strip()] = parse_axis(values, f"--vary {path.strip()}")
    for text in assignments:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise UserError(f"--set: wanted PATH=VALUE, as in opamp.gbw=300k, got {text!r}")
        tree.setdefault("set", {})[path] = value
    if corners is not None:
        tree["corners"] = {"take": [name.strip() for name in corners.split(",")]}
    if draws is not None:
        tree["draw"] = {"count": draws}
    return tree


def _asked(file: Path | None, options: dict[str, Any], out: Path | None) -> tuple[Plan, Path]:
    """The plan that was asked for, and its folder."""
    if file is not None and file.name == PLAN and out is None:
        file = file.parent
    if file is not None and file.is_dir():
        if options:
            raise UserError(
                f"{file}: a sweep that goes on is as it was; leave out --{_spelt(options)}, or "
                "name another folder with --out and the plan's file"
            )
        if not (file / PLAN).is_file():
            raise UserError(
                f"{file}: holds no {PLAN}; wanted the folder of a sweep, or a TOML file"
            )
        return plan_of(read_tree(file / PLAN), str(file / PLAN)), out or file
    if file is None:
        if not _varied(options):
            raise UserError(
                "nothing is varied; wanted FILE.toml, or --vary PATH=VALUES, --seeds, --mc or "
                "--corners"
            )
        plan = plan_of(options, COMMAND_LINE)
        digest = hashlib.sha256(plan.to_toml().encode()).hexdigest()[:8]
        return plan, out or _default_folder(digest)
    tree = read_tree(file)
    where = f"{file} and {COMMAND_LINE}" if options else str(file)
    merged = _merged(tree, options)
    if not _varied(merged):
        raise UserError(
            f"{where}: nothing is varied; wanted [grid], [list], [draw], [corners], seeds or chips "
            "there, or --vary PATH=VALUES, --seeds, --mc or --corners"
        )
    return plan_of(merged, where), out or _default_folder(file.stem)


def _default_folder(name: str) -> Path:
    """Where a sweep goes unless told: the same again for the same command, hence no time."""
    return Path("runs") / f"{name}-sweep"


def _varied(tree: Mapping[str, Any]) -> bool:
    """Whether a sweep has anything along which it goes."""
    wanted = ("grid", "list", "draw", "corners", "seeds", "chips")
    return any(tree.get(name) not in (None, {}) for name in wanted)


def _merged(tree: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """A file's tree with what options add to it or say otherwise."""
    merged = dict(tree)
    for name, value in options.items():
        both = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = merged[name] | value if both else value
    return merged


def _require_sane(plan: Plan, *, yes: bool) -> None:
    if plan.count > _MANY and not yes:
        sizes = " × ".join(counted(len(one.labels), one.name) for one in plan.dimensions)
        raise UserError(
            f"{plan.count:,} points ({sizes}) are many; give --yes if that is what you want"
        )


def _spelt(options: dict[str, Any]) -> str:
    """What a user typed for the first of them."""
    names = {"chips": "mc", "grid": "vary", "draw": "draws"}
    first = next(iter(options))
    return names.get(first, first)


def _print_places(console: Console, folder: Path, *, done: bool) -> None:
    console.print(f"sweep folder: {folder}", soft_wrap=True)
    if done:
        console.print(f"look at it with: danp-cosim explore {folder}", soft_wrap=True)

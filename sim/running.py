"""A run from its configuration to its folder, begun or gone on with: the command's and Python's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from netlists.rules import warnings_of
from sim.config import RunConfig
from sim.console import waiting
from sim.job import run_job
from sim.libngspice import get_library
from sim.lock import held
from sim.outcome import Outcome
from sim.preparation import Setup, set_up
from sim.record import RunFolder, open_folder
from sim.resumption import refuse_stopped, reopen
from sim.run_report import print_start
from sim.unfinished import require_unfinished


def begin_run(
    config: RunConfig, out: Path | None, console: Console, *, quiet: bool, jobs: int
) -> tuple[Outcome, Path]:
    """Run a configuration in a folder of its own.

    Args:
        config: what is left out is completed.
        out: the folder; `runs/<time>-<layers>` by default.
        console: where warnings and progress go.
        quiet: neither.
        jobs: worker processes.

    Returns:
        What was found, and the folder.

    Raises:
        UserError: the configuration or the folder will not do.
        SimulationError: ngspice failed.
        StoppedJobError: a second signal came.
    """
    refuse_stopped(out)
    with waiting(console, "preparing: data, electrical rules, settling time", quiet=quiet):
        setup = set_up(config)
    if setup.config.simulation.engine == "ngspice":
        get_library()  # before a folder is made for nothing
    what = "-".join(map(str, setup.network.layers))
    folder = open_folder(out, what, datetime.now().astimezone())
    with held(folder.path, console, quiet=quiet):
        return _run(setup, folder, console, None, quiet=quiet, jobs=jobs), folder.path


def continue_run(
    path: Path,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    assignments: Sequence[str],
    console: Console,
    *,
    quiet: bool,
    jobs: int,
) -> Outcome:
    """Go on with a run that was stopped.

    Args:
        path: its folder.
        options: parameters that no figure depends on, by path; None where not given.
        names: what they are called, by path.
        assignments: likewise, as of `--set`.
        console: where warnings and progress go.
        quiet: neither.
        jobs: worker processes.

    Raises:
        UserError: there is nothing to go on with, or anything that the run depends on has changed.
        SimulationError: ngspice failed.
        StoppedJobError: a second signal came.
    """
    require_unfinished(path)
    folder = RunFolder(path)
    with held(folder.path, console, quiet=quiet):
        setup, checkpoint = reopen(path, options, names, assignments)
        return _run(setup, folder, console, checkpoint, quiet=quiet, jobs=jobs)


def _run(
    setup: Setup,
    folder: RunFolder,
    console: Console,
    checkpoint: Mapping[str, Any] | None,
    *,
    quiet: bool,
    jobs: int,
) -> Outcome:
    for warning in () if quiet else warnings_of(setup.findings):
        console.print(f"warning: {warning}", soft_wrap=True)
    if not quiet:
        finished = checkpoint["training"]["finished_epochs"] if checkpoint else 0
        print_start(console, setup, jobs, finished=finished)
    return run_job(setup, folder, console, quiet=quiet, jobs=jobs, checkpoint=checkpoint)

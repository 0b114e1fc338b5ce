"""A run that was stopped, opened to go on."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.checkpoint import NAME, read_checkpoint, require_same_conditions, require_same_config
from sim.errors import UserError
from sim.preparation import Setup, set_up
from sim.record import CONFIG
from sim.settings import load_config


def resuming(folder: Path, jobs: int = 1) -> str:
    """The command that goes on with a run.

    Args:
        folder: of the run.
        jobs: worker processes that it had.
    """
    workers = f" --jobs {jobs}" if jobs > 1 else ""
    return f"python -m sim.run --resume {shlex.quote(str(folder))}{workers}"


def refuse_stopped(out: Path | None) -> None:
    """Refuse the folder of a run that was stopped, for another run.

    Raises:
        UserError: says how to go on with that run.
    """
    if out is not None and (out / CONFIG).is_file() and (out / NAME).is_file():
        raise UserError(
            f"--out: {out} is not empty, it holds a run that was stopped; go on with: "
            f"{resuming(out)}; or name a folder of its own"
        )


def reopen(
    folder: Path,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    assignments: Sequence[str] = (),
) -> tuple[Setup, dict[str, Any]]:
    """Open a stopped run; nothing is written.

    Args:
        folder: locked.
        options: parameters that no figure depends on, by path; None where not given.
        names: what they are called, by path.
        assignments: likewise, as of `--set`.

    Returns:
        What the run is, and its state.

    Raises:
        UserError: the checkpoint is no good, or anything that it depends on has changed.
        SimulationError: ngspice failed in the measurement of the settling time.
    """
    checkpoint = read_checkpoint(folder)
    config = load_config(folder / CONFIG, None, options, names, assignments).complete()
    require_same_config(folder, config, checkpoint)
    setup = set_up(config)
    require_same_conditions(folder, setup, checkpoint)
    return setup, checkpoint

"""A run that was stopped, opened to go on."""

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.checkpoint import FREE, NAME, read_checkpoint, require_same_conditions, require_same_config
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


def require_nothing_else(
    options: Mapping[str, Any],
    names: Mapping[str, str],
    assignments: Sequence[str],
    others: Mapping[str, Any],
) -> None:
    """Refuse options that would make it another run.

    Args:
        options: value by path; None where not given.
        names: what they are called, by path.
        assignments: as of `--set`.
        others: value of further options by what they are called; empty or None where not given.

    Raises:
        UserError: some are given.
    """
    given = [names[path] for path, value in options.items() if value is not None]
    given = [name for name in given if name not in {names.get(path) for path in FREE}]
    changed = [assignment.partition("=")[0] for assignment in assignments]
    given += [f"--set {path}" for path in changed if path not in FREE]
    given += [name for name, value in others.items() if value]
    if given:
        raise UserError(
            f"--resume: the run goes on as its {CONFIG} says; leave out {', '.join(given)}, or "
            f"start another run with --config and that file"
        )


def require_unfinished(folder: Path) -> None:
    """Refuse what is no run's folder, and a run that is finished.

    Raises:
        UserError: as said.
    """
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "no such folder"
        raise UserError(f"--resume: {folder}: {what}; wanted the folder of a run that was stopped")
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"--resume: {folder}: holds no {CONFIG}; wanted the folder of a run that was stopped"
        )
    summary = _summary(folder / "summary.json")
    if summary.get("finished"):
        raise UserError(
            f"--resume: {folder}: the run is finished, with {summary.get('epochs')} of "
            f"{summary.get('epochs_asked')} epochs; there is nothing to go on with"
        )


def _summary(path: Path) -> dict[str, Any]:
    """What a summary says; nothing where there is none, or half of one."""
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


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

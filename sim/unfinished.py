"""What may go on: the folder of a run that is not finished, with nothing but its own settings."""

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.errors import UserError
from sim.record import CONFIG


def require_nothing_else(
    options: Mapping[str, Any],
    names: Mapping[str, str],
    assignments: Sequence[str],
    others: Mapping[str, Any],
    free: Collection[str],
) -> None:
    """Refuse options that would make it another run.

    Args:
        options: value by path; None where not given.
        names: what they are called, by path.
        assignments: as of `--set`.
        others: value of further options by what they are called; empty or None where not given.
        free: paths of parameters that no figure depends on.

    Raises:
        UserError: some are given.
    """
    given = [names[path] for path, value in options.items() if value is not None]
    given = [name for name in given if name not in {names.get(path) for path in free}]
    changed = [assignment.partition("=")[0] for assignment in assignments]
    given += [f"--set {path}" for path in changed if path not in free]
    given += [name for name, value in others.items() if value]
    if given:
        raise UserError(
            f"--resume: the run goes on as its {CONFIG} says; leave out {', '.join(given)}, or "
            f"start another run with --config and that file"
        )


def require_unfinished(folder: Path) -> None:
    """Refuse what is no run's folder, and a run that is finished or has diverged.

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
    if summary.get("ended") == "diverged":
        raise UserError(
            f"--resume: {folder}: diverged in epoch {summary.get('epochs')}; start another run "
            f"with --config {shlex.quote(str(folder / CONFIG))} and a smaller --eta"
        )
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

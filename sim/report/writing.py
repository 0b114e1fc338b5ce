"""The page as a file, in the place of an older page of ours and of nothing else."""

from collections.abc import Sequence
from pathlib import Path

from sim.durable import replace_durably
from sim.errors import UserError
from sim.record import REPORT
from sim.report.page import MARK, render
from sim.results import Run

_HEAD = 4096  # bytes in which a page of ours says so


def write_report(runs: Sequence[Run], out: Path) -> Path:
    """Write the page of runs.

    Args:
        runs: at least one.
        out: file.

    Returns:
        The file.

    Raises:
        UserError: it cannot be written, is not a page of ours, or a run's file is damaged.
    """
    require_ours(out)
    replace_durably(out, render(runs).encode("utf8"))
    return out


def require_ours(out: Path, option: str = "", mark: str = MARK) -> None:
    """Refuse a file that is there and is no page of ours.

    Args:
        out: the file.
        option: of a command that named it, if one did; messages begin with it.
        mark: by which a page of ours is known.

    Raises:
        UserError: as said.
    """
    where = f"{option}: {out}" if option else str(out)
    if out.is_dir():
        raise UserError(f"{where} is a folder; name a file in it, as {out / REPORT}")
    if not out.parent.is_dir():
        raise UserError(f"{where}: there is no folder {out.parent}; make it first")
    if not out.exists():
        return
    try:
        with out.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise UserError(f"{where}: cannot read: {error.strerror}") from None
    if f'name="generator" content="{mark}"'.encode() not in head:
        raise UserError(
            f"{where} is there and is no report of danp-cosim; remove it, or name another file"
        )

"""Files that are there whole, on the disk and not only in the system's memory, or not at all."""

import contextlib
import errno
import os
from pathlib import Path

from sim.errors import UserError

_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WriteError(UserError):
    """A file could not be written, and the one before, if any, stands as it was: exit code 2."""


def replace_durably(target: Path, content: bytes) -> None:
    """Put a file in the place of the one before.

    It is written beside it first, so that at every moment one of the two is there whole, whether
    the process or the machine stops.

    Raises:
        WriteError: the folder does not take it.
    """
    draft = target.with_name(f".{target.name}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
        settle_durably(draft, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise cannot_write(target, error) from None


def settle_durably(draft: Path, target: Path) -> None:
    """Put a written file in the place of another, of the same folder.

    Raises:
        OSError: the folder does not take it.
    """
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def cannot_write(target: Path, error: OSError) -> WriteError:
    """The one line of a failed write."""
    advice = "; free some space" if error.errno in _SPACE else ""
    return WriteError(f"{target}: cannot write: {error.strerror}{advice}")

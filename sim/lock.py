"""One process a run folder."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from sim.errors import UserError

NAME = ".lock"
_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Hold a folder while the context lasts; the system lets go of it when the process ends.

    Yields:
        Whether it is held: some file systems have no locks.

    Raises:
        UserError: another process holds it, or it takes no file.
    """
    path = folder / NAME
    try:
        file, held = _open_locked(path)
    except BlockingIOError:
        raise UserError(
            f"{folder}: another process ({_holder(path)}) is at work on this run; wait for its "
            "end, or stop it"
        ) from None
    except OSError as error:
        raise UserError(f"{folder}: cannot write there: {error.strerror}") from None
    try:
        yield held
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone, or read-only by now
            path.unlink()
        os.close(file)


@contextlib.contextmanager
def held(folder: Path, console: Console, *, quiet: bool) -> Iterator[None]:
    """Hold a run's folder for this process alone; a file system without locks gets a warning.

    Raises:
        UserError: as `locked`.
    """
    with locked(folder) as sure:
        if not sure and not quiet:
            console.print(
                f"warning: {folder}: its file system has no locks; nothing but you keeps two "
                "processes from going on with this run at once",
                soft_wrap=True,
            )
        yield


def _open_locked(path: Path) -> tuple[int, bool]:
    """The file, open, and whether it is locked."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            held = _lock(file)
            if _is_still(path, file):
                os.truncate(file, 0)
                os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
                return file, held
        except OSError:
            os.close(file)
            raise
        os.close(file)  # the one who held it has removed it meanwhile


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _is_still(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return f"number {int(path.read_text(encoding='ascii'))}"
    return "its number unknown"

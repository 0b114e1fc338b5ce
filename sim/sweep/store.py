"""The store: what became of every point ever computed, by the key of what it was computed from."""

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sim.durable import cannot_write
from sim.errors import UserError
from sim.sweep.measures import Measured

NAME = "point.json"
"""Says what became of the point; a folder with one is whole."""


class Store:
    """Folders of points, as `STORE/<2 hex>/<64 hex>/`, each put there whole or not at all.

    Several sweeps may use one at the same time.

    Args:
        path: made when the first point is written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"<Store {self.path}>"

    def path_of(self, key: str) -> Path:
        """The folder of a point."""
        return self.path / key[:2] / key

    def known(self, key: str) -> bool:
        """Whether it is known what became of a point."""
        return (self.path_of(key) / NAME).is_file()

    def read(self, key: str) -> Measured | None:
        """What became of a point; None where that is not known.

        Raises:
            UserError: the file is damaged or cannot be read.
        """
        path = self.path_of(key) / NAME
        try:
            return Measured.from_dict(json.loads(path.read_text(encoding="utf8")))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UserError(f"{path}: cannot read: {error.strerror}") from None
        except ValueError as error:
            raise UserError(
                f"{path}: is damaged ({error}); remove its folder, and the point is computed again"
            ) from None

    def write(self, key: str, measured: Measured, files: Mapping[str, bytes]) -> None:
        """Keep what became of a point, in the place of what was known before.

        A fault of the machine is not kept, so that the point is computed again the next time.

        Args:
            key: of the point.
            measured: written as `point.json`.
            files: contents of all other files by name.

        Raises:
            WriteError: the store takes no more.
        """
        if measured.of_machine:
            return
        target = self.path_of(key)
        text = json.dumps(measured.to_dict(), indent=2, ensure_ascii=False) + "\n"
        contents = {**files, NAME: text.encode()}
        draft: Path | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
            draft.chmod(0o755)
            for name, content in contents.items():
                _write_through(draft / name, content)
            _put(draft, target)
        except OSError as error:
            raise cannot_write(target, error) from None
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)


def _write_through(path: Path, content: bytes) -> None:
    """Write a file down to the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put(draft: Path, target: Path) -> None:
    """Give a folder its name; one that had it before goes.

    Of two processes that put the same point there at once, one finds that it is known, and its
    draft stays behind.
    """
    old = Path(tempfile.mkdtemp(prefix=".old-", dir=target.parent))
    try:
        with contextlib.suppress(FileNotFoundError):
            target.rename(old / "point")
        try:
            draft.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                if (old / "point").exists():
                    (old / "point").rename(target)
                raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
    opened = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

"""What has to be the same for a run to go on: its settings, and what it reads from outside."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sim.errors import UserError


def require_same_settings(
    path: Path, now: Mapping[str, Any], then: Mapping[str, Any], free: Collection[str]
) -> None:
    """Refuse settings that are not those of the checkpoint.

    Args:
        path: of the file that holds them.
        now: in it, as a tree.
        then: in the checkpoint.
        free: paths of parameters that no figure depends on.

    Raises:
        UserError: says which parameter differs.
    """
    here, there = dict(_flat(now)), dict(_flat(then))
    for name in sorted(here.keys() | there.keys()):
        # As text, since NaN is not equal to itself.
        if name not in free and repr(here.get(name)) != repr(there.get(name)):
            raise UserError(
                f"{path}: {name} is {_shown(here.get(name))}, and {_shown(there.get(name))} in "
                "the checkpoint; put it back, or start another run, in a folder of its own, with "
                "--config"
            )


def require_same_versions(
    path: Path, then: Mapping[str, Any], now: Mapping[str, Any], instead: str
) -> None:
    """Refuse versions that are not those of the checkpoint.

    Args:
        path: of the checkpoint.
        then: by name, in the checkpoint.
        now: by name, here; more of them do not matter.
        instead: what else may be done, which ends the message.

    Raises:
        UserError: says which version differs.
    """
    for name, version in then.items():
        if now[name] != version:
            raise UserError(
                f"{path}: was taken with {name} {version}, here is {now[name]}, which need not "
                f"give the same bit for bit; go on with {name} {version}, or {instead}"
            )


def digest_of_arrays(*arrays: NDArray[Any]) -> str:
    """SHA-256 of arrays, their types and shapes."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape} ".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def files_in(path: Path) -> list[Path]:
    """Files right in a folder, by name; recordings' chunks and images are read no deeper."""
    return sorted(file for file in path.iterdir() if file.is_file())


def digest_of_files(path: Path) -> str:
    """SHA-256 of a file, or of all files right in a folder, by name."""
    files = files_in(path) if path.is_dir() else [path]
    found = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").hexdigest()
        found.update(f"{file.name if path.is_dir() else ''} {content}\n".encode())
    return found.hexdigest()


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted path."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: Any) -> str:
    """A parameter for a message; models' texts are long."""
    text = "left out" if value is None else repr(value)
    return text if len(text) < 80 else f"{text[:60]}…"

"""One bad input: what is typed where, and the line that answers it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Prepare = Callable[[Path], object]


def nothing(_: Path) -> None:
    """Leave the working folder as it is."""


@dataclass(frozen=True)
class Case:
    """A bad input.

    Attributes:
        name: what is wrong, for the test's name.
        command: as `danp-cosim` calls it.
        arguments: without the command.
        expected: part of the line on standard error.
        prepare: makes the files that the arguments name, in the empty working folder.
    """

    name: str
    command: str
    arguments: tuple[str, ...]
    expected: str
    prepare: Prepare = nothing


def write(name: str, content: str | bytes) -> Prepare:
    """A file of this name in the working folder."""

    def prepare(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return prepare

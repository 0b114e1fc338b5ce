"""Short names of runs in a page: their folders', longer where two are called the same."""

from collections.abc import Sequence
from pathlib import Path

from sim.results import Run


def names_of(runs: Sequence[Run]) -> tuple[str, ...]:
    """As few of the last parts of each folder's path as tell it from the others'."""
    paths = [run.path.resolve() for run in runs]
    return tuple(_name(path, [p for p in paths if p != path]) for path in paths)


def _name(path: Path, others: Sequence[Path]) -> str:
    for count in range(1, len(path.parts)):
        parts = path.parts[-count:]
        if not any(other.parts[-count:] == parts for other in others):
            return "/".join(parts)
    return str(path)

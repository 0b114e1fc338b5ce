"""What one contender's process found out, as plain data that goes through a file."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROUNDS = 5
"""Parts of the measurement, whose median and extremes are shown."""


@dataclass(frozen=True)
class Measured:
    """Figures of one contender on one network.

    Attributes:
        made_by: the engine, in words.
        passes: timed.
        rounds: ms a pass of consecutive parts, fewer than `ROUNDS` where there were fewer calls.
        cpu: CPU ms a pass, of this process and of children that have ended.
        inside: share of the time inside ngspice.
        points: time points a pass; None where it is not known.
        growth: bytes a pass; None where there were too few passes, or no way to tell.
        peak: bytes, of the process; its children not counted.
        resident: passes so far, and bytes in memory then.
        write_back: seconds that new weights add to a call; None where that has no meaning.
        start: seconds from nothing to the first call.
    """

    made_by: str
    passes: int
    rounds: tuple[float, ...]
    cpu: float
    inside: float
    points: float | None
    growth: float | None
    peak: int
    resident: tuple[tuple[int, int], ...]
    write_back: float | None
    start: float

    @property
    def ms(self) -> float:
        """Milliseconds a pass, median of the rounds."""
        return float(np.median(self.rounds))

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf8")


def read_measured(path: Path) -> Measured:
    """What `Measured.write` wrote."""
    found = json.loads(path.read_text(encoding="utf8"))
    found["rounds"] = tuple(found["rounds"])
    found["resident"] = tuple((x, y) for x, y in found["resident"])
    return Measured(**found)


def in_rounds(seconds: Sequence[float], passes: int) -> tuple[float, ...]:
    """Milliseconds a pass of consecutive parts of a measurement.

    Args:
        seconds: of every call.
        passes: per call.
    """
    count = min(ROUNDS, len(seconds))
    return tuple(1e3 * float(part.mean()) / passes for part in np.array_split(seconds, count))

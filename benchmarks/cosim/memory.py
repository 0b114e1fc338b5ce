"""Memory of this process, and how fast it grows."""

import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_FEWEST, _SHORTEST = 10, 50  # points and passes that make a slope
_WARM = 0.2  # share of the passes, at the beginning, that is left out


def resident() -> int | None:
    """Bytes in memory now; None where the system does not tell."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return None
    return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def peak() -> int:
    """Most bytes in memory so far."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage tells there counts the parent's, from before exec
        fields = dict(line.split(":", 1) for line in status.read_text(encoding="utf8").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def growth(points: Sequence[tuple[int, int]]) -> float | None:
    """Bytes per pass: the straight line of least squares after a warm-up.

    Args:
        points: passes so far, and bytes in memory then; a fifth of the passes is warm-up.

    Returns:
        The slope; None where too few points or passes are left.
    """
    if not points:
        return None
    warm = [(x, y) for x, y in points if x >= _WARM * points[-1][0]]
    if len(warm) < _FEWEST or warm[-1][0] - warm[0][0] < _SHORTEST:
        return None
    x, y = np.array(warm, dtype=np.float64).T
    return float(np.polyfit(x - x.mean(), y, 1)[0])

"""How fast a training goes, and how long it still takes."""

import math
import time
from collections import deque
from collections.abc import Callable

_WINDOW = 10.0  # s; a rate is over the last so many seconds, or the last step where that is longer
_APART = 0.25  # s, between what is remembered of them


class Pace:
    """Follows a count of samples on a clock.

    Args:
        total: samples in the whole training.
        seen: samples at the start, of a training that goes on.
        clock: gives seconds.

    Attributes:
        total: likewise.
        seen: samples when it was told last.
        now: when that was, s of the clock.
    """

    def __init__(
        self, total: int, seen: int = 0, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.total = total
        self.seen = seen
        self._clock = clock
        self._started = self.now = clock()
        self._marks = deque([(self._started, seen)])

    def note(self, seen: int) -> None:
        """Take down how many samples were seen so far."""
        self.now, self.seen = self._clock(), seen
        if self.now - self._marks[-1][0] >= _APART:
            self._marks.append((self.now, seen))
            while self.now - self._marks[1][0] >= _WINDOW:
                self._marks.popleft()

    @property
    def elapsed(self) -> float:
        """From where it was made to where it was told last, s."""
        return self.now - self._started

    @property
    def rate(self) -> float:
        """Samples a second over the last ten seconds; NaN before there is one."""
        since, before = self._marks[0]
        passed = self.now - since
        return (self.seen - before) / passed if passed > 0 else math.nan

    @property
    def left(self) -> float:
        """Time to the end of the training at that rate, s; NaN while there is no rate."""
        if self.seen >= self.total:
            return 0.0
        return (self.total - self.seen) / self.rate if self.rate > 0 else math.nan


def format_duration(seconds: float) -> str:
    """Seconds for people, in two units at most: `9 s`, `1 min 20 s`, `3 h 5 min`; NaN is `?`."""
    if not math.isfinite(seconds):
        return "?"
    whole = round(seconds)
    for unit, size, smaller, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "min", 60),
        ("min", 60, "s", 1),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"

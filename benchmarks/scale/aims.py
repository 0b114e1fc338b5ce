"""What the benchmark is to show: each aim beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.scale.contenders import OURS
from benchmarks.scale.race import Timed

WANTED = 4.0
"""Times that a step of DANP is to be faster than plain torch."""


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        what: is measured.
        wanted: lower bound.
        measured: median.
        low: lower end of its interval.
        high: upper end.
    """

    what: str
    wanted: float
    measured: float
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether the median reaches it."""
        return self.measured >= self.wanted


def judge(timed: Sequence[Timed]) -> list[Aim]:
    """The aim on every workload and number of threads where both ran."""
    return [
        Aim(
            f"{one.setting}: DANP faster than plain torch, times",
            WANTED,
            one.times.median,
            one.times.low,
            one.times.high,
        )
        for one in timed
        if one.name == OURS and one.times is not None
    ]

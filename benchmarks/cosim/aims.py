"""What the benchmark is to show: each aim beside what was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.cosim.measured import Measured

Figures = Mapping[tuple[str, str], Measured]
"""By network and contender."""

_SMALL, _LARGEST = "2-2-2-1", "784-500-500-500-10"
_KILO, _MEGA = 1e3, 1e6


@dataclass(frozen=True)
class Aim:
    """One aim.

    Attributes:
        what: is measured, with its unit.
        sign: ≥ for a lower bound, ≤ for an upper.
        wanted: the bound.
        measured: the figure; None where this benchmark did not take it.
    """

    what: str
    sign: str
    wanted: float
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.wanted if self.sign == "≥" else self.measured <= self.wanted


def judge(figures: Figures, soaks: Mapping[str, Measured]) -> list[Aim]:
    """Every aim, whether it was measured or not.

    Args:
        figures: of all contenders that ran.
        soaks: of long runs, by contender.
    """
    ours = figures.get((_SMALL, "norton"))
    wide = figures.get((_LARGEST, "norton"))

    def ratio(network: str, slow: str, fast: str) -> float | None:
        a, b = figures.get((network, slow)), figures.get((network, fast))
        return None if a is None or b is None else a.ms / b.ms

    return [
        Aim(f"{_SMALL}, an update a sample: faster than (a), times", "≥", 30,
            ratio(_SMALL, "pyspice", "norton")),
        Aim(f"{_SMALL}, batches of 100: faster than (a), times", "≥", 100,
            ratio(_SMALL, "pyspice", "norton-batch")),
        Aim(f"{_SMALL}: time outside ngspice, %", "≤", 15,
            _of(ours, lambda m: 100 * (1 - m.inside))),
        Aim(f"{_SMALL}, long run: memory per 1,000 passes, MB", "≤", 0.05,
            _of(soaks.get("norton"), lambda m: m.growth and m.growth * _KILO / _MEGA)),
        Aim(f"{_LARGEST}: a pair of passes, s", "≤", 1, _of(wide, lambda m: 2 * m.ms / _KILO)),
        Aim(f"{_LARGEST}: peak memory, MB", "≤", 1000, _of(wide, lambda m: m.peak / _MEGA)),
        Aim(f"{_LARGEST}: all weights written back, s", "≤", 0.5,
            _of(wide, lambda m: m.write_back)),
        Aim(f"{_SMALL}, batches of 32: two processes over one, times", "≥", 1.8,
            ratio(_SMALL, "jobs-1", "jobs-2")),
    ]  # fmt: skip


def _of(found: Measured | None, figure: Callable[[Measured], float | None]) -> float | None:
    return None if found is None else figure(found)

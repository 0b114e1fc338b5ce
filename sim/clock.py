"""The clock: when passes begin, and how much of each is looked at."""

from dataclasses import dataclass, replace
from typing import Literal

Fidelity = Literal["full", "aperture", "op"]

Reduction = Literal["norton", "none"]
"""What an engine makes of the rows of resistors; see `sim.engines.reduced`."""


@dataclass(frozen=True)
class Clock:
    """When passes begin, and how much of each is looked at.

    Attributes:
        t_pass: length of a pass, s; nodes are sampled at its end.
        t_aperture: stretch before a sampling instant that can still be felt in it, s.
        fidelity: full: the whole pass; aperture: its last `t_aperture`; op: the states at the
            sampling instant alone.
        settling: measured time to a microvolt, s; None where it was not measured.
    """

    t_pass: float
    t_aperture: float
    fidelity: Fidelity
    settling: float | None = None

    @property
    def look_back(self) -> float:
        """How long before a sampling instant flips count, s."""
        return {"full": self.t_pass, "aperture": self.t_aperture, "op": 0.0}[self.fidelity]

    def in_full(self) -> "Clock":
        """The same passes, looked at from end to end."""
        return replace(self, fidelity="full")

"""Result guards: whether a simulated pass says what its sampling instant is meant to say.

A pass that does not reach its end, or holds what is not a number, has failed: its engine raises. Of
the others each is ok, or doubtful for one or more reasons, which go with its voltages everywhere.
"""

from dataclasses import dataclass, field
from enum import IntFlag
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters
from sim.clock import Clock

Array = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.uint8]
"""One `Doubt` a pass."""

MOVED = 10e-6
"""V; a node that was further from its sample within the last time constant has not settled."""

APART = 20e-3
"""V; an amplifier of a model from a file whose inputs are further apart does not hold its loop: its
output stops at a rail, at its largest current or at its slew rate. Offsets of ordinary parts, which
keep inputs apart too, are up to half of this."""

_NEAR = 1e-3  # V; an amplifier this close to its limit is at its rail
_TIME_CONSTANTS = 14  # in which a pole settles: ln(1 V/1 µV)


class Doubt(IntFlag):
    """Why a pass is doubtful; no flag: it is ok."""

    MOVING = 1
    RAIL = 2
    AID = 4

    @property
    def reason(self) -> str:
        """In words, of one flag."""
        return {
            Doubt.MOVING: "still moving at the sampling instant",
            Doubt.RAIL: "an amplifier at its rail",
            Doubt.AID: "convergence aids used",
        }[self]


@dataclass(frozen=True)
class Guards:
    """The limits that a pass is held against.

    Attributes:
        window: one time constant of the circuit, s.
        low: lowest voltage that an amplifier's output stage can be driven to, V; of a model from a
            file, which does not show it, the lowest between the inputs.
        high: highest, V.
    """

    window: float
    low: float
    high: float

    @classmethod
    def of(cls, circuit: CircuitParameters, clock: Clock) -> "Guards":
        """Guards of a circuit; half an aperture stands for a settling that was not measured."""
        headroom = circuit.opamp.headroom
        settling = clock.t_aperture / 2 if clock.settling is None else clock.settling
        if circuit.opamp.level == "file":
            return cls(settling / _TIME_CONSTANTS, -APART, APART)
        return cls(
            window=settling / _TIME_CONSTANTS,
            low=circuit.v_ss + headroom,
            high=circuit.v_dd - headroom,
        )

    def moving(self, time: Array, waves: Array, last_jump: float) -> bool:
        """Whether nodes have not settled at the end of a transient.

        A node that nears its end exponentially has as far to go as it moved in the last time
        constant, over e − 1; one that rings around it with a period of up to two time constants,
        at most half of that. A jump younger than that may not have reached the nodes yet.

        Args:
            time: s, shape (T,).
            waves: of the measured nodes, V, shape (nodes, T).
            last_jump: age of the noise's last jump at the end, s; inf without one.
        """
        if last_jump < self.window:
            return True
        k = max(0, int(np.searchsorted(time, time[-1] - self.window, side="right")) - 1)
        return bool(np.abs(waves[:, k:] - waves[:, -1:]).max() > MOVED)

    def at_rail(self, drives: Array) -> bool:
        """Whether an amplifier is limited by its supplies.

        Args:
            drives: voltages that amplifiers drive their output stages with, V; of models from a
                file those between their inputs.
        """
        return bool(np.any((drives > self.high - _NEAR) | (drives < self.low + _NEAR)))


@dataclass(frozen=True)
class Tally:
    """How many passes were simulated, and how they came out.

    Attributes:
        passes: all of them.
        doubtful: with at least one doubt.
        failed: that ended a simulation.
        reasons: passes by doubt; one pass may have several.
    """

    passes: int = 0
    doubtful: int = 0
    failed: int = 0
    reasons: dict[Doubt, int] = field(default_factory=dict)

    @classmethod
    def of(cls, doubts: Flags, *, failed: int = 0) -> "Tally":
        """Count flags."""
        return cls(
            passes=len(doubts) + failed,
            doubtful=int(np.count_nonzero(doubts)),
            failed=failed,
            reasons={doubt: int(np.count_nonzero(doubts & doubt)) for doubt in Doubt},
        )

    @property
    def ok(self) -> int:
        """Passes without a doubt."""
        return self.passes - self.doubtful - self.failed

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.passes + other.passes,
            self.doubtful + other.doubtful,
            self.failed + other.failed,
            {doubt: self.reasons.get(doubt, 0) + other.reasons.get(doubt, 0) for doubt in Doubt},
        )

    def in_words(self) -> str:
        """As a line: `2,000 passes: 1,950 ok, 50 doubtful (50 still moving …)`."""
        parts = [f"{self.ok:,} ok"]
        if self.doubtful:
            listed = [f"{n:,} {doubt.reason}" for doubt, n in self.reasons.items() if n]
            parts.append(f"{self.doubtful:,} doubtful ({', '.join(listed)})")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return f"{self.passes:,} passes: {', '.join(parts)}"

    def record(self) -> dict[str, object]:
        """For a JSON file."""
        return {
            "passes": self.passes,
            "ok": self.ok,
            "doubtful": self.doubtful,
            "reasons": {doubt.reason: n for doubt, n in self.reasons.items()},
            "failed": self.failed,
        }


NO_PASSES = Tally()

"""What a set of values is worth: figures over its seeds, and the engine that made them."""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.sweep.measures import DIVERGED, DONE, FAILED, Measured

MATHEMATICS, NGSPICE = "mathematics", "ngspice"

_LEAST = sys.float_info.min  # for the logarithm of a loss of 0


@dataclass(frozen=True)
class Score:
    """A set of values, run with a number of seeds.

    Attributes:
        engine: that made the figures.
        state: `done`, or `failed` or `diverged`, where a seed's run did.
        reason: why it is not done, in one line; empty otherwise.
        losses: final loss of each seed's run; NaN where there is none.
        energies: energy a pass of each, J; NaN where there is none.
    """

    engine: str
    state: str
    reason: str
    losses: tuple[float, ...]
    energies: tuple[float, ...]

    @property
    def log_loss(self) -> float:
        """Mean over seeds of log10 of the loss, which spreads over decades."""
        return float(np.mean(np.log10(np.maximum(self.losses, _LEAST))))

    @property
    def loss(self) -> float:
        """Geometric mean of the loss over seeds, in its own unit."""
        return 10**self.log_loss

    @property
    def energy(self) -> float:
        """Mean energy a pass, J."""
        return float(np.mean(self.energies))

    def values(self, goal: str) -> tuple[float, ...]:
        """What is made small: log10 of the loss, the energy in J, or both."""
        both = {"loss": (self.log_loss,), "energy": (self.energy,)}
        return both.get(goal, (self.log_loss, self.energy))

    def to_dict(self) -> dict[str, Any]:
        """As files hold it; what is no finite number is None."""
        known = self.state == DONE
        return {
            "engine": self.engine,
            "state": self.state,
            "reason": self.reason,
            "loss": _finite(self.loss) if known else None,
            "energy_per_pass_j": _finite(self.energy) if known else None,
            "loss_by_seed": [_finite(one) for one in self.losses],
            "energy_per_pass_by_seed_j": [_finite(one) for one in self.energies],
        }

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> "Score":
        """Read it back."""
        losses, energies = (
            tuple(math.nan if one is None else float(one) for one in said[name])
            for name in ("loss_by_seed", "energy_per_pass_by_seed_j")
        )
        return cls(said["engine"], said["state"], said["reason"], losses, energies)


def score_of(engine: str, goal: str, points: Mapping[int, Measured]) -> Score:
    """Put the runs of all seeds together.

    A set of values one of whose runs broke off has no mean: it takes that run's state and reason.

    Args:
        engine: that made the figures.
        goal: what is made small: `loss`, `energy` or `both`; that has to be a finite number.
        points: by seed.
    """
    name = "in_loop" if engine == NGSPICE else "ideal"
    losses = tuple(_value(point, name) for point in points.values())
    energies = tuple(_value(point, "energy_per_pass") for point in points.values())
    for state in (DIVERGED, FAILED):
        for seed, point in points.items():
            if point.state == state:
                return Score(engine, state, f"seed {seed}: {point.reason}", losses, energies)
    wanted = {"loss": (losses,), "energy": (energies,)}.get(goal, (losses, energies))
    for what, found in zip(("loss", "energy") if len(wanted) > 1 else (goal,), wanted, strict=True):
        for seed, value in zip(points, found, strict=True):
            if not math.isfinite(value):
                state = DIVERGED if math.isinf(value) else FAILED
                reason = f"seed {seed}: no {what} ({value:g})"
                return Score(engine, state, reason, losses, energies)
    return Score(engine, DONE, "", losses, energies)


def refused(engine: str, reason: str, seeds: Sequence[int]) -> Score:
    """A set of values that make no configuration."""
    none = (math.nan,) * len(seeds)
    return Score(engine, FAILED, reason, none, none)


def _value(point: Measured, name: str) -> float:
    return point.values.get(name, math.nan)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""A signed weight as a pair of resistors.

`G± = 1/R_max + max(±w, 0)/R_f`: the pair cancels exactly at `w = 0`, and
`w = R_f (G+ − G−)` is what the two summing amplifiers compute.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from circuits.quantities import Ohm, Parameters

OPEN = 1e15
"""Ω that stands for no resistor; its weight, R_f/OPEN, is 1e-10 at the default R_f."""


class SynapseParameters(Parameters):
    """Feedback resistor and the range in which weight resistors can be set."""

    r_feedback: Ohm = Field(
        default=100e3, ge=1e-3, le=1e12, description="feedback resistor R_f, Ω; w = R_f/R"
    )
    r_min: Ohm = Field(default=10e3, ge=1e-3, description="smallest weight resistor, Ω")
    r_max: Ohm = Field(
        default=10e6,
        gt=0,
        allow_inf_nan=True,
        description="largest weight resistor, Ω; inf for an open one",
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.r_min >= self.r_max:
            raise ValueError(f"r_min must be below r_max, got {self.r_min:g} and {self.r_max:g} Ω")
        return self

    @property
    def largest_weight(self) -> float:
        """|w| at R_min, 1."""
        return self.r_feedback * (1 / self.r_min - 1 / min(self.r_max, OPEN))

    def program(self, weights: NDArray[np.float64]) -> "ResistorPairs":
        """Resistors for signed weights, clipped into [R_min, R_max].

        Args:
            weights: any shape, dimensionless.

        Returns:
            The pairs, and how many weights did not fit.
        """
        floor = 1 / min(self.r_max, OPEN)
        ceiling = 1 / self.r_min
        plus = floor + np.maximum(weights, 0) / self.r_feedback
        minus = floor + np.maximum(-weights, 0) / self.r_feedback
        # Rounding must not count as clipping at the very ends of the range.
        clipped = np.count_nonzero(np.maximum(plus, minus) > ceiling * (1 + 1e-12))
        return ResistorPairs(
            plus=1 / np.minimum(plus, ceiling),
            minus=1 / np.minimum(minus, ceiling),
            clipped=int(clipped),
        )

    def weights(self, pairs: "ResistorPairs") -> NDArray[np.float64]:
        """Weights that resistor pairs make, dimensionless, same shape."""
        return self.r_feedback * (1 / pairs.plus - 1 / pairs.minus)


@dataclass(frozen=True)
class ResistorPairs:
    """Weight resistors of one layer.

    Attributes:
        plus: R+, Ω, shape (neurons, inputs).
        minus: R−, Ω, same shape.
        clipped: weights that did not fit between R_min and R_max.
    """

    plus: NDArray[np.float64]
    minus: NDArray[np.float64]
    clipped: int

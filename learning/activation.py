"""Activation functions of hidden layers: two straight lines, or a measured curve.

Each is given in numpy for passes and in torch for gradients, by the same formula.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from learning.arrays import Array

if TYPE_CHECKING:
    import torch


class ActivationFunction(Protocol):
    """Element by element, V to V."""

    def __call__(self, a: Array) -> Array:
        """Return the output of pre-activations `a` in V, in the same shape."""
        ...

    def of_tensor(self, a: "torch.Tensor") -> "torch.Tensor":
        """Return the same of a tensor; autograd takes the slope of the line that `a` is on."""
        ...


@dataclass(frozen=True)
class Activation:
    """Leaky ReLU: two straight lines through zero.

    Attributes:
        positive_slope: Gain for a pre-activation above zero, V/V.
        negative_slope: Gain for a pre-activation below zero, V/V. 0.1 is the diode divider's leak
            in the design; the paper's code takes 0.01.
    """

    positive_slope: float = 1.0
    negative_slope: float = 0.1

    def __call__(self, a: Array) -> Array:
        """Return the output of pre-activations `a` in V, in the same shape."""
        return np.where(a > 0, self.positive_slope, self.negative_slope) * a

    def of_tensor(self, a: "torch.Tensor") -> "torch.Tensor":
        """Return the same of a tensor; at zero its slope is the negative side's."""
        import torch  # noqa: PLC0415 - two seconds and 200 MB that most callers do not need

        return torch.where(a > 0, self.positive_slope * a, self.negative_slope * a)


@dataclass(frozen=True, eq=False)
class MeasuredActivation:
    """Straight lines between measured points; beyond them the first and the last line go on.

    Attributes:
        a: Pre-activations, V, ascending, shape (K,), K > 1.
        x: Outputs, V, shape (K,).

    Raises:
        ValueError: The points make no such curve.
    """

    a: Array
    x: Array

    def __post_init__(self) -> None:
        shapes = f"{self.a.shape} and {self.x.shape}"
        if self.a.ndim != 1 or self.a.shape != self.x.shape or len(self.a) < 2:
            raise ValueError(
                f"activation: wanted two or more points, a and x of one shape (K,), got {shapes}"
            )
        if not np.all(np.diff(self.a) > 0):
            raise ValueError("activation: the points' a must ascend; sort them")
        if not np.all(np.isfinite(self.slopes)):
            raise ValueError(
                "activation: the slopes between the points must be finite; wanted finite x, and a "
                "further apart"
            )

    @cached_property
    def slopes(self) -> Array:
        """Slope of each line, V/V, shape (K − 1,)."""
        with np.errstate(over="ignore", invalid="ignore"):  # refused on construction
            return np.diff(self.x) / np.diff(self.a)

    def __call__(self, a: Array) -> Array:
        """Return the output of pre-activations `a` in V, in the same shape."""
        k = np.clip(np.searchsorted(self.a, a) - 1, 0, len(self.slopes) - 1)
        return self.x[k] + self.slopes[k] * (a - self.a[k])

    def of_tensor(self, a: "torch.Tensor") -> "torch.Tensor":
        """Return the same of a tensor; at a point its slope is that of the line before it."""
        import torch  # noqa: PLC0415 - as above

        points, outputs, slopes = (torch.tensor(v) for v in (self.a, self.x, self.slopes))
        k = torch.searchsorted(points, a.detach().contiguous()) - 1
        k = k.clamp(0, len(slopes) - 1)
        return outputs[k] + slopes[k] * (a - points[k])

"""Loss functions, one value a sample.

Both passes of a noisy pair are scored sample by sample, since the update of arXiv 2412.12783,
Eq. 4, divides each sample's loss difference by that sample's own activity difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from learning.arrays import Array

if TYPE_CHECKING:
    from torch import Tensor


class Loss(Protocol):
    """A loss of predictions and targets, both of shape (B, N_L), in a unit of its own."""

    unit: ClassVar[str]

    def value(self, prediction: Array, target: Array) -> Array:
        """Return the loss of each sample, shape (B,)."""
        ...

    def gradient(self, prediction: Array, target: Array) -> Array:
        """Return the derivative by the prediction, shape (B, N_L)."""
        ...

    def of_tensor(self, prediction: "Tensor", target: "Tensor") -> "Tensor":
        """Return the loss of each sample, shape (B,), of tensors."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """L = ‖y* - y‖², summed over the outputs, in V²."""

    unit: ClassVar[str] = "V²"

    def value(self, prediction: Array, target: Array) -> Array:
        """Return the loss of each sample, shape (B,), V²."""
        return np.sum((target - prediction) ** 2, axis=1)

    def gradient(self, prediction: Array, target: Array) -> Array:
        """Return 2 (y - y*), shape (B, N_L), V."""
        return 2.0 * (prediction - target)

    def of_tensor(self, prediction: "Tensor", target: "Tensor") -> "Tensor":
        """Return the loss of each sample, shape (B,), V², of tensors."""
        return (target - prediction).square().sum(dim=1)


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """L = -Σ y* log softmax(g y) for one-hot targets.

    Attributes:
        gain: Logits per volt, g. At 1 a confident answer takes volts that no supply has; at 5 it
            fits between rails of ±2.5 V.
    """

    unit: ClassVar[str] = "nat"
    gain: float = 1.0

    def value(self, prediction: Array, target: Array) -> Array:
        """Return the loss of each sample, shape (B,), nat."""
        return -np.sum(target * _log_softmax(self.gain * prediction), axis=1)

    def gradient(self, prediction: Array, target: Array) -> Array:
        """Return g (softmax(g y) Σy* - y*), shape (B, N_L), nat/V."""
        weight = np.sum(target, axis=1, keepdims=True)  # 1 for one-hot targets
        return self.gain * (np.exp(_log_softmax(self.gain * prediction)) * weight - target)

    def of_tensor(self, prediction: "Tensor", target: "Tensor") -> "Tensor":
        """Return the loss of each sample, shape (B,), nat, of tensors."""
        return -(target * (self.gain * prediction).log_softmax(dim=1)).sum(dim=1)


def _log_softmax(prediction: Array) -> Array:
    # Subtracting the largest logit keeps exp() from overflowing and changes nothing else.
    shifted = prediction - np.max(prediction, axis=1, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))


LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "squared-error": SquaredError(),
        "cross-entropy": SoftmaxCrossEntropy(),
        "cross-entropy-5": SoftmaxCrossEntropy(gain=5.0),
    }
)

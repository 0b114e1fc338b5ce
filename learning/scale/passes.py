"""Forward passes on tensors: a pair of noisy ones at once, or one alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from learning.scale.hardware import Hardware
from learning.scale.network import TensorNetwork
from learning.scale.products import affine


@dataclass(frozen=True)
class Pair:
    """What two passes of the same b inputs leave behind.

    Attributes:
        inputs: x̄_{l-1} of pass 1, shape (b, N_{l-1}), V, for l = 1..L.
        shifts: δa_l = a_l(1) − a_l(2), shape (b, N_l), V.
        prediction: x_L of pass 1, then of pass 2, shape (2b, N_L), V.
    """

    inputs: list[Tensor]
    shifts: list[Tensor]
    prediction: Tensor


class Forward:
    """Passes through one network.

    Args:
        network: Whose passes.
        leak: Slope of hidden layers below zero, V/V; where there is hardware, that has its own.
        hardware: What stands in for the mathematics of a neuron; None for ideal ones.
        decorrelated: Whether decor and offsets are to be multiplied at all; False saves it where
            they are the identity.
    """

    def __init__(
        self,
        network: TensorNetwork,
        leak: float,
        hardware: Hardware | None = None,
        *,
        decorrelated: bool = True,
    ) -> None:
        self._network = network
        self._leak = leak
        self._hardware = hardware
        self._decorrelated = decorrelated

    def pair(self, inputs: Tensor, noise: Sequence[Tensor]) -> Pair:
        """Run two passes of the same inputs as one double batch.

        Both see the same x_0, so the first layer is multiplied once.

        Args:
            inputs: Shape (b, N_0), V.
            noise: ν_l of shape (2, b, N_l), V, for l = 1..L.
        """
        batch, x = len(inputs), inputs
        kept: list[Tensor] = []
        shifts: list[Tensor] = []
        for layer, nu in enumerate(noise, start=1):
            a, x_bar = self._summed(layer, x)
            kept.append(x_bar[:batch])
            a = (a + nu if layer == 1 else a.view_as(nu).add_(nu)).view(2 * batch, -1)
            a = self._measured(layer, a, x)
            shifts.append(a[:batch] - a[batch:])
            x = self._rectified(layer, a)
        return Pair(kept, shifts, x)

    def single(self, inputs: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """Run one pass and return x_L, shape (b, N_L), V.

        Args:
            inputs: Shape (b, N_0), V.
            noise: ν_l of shape (b, N_l), V; None for a clean pass.
        """
        x = inputs
        for layer in range(1, len(self._network.weights) + 1):
            a, _ = self._summed(layer, x)
            if noise is not None:
                a = a + noise[layer - 1]
            x = self._rectified(layer, self._measured(layer, a, x))
        return x

    def _summed(self, layer: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """W x̄ + b and x̄; neither is a copy of what it need not be."""
        net, k = self._network, layer - 1
        w, b = net.weights[k], net.biases[k]
        x_bar = x
        if self._decorrelated:
            x_bar = affine(x, net.decor[k], net.offsets[k])
        if self._hardware is None:
            return affine(x_bar, w, b), x_bar
        if self._decorrelated:
            b = torch.addmv(b, w, net.offsets[k])
            w = w @ net.decor[k]
        w, b = self._hardware.programmed(layer, w, b)
        return affine(x, w, b), x_bar

    def _measured(self, layer: int, a: Tensor, x: Tensor) -> Tensor:
        return a if self._hardware is None else self._hardware.summed(layer, a, x)

    def _rectified(self, layer: int, a: Tensor) -> Tensor:
        if layer == len(self._network.weights):
            return a
        if self._hardware is None:
            return leaky_relu(a, self._leak)
        return self._hardware.rectified(layer, a)

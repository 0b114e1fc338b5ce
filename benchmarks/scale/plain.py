"""DANP as anyone would write it down from its equations: what the fast kernel is held against.

arXiv 2412.12783, Eqs. 2 and 4, line by line, a tensor a symbol. Two separate noisy passes, each of
which decorrelates its own inputs; C = ⟨x̄ x̄ᵀ⟩ formed, then (C − diag C) decor as a product of two
square matrices; per-sample outer products summed by `einsum`, or formed as a tensor and averaged;
`torch.optim.Adam` as it comes; fresh noise for every layer and pass.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from learning.scale import TensorNetwork

Outer: TypeAlias = Literal["einsum", "tensor"]
"""How ⟨u vᵀ⟩ is taken: contracted over samples, or (B, i, j) formed and averaged."""

Draw: TypeAlias = Callable[[int, int, int], Tensor]
"""Noise of a layer 1..L in pass 1 or 2 of b samples, V, shape (b, N_layer)."""


@dataclass(frozen=True)
class Pass:
    """What one pass leaves: x̄ and a of every layer, shapes (B, N_{l-1}) and (B, N_l), V."""

    inputs: list[Tensor]
    pre: list[Tensor]


@dataclass(frozen=True)
class PlainUpdate:
    """Directions of change, in shapes of what they change."""

    weights: list[Tensor]
    biases: list[Tensor]
    decor: list[Tensor]


class PlainDanp:
    """DANP with cross-entropy, mean over the batch, on its own copy of a network.

    Args:
        network: start.
        eta: rate of Adam.
        decor_rate: ε.
        leak: of the hidden layers, V/V.
        draw: noise.
        outer: how outer products are averaged.
    """

    def __init__(
        self,
        network: TensorNetwork,
        *,
        eta: float,
        decor_rate: float,
        leak: float,
        draw: Draw,
        outer: Outer = "einsum",
    ) -> None:
        self.weights = [w.clone() for w in network.weights]
        self.biases = [b.clone() for b in network.biases]
        self.decor = [d.clone() for d in network.decor]
        self._decor_rate, self._leak = decor_rate, leak
        self._draw, self._outer = draw, outer
        self._optimizer = torch.optim.Adam([*self.weights, *self.biases], lr=eta)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Learn from one batch, shapes (B, N_0) and (B, N_L)."""
        update = self.update(inputs, targets)
        for w, change in zip(self.weights, update.weights, strict=True):
            w.grad = change
        for b, change in zip(self.biases, update.biases, strict=True):
            b.grad = change
        self._optimizer.step()
        for d, change in zip(self.decor, update.decor, strict=True):
            d.sub_(self._decor_rate * change)

    def update(self, inputs: Tensor, targets: Tensor) -> PlainUpdate:
        """The directions of change of one batch."""
        first, second = self._run(inputs, 1), self._run(inputs, 2)
        change = _losses(first.pre[-1], targets) - _losses(second.pre[-1], targets)
        shifts = [a - b for a, b in zip(first.pre, second.pre, strict=True)]
        norm = torch.stack([(s**2).sum(dim=1) for s in shifts]).sum(dim=0)
        units = sum(len(b) for b in self.biases)
        factor = torch.where(norm > 0, units * change / norm, torch.zeros_like(norm))
        signals = [factor[:, None] * s for s in shifts]
        return PlainUpdate(
            [self._mean(s, x) for s, x in zip(signals, first.inputs, strict=True)],
            [s.mean(dim=0) for s in signals],
            [self._decorrelation(x, d) for x, d in zip(first.inputs, self.decor, strict=True)],
        )

    def _run(self, x: Tensor, number: int) -> Pass:
        seen = Pass([], [])
        for w, b, d in zip(self.weights, self.biases, self.decor, strict=True):
            inputs = x @ d.T
            a = inputs @ w.T + b + self._draw(len(seen.pre) + 1, number, len(x))
            x = torch.where(a > 0, a, self._leak * a)
            seen.inputs.append(inputs)
            seen.pre.append(a)
        return seen

    def _decorrelation(self, x: Tensor, decor: Tensor) -> Tensor:
        correlation = self._mean(x, x)
        return (correlation - torch.diag(torch.diag(correlation))) @ decor

    def _mean(self, u: Tensor, v: Tensor) -> Tensor:
        """⟨u vᵀ⟩ over samples: (B, i) and (B, j) to (i, j)."""
        if self._outer == "tensor":
            return torch.einsum("bi,bj->bij", u, v).mean(dim=0)
        return torch.einsum("bi,bj->ij", u, v) / len(u)


def gaussian(sigma: float, layers: Sequence[int], like: Tensor) -> Draw:
    """Fresh normal noise of σ volts, for each layer and pass, on the device of a tensor."""

    def draw(layer: int, number: int, batch: int) -> Tensor:  # noqa: ARG001 - always afresh
        shape = (batch, layers[layer])
        return sigma * torch.randn(shape, device=like.device, dtype=like.dtype)

    return draw


def _losses(outputs: Tensor, targets: Tensor) -> Tensor:
    return -(targets * torch.log_softmax(outputs, dim=1)).sum(dim=1)

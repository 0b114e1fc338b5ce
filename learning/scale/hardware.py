"""What stands in for the mathematics of a neuron: resistors, amplifiers and a measured rectifier.

With g± = R_f G± of the weights that a neuron's resistors make, its bias among them, and
N+ = 1 + Σg+ + R_f G_i, N− = 2 + Σg− the noise gains of its two summing amplifiers (G_i: what the
noise source adds at the first summing node), the second amplifier puts out

    o = −k+ (g+·x + ν − N+ V+)        k± = 1/(1 + N±/A±)
    a = −k− (o + g−·x − N− V−)

with open-loop gains A± and input offsets V±. Both o and a stop at their rails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from learning.activation import MeasuredActivation
from learning.scale.curve import TensorCurve

Rails = tuple[float, float]
"""Lowest and highest voltage of an output, V; infinite where there is none."""


class Hardware(Protocol):
    """Neurons as they are built. Layers count from 1."""

    def programmed(self, layer: int, weights: Tensor, biases: Tensor) -> tuple[Tensor, Tensor]:
        """Set a layer's resistors, and return the weights and biases that its sums then have.

        Args:
            layer: Whose.
            weights: Effective weights W decor, shape (N_l, N_{l-1}), V/V.
            biases: Shape (N_l,), V.
        """
        ...

    def summed(self, layer: int, a: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Return pre-activations as the amplifiers put them out, V.

        Args:
            layer: Whose, programmed before.
            a: Sums of the programmed weights and biases, noise included, V, shape (c b, N_l).
            inputs: The layer's inputs, V, shape (b, N_{l-1}); c passes share them. Left out, the
                first amplifier has no rails.
        """
        ...

    def rectified(self, layer: int, a: Tensor) -> Tensor:
        """Return the outputs of a hidden layer, V, same shape."""
        ...


@dataclass(frozen=True)
class Figures:
    """What describes every neuron's parts; mathematics' own where left out.

    Attributes:
        injected: R_f G_i, what is at the first summing node besides weights and R_f, 1.
        floor: R_f/R_max, what each resistor of a pair conducts at least, 1.
        largest: Largest |w| that a pair makes, R_f/R_min − R_f/R_max, 1.
        step: Distance of neighbouring weights, R_f times the step of a conductance, 1; 0: none.
        v_one: Input that stands for 1 in a bias, V.
        gains: Open-loop gains A+ and A−, V/V.
        first: Rails of the first amplifier.
        hidden: Rails of a hidden neuron's second amplifier.
        output: Rails of an output neuron's second amplifier.
        offset: Mean input offset of every op-amp, V.
        spread: Standard deviation of the offsets from op-amp to op-amp, V.
        curve: The rectifier, measured with op-amps of the offset `curve_offset`; None for two
            straight lines.
        curve_offset: V; 0 for straight lines.
        slopes: Of the straight lines, for a > 0 and for a < 0, V/V.
        followed: What a volt of offset of each op-amp in the rectifier adds to its output, for
            a > 0 and for a < 0, V/V.
    """

    injected: float = 0.0
    floor: float = 0.0
    largest: float = float("inf")
    step: float = 0.0
    v_one: float = 1.0
    gains: tuple[float, float] = (float("inf"), float("inf"))
    first: Rails = (-float("inf"), float("inf"))
    hidden: Rails = (-float("inf"), float("inf"))
    output: Rails = (-float("inf"), float("inf"))
    offset: float = 0.0
    spread: float = 0.0
    curve: MeasuredActivation | None = None
    curve_offset: float = 0.0
    slopes: tuple[float, float] = (1.0, 0.1)
    followed: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class _Set:
    """What a layer's resistors make of its amplifiers; for a neuron each, shape (N_l,)."""

    scale: Tensor  # k+ k−, 1
    shift: Tensor  # of a by the offsets, V
    second: Tensor  # k−, 1
    raised: Tensor  # N− V−, V
    minus: Tensor  # g−, shape (N_l, N_{l-1}), 1
    minus_bias: Tensor  # g− of the bias times what stands for 1, V


class CellHardware:
    """Neurons made of cells whose figures were measured.

    Every op-amp draws its offset once. Rounding, clipping and finite gain are invisible to
    autograd, which passes straight through; at a rail its slope is zero.

    Args:
        figures: Of every neuron.
        layers: N_0..N_L.
        rng: Draws the offsets, a layer after the other, op-amp by op-amp: first, second, and those
            of the rectifier, for all of its neurons each.
        device: Where the tensors are.
        dtype: What they are made of.
        biases: Whether every neuron has a pair of resistors for its bias.

    Attributes:
        offsets: Input offsets of each layer, V, shape (op-amps, N_l): first, second, and in
            hidden layers those of the rectifier.
    """

    def __init__(
        self,
        figures: Figures,
        layers: Sequence[int],
        rng: np.random.Generator,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        biases: bool = True,
    ) -> None:
        self._figures = figures
        self._biases = biases
        self._depth = len(layers) - 1
        self._curve = TensorCurve(figures.curve, device, dtype) if figures.curve else None
        self.offsets: list[Tensor] = []
        for layer, width in enumerate(layers[1:], start=1):
            amplifiers = 2 + (len(figures.followed) if layer < self._depth else 0)
            drawn = rng.normal(figures.offset, figures.spread, (amplifiers, width))
            self.offsets.append(torch.tensor(drawn, device=device, dtype=dtype))
        self._followed = torch.tensor(figures.followed, device=device, dtype=dtype).reshape(-1, 2)
        self._set: dict[int, _Set] = {}

    def state(self) -> dict[str, Tensor]:
        """Return what was drawn, as named tensors."""
        return {f"offsets-{k}": drawn.clone() for k, drawn in enumerate(self.offsets, start=1)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over what other hardware drew."""
        for k, drawn in enumerate(self.offsets, start=1):
            drawn.copy_(state[f"offsets-{k}"])

    def programmed(self, layer: int, weights: Tensor, biases: Tensor) -> tuple[Tensor, Tensor]:
        """Set a layer's resistors; see `Hardware`.

        Weights are clipped, and rounded evenly in conductance. What the first amplifier's finite
        gain takes from one sign of the weights and not from the other is in those returned.
        """
        made = self._made(weights.detach())
        made_bias = self._made(biases.detach() / self._figures.v_one)
        set_ = self._amplifiers(layer, made, made_bias)
        error = self._lost(made, made_bias)
        given = made - error[:, None] * set_.minus
        given_bias = made_bias * self._figures.v_one - error * set_.minus_bias
        self._set[layer] = set_
        # Autograd sees what was asked for, and values are what resistors make of it.
        return (
            weights + (given - weights).detach(),
            biases + (given_bias - biases).detach(),
        )

    def made(self, weights: Tensor, biases: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weights and biases that resistors make of those asked for, same shapes."""
        return self._made(weights), self._made(biases / self._figures.v_one) * self._figures.v_one

    def summed(self, layer: int, a: Tensor, inputs: Tensor | None = None) -> Tensor:
        """Return pre-activations as the amplifiers put them out; see `Hardware`."""
        set_ = self._set[layer]
        a = torch.addcmul(set_.shift, a, set_.scale)
        if inputs is not None and self._limited:
            first = self._first(set_, a, inputs)
            a = torch.addcmul(a, first - first.clamp(*self._figures.first), set_.second)
        rails = self._figures.hidden if layer < self._depth else self._figures.output
        return a.clamp(*rails)

    def first(self, layer: int, a: Tensor, inputs: Tensor) -> Tensor:
        """Return what the first amplifiers would put out had they no rails, V.

        Args:
            layer: Whose, programmed before.
            a: Sums of the programmed weights and biases, noise included, V, shape (c b, N_l).
            inputs: The layer's inputs, V, shape (b, N_{l-1}).
        """
        set_ = self._set[layer]
        return self._first(set_, torch.addcmul(set_.shift, a, set_.scale), inputs)

    def rectified(self, layer: int, a: Tensor) -> Tensor:
        """Return the outputs of a hidden layer; see `Hardware`."""
        positive, negative = self._figures.slopes
        x = self._curve(a) if self._curve else torch.where(a > 0, positive * a, negative * a)
        if not self._offsets_matter:
            return x
        beyond = self.offsets[layer - 1][2:] - self._figures.curve_offset
        above, below = self._followed.T @ beyond
        return x + torch.where(a > 0, above, below)

    @property
    def _limited(self) -> bool:
        return any(abs(rail) < float("inf") for rail in self._figures.first)

    @property
    def _offsets_matter(self) -> bool:
        figures = self._figures
        return bool(figures.spread) or figures.offset != figures.curve_offset

    def _made(self, weights: Tensor) -> Tensor:
        largest, step = self._figures.largest, self._figures.step
        made = weights.clamp(-largest, largest)
        return torch.round(made / step) * step if step else made

    def _noise_gains(self, made: Tensor, made_bias: Tensor) -> tuple[Tensor, Tensor]:
        """N+ and N− of every neuron, shape (N_l,) each."""
        total = self._figures.floor * (made.shape[1] + self._biases)
        plus = made.clamp(min=0).sum(1) + made_bias.clamp(min=0) + total
        minus = made.clamp(max=0).sum(1) + made_bias.clamp(max=0) - total
        return 1 + self._figures.injected + plus, 2 - minus

    def _lost(self, made: Tensor, made_bias: Tensor) -> Tensor:
        """1/k+ − 1 of every neuron, shape (N_l,)."""
        plus, _ = self._noise_gains(made, made_bias)
        return plus / self._figures.gains[0]

    def _amplifiers(self, layer: int, made: Tensor, made_bias: Tensor) -> _Set:
        figures = self._figures
        plus, minus = self._noise_gains(made, made_bias)
        one, two = 1 / (1 + plus / figures.gains[0]), 1 / (1 + minus / figures.gains[1])
        v_first, v_second = self.offsets[layer - 1][:2]
        raised = minus * v_second
        return _Set(
            scale=one * two,
            shift=two * (raised - one * plus * v_first),
            second=two,
            raised=raised,
            minus=figures.floor - made.clamp(max=0),
            minus_bias=figures.v_one * (figures.floor * self._biases - made_bias.clamp(max=0)),
        )

    @staticmethod
    def _first(set_: _Set, a: Tensor, inputs: Tensor) -> Tensor:
        against = torch.addmm(set_.minus_bias - set_.raised, inputs, set_.minus.T)
        outputs = a / set_.second
        return -(outputs.unflatten(0, (-1, len(inputs))) + against).flatten(0, 1)

"""The network as tensors on one device, which learning changes in place.

Layer l computes, for l = 1..L, as `learning.model` does ::

    x̄_{l-1} = decor_{l-1} x_{l-1} + c_{l-1}
    a_l     = W_l x̄_{l-1} + b_l + ν_l
    x_l     = f(a_l), and x_L = a_L: the output layer is linear

c is zero unless a rule learns to take the mean of a layer's input away (arXiv 2412.12783, the
authors' code).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from learning.model import Model, init_model

Scheme: TypeAlias = Literal["uniform", "normal"]
"""How weights are drawn: ±1/√fan as `torch.nn.Linear`, or N(0, 1/fan)."""

_KINDS = ("weights", "biases", "decor", "offsets")


@dataclass(frozen=True)
class TensorNetwork:
    """Parameters of a network of L layers; every tensor on one device and in one dtype.

    Attributes:
        weights: W_l of shape (N_l, N_{l-1}), for l = 1..L.
        biases: b_l of shape (N_l,), in V.
        decor: Decorrelation matrix of each layer's input, shape (N_{l-1}, N_{l-1}).
        offsets: c of each layer's input, shape (N_{l-1},), in V.
    """

    weights: list[Tensor]
    biases: list[Tensor]
    decor: list[Tensor]
    offsets: list[Tensor]

    @property
    def layers(self) -> tuple[int, ...]:
        """N_0..N_L."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def units(self) -> int:
        """N = N_1 + ... + N_L, the number of noisy nodes."""
        return sum(self.layers[1:])

    @property
    def device(self) -> torch.device:
        """Where the tensors are."""
        return self.weights[0].device

    @property
    def dtype(self) -> torch.dtype:
        """What they are made of."""
        return self.weights[0].dtype

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor by name, `weights-1` and so on, as for a checkpoint."""
        return {
            f"{kind}-{k}": tensor
            for kind in _KINDS
            for k, tensor in enumerate(getattr(self, kind), start=1)
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the values that `tensors` gave."""
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])

    def decorrelates(self) -> bool:
        """Whether decor and offsets change anything; synchronises with the device."""
        still = all(
            torch.equal(d, torch.eye(len(d), device=d.device, dtype=d.dtype)) for d in self.decor
        )
        return not still or any(bool(c.any()) for c in self.offsets)

    @classmethod
    def from_model(
        cls, model: Model, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> "TensorNetwork":
        """Return a model's parameters as tensors of their own."""

        def tensors(arrays: Sequence[np.ndarray]) -> list[Tensor]:
            return [torch.tensor(a, device=device, dtype=dtype) for a in arrays]

        return cls(
            tensors(model.weights),
            tensors(model.biases),
            tensors(model.decor),
            tensors([np.zeros(len(d)) for d in model.decor]),
        )

    def to_model(self) -> Model:
        """Return the parameters as arrays of doubles; W c goes into the biases."""

        def arrays(tensors: Sequence[Tensor]) -> tuple[np.ndarray, ...]:
            return tuple(t.detach().cpu().numpy().astype(np.float64) for t in tensors)

        weights, biases = arrays(self.weights), arrays(self.biases)
        shifts = [w @ c for w, c in zip(weights, arrays(self.offsets), strict=True)]
        return Model(
            weights,
            tuple(b + s for b, s in zip(biases, shifts, strict=True)),
            arrays(self.decor),
        )


def init_network(
    layers: Sequence[int],
    rng: np.random.Generator,
    *,
    scheme: Scheme = "uniform",
    scale: float = 1.0,
    biases: bool = True,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> TensorNetwork:
    """Draw a network; decor begins as the identity.

    The draw is made by numpy, so that a seed gives the same network on every device.

    Args:
        layers: N_0..N_L.
        rng: Source of the weights.
        scheme: "uniform" draws weights, and biases where there are any, from ±scale/√N_{l-1}, as
            torch.nn.Linear does by default; "normal" weights from N(0, scale²/N_{l-1}) and zero
            biases, as `learning.model.init_model`.
        scale: Factor on the width of the draw.
        biases: Whether the network has biases.
        device: Where the tensors go.
        dtype: What they are made of.

    Raises:
        ValueError: If there are fewer than two layers or one is empty.
    """
    model = init_model(layers, rng, scale=scale)  # refuses what are no layers
    if scheme == "uniform":
        drawn = [
            (rng.uniform(-1, 1, (n, fan)) * scale / fan**0.5, rng.uniform(-1, 1, n) / fan**0.5)
            for fan, n in pairwise(layers)
        ]
        model = Model(
            tuple(w for w, _ in drawn), tuple(scale * biases * b for _, b in drawn), model.decor
        )
    return TensorNetwork.from_model(model, device, dtype)

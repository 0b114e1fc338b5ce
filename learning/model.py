"""The network as arrays: parameters, activation, and one forward pass.

Layer l computes, for l = 1..L (activity-based node perturbation, arXiv 2412.12783, Eq. 2; Dalm
et al., arXiv 2310.00965)::

    x̄_{l-1} = decor_{l-1} x_{l-1}
    a_l     = W_l x̄_{l-1} + b_l + ν_l
    x_l     = f(a_l), and x_L = a_L: the output layer is linear

Activities are in volts (1 V is one unit of the mathematics), weights and decor in V/V. B is the
number of samples of a batch and N_l the number of units of layer l, N_0 that of the inputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from learning.activation import ActivationFunction
from learning.arrays import Array


@dataclass(frozen=True)
class Model:
    """Parameters of a network of L layers.

    Attributes:
        weights: W_l of shape (N_l, N_{l-1}), for l = 1..L.
        biases: b_l of shape (N_l,), in V; all zero when unused.
        decor: Decorrelation matrix of each layer's input, shape (N_{l-1}, N_{l-1}).
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    decor: tuple[Array, ...]

    @property
    def layers(self) -> tuple[int, ...]:
        """N_0..N_L."""
        return (self.weights[0].shape[1], *(w.shape[0] for w in self.weights))

    @property
    def units(self) -> int:
        """N = N_1 + ... + N_L, the number of noisy nodes."""
        return sum(self.layers[1:])

    def effective_weights(self) -> tuple[Array, ...]:
        """Return W_l decor_{l-1}, what a summing stage's resistors have to realise."""
        return tuple(w @ d for w, d in zip(self.weights, self.decor, strict=True))

    def decorrelated(self, layer: int, x: Array) -> Array:
        """Return x̄ = decor x for the input of a layer.

        Args:
            layer: Index into `decor`; 0 is the raw input.
            x: Activities of shape (B, N_layer), V.

        Returns:
            Shape (B, N_layer), V.
        """
        return x @ self.decor[layer].T


@dataclass(frozen=True)
class Activity:
    """What one pass shows at every node, computed or measured.

    Attributes:
        inputs: Shape (B, N_0), V.
        pre: Pre-activations a_l of shape (B, N_l), V, the node's own noise included.
        outputs: x_l of shape (B, N_l), V.
    """

    inputs: Array
    pre: tuple[Array, ...]
    outputs: tuple[Array, ...]

    @property
    def prediction(self) -> Array:
        """x_L of shape (B, N_L), V."""
        return self.outputs[-1]

    def layer_inputs(self) -> tuple[Array, ...]:
        """Return x_0..x_{L-1}, the input of each layer before decorrelation."""
        return (self.inputs, *self.outputs[:-1])


def init_model(layers: Sequence[int], rng: np.random.Generator, *, scale: float = 1.0) -> Model:
    """Draw weights from N(0, scale²/N_{l-1}), with zero biases and identity decor.

    Args:
        layers: N_0..N_L.
        rng: Source of the weights.
        scale: 1 keeps the variance of a linear layer's input.

    Raises:
        ValueError: If there are fewer than two layers or one is empty.
    """
    if len(layers) < 2 or min(layers) < 1:
        raise ValueError(
            f"model: layers must be two or more positive numbers, got {_listed(layers)}; "
            "try 2,2,2,1"
        )
    pairs = list(pairwise(layers))
    return Model(
        weights=tuple(rng.normal(0.0, scale / np.sqrt(fan), (n, fan)) for fan, n in pairs),
        biases=tuple(np.zeros(n) for _, n in pairs),
        decor=tuple(np.eye(fan) for fan, _ in pairs),
    )


def forward(
    model: Model, inputs: Array, noise: tuple[Array, ...] | None, activation: ActivationFunction
) -> Activity:
    """Run one pass.

    Args:
        model: The network.
        inputs: Shape (B, N_0), V.
        noise: ν_l of shape (B, N_l), V, for l = 1..L; None for a clean pass.
        activation: Of the hidden layers.
    """
    x, last = inputs, len(model.weights) - 1
    pre: list[Array] = []
    outputs: list[Array] = []
    for i, (w, b) in enumerate(zip(model.weights, model.biases, strict=True)):
        a = model.decorrelated(i, x) @ w.T + b
        if noise is not None:
            a = a + noise[i]
        x = a if i == last else activation(a)
        pre.append(a)
        outputs.append(x)
    return Activity(inputs, tuple(pre), tuple(outputs))


def _listed(layers: Sequence[int]) -> str:
    return ",".join(str(n) for n in layers)

"""Data that is drawn or written down: the answers of a random network, and exclusive or."""

from collections.abc import Sequence

import numpy as np

from learning.activation import Activation
from learning.arrays import Array
from learning.model import forward, init_model


def teacher_data(
    layers: Sequence[int], samples: int, rng: np.random.Generator, activation: Activation
) -> tuple[Array, Array]:
    """Draw inputs and the answers of a random network (arXiv 2412.12783, Fig. 5).

    The output layer is scaled so that the largest target is 1 V: a random network of leaky units
    may answer with millivolts or with more than the rails allow, and its loss would say more
    about that than about learning.

    Returns:
        Inputs, uniform in (-1, 1) V, of shape (samples, N_0), and targets of shape (samples, N_L).
    """
    teacher = init_model(layers, rng)
    inputs = rng.uniform(-1.0, 1.0, (samples, layers[0]))
    targets = forward(teacher, inputs, None, activation).prediction
    return inputs, targets / np.max(np.abs(targets))


def xor_data() -> tuple[Array, Array]:
    """Return the four points at ±1 V, shape (4, 2), and their product negated, shape (4, 1)."""
    inputs = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    return inputs, -np.prod(inputs, axis=1, keepdims=True)

"""DANP of `learning` itself, in numpy and doubles: the reference that tensors are held to."""

import numpy as np
import torch
from torch import Tensor

from benchmarks.scale.workload import ETA, LEAK, RATE, SIGMA
from learning import (
    LOSSES,
    Activation,
    ActivityPerturbation,
    Array,
    Evidence,
    Model,
    Update,
    apply_update,
    forward,
    make_optimizer,
)
from learning.scale import TensorNetwork

_ACTIVATION = Activation(negative_slope=LEAK)
_LOSS = LOSSES["cross-entropy"]
_RULE = ActivityPerturbation(biases=True)


class ArrayDanp:
    """DANP with Adam on arrays, Gaussian noise.

    Args:
        network: start.
    """

    def __init__(self, network: TensorNetwork) -> None:
        self._model = network.to_model()
        self._optimizer = make_optimizer("adam", ETA)
        self._state = self._optimizer.init((*self._model.weights, *self._model.biases))
        self._rng = np.random.default_rng(0)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Learn from one batch."""
        noise = [
            tuple(
                SIGMA * self._rng.standard_normal((len(inputs), n)) for n in self._model.layers[1:]
            )
            for _ in range(2)
        ]
        update = array_update(self._model, _array(inputs), _array(targets), noise[0], noise[1])
        self._model, self._state = apply_update(
            self._model, update, self._optimizer, self._state, RATE
        )


def array_update(
    model: Model,
    inputs: Array,
    targets: Array,
    first: tuple[Array, ...],
    second: tuple[Array, ...],
) -> Update:
    """The update of one batch under given noise of both passes, shapes (B, N_l), V."""
    one, two = (forward(model, inputs, noise, _ACTIVATION) for noise in (first, second))
    losses = (_LOSS.value(one.prediction, targets), _LOSS.value(two.prediction, targets))
    return _RULE.update(model, Evidence(one, two, *losses))


def _array(tensor: Tensor) -> Array:
    return tensor.to("cpu", torch.float64).numpy()

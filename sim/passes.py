"""Passes: what is presented to the network, and under which noise, in plain arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.stimulus import Stimulus

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Passes:
    """Passes to run one after the other.

    Attributes:
        inputs: V, shape (P, N_0).
        states: every junction's state at the sampling instant, shape (P, neurons, n): 0 parallel,
            1 antiparallel; values between hold the noise off.
        flip_ages: per pass, per junction, how long before the sampling instant it flipped, s,
            oldest first; as far back as the fidelity looks.
        noise: ν that these states make at the sampling instant, V, shape (P, neurons).
    """

    inputs: Array
    states: Array
    flip_ages: tuple[tuple[Array, ...], ...]
    noise: Array

    def __len__(self) -> int:
        """Count the passes."""
        return len(self.inputs)

    def flips(self) -> int:
        """Flips seen, over all passes and junctions."""
        return sum(len(ages) for junctions in self.flip_ages for ages in junctions)


def split_layers(per_neuron: Array, layers: tuple[int, ...]) -> tuple[Array, ...]:
    """Cut (P, neurons) into one (P, N_l) array a layer."""
    return tuple(np.split(per_neuron, np.cumsum(layers[1:-1]), axis=1))


def pass_stimulus(passes: Passes, p: int, duration: float) -> Stimulus:
    """The last `duration` s of a pass, with every flip in it.

    The state at its start is the one at the sampling instant with the flips undone.
    """
    ages = [a[a < duration] for a in passes.flip_ages[p]]
    odd = np.array([len(a) % 2 for a in ages]).reshape(passes.states[p].shape)
    start = np.where(odd == 1, 1 - passes.states[p], passes.states[p])
    return Stimulus(duration, passes.inputs[p], start, tuple(duration - a for a in ages))

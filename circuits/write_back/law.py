"""What every device's law has in common: it takes weights, and says what resistors they became."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from circuits.synapse import OPEN, SynapseParameters

Array = NDArray[np.float64]

PLUS, MINUS = 0, 1
"""Places of R+ and R− along the first axis of a layer's devices, (2, neurons, inputs)."""

_OPEN = OPEN * (1 - 1e-9)  # rounding of 1/(1/OPEN) included


@dataclass(frozen=True)
class Held:
    """A layer's devices before a write.

    Attributes:
        setting: what each was told last, in its law's terms, shape (2, neurons, inputs); NaN
            before the first write.
        resistance: what each has now, Ω, same shape; NaN before the first write.
    """

    setting: Array
    resistance: Array


@dataclass(frozen=True)
class Written:
    """A layer's devices after a write.

    Attributes:
        setting: as in `Held`.
        resistance: Ω, of those that got pulses; the rest keep what they have.
        pulses: that each device got, same shape; 0 where it was left alone.
    """

    setting: Array
    resistance: Array
    pulses: NDArray[np.int64]


class Law(Protocol):
    """How the devices of one layer take weights."""

    @property
    def synapse(self) -> SynapseParameters:
        """The range that its devices have by the data sheet."""
        ...

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """Program the devices towards weights.

        Args:
            weights: wanted, V/V, shape (neurons, inputs).
            held: the devices before.
            cycles: what differs from write to write is drawn from it.
        """
        ...

    def told(self, held: Held) -> Array:
        """Weights by what the controller knows of the devices, V/V, shape (neurons, inputs).

        To write them leaves the devices as they are.

        Args:
            held: the devices, written to before.
        """
        ...


def both(synapse: SynapseParameters, weights: Array) -> Array:
    """Resistors of ideal devices for weights, Ω, R+ and R− as the first axis."""
    pairs = synapse.program(weights)
    return np.stack((pairs.plus, pairs.minus))


def weights_of(synapse: SynapseParameters, resistance: Array) -> Array:
    """Weights that resistors make, V/V; R+ and R− are the first axis."""
    return synapse.r_feedback * (1 / resistance[PLUS] - 1 / resistance[MINUS])


def scaled(resistance: Array, factors: Array) -> Array:
    """Resistors times factors, Ω; where no resistor is, none comes to be."""
    return np.where(resistance >= _OPEN, resistance, np.minimum(resistance * factors, OPEN))


def set_to(setting: Array, resistance: Array, held: Held) -> Written:
    """A write of devices that take any setting at once; those that have it are left alone."""
    return Written(setting, resistance, (setting != held.setting).astype(np.int64))


def nearest(values: Array, between: Array, wanted: Array) -> Array:
    """The values nearest to the wanted ones.

    Args:
        values: to choose from, ascending.
        between: where the choice changes from a value to the next, one fewer.
        wanted: any shape.
    """
    return values[np.searchsorted(between, wanted)]

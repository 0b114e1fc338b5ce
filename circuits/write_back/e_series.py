"""Fixed resistors of preferred values, put in by hand: the nearest in ratio."""

from dataclasses import dataclass

import numpy as np

from circuits.synapse import SynapseParameters
from circuits.write_back.law import (
    Array,
    Held,
    Written,
    both,
    nearest,
    scaled,
    set_to,
    weights_of,
)
from circuits.write_back.preferred import values_within


@dataclass(frozen=True)
class ESeries:
    """Resistors of IEC 60063, the nearest in the logarithm of R to what is wanted.

    Attributes:
        synapse: the range.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        series: `E24` or `E96`.
    """

    synapse: SynapseParameters
    factors: Array
    series: str

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`."""
        del cycles
        values = values_within(self.series, self.synapse)
        between = np.sqrt(values[:-1] * values[1:])
        # A weight stands on what its other side can be, so that one that is held is held again.
        there = self.synapse.model_copy(update={"r_max": float(values[-1])})
        resistance = nearest(values, between, both(there, weights))
        return set_to(resistance, scaled(resistance, self.factors), held)

    def told(self, held: Held) -> Array:
        """See `Law`."""
        return weights_of(self.synapse, held.setting)

"""Ideal devices: any resistance within the range."""

from dataclasses import dataclass

import numpy as np

from circuits.synapse import SynapseParameters
from circuits.write_back.law import MINUS, PLUS, Array, Held, Written, both, scaled, set_to


@dataclass(frozen=True)
class Ideal:
    """Resistors as `SynapseParameters.program` says; a setting is a side's share of the weight.

    Attributes:
        synapse: the range.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
    """

    synapse: SynapseParameters
    factors: Array

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`."""
        del cycles
        sides = np.stack((np.maximum(weights, 0), np.maximum(-weights, 0)))
        # Kept as weights, which come back from told to the last bit, as resistors would not.
        setting = np.minimum(sides, self.synapse.largest_weight)
        return set_to(setting, scaled(both(self.synapse, weights), self.factors), held)

    def told(self, held: Held) -> Array:
        """See `Law`."""
        return held.setting[PLUS] - held.setting[MINUS]

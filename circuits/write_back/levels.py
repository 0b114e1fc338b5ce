"""Devices of n conductances: the nearest in conductance, so in weight."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.synapse import OPEN, SynapseParameters
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
from circuits.write_back.parameters import LevelsParameters


@dataclass(frozen=True)
class Levels:
    """Conductances from 1/R_max to 1/R_min, evenly spaced or in even ratios.

    Attributes:
        synapse: the range.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        parameters: how many, and how spaced.
    """

    synapse: SynapseParameters
    factors: Array
    parameters: LevelsParameters

    @cached_property
    def conductances(self) -> Array:
        """S, ascending."""
        ends = 1 / min(self.synapse.r_max, OPEN), 1 / self.synapse.r_min
        spaced = np.linspace if self.parameters.spacing == "linear" else np.geomspace
        return spaced(*ends, self.parameters.count)

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`."""
        del cycles
        values = self.conductances
        between = (values[:-1] + values[1:]) / 2
        resistance = 1 / nearest(values, between, 1 / both(self.synapse, weights))
        return set_to(resistance, scaled(resistance, self.factors), held)

    def told(self, held: Held) -> Array:
        """See `Law`."""
        return weights_of(self.synapse, held.setting)

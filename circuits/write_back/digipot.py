"""Digital potentiometers: the tap that makes the nearest weight, by data sheet or by measurement.

    R = r_fixed + r_wiper + tap/(taps − 1) · r_ab · (1 + deviation of the package)

The law of the rheostat and its figures are Microchip's data sheet DS22060 (MCP413X/415X/423X/425X),
where r_ab is within ±20 %. Both resistors of a pair sit in one package, a dual part.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from circuits.synapse import SynapseParameters
from circuits.write_back.law import MINUS, PLUS, Array, Held, Written, scaled, set_to, weights_of
from circuits.write_back.parameters import DigipotParameters


@dataclass(frozen=True)
class Digipot:
    """Rheostats of a few taps.

    Attributes:
        synapse: from tap 0 to the last one, by the data sheet.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        ends: r_ab of each package, Ω, shape (neurons, inputs).
        parameters: of the part.
        least: resistance at tap 0, Ω.
    """

    synapse: SynapseParameters
    factors: Array
    ends: Array
    parameters: DigipotParameters
    least: float

    @classmethod
    def draw(
        cls,
        synapse: SynapseParameters,
        factors: Array,
        parameters: DigipotParameters,
        devices: np.random.Generator,
    ) -> Self:
        """The packages of a layer; arguments are as the attributes.

        Args:
            synapse: its r_min is the resistor in series unless the part has one.
            factors: see above.
            parameters: see above.
            devices: what differs between packages is drawn from it.
        """
        fixed = synapse.r_min if parameters.r_fixed is None else parameters.r_fixed
        least = fixed + parameters.r_wiper
        deviations = parameters.tolerance * devices.uniform(-1, 1, factors.shape[1:])
        return cls(
            synapse=synapse.model_copy(update={"r_min": least, "r_max": least + parameters.r_ab}),
            factors=factors,
            ends=parameters.r_ab * (1 + deviations),
            parameters=parameters,
            least=least,
        )

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`."""
        del cycles
        ends, factors = self._known()
        last = self.parameters.taps - 1
        # One side stays at its last tap, and the other is brought above it by the weight.
        off = 1 / self._resistance(np.full_like(held.setting, last), ends, factors)
        above = weights / self.synapse.r_feedback
        goals = np.stack((off[MINUS] + above, off[PLUS] - above))
        plus_rises = goals[PLUS] >= off[PLUS]
        rises = np.stack((plus_rises, ~plus_rises))
        taps = self._nearest(np.where(rises, goals, off), ends, factors)
        setting = np.where(rises, taps, last)
        return set_to(
            setting, scaled(self._resistance(setting, self.ends, 1.0), self.factors), held
        )

    def told(self, held: Held) -> Array:
        """See `Law`."""
        return weights_of(self.synapse, self._resistance(held.setting, *self._known()))

    def _known(self) -> tuple[Array, Array]:
        """r_ab of the packages, Ω, and factors, as they were measured, or by the data sheet."""
        if self.parameters.calibrated:
            return self.ends, self.factors
        return np.full_like(self.ends, self.parameters.r_ab), np.ones(2)[:, None, None]

    def _resistance(self, taps: Array, ends: Array, factors: Array | float) -> Array:
        """Ω at taps."""
        return factors * (self.least + taps / (self.parameters.taps - 1) * ends)

    def _nearest(self, wanted: Array, ends: Array, factors: Array) -> Array:
        """The taps nearest in conductance to the wanted ones, S."""
        last = self.parameters.taps - 1
        exact = (1 / wanted / factors - self.least) / ends * last
        below = np.clip(np.floor(exact), 0, last)
        above = np.minimum(below + 1, last)
        misses = [np.abs(1 / self._resistance(t, ends, factors) - wanted) for t in (below, above)]
        return np.where(misses[1] < misses[0], above, below)

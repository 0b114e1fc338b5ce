"""Magnetic walls on tracks with 2, 3 or 5 places where they stop, more or less.

After arXiv 2111.07284: few states, a large stochastic spread of the wall's position, a margin of
tolerance for it in training, and a separate memory of high precision that accumulates the updates
(`write_back.accumulator`). The law here is the simplest that has these. How large spread and margin
are is chosen; so is that conductance is linear in the position, which holds for a junction over the
track whose parallel and antiparallel parts add up.
"""

from dataclasses import dataclass

import numpy as np

from circuits.synapse import OPEN, SynapseParameters
from circuits.write_back.law import MINUS, PLUS, Array, Held, Written, both, scaled
from circuits.write_back.parameters import DomainWallParameters

_ROUNDING = 1e-9  # of a wanted state, in states


@dataclass(frozen=True)
class DomainWall:
    """Tracks whose conductance goes from 1/R_max to 1/R_min with the position of the wall.

    A device is written again once the wanted conductance is more than half a state and the margin
    away from the state that it was told last; the wall then stops near the nearest one.

    Attributes:
        synapse: the range.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        parameters: of the tracks.
    """

    synapse: SynapseParameters
    factors: Array
    parameters: DomainWallParameters

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`."""
        low, high = self._ends()
        last = self.parameters.states - 1
        wanted = (1 / both(self.synapse, weights) - low) / (high - low) * last
        apart = np.abs(wanted - held.setting)  # NaN before a write
        kept = apart <= 0.5 + self.parameters.margin + _ROUNDING
        setting = np.where(kept, held.setting, np.rint(wanted))
        position = setting / last
        moved = self.parameters.position_spread * cycles.standard_normal(np.count_nonzero(~kept))
        position[~kept] = np.clip(position[~kept] + moved, 0, 1)
        resistance = scaled(1 / (low + position * (high - low)), self.factors)
        return Written(setting, resistance, (~kept).astype(np.int64))

    def told(self, held: Held) -> Array:
        """See `Law`; the states, not where the walls stopped."""
        low, high = self._ends()
        step = self.synapse.r_feedback * (high - low) / (self.parameters.states - 1)
        return step * (held.setting[PLUS] - held.setting[MINUS])

    def _ends(self) -> tuple[float, float]:
        """Conductances at the ends of the track, S."""
        return 1 / min(self.synapse.r_max, OPEN), 1 / self.synapse.r_min

"""RRAM in its weak RESET: pulses lower a conductance step by step, SET puts it back to the top.

After arXiv 2107.06064: progressive and noisy, with a rate of its own in every device. The law here
is the simplest that has these three, and its figures are chosen:

    ln G falls by rate_i · (1 + cycle_spread · ξ) in a pulse, ξ standard normal
    rate_i = rate · log-normal of mean 1 and relative std device_spread

so n pulses lower ln G by n·rate_i on average, with a std of √n·rate_i·cycle_spread. A pair moves up
by pulses on G−, down by pulses on G+. Where the side that should fall is at 1/R_max already, both
are SET to about 1/R_min and brought down again: the lower one to 1/r_refresh, the other above it by
the weight.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from circuits.spread import relative
from circuits.synapse import OPEN, SynapseParameters
from circuits.write_back.law import MINUS, PLUS, Array, Held, Written, scaled, weights_of
from circuits.write_back.parameters import RramParameters


@dataclass(frozen=True)
class Rram:
    """Devices that fall by pulses and rise by SET alone.

    Attributes:
        synapse: the range.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        rates: mean fall of ln G in a pulse, of each device, same shape.
        parameters: of the devices.
    """

    synapse: SynapseParameters
    factors: Array
    rates: Array
    parameters: RramParameters

    @classmethod
    def draw(
        cls,
        synapse: SynapseParameters,
        factors: Array,
        parameters: RramParameters,
        devices: np.random.Generator,
    ) -> Self:
        """The devices of a layer; arguments are as the attributes.

        Args:
            synapse: see above.
            factors: see above.
            parameters: see above.
            devices: what differs between devices is drawn from it.
        """
        deviates = devices.standard_normal(factors.shape)
        rates = parameters.rate * relative(parameters.device_spread, deviates)
        return cls(synapse, factors, rates, parameters)

    def write(self, weights: Array, held: Held, cycles: np.random.Generator) -> Written:
        """See `Law`.

        Each device is looked at once, before its pulses are counted out by the mean law; with
        `verify`, after every pulse too.
        """
        top, floor = self._ends()
        most = 1 / self.synapse.r_min - 1 / min(self.synapse.r_max, OPEN)
        wanted = np.clip(weights / self.synapse.r_feedback, -most, most)
        fresh = np.isnan(held.resistance)
        start = np.where(fresh, top, 1 / held.resistance)

        change = wanted - (start[PLUS] - start[MINUS])
        falls = np.stack((change < 0, change > 0))
        goal = np.where(falls, start - np.abs(change), start)
        # Less than half a pulse of the larger side is nothing that a refresh could do better.
        least = np.minimum(floor, start)
        short = np.where(falls, least - goal, 0.0).max(axis=0)
        refresh = fresh.any(axis=0) | (short > self.parameters.rate / 2 * start.max(axis=0))
        goal = np.where(refresh, self._from_top(wanted), np.maximum(goal, least))

        up = relative(self.parameters.set_spread, cycles.standard_normal(start.shape))
        start = np.where(refresh, top * up, start)
        conductance, pulses = self._lower(start, goal, np.minimum(floor, start), cycles)
        return Written(held.setting, 1 / conductance, pulses + refresh)

    def told(self, held: Held) -> Array:
        """See `Law`; devices that are looked at tell what became of them."""
        return weights_of(self.synapse, held.resistance)

    def _ends(self) -> tuple[Array, Array]:
        """Conductances after a mean SET, and those that no pulse gets below, S."""
        ends = (
            np.full_like(self.factors, self.synapse.r_min),
            np.full_like(self.factors, min(self.synapse.r_max, OPEN)),
        )
        top, floor = (1 / scaled(r, self.factors) for r in ends)
        return top, floor

    def _from_top(self, wanted: Array) -> Array:
        """Conductances that a refreshed pair is brought to, S."""
        top, floor = 1 / self.synapse.r_min, 1 / min(self.synapse.r_max, OPEN)
        room = np.maximum(top - np.abs(wanted), floor)
        low = np.minimum(1 / self.parameters.r_refresh, room)
        return low + np.stack((np.maximum(wanted, 0), np.maximum(-wanted, 0)))

    def _lower(
        self, start: Array, goal: Array, floor: Array, cycles: np.random.Generator
    ) -> tuple[Array, NDArray[np.int64]]:
        """Pulses from conductances towards lower ones, S: what they make, and how many."""
        p = self.parameters
        asked = np.rint(np.log(start / goal) / p.rate)
        if not p.verify:
            pulses = np.clip(asked, 0, p.max_pulses)
            # The sum of n normal numbers is √n times one.
            noise = p.cycle_spread * np.sqrt(pulses) * cycles.standard_normal(start.shape)
            lowered = start * np.exp(-self.rates * (pulses + noise))
            return np.where(pulses > 0, np.maximum(lowered, floor), start), pulses.astype(np.int64)
        now, count = start.copy(), np.zeros(start.shape, dtype=np.int64)
        for _ in range(p.max_pulses):
            going = (np.log(now / goal) > p.rate / 2) & (now > floor)
            if not going.any():
                break
            steps = self.rates[going] * (
                1 + p.cycle_spread * cycles.standard_normal(np.count_nonzero(going))
            )
            now[going] = np.maximum(now[going] * np.exp(-steps), floor[going])
            count += going
        return now, count

"""What the parts of a circuit are held against."""

import math
from dataclasses import dataclass

from circuits import CircuitParameters
from circuits.synapse import OPEN


@dataclass(frozen=True)
class Limits:
    """What the parts of a circuit are held against.

    Attributes:
        low: lowest voltage of an amplifier's output, V.
        high: highest voltage of an amplifier's output, V.
        signal: voltage that stands for 1, V.
        i_out: largest output current of an amplifier, A; inf for ideal ones.
        r_min: smallest weight resistor, its tolerance included, Ω.
        r_max: largest weight resistor, likewise, Ω.
    """

    low: float
    high: float
    signal: float
    i_out: float
    r_min: float
    r_max: float

    @classmethod
    def of(cls, circuit: CircuitParameters) -> "Limits":
        """Limits of a circuit's parts."""
        opamp, synapse = circuit.opamp, circuit.synapse
        headroom = opamp.headroom if opamp.supplied else 0.0
        return cls(
            low=circuit.v_ss + headroom,
            high=circuit.v_dd - headroom,
            signal=circuit.v_one,
            i_out=math.inf if opamp.level == "ideal" else opamp.i_out,
            r_min=synapse.r_min / circuit.mismatch.resistor_reach,
            r_max=min(synapse.r_max, OPEN) * circuit.mismatch.resistor_reach,
        )

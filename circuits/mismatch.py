"""Device mismatch: how far the parts of a chip differ, and parts as they are sold.

`circuits.chip` draws them.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from circuits.activation import DiodeParameters
from circuits.chip import Chip, ChipRow, built_strings, draw_chip
from circuits.exceptions import require_saturation_current
from circuits.opamp import LACKING, Level
from circuits.quantities import Count, Parameters, Ratio, Volt

if TYPE_CHECKING:
    from circuits.circuit import CircuitParameters

__all__ = [
    "TYPICAL",
    "Chip",
    "ChipRow",
    "MismatchParameters",
    "built_strings",
    "chip_generator",
    "draw_chip",
    "typical_of",
]

TYPICAL: Mapping[str, float] = MappingProxyType(
    {
        # Film resistors of 1 %, the limit taken as three standard deviations (chosen); that half
        # of the variance is common to all parts of a chip is chosen too.
        "circuit.mismatch.resistor_tolerance": 2.4e-3,
        "circuit.mismatch.resistor_tracking": 2.4e-3,
        # Microchip MCP601, data sheet DS21314: at most 2 mV, taken as three standard deviations.
        "circuit.mismatch.v_offset": 0.67e-3,
        # Chosen: the data sheet gives a typical figure alone.
        "circuit.mismatch.gbw": 0.1,
        # Chosen: pairs of Avago's HSMS-282x, of the same make, are within 15 mV of forward voltage
        # at 1 mA by data sheet; taken as three standard deviations of a difference, over an N V_T
        # of 27 mV.
        "circuit.mismatch.diode_is": 0.13,
        # Chosen, without a source.
        "circuit.smtj.spread_resistance": 0.05,
        "circuit.smtj.spread_tmr": 0.05,
        "circuit.smtj.spread_barrier": 0.02,
    }
)
"""Settings by path that draw a chip of parts as they are sold; where each is from stands above it.

Not all are possible in every circuit: see `typical_of`."""

_CHIPS = 0x63686970  # apart from every stream that a run's seed makes


class MismatchParameters(Parameters):
    """How far parts differ; by default every part is nominal. Junctions: `circuit.smtj`."""

    chip: Count | None = Field(
        default=None,
        ge=0,
        description="number of the chip drawn, whatever the seed; left out: drawn from the seed",
    )
    resistor_tolerance: Ratio = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="of all resistors of a chip together, relative std, 1",
    )
    resistor_tracking: Ratio = Field(
        default=0.0, ge=0, le=0.5, description="of each resistor on its own, relative std, 1"
    )
    v_offset: Volt = Field(
        default=0.0, ge=0, le=0.01, description="input offset of each op-amp, std, V"
    )
    gbw: Ratio = Field(
        default=0.0, ge=0, le=0.5, description="gain-bandwidth of each op-amp, relative std, 1"
    )
    diode_is: Ratio = Field(default=0.0, ge=0, le=2, description="of each diode, std of ln IS, 1")

    @property
    def resistors(self) -> bool:
        """Whether resistors differ from their nominal values."""
        return max(self.resistor_tolerance, self.resistor_tracking) > 0

    @property
    def resistor_reach(self) -> float:
        """Factor that no resistor is off by: six standard deviations of its logarithm."""
        return math.exp(6 * math.hypot(self.resistor_tolerance, self.resistor_tracking))

    @property
    def spread(self) -> bool:
        """Whether parts differ; junctions aside."""
        return self.resistors or max(self.v_offset, self.gbw, self.diode_is) > 0

    def require_possible(self, level: Level, diode: DiodeParameters) -> None:
        """Refuse spreads of what a circuit's parts do not have.

        Args:
            level: of the op-amps' model.
            diode: of the rectifier.

        Raises:
            ValueError: says which, and what to set.
        """
        for figure in ("v_offset", "gbw"):
            if getattr(self, figure) and figure in LACKING[level]:
                raise ValueError(
                    f"{figure}: op-amps of level {level} have none that could differ; set "
                    "circuit.opamp.level to macro, or leave it at 0"
                )
        if self.diode_is:
            require_saturation_current(diode, "diode_is")


def typical_of(circuit: "CircuitParameters") -> dict[str, float]:
    """Those of `TYPICAL` that a circuit has the parts for, and no spread of its own."""
    mismatch = circuit.mismatch
    found = {}
    for path, value in TYPICAL.items():
        _, section, name = path.split(".")
        try:
            tried = mismatch.model_copy(update={name: value})
            if section == "mismatch":
                tried.require_possible(circuit.opamp.level, circuit.activation.rectifier)
        except ValueError:
            continue
        lacking = section == "smtj" and circuit.noise.source != "string"
        if not lacking and getattr(getattr(circuit, section), name) == 0:
            found[path] = value
    return found


def chip_generator(
    circuit: "CircuitParameters", seed: np.random.SeedSequence
) -> np.random.Generator:
    """What a chip is drawn from: its number alone where it has one, else the run's seed.

    Args:
        circuit: may name a chip.
        seed: of the devices of a run.
    """
    chip = circuit.mismatch.chip
    return np.random.default_rng(seed if chip is None else np.random.SeedSequence([_CHIPS, chip]))

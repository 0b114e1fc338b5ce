"""Resistors that cannot be made, or that the circuit's own range rules out."""

import re
from collections.abc import Iterator, Sequence

from circuits.quantities import format_quantity
from circuits.synapse import OPEN
from netlists.elements import Resistor
from netlists.graph import GROUND, Block, Flat, Part
from netlists.rules.finding import Finding
from netlists.rules.limits import Limits

SMALLEST = 1e-3
"""Ω; a resistor below it is a wire."""

_WEIGHT = re.compile(r"r\.xlayer\d+\.r[pn]\d+_(\d+|b)")  # as `netlists.build.resistor_names` has it
_ROUNDING = 1e-9  # of a resistor, between its number and its limit


def is_weight(part: Part) -> bool:
    """Whether it is one of a weight's resistors, R+ or R−."""
    return _WEIGHT.fullmatch(part.name) is not None


def out_of_range(flat: Flat, limits: Limits, amplifiers: Sequence[Block]) -> Iterator[Finding]:
    """Resistors below 1 mΩ or above `OPEN`; weights outside R_min and R_max.

    Those inside an amplifier's model are no parts, and may have any positive value.
    """
    models = {block.path for block in amplifiers}
    for part in flat.parts:
        if not isinstance(part.element, Resistor) or part.value is None:
            continue
        low, high = SMALLEST, OPEN
        remedy = "mend its value"
        if part.block and part.block.path in models:
            low, high = 0.0, float("inf")
        elif is_weight(part):
            low, high = limits.r_min, limits.r_max
            remedy = "clip it, or widen circuit.synapse.r_min and r_max"
        inside = 0 < part.value < float("inf") and (
            low * (1 - _ROUNDING) <= part.value <= high * (1 + _ROUNDING)
        )
        if not inside:
            a, b = part.branches[0]
            yield Finding(
                "error",
                "resistor out of range",
                a if b == GROUND else b,
                part.name,
                f"has {format_quantity(part.value, 'Ω')}, wanted {format_quantity(low, 'Ω')} to "
                f"{format_quantity(high, 'Ω')}; {remedy}",
            )

"""Numbers and counts as the page prints them."""

import math

from circuits.quantities import format_quantity

_LONG = 6  # powers of ten from which on a number is told by them
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

NONE = "–"
"""Where there is no figure."""


def quantity(value: float | None, unit: str, digits: int = 3) -> str:
    """A value with an SI prefix, as in `66.4 mV`; a dash where there is none."""
    if value is None or math.isnan(value):
        return NONE
    return format_quantity(value, unit, digits).replace("-", "−")


def number(value: float | None, digits: int = 3) -> str:
    """A value without unit, as in `0.0123`, `1,234` and `1.23·10⁻⁷`; a dash where there is none."""
    if value is None or math.isnan(value):
        return NONE
    mantissa, power, exponent = f"{value + 0.0:.{digits}g}".partition("e")  # no zero is negative
    if power and 0 < int(exponent) < _LONG:
        return f"{value:,.0f}".replace("-", "−")
    tens = f"·10{str(int(exponent)).translate(_RAISED)}" if power else ""
    return f"{mantissa}{tens}".replace("-", "−")


def share(part: float | None) -> str:
    """Of a whole, in per cent."""
    return NONE if part is None or math.isnan(part) else f"{100 * part:.1f}\u00a0%"


def counted(count: int, what: str) -> str:
    """`1 epoch`, `2,000 epochs`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def listed(items: list[str]) -> str:
    """`a, b and c`."""
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last

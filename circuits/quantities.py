"""Physical quantities: SI floats inside, engineering notation where people type or read.

`Volt`, `Ohm`, … are plain floats for the type checker. In a pydantic model they also accept text
such as ``"100k"``, ``"2.8 MHz"`` or ``"inf"``; a unit that does not fit is refused.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from quantiphy import InvalidNumber, Quantity

_SPELLINGS = {"ohm": "Ω", "Ohm": "Ω", "ohms": "Ω", "s/m": "s/m", "degC": "°C", "C": "°C"}


@dataclass(frozen=True)
class Unit:
    """The unit that a field is in; `"1"` marks a dimensionless number."""

    symbol: str


def parse_quantity(value: Any, unit: str) -> float:
    """Read a number or text in engineering notation as SI.

    Args:
        value: a number, or text such as `"100k"`, `"2.8 MHz"`, `"inf"`.
        unit: the unit wanted; text may leave it out.

    Returns:
        The value in `unit`.

    Raises:
        ValueError: not a number, or a number in another unit.
    """
    wanted = "a plain number" if unit == "1" else f"a number in {unit}, such as '4.7k'"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        # pydantic reports a ValueError at its field; a TypeError would leave it as a traceback.
        raise ValueError(f"wanted {wanted}, got {value!r}")  # noqa: TRY004
    if isinstance(value, int | float):
        return float(value)
    try:
        quantity = Quantity(value)
    except InvalidNumber:
        raise ValueError(f"wanted {wanted}, got {value!r}") from None
    got = _SPELLINGS.get(quantity.units, quantity.units)
    if got not in ("", unit):
        raise ValueError(f"wanted {wanted}, got one in {got}: {value!r}")
    return float(quantity)


class _Printed(Quantity):
    map_sf = {"u": "µ"}  # noqa: RUF012  # a preference as quantiphy reads it


def format_quantity(value: float, unit: str, digits: int = 4) -> str:
    """Return `value` for people: a few digits and an SI prefix, as in `2.8 MHz`."""
    return _Printed(value, "" if unit == "1" else unit).render(prec=digits - 1)


def _refuse_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"wanted a whole number, got {value!r}")  # noqa: TRY004  # as above
    return value


def _quantity(unit: str) -> Any:
    return BeforeValidator(partial(parse_quantity, unit=unit))


Volt = Annotated[float, _quantity("V"), Unit("V")]
Ampere = Annotated[float, _quantity("A"), Unit("A")]
Ohm = Annotated[float, _quantity("Ω"), Unit("Ω")]
Farad = Annotated[float, _quantity("F"), Unit("F")]
Second = Annotated[float, _quantity("s"), Unit("s")]
Hertz = Annotated[float, _quantity("Hz"), Unit("Hz")]
VoltPerSecond = Annotated[float, _quantity("V/s"), Unit("V/s")]
Celsius = Annotated[float, _quantity("°C"), Unit("°C")]
Metre = Annotated[float, _quantity("m"), Unit("m")]
Tesla = Annotated[float, _quantity("T"), Unit("T")]
OhmSquareMetre = Annotated[float, _quantity("Ω·m²"), Unit("Ω·m²")]
ElectronVolt = Annotated[float, _quantity("eV"), Unit("eV")]
Degree = Annotated[float, _quantity("°"), Unit("°")]
Decibel = Annotated[float, _quantity("dB"), Unit("dB")]
Count = Annotated[int, BeforeValidator(_refuse_bool), Unit("1")]
Ratio = Annotated[float, _quantity("1"), Unit("1")]


FileName = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
"""What may name a file or a folder."""


class Parameters(BaseModel):
    """Base of every parameter record: frozen, no unknown names, finite unless a field says so."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
    )

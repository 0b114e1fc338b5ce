"""Operational amplifier: data-sheet figures and what the macromodel needs of them."""

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from circuits.model_file import ModelReference, is_reference
from circuits.quantities import (
    Ampere,
    Decibel,
    Degree,
    Hertz,
    Ohm,
    Parameters,
    Ratio,
    Volt,
    VoltPerSecond,
)

BuiltIn = Literal["ideal", "single-pole", "macro"]
Level = Literal[BuiltIn, "file"]

PINS = ("inp", "inn", "vdd", "vss", "out")
"""What the pins of an op-amp's model are; here in the order that most makers use."""

_OF_THE_MACROMODEL = (
    "slew_rate", "phase_margin", "v_offset", "i_quiescent", "r_out", "headroom",
)  # fmt: skip
LACKING: Mapping[Level, tuple[str, ...]] = {
    "ideal": ("gbw", "open_loop_gain", *_OF_THE_MACROMODEL),
    "single-pole": _OF_THE_MACROMODEL,
    "macro": (),
    "file": ("gbw", "open_loop_gain", *(f for f in _OF_THE_MACROMODEL if f != "headroom")),
}
"""Figures that a level of the model does not have.

A model from a file has its own; the headroom is then what checks take it to keep."""


class OpAmpParameters(Parameters):
    """Defaults: Microchip MCP601, data sheet DS21314, typical figures at 5 V and 25 °C."""

    level: Level = Field(
        default="macro",
        description=(
            "ideal: gain of 1e9; single-pole: finite gain and bandwidth; "
            "macro: also rails, slew, offset, second pole, output resistance, supply current; "
            "file: the subcircuit that `model` names; FILE:NAME says both in one"
        ),
    )
    model: ModelReference | None = Field(
        default=None,
        description="of level file: FILE:NAME, a SPICE library and the subcircuit's name in it",
    )
    pins: str = Field(
        default=" ".join(PINS),
        description=(
            "of level file: what each pin of the subcircuit is, in its order: inp, inn, vdd, vss "
            "and out once each, gnd for a pin at ground, nc for one left open"
        ),
        pattern=r"^(inp|inn|vdd|vss|out|gnd|nc)( (inp|inn|vdd|vss|out|gnd|nc)){4,31}$",
    )
    part: str = Field(
        default="MCP601",
        description="name of the part, for the deck's comments",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]*$",
    )
    gbw: Hertz = Field(default=2.8e6, ge=1, le=1e12, description="gain-bandwidth product, Hz")
    open_loop_gain: Decibel = Field(
        default=115.0, gt=20, le=200, description="DC open-loop gain, dB"
    )
    slew_rate: VoltPerSecond = Field(default=2.3e6, gt=0, le=1e15, description="slew rate, V/s")
    phase_margin: Degree = Field(
        default=50.0,
        gt=5,
        lt=90,
        description="phase margin at unity gain, °; places the second pole",
    )
    v_offset: Volt = Field(
        default=0.0,
        ge=-0.1,
        le=0.1,
        description="input offset voltage, V (within ±2 mV by data sheet)",
    )
    i_quiescent: Ampere = Field(default=230e-6, ge=0, description="supply current without load, A")
    r_out: Ohm = Field(
        default=125.0,
        ge=1e-3,
        description="open-loop output resistance, Ω (half of 5.5 V over 22 mA into a short)",
    )
    i_out: Ampere = Field(
        default=22e-3,
        gt=0,
        description="largest output current, A (into a short, at 5.5 V); checked, not simulated",
    )
    headroom: Volt = Field(
        default=0.02, ge=0, le=1, description="distance that the output keeps from each rail, V"
    )

    @model_validator(mode="before")
    @classmethod
    def _split_reference(cls, data: Any) -> Any:
        if isinstance(data, dict) and is_reference(data.get("level")):
            return {**data, "level": "file", "model": data["level"]}
        return data

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.level == "file" and self.model is None:
            raise ValueError("level file: wanted a model, as FILE:NAME; set circuit.opamp.model")
        words = self.pins.split()
        if any(words.count(pin) != 1 for pin in PINS):
            raise ValueError(f"pins: wanted each of {', '.join(PINS)} once, got {self.pins!r}")
        return self

    @property
    def label(self) -> str:
        """Which model it is, in a word: its level, or the name of a file's."""
        return self.level if self.model is None or self.level != "file" else self.model.name

    @property
    def supplied(self) -> bool:
        """Whether it draws its current from the supplies, so that energy can be read there."""
        return self.level in {"macro", "file"}

    @property
    def gain(self) -> Ratio:
        """DC open-loop gain, V/V."""
        return 1e9 if self.level == "ideal" else 10 ** (self.open_loop_gain / 20)

    @property
    def second_pole(self) -> Hertz:
        """Frequency of the second pole, Hz, which gives the phase margin at unity gain.

        With two poles and gain far above one, `|A(f)| = (GBW/f)/√(1 + (f/f2)²) = 1` at `f_u`, and
        the phase margin is `90° − atan(f_u/f2)`.
        """
        ratio = math.tan(math.radians(90 - self.phase_margin))
        return self.gbw / (ratio * math.sqrt(1 + ratio**2))

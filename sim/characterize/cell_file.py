"""`cell.json`: the figures of a circuit's cells that a twin of any size is made of.

Every part names the engine that made its figures and the conditions they hold under; units are in
the fields' names, and what has none is a ratio. Infinity stands as the text `inf`, as JSON has no
number for it.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from circuits import CircuitParameters
from circuits.quantities import Count, Ohm, Parameters, Ratio, Second, Volt
from sim.activation_curve import ActivationCurve
from sim.errors import UserError

NAME: Final = "cell.json"
"""The file's name in a folder of `sim.characterize`."""

KIND: Final = "danp-cosim cell"
VERSION: Final = 1

IMPERFECTIONS: Final = ("activation", "gain", "offset", "rails", "range", "quantisation")
"""What a twin may do without, by name."""

Rails = tuple[Volt, Volt]


class Part(Parameters):
    """Figures that were found in one way.

    Attributes:
        engine: who made them: "ngspice" with its version, "closed form", or "given".
        conditions: that they hold under.
    """

    engine: str
    conditions: str


class Rectifier(Part):
    """The measured curve of the rectifier."""

    within_v: Volt = Field(description="straight lines between the points miss the cell's own by")
    a_v: tuple[Volt, ...] = Field(description="pre-activations, ascending")
    x_v: tuple[Volt, ...] = Field(description="outputs")
    slope_positive: Ratio = Field(description="of the straight line it stands for, a > 0")
    slope_negative: Ratio = Field(description="likewise, a < 0")

    @model_validator(mode="after")
    def _check_curve(self) -> Self:
        _ = self.curve
        return self

    @property
    def curve(self) -> ActivationCurve:
        """The points as arrays.

        Raises:
            ValueError: they make no curve.
        """
        import numpy as np  # noqa: PLC0415 - keeps this module's own needs in sight

        return ActivationCurve(np.array(self.a_v), np.array(self.x_v))


class SumPoint(Parameters):
    """Both summing amplifiers between resistors of one total conductance, beside closed forms.

    With `N+ = 1 + sum_plus + injected` and `N− = 2 + sum_minus`, `k± = 1/(1 + N±/A±)`: the gains
    through R+ and R− are `k+ k−` and `−k−` of the weight, those of the offsets `−N+ k+ k−` and
    `N− k−`.
    """

    sum_plus: Ratio = Field(gt=0, description="R_f ΣG+, all weights of a neuron")
    sum_minus: Ratio = Field(gt=0, description="R_f ΣG−")
    gain_plus: Ratio = Field(description="pre-activation over what an input of w = +1 is, V/V")
    gain_plus_closed: Ratio
    gain_minus: Ratio = Field(description="likewise, w = −1")
    gain_minus_closed: Ratio
    offset_first: Ratio = Field(description="pre-activation over the first's input offset, V/V")
    offset_first_closed: Ratio
    offset_second: Ratio = Field(description="likewise, of the second's")
    offset_second_closed: Ratio


class Summing(Part):
    """Gain of the two summing amplifiers, and how it depends on the conductances they sum."""

    open_loop_gain_first: Ratio = Field(gt=1, description="under its load, from the last point")
    open_loop_gain_second: Ratio = Field(gt=1, description="likewise")
    injected: Ratio = Field(
        ge=0, description="R_f times what the noise source is at the first summing node"
    )
    points: tuple[SumPoint, ...] = Field(min_length=1)


class Outputs(Part):
    """Where outputs stop; none where op-amps have no rails."""

    first_v: Rails | None = Field(description="lowest and highest of the first amplifier")
    hidden_v: Rails | None = Field(description="of the second, the rectifier behind it")
    output_v: Rails | None = Field(description="of the second of an output neuron")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for name in ("first_v", "hidden_v", "output_v"):
            rails = getattr(self, name)
            if rails is not None and not rails[0] < 0 < rails[1]:
                raise ValueError(f"{name}: wanted a voltage below and one above 0, got {rails}")
        return self


class Offsets(Part):
    """Input offsets of op-amps, and what those in the rectifier do to its output."""

    mean_v: Volt = Field(ge=-0.1, le=0.1)
    spread_v: Volt = Field(ge=0, le=0.1, description="standard deviation from op-amp to op-amp")
    followed: dict[str, tuple[Ratio, Ratio]] = Field(
        description="by op-amp of the rectifier: its output over its offset, a > 0 and a < 0, V/V"
    )


class Resistors(Part):
    """What weights are made of: `w = R_f (G+ − G−)`, each G between 1/R_max and 1/R_min."""

    r_feedback_ohm: Ohm = Field(gt=0)
    r_min_ohm: Ohm = Field(gt=0)
    r_max_ohm: Ohm = Field(gt=0, allow_inf_nan=True)
    steps: Count | None = Field(
        default=None,
        ge=2,
        le=2**31,
        description="conductances that can be set, even from 1/R_max to 1/R_min; none: any",
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if self.r_min_ohm >= self.r_max_ohm:
            raise ValueError(
                f"wanted r_min_ohm below r_max_ohm, got {self.r_min_ohm:g} and {self.r_max_ohm:g}"
            )
        return self

    @property
    def largest(self) -> float:
        """|w| at R_min."""
        return self.r_feedback_ohm / self.r_min_ohm - self.floor

    @property
    def floor(self) -> float:
        """R_f/R_max, which each resistor of a pair conducts at least."""
        return self.r_feedback_ohm / self.r_max_ohm

    @property
    def step(self) -> float:
        """Distance of neighbouring weights; 0 where any can be set."""
        return 0.0 if self.steps is None else self.largest / (self.steps - 1)


class Noise(Part):
    """What the circuit's noise source does at a node; the source itself is in the circuit."""

    source: str
    sigma_v: Volt = Field(ge=0, description="stationary standard deviation")
    levels_v: tuple[Volt, ...] = Field(default=(), description="of a string; none for others")
    shares: tuple[Ratio, ...] = Field(default=(), description="of time at each level")
    dwell_times_s: tuple[Second, ...] = Field(
        default=(),
        description="mean times of the first junction in P and in AP; none for others",
    )
    lowest_v: Volt = Field(description="lowest level of a string; of others −σ; by ngspice")
    highest_v: Volt = Field(description="highest level of a string; of others σ; by ngspice")


class CellFile(Parameters):
    """All of `cell.json`."""

    kind: Literal["danp-cosim cell"] = KIND
    version: Literal[1] = VERSION
    versions: dict[str, str | None] = Field(description="of everything that figures depend on")
    circuit: CircuitParameters = Field(description="that was characterised")
    without: tuple[str, ...] = Field(default=(), description="imperfections left out")
    rectifier: Rectifier
    summing: Summing
    outputs: Outputs
    offsets: Offsets
    resistors: Resistors
    noise: Noise

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        require_imperfections(self.without)
        return self

    def leaving_out(self, names: Sequence[str]) -> Self:
        """The same cells without some of their imperfections.

        Args:
            names: of `IMPERFECTIONS`.

        Raises:
            ValueError: there is no such imperfection.
        """
        require_imperfections(names)
        kept = tuple(n for n in IMPERFECTIONS if n in names or n in self.without)
        return self.model_copy(update={"without": kept})

    def to_json(self) -> str:
        """The file's text."""
        plain = _finite(self.model_dump(mode="json"))
        return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def require_imperfections(names: Sequence[str]) -> None:
    """Refuse what is the name of no imperfection.

    Raises:
        ValueError: says which there are.
    """
    for name in names:
        if name not in IMPERFECTIONS:
            raise ValueError(f"wanted one or more of {', '.join(IMPERFECTIONS)}, got {name!r}")


def read_cell(path: Path) -> CellFile:
    """Read a `cell.json`.

    Raises:
        UserError: there is no such file, or it is something else; one line says what.
    """
    again = "; make it again with python -m sim.characterize --cell activation"
    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot read the cell: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise UserError(f"{path}: is not JSON, wanted a {NAME} of sim.characterize") from None
    if not isinstance(tree, dict) or tree.get("kind") != KIND:
        what = "is something else"
        if isinstance(tree, dict) and "cells" in tree and "corners" in tree:
            what = "is a data sheet"
        raise UserError(f"{path}: {what}, wanted a {NAME}, which sim.characterize writes beside it")
    if tree.get("version") != VERSION:
        raise UserError(
            f"{path}: is of version {str(tree.get('version'))[:20]}, wanted {VERSION}{again}"
        )
    try:
        return CellFile.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        dotted = ".".join(str(part) for part in first["loc"])
        got = "" if first["type"] == "missing" else f", got {str(first['input'])[:40]!r}"
        if first["type"] == "value_error":
            got = ""
        why = str(first.get("ctx", {}).get("error", first["msg"]))
        place = f"{dotted}: " if dotted else ""
        raise UserError(f"{path}: {place}{why[0].lower()}{why[1:]}{got}{again}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value

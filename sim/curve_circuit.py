"""Which circuit an activation curve was measured of: stated in its file, and held against another.

Only what shapes the curve is stated. The slew rate and the bandwidth are left out: the former moves
a saturated op-amp by microvolts, the latter not at all where nothing moves.
"""

import json
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any

from circuits import CircuitParameters

MARK = "danp-cosim circuit:"
"""Begins the comment that states the circuit, as JSON by the parameters' names."""

_DIODE = "activation.diode"
_DIODE_AT_REST = ("ideal", "i_s", "n", "r_s", "e_g", "x_ti", "b_v", "i_bv")
_PLAIN = (
    "activation.kind",
    "activation.r_load",
    "activation.r_positive",
    "activation.r_negative",
    "activation.r_rectifier",
    "opamp.level",
    "opamp.open_loop_gain",
    "opamp.v_offset",
    "opamp.r_out",
    "opamp.headroom",
    "synapse.r_feedback",
    "v_dd",
    "v_ss",
    "temperature",
)
_OF_MACRO = ("opamp.v_offset", "opamp.r_out", "opamp.headroom", "synapse.r_feedback")


def statement(circuit: CircuitParameters) -> str:
    """The comment for the head of a curve's file, which `find_statement` reads.

    Args:
        circuit: that the curve was measured of; values in SI units, the temperature in °C.
    """
    return f"{MARK} {json.dumps(_stated(circuit))}"


def find_statement(text: str) -> dict[str, Any] | None:
    """What a curve's file says of its circuit.

    Args:
        text: of the whole file.

    Returns:
        Values by the names of `statement`; None where there is no such comment, as in a curve
        that was measured on a bench.

    Raises:
        ValueError: a damaged comment, or a second one.
    """
    found: dict[str, Any] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        comment = line.strip().lstrip("#").strip()
        if not line.lstrip().startswith("#") or not comment.startswith(MARK):
            continue
        if found is not None:
            raise ValueError(f"line {number}: says of a second circuit; keep one '{MARK}' line")
        try:
            found = json.loads(comment.removeprefix(MARK))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ValueError(  # noqa: TRY004  # a file's content, told in one line as all of it
                f"line {number}: wanted a JSON object after '{MARK}', got "
                f"{comment.removeprefix(MARK).strip()[:60]!r}; measure the curve again, or take "
                "the line out"
            )
    return found


def differences(stated: Mapping[str, Any], circuit: CircuitParameters) -> Iterator[str]:
    """Where a circuit differs from the one that a curve was measured of.

    What the circuit's own rectifier does not have is not looked at, such as an offset where op-amps
    are ideal.

    Args:
        stated: as of `find_statement`.
        circuit: that is to be simulated.

    Yields:
        A parameter with its value in the file and here, in words.
    """
    here = _stated(circuit)
    for name in _shaping(circuit):
        there = stated.get(name)
        if _value(there) != _value(here[name]):
            before, now = _shown(there), _shown(here[name])
            also = " with other figures" if before == now else ""
            yield f"circuit.{name} {before} (here {now}{also})"


def _stated(circuit: CircuitParameters) -> dict[str, Any]:
    rectifier = circuit.activation.rectifier
    diode = {"name": rectifier.name} | {name: getattr(rectifier, name) for name in _DIODE_AT_REST}
    if diode["b_v"] == float("inf"):
        diode["b_v"] = "inf"  # JSON has no infinity
    return {_DIODE: diode} | {name: attrgetter(name)(circuit) for name in _PLAIN}


def _shaping(circuit: CircuitParameters) -> Iterator[str]:
    """Names of what the curve depends on, among those that are stated."""
    activation, level = circuit.activation, circuit.opamp.level
    yield _DIODE
    for name in _PLAIN:
        if name == "activation.r_rectifier":
            shapes = activation.kind == "precision"
        elif name == "opamp.open_loop_gain":
            shapes = level != "ideal"
        elif name in _OF_MACRO:
            shapes = level == "macro"
        elif name == "temperature":
            shapes = not activation.rectifier.ideal
        else:
            shapes = True
        if shapes:
            yield name


def _value(stated: Any) -> Any:
    """Of a diode its figures alone, and of an ideal one that it is."""
    if not isinstance(stated, dict):
        return stated
    if stated.get("ideal") is True:
        return True
    return {name: stated.get(name) for name in _DIODE_AT_REST}


def _shown(stated: Any) -> str:
    if isinstance(stated, dict):
        return str(stated.get("name", "without a name"))
    return "not stated" if stated is None else str(stated)

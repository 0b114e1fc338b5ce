"""The same circuit for PySpice users: a deck as a `PySpice.Spice.Netlist.Circuit`."""

from typing import Any

from PySpice.Spice.Netlist import Circuit, SubCircuit

from netlists.deck import Deck
from netlists.elements import (
    BehaviouralCurrent,
    Capacitor,
    Controlled,
    CurrentSource,
    Diode,
    Element,
    ForeignInstance,
    Instance,
    Note,
    Pwl,
    Resistor,
    StateTable,
    Value,
    VoltageSource,
)
from netlists.spice import format_element, format_foreign, format_points, format_value


def to_pyspice(deck: Deck) -> Circuit:
    """Build PySpice's circuit from a deck, element by element, with its cells and parameters.

    Analysis and probes stay behind: PySpice has its own ways to ask for them. Simulator options
    come along, so that results are the deck's.

    Args:
        deck: from `netlists.build.build_deck`.

    Returns:
        A circuit of the same names; `circuit.simulator()` runs it.
    """
    circuit = Circuit(deck.title[0])
    for parameter in deck.parameters:
        circuit.parameter(parameter.name, format_value(parameter.value))
    for model in deck.models:
        circuit.model(model.name, model.kind, **dict(model.parameters))
    for foreign in deck.foreign:
        circuit.raw_spice += "".join(f"{line}\n" for line in format_foreign(foreign))
    for cell in deck.subcircuits:
        subcircuit = SubCircuit(cell.name, *cell.ports, **_values(cell.parameters))
        for element in cell.elements:
            _add(subcircuit, element)
        circuit.subcircuit(subcircuit)
    for element in deck.elements:
        _add(circuit, element)
    settings = " ".join(f"{name}={value}" if value else name for name, value in deck.options)
    circuit.raw_spice += f".options {settings}\n"
    return circuit


def _add(place: Any, element: Element) -> None:  # noqa: C901  # one case an element
    match element:
        case Note():
            pass
        case Resistor(name, a, b, value):
            place.R(name, a, b, _number(value))
        case Capacitor(name, a, b, value):
            place.C(name, a, b, _number(value))
        case VoltageSource(name, plus, minus, dc, wave):
            tail = f" PWL({format_points(wave)})" if isinstance(wave, Pwl) else ""
            level = "" if dc is None else f"DC {format_value(dc)}"
            place.V(name, plus, minus, f"{level}{tail}")
        case StateTable():
            place.raw_spice += f"{format_element(element)}\n"  # PySpice has no such element
        case CurrentSource(name, a, b, value):
            place.I(name, a, b, f"DC {format_value(value)}")
        case Controlled("E", name, a, b, plus, minus, gain):
            place.VCVS(name, a, b, plus, minus, _number(gain))
        case Controlled("G", name, a, b, plus, minus, gain):
            place.VCCS(name, a, b, plus, minus, _number(gain))
        case BehaviouralCurrent(name, a, b, expression):
            place.BehavioralSource(name, a, b, current_expression=expression)
        case Diode(name, anode, cathode, model):
            place.D(name, anode, cathode, model=model)
        case Instance(name, nodes, subcircuit):
            place.X(name, subcircuit, *nodes, **_values(element.parameters))
        case ForeignInstance(name, nodes, cell):
            place.X(name, cell, *nodes)


def _values(parameters: tuple[tuple[str, Value], ...]) -> dict[str, str]:
    return {name: format_value(value) for name, value in parameters}


def _number(value: float | str) -> float | str:
    return format_value(value) if isinstance(value, str) else value

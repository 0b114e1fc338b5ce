"""Circuit elements as frozen records; no SPICE syntax here.

A value is a number in SI units, or an expression over the deck's parameters as text. An
element's full name is its `kind`, one letter, followed by `name`.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

Value: TypeAlias = float | str


@dataclass(frozen=True)
class Parameter:
    """A named number at the top of the deck."""

    name: str
    value: Value
    comment: str


@dataclass(frozen=True)
class Resistor:
    """`value` Ω between `a` and `b`."""

    kind: ClassVar[str] = "R"
    name: str
    a: str
    b: str
    value: Value
    comment: str = ""


@dataclass(frozen=True)
class Capacitor:
    """`value` F between `a` and `b`."""

    kind: ClassVar[str] = "C"
    name: str
    a: str
    b: str
    value: Value
    comment: str = ""


@dataclass(frozen=True)
class Pwl:
    """Straight lines between (time in s, voltage in V) points."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class External:
    """Asked of whoever drives the simulator, at every time point."""


@dataclass(frozen=True)
class VoltageSource:
    """A source from `plus` to `minus`: `dc` V, and `wave` in a transient.

    Without `dc` an operating point takes the wave's beginning.
    """

    kind: ClassVar[str] = "V"
    name: str
    plus: str
    minus: str
    dc: Value | None
    wave: Pwl | External | None = None
    comment: str = ""


@dataclass(frozen=True)
class StateTable:
    """Sources to ground that switch between 0 V and 1 V at the times listed in a file.

    Each time point costs the simulator the same however long the file is, where it searches the
    points of a `Pwl` one by one.

    Attributes:
        name: of the element.
        nodes: switched, one a column of the file.
        file: its path, from the deck's folder; see `netlists.spice.require_file_name`.
        edge: from one level to the other, s; it begins at the time listed.
    """

    kind: ClassVar[str] = "A"
    name: str
    nodes: tuple[str, ...]
    file: str
    edge: float
    comment: str = ""


@dataclass(frozen=True)
class CurrentSource:
    """`value` A out of `a`, through the source, into `b`."""

    kind: ClassVar[str] = "I"
    name: str
    a: str
    b: str
    value: Value
    comment: str = ""


@dataclass(frozen=True)
class Controlled:
    """A linear source driven by the voltage between two nodes.

    Attributes:
        kind: "E" gives `gain` V/V from `a` to `b`, "G" drives `gain` A/V from `a` through to `b`.
    """

    kind: Literal["E", "G"]
    name: str
    a: str
    b: str
    plus: str
    minus: str
    gain: Value
    comment: str = ""


@dataclass(frozen=True)
class BehaviouralCurrent:
    """A current from `a` through the source to `b`, as an expression over node voltages, A."""

    kind: ClassVar[str] = "B"
    name: str
    a: str
    b: str
    expression: str
    comment: str = ""


@dataclass(frozen=True)
class Diode:
    """A diode from anode to cathode."""

    kind: ClassVar[str] = "D"
    name: str
    anode: str
    cathode: str
    model: str
    comment: str = ""


@dataclass(frozen=True)
class Instance:
    """A subcircuit in place, with its own values of some of the cell's parameters."""

    kind: ClassVar[str] = "X"
    name: str
    nodes: tuple[str, ...]
    subcircuit: str
    comment: str = ""
    parameters: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class ForeignInstance:
    """A cell from outside in place; what is in it is not looked at.

    Attributes:
        name: of the element.
        nodes: in the order of its ports.
        cell: name of the `ForeignCell`.
        branches: pairs of nodes between which its currents are taken to flow.
        senses: nodes whose voltages it depends on.
    """

    kind: ClassVar[str] = "X"
    name: str
    nodes: tuple[str, ...]
    cell: str
    branches: tuple[tuple[str, str], ...]
    senses: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True)
class Note:
    """A comment line of its own."""

    text: str


Element: TypeAlias = (
    Resistor
    | Capacitor
    | VoltageSource
    | StateTable
    | CurrentSource
    | Controlled
    | BehaviouralCurrent
    | Diode
    | Instance
    | ForeignInstance
    | Note
)


@dataclass(frozen=True)
class Model:
    """A `.model` card, with parameters in the order given."""

    name: str
    kind: str
    parameters: tuple[tuple[str, float], ...]
    comment: str = ""


@dataclass(frozen=True)
class Subcircuit:
    """A cell: its ports in order, its elements, and what its instances may set otherwise."""

    name: str
    ports: tuple[str, ...]
    elements: tuple[Element, ...]
    comment: str = ""
    parameters: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True)
class ForeignCell:
    """A cell from outside as SPICE text, as `netlists.models` screened it.

    Attributes:
        name: of the subcircuit.
        ports: in order.
        lines: statements from `.subckt` to `.ends`, under this name.
        comment: where it is from.
    """

    name: str
    ports: tuple[str, ...]
    lines: tuple[str, ...]
    comment: str = ""

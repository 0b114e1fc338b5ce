"""A deck without its hierarchy: the graph of nodes and parts that a simulator solves.

Names are ngspice's: lower case, `xlayer1.xn2.op` for a node inside an instance,
`r.xlayer1.rp2_1` for an element.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import networkx as nx

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
    Resistor,
    StateTable,
    Subcircuit,
    VoltageSource,
)
from netlists.values import evaluate, evaluate_all

GROUND = "0"

GROUNDS = frozenset({GROUND, "gnd"})
"""ngspice's names for it."""

_VOLTAGE = re.compile(r"(?<![\w.#])v\(\s*([^(),\s]+)\s*(?:,\s*([^(),\s]+)\s*)?\)", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Block:
    """An instance in place.

    Attributes:
        path: ngspice's name, as in `xlayer1.xn2.xa`.
        cell: what it is an instance of.
        nodes: what its ports are connected to, by port in lower case.
    """

    path: str
    cell: Subcircuit
    nodes: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Part:
    """An element in place.

    Attributes:
        name: ngspice's.
        element: as the cell has it.
        branches: pairs of nodes between which its current flows.
        senses: nodes whose voltages it depends on without drawing current.
        value: of a resistor, Ω; of a voltage source at rest, V; None for others, and where it
            has none.
        block: it is in; None at the top level.
    """

    name: str
    element: Element
    branches: tuple[tuple[str, str], ...]
    senses: tuple[str, ...]
    value: float | None
    block: Block | None

    @property
    def stiff(self) -> bool:
        """Whether it sets the voltage between its nodes, whatever current that takes."""
        e = self.element
        return isinstance(e, VoltageSource | StateTable) or (
            isinstance(e, Controlled) and e.kind == "E"
        )

    def dc_paths(self) -> Iterator[tuple[str, str]]:
        """Pairs of nodes of which it fixes one when the other is known, at rest.

        Resistors, diodes (either way: the simulator's gmin is across them) and what sets a voltage
        do. A controlled current does where it depends on the voltage of its own nodes: of both, as
        a junction does, between them; of one, as an op-amp's output stage does, that one against
        ground. Capacitors and constant currents do not.
        """
        match self.element:
            case Capacitor() | CurrentSource():
                return
            case Controlled(kind="G") | BehaviouralCurrent():
                ((a, b),) = self.branches
                own = [node for node in (a, b) if node in self.senses or node == GROUND]
                if len(own) == 2:
                    yield a, b
                elif own and own[0] != GROUND:
                    yield own[0], GROUND
            case _:
                yield from self.branches


@dataclass(frozen=True)
class Fault:
    """What could not be put in place.

    Attributes:
        rule: that it breaks, as docs/rules.md lists it; an error.
        part: ngspice's name of element or instance, or a parameter's card.
        message: why, and what mends it.
    """

    rule: str
    part: str
    message: str


@dataclass(frozen=True)
class Flat:
    """A deck's parts and instances in place.

    Attributes:
        parts: all elements.
        blocks: all instances, each before those inside it.
        faults: what could not be put in place.
    """

    parts: tuple[Part, ...]
    blocks: tuple[Block, ...]
    faults: tuple[Fault, ...]

    def graph(self) -> nx.MultiGraph:
        """Nodes, and an edge for each branch of each part, which it carries as `part`.

        Nodes that are only sensed are in it, too.
        """
        graph = nx.MultiGraph()
        graph.add_node(GROUND)
        for part in self.parts:
            graph.add_nodes_from(part.senses)
            graph.add_edges_from((a, b, {"part": part}) for a, b in part.branches)
        return graph


def flatten(deck: Deck) -> Flat:
    """Put every instance's elements in place.

    What cannot be is a fault: an instance of an unknown cell, of a cell inside itself, with too
    many or too few nodes, or a value that no parameters give.
    """
    values, reasons = evaluate_all(deck.parameters)
    faults = [
        Fault("value unknown", f".param {name}", f"{reason}; {_MEND_VALUE}")
        for name, reason in reasons.items()
    ]
    flattening = _Flattening({c.name.lower(): c for c in deck.subcircuits}, faults)
    flattening.place(deck.elements, _Place("", {}, values, None, ()))
    return Flat(tuple(flattening.parts), tuple(flattening.blocks), tuple(flattening.faults))


_MEND_VALUE = "wanted arithmetic over numbers and the parameters in scope"


@dataclass(frozen=True)
class _Place:
    """Where elements are put: path, nodes of ports, parameters, instance, cells around."""

    path: str
    ports: Mapping[str, str]
    values: Mapping[str, float]
    block: Block | None
    inside: tuple[str, ...]

    def node(self, name: str) -> str:
        folded = name.lower()
        if folded in GROUNDS:
            return GROUND
        return self.ports.get(folded) or (f"{self.path}.{folded}" if self.path else folded)

    def part(self, element: Element) -> str:
        return full_name(element, self.path)


@dataclass
class _Flattening:
    cells: Mapping[str, Subcircuit]
    faults: list[Fault]
    parts: list[Part] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def place(self, elements: tuple[Element, ...], place: _Place) -> None:
        for element in elements:
            if isinstance(element, Instance):
                self._instance(element, place)
            elif not isinstance(element, Note):
                self.parts.append(self._part(element, place))

    def _part(self, element: Element, place: _Place) -> Part:
        branches, senses = connections(element)
        return Part(
            place.part(element),
            element,
            tuple((place.node(a), place.node(b)) for a, b in branches),
            tuple(place.node(node) for node in senses),
            self._value(element, place),
            place.block,
        )

    def _value(self, element: Element, place: _Place) -> float | None:
        value = (
            element.value
            if isinstance(element, Resistor)
            else element.dc
            if isinstance(element, VoltageSource)
            else None
        )
        return None if value is None else self._evaluated(value, place, place.part(element))

    def _evaluated(self, value: float | str, place: _Place, part: str) -> float | None:
        try:
            return evaluate(value, place.values)
        except ValueError as error:
            self._fault("value unknown", part, f"{error}; {_MEND_VALUE}")
            return None

    def _instance(self, instance: Instance, place: _Place) -> None:
        path = place.part(instance)
        cell = self.cells.get(instance.subcircuit.lower())
        if cell is None:
            known = ", ".join(c.name for c in self.cells.values()) or "none"
            message = f"is of no known cell {instance.subcircuit}; there are {known}"
            self._fault("unknown cell", path, message)
            return
        if cell.name in place.inside:
            message = f"puts cell {cell.name} inside itself; take it out of there"
            self._fault("unknown cell", path, message)
            return
        if len(instance.nodes) != len(cell.ports):
            self._fault(
                "unconnected pin",
                path,
                f"connects {len(instance.nodes)} nodes to the {len(cell.ports)} ports of "
                f"{cell.name} ({', '.join(cell.ports)}); give a node for each port",
            )
            return
        nodes = [place.node(node) for node in instance.nodes]
        ports = dict(zip((port.lower() for port in cell.ports), nodes, strict=True))
        block = Block(path, cell, ports)
        self.blocks.append(block)
        values = place.values
        if cell.parameters:
            values = {**values, **self._own(instance, cell, place, path)}
        inner = _Place(path, ports, values, block, (*place.inside, cell.name))
        self.place(cell.elements, inner)

    def _own(
        self, instance: Instance, cell: Subcircuit, place: _Place, path: str
    ) -> dict[str, float]:
        """An instance's own values of its cell's parameters."""
        given = {name.lower(): value for name, value in instance.parameters}
        own: dict[str, float] = {}
        for name, default in cell.parameters:
            value = self._evaluated(given.get(name.lower(), default), place, f"{path} {name}")
            if value is not None:
                own[name.lower()] = value
        return own

    def _fault(self, rule: str, part: str, message: str) -> None:
        self.faults.append(Fault(rule, part, message))


def full_name(element: Element, path: str = "") -> str:
    """An element's name as ngspice reads it, inside an instance of that path."""
    if isinstance(element, Note):
        raise TypeError("a note has no name")
    name = f"{element.kind}{element.name}".lower()
    if not path:
        return name
    return f"{path}.{name}" if isinstance(element, Instance) else f"{name[0]}.{path}.{name}"


def connections(  # noqa: PLR0911  # one return a kind of element
    element: Element,
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """An element's branches and the nodes it senses, by their names in its cell.

    An instance counts as sensing the nodes that it is connected to.
    """
    match element:
        case Resistor(_, a, b) | Capacitor(_, a, b) | CurrentSource(_, a, b):
            return ((a, b),), ()
        case VoltageSource(_, a, b) | Diode(_, a, b):
            return ((a, b),), ()
        case StateTable(_, nodes):
            return tuple((node, GROUND) for node in nodes), ()
        case Controlled(_, _, a, b, plus, minus):
            return ((a, b),), (plus, minus)
        case BehaviouralCurrent(_, a, b, expression):
            return ((a, b),), sensed(expression)
        case Instance(_, nodes):
            return (), nodes
        case ForeignInstance():
            return element.branches, element.senses
    return (), ()


def nodes_of(element: Element) -> tuple[str, ...]:
    """All nodes that an element touches, each once, by their names in its cell."""
    branches, senses = connections(element)
    return tuple(dict.fromkeys((*(node for branch in branches for node in branch), *senses)))


@lru_cache(maxsize=4096)
def sensed(expression: str) -> tuple[str, ...]:
    """Nodes whose voltages an expression asks for, each once: those in `v(n)` and `v(n,m)`."""
    found = (node for pair in _VOLTAGE.findall(expression) for node in pair if node)
    return tuple(dict.fromkeys(found))

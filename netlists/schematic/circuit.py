"""A deck as a drawer reads it: its parts and op-amps in place, with nets, values and names."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from circuits.errors import UserError
from circuits.quantities import format_quantity
from netlists.cells import OPAMP_PORTS
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
    Value,
    VoltageSource,
)
from netlists.graph import GROUND, Block, Flat, Part, flatten, full_name
from netlists.values import evaluate, evaluate_all

SMTJ_PORTS = ("p", "q", "s")
"""By which the cell of a junction is known."""


@dataclass(frozen=True)
class Item:
    """A part, or an instance that is drawn as one symbol.

    Attributes:
        name: ngspice's, as in `r.xlayer1.xn2.rf1`.
        label: as the deck has it in its cell, as in `Rf1`.
        symbol: which one to draw, a name in `netlists.schematic.symbols`.
        pins: (name, net) of each, in the element's order.
        value: lines of text: the parameter's name where there is one, and the number.
    """

    name: str
    label: str
    symbol: str
    pins: tuple[tuple[str, str], ...]
    value: tuple[str, ...]

    @property
    def nets(self) -> tuple[str, ...]:
        """Of its pins."""
        return tuple(net for _, net in self.pins)


@dataclass(frozen=True)
class Circuit:
    """A deck, put in place."""

    deck: Deck

    @cached_property
    def flat(self) -> Flat:
        """Its parts and instances.

        Raises:
            UserError: something in it could not be put in place.
        """
        flat = flatten(self.deck)
        if flat.faults:
            fault = flat.faults[0]
            raise UserError(f"{fault.part}: {fault.message}")
        return flat

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """By ngspice's name."""
        return {part.name: part for part in self.flat.parts}

    @cached_property
    def blocks(self) -> Mapping[str, Block]:
        """Instances by path."""
        return {block.path: block for block in self.flat.blocks}

    @cached_property
    def _instances(self) -> dict[str, tuple[Instance, dict[str, float]]]:
        """Each instance in its cell, with the values of what its own cell may refer to."""
        top, _ = evaluate_all(self.deck.parameters)
        found: dict[str, tuple[Instance, dict[str, float]]] = {}
        for block in self.flat.blocks:
            above = block.path.rpartition(".")[0]
            elements = self.blocks[above].cell.elements if above else self.deck.elements
            instance = next(
                e for e in elements if isinstance(e, Instance) and full_name(e, above) == block.path
            )
            around = found[above][1] if above else top
            given = {name.lower(): value for name, value in instance.parameters}
            own = {
                name.lower(): evaluate(given.get(name.lower(), default), around)
                for name, default in block.cell.parameters
            }
            found[block.path] = (instance, {**around, **own})
        return found

    def values(self, path: str) -> Mapping[str, float]:
        """Parameters in scope inside an instance, in lower case; of the deck's top for ""."""
        return self._instances[path][1] if path else evaluate_all(self.deck.parameters)[0]

    def instance(self, path: str) -> Instance:
        """An instance as its cell has it."""
        return self._instances[path][0]

    def layer(self, number: int) -> Block:
        """A layer, from 1."""
        return self.blocks[f"xlayer{number}"]

    @cached_property
    def layers(self) -> int:
        """How many there are."""
        return sum(1 for path in self.blocks if path.startswith("xlayer") and "." not in path)

    def neurons(self, layer: int) -> int:
        """How many a layer has."""
        prefix = f"xlayer{layer}.xn"
        return sum(1 for p in self.blocks if p.startswith(prefix) and p.count(".") == 1)

    def is_symbol(self, block: Block) -> bool:
        """Whether an instance is drawn as one symbol: an op-amp or a junction."""
        return block.cell.ports in {OPAMP_PORTS, SMTJ_PORTS}

    def inside(self, path: str) -> Iterator[str]:
        """Names of the parts and symbols inside an instance."""
        prefix = f"{path}."
        hidden: list[str] = []
        for block in self.flat.blocks:
            if block.path.startswith(prefix) and self.is_symbol(block):
                hidden.append(f"{block.path}.")
                yield block.path
        for part in self.flat.parts:
            if part.block is None:
                continue
            where = f"{part.block.path}."
            if where.startswith(prefix) and not where.startswith(tuple(hidden)):
                yield part.name

    def item(self, name: str) -> Item:
        """A part or an op-amp or junction, ready to be drawn.

        Raises:
            UserError: there is none, or no symbol for it.
        """
        if name in self.blocks:
            return self._block_item(self.blocks[name])
        part = self.parts.get(name)
        if part is None:
            near = difflib.get_close_matches(name, [*self.parts, *self.blocks], 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"{name}: the deck has no such part, so that it cannot be drawn{hint}")
        return self._part_item(part)

    def _block_item(self, block: Block) -> Item:
        instance = self.instance(block.path)
        pins = tuple((port, block.nodes[port.lower()]) for port in block.cell.ports)
        if block.cell.ports == OPAMP_PORTS:
            return Item(block.path, label(instance), "opamp", pins, (block.cell.name,))
        around = self.values(block.path.rpartition(".")[0])
        given = dict(instance.parameters) or {"MTJ_RP": "MTJ_RP", "MTJ_TMR": "MTJ_TMR"}
        units = iter(("Ω", "1"))
        value = tuple(
            f"{name} {format_quantity(evaluate(given[name], around), next(units))}"
            for name in given
        )
        return Item(block.path, label(instance), "smtj", pins, value)

    def _part_item(self, part: Part) -> Item:
        element = part.element
        names, symbol = _SYMBOLS.get(type(element), ((), ""))
        if isinstance(element, Controlled):
            symbol = {"E": "controlled voltage", "G": "controlled current"}[element.kind]
        elif isinstance(element, BehaviouralCurrent) and element.comment.startswith("ideal diode"):
            symbol = "ideal diode"
        elif isinstance(element, ForeignInstance):
            pair = len(element.nodes) == 2 and element.branches == (element.nodes,)
            names, symbol = (("a", "b"), "diode") if pair else ((), "box")
        if not symbol:
            raise UserError(
                f"{part.name}: no symbol is known for {type(element).__name__}, so that the "
                "schematic would leave it out; draw a deck without it"
            )
        nets = part.branches[0]
        if symbol == "box":
            pins = tuple(zip(self._foreign_ports(element), self._foreign_nets(part), strict=True))
        else:
            pins = tuple(zip(names, nets, strict=True))
            if isinstance(element, Controlled):
                pins += tuple(zip(("plus", "minus"), part.senses, strict=True))
        path = part.block.path if part.block else ""
        return Item(part.name, label(element), symbol, pins, self._value(element, path))

    def _foreign_ports(self, element: Element) -> tuple[str, ...]:
        if not isinstance(element, ForeignInstance):
            raise TypeError("wanted an instance of a cell from outside")
        cell = next(c for c in self.deck.foreign if c.name == element.cell)
        return cell.ports

    def _foreign_nets(self, part: Part) -> Iterator[str]:
        for node in getattr(part.element, "nodes", ()):
            inner = f"{part.block.path}.{node.lower()}" if part.block else node.lower()
            ports = part.block.nodes if part.block else {}
            yield GROUND if node == GROUND else ports.get(node.lower(), inner)

    def _value(  # noqa: PLR0911  # one return a kind of element
        self, element: Element, path: str
    ) -> tuple[str, ...]:
        values = self.values(path)
        match element:
            case Resistor(value=value):
                return quantity(value, "Ω", values)
            case Capacitor(value=value):
                return quantity(value, "F", values)
            case CurrentSource(value=value):
                return quantity(value, "A", values)
            case VoltageSource(dc=dc, wave=wave):
                levels = {volts for _, volts in wave.points} if isinstance(wave, Pwl) else ()
                moving = ("PWL",) if len(levels) > 1 else ()
                return (*(() if dc is None else quantity(dc, "V", values)), *moving)
            case Controlled(kind=kind, plus=plus, minus=minus, gain=gain):
                across = f"v({plus})" if minus == GROUND else f"v({plus},{minus})"
                return (*quantity(gain, "V/V" if kind == "E" else "S", values), f"times {across}")
            case Diode(model=model):
                return (self._model(model),)
            case ForeignInstance(cell=cell):
                return (cell,)
            case BehaviouralCurrent(expression=expression, comment=comment):
                return (comment if comment.startswith("ideal diode") else f"I = {expression}",)
        raise TypeError(f"no value for {type(element).__name__}")

    def _model(self, name: str) -> str:
        """A diode's model by its name; one of its own by the IS in which it differs."""
        own = (dict(m.parameters) for m in self.deck.models[1:] if m.name == name)
        found = next(own, None)
        return name if found is None else f"IS {format_quantity(found['IS'], 'A')}"


_MULTIPLE = re.compile(r"[\d.]+(e[+-]\d+)?\*R")

_SYMBOLS: dict[type, tuple[tuple[str, ...], str]] = {
    Resistor: (("a", "b"), "resistor"),
    Capacitor: (("a", "b"), "capacitor"),
    VoltageSource: (("plus", "minus"), "voltage"),
    CurrentSource: (("a", "b"), "current"),
    BehaviouralCurrent: (("a", "b"), "behavioural"),
    Diode: (("anode", "cathode"), "diode"),
    Controlled: (("a", "b"), "controlled"),
}


def label(element: Element) -> str:
    """A part's name as its cell has it, as in `Rf1`."""
    if isinstance(element, Note):
        raise TypeError("a note has no name")
    return f"{element.kind}{element.name}"


def quantity(value: Value, unit: str, values: Mapping[str, float]) -> tuple[str, ...]:
    """A value as lines: its expression where it has one, and the number.

    Of a part that differs from the rest, `1.01*R_F`, the number says it all.
    """
    number = format_quantity(evaluate(value, values), unit)
    if not isinstance(value, str) or _MULTIPLE.match(value):
        return (number,)
    return _beside(value, number)


def _beside(expression: str, number: str) -> tuple[str, ...]:
    together = f"{expression} {number}"
    return (together,) if len(together) <= 13 else (expression, number)  # fits above a symbol


def noise_block(circuit: Circuit, layer: int, neuron: int) -> Block | None:
    """The string of a neuron, where its noise source is one."""
    z = circuit.blocks[f"xlayer{layer}.xn{neuron}"].nodes["z"]
    return next(
        (
            block
            for block in circuit.flat.blocks
            if block.path.startswith(f"xlayer{layer}.")
            and block.path.count(".") == 1
            and "sp" not in block.nodes
            and z in block.nodes.values()
        ),
        None,
    )


def shown_net(net: str) -> str:
    """A net as figures call it: inside a layer its name there, deeper the whole path."""
    head, dot, tail = net.partition(".")
    return tail if dot and head.startswith("xlayer") and "." not in tail else net


def touching(circuit: Circuit, nets: Iterable[str], path: str) -> Iterator[str]:
    """Parts of an instance itself (the top level for "") at some nets; ground is none of them."""
    wanted = set(nets) - {GROUND}
    for part in circuit.flat.parts:
        where = part.block.path if part.block else ""
        ends = {net for branch in part.branches for net in branch} | set(part.senses)
        if where == path and ends & wanted:
            yield part.name

"""A cell by itself: each element upright between the names of its nets."""

from dataclasses import replace

from netlists.deck import Deck
from netlists.elements import BehaviouralCurrent, Parameter, Subcircuit
from netlists.graph import GROUND
from netlists.schematic.check import require_faithful
from netlists.schematic.circuit import Circuit, Item
from netlists.schematic.shared import require_complete
from netlists.schematic.sheet import Drawing, Point, Sheet, text_width

_TALL, _APART, _ACROSS = 2.2, 4.6, 6


def cells_of(circuit: Circuit) -> tuple[Subcircuit, ...]:
    """The cells that other drawings show as one symbol: op-amps and the junction."""
    found = {b.cell.name: b.cell for b in circuit.flat.blocks if circuit.is_symbol(b)}
    return tuple(found.values())


def draw_cell(deck: Deck, cell: Subcircuit) -> Drawing:
    """Draw a cell of a deck, its ports by their own names.

    Raises:
        UserError: an element of it has no symbol.
    """
    own = {name.lower(): Parameter(name, value, "") for name, value in cell.parameters}
    shared = (p for p in deck.parameters if p.name.lower() not in own)
    given = (*shared, *(p for p in own.values() if p.value != p.name))
    alone = Circuit(replace(deck, elements=cell.elements, parameters=given))
    sheet = Sheet(alone)
    names = [part.name for part in alone.flat.parts]
    notes = [cell.comment, f"Ports: {', '.join(cell.ports)}. Equal names of nets are connected."]
    for k, name in enumerate(names):
        at = (k % _ACROSS * _APART, -(k // _ACROSS) * 4.2)
        item = alone.item(name)
        if isinstance(alone.parts[name].element, BehaviouralCurrent):
            notes.append(f"{item.label}: {item.value[0]}")
            item = replace(item, value=("I: see below",))
        if item.symbol == "box":
            _box(sheet, item, at)
        else:
            _upright(sheet, item, at)
    drawing = sheet.finish(f"cell_{cell.name.lower()}", f"cell {cell.name}", notes)
    return require_faithful(require_complete(drawing, names))


def _upright(sheet: Sheet, item: Item, top: Point) -> None:
    x, y = top
    (_, upper), (_, lower) = item.pins[:2]
    ends = (top, (x, y - _TALL))
    if upper == GROUND:  # below, as everywhere
        upper, lower, ends = lower, upper, (ends[1], ends[0])
    sheet.two(item.name, *ends, item=item)
    sheet.tag(top, upper, "above")
    sheet.tag((x, y - _TALL), lower, "below")


def _box(sheet: Sheet, item: Item, top: Point) -> None:
    """Draw an instance of a cell from outside, what is in it unknown."""
    x, y = top[0] + text_width("vdd"), top[1]
    pins: dict[str, Point] = {}
    step = 0.6
    for k, (pin, net) in enumerate(item.pins):
        at = (x, y - (k + 0.5) * step)
        pins[pin] = at
        sheet.wire((x - 0.4, at[1]), at)
        sheet.tag((x - 0.4, at[1]), net, "left")
    box = (x, y - len(item.pins) * step, x + 2.6, y)
    sheet.block(item, box, pins, item.value)

"""What several drawings have: sources with their rails, and how much of a wide network is shown."""

from collections.abc import Iterable, Sequence

from circuits.errors import UserError
from netlists.schematic.circuit import Circuit
from netlists.schematic.sheet import Drawing, Sheet

MOST_SHOWN, FIRST_SHOWN = 6, 3
"""Things of a kind that are all drawn, and how many of more are, before dots and the last."""

_PITCH, _HEIGHT = 3.1, 2.0  # of the sources


def shown(count: int, most: int = MOST_SHOWN) -> tuple[int | None, ...]:
    """Numbers from 1 to draw; None stands for the dots in the place of the others."""
    if count <= most:
        return tuple(range(1, count + 1))
    return (*range(1, min(FIRST_SHOWN, most - 1) + 1), None, count)


def picked(names: Sequence[str], most: int = MOST_SHOWN) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that are drawn, and those that dots stand for."""
    numbers = [k for k in shown(len(names), most) if k is not None]
    drawn = tuple(names[k - 1] for k in numbers)
    return drawn, tuple(name for name in names if name not in set(drawn))


def draw_sources(sheet: Sheet, names: Iterable[str], left: float, top: float, right: float) -> None:
    """Draw voltage sources in a row, each between its net's name and ground.

    Args:
        sheet: to draw on.
        names: ngspice's, in order.
        left: where the first stands.
        top: of the row.
        right: where a row ends and the next begins.
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name[:2] if "_" in name else name, []).append(name)
    x = left
    for group in kinds.values():
        drawn, hidden = picked(group)
        for k, name in enumerate(drawn):
            if x > right:
                x, top = left, top - _HEIGHT - 2.0
            if hidden and k == len(drawn) - 1:
                sheet.more((x, top - _HEIGHT / 2), f"{len(hidden)} more", upright=False)
                sheet.left_out += hidden
                x += _PITCH * 0.6
            item = sheet.circuit.item(name)
            symbol = sheet.two(name, (x, top), (x, top - _HEIGHT))
            for pin, net in item.pins:
                point = symbol.points[pin]
                sheet.tag(point, net, "above" if point[1] == top else "below")
            x += _PITCH


def require_complete(drawing: Drawing, expected: Iterable[str]) -> Drawing:
    """Refuse a drawing that lacks a part or has one twice.

    Raises:
        UserError: names the part.
    """
    wanted = set(expected)
    drawn = [symbol.item.name for symbol in drawing.symbols] + list(drawing.left_out)
    for name in wanted - set(drawn):
        raise UserError(
            f"{name}: the {drawing.title} has no place for it, and would leave it out; draw a deck "
            "of the cells that danp-cosim builds"
        )
    if len(drawn) != len(set(drawn)) or set(drawn) - wanted:
        odd = next(n for n in drawn if drawn.count(n) > 1 or n not in wanted)
        raise UserError(f"{odd}: drawn in the {drawing.title}, where the deck does not have it")
    return drawing


def cell_notes(circuit: Circuit, names: Iterable[str]) -> tuple[str, ...]:
    """What the cells of the drawn op-amps and junctions are, a line each."""
    cells = {
        circuit.blocks[n].cell.name: circuit.blocks[n].cell for n in names if n in circuit.blocks
    }
    return tuple(f"{name}: {cell.comment}" for name, cell in cells.items() if cell.comment)

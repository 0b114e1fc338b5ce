"""A noise string: its divider resistor and its junctions, in series or side by side."""

from netlists.graph import GROUND, Block
from netlists.schematic.shared import FIRST_SHOWN, picked
from netlists.schematic.sheet import Point, Sheet, text_width

_TALL = 1.9
_APART = 4.4
_DIVIDER = 2.2


def draw_string(sheet: Sheet, block: Block, z: Point) -> float:
    """Draw a string whose node z is at a point, the divider above; gives where it ends below."""
    circuit = sheet.circuit
    x, y = z
    divider = f"r.{block.path}.rs"
    sheet.two(divider, (x, y + _DIVIDER), z, words="right")
    sheet.tag((x, y + _DIVIDER), circuit.item(divider).nets[0], "above")
    net = block.nodes["z"]
    names = [n for n in circuit.inside(block.path) if n in circuit.blocks]
    side_by_side = len(names) > 1 and all(net in circuit.item(n).nets[:2] for n in names)
    drawn, hidden = picked(names, FIRST_SHOWN + 2)
    sheet.left_out += hidden
    left = x
    if side_by_side:
        for k, name in enumerate(drawn):
            at = x - k * _APART - (1.6 if hidden and k == len(drawn) - 1 else 0)
            if hidden and k == len(drawn) - 1:
                sheet.more((at + 3.75, y - _TALL / 2), f"{len(hidden)} more", upright=False)
            sheet.two(name, (at, y), (at, y - _TALL))
            sheet.ground((at, y - _TALL))
            left = at
        if left < x:
            sheet.wire((left, y), z)
        end = y - _TALL
    else:
        end = y
        for k, name in enumerate(drawn):
            if hidden and k == len(drawn) - 1:
                sheet.tag((x, end), circuit.item(drawn[k - 1]).nets[1], "left")
                sheet.more((x, end - 0.6), f"{len(hidden)} more")
                end -= 1.2
                sheet.tag((x, end), circuit.item(name).nets[0], "left")
            sheet.two(name, (x, end), (x, end - _TALL))
            if k:
                node = circuit.item(name).nets[0]
                if not hidden or k < len(drawn) - 1:
                    sheet.net_name((x - 0.15, end - 0.2), node, "right")
                left = min(left, x - text_width(node) + 1.7)
            end -= _TALL
        if circuit.item(drawn[-1]).nets[1] == GROUND:
            sheet.ground((x, end))
    sheet.frame((left - 1.95, end - 0.75, x + 2.8, y + _DIVIDER + 1.15), _words(block))
    return end - 0.75


def _words(block: Block) -> str:
    return f"X{block.path.rpartition('.x')[2]}: {block.cell.name}"

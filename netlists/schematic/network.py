"""The network: a block for each layer, the nodes between them, noise and supplies."""

from collections.abc import Iterator

from netlists.cells import OPAMP_PORTS
from netlists.elements import Resistor
from netlists.graph import Block
from netlists.schematic.check import require_faithful
from netlists.schematic.circuit import Circuit
from netlists.schematic.layer import block_item
from netlists.schematic.shared import draw_sources, picked, require_complete, shown
from netlists.schematic.sheet import Drawing, Point, Sheet, text_width

_WIDE, _BETWEEN = 4.6, 3.0
_PIN = 0.62
_CONTROLS = 3  # of a layer's noise, drawn with their names


def parts_of(circuit: Circuit) -> Iterator[str]:
    """Names of all at the deck's top: layers, supplies, inputs and noise."""
    for block in circuit.flat.blocks:
        if "." not in block.path:
            yield block.path
    for part in circuit.flat.parts:
        if part.block is None and part.name != "vstrobe":  # of the measurement, no part
            yield part.name


def draw_network(circuit: Circuit) -> Drawing:
    """Draw the network as a block diagram.

    Raises:
        UserError: a part at the top of the deck has no symbol or no place.
    """
    sheet = Sheet(circuit)
    expected = list(parts_of(circuit))
    blocks = [circuit.layer(k) for k in range(1, circuit.layers + 1)]
    height = max(_rows_of(block) for block in blocks) * _PIN + 1.4
    width = max(_width(block) for block in blocks)
    before: dict[str, Point] = {}
    for k, block in enumerate(blocks):
        before = _layer(
            sheet, circuit, block, (k * (width + _BETWEEN), height), before, width=width
        )
    widths = [sum(1 for port in blocks[0].nodes if port.startswith("x0_"))]
    widths += [circuit.neurons(k) for k in range(1, len(blocks) + 1)]
    sources = [name for name in expected if name in circuit.parts]
    draw_sources(sheet, sources, -0.8, -3.6, max(len(blocks) * (width + _BETWEEN) - 3, 14.0))
    weights = sum(
        1 for p in circuit.flat.parts if p.block in blocks and isinstance(p.element, Resistor)
    )
    amplifiers = sum(block.cell.ports == OPAMP_PORTS for block in circuit.flat.blocks)
    notes = [
        f"{weights:,} weight resistors and {amplifiers:,} op-amps in {sum(widths[1:]):,} neurons.",
        "x: inputs and outputs, a: pre-activations, s or z: noise.",
    ]
    if sheet.left_out:
        notes.append(f"Dots stand for what is not drawn, {len(sheet.left_out):,} sources among it.")
    title = f"network {'-'.join(str(n) for n in widths)}"
    drawing = sheet.finish("network", title, notes)
    return require_faithful(require_complete(drawing, expected))


def _under(rest: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Pins below a block, noise first, and those of the noise that dots stand for."""
    controls = [p for p in rest if p[0] in "sz" and p[1:2].isdigit()]
    drawn, hidden = picked(controls, _CONTROLS)
    return [*drawn, *(p for p in rest if p not in controls)], hidden


def _width(block: Block) -> float:
    """Of a block, so that the names below it, on two levels, do not touch."""
    under, _ = _under(_ports(block)[3])
    longest = max(text_width(name) for name in under)
    return max(_WIDE, (len(under) + 1) * (longest / 2 + 0.15))


def _ports(block: Block) -> tuple[list[str], list[str], list[str], list[str]]:
    """Of a layer's cell: inputs, outputs that go on, pre-activations, and the rest."""
    number = int(block.path.removeprefix("xlayer"))
    inputs = [p for p in block.nodes if p.startswith(f"x{number - 1}_")]
    outputs = [p for p in block.nodes if p.startswith(f"x{number}_")]
    pre = [p for p in block.nodes if p.startswith(f"a{number}_")]
    known = {*inputs, *outputs, *pre}
    return inputs, outputs, pre, [p for p in block.nodes if p not in known]


def _rows_of(block: Block) -> int:
    inputs, outputs, pre, _ = _ports(block)
    return max(len(shown(len(inputs), 4)), len(shown(len(outputs), 4)) + len(shown(len(pre), 4)))


def _layer(
    sheet: Sheet,
    circuit: Circuit,
    block: Block,
    corner: Point,
    before: dict[str, Point],
    *,
    width: float,
) -> dict[str, Point]:
    """Draw a layer's block from its upper left corner; gives where its outputs leave, by net."""
    x, top = corner
    inputs, outputs, pre, rest = _ports(block)
    pins: dict[str, Point] = {}
    for port, y in _down(sheet, inputs, (x - 0.35, top - 0.5), before, left=True):
        pins[port] = (x, y)
        net = block.nodes[port]
        start = before.get(net, (x - 0.7, y))
        sheet.wire(start, (x, y))
        if net not in before:
            sheet.tag(start, net, "left")
        else:
            sheet.net_name(((start[0] + x) / 2, y), net, "center")
    right = x + width
    after: dict[str, Point] = {}
    first = top - 0.5
    for port, level in _down(sheet, outputs, (right + 0.35, first), {}):
        pins[port] = (right, level)
        after[block.nodes[port]] = (right, level)
    below = first - _PIN * len(shown(len(outputs), 4))
    for port, level in _down(sheet, pre, (right + 0.35, below), {}):
        pins[port] = (right, level)
        sheet.wire((right, level), (right + 0.6, level))
        sheet.tag((right + 0.6, level), block.nodes[port], "right")
    low = 0.0
    under, hidden = _under(rest)
    step = width / (len(under) + 1)
    for k, port in enumerate(under, start=1):
        at = (x + k * step, low)
        pins[port] = at
        stub = 0.35 + 0.42 * (k % 2)
        sheet.wire(at, (at[0], low - stub))
        sheet.tag((at[0], low - stub), block.nodes[port], "below")
    item = block_item(circuit, block)
    number = int(block.path.removeprefix("xlayer"))
    neurons = circuit.neurons(number)
    kind = "hidden" if outputs else "output"
    lines = [f"{len(inputs)} to {neurons}, {kind}"]
    if hidden:
        lines.append(f"{len(hidden):,} more noise pins")
    sheet.block(item, (x, low, right, top), pins, lines)
    return after


def _down(
    sheet: Sheet, ports: list[str], start: Point, fixed: dict[str, Point], *, left: bool = False
) -> Iterator[tuple[str, float]]:
    """Ports to draw with their heights, downwards, with dots for those that are left out."""
    x, y = start
    for number in shown(len(ports), 4):
        if number is None:
            if not fixed:
                sheet.more((x, y), f"{len(ports) - 4} more", left=left)
        else:
            yield ports[number - 1], y
        y -= _PIN

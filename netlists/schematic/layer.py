"""A layer: inputs across, summing nodes down, a resistor at every crossing, neurons below."""

from collections.abc import Iterator

from netlists.build import CONSTANT
from netlists.elements import Resistor
from netlists.graph import Block
from netlists.schematic.check import require_faithful
from netlists.schematic.circuit import Circuit, Item, noise_block
from netlists.schematic.shared import picked, require_complete
from netlists.schematic.sheet import Drawing, Point, Sheet

MOST_NEURONS = 4
_PITCH, _ROW = 2.7, 1.9  # of summing nodes and of inputs
_DROP = 0.85  # from an input's wire to the resistor's
_DEEP = 1.7  # of a neuron's block


def parts_of(circuit: Circuit, layer: int) -> Iterator[str]:
    """Names of all that a layer's cell holds: its resistors, strings and neurons."""
    path = f"xlayer{layer}"
    for part in circuit.flat.parts:
        if part.block is not None and part.block.path == path:
            yield part.name
    for block in circuit.flat.blocks:
        if block.path.rpartition(".")[0] == path:
            yield block.path


def block_item(circuit: Circuit, block: Block) -> Item:
    """An instance as a block, its nets by port."""
    instance = circuit.instance(block.path)
    pins = tuple((port.lower(), block.nodes[port.lower()]) for port in block.cell.ports)
    own = tuple(f"{name} {value}" for name, value in instance.parameters)
    return Item(block.path, f"X{instance.name}", "block", pins, (block.cell.name, *own))


def draw_layer(circuit: Circuit, layer: int) -> Drawing:
    """Draw a layer, counted from 1.

    Raises:
        UserError: a part of it has no symbol or no place.
    """
    sheet = Sheet(circuit)
    expected = list(parts_of(circuit, layer))
    neurons = [f"xlayer{layer}.xn{j}" for j in range(1, circuit.neurons(layer) + 1)]
    drawn, hidden = picked(neurons, MOST_NEURONS)
    columns, gap = _columns(circuit, drawn, dots=bool(hidden))
    weights = {
        name: (a, b)
        for name in expected
        if name in circuit.parts and isinstance(circuit.parts[name].element, Resistor)
        for a, b in circuit.parts[name].branches
    }
    inputs = list(dict.fromkeys(a for a, _ in weights.values()))
    kept, dropped = picked(inputs)
    rows, lowest = _rows(sheet, kept, dropped, max(columns.values()))
    for name, (source, column) in weights.items():
        if source in rows and column in columns:
            x, y = columns[column], rows[source]
            sheet.wire((x - 2.1, y), (x - 2.1, y - _DROP))
            sheet.two(name, (x - 2.1, y - _DROP), (x, y - _DROP))
        else:
            sheet.left_out.append(name)
    top = lowest - 1.7
    for path in drawn:
        _neuron(sheet, circuit.blocks[path], columns, rows, top)
    for path in hidden:
        number = int(path.rpartition("xn")[2])
        noise = noise_block(circuit, layer, number)
        sheet.left_out += [path, *([noise.path] if noise else [])]
    if hidden:
        sheet.more((gap, top - 1.0), f"{len(hidden)} more neurons", upright=False)
    sources = sum(net != CONSTANT for net in inputs)
    size = f"{_counted(sources, 'input')}, {_counted(len(neurons), 'neuron')}"
    size += ", biases" if CONSTANT in inputs else ""
    notes = ["A crossing without a dot is no connection. A weight is R_F/Rp - R_F/Rn."]
    if sheet.left_out:
        notes.append(
            f"Dots stand for {len(sheet.left_out):,} of {len(expected):,} parts, which are "
            "not drawn."
        )
    drawing = sheet.finish(f"layer{layer}", f"layer {layer}: {size}", notes)
    return require_faithful(require_complete(drawing, expected))


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _columns(
    circuit: Circuit, drawn: tuple[str, ...], *, dots: bool
) -> tuple[dict[str, float], float]:
    """Where each summing node runs, by net, and where dots stand for further neurons."""
    found: dict[str, float] = {}
    x = _PITCH
    gap = 0.0
    for k, path in enumerate(drawn):
        if dots and k == len(drawn) - 1:
            gap = x - 1.05
            x += 2.2
        nodes = circuit.blocks[path].nodes
        string = 1.5 if noise_block(circuit, *_numbers(path)) else 0.3
        x += string
        found[nodes["sp"]] = x
        found[nodes["sn"]] = x + _PITCH
        x += 2 * _PITCH
    return found, gap


def _numbers(path: str) -> tuple[int, int]:
    layer, neuron = path.removeprefix("xlayer").split(".xn")
    return int(layer), int(neuron)


def _rows(
    sheet: Sheet, kept: tuple[str, ...], dropped: tuple[str, ...], right: float
) -> tuple[dict[str, float], float]:
    """Draw the inputs' wires; gives where each runs and the lowest."""
    rows: dict[str, float] = {}
    y = 0.0
    for k, net in enumerate(kept):
        if dropped and k == len(kept) - 1:
            sheet.more((-0.2, y), f"{len(dropped)} more inputs")
            y -= 1.1
        rows[net] = y
        sheet.tag((0, y), net, "left")
        sheet.wire((0, y), (right - 2.1, y))
        y -= _ROW
    return rows, y + _ROW


def _neuron(
    sheet: Sheet, block: Block, columns: dict[str, float], rows: dict[str, float], top: float
) -> None:
    """Draw a neuron's block under its summing nodes, and its noise string beside it."""
    item = block_item(sheet.circuit, block)
    nodes = block.nodes
    sp, sn = columns[nodes["sp"]], columns[nodes["sn"]]
    left, right, low = sp - 0.4, sn + 0.4, top - _DEEP
    first = max(rows.values()) - _DROP
    pins: dict[str, Point] = {"sp": (sp, top), "sn": (sn, top), "z": (left, top - _DEEP / 2)}
    for port, x in (("sp", sp), ("sn", sn)):
        sheet.wire((x, first), (x, top))
        sheet.net_name((x + 0.1, top), nodes[port], "left")
    others = [port for port in nodes if port not in pins]
    step = (right - left) / (len(others) + 1)
    for k, port in enumerate(others, start=1):
        pins[port] = (left + k * step, low)
    sheet.block(item, (left, low, right, top), pins, item.value)
    for k, port in enumerate(others):
        x, end = pins[port][0], low - 0.35 - 0.45 * (k % 2)
        sheet.wire((x, low), (x, end))
        sheet.tag((x, end), nodes[port], "below")
    noise = noise_block(sheet.circuit, *_numbers(block.path))
    z = pins["z"]
    if noise is None:
        sheet.wire((left - 0.4, z[1]), z)
        sheet.tag((left - 0.4, z[1]), nodes["z"], "left")
    else:
        _string(sheet, noise, z)


def _string(sheet: Sheet, block: Block, z: Point) -> None:
    item = block_item(sheet.circuit, block)
    right, top, low = z[0] - 0.9, z[1] + _DEEP / 2, z[1] - _DEEP / 2
    left = right - 2.2
    sheet.wire((right, z[1]), z)
    sheet.net_name(((right + z[0]) / 2, z[1]), block.nodes["z"], "center")
    others = [port for port in block.nodes if port != "z"]
    shown, hidden = picked(others, 3)
    step = (right - left) / (len(shown) + 1)
    pins: dict[str, Point] = {"z": (right, z[1])}
    for k, port in enumerate(shown, start=1):
        pins[port] = (left + k * step, low)
        end = low - 0.35 - 0.45 * (k % 2)
        sheet.wire(pins[port], (pins[port][0], end))
        sheet.tag((pins[port][0], end), block.nodes[port], "below")
    more = (f"and {len(hidden)} more pins",) if hidden else ()
    sheet.block(item, (left, low, right, top), pins, (*item.value[:1], *more))

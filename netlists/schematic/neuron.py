"""A neuron with every part of it: weights, noise, summing amplifiers, rectifier, supplies."""

from collections.abc import Iterator
from dataclasses import dataclass

from netlists.graph import Block
from netlists.schematic.check import require_faithful
from netlists.schematic.circuit import Circuit, noise_block, touching
from netlists.schematic.noise import draw_string
from netlists.schematic.rectifier import draw_rectifier
from netlists.schematic.shared import cell_notes, draw_sources, picked, require_complete
from netlists.schematic.sheet import OPAMP_HALF, OPAMP_LENGTH, Drawing, Sheet, text_width

_ROW = 1.5
_STRING = -3.95  # where the noise string hangs
_R0, _R1 = 0.35, 2.35  # a weight resistor's ends
_EDGE = 2.9  # of the perceptron's cell
_Z0, _SP = 4.1, 6.1  # R_Z's ends; the latter is the summing node
_A = 7.2  # inverting input of the first amplifier
_UP = 1.75  # from there to the feedback resistor


@dataclass(frozen=True)
class _Place:
    """The neuron that is drawn."""

    circuit: Circuit
    layer: int
    number: int

    @property
    def path(self) -> str:
        return f"xlayer{self.layer}.xn{self.number}"

    @property
    def block(self) -> Block:
        return self.circuit.blocks[self.path]

    def weights(self, port: str) -> list[str]:
        """Resistors of the layer at a summing node."""
        found = touching(self.circuit, [self.block.nodes[port]], f"xlayer{self.layer}")
        return [name for name in found if self.circuit.item(name).symbol == "resistor"]


def parts_of(circuit: Circuit, layer: int, number: int) -> Iterator[str]:
    """Names of all that is of a neuron: in its cells, at its summing nodes, and its sources."""
    place = _Place(circuit, layer, number)
    noise = noise_block(circuit, layer, number)
    own = {place.block.nodes[port] for port in ("sp", "sn", "z")}
    weights = list(touching(circuit, own, f"xlayer{layer}"))
    yield from weights
    yield from circuit.inside(place.path)
    if noise is not None:
        yield from circuit.inside(noise.path)
    nets = {net for name in weights for net in circuit.item(name).nets} | set(
        place.block.nodes.values()
    )
    nets |= set(noise.nodes.values()) if noise else set()
    yield from touching(circuit, nets, "")


def draw_neuron(circuit: Circuit, layer: int, number: int) -> Drawing:
    """Draw a neuron, counted from 1.

    Raises:
        UserError: a part of it has no symbol or no place.
    """
    place = _Place(circuit, layer, number)
    sheet = Sheet(circuit)
    z_row, lowest = _summing_rows(sheet, place)
    noise = noise_block(circuit, layer, number)
    bottom = lowest
    if noise is not None:
        bottom = draw_string(sheet, noise, (_STRING, z_row))
        sheet.wire((_STRING, z_row), (_Z0, z_row))
        sheet.net_name((-0.3, z_row), place.block.nodes["z"], "center")
    else:
        sheet.tag((_Z0, z_row), place.block.nodes["z"], "left")
    a_end, sn = _amplifiers(sheet, place, min(lowest, -2.2) - 1.5)
    ends = _inverting_rows(sheet, place, sn)
    right = a_end[0]
    high, floor = _UP + 0.75, sn[1] - 0.55
    if "x" in place.block.nodes:
        right, low, top = draw_rectifier(sheet, f"{place.path}.xact", a_end)
        floor = min(floor, low - 0.35)
        high = max(high, top + 0.75)
        right += 0.35
    sheet.frame(
        (_EDGE, floor, right + 0.3, high), f"X{_local(place.path)}: {place.block.cell.name}"
    )
    drawn = {symbol.item.name for symbol in sheet.symbols} | set(sheet.left_out)
    sources = [name for name in parts_of(circuit, layer, number) if name not in drawn]
    draw_sources(
        sheet,
        [n for n in sources if n in circuit.parts and n.startswith("v")],
        _STRING - 1.0,
        min(bottom, ends, floor) - 1.7,
        right - 2.0,
    )
    kind = "hidden" if "x" in place.block.nodes else "output"
    drawing = sheet.finish(
        f"neuron_{layer}_{number}",
        f"neuron {number} of layer {layer} ({kind}), a{layer}_{number}",
        _notes(circuit, sheet, place),
    )
    return require_faithful(require_complete(drawing, parts_of(circuit, layer, number)))


def _local(path: str) -> str:
    return path.rpartition(".x")[2]


def _notes(circuit: Circuit, sheet: Sheet, place: _Place) -> tuple[str, ...]:
    notes = [
        f"Parts are named as in their cells of the deck; Rf1 is r.{place.path}.rf1 to ngspice.",
        *cell_notes(circuit, [symbol.item.name for symbol in sheet.symbols]),
    ]
    if sheet.left_out:
        notes.append(f"Dots stand for {len(sheet.left_out)} parts that are not drawn.")
    return tuple(notes)


def _summing_rows(sheet: Sheet, place: _Place) -> tuple[float, float]:
    """The resistors at sp; gives the noise's row and the lowest."""
    y = _weights(sheet, place.weights("sp"), 0.0, _SP)
    z_row = y
    sheet.two(f"r.{place.path}.rz", (_Z0, y), (_SP, y))
    lowest = y
    trim = f"r.{place.path}.ro"
    if trim in sheet.circuit.parts:
        lowest = y - _ROW
        sheet.two(trim, (_Z0, lowest), (_SP, lowest))
        sheet.tag((_Z0, lowest), sheet.circuit.item(trim).nets[0], "left")
    sheet.wire((_SP, _UP), (_SP, lowest))
    sheet.net_name((_SP + 0.1, 0), place.block.nodes["sp"], "left")
    return z_row, lowest


def _inverting_rows(sheet: Sheet, place: _Place, sn: tuple[float, float]) -> float:
    """The resistors at sn; gives the lowest row."""
    names = place.weights("sn")
    end = _weights(sheet, names, sn[1], sn[0], bus=_R1 + 0.2)
    return end + _ROW


def _weights(
    sheet: Sheet, names: list[str], y: float, end: float, bus: float | None = None
) -> float:
    """Rows of weight resistors downwards; without `bus` each reaches `end`. Gives the next row."""
    drawn, hidden = picked(names)
    rows = []
    for k, name in enumerate(drawn):
        if hidden and k == len(drawn) - 1:
            sheet.more((0.7, y + 0.1), f"{len(hidden)} more")
            sheet.left_out += hidden
            y -= _ROW
        sheet.two(name, (_R0, y), (_R1, y))
        sheet.tag((_R0, y), sheet.circuit.item(name).nets[0], "left")
        stop = end if bus is None or k == 0 else bus
        sheet.wire((_R1, y), (stop, y))
        rows.append(y)
        y -= _ROW
    if bus is not None and len(rows) > 1:
        sheet.wire((bus, rows[0]), (bus, rows[-1]))
    return y


def _amplifiers(
    sheet: Sheet, place: _Place, sn_row: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Both summing amplifiers; gives the pre-activation's point and where sn's row ends."""
    nodes = place.block.nodes
    op = (_A + OPAMP_LENGTH + 0.35, -OPAMP_HALF)
    _amplifier(sheet, f"{place.path}.xa", _SP, 0.0, f"r.{place.path}.rf1")
    name = f"{place.path}.op"
    sheet.net_name((op[0] + 0.05, 0.75), name, "left")
    end = op[0] + max(2.5, text_width(name) + 0.25)
    start = end - 2.1
    sheet.wire(op, (start, op[1]))
    sheet.two(f"r.{place.path}.rf2", (start, op[1]), (end, op[1]))
    _amplifier(sheet, f"{place.path}.xb", end, op[1], f"r.{place.path}.rf3")
    sheet.net_name((end + 0.1, op[1]), nodes["sn"], "left")
    sheet.wire((end, op[1]), (end, sn_row))
    a = (end + (_A - _SP) + OPAMP_LENGTH + 0.35, op[1] - OPAMP_HALF)
    out = (a[0] + 1.15, a[1])
    sheet.wire(a, out)
    if "x" in nodes:
        sheet.net_name((a[0] + 0.1, a[1]), nodes["a"], "left")
    else:
        sheet.tag(out, nodes["a"], "right")
    return out, (end, sn_row)


def _amplifier(sheet: Sheet, name: str, bus: float, y: float, feedback: str) -> None:
    """An inverting amplifier from a summing node at `bus`, its feedback resistor above."""
    x = bus + (_A - _SP)
    points = sheet.opamp(name, (x, y)).points
    out = points["out"]
    sheet.wire((bus, y), (x, y))
    ground = (x - 0.35, points["inp"][1])
    sheet.wire(points["inp"], ground)
    sheet.ground(ground)
    top = y + _UP
    if bus != _SP:
        sheet.wire((bus, y), (bus, top))
    sheet.two(feedback, (bus, top), (out[0] + 0.35, top))
    sheet.wire((out[0] + 0.35, top), (out[0] + 0.35, out[1]))
    sheet.wire(out, (out[0] + 0.35, out[1]))

"""The rectifier of a hidden neuron: a divider with two diodes, or the precision rectifier."""

from circuits.errors import UserError
from netlists.schematic.sheet import OPAMP_HALF, OPAMP_LENGTH, Point, Sheet, text_width

_MARGIN = 0.45


def draw_rectifier(sheet: Sheet, path: str, a: Point) -> tuple[float, float, float]:
    """Draw the cell from its input's point on.

    Args:
        sheet: to draw on.
        path: of the instance.
        a: where the pre-activation arrives.

    Returns:
        The right, the lower and the upper end of what was drawn.

    Raises:
        UserError: its cell is neither rectifier.
    """
    inside = {name.rpartition(".")[2] for name in sheet.circuit.inside(path)}
    diodes = all(any(f"{kind}{end}" in inside for kind in "dbx") for end in ("pos", "neg"))
    if diodes and {"rpos", "rneg", "xbuf"} <= inside:
        return _divider(sheet, path, a)
    if {"rin", "xrect", "xsum"} <= inside:
        return _precision(sheet, path, a)
    raise UserError(
        f"{path}: its cell {sheet.circuit.blocks[path].cell.name} is neither the diode divider nor "
        "the precision rectifier, so that it cannot be drawn"
    )


def _diode(sheet: Sheet, path: str, name: str) -> str:
    """What a diode is called: a device, an ideal one, or one of a model from a file."""
    return next(
        full for kind in "dbx" if (full := f"{kind}.{path}.{kind}{name}") in sheet.circuit.parts
    )


def _framed(sheet: Sheet, path: str, box: tuple[float, float, float, float]) -> None:
    words = f"X{path.rpartition('.x')[2]}: {sheet.circuit.blocks[path].cell.name}"
    sheet.frame(box, words)


def _divider(sheet: Sheet, path: str, a: Point) -> tuple[float, float, float]:
    x, y = a[0] + 0.5, a[1]
    middle, end = x + 2.15, x + 4.3
    upper, lower = y + 1.0, y - 1.0
    sheet.wire(a, (x, y))
    sheet.wire((x, lower), (x, upper))
    sheet.wire((end, lower), (end, upper))
    pos, neg = _diode(sheet, path, "pos"), _diode(sheet, path, "neg")
    sheet.two(pos, (x, upper), (middle, upper))
    sheet.two(f"r.{path}.rpos", (middle, upper), (end, upper))
    sheet.two(neg, (end, lower), (middle, lower))
    sheet.two(f"r.{path}.rneg", (middle, lower), (x, lower))
    name = f"{path}.y"
    load, start = end + 0.75, end + max(3.3, text_width(name) + 0.35)
    sheet.wire((end, y), (load, y), (start, y))
    sheet.two(f"r.{path}.rload", (load, y), (load, y - 2.0))
    sheet.ground((load, y - 2.0))
    sheet.net_name((end + 0.1, y), name, "left")
    top = y + 3.0
    points = sheet.opamp(f"{path}.xbuf", (start, y + 2 * OPAMP_HALF)).points
    out, inverting = points["out"], points["inn"]
    x_node = (out[0] + 0.4, out[1])
    back = start - 0.3
    sheet.wire(out, x_node, (x_node[0], top), (back, top), (back, inverting[1]), inverting)
    right = x_node[0] + 0.4
    _output(sheet, path, x_node, right)
    _framed(sheet, path, (a[0] - 0.05, y - 3.05, right, top + _MARGIN))
    return right, y - 3.05, top + _MARGIN


def _output(sheet: Sheet, path: str, node: Point, right: float) -> None:
    end = (right + 0.9, node[1])
    sheet.wire(node, end)
    sheet.tag(end, sheet.circuit.blocks[path].nodes["x"], "right")


def _precision(sheet: Sheet, path: str, a: Point) -> tuple[float, float, float]:
    x, y = a[0] + 0.4, a[1]
    n1, into = x + 2.0, x + 3.0
    upper, lower = y + 2.1, y - 3.4
    sheet.wire(a, (x, y))
    sheet.two(f"r.{path}.rin", (x, y), (n1, y))
    points = sheet.opamp(f"{path}.xrect", (into, y)).points
    out = points["out"]
    sheet.wire((n1, y), (into, y))
    sheet.wire((n1, lower), (n1, y), (n1, upper))
    ground = (into - 0.4, points["inp"][1])
    sheet.wire(points["inp"], ground)
    sheet.ground(ground)
    o1 = into + OPAMP_LENGTH + 0.6
    sheet.wire(out, (o1, out[1]))
    sheet.two(f"r.{path}.rfn", (o1, upper), (n1, upper))
    sheet.two(f"r.{path}.rfp", (o1, lower), (n1, lower))
    sheet.two(_diode(sheet, path, "neg"), (o1, out[1]), (o1, upper))
    sheet.two(_diode(sheet, path, "pos"), (o1, lower), (o1, out[1]))
    start = o1 + text_width(f"{path}.vn") + 0.2
    n2 = start + 2.7
    for name, y_row in (("rsn", upper), ("rsp", lower)):
        sheet.wire((o1, y_row), (start, y_row))
        sheet.two(f"r.{path}.{name}", (start, y_row), (n2, y_row))
    sheet.net_name((o1 + 0.1, upper), f"{path}.vn", "left")
    sheet.net_name((o1 + 0.1, lower), f"{path}.vp", "left")
    sheet.wire((n2, lower), (n2, y), (n2, upper))
    points = sheet.opamp(f"{path}.xsum", (n2 + 1.0, y)).points
    sheet.wire((n2, y), points["inn"])
    ground = (n2 + 0.6, points["inp"][1])
    sheet.wire(points["inp"], ground)
    sheet.ground(ground)
    x_node = (points["out"][0] + 0.4, points["out"][1])
    sheet.two(f"r.{path}.rf2", (n2, upper), (x_node[0], upper))
    sheet.wire(points["out"], x_node, (x_node[0], upper))
    right = x_node[0] + 0.4
    _output(sheet, path, x_node, right)
    _framed(sheet, path, (a[0] - 0.05, lower - 1.25, right, upper + 0.9))
    return right, lower - 1.25, upper + 0.9

"""A netlist read back from a picture, and held against the deck.

What is connected is what touches: a wire's end on another wire or on a terminal, and points with
the same name of a net. Wires that cross without an end there are not connected.
"""

from collections.abc import Iterator
from itertools import combinations

import networkx as nx

from circuits.errors import UserError
from netlists.schematic.sheet import Box, Drawing, Point, Symbol, Wire

_NEAR = 1e-6


def require_faithful(drawing: Drawing) -> Drawing:
    """Refuse a drawing whose connections are not the deck's, or that does not read well.

    Raises:
        UserError: says what is wrong; the deck is of cells that the drawing was not made for.
    """
    for fault in faults(drawing):
        raise UserError(
            f"{drawing.title}: {fault}; the deck is not of the cells that danp-cosim builds, and "
            "is not drawn rather than drawn wrongly"
        )
    return drawing


def faults(drawing: Drawing) -> Iterator[str]:
    """What of a drawing is not as in the deck, or not as in a schematic."""
    groups = read_back(drawing)
    of_net: dict[str, set[int]] = {}
    for k, group in enumerate(groups):
        nets = {net for _, _, net in group}
        if len(nets) > 1:
            names = ", ".join(f"{name} {pin}" for name, pin, _ in sorted(group)[:4])
            yield f"nets {' and '.join(sorted(nets))} are drawn as one ({names})"
        for net in nets:
            of_net.setdefault(net, set()).add(k)
    for net, where in of_net.items():
        if len(where) > 1 and not _parted_by_dots(drawing, net):
            yield f"net {net} is drawn in {len(where)} pieces"
    yield from _loose(drawing)
    yield from _covered(drawing)


def read_back(drawing: Drawing) -> list[set[tuple[str, str, str]]]:
    """Terminals that the picture connects: sets of (part, pin, net that the deck has there)."""
    graph = nx.Graph()
    points: list[tuple[object, Point]] = []
    for symbol in drawing.symbols:
        nets = dict(symbol.item.pins)
        points += [((symbol.item.name, pin, nets[pin]), point) for pin, point in symbol.terminals]
    points += [(("net", tag.net), tag.point) for tag in drawing.tags]
    for k, wire in enumerate(drawing.wires):
        points += [((k,), wire.points[0]), ((k,), wire.points[-1])]
    graph.add_nodes_from(node for node, _ in points)
    for k, wire in enumerate(drawing.wires):
        graph.add_edges_from(((k,), node) for node, point in points if on_wire(point, wire))
    by_place: dict[Point, object] = {}
    for node, (x, y) in points:
        key = (round(x, 5), round(y, 5))
        graph.add_edge(node, by_place.setdefault(key, node))
    return [
        {node for node in group if isinstance(node, tuple) and len(node) == 3}
        for group in nx.connected_components(graph)
    ]


def _parted_by_dots(drawing: Drawing, net: str) -> bool:
    """Whether what joins the pieces of a net may be among the parts that are left out."""
    return bool(drawing.left_out) and all(tag.net != net for tag in drawing.tags)


def on_wire(point: Point, wire: Wire) -> bool:
    """Whether a point lies on a wire."""
    return any(_between(point, a, b) for a, b in wire.segments)


def _between(point: Point, a: Point, b: Point) -> bool:
    (x, y), (left, low) = point, (min(a[0], b[0]), min(a[1], b[1]))
    right, high = max(a[0], b[0]), max(a[1], b[1])
    inside = left - _NEAR <= x <= right + _NEAR and low - _NEAR <= y <= high + _NEAR
    area = (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
    return inside and abs(area) < _NEAR


def _loose(drawing: Drawing) -> Iterator[str]:
    """Ends of wires at nothing, and terminals and names alone."""
    ends = [point for wire in drawing.wires for point in (wire.points[0], wire.points[-1])]
    fixed = [point for symbol in drawing.symbols for _, point in symbol.terminals]
    fixed += [tag.point for tag in drawing.tags]
    for wire in drawing.wires:
        others = [other for other in drawing.wires if other is not wire]
        for end in (wire.points[0], wire.points[-1]):
            if not any(_same(end, p) for p in fixed) and not any(on_wire(end, o) for o in others):
                yield f"a wire ends at nothing, at {end[0]:g}, {end[1]:g}"
    places = [*ends, *fixed]
    for tag in drawing.tags:
        alone = sum(_same(tag.point, other) for other in places) < 2
        if alone and not any(on_wire(tag.point, wire) for wire in drawing.wires):
            yield f"the name {tag.net} stands at nothing"
    for symbol in drawing.symbols:
        for pin, point in symbol.terminals:
            alone = sum(_same(point, other) for other in places) < 2
            if alone and not any(on_wire(point, wire) for wire in drawing.wires):
                yield f"{symbol.item.name}: pin {pin} is connected to nothing"


def _covered(drawing: Drawing) -> Iterator[str]:
    """Bodies on one another, and wires through them."""
    for one, two in combinations(drawing.symbols, 2):
        if _overlap(one.body, two.body):
            yield f"{one.item.name} and {two.item.name} are drawn on one another"
    for symbol in drawing.symbols:
        for wire in drawing.wires:
            if any(_through(symbol, a, b) for a, b in wire.segments):
                yield f"a wire goes through {symbol.item.name}"


def _same(a: Point, b: Point) -> bool:
    return abs(a[0] - b[0]) < _NEAR and abs(a[1] - b[1]) < _NEAR


def _overlap(one: Box, two: Box) -> bool:
    return (
        one[0] < two[2] - _NEAR
        and two[0] < one[2] - _NEAR
        and one[1] < two[3] - _NEAR
        and two[1] < one[3] - _NEAR
    )


def _through(symbol: Symbol, a: Point, b: Point) -> bool:
    """Whether a straight piece of wire runs through a body; an op-amp's is a triangle."""
    left, low, right, high = symbol.body
    if symbol.item.symbol == "opamp":  # its corners are empty, where rails leave
        low, high, right = low + 0.45, high - 0.45, left + 1.2
    x0, x1 = sorted((a[0], b[0]))
    y0, y1 = sorted((a[1], b[1]))
    return x0 < right - _NEAR and x1 > left + _NEAR and y0 < high - _NEAR and y1 > low + _NEAR

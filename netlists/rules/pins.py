"""Pins that are connected to nothing."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from netlists.deck import Deck
from netlists.elements import Element, Instance, StateTable, Subcircuit, VoltageSource
from netlists.graph import GROUNDS, Block, Flat, full_name, nodes_of
from netlists.rules.finding import Finding


def loose_pins(
    deck: Deck, flat: Flat, amplifiers: Sequence[Block]
) -> Iterator[tuple[Finding, tuple[str, ...]]]:
    """Pins at a node that nothing else touches, cell by cell.

    A port leads on and a probe looks on; a source from ground may stand idle. A pin that has a
    voltage of its own, such as an amplifier's output, is a warning.

    Returns:
        Each with that node in every instance of the cell.
    """
    cells = {cell.name.lower(): cell for cell in deck.subcircuits}
    measured = {name.lower() for name in (*deck.probes, *deck.traces)}
    driven = _driven(flat, amplifiers)
    for elements, ports, paths in _scopes(deck, flat):
        touching: dict[str, list[Element]] = defaultdict(list)
        for element in elements:
            for node in dict.fromkeys(name.lower() for name in nodes_of(element)):
                touching[node].append(element)
        for node, (element, *others) in touching.items():
            everywhere = tuple(path + node for path in paths)
            leads_on = node in ports | GROUNDS or not measured.isdisjoint(everywhere)
            if not others and not leads_on and not _idle(element):
                has_voltage = everywhere[0] in driven
                yield _finding(element, node, paths[0], cells, driven=has_voltage), everywhere


def _scopes(
    deck: Deck, flat: Flat
) -> Iterator[tuple[tuple[Element, ...], set[str], tuple[str, ...]]]:
    """Elements, ports, and where they are: the top level, and every cell that is in use."""
    yield deck.elements, set(), ("",)
    paths: dict[str, list[str]] = defaultdict(list)
    for block in flat.blocks:
        paths[block.cell.name.lower()].append(f"{block.path}.")
    for cell in deck.subcircuits:
        if found := paths.pop(cell.name.lower(), None):
            yield cell.elements, {port.lower() for port in cell.ports}, tuple(found)


def _idle(element: Element) -> bool:
    match element:
        case StateTable():
            return True
        case VoltageSource(_, plus, minus):
            return not GROUNDS.isdisjoint((plus.lower(), minus.lower()))
    return False


def _finding(
    element: Element, node: str, path: str, cells: Mapping[str, Subcircuit], *, driven: bool
) -> Finding:
    name = full_name(element, path.removesuffix("."))
    pin = _pin(element, node, cells)
    if driven:
        message = f"{pin} drives nothing; connect it, or probe it where it is looked at"
        return Finding("warning", "unconnected pin", path + node, name, message)
    message = f"{pin} touches nothing else; connect it, or mend the node's name"
    return Finding("error", "unconnected pin", path + node, name, message)


def _pin(element: Element, node: str, cells: Mapping[str, Subcircuit]) -> str:
    """What of an element is at a node."""
    if not isinstance(element, Instance):
        return "one end"
    cell = cells.get(element.subcircuit.lower())
    pairs = zip(cell.ports if cell else (), element.nodes, strict=False)
    pins = [port for port, connected in pairs if connected.lower() == node]
    return f"pin {' and '.join(pins)}" if pins else "a pin"


def _driven(flat: Flat, amplifiers: Sequence[Block]) -> set[str]:
    """Nodes that a source or an amplifier's output gives a voltage."""
    models = {block.path for block in amplifiers}
    sources = (part for part in flat.parts if part.stiff)
    outer = (part for part in sources if part.block is None or part.block.path not in models)
    nodes = {node for part in outer for branch in part.branches for node in branch}
    return nodes | {block.nodes["out"] for block in amplifiers}

"""Nodes whose voltage nothing determines."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import networkx as nx

from netlists.graph import GROUND, Flat, Part
from netlists.rules.finding import Finding

_NAMED = 3  # nodes of an island that are named


def undetermined(flat: Flat, hanging: AbstractSet[str]) -> Iterator[Finding]:
    """Nodes without a path to ground that fixes their voltage at rest.

    Args:
        flat: the circuit.
        hanging: nodes known to be connected to nothing.
    """
    graph = flat.graph()
    paths = nx.Graph()
    paths.add_nodes_from(graph)
    paths.add_edges_from(path for part in flat.parts for path in part.dc_paths())
    lost = paths.subgraph(set(paths) - nx.node_connected_component(paths, GROUND))
    touching = _touching(flat, set(lost))
    order = {node: k for k, node in enumerate(graph)}
    islands = [sorted(island, key=order.__getitem__) for island in nx.connected_components(lost)]
    for island in sorted(islands, key=lambda nodes: order[nodes[0]]):
        if not hanging.isdisjoint(island):
            continue
        # Outer nodes have the shorter names, and are what a designer connects.
        first, *others = sorted(island, key=lambda node: (node.count("."), node))
        part = touching[first].name
        if not others and graph.degree(first) == 0:
            message = "is only sensed there, nothing drives it; connect it to a source or an output"
            yield Finding("error", "floating node", first, part, message)
            continue
        named = f" (nor from {', '.join(others[:_NAMED])}"
        rest = len(others) - _NAMED
        more = f"{named}{f' and {rest} more nodes' if rest > 0 else ''})" if others else ""
        yield Finding(
            "error",
            "no DC path",
            first,
            part,
            f"no resistor, diode or source leads from it to ground{more}; connect it to what sets "
            "its voltage, or to ground by a large resistor",
        )


def _touching(flat: Flat, nodes: AbstractSet[str]) -> dict[str, Part]:
    """A part at each of some nodes: the first connected there, or else the first that senses it."""
    connected: dict[str, Part] = {}
    sensing: dict[str, Part] = {}
    for part in flat.parts if nodes else ():
        for node in (node for branch in part.branches for node in branch if node in nodes):
            connected.setdefault(node, part)
        for node in (node for node in part.senses if node in nodes):
            sensing.setdefault(node, part)
    return sensing | connected

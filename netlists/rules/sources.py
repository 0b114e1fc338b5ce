"""Sources that fight: shorted, or setting one voltage twice."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import networkx as nx

from netlists.graph import GROUND, Block, Flat, Part
from netlists.rules.finding import Finding


def fighting(flat: Flat, amplifiers: Sequence[Block]) -> Iterator[Finding]:
    """Shorted sources, and loops of nothing but sources.

    Voltage sources, controlled ones, state tables, and amplifiers' outputs, whatever is inside.
    """
    forest = nx.Graph()
    for name, a, b in _sources(flat, amplifiers):
        node = a if b == GROUND else b
        if a == b:
            message = "both its ends are this node; take it out, or connect it to two nodes"
            yield Finding("error", "shorted source", a, name, message)
        elif a in forest and b in forest and nx.has_path(forest, a, b):
            way = nx.shortest_path(forest, a, b)
            others = dict.fromkeys(forest.edges[edge]["name"] for edge in pairwise(way))
            message = (
                f"sets the voltage between {a} and {b} against {', '.join(others)}; take one out, "
                "or put a resistor between them"
            )
            yield Finding("error", "paralleled sources", node, name, message)
        else:
            forest.add_edge(a, b, name=name)


def _sources(flat: Flat, amplifiers: Sequence[Block]) -> Iterator[tuple[str, str, str]]:
    """Name and the two nodes of all that sets a voltage."""
    outputs = {block.path: block.nodes["out"] for block in amplifiers}
    for part in flat.parts:
        if part.stiff and not _is_output(part, outputs):
            yield from ((part.name, a, b) for a, b in part.branches)
    for path, output in outputs.items():
        yield path, output, GROUND


def _is_output(part: Part, outputs: dict[str, str]) -> bool:
    """Whether it is the source inside an amplifier that makes its output."""
    output = outputs.get(part.block.path) if part.block else None
    return output is not None and any(output in branch for branch in part.branches)

"""What amplifiers drive, as conductances from an output to nodes of known voltage."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from networkx.utils import UnionFind

from netlists.elements import (
    BehaviouralCurrent,
    Diode,
    Pwl,
    Resistor,
    StateTable,
    VoltageSource,
)
from netlists.graph import GROUND, Block, Flat, Part

Range = tuple[float, float] | None
"""Lowest and highest voltage of a node, V; None for anything that an output can be."""

Shares = tuple[tuple[float, Range], ...]
"""Conductance in S to each node of known voltage, and that voltage's range."""


@dataclass(frozen=True)
class Load:
    """What an output drives.

    Attributes:
        sourced: where the current that it delivers goes.
        sunk: where the current that it takes in comes from.
        resistors: in the way of either.
    """

    sourced: Shares
    sunk: Shares
    resistors: tuple[Part, ...]

    def current(self, low: float, high: float) -> float:
        """Largest current, A, while this and other outputs swing between two voltages, V.

        Every node at the other end stands where it draws most.
        """
        swing = (low, high)
        out = sum(g * max(high - (known or swing)[0], 0.0) for g, known in self.sourced)
        into = sum(g * max((known or swing)[1] - low, 0.0) for g, known in self.sunk)
        return max(out, into)


class DrivenNetworks:
    """The resistors between amplifiers' outputs and nodes of known voltage.

    Known are ground, sources, outputs, and amplifiers' inverting inputs, which feedback holds at
    the voltage of the other input. A diode conducts without a drop away from an output that
    delivers current, towards one that takes it in; one between two known nodes is left out, and
    so is a junction.

    Args:
        flat: the circuit.
        amplifiers: in it; their models' inner parts are no load.
    """

    def __init__(self, flat: Flat, amplifiers: Sequence[Block]) -> None:
        models = {block.path for block in amplifiers}
        self._resistors: dict[str, list[Part]] = defaultdict(list)
        self._onward: dict[str, list[str]] = defaultdict(list)  # from anode to cathode
        self._backward: dict[str, list[str]] = defaultdict(list)
        self._known: dict[str, Range] = {}
        for block in amplifiers:
            self._known[block.nodes["inn"]] = (0.0, 0.0) if block.nodes["inp"] == GROUND else None
        for part in flat.parts:
            if part.block is None or part.block.path not in models:
                self._add(part)
        for block in amplifiers:
            self._known[block.nodes["out"]] = None
        self._known[GROUND] = (0.0, 0.0)

    def _add(self, part: Part) -> None:
        if part.stiff:
            for a, b in part.branches:
                node, other = (a, b) if b == GROUND else (b, a)
                self._known[node] = _range(part, plus=node == a) if other == GROUND else None
        elif isinstance(part.element, Resistor):
            if part.value and 0 < part.value < float("inf"):
                for node in part.branches[0]:
                    self._resistors[node].append(part)
        elif _is_diode(part):
            ((anode, cathode),) = part.branches
            self._onward[anode].append(cathode)
            self._backward[cathode].append(anode)

    def load(self, output: str) -> Load:
        """What an output drives."""
        sourced, resistors = self._shares(output, self._onward)
        sunk, others = self._shares(output, self._backward)
        return Load(sourced, sunk, tuple((resistors | others).values()))

    def _shares(
        self, output: str, diodes: Mapping[str, Sequence[str]]
    ) -> tuple[Shares, dict[str, Part]]:
        inner = self._reached(output, diodes)
        joined = UnionFind(inner)
        for node in inner:
            joined.union(node, *(k for k in diodes.get(node, ()) if k in inner and k != output))
        own = joined[output]
        roots = dict.fromkeys(joined[node] for node in inner if joined[node] != own)
        unknown = {root: k for k, root in enumerate(roots)}
        parts = {part.name: part for node in inner for part in self._resistors[node]}

        count = len(unknown)
        nodal = np.zeros((count, count))  # conductances among unknown nodes
        from_output = np.zeros(count)
        to_known: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(count))
        direct: dict[str, float] = defaultdict(float)
        for part in parts.values():
            conductance = 1 / (part.value or np.inf)
            a, b = (joined[node] if node in inner else node for node in part.branches[0])
            for root, other in ((a, b), (b, a)):
                if root == other:
                    continue
                if root in unknown:
                    k = unknown[root]
                    nodal[k, k] += conductance
                    if other in unknown:
                        nodal[k, unknown[other]] -= conductance
                    elif other == own:
                        from_output[k] += conductance
                    else:
                        to_known[other][k] += conductance
                elif root == own and other not in unknown:
                    direct[other] += conductance
        # With 1 V at the output and 0 V at every known node: what flows into each of these.
        voltages = np.linalg.solve(nodal, from_output)
        for node, conductances in to_known.items():
            direct[node] += float(conductances @ voltages)
        return tuple((share, self._known[node]) for node, share in direct.items()), parts

    def _reached(self, output: str, diodes: Mapping[str, Sequence[str]]) -> dict[str, None]:
        """The output and the nodes of unknown voltage that its current meets, in order."""
        found = {output: None}
        waiting = [output]
        while waiting:
            node = waiting.pop()
            for other in (*diodes.get(node, ()), *self._across(node)):
                if other not in found and other not in self._known:
                    found[other] = None
                    waiting.append(other)
        return found

    def _across(self, node: str) -> Iterator[str]:
        for part in self._resistors[node]:
            yield from part.branches[0]


def _is_diode(part: Part) -> bool:
    """Whether it conducts from its first node to its second alone."""
    match part.element:
        case Diode():
            return True
        case BehaviouralCurrent(_, a, b, expression):
            return f"uramp(v({a},{b}))" in expression
    return False


def _range(part: Part, *, plus: bool) -> Range:
    """Of a source between a node and ground; None where its numbers do not say."""
    match part.element:
        case StateTable():
            return 0.0, 1.0
        case VoltageSource(wave=Pwl() | None as wave) if part.value is not None:
            volts = [part.value, *(v for _, v in (wave.points if wave else ()))]
            return (min(volts), max(volts)) if plus else (-max(volts), -min(volts))
    return None

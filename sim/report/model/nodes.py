"""Deviation of ngspice from the mathematics, node by node."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.results import Run

Array = NDArray[np.float64]

MOST = 200
"""Nodes shown, at most."""


@dataclass(frozen=True)
class Node:
    """What a node deviates by over the evaluation passes, V; ngspice − mathematics.

    Attributes:
        name: in the deck.
        layer: from 1.
        kind: "pre" or "output".
        rms: root mean square.
        largest: magnitude.
        mean: with its sign.
        rms_ok: root mean square without doubtful passes; NaN where none is left.
        largest_ok: likewise.
    """

    name: str
    layer: int
    kind: str
    rms: float
    largest: float
    mean: float
    rms_ok: float
    largest_ok: float


@dataclass(frozen=True)
class Deviations:
    """Of all nodes.

    Attributes:
        nodes: in the order of the deck.
        passes: evaluation passes.
        doubtful: of them.
        twin: what the mathematics is.
    """

    nodes: tuple[Node, ...]
    passes: int
    doubtful: int
    twin: str

    @property
    def outputs(self) -> tuple[Node, ...]:
        """What the layers hand on: hidden outputs, and the last layer's pre-activations."""
        last = max(node.layer for node in self.nodes)
        return tuple(node for node in self.nodes if node.kind == "output" or node.layer == last)

    @property
    def rms(self) -> float:
        """Over the outputs of all layers and all passes, V; as of `sim.attribute`."""
        return float(np.sqrt(np.mean([node.rms**2 for node in self.outputs])))

    @property
    def shown(self) -> tuple[Node, ...]:
        """The first `MOST` nodes."""
        return self.nodes[:MOST]

    @property
    def worst(self) -> Node:
        """The node with the largest rms."""
        return max(self.nodes, key=lambda node: node.rms)


def compared(run: Run) -> bool:
    """Whether a run's circuit was compared with the mathematics."""
    return "ngspice" in run.results


def deviations_of(run: Run) -> Deviations:
    """Read the deviations of a run that was `compared`."""
    found = run.deviation.transpose("pass", "node")
    values, ok = found.to_numpy(), run.results["doubt"].to_numpy() == 0
    nodes = tuple(
        Node(
            str(name),
            int(layer),
            str(kind),
            *_rms_and_largest(values[:, k]),
            float(values[:, k].mean()),
            *_rms_and_largest(values[ok, k]),
        )
        for k, (name, layer, kind) in enumerate(
            zip(
                *(found[what].to_numpy().tolist() for what in ("node", "layer", "kind")),
                strict=True,
            )
        )
    )
    return Deviations(nodes, len(values), int(np.count_nonzero(~ok)), run.results.attrs["twin"])


def _rms_and_largest(values: Array) -> tuple[float, float]:
    if not len(values):
        return float("nan"), float("nan")
    return float(np.sqrt(np.mean(values**2))), float(np.abs(values).max())

"""The network as a graph of cells: inputs, perceptrons, and a synapse on every edge."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import networkx as nx

Cell: TypeAlias = tuple[int, int]
"""(layer, index), both from 0; layer 0 holds the inputs, index −1 the constant for biases."""

BIAS = -1
_MOST_LAYERS, _MOST_WEIGHTS = 100, 10_000_000  # far beyond what ngspice takes in one deck


@dataclass(frozen=True)
class Network:
    """A fully connected feed-forward network.

    Attributes:
        layers: units per layer, inputs first; at least one layer of neurons.
        biases: whether every neuron has one more synapse, from the constant input.
    """

    layers: tuple[int, ...]
    biases: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no network.

        Raises:
            ValueError: fewer than two layers, an empty one, or more than fit any memory.
        """
        if len(self.layers) < 2:
            raise ValueError(
                f"layers: wanted inputs and at least one layer of neurons, as in 2,2,2,1, "
                f"got {format_layers(self.layers) or 'nothing'}"
            )
        if min(self.layers) < 1:
            raise ValueError(
                f"layers: every layer needs at least one unit, got {format_layers(self.layers)}"
            )

        weights = sum(a * b for a, b in pairwise(self.layers))
        if weights > _MOST_WEIGHTS or len(self.layers) > _MOST_LAYERS:
            raise ValueError(
                f"layers: wanted at most {_MOST_LAYERS} layers and {_MOST_WEIGHTS:,} weights, "
                f"got {len(self.layers)} and {weights:,}"
            )

    @property
    def neurons(self) -> int:
        """Number of neurons, inputs not counted."""
        return sum(self.layers[1:])

    def synapse_shape(self, layer: int) -> tuple[int, int]:
        """Shape (neurons, inputs) of a layer's synapses, the bias as the last column."""
        return self.layers[layer], self.layers[layer - 1] + int(self.biases)

    def graph(self) -> nx.DiGraph:
        """Cells as nodes (`kind`: input, constant, hidden, output), synapses as edges.

        Edges carry `column`, the synapse's column in its layer's weight matrix.
        """
        graph = nx.DiGraph()
        graph.add_nodes_from(((0, i) for i in range(self.layers[0])), kind="input")
        if self.biases:
            graph.add_node((0, BIAS), kind="constant")
        last = len(self.layers) - 1
        for layer, (sources, neurons) in enumerate(pairwise(self.layers), start=1):
            for j in range(neurons):
                graph.add_node((layer, j), kind="output" if layer == last else "hidden")
                for i in range(sources):
                    graph.add_edge((layer - 1, i), (layer, j), column=i)
                if self.biases:
                    graph.add_edge((0, BIAS), (layer, j), column=sources)
        return graph


def format_layers(layers: tuple[int, ...]) -> str:
    """Layer sizes as typed on the command line: `2,2,2,1`."""
    return ",".join(str(n) for n in layers)


def parse_layers(text: str) -> tuple[int, ...]:
    """Read layer sizes such as `2,2,2,1`.

    Raises:
        ValueError: not whole numbers parted by commas, or no network.
    """
    try:
        layers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            f"layers: wanted whole numbers parted by commas, as in 2,2,2,1, got {text!r}"
        ) from None
    return Network(layers).layers

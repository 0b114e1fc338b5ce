"""Neurons that do the same as one another, simulated once.

Where groups of inputs move together, and all noise does, neurons of a layer whose resistors add up
to the same by groups of the layer before carry the same voltages. One of each group stands for all:
its outputs feed the next layer through the resistors of the whole group in parallel, and a
load to ground makes up for what the output itself drives in the whole network. The sums are exact.
The load is as exact as the summing nodes are grounds, which a buffer hardly notices.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, ResistorPairs
from netlists.deck import Deck
from netlists.elements import Note, Resistor

Array = NDArray[np.float64]
Groups = list[NDArray[np.intp]]

_ALIKE = 1e-9  # of the largest conductance of a row; closer ones are the same


@dataclass(frozen=True)
class Lumped:
    """A network of one neuron a group.

    Attributes:
        network: its layers, one input a group.
        circuit: the parts, exceptions under the names that they have here.
        synapses: weight resistors of each layer, a group's in parallel.
        loads: to ground at the outputs of hidden neurons, S; below 0 where the lumped rows load an
            output more than the whole network's do.
        neurons: position in the whole network of each neuron that stands for its group, from 1,
            layer by layer; the inputs' first.
    """

    network: Network
    circuit: CircuitParameters
    synapses: tuple[ResistorPairs, ...]
    loads: tuple[Array, ...]
    neurons: tuple[tuple[int, ...], ...]

    def loaded(self, deck: Deck) -> Deck:
        """A deck of the network with the loads in it."""
        resistors = [
            Resistor(f"load{layer}_{j}", f"x{layer}_{j}", "0", 1.0 / load)
            for layer, loads in enumerate(self.loads, start=1)
            for j, load in enumerate(loads.tolist(), start=1)
            if load
        ]
        if not resistors:
            return deck
        note = Note("what outputs drive in the whole network, less what they drive here")
        return replace(deck, elements=(*deck.elements, note, *resistors))

    def whole_name(self, node: str) -> str:
        """What a measured node, such as `a1_2`, is called in the whole network."""
        layer, _, j = node[1:].partition("_")
        return f"{node[0]}{layer}_{self.neurons[int(layer)][int(j) - 1]}"


def lump(
    network: Network,
    circuit: CircuitParameters,
    synapses: Sequence[ResistorPairs],
    inputs: Sequence[NDArray[np.intp]],
    *,
    whole: bool = False,
) -> Lumped:
    """Group neurons that do the same.

    Args:
        network: layers and biases.
        circuit: parameters of every part; a neuron with exceptions is alone in its group.
        synapses: weight resistors of each layer.
        inputs: groups of inputs that move together, as positions from 0.
        whole: leave every neuron in a group of its own.

    Returns:
        The lumped network; of each group that neuron stands for it whose output drives most.
    """
    rows = [np.stack([1 / pairs.plus, 1 / pairs.minus], axis=1) for pairs in synapses]  # S
    differing: defaultdict[tuple[int, int], dict[str, object]] = defaultdict(dict)
    for name, exception in circuit.exceptions.items():
        layer, j, amplifier = name.removeprefix("n").split("_")
        differing[int(layer), int(j)][amplifier] = exception
    groups: list[Groups] = [list(inputs)]
    sums: list[Array] = []
    for layer, row in enumerate(rows, start=1):
        summed = _summed(row, groups[-1], biases=network.biases)
        apart = [j - 1 for there, j in differing if there == layer]
        apart = range(len(row)) if whole else apart
        groups.append(_grouped(summed, apart))
        sums.append(summed)
    loads = [row.sum(axis=(0, 1)) for row in rows[1:]]  # of each output of the layer before, S
    chosen = [[int(members[0]) for members in inputs]]
    for k, members in enumerate(groups[1:]):
        load = loads[k] if k < len(loads) else np.zeros(network.layers[-1])
        chosen.append([int(m[np.argmax(load[m])]) for m in members])
    lumped = [summed[kept] for summed, kept in zip(sums, chosen[1:], strict=True)]
    extra = tuple(
        _difference(load[kept], row.sum(axis=(0, 1))[: len(kept)])
        for load, kept, row in zip(loads, chosen[1:-1], lumped[1:], strict=True)
    )
    exceptions = {
        f"n{layer}_{place}_{amplifier}": exception
        for layer, kept in enumerate(chosen)
        for place, j in enumerate(kept, start=1)
        for amplifier, exception in differing.get((layer, j + 1), {}).items()
    }
    return Lumped(
        Network(tuple(len(kept) for kept in chosen), network.biases),
        circuit.model_copy(update={"exceptions": exceptions}),
        tuple(ResistorPairs(1 / row[:, 0], 1 / row[:, 1], 0) for row in lumped),
        extra,
        tuple(tuple(j + 1 for j in kept) for kept in chosen),
    )


def _summed(row: Array, groups: Groups, *, biases: bool) -> Array:
    """Conductances by group of sources, S: (neurons, 2, sources) to (neurons, 2, groups)."""
    parts = [row[:, :, members].sum(axis=2) for members in groups]
    return np.stack([*parts, row[:, :, -1]] if biases else parts, axis=2)


def _difference(wanted: Array, there: Array) -> Array:
    """What is missing, 0 where that is rounding."""
    return np.where(np.isclose(wanted, there, rtol=_ALIKE, atol=0.0), 0.0, wanted - there)


def _grouped(summed: Array, apart: Sequence[int]) -> Groups:
    """Neurons of equal conductances, in the order of their first ones."""
    scale = _ALIKE * summed.max()
    keys = np.rint(summed.reshape(len(summed), -1) / scale)
    found: defaultdict[tuple[float, ...], list[int]] = defaultdict(list)
    for j, key in enumerate(keys.tolist()):
        found[(*key, j if j in apart else -1)].append(j)
    return [np.array(members) for members in found.values()]

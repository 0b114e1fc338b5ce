"""Neurons of a layer apart from the network: each row of resistors as its equivalent.

The outputs of a buffered layer are stiff, so a neuron's row of resistors is, seen from its summing
node, exactly one source behind one resistor (Thévenin, Norton): the mean of the inputs weighted
with their conductances, behind the sum of these. Seen from an output, the resistors that hang on it
lead to virtual grounds: one resistor to ground loads it, and a source of current makes up for
summing nodes that are no grounds, with an amplifier at its rail. What is left of a layer are
neurons that share nothing but supplies.

Names are those of the whole deck: `a1_2` and `x1_2` of neuron 2 in layer 1, its summing nodes `sp2`
and `sn2`. `Vp2` and `Rp2` (`Vn2`, `Rn2`) are its rows of R+ (R−), `Rload2` and `Il2` its load.
"""

from collections.abc import Iterator, Mapping, Sequence

from circuits import CircuitParameters, Network, NoiseString
from netlists import cells
from netlists.build import CONSTANT, SolverSettings, rail_sources
from netlists.deck import Deck, OperatingPoints, Transient
from netlists.elements import CurrentSource, Element, External, Note, Pwl, Resistor, VoltageSource
from netlists.neuron import models, neuron, own_cells, shared_cells, supplies


def bank_deck(
    network: Network,
    circuit: CircuitParameters,
    layer: int,
    neurons: Sequence[int],
    *,
    strings: Sequence[NoiseString],
    values: Mapping[str, float],
    waves: Mapping[str, Pwl],
    driven: bool,
    solver: SolverSettings,
    analysis: Transient | None = None,
    traces: Sequence[str] = (),
) -> Deck:
    """A deck of some neurons of a layer.

    Args:
        network: that they are part of.
        circuit: parameters of every part.
        layer: from 1.
        neurons: of the layer, from 1.
        strings: noise string of every neuron of the network.
        values: Ω of `rp2`, `rn2` and `rload2`, A of `il2`, V of `vp2`, `vn2` and of the noise's
            controls.
        waves: of the controls, and of `p2` and `n2` where nobody drives; those left out have a
            value.
        driven: `vp2` and `vn2` are asked of whoever drives the simulator.
        solver: accuracy.
        analysis: what a bare run of the deck does; an operating point by default.
        traces: nodes to save besides the neurons' own.
    """
    last = len(network.layers) - 1
    hidden = layer < last
    first = sum(network.layers[1:layer])
    body: list[Element] = []
    probes: list[str] = []
    for j in neurons:
        body.append(Note(f"neuron {j}"))
        body += _rows(j, values, waves, driven=driven)
        body += neuron(circuit, layer, j, strings[first + j - 1], hidden=hidden)
        for name in cells.control_nodes(layer, j, circuit.noise):
            body.append(_source(name, name, values, waves))
        probes += [f"a{layer}_{j}"]
        if hidden:
            probes += [f"x{layer}_{j}"]
            body.append(Resistor(f"load{j}", f"x{layer}_{j}", "0", values[f"rload{j}"]))
            body.append(CurrentSource(f"l{j}", "0", f"x{layer}_{j}", values[f"il{j}"]))
    return Deck(
        title=(
            f"danp-cosim: {len(neurons)} neurons of layer {layer}, each with its row as one source",
        ),
        parameters=cells.cell_parameters(circuit),
        models=tuple(models(circuit, ((layer, j) for j in neurons))),
        subcircuits=(
            *shared_cells(circuit, hidden=hidden, output=not hidden, stiff=True),
            *own_cells(circuit, layer, neurons, hidden=hidden, stiff=True),
        ),
        elements=(*body, Note("supplies"), *supplies(circuit)),
        options=solver.options(circuit.temperature),
        probes=tuple(probes),
        currents=tuple(name for name in rail_sources(circuit) if name != CONSTANT),
        analysis=analysis or OperatingPoints((("p1", ()),)),
        traces=tuple(traces),
        foreign=cells.foreign_cells(circuit),
    )


def _rows(
    j: int, values: Mapping[str, float], waves: Mapping[str, Pwl], *, driven: bool
) -> Iterator[Element]:
    for name in (f"p{j}", f"n{j}"):
        node = f"e{name}"
        driver = VoltageSource(name, node, "0", None, External())
        yield driver if driven else _source(name, node, values, waves)
        yield Resistor(name, node, f"s{name}", values[f"r{name}"])


def _source(
    name: str, node: str, values: Mapping[str, float], waves: Mapping[str, Pwl]
) -> VoltageSource:
    if name in waves:
        return VoltageSource(name, node, "0", None, waves[name])
    return VoltageSource(name, node, "0", values[f"v{name}"])

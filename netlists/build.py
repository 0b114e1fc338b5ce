"""From a network, its resistors and a stimulus to a deck.

Names, which figures and schematics share: `x0_2` is input 2, `a1_2` and `x1_2` are
pre-activation and output of neuron 2 in layer 1, `s1_2` the state of its junction (`z1_2` the
voltage of its noise where there is no junction); `Rp2_1` in `layer1` is the resistor R+ from
input 1 to neuron 2, `Rn2_1` its partner R−.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseParameters, NoiseString, ResistorPairs
from circuits.exceptions import SUMMING, amplifier_names, require_there
from circuits.network import BIAS, Cell, format_layers
from netlists import cells
from netlists.deck import Deck, OperatingPoints, Transient
from netlists.elements import (
    Element,
    Instance,
    Note,
    Pwl,
    Resistor,
    StateTable,
    Subcircuit,
    Value,
    VoltageSource,
)
from netlists.neuron import models, neuron, own_cells, shared_cells, supplies
from netlists.spice import require_file_name
from netlists.stimulus import EDGE, MOST_STATES, Stimulus, source_waves

CONSTANT = "one"


@dataclass(frozen=True)
class SolverSettings:
    """Accuracy of the simulator.

    Attributes:
        reltol: relative tolerance of Newton's method and of the integration, 1.
        trtol: factor by which the integration may overestimate its error, 1.
    """

    reltol: float = 1e-5
    trtol: float = 1.0

    def options(self, temperature: float) -> tuple[tuple[str, str], ...]:
        """Simulator options.

        Gear integration damps the settled tail, where the trapezoidal rule rings at long steps.
        """
        return (
            ("method", "gear"),
            ("reltol", f"{self.reltol:g}"),
            ("trtol", f"{self.trtol:g}"),
            ("vntol", "1e-9"),
            ("temp", f"{temperature:g}"),
            ("noinit", ""),
        )


def input_names(network: Network) -> tuple[str, ...]:
    """Input nodes; their sources carry the same names."""
    return tuple(f"x0_{i}" for i in range(1, network.layers[0] + 1))


def control_names(network: Network, noise: NoiseParameters) -> tuple[str, ...]:
    """Control nodes of all noise, layer by layer; their sources carry the same names."""
    return tuple(
        name
        for layer in range(1, len(network.layers))
        for j in range(1, network.layers[layer] + 1)
        for name in cells.control_nodes(layer, j, noise)
    )


def rail_sources(circuit: CircuitParameters) -> dict[str, float]:
    """Names and voltages of the supplies, V."""
    strings = {"b": circuit.noise.v_bias, "ref": -circuit.noise.v_trim}
    return {
        "dd": circuit.v_dd,
        "ss": circuit.v_ss,
        **(strings if circuit.noise.source == "string" else {}),
        CONSTANT: circuit.v_one,
    }


def probe_names(network: Network) -> tuple[str, ...]:
    """Measured nodes: pre-activations of each layer, then its outputs; the last has only `a`."""
    names: list[str] = []
    last = len(network.layers) - 1
    for layer in range(1, last + 1):
        neurons = range(1, network.layers[layer] + 1)
        names += [f"a{layer}_{j}" for j in neurons]
        if layer < last:
            names += [f"x{layer}_{j}" for j in neurons]
    return tuple(names)


def noise_trace_names(network: Network, noise: NoiseParameters) -> tuple[str, ...]:
    """Voltage of every neuron's noise source; a string's is a node path inside the hierarchy."""
    if noise.source != "string":
        return control_names(network, noise)
    return tuple(
        f"xlayer{layer}.z{j}"
        for layer in range(1, len(network.layers))
        for j in range(1, network.layers[layer] + 1)
    )


def amplifier_paths(network: Network, circuit: CircuitParameters) -> tuple[str, ...]:
    """Flattened names of all op-amps, neuron by neuron, as the simulator has them."""
    return tuple(_amplifier_path(name) for name in amplifier_names(network, circuit.activation))


def _amplifier_path(name: str) -> str:
    """`n1_2_b` as the simulator has it: `xlayer1.xn2.xb`."""
    layer, neuron, amplifier = name.removeprefix("n").split("_")
    inner = amplifier if amplifier in SUMMING else f"act.x{amplifier}"
    return f"xlayer{layer}.xn{neuron}.x{inner}"


def resistor_names(layer: int, network: Network) -> Iterator[tuple[str, str]]:
    """Flattened names of R+ and R− of a layer, row by row, as the simulator alters them."""
    rows, columns = network.synapse_shape(layer)
    for j in range(1, rows + 1):
        for column in range(columns):
            label = _synapse_label(j, column, network.layers[layer - 1])
            yield f"r.xlayer{layer}.rp{label}", f"r.xlayer{layer}.rn{label}"


def build_deck(
    network: Network,
    circuit: CircuitParameters,
    synapses: Sequence[ResistorPairs],
    stretches: Sequence[tuple[str, Stimulus]],
    *,
    strings: Sequence[NoiseString] = (),
    solver: SolverSettings | None = None,
    max_step: float | None = None,
    state_file: str | None = None,
    traces: Sequence[str] = (),
    title: Sequence[str] = (),
    strobe: bool = True,
) -> Deck:
    """Build a deck that simulates the stretches of passes one after the other.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        synapses: weight resistors of each layer, arrays as `Network.synapse_shape`.
        stretches: (label, stimulus); sampled at the end of each. All of zero duration: operating
            points in place of a transient.
        strings: noise string of each neuron; all as `circuit` says by default.
        solver: accuracy.
        max_step: longest time step, s; a fiftieth of the whole by default.
        state_file: holds the text of `netlists.stimulus.state_table`, from which the junctions'
            states then come; a path as `netlists.spice.require_file_name` says. For transients of
            many flips: piecewise linear sources, the default, cost more at every time point the
            more flips there are. Needs ngspice's XSPICE code models.
        traces: further nodes to save.
        title: lines to open the deck with.
        strobe: put a time point on every sampling instant, for a deck that measures there; one
            that is sampled at its end does without the steps that this costs.

    Returns:
        The deck.

    Raises:
        ValueError: a state file where there are no junctions or no transient, or of a bad name.
        UserError: an exception for a part that is not there.
    """
    require_there(circuit.exceptions, network, circuit.activation, circuit.noise)
    solver = solver or SolverSettings()
    controls = control_names(network, circuit.noise)
    names = (*input_names(network), *controls)
    strings = strings or (circuit.noise_string(),) * network.neurons
    whole = sum(stimulus.duration for _, stimulus in stretches)
    first = stretches[0][1]
    levels = [*first.inputs.tolist(), *first.controls.tolist()]
    if whole > 0:
        waves = source_waves([stimulus for _, stimulus in stretches], names)
        sources: list[Element] = [
            VoltageSource(name, name, "0", level, waves[name])
            for name, level in zip(names, levels, strict=True)
            if state_file is None or name not in controls
        ]
        if state_file is not None:
            sources.append(_states(controls, state_file, circuit.noise))
        if strobe:
            sources += [Note("falls at each sampling instant"), _strobe(stretches)]
        analysis = _transient(stretches, whole, max_step or whole / 50)
    elif state_file is not None:
        raise ValueError("state_file: wanted a transient, got operating points")
    else:
        sources = [
            VoltageSource(name, name, "0", level) for name, level in zip(names, levels, strict=True)
        ]
        analysis = _operating_points(stretches, names)
    return Deck(
        title=(
            *(title or (f"danp-cosim: ANP network {format_layers(network.layers)}",)),
            "nodes: x0_i input i; a<layer>_j pre-activation and x<layer>_j output of neuron j;",
            _legend(circuit.noise),
        ),
        parameters=cells.cell_parameters(circuit),
        models=tuple(models(circuit, _neurons(network))),
        subcircuits=(
            *shared_cells(circuit, hidden=len(network.layers) > 2, output=True),
            *_own_cells(network, circuit),
            *_layers(network, circuit, synapses, strings),
        ),
        elements=(*_top(network, circuit), Note("inputs and noise"), *sources),
        options=solver.options(circuit.temperature),
        probes=probe_names(network),
        currents=tuple(rail_sources(circuit)),
        analysis=analysis,
        traces=tuple(traces),
        foreign=cells.foreign_cells(circuit),
    )


def _states(controls: tuple[str, ...], state_file: str, noise: NoiseParameters) -> StateTable:
    if noise.source != "string":
        raise ValueError(f"state_file: wanted strings of junctions, got source {noise.source}")
    if len(controls) > MOST_STATES:
        raise ValueError(f"state_file: wanted at most {MOST_STATES} junctions, got {len(controls)}")
    require_file_name(state_file)
    comment = "states of the junctions, switched at the times in the file"
    return StateTable("states", controls, state_file, EDGE, comment)


def _legend(noise: NoiseParameters) -> str:
    control = "s<layer>_j state of its junction"
    if noise.source != "string":
        control = "z<layer>_j its noise source"
    return f"{control}; Rp (R+) and Rn (R-) make a weight: R_F/Rp - R_F/Rn"


def _transient(
    stretches: Sequence[tuple[str, Stimulus]], whole: float, max_step: float
) -> Transient:
    samples = []
    instant = 0.0
    for label, stimulus in stretches:
        instant += stimulus.duration
        samples.append((label, instant))
    return Transient(whole, max_step, tuple(samples))


def _strobe(stretches: Sequence[tuple[str, Stimulus]]) -> VoltageSource:
    points = [(0.0, 0.0)]
    start = 0.0
    for _, stimulus in stretches:
        rise = start + 0.8 * stimulus.duration
        start += stimulus.duration
        points += [(rise, 0.0), (rise + EDGE, 1.0), (start, 1.0), (start + EDGE, 0.0)]
    return VoltageSource("strobe", "strobe", "0", 0.0, Pwl(tuple(points[:-1])))


def _operating_points(
    stretches: Sequence[tuple[str, Stimulus]], names: Sequence[str]
) -> OperatingPoints:
    return OperatingPoints(
        tuple(
            (
                label,
                tuple(zip(names, [*s.inputs.tolist(), *s.controls.tolist()], strict=True)),
            )
            for label, s in stretches
        )
    )


def _neurons(network: Network) -> Iterator[tuple[int, int]]:
    for layer, count in enumerate(network.layers[1:], start=1):
        yield from ((layer, j) for j in range(1, count + 1))


def _own_cells(network: Network, circuit: CircuitParameters) -> Iterator[Subcircuit]:
    last = len(network.layers) - 1
    for layer in range(1, last + 1):
        neurons = range(1, network.layers[layer] + 1)
        yield from own_cells(circuit, layer, neurons, hidden=layer < last)


def _synapse_label(neuron: int, column: int, sources: int) -> str:
    return f"{neuron}_{'b' if column == sources else column + 1}"


def _layers(
    network: Network,
    circuit: CircuitParameters,
    synapses: Sequence[ResistorPairs],
    strings: Sequence[NoiseString],
) -> Iterator[Subcircuit]:
    graph = network.graph()
    string = iter(strings)
    for layer, pairs in enumerate(synapses, start=1):
        neurons = [cell for cell in graph.nodes if cell[0] == layer]
        weights = circuit.synapse.weights(pairs)
        body: list[Element] = []
        for cell in neurons:
            hidden = graph.nodes[cell]["kind"] == "hidden"
            body.append(Note(f"neuron {cell[1] + 1}"))
            body += _rows(graph, cell, network, pairs, weights)
            body += neuron(circuit, layer, cell[1] + 1, next(string), hidden=hidden)
        yield Subcircuit(
            f"layer{layer}",
            _layer_ports(network, layer, circuit.noise),
            tuple(body),
            f"layer {layer}: {network.layers[layer - 1]} to {len(neurons)}",
        )


def _rows(
    graph: nx.DiGraph,
    cell: Cell,
    network: Network,
    pairs: ResistorPairs,
    weights: NDArray[np.float64],
) -> Iterator[Element]:
    """The resistors of a neuron; weights of its layer, for the comments."""
    layer, index = cell
    j = index + 1
    for source, _, edge in graph.in_edges(cell, data=True):
        column = edge["column"]
        node = CONSTANT if source == (0, BIAS) else f"x{source[0]}_{source[1] + 1}"
        label = _synapse_label(j, column, network.layers[layer - 1])
        plus: Value = float(pairs.plus[index, column])
        minus: Value = float(pairs.minus[index, column])
        yield Resistor(f"p{label}", node, f"sp{j}", plus, f"w = {weights[index, column]:+.6f}")
        yield Resistor(f"n{label}", node, f"sn{j}", minus)


def _layer_ports(network: Network, layer: int, noise: NoiseParameters) -> tuple[str, ...]:
    inputs = [f"x{layer - 1}_{i}" for i in range(1, network.layers[layer - 1] + 1)]
    constant = [CONSTANT] if network.biases else []
    neurons = range(1, network.layers[layer] + 1)
    controls = [name for j in neurons for name in cells.control_nodes(layer, j, noise)]
    outputs = [f"a{layer}_{j}" for j in neurons]
    if layer < len(network.layers) - 1:
        outputs += [f"x{layer}_{j}" for j in neurons]
    return (*inputs, *constant, *controls, *outputs, *cells.rails(noise))


def _top(network: Network, circuit: CircuitParameters) -> Iterator[Element]:
    yield Note("network")
    for layer in range(1, len(network.layers)):
        ports = _layer_ports(network, layer, circuit.noise)
        yield Instance(f"layer{layer}", ports, f"layer{layer}")
    yield Note("supplies")
    yield from supplies(circuit)
    yield VoltageSource("one", CONSTANT, "0", "V_ONE")


if __name__ == "__main__":
    import sys

    from netlists.export import main

    sys.exit(main())

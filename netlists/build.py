"""From a network, its resistors and a stimulus to a deck.

Names, which figures and schematics share: `x0_2` is input 2, `a1_2` and `x1_2` are
pre-activation and output of neuron 2 in layer 1, `s1_2` the state of its junction; `Rp2_1` in
`layer1` is the resistor R+ from input 1 to neuron 2, `Rn2_1` its partner R−.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx

from circuits import CircuitParameters, Network, ResistorPairs
from circuits.network import BIAS, Cell, format_layers
from netlists import cells
from netlists.deck import Deck, OperatingPoints, Transient
from netlists.elements import (
    Element,
    Instance,
    Note,
    Pwl,
    Resistor,
    Subcircuit,
    Value,
    VoltageSource,
)
from netlists.stimulus import EDGE, Stimulus, source_waves

CONSTANT = "one"
RAIL_SOURCES = ("dd", "ss", "b", "ref", "one")


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


def state_names(network: Network, n_mtj: int) -> tuple[str, ...]:
    """State nodes of all junctions, layer by layer; their sources carry the same names."""
    return tuple(
        name
        for layer in range(1, len(network.layers))
        for j in range(1, network.layers[layer] + 1)
        for name in cells.state_nodes(layer, j, n_mtj)
    )


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


def noise_trace_names(network: Network) -> tuple[str, ...]:
    """Divider voltage of every neuron's noise string, as a node path inside the hierarchy."""
    return tuple(
        f"xlayer{layer}.xn{j}.m"
        for layer in range(1, len(network.layers))
        for j in range(1, network.layers[layer] + 1)
    )


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
    solver: SolverSettings | None = None,
    max_step: float | None = None,
    traces: Sequence[str] = (),
    title: Sequence[str] = (),
) -> Deck:
    """Build a deck that simulates the stretches of passes one after the other.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        synapses: weight resistors of each layer, arrays as `Network.synapse_shape`.
        stretches: (label, stimulus); sampled at the end of each. All of zero duration: operating
            points in place of a transient.
        solver: accuracy.
        max_step: longest time step, s; a fiftieth of the whole by default.
        traces: further nodes to save.
        title: lines to open the deck with.

    Returns:
        The deck.
    """
    solver = solver or SolverSettings()
    names = (*input_names(network), *state_names(network, circuit.noise.n_mtj))
    whole = sum(stimulus.duration for _, stimulus in stretches)
    first = stretches[0][1]
    levels = [*first.inputs.tolist(), *first.states.ravel().tolist()]
    if whole > 0:
        waves = source_waves([stimulus for _, stimulus in stretches], names)
        sources: list[Element] = [
            VoltageSource(name, name, "0", level, waves[name])
            for name, level in zip(names, levels, strict=True)
        ]
        sources += [Note("falls at each sampling instant"), _strobe(stretches)]
        analysis = _transient(stretches, whole, max_step or whole / 50)
    else:
        sources = [
            VoltageSource(name, name, "0", level) for name, level in zip(names, levels, strict=True)
        ]
        analysis = _operating_points(stretches, names)
    return Deck(
        title=(
            *(title or (f"danp-cosim: ANP network {format_layers(network.layers)}",)),
            "nodes: x0_i input i; a<layer>_j pre-activation and x<layer>_j output of neuron j;",
            "s<layer>_j state of its junction; Rp (R+) and Rn (R-) make a weight: R_F/Rp - R_F/Rn",
        ),
        parameters=cells.cell_parameters(circuit),
        models=_models(circuit),
        subcircuits=(*_shared_cells(network, circuit), *_layers(network, circuit, synapses)),
        elements=(*_top(network, circuit), Note("inputs and junction states"), *sources),
        options=solver.options(circuit.temperature),
        probes=probe_names(network),
        currents=RAIL_SOURCES,
        analysis=analysis,
        traces=tuple(traces),
    )


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
        rise = start + 0.9 * stimulus.duration
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
                tuple(zip(names, [*s.inputs.tolist(), *s.states.ravel().tolist()], strict=True)),
            )
            for label, s in stretches
        )
    )


def _models(circuit: CircuitParameters) -> tuple:
    model = cells.diode_model(circuit.activation.rectifier)
    return (model,) if model else ()


def _shared_cells(network: Network, circuit: CircuitParameters) -> Iterator[Subcircuit]:
    n_mtj = circuit.noise.n_mtj
    yield cells.smtj_cell()
    yield cells.string_cell(n_mtj)
    yield cells.opamp_cell(circuit.opamp)
    if len(network.layers) > 2:
        yield cells.activation_cell(circuit)
        yield cells.perceptron_cell(n_mtj, hidden=True)
    yield cells.perceptron_cell(n_mtj, hidden=False)


def _synapse_label(neuron: int, column: int, sources: int) -> str:
    return f"{neuron}_{'b' if column == sources else column + 1}"


def _layers(
    network: Network, circuit: CircuitParameters, synapses: Sequence[ResistorPairs]
) -> Iterator[Subcircuit]:
    graph = network.graph()
    for layer, pairs in enumerate(synapses, start=1):
        neurons = [cell for cell in graph.nodes if cell[0] == layer]
        body: list[Element] = []
        for cell in neurons:
            body += _neuron(graph, cell, network, circuit, pairs)
        yield Subcircuit(
            f"layer{layer}",
            _layer_ports(network, layer, circuit.noise.n_mtj),
            tuple(body),
            f"layer {layer}: {network.layers[layer - 1]} to {len(neurons)}",
        )


def _neuron(
    graph: nx.DiGraph,
    cell: Cell,
    network: Network,
    circuit: CircuitParameters,
    pairs: ResistorPairs,
) -> Iterator[Element]:
    layer, index = cell
    j = index + 1
    weights = circuit.synapse.weights(pairs)
    yield Note(f"neuron {j}")
    for source, _, edge in graph.in_edges(cell, data=True):
        column = edge["column"]
        node = CONSTANT if source == (0, BIAS) else f"x{source[0]}_{source[1] + 1}"
        label = _synapse_label(j, column, network.layers[layer - 1])
        plus: Value = float(pairs.plus[index, column])
        minus: Value = float(pairs.minus[index, column])
        yield Resistor(f"p{label}", node, f"sp{j}", plus, f"w = {weights[index, column]:+.6f}")
        yield Resistor(f"n{label}", node, f"sn{j}", minus)
    hidden = graph.nodes[cell]["kind"] == "hidden"
    states = cells.state_nodes(layer, j, circuit.noise.n_mtj)
    outputs = (f"a{layer}_{j}", f"x{layer}_{j}") if hidden else (f"a{layer}_{j}",)
    yield Instance(
        f"n{j}",
        (f"sp{j}", f"sn{j}", *states, *outputs, *cells.RAILS),
        "hidden_perceptron" if hidden else "output_perceptron",
    )


def _layer_ports(network: Network, layer: int, n_mtj: int) -> tuple[str, ...]:
    inputs = [f"x{layer - 1}_{i}" for i in range(1, network.layers[layer - 1] + 1)]
    constant = [CONSTANT] if network.biases else []
    neurons = range(1, network.layers[layer] + 1)
    states = [name for j in neurons for name in cells.state_nodes(layer, j, n_mtj)]
    outputs = [f"a{layer}_{j}" for j in neurons]
    if layer < len(network.layers) - 1:
        outputs += [f"x{layer}_{j}" for j in neurons]
    return (*inputs, *constant, *states, *outputs, *cells.RAILS)


def _top(network: Network, circuit: CircuitParameters) -> Iterator[Element]:
    yield Note("network")
    for layer in range(1, len(network.layers)):
        ports = _layer_ports(network, layer, circuit.noise.n_mtj)
        yield Instance(f"layer{layer}", ports, f"layer{layer}")
    yield Note("supplies")
    yield VoltageSource("dd", "vdd", "0", "V_DD")
    yield VoltageSource("ss", "vss", "0", "V_SS")
    yield VoltageSource("b", "vb", "0", "V_B")
    yield VoltageSource("ref", "vref", "0", "V_REF")
    yield VoltageSource("one", CONSTANT, "0", "V_ONE")


if __name__ == "__main__":
    import sys

    from netlists.export import main

    sys.exit(main())

"""Neurons in place, with the cells that they are made of."""

from collections.abc import Iterable, Iterator

from circuits import CircuitParameters, NoiseString
from netlists import cells
from netlists.elements import Element, Model, Subcircuit, VoltageSource


def shared_cells(
    circuit: CircuitParameters, *, hidden: bool, output: bool, stiff: bool = False
) -> Iterator[Subcircuit]:
    """The cells of all neurons but those with parts of their own.

    Args:
        circuit: parameters of every part.
        hidden: there are hidden neurons.
        output: there are output neurons.
        stiff: as of `cells.opamp_cell`.
    """
    noise, unequal = circuit.noise, circuit.smtj.spread
    if noise.source == "string":
        yield cells.smtj_cell(unequal=unequal)
        yield cells.noise_string_cell(noise, unequal=unequal)
    yield cells.opamp_cell(circuit.opamp, stiff=stiff)
    if hidden:
        yield cells.activation_cell(circuit)
        yield cells.perceptron_cell(noise, hidden=True, unequal=unequal)
    if output:
        yield cells.perceptron_cell(noise, hidden=False, unequal=unequal)


def own_cells(
    circuit: CircuitParameters,
    layer: int,
    neurons: Iterable[int],
    *,
    hidden: bool,
    stiff: bool = False,
) -> Iterator[Subcircuit]:
    """Cells of a layer's neurons with parts that differ from the rest; neurons count from 1."""
    for j in neurons:
        own = cells.own_cells_of(circuit, layer, j)
        if not own.differing:
            continue
        yield from cells.own_opamp_cells(circuit, own, stiff=stiff)
        if own.activation() != cells.SHARED.activation():
            yield cells.activation_cell(circuit, own)
        noise, unequal = circuit.noise, circuit.smtj.spread
        if own.noise_string() != cells.SHARED.noise_string():
            yield cells.noise_string_cell(noise, unequal=unequal, own=own)
        if own.perceptron(hidden=hidden) != cells.SHARED.perceptron(hidden=hidden):
            yield cells.perceptron_cell(noise, hidden=hidden, unequal=unequal, own=own)


def models(circuit: CircuitParameters, neurons: Iterable[tuple[int, int]]) -> Iterator[Model]:
    """Device models of neurons, each as its layer and its number there; both count from 1."""
    shared = cells.diode_model(circuit.activation.rectifier)
    if shared:
        yield shared
    for layer, j in neurons:
        yield from cells.own_diode_models(circuit, cells.own_cells_of(circuit, layer, j))


def neuron(
    circuit: CircuitParameters, layer: int, j: int, string: NoiseString, *, hidden: bool
) -> Iterator[Element]:
    """Neuron j of a layer with its noise string, between `sp`, `sn` and its outputs."""
    outputs = (f"a{layer}_{j}", f"x{layer}_{j}") if hidden else (f"a{layer}_{j}",)
    own = cells.own_cells_of(circuit, layer, j)
    controls = cells.control_nodes(layer, j, circuit.noise)
    z = controls[0]
    if circuit.noise.source == "string":
        z = f"z{j}"
        yield cells.noise_string(z, z, controls, string, unequal=circuit.smtj.spread, own=own)
    nodes = (f"sp{j}", f"sn{j}", z, *outputs)
    yield cells.perceptron(f"n{j}", nodes, circuit, string, hidden=hidden, own=own)


def supplies(circuit: CircuitParameters) -> Iterator[Element]:
    """The sources of all rails of neurons."""
    yield VoltageSource("dd", "vdd", "0", "V_DD")
    yield VoltageSource("ss", "vss", "0", "V_SS")
    if circuit.noise.source == "string":
        yield VoltageSource("b", "vb", "0", "V_B")
        yield VoltageSource("ref", "vref", "0", "V_REF")

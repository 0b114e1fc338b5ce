"""The reduced circuit gives what the whole deck gives; the oracle is the deck of every resistor."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings
from sim.bare import run_bare
from sim.clock import Clock, Fidelity
from sim.conformance.cases import NETWORKS, NetworkCase
from sim.engine import Engine, Readout
from sim.engines import NgspiceEngine, ReducedEngine
from sim.engines.rows import reduce_rows
from sim.engines.waveform import WaveDriver, on_grid, time_grid
from sim.errors import SimulationError
from sim.guards import Doubt
from sim.libngspice import get_library
from sim.passes import NO_JUMPS, Jumps, Passes
from sim.schedule import open_schedule

Array = NDArray[np.float64]
TIGHT = SolverSettings(reltol=1e-8)
RECENT = 0.5e-6
"""s; a jump as long ago has let go of the summing nodes that it moved."""

FEW = 6
"""Passes of a case that are held against the whole deck; each is a comparison of its own."""


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


def neglected(case: NetworkCase) -> float:
    """What a buffer with no loop gain left at all would add, V.

    A jump of the noise moves its summing node, and the buffers that hang on it give way by the
    current into their output resistance; the reduction holds them still.
    """
    if case.circuit.opamp.level != "macro" or case.circuit.noise.source != "string":
        return 0.0
    pairs = [case.circuit.synapse.program(w) for w in case.weights()]
    row = max(float((1 / pair.plus + 1 / pair.minus).sum(axis=1).max()) for pair in pairs)
    swing = max(float(np.ptp(string.node_levels)) for string in case.strings())
    return swing * case.circuit.opamp.r_out * row


def both(
    network: Network,
    circuit: CircuitParameters,
    clock: Clock,
    *,
    strings: tuple = (),
    solver: SolverSettings | None = None,
) -> tuple[Engine, Engine]:
    return (
        NgspiceEngine(network, circuit, clock, strings=strings, solver=solver),
        ReducedEngine(network, circuit, clock, strings=strings, solver=solver),
    )


@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.name)
def test_voltages_equal_those_of_the_whole_deck(case: NetworkCase) -> None:
    whole, reduced = both(
        case.network, case.circuit, case.clock, strings=case.strings(), solver=TIGHT
    )
    passes, readouts = case.passes()[:FEW], []
    for engine in (whole, reduced):
        engine.write(case.weights())
        readouts.append(engine.run(passes))
    there, here = readouts
    apart = np.abs(every_node(here) - every_node(there)).max(axis=1)
    young = np.array([passes.youngest(p) < RECENT for p in range(len(passes))])
    assert apart[~young].max() < tolerances.REDUCTION
    assert not young.any() or apart[young].max() < tolerances.REDUCTION + neglected(case)
    np.testing.assert_allclose(here.energy, there.energy, rtol=tolerances.REDUCED_ENERGY)
    rails = Doubt.RAIL.value
    np.testing.assert_array_equal(here.doubts & rails, there.doubts & rails)
    assert len(here.energy) == len(passes) == reduced.tally.passes


@pytest.mark.parametrize(
    ("layers", "biases", "fidelity"),
    [((9, 7, 6, 5, 3), True, "aperture"), ((3, 17, 2), False, "aperture"), ((30, 9), True, "op")],
)
def test_layers_wider_than_a_deck_agree_too(
    layers: tuple[int, ...], biases: bool, fidelity: Fidelity
) -> None:
    network, rng = Network(layers, biases=biases), np.random.default_rng(3)
    circuit = CircuitParameters.model_validate(
        {"smtj": {"barrier_p": 0.25, "barrier_ap": 0.255, "spread_resistance": 0.1}}
    )
    strings = circuit.noise_strings(network.neurons, rng)
    clock = Clock(35e-6, 10e-6, fidelity)
    passes = open_schedule(network, circuit, clock, rng, strings=strings).draw(
        rng.uniform(-1, 1, (1, layers[0]))  # a pair of passes holds flips of every neuron
    )
    weights = [
        rng.normal(0, 1 / np.sqrt(count), network.synapse_shape(layer))
        for layer, count in enumerate(layers[:-1], start=1)
    ]
    nodes = []
    for engine in both(network, circuit, clock, strings=strings, solver=TIGHT):
        engine.write(weights)
        nodes.append(every_node(engine.run(passes)))
    young = np.array([passes.youngest(p) < RECENT for p in range(len(passes))])
    apart = np.abs(nodes[0] - nodes[1]).max(axis=1)
    assert apart[~young].max(initial=0.0) < tolerances.REDUCTION
    assert apart.max() < tolerances.REDUCED_WHILE_MOVING
    assert passes.count_jumps() > 10 or fidelity == "op"


def test_a_load_too_heavy_for_an_output_shows_alike() -> None:
    """What an amplifier drives stays on it: a weak one droops in both, by what Ohm's law says."""
    network = Network((1, 1, 40))
    circuit = CircuitParameters.model_validate({"opamp": {"r_out": 5e3, "open_loop_gain": 80}})
    clock = Clock(1e-3, 10e-6, "op")
    passes = Passes(np.array([[0.5]]), np.zeros((1, 41)), ((NO_JUMPS,) * 41,), np.zeros((1, 41)))
    outputs, energies = [], []
    for engine in both(network, circuit, clock, solver=TIGHT):
        engine.write([np.array([[1.0]]), np.full((40, 1), 2.0)])
        readout = engine.run(passes)
        outputs.append(every_node(readout))
        energies.append(readout.energy)
    np.testing.assert_allclose(*outputs, rtol=0, atol=tolerances.REDUCTION)
    np.testing.assert_allclose(*energies, rtol=tolerances.FIVE_DIGITS)
    light = ReducedEngine(Network((1, 1, 1)), circuit, clock, solver=TIGHT)
    light.write([np.array([[1.0]]), np.array([[2.0]])])
    alone = light.run(replace(passes, controls=np.zeros((1, 2)), jumps=((NO_JUMPS,) * 2,)))
    assert alone.outputs[0][0, 0] - outputs[1][0, 41] > 5e-5


@pytest.mark.parametrize(("first", "second", "r_out"), [(8, 4, 125), (3, 8, 125), (8, 10, 5e3)])
def test_summing_nodes_that_are_no_grounds_show_alike(
    first: float, second: float, r_out: float
) -> None:
    """Weights that ask for several times the rails: grounded loads would be off by 20 to 200 mV."""
    network = Network((2, 6, 12), biases=True)
    circuit = CircuitParameters.model_validate({"opamp": {"r_out": r_out}})
    clock, rng = Clock(1e-3, 10e-6, "op"), np.random.default_rng(1)
    passes = open_schedule(network, circuit, clock, rng).draw(rng.uniform(-1, 1, (3, 2)))
    weights = [
        rng.normal(0, scale / np.sqrt(network.layers[k]), network.synapse_shape(k + 1))
        for k, scale in enumerate((first, second))
    ]
    readouts = []
    for engine in both(network, circuit, clock, solver=TIGHT):
        engine.write(weights)
        readouts.append(engine.run(passes))
    there, here = readouts
    assert (there.doubts & Doubt.RAIL).all()
    np.testing.assert_array_equal(here.doubts, there.doubts)
    np.testing.assert_allclose(
        every_node(here), every_node(there), rtol=0, atol=tolerances.REDUCTION
    )
    np.testing.assert_allclose(here.energy, there.energy, rtol=tolerances.FIVE_DIGITS)


def test_what_is_kept_of_a_failure_runs_the_transient_that_failed(tmp_path: Path) -> None:
    case = NETWORKS[2]
    passes = case.passes()
    p = next(p for p in range(len(passes)) if passes.oldest(p) > 1e-6)
    engine = ReducedEngine(case.network, case.circuit, case.clock, keep=tmp_path)
    engine.write(case.weights())
    library = get_library()
    command = library.command

    def breaks(text: str) -> None:
        command(text)
        if text.startswith("tran"):
            raise SimulationError("ngspice, tran: broken by the test")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "command", breaks)
        with pytest.raises(SimulationError, match="broken"):
            engine.run(passes[p : p + 1])
    deck = (tmp_path / "failed.cir").read_text()
    assert "tran " in deck.partition(".control")[2]
    assert "external" not in deck
    printed = run_bare(deck)
    readout = engine.run(passes[p : p + 1])
    for layer, (pre, out) in enumerate(zip(readout.pre, readout.outputs, strict=True), start=1):
        for prefix, volts in (("a", pre), ("x", out)):
            for j, value in enumerate(volts[0], start=1):
                name = f"{prefix}{layer}_{j}_p1"
                if name in printed:
                    assert printed[name] == pytest.approx(value, abs=1e-5)
    assert printed
    assert engine.tally.failed == 1


def test_waves_longer_than_a_command_come_with_a_deck_of_their_own() -> None:
    """One junction that flips some hundred times in a pass that is shown whole."""
    network = Network((1, 1))
    circuit = CircuitParameters.model_validate({"smtj": {"barrier_p": 0.2, "barrier_ap": 0.205}})
    clock, rng = Clock(200e-6, 10e-6, "full"), np.random.default_rng(2)
    passes = open_schedule(network, circuit, clock, rng).draw(np.array([[0.5], [-0.5]]))
    assert passes.count_jumps() > 100
    nodes = []
    for engine in both(network, circuit, clock):
        engine.write([np.array([[0.7]])])
        nodes.append(every_node(engine.run(passes)))
    young = np.array([passes.youngest(p) < RECENT for p in range(len(passes))])
    apart = np.abs(nodes[0] - nodes[1]).max(axis=1)
    assert apart[~young].max(initial=0.0) < 1e-5
    assert apart.max() < 1e-3


def test_a_pass_depends_on_weights_and_passes_alone() -> None:
    case = NETWORKS[0]
    passes = case.passes()
    engine = ReducedEngine(case.network, case.circuit, case.clock, strings=case.strings())
    engine.write(case.weights())
    first = every_node(engine.run(passes[2:6]))
    engine.write([2 * w for w in case.weights()])
    engine.run(passes[0:3])
    other = NgspiceEngine(case.network, case.circuit, case.clock, strings=case.strings())
    other.run(passes[0:1])  # takes the process's ngspice away
    engine.write(case.weights())
    np.testing.assert_array_equal(every_node(engine.run(passes[2:6])), first)
    fresh = ReducedEngine(case.network, case.circuit, case.clock, strings=case.strings())
    fresh.write(case.weights())
    pieces = [every_node(fresh.run(passes[k : k + 1])) for k in range(2, 6)]
    np.testing.assert_array_equal(np.vstack(pieces), first)


def test_rows_are_their_norton_equivalents() -> None:
    """Against Kirchhoff's law written out: the current into a grounded summing node."""
    network = Network((3, 2, 2), biases=True)
    rng = np.random.default_rng(0)
    synapse = CircuitParameters().synapse
    pairs = [synapse.program(rng.normal(size=network.synapse_shape(k))) for k in (1, 2)]
    inputs = np.array([0.3, -1.2, 0.7, 1.0])
    rows = reduce_rows(network, pairs, synapse.r_feedback)
    for j in range(2):
        source = rows[0].sources(inputs[:, None])["p"][j, 0]
        current = sum(inputs[i] / pairs[0].plus[j, i] for i in range(4))
        assert source / rows[0].resistors[j][f"rp{j + 1}"] == pytest.approx(current, rel=1e-12)
        load = sum(1 / pairs[1].plus[k, j] + 1 / pairs[1].minus[k, j] for k in range(2))
        assert rows[0].resistors[j][f"rload{j + 1}"] == pytest.approx(1 / load, rel=1e-12)
        assert f"rload{j + 1}" not in rows[1].resistors[j]
    biases = 1 / pairs[0].plus[:, -1] + 1 / pairs[0].minus[:, -1]
    assert rows[0].constant.sum() == pytest.approx(biases.sum(), rel=1e-12)
    back = rows[1].returned(np.array([[0.1, 0.0], [0.0, -0.2]]))
    current = 0.1 / pairs[1].plus[0, 1] - 0.2 / pairs[1].minus[1, 1]
    assert back[1] == pytest.approx(current, rel=1e-12)


def test_handed_on_waveforms_are_those_of_a_flips_response() -> None:
    """Two poles of 0.13 µs answer a step of 6 mV; solved elsewhere, handed on through the grid."""
    tau, step, at = 0.13e-6, 6e-3, 3e-6

    def response(time: Array) -> Array:
        t = np.maximum(time - at, 0) / tau
        return step * (1 - (1 + t) * np.exp(-t))

    time = np.concatenate([[0, at], at + np.geomspace(1e-9, 3e-6, 90)])
    grid = time_grid(6e-6)
    driver = WaveDriver(grid, ["vp1"], on_grid(time, response(time)[None], grid))

    def neuron(drive):  # noqa: ANN001, ANN202  # a function of time
        lag = solve_ivp(
            lambda t, y: (drive(t) - y) / tau, (0, 6e-6), [0.0], rtol=1e-9, atol=1e-13,
            max_step=2e-8,
        )  # fmt: skip
        return lag.y[0, -1]

    exact = neuron(lambda t: float(response(np.array([t]))[0]))
    assert neuron(lambda t: driver.voltage("vp1", t)) == pytest.approx(
        exact, abs=tolerances.HANDED_ON
    )
    assert len(grid) < 600


def test_what_is_forgotten_is_left_out_and_what_is_not_is_simulated() -> None:
    """One flip in layer 1 of two neurons: young ones move the output, old ones are over."""
    network, circuit = Network((1, 2, 1)), CircuitParameters()
    clock = Clock(1e-3, 8e-6, "aperture", 4e-6)
    outputs = {}
    for age in (0.2e-6, 7e-6):
        flip = Jumps(np.array([age]), np.array([1.0]))
        passes = Passes(
            np.array([[0.4]]), np.zeros((1, 3)), ((flip, NO_JUMPS, NO_JUMPS),), np.zeros((1, 3))
        )
        engines = both(network, circuit, clock, solver=TIGHT)
        for engine in engines:
            engine.write([np.array([[0.8], [-0.5]]), np.array([[1.0, -1.0]])])
            readout = engine.run(passes)
            outputs[age, type(engine)] = every_node(readout)
            assert bool(readout.doubts[0] & Doubt.MOVING) == (age < 1e-6)
        still = engines[1].run(passes.still())
        moved = np.abs(every_node(still) - outputs[age, ReducedEngine]).max()
        assert moved > 1e-4 if age < 1e-6 else moved < tolerances.FORGOTTEN
    for age in (0.2e-6, 7e-6):
        np.testing.assert_allclose(
            outputs[age, ReducedEngine],
            outputs[age, NgspiceEngine],
            rtol=0,
            atol=tolerances.REDUCTION,
        )

"""An engine holds weights and nothing else that a result could depend on."""

import numpy as np
import pytest
import tolerances
from conftest import Weights
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.activation import Kind
from circuits.opamp import Level
from netlists.build import SolverSettings
from sim.clock import Clock, Fidelity
from sim.engine import Readout
from sim.engines import NgspiceEngine
from sim.passes import Passes
from sim.schedule import open_schedule

Array = NDArray[np.float64]
SOLVER = SolverSettings(reltol=1e-5, trtol=7)
T_PASS = 30e-6
FAST = {"barrier_p": 0.25, "barrier_ap": 0.255}  # 16 and 19 µs


def make(
    layers: tuple[int, ...], fidelity: Fidelity = "aperture", **settings: object
) -> tuple[NgspiceEngine, Passes]:
    network = Network(layers, biases=True)
    circuit = CircuitParameters.model_validate({"smtj": FAST, **settings})
    clock = Clock(T_PASS, 10e-6, fidelity)
    rng = np.random.default_rng(9)
    inputs = rng.uniform(-1, 1, (4, layers[0]))
    passes = open_schedule(network, circuit, clock, rng).draw(inputs)
    return NgspiceEngine(network, circuit, clock, solver=SOLVER), passes


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


@pytest.mark.parametrize("fidelity", ["op", "aperture", "full"])
def test_weights_altered_in_place_equal_a_deck_built_with_them(
    fidelity: Fidelity, weights: Weights
) -> None:
    layers = (2, 3, 2)
    network = Network(layers, biases=True)
    engine, passes = make(layers, fidelity)
    few = passes[0:4]
    before = []
    for seed in (1, 2, 3):
        engine.write(weights(network, seed))
        before.append(every_node(engine.run(few)))
    fresh, _ = make(layers, fidelity)
    fresh.write(weights(network, 3))
    after = every_node(fresh.run(few))
    np.testing.assert_allclose(before[2], after, rtol=0, atol=tolerances.SAME_DECK)
    assert np.abs(before[1] - after).max() > 0.1


@pytest.mark.parametrize("fidelity", ["op", "aperture"])
def test_engines_that_take_turns_in_one_process_do_not_notice(
    fidelity: Fidelity, weights: Weights
) -> None:
    shapes = ((2, 3, 2), (3, 2, 1))
    alone = []
    for layers in shapes:
        engine, passes = make(layers, fidelity)
        engine.write(weights(Network(layers, biases=True), 1))
        alone.append(every_node(engine.run(passes)))
    pair = [make(layers, fidelity) for layers in shapes]
    for (engine, _), layers in zip(pair, shapes, strict=True):
        engine.write(weights(Network(layers, biases=True), 1))
    turns: list[list[Array]] = [[], []]
    for start in range(0, 8, 2):
        for k, (engine, passes) in enumerate(pair):
            turns[k].append(every_node(engine.run(passes[start : start + 2])))
    for k in (0, 1):
        np.testing.assert_allclose(np.vstack(turns[k]), alone[k], rtol=0, atol=tolerances.SAME_DECK)


@pytest.mark.parametrize("fidelity", ["op", "aperture", "full"])
def test_results_do_not_depend_on_the_batch(fidelity: Fidelity, weights: Weights) -> None:
    network = Network((2, 3, 2), biases=True)
    engine, passes = make(network.layers, fidelity)
    engine.write(weights(network, 1))
    whole = engine.run(passes)
    again, _ = make(network.layers, fidelity)
    again.write(weights(network, 1))
    pieces = [again.run(passes[a:b]) for a, b in ((0, 1), (1, 4), (4, 8))]
    np.testing.assert_allclose(
        np.vstack([every_node(r) for r in pieces]),
        every_node(whole),
        rtol=0,
        atol=tolerances.SAME_DECK,
    )
    np.testing.assert_allclose(
        np.concatenate([r.energy for r in pieces]), whole.energy, rtol=tolerances.FIVE_DIGITS
    )
    assert engine.tally.passes == again.tally.passes == 8


@pytest.mark.parametrize(("kind", "amplifiers"), [("diode-divider", 3), ("precision", 4)])
def test_energy_at_rest_is_quiescent_currents_and_dividers(kind: Kind, amplifiers: int) -> None:
    network = Network((2, 3, 2))
    circuit = CircuitParameters.model_validate(
        {"activation": {"kind": kind}, "opamp": {"i_quiescent": "0.2m"}, "v_dd": 3.0}
    )
    clock = Clock(1e-3, 10e-6, "op")
    engine = NgspiceEngine(network, circuit, clock, solver=SOLVER)
    engine.write([np.zeros((3, 2)), np.zeros((2, 3))])
    schedule = open_schedule(network, circuit, clock, np.random.default_rng(0))
    energy = engine.run(schedule.held(np.zeros((2, 2)))).energy
    string, noise = circuit.noise_string(), circuit.noise
    divider = noise.v_bias * (noise.v_bias - string.mean_voltage) / noise.r_series
    trim = noise.v_trim**2 / string.r_trim
    amps = 3 * amplifiers + 2 * 2
    power = amps * 0.2e-3 * 5.5 + network.neurons * (divider + trim)
    np.testing.assert_allclose(energy, power * 1e-3, rtol=tolerances.QUIESCENT_ENERGY)


@pytest.mark.parametrize("level", ["ideal", "single-pole"])
@pytest.mark.parametrize("fidelity", ["op", "aperture"])
def test_energy_is_unknown_without_supply_pins(level: Level, fidelity: Fidelity) -> None:
    engine, passes = make((2, 2, 1), fidelity, opamp={"level": level})
    assert np.isnan(engine.run(passes).energy).all()


def test_energy_grows_with_the_length_of_the_pass(weights: Weights) -> None:
    energies = []
    for t_pass in (1e-3, 3e-3):
        network = Network((2, 2, 1))
        clock = Clock(t_pass, 10e-6, "op")
        circuit = CircuitParameters()
        engine = NgspiceEngine(network, circuit, clock)
        engine.write(weights(network, 1))
        schedule = open_schedule(network, circuit, clock, np.random.default_rng(0))
        energies.append(engine.run(schedule.held(np.array([[0.5, 0.5]]))).energy[0])
    assert energies[1] == pytest.approx(3 * energies[0], rel=tolerances.ROUNDING)
    assert energies[0] > 8 * 230e-6 * 5.0 * 1e-3


def test_what_ngspice_says_is_not_hoarded(weights: Weights) -> None:
    network = Network((2, 1))
    circuit, clock = CircuitParameters(), Clock(1e-3, 10e-6, "op")
    engine = NgspiceEngine(network, circuit, clock)
    engine.write(weights(network, 1))
    schedule = open_schedule(network, circuit, clock, np.random.default_rng(0))
    engine.run(schedule.held(np.zeros((1500, 2))))
    assert len(engine._library.log) <= 2000

"""The circuit against mathematics: equal for ideal parts, as the parts predict for real ones."""

from itertools import pairwise

import numpy as np
import pytest
import tolerances
from conftest import Weights
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseParameters
from circuits.activation import Kind
from netlists.build import SolverSettings
from sim.clock import Clock, Fidelity
from sim.engine import Readout
from sim.engines import IdealEngine, NgspiceEngine
from sim.passes import NO_JUMPS, Passes, split_layers
from sim.schedule import open_schedule

Array = NDArray[np.float64]
LAYERS = (3, 4, 2)
SOLVER = SolverSettings(reltol=1e-5, trtol=7)


def ideal_parts(
    kind: Kind = "diode-divider", n_mtj: int = 1, v_one: float = 1.0
) -> dict[str, object]:
    return {
        "v_one": v_one,
        "opamp": {"level": "ideal"},
        "activation": {"kind": kind, "diode": "ideal", "r_positive": "1k", "r_negative": "90k"},
        "synapse": {"r_max": "inf"},
        "noise": {"n_mtj": n_mtj},
        # 0.25 eV: 16 µs in a state, so that an aperture of 20 µs holds flips.
        "smtj": {"barrier_p": 0.25, "barrier_ap": 0.245},
    }


def draw(network: Network, circuit: CircuitParameters, clock: Clock, samples: int) -> Passes:
    rng = np.random.default_rng(11)
    schedule = open_schedule(network, circuit, clock, rng)
    return schedule.draw(rng.uniform(-1, 1, (samples, network.layers[0])))


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


@pytest.mark.parametrize("fidelity", ["op", "aperture"])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize(
    ("kind", "n_mtj"),
    [("diode-divider", 1), ("diode-divider", 2), ("diode-divider", 3), ("precision", 1)],
)
def test_with_ideal_parts_every_node_is_the_twins(
    kind: Kind, n_mtj: int, biases: bool, fidelity: Fidelity, weights: Weights
) -> None:
    network = Network(LAYERS, biases)
    circuit = CircuitParameters.model_validate(ideal_parts(kind, n_mtj, v_one=0.8))
    clock = Clock(200e-6, 20e-6, fidelity)
    passes = draw(network, circuit, clock, 15)
    assert fidelity == "op" or passes.count_jumps() > 100
    w = weights(network, 3)
    engine, twin = (
        NgspiceEngine(network, circuit, clock, solver=SOLVER),
        IdealEngine(network, circuit),
    )
    assert engine.write(w) == twin.write(w) == 0
    got, wanted = engine.run(passes), twin.run(passes)
    np.testing.assert_allclose(
        every_node(got), every_node(wanted), rtol=0, atol=tolerances.IDEAL_PARTS
    )
    # Layers, neurons and signs all differ by far more than the tolerance.
    gaps = np.abs(np.diff(np.sort(np.abs(every_node(wanted)[0, :6]))))
    assert gaps.min() > 10 * tolerances.IDEAL_PARTS
    assert engine.tally.passes == twin.tally.passes == len(passes)


def test_the_twin_is_the_formula() -> None:
    """2-1-1 by hand: x = f(0.5·0.4 − 1·0.3 + 0.25·0.8 + ν), leak 1/10, then −2 x + 0.5·0.8 + ν."""
    circuit = CircuitParameters.model_validate({"v_one": 0.8})
    network = Network((2, 1, 1), biases=True)
    twin = IdealEngine(network, circuit)
    twin.write([np.array([[0.5, -1.0, 0.25]]), np.array([[-2.0, 0.5]])])
    inputs = np.array([[0.4, 0.3], [0.4, 0.9]])
    noise = np.array([[0.01, -0.02], [0.0, 0.03]])
    readout = twin.run(Passes(inputs, np.zeros((2, 2, 1)), ((), ()), noise))
    np.testing.assert_allclose(readout.pre[0][:, 0], [0.11, -0.5], rtol=tolerances.ROUNDING)
    hidden = [0.11 * 20 / 20.2, -0.5 * 20 / 200]
    np.testing.assert_allclose(readout.outputs[0][:, 0], hidden, rtol=tolerances.ROUNDING)
    last = [-2 * hidden[0] + 0.4 - 0.02, -2 * hidden[1] + 0.4 + 0.03]
    np.testing.assert_allclose(readout.outputs[1][:, 0], last, rtol=tolerances.ROUNDING)
    assert np.isnan(readout.energy).all()


@pytest.mark.parametrize("diode", ["HSMS-2850", "HSMS-2860", "1N4148"])
def test_real_diodes_shift_the_network_by_what_their_closed_form_says(
    diode: str, weights: Weights
) -> None:
    settings = ideal_parts()
    settings["activation"] = {"diode": diode}
    circuit = CircuitParameters.model_validate(settings)
    network = Network((3, 4, 3, 2), biases=True)
    clock = Clock(200e-6, 20e-6, "op")
    passes = draw(network, circuit, clock, 10)
    w = weights(network, 3)
    engine, twin = (
        NgspiceEngine(network, circuit, clock, solver=SOLVER),
        IdealEngine(network, circuit),
    )
    engine.write(w)
    twin.write(w)
    got = engine.run(passes)
    x, wanted, ends = passes.inputs, [], []
    for layer, nu in enumerate(split_layers(passes.noise, network.layers)):
        a = np.column_stack([x, np.ones(len(x))]) @ w[layer].T + nu
        x = circuit.activation.divider_transfer(a) if layer < 2 else a
        wanted.append(a)
        ends.append(x)
    # SPICE's reverse diode departs from Shockley's equation by at most 2/e³ of I_S (it bends at
    # 3 n V_T), into R_load; weights of order one hand that on.
    reverse = 2 * np.exp(-3) * circuit.activation.rectifier.i_s * circuit.activation.r_load
    atol = 3 * (tolerances.REAL_DIODE + reverse)
    difference = np.abs(every_node(got) - np.hstack([*wanted, *ends]))
    assert difference.max() < atol
    deviation = np.abs(every_node(got) - every_node(twin.run(passes))).max()
    assert deviation > 30 * difference.max()


@pytest.mark.parametrize("gain_db", [60.0, 80.0])
def test_finite_gain_shifts_pre_activations_by_the_loops_that_it_leaves_open(
    gain_db: float, weights: Weights
) -> None:
    """Both summing amplifiers: −R_f/R · 1/(1 + (1 + R_f ΣG)/A), noise branch and trim included."""
    circuit = CircuitParameters.model_validate(
        {"opamp": {"level": "single-pole", "open_loop_gain": gain_db}}
    )
    network = Network((3, 2))
    clock = Clock(200e-6, 20e-6, "op")
    passes = draw(network, circuit, clock, 10)
    engine = NgspiceEngine(network, circuit, clock, solver=SolverSettings(reltol=1e-7))
    engine.write(weights(network, 3))
    got = engine.run(passes).pre[0]

    r_f, gain, noise = circuit.synapse.r_feedback, 10 ** (gain_db / 20), circuit.noise
    plus, minus = 1 / engine.pairs[0].plus, 1 / engine.pairs[0].minus
    string = circuit.smtj.resistance_p * 1.5
    branch = 1 / (noise.r_inject + 1 / (1 / noise.r_series + 1 / string))
    loop_p = 1 + r_f * (plus.sum(axis=1) + branch + 1 / circuit.noise_string().r_trim)
    loop_n = 1 + r_f * (minus.sum(axis=1) + 1 / r_f)
    first = (r_f * passes.inputs @ plus.T + passes.noise) / (1 + loop_p / gain)
    wanted = (first - r_f * passes.inputs @ minus.T) / (1 + loop_n / gain)
    ideal = passes.inputs @ weights(network, 3)[0].T + passes.noise
    shift = np.abs(wanted - ideal).max()
    assert shift > np.abs(ideal).max() / gain
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerances.GAIN_FORMULA * shift)


def test_weights_beyond_the_resistors_are_clipped_and_counted() -> None:
    circuit = CircuitParameters()
    network = Network((2, 1))
    clock = Clock(200e-6, 20e-6, "op")
    engine = NgspiceEngine(network, circuit, clock)
    top = circuit.synapse.largest_weight
    passes = open_schedule(network, circuit, clock, np.random.default_rng(0)).held(
        np.array([[0.1, -0.05]])
    )
    assert engine.write([np.array([[30.0, -1.0]])]) == 1
    clipped = engine.run(passes).pre[0]
    assert engine.write([np.array([[top, -1.0]])]) == 0
    np.testing.assert_allclose(
        clipped, engine.run(passes).pre[0], rtol=0, atol=tolerances.SAME_DECK
    )
    np.testing.assert_allclose(clipped, 0.1 * top + 0.05, rtol=tolerances.FLOOR_RESISTORS)


def test_inputs_and_noise_reach_their_own_layers() -> None:
    """Every neuron's junction moves its own pre-activation, by ν, and none before it."""
    circuit = CircuitParameters.model_validate(ideal_parts())
    network = Network((2, 3, 2))
    clock = Clock(200e-6, 20e-6, "op")
    engine = NgspiceEngine(network, circuit, clock)
    engine.write([np.full((3, 2), 0.4), np.full((2, 3), 0.5)])
    string = circuit.noise_string()
    states = np.concatenate([np.zeros((1, 5)), np.eye(5)])
    noise = string.node_noise(states.astype(np.uint8)[:, :, np.newaxis])
    passes = Passes(np.full((6, 2), 0.5), states, (((NO_JUMPS,) * 5),) * 6, noise)
    moved = np.hstack(engine.run(passes).pre)
    moved = moved[1:] - moved[0]
    step = string.node_levels[1] - string.node_levels[0]
    np.testing.assert_allclose(np.diag(moved), step, atol=tolerances.IDEAL_PARTS)
    np.testing.assert_allclose(moved[np.triu_indices(3, 1)], 0.0, atol=tolerances.IDEAL_PARTS)
    np.testing.assert_allclose(moved[3:, :3], 0.0, atol=tolerances.IDEAL_PARTS)
    np.testing.assert_allclose(moved[:3, 3:], step * 0.5 * 20 / 21, atol=tolerances.IDEAL_PARTS)


def test_layers_of_the_readout_have_the_networks_shapes(weights: Weights) -> None:
    network, circuit = Network((3, 4, 2, 3)), CircuitParameters(noise=NoiseParameters(n_mtj=2))
    clock = Clock(200e-6, 20e-6, "op")
    passes = draw(network, circuit, clock, 2)
    engine = NgspiceEngine(network, circuit, clock)
    engine.write(weights(network, 1))
    readout = engine.run(passes)
    for arrays in (readout.pre, readout.outputs):
        assert [a.shape for a in arrays] == [(4, n) for _, n in pairwise(network.layers)]
    assert [a.shape for a in readout[1:3].pre] == [(2, 4), (2, 2), (2, 3)]

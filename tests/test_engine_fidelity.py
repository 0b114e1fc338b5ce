"""Full and aperture are one circuit: the same voltages at the sampling instants."""

import numpy as np
import pytest
import tolerances
from conftest import Weights
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.activation import Kind
from netlists.build import SolverSettings
from sim.clock import Clock, Fidelity
from sim.config import SimulationConfig
from sim.engine import Readout
from sim.engines import NgspiceEngine
from sim.passes import NO_JUMPS, Jumps, Passes
from sim.schedule import open_schedule
from sim.settling import measure_settling

Array = NDArray[np.float64]
SOLVER = SolverSettings()  # a run's defaults
TIGHT = SolverSettings(reltol=1e-6)  # to compare settled voltages to a microvolt


def circuit(barrier: float, **settings: object) -> CircuitParameters:
    """Junctions of exp(barrier/kT) ns: 0.25 eV is 16 µs, 0.2 eV is 2.3 µs."""
    smtj = {"barrier_p": barrier, "barrier_ap": 1.02 * barrier}
    return CircuitParameters.model_validate({"smtj": smtj, **settings})


def run(
    network: Network,
    c: CircuitParameters,
    clock: Clock,
    weights: list[Array],
    samples: int,
) -> tuple[Passes, Readout, NgspiceEngine]:
    rng = np.random.default_rng(21)
    passes = open_schedule(network, c, clock, rng).draw(
        rng.uniform(-1, 1, (samples, network.layers[0]))
    )
    engine = NgspiceEngine(network, c, clock, solver=SOLVER)
    engine.write(weights)
    return passes, engine.run(passes), engine


def flip(age: float | None, state: float) -> Jumps:
    """One flip into `state`, `age` s before the sample, or none."""
    return NO_JUMPS if age is None else Jumps(np.array([age]), np.array([1.0 - state]))


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


@pytest.mark.parametrize(
    ("kind", "biases", "samples"), [("diode-divider", False, 25), ("precision", True, 20)]
)
def test_full_and_aperture_sample_the_same_voltages(
    kind: Kind, biases: bool, samples: int, weights: Weights
) -> None:
    network, c = Network((2, 2, 1), biases), circuit(0.25, activation={"kind": kind})
    aperture = 2 * measure_settling(network, c, SOLVER).time
    readouts, passes = {}, {}
    for fidelity in ("full", "aperture", "op"):
        clock = Clock(max(35e-6, 1.5 * aperture), aperture, fidelity)
        passes[fidelity], readouts[fidelity], _ = run(
            network, c, clock, weights(network, 5), samples
        )
    full, felt, rest = (every_node(readouts[f]) for f in ("full", "aperture", "op"))
    with_flips = [any(len(j.ages) for j in jumps) for jumps in passes["aperture"].jumps]
    fresh = [
        any(len(j.ages) and j.ages[-1] < 1e-6 for j in jumps) for jumps in passes["aperture"].jumps
    ]
    assert sum(with_flips) > 20
    assert sum(fresh) > 3
    assert passes["full"].count_jumps() > 1.3 * passes["aperture"].count_jumps()
    np.testing.assert_allclose(full, felt, rtol=0, atol=tolerances.SAME_SAMPLE)
    # Dropping the flips inside of the aperture would show.
    assert np.abs(full - rest).max() > 100 * tolerances.SAME_SAMPLE
    assert np.abs(full - rest)[~np.array(with_flips)].max(initial=0.0) < tolerances.SAME_SAMPLE
    # Energy is the mean power of what was looked at, and the quiescent share carries it.
    np.testing.assert_allclose(
        readouts["full"].energy, readouts["aperture"].energy, rtol=tolerances.SIGNAL_SHARE_OF_POWER
    )


def test_flips_too_many_for_one_command_reach_ngspice_with_the_deck(weights: Weights) -> None:
    network, c = Network((2, 1)), circuit(0.2)
    aperture = 2 * measure_settling(network, c, SOLVER).time
    passes, full, engine = run(network, c, Clock(200e-6, aperture, "full"), weights(network, 5), 1)
    deck = engine._library.deck
    longest = max(len(line) for line in deck.splitlines() if line.startswith("Vs1_"))
    assert longest > 1000
    _, felt, _ = run(network, c, Clock(200e-6, aperture, "aperture"), weights(network, 5), 1)
    np.testing.assert_allclose(
        every_node(full), every_node(felt), rtol=0, atol=tolerances.SAME_SAMPLE
    )
    assert passes.count_jumps() > 100


@pytest.mark.parametrize("fidelity", ["aperture", "full"])
@pytest.mark.parametrize("age", [0.5e-9, 5e-9, 9.9e-9, 15e-9, 1e-6])
def test_a_flip_just_before_the_sample_is_over_at_it(age: float, fidelity: Fidelity) -> None:
    """Ideal parts follow at once, so the sample is that of the state after the flip."""
    c = CircuitParameters.model_validate(
        {
            "opamp": {"level": "ideal"},
            "activation": {"diode": "ideal"},
            "synapse": {"r_max": "inf"},
        }
    )
    network = Network((1, 1))
    engine = NgspiceEngine(network, c, Clock(20e-6, 10e-6, fidelity), solver=SOLVER)
    engine.write([np.array([[0.5]])])
    levels = c.noise_string().node_levels
    for state in (0, 1):
        states = np.array([[float(state)]])
        noise = np.array([[levels[state]]])
        passes = Passes(np.array([[0.3]]), states, ((flip(age, state),),), noise)
        got = engine.run(passes).pre[0][0, 0]
        assert got == pytest.approx(0.15 + levels[state], abs=tolerances.IDEAL_PARTS)


def test_a_flip_older_than_the_settling_time_leaves_less_than_a_microvolt(
    weights: Weights,
) -> None:
    c = CircuitParameters()
    network = Network((2, 2, 1))
    settled = measure_settling(network, c, TIGHT).time
    clock = Clock(1e-3, 4 * settled, "aperture")
    engine = NgspiceEngine(network, c, clock, solver=TIGHT)
    engine.write(weights(network, 5))
    states = np.array([[1.0, 0.0, 1.0]])
    noise = np.zeros((1, 3))
    inputs = np.array([[0.8, -0.6]])

    def sample(age: float | None) -> Array:
        jumps = tuple(flip(age, state) for state in states[0])
        return every_node(engine.run(Passes(inputs, states, (jumps,), noise)))

    rest = sample(None)
    assert np.abs(sample(settled) - rest).max() < tolerances.SETTLED
    assert np.abs(sample(0.3 * settled) - rest).max() > 3 * tolerances.SETTLED


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_after_the_settling_time_a_jump_of_all_inputs_is_over(kind: Kind) -> None:
    c = CircuitParameters.model_validate({"activation": {"kind": kind}})
    network = Network((1, 2, 1))
    settled = measure_settling(network, c, TIGHT).time
    jump = np.array([[-1.0], [1.0]])

    def after_jump(wait: float, fidelity: Fidelity) -> Array:
        clock = Clock(wait, min(wait, 5e-6), fidelity)
        engine = NgspiceEngine(network, c, clock, solver=TIGHT)
        engine.write([np.array([[1.0], [-1.0]]), np.array([[1.0, -1.0]])])
        schedule = open_schedule(network, c, clock, np.random.default_rng(0))
        return every_node(engine.run(schedule.held(jump)))[1]

    rest = after_jump(settled, "op")
    assert np.abs(after_jump(settled, "full") - rest).max() < tolerances.SETTLED
    assert np.abs(after_jump(2e-6, "full") - rest).max() > tolerances.SETTLED


def test_a_precision_rectifier_takes_longer_across_zero_and_the_settling_time_says_so() -> None:
    c = CircuitParameters.model_validate({"activation": {"kind": "precision"}})
    network = Network((1, 1, 1))
    settled = measure_settling(network, c, TIGHT).time
    clock = Clock(1e-3, 2 * settled, "aperture")
    engine = NgspiceEngine(network, c, clock, solver=TIGHT)
    engine.write([np.zeros((1, 1)), np.ones((1, 1))])

    def sample(age: float | None, state: float) -> Array:
        states = np.array([[state, 0.0]])
        jumps = ((flip(age, state), NO_JUMPS),)
        passes = Passes(np.zeros((1, 1)), states, jumps, np.zeros((1, 2)))
        return every_node(engine.run(passes))

    left = {
        age: max(np.abs(sample(age, s) - sample(None, s)).max() for s in (0.0, 1.0))
        for age in (settled, 5e-6)
    }
    assert left[settled] < tolerances.SETTLED
    assert left[5e-6] > 1e-3  # what a large jump alone would take for settled


def test_the_defaults_here_are_those_of_a_run() -> None:
    assert SimulationConfig().solver() == SOLVER


def test_slower_amplifiers_settle_later() -> None:
    network = Network((2, 2, 1))
    times = [
        measure_settling(
            network, CircuitParameters.model_validate({"opamp": {"gbw": gbw}}), SOLVER
        ).time
        for gbw in ("10 MHz", "2.8 MHz", "1 MHz", "200 kHz")
    ]
    assert (np.diff(times) > 0).all()
    # A pole at GBW/3 or so settles two volts to a microvolt in 14.5 time constants.
    assert times[-1] > 14.5 / (2 * np.pi * 200e3)
    assert times[-1] / times[0] > 5

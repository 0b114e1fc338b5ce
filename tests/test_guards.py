"""Result guards: each fires on a pass made to deserve it, and stays quiet on healthy ones."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings
from netlists.deck import Deck
from netlists.elements import BehaviouralCurrent, Resistor
from netlists.stimulus import Stimulus
from sim.clock import Clock
from sim.engines import IdealEngine, NgspiceEngine
from sim.errors import SimulationError
from sim.guards import MOVED, Doubt, Guards, Tally
from sim.passes import NO_JUMPS, Jumps, Passes
from sim.run import main
from sim.settling import measure_settling

pytestmark = pytest.mark.usefixtures("undrawn")

CLOCK = Clock(1e-3, 10e-6, "aperture")
SOLVER = SolverSettings()


def one_pass(network: Network, inputs: list[float], age: float | None = None) -> Passes:
    """Inputs under noise at rest, or with a flip of the first junction `age` before the sample."""
    neurons = network.neurons
    controls = np.zeros((1, neurons))
    jumps = [NO_JUMPS] * neurons
    if age is not None:
        controls[0, 0] = 1.0
        jumps[0] = Jumps(np.array([age]), np.array([0.0]))
    return Passes(np.array([inputs]), controls, (tuple(jumps),), np.zeros((1, neurons)))


def doubts_of(
    inputs: list[float],
    weights: list[list[float]],
    *,
    circuit: CircuitParameters | None = None,
    age: float | None = None,
    clock: Clock = CLOCK,
) -> Doubt:
    circuit = circuit or CircuitParameters()
    network = Network((len(inputs), len(weights)))
    engine = NgspiceEngine(network, circuit, clock)
    engine.write([np.array(weights)])
    readout = engine.run(one_pass(network, inputs, age))
    assert engine.tally.passes == 1
    return Doubt(int(readout.doubts[0]))


# --- still moving ------------------------------------------------------------------------------


@pytest.mark.parametrize("age", [15e-9, 100e-9, 500e-9])
@pytest.mark.parametrize("fidelity", ["aperture", "full"])
def test_a_flip_just_before_the_sample_leaves_it_moving(age: float, fidelity: str) -> None:
    clock = Clock(100e-6, 10e-6, fidelity)  # pyright: ignore[reportArgumentType]
    assert doubts_of([0.3, -0.4], [[1.0, 0.5]], age=age, clock=clock) == Doubt.MOVING


def test_a_flip_as_old_as_settling_takes_leaves_nothing_moving() -> None:
    circuit, network = CircuitParameters(), Network((2, 1))
    settled = measure_settling(network, circuit, SOLVER).time
    clock = Clock(1e-3, 2 * settled, "aperture")
    assert doubts_of([0.3, -0.4], [[1.0, 0.5]], age=settled, clock=clock) == Doubt(0)


def test_an_aperture_far_too_short_for_a_slow_amplifier_is_moving() -> None:
    # 28 kHz over a noise gain of 3: 17 µs a time constant, and the flip is 5 µs old.
    slow = CircuitParameters()
    slow = slow.model_copy(update={"opamp": slow.opamp.model_copy(update={"gbw": 28e3})})
    assert doubts_of([0.3, -0.4], [[1.0, 0.5]], circuit=slow, age=5e-6) == Doubt.MOVING


@given(
    tau=st.floats(1e-8, 1e-5),
    left=st.floats(1e-7, 1e-2),
    points=st.integers(20, 400),
)
def test_an_exponential_is_moving_when_it_moved_too_far_in_its_last_time_constant(
    tau: float, left: float, points: int
) -> None:
    # Left to go at the end: `left`. One time constant before: e · left; moved (e − 1) left. The
    # guard takes the last point at or before that moment, up to a step of the grid earlier.
    time = np.linspace(0, 10 * tau, points)
    wave = 1 - left * np.exp((time[-1] - time) / tau)
    guards = Guards(window=tau, low=-2.48, high=2.48)
    least = left * (np.e - 1)
    most = left * (np.exp(1 + 10 / (points - 1)) - 1)
    moving = guards.moving(time, wave[None, :], np.inf)
    if least > MOVED * 1.001:
        assert moving
    if most < MOVED * 0.999:
        assert not moving


@given(
    period=st.floats(0.3, 2.0),
    decay=st.floats(1.0, 20.0),
    phase=st.floats(0, 2 * np.pi),
    height=st.floats(1e-6, 1e-3),
)
def test_a_node_that_rings_is_moving_wherever_in_its_period_it_is_sampled(
    period: float, decay: float, phase: float, height: float
) -> None:
    # Half a period, at most a window, before the sample e the node was on the other side of its end
    # by more than e, so that an error above MOVED/2 shows, whatever the two ends of the window say.
    time = np.linspace(-20.0, 0.0, 4001)
    wave = height * np.exp(-time / decay) * np.cos(2 * np.pi * time / period + phase)
    guards = Guards(window=1.0, low=-2.48, high=2.48)
    if abs(wave[-1]) > MOVED / 2 * 1.01:
        assert guards.moving(time, wave[None, :], np.inf)


def test_the_window_follows_from_the_settling_and_not_from_a_longer_aperture() -> None:
    circuit = CircuitParameters()
    measured = Clock(1e-3, 300e-6, "aperture", settling=3.5e-6)
    assert Guards.of(circuit, measured).window == pytest.approx(0.25e-6)
    # 11 µs before the sample a flip is long over.
    network = Network((2, 1))
    engine = NgspiceEngine(network, circuit, measured)
    engine.write([np.array([[1.0, 0.5]])])
    assert not engine.run(one_pass(network, [0.3, -0.4], 11e-6)).doubts.any()


# --- at a rail ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("inputs", "weights", "limited"),
    [
        ([1.0, 1.0], [[1.2, 1.2]], False),  # op at −2.4 V, a at 2.4 V: 80 mV to go
        ([1.0, 1.0], [[1.3, 1.3]], True),  # 2.6 V
        ([-1.0, -1.0], [[1.3, 1.3]], True),
        ([2.0, 2.0], [[2.0, -2.0]], True),  # a is 0 V; the first amplifier alone is asked for −4 V
        ([2.0, 2.0], [[1.1, -1.1]], False),
    ],
)
@pytest.mark.parametrize("fidelity", ["op", "aperture"])
def test_an_amplifier_asked_for_more_than_its_supplies_is_at_its_rail(
    inputs: list[float], weights: list[list[float]], limited: bool, fidelity: str
) -> None:
    clock = replace(CLOCK, fidelity=fidelity)
    age = 9e-6 if fidelity == "aperture" else None
    found = doubts_of(inputs, weights, clock=clock, age=age)
    assert found == (Doubt.RAIL if limited else Doubt(0))


def test_a_loaded_output_at_its_limit_is_at_the_rail_too() -> None:
    # 100 Ω of load on 125 Ω of output: 1.5 V asked for, 1.1 V to be had, far from the 2.48 V rail.
    circuit = CircuitParameters()
    strained = circuit.model_copy(
        update={
            "activation": circuit.activation.model_copy(
                update={"r_load": 100.0, "r_positive": 1e-3}
            )
        }
    )
    network = Network((1, 1, 1))
    engine = NgspiceEngine(network, strained, CLOCK)
    engine.write([np.array([[1.5]]), np.array([[0.1]])])
    readout = engine.run(one_pass(network, [1.0]))
    assert readout.pre[0][0, 0] < 1.45
    assert Doubt(int(readout.doubts[0])) == Doubt.RAIL


def test_amplifiers_without_supplies_have_no_rail() -> None:
    circuit = CircuitParameters()
    ideal = circuit.model_copy(
        update={"opamp": circuit.opamp.model_copy(update={"level": "single-pole"})}
    )
    assert doubts_of([2.0, 2.0], [[2.0, 2.0]], circuit=ideal) == Doubt(0)


# --- convergence aids, failures ----------------------------------------------------------------


class WithHardPart(NgspiceEngine):
    """The circuit with an exponential beside it that Newton's method cannot follow at once."""

    def _deck(self, stretches: Sequence[Stimulus], state_file: str | None = None) -> Deck:
        deck = super()._deck(stretches, state_file)
        hard = (
            Resistor("hard", "hard", "0", 1e3),
            BehaviouralCurrent("hard", "hard", "0", "1e-3*(exp(40*v(hard))-1)-1"),
        )
        return replace(deck, elements=(*deck.elements, *hard))


def test_a_pass_for_which_ngspice_reached_for_an_aid_is_doubtful() -> None:
    circuit, network = CircuitParameters(), Network((1, 1, 1))
    engine = WithHardPart(network, circuit, CLOCK)
    engine.write([np.array([[1.0]]), np.array([[1.0]])])
    readout = engine.run(one_pass(network, [0.2]))
    assert Doubt(int(readout.doubts[0])) == Doubt.AID
    assert engine.tally.reasons[Doubt.AID] == 1


def test_a_failed_pass_is_counted_and_raises() -> None:
    circuit, network = CircuitParameters(), Network((1, 1))
    engine = NgspiceEngine(network, circuit, CLOCK)
    engine.write([np.array([[1.0]])])
    passes = one_pass(network, [0.1])
    many = Passes(
        np.array([[0.1], [np.nan], [0.2]]),
        np.repeat(passes.controls, 3, axis=0),
        passes.jumps * 3,
        np.zeros((3, 1)),
    )
    with pytest.raises(SimulationError):
        engine.run(many)
    assert (engine.tally.ok, engine.tally.doubtful, engine.tally.failed) == (1, 0, 1)
    assert engine.tally.passes == 2


# --- healthy ones ------------------------------------------------------------------------------

SHAPES = [
    (1, 1), (2, 1), (2, 2), (3, 1), (2, 2, 1), (2, 2, 2, 1), (4, 3, 2), (1, 5, 1), (3, 3, 3),
    (6, 4),
]  # fmt: skip


@pytest.mark.parametrize("layers", SHAPES)
@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_healthy_passes_are_ok(layers: tuple[int, ...], kind: str) -> None:
    circuit = CircuitParameters()
    circuit = circuit.model_copy(
        update={"activation": circuit.activation.model_copy(update={"kind": kind})}
    )
    network = Network(layers)
    rng = np.random.default_rng(sum(layers))
    engine = NgspiceEngine(network, circuit, Clock(1e-3, 60e-6, "aperture"))
    shapes = [network.synapse_shape(k) for k in range(1, len(layers))]
    # Sums of at most 1 V, so that no amplifier comes near its rails.
    engine.write([rng.uniform(-1, 1, shape) / shape[1] for shape in shapes])
    inputs = rng.uniform(-1, 1, layers[0]).tolist()
    for age in (None, 50e-6):
        readout = engine.run(one_pass(network, inputs, age))
        assert Doubt(int(readout.doubts[0])) == Doubt(0)


# --- counting ----------------------------------------------------------------------------------


def test_tallies_count_passes_once_and_reasons_each() -> None:
    flags = np.array([0, 1, 3, 0, 4], np.uint8)
    tally = Tally.of(flags) + Tally.of(flags[:1], failed=1)
    assert (tally.passes, tally.ok, tally.doubtful, tally.failed) == (7, 3, 3, 1)
    assert tally.reasons == {Doubt.MOVING: 2, Doubt.RAIL: 1, Doubt.AID: 1}
    assert tally.in_words() == (
        "7 passes: 3 ok, 3 doubtful (2 still moving at the sampling instant, 1 an amplifier at "
        "its rail, 1 convergence aids used), 1 failed"
    )


def test_mathematics_is_never_doubtful() -> None:
    network = Network((2, 1))
    twin = IdealEngine(network, CircuitParameters())
    twin.write([np.array([[2.0, 2.0]])])
    readout = twin.run(one_pass(network, [2.0, 2.0]))
    assert not readout.doubts.any()
    assert twin.tally == Tally.of(readout.doubts)


def test_a_run_says_which_figures_hold_doubtful_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["--layers", "2,2,1", "--epochs", "1", "--samples", "40", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    guards = json.loads((out / "summary.json").read_text())["guards"]
    parts = {name: part for name, part in guards.items() if name != "all"}
    assert set(parts) == {"training", "initial", "alignment", "transfer", "in_loop", "deviation"}
    # Every simulated pass belongs to one figure.
    for key in ("passes", "ok", "doubtful", "failed"):
        assert guards["all"][key] == sum(part[key] for part in parts.values())
    everything = guards["all"]
    assert everything["passes"] == everything["ok"] + everything["doubtful"] + everything["failed"]
    assert f"{everything['passes']:,} passes: {everything['ok']:,} ok" in printed
    rows = (out / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("in_loop_doubtful")
    assert int(rows[1].split(",")[column]) == guards["training"]["doubtful"]

"""Junction states from a file (XSPICE) against the same states as piecewise linear sources."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tolerances
from conftest import Weights, run_bare
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseString, Telegraph
from netlists.build import (
    SolverSettings,
    build_deck,
    control_names,
    noise_trace_names,
    probe_names,
)
from netlists.deck import Deck, Transient
from netlists.elements import Resistor, StateTable
from netlists.pyspice import to_pyspice
from netlists.spice import format_deck, format_for_library, require_file_name
from netlists.stimulus import (
    EDGE,
    MOST_STATES,
    Steps,
    Stimulus,
    source_waves,
    state_table,
    still,
)
from sim.clock import Clock
from sim.engine import Readout
from sim.engines import NgspiceEngine
from sim.engines import ngspice as engine_module
from sim.errors import SimulationError
from sim.libngspice import Ngspice, get_library
from sim.passes import NO_JUMPS, Passes
from sim.schedule import open_schedule
from sim.settling import measure_settling

Array = NDArray[np.float64]

SAME_WAVE = 6e-6
"""V, wherever no junction is in the middle of an edge. Newton's method ends within reltol, 1e-5, of
dividers of half a volt, from guesses that differ with the time steps. Rows closer than 0.1 ps are
one: 1e-5 of a 10 ns edge, of which noise of 50 mV shows 5e-7 V at the edge's corners."""

SAME_STATE = 1e-4
"""V, inside edges as well: straight lines, 0.1 ps apart at most."""

SAME_REST = 1e-9
"""V, at samples, where all edges are over: the same levels, solved to Newton's rounding, and where
amplifiers still move, time steps that differ only at the very start (1e-14 V was seen)."""

SAME_INSTANT = 1e-12
"""s. Rows of different junctions closer than 0.1 ps begin together."""

PLENTY = 20_000


def circuit(**noise: object) -> CircuitParameters:
    """Fast junctions, unlike in P and AP, and parts without memory, so that all points are flips'.

    `spread` makes the junctions of a string unequal.
    """
    spread = noise.pop("spread", 0.0)
    return CircuitParameters.model_validate(
        {
            "smtj": {
                "barrier_p": 0.2,
                "barrier_ap": 0.205,
                "spread_resistance": spread,
                "spread_tmr": spread,
            },
            "opamp": {"level": "ideal"},
            "activation": {"diode": "ideal"},
            "noise": noise,
        }
    )


def alternating(state: float, count: int) -> Array:
    """States after each of a junction's flips."""
    return np.asarray((state + 1.0 + np.arange(count)) % 2, dtype=np.float64)


def noisy(
    c: CircuitParameters, network: Network, duration: float, rng: np.random.Generator
) -> Stimulus:
    """One stretch with every junction's own flips."""
    dwell = c.smtj.dwell_times(c.temperature)
    count = len(control_names(network, c.noise))
    windows = [Telegraph(dwell, child).window(0.0, duration) for child in rng.spawn(count)]
    steps = tuple(Steps(flips, alternating(state, len(flips))) for state, flips in windows)
    states = np.array([float(state) for state, _ in windows])
    return Stimulus(duration, rng.uniform(-1, 1, network.layers[0]), states, steps)


def with_hard_cases(stretch: Stimulus) -> Stimulus:
    """Add two flips of one junction within an edge, and flips of two junctions all but at once."""
    at = 0.4 * stretch.duration
    states = stretch.controls
    extra = (
        np.array([at, at + 0.3 * EDGE, at + 5 * EDGE]),
        np.array([at + 5 * EDGE + 0.05e-12]),
        np.array([at + 5.4 * EDGE, at + 6.7 * EDGE]),
    )
    steps = []
    for k, own in enumerate(stretch.steps):
        times = np.sort(np.concatenate([own.times, extra[k % len(extra)]]))
        steps.append(Steps(times, alternating(states[k], len(times))))
    return Stimulus(stretch.duration, stretch.inputs, states, tuple(steps))


def deck_of(
    network: Network,
    c: CircuitParameters,
    stretches: Sequence[Stimulus],
    state_file: str | None,
    max_step: float | None = None,
) -> Deck:
    pairs = [
        c.synapse.program(np.full(network.synapse_shape(layer), 0.4))
        for layer in range(1, len(network.layers))
    ]
    strings: Sequence[NoiseString] = ()
    if c.smtj.spread:
        rng = np.random.default_rng(5)
        strings = [
            NoiseString(
                c.noise,
                tuple(c.smtj.draw(rng) for _ in range(c.noise.n_mtj)),
                c.temperature,
                c.synapse.r_feedback,
            )
            for _ in range(network.neurons)
        ]
    return build_deck(
        network,
        c,
        pairs,
        [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)],
        strings=strings,
        max_step=max_step,
        state_file=state_file,
        traces=(*control_names(network, c.noise), *noise_trace_names(network, c.noise)),
    )


def waveforms(deck: Deck) -> dict[str, Array]:
    """Every saved node of a deck's transient, and `time`."""
    library = get_library()
    library.load(format_for_library(deck))
    assert isinstance(deck.analysis, Transient)
    step = f"{deck.analysis.max_step:.9g}"
    library.command(f"tran {step} {deck.analysis.stop:.15g} 0 {step}")
    waves = {name: library.vector(name) for name in ("time", *deck.probes, *deck.traces)}
    library.command("destroy all")
    return waves


@pytest.fixture
def states_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that decks in the shared library find by its bare name, whatever the folder's case."""
    monkeypatch.setenv("NGSPICE_INPUT_DIR", str(tmp_path))
    return tmp_path / "states of the test.txt"


@pytest.mark.parametrize("arrangement", ["series", "parallel"])
@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_a_deck_with_a_file_has_the_waveforms_of_piecewise_linear_sources(
    arrangement: str, spread: float, states_beside: Path
) -> None:
    network = Network((1, 1, 1))
    c = circuit(n_mtj=3, arrangement=arrangement, spread=spread)
    rng = np.random.default_rng(11)
    stretches = [with_hard_cases(noisy(c, network, 300e-6, rng)) for _ in range(2)]
    states_beside.write_text(state_table(stretches))
    assert sum(len(s.times) for stretch in stretches for s in stretch.steps) > 1000
    plain = waveforms(deck_of(network, c, stretches, None))
    from_file = waveforms(deck_of(network, c, stretches, states_beside.name))
    again = waveforms(deck_of(network, c, stretches, states_beside.name))
    states = [plain[name] for name in control_names(network, c.noise)]
    at_rest = np.all(
        np.minimum(np.abs(states), np.abs(np.subtract(1, states))) < SAME_STATE, axis=0
    )
    assert at_rest.mean() > 0.5
    for name, wave in plain.items():
        np.testing.assert_array_equal(again[name], from_file[name])
        felt = np.interp(plain["time"], from_file["time"], from_file[name])
        if name in control_names(network, c.noise):
            np.testing.assert_allclose(felt, wave, rtol=0, atol=SAME_STATE, err_msg=name)
        elif name != "time":
            np.testing.assert_allclose(
                felt[at_rest], wave[at_rest], rtol=0, atol=SAME_WAVE, err_msg=name
            )
    # The noise moves, so that a dead deck would not agree.
    z = noise_trace_names(network, c.noise)[0]
    assert np.ptp(plain[z]) > 1e-3


def test_edges_begin_at_the_instants_of_piecewise_linear_sources(states_beside: Path) -> None:
    """Dacs could centre their ramp on the event, or begin it a step later."""
    network, c = Network((1, 1)), circuit(n_mtj=2)
    stretches = [noisy(c, network, 200e-6, np.random.default_rng(k)) for k in (1, 2)]
    states_beside.write_text(state_table(stretches))
    found = waveforms(deck_of(network, c, stretches, states_beside.name))
    names = ("x0_1", *control_names(network, c.noise))
    for name in names[1:]:
        corners = np.array(source_waves(stretches, names)[name].points)
        moving = np.flatnonzero(np.diff(corners[:, 1]))
        middles = (corners[moving, 0] + corners[moving + 1, 0]) / 2
        np.testing.assert_allclose(
            crossings(found["time"], found[name], 0.5), middles, rtol=0, atol=SAME_INSTANT
        )


def crossings(time: Array, wave: Array, level: float) -> Array:
    """When a wave passes a level, s, by straight lines."""
    k = np.flatnonzero(np.diff((wave > level).astype(np.int8)))
    return time[k] + (level - wave[k]) / (wave[k + 1] - wave[k]) * (time[k + 1] - time[k])


def test_twenty_thousand_flips_are_all_there(states_beside: Path) -> None:
    network, c = Network((1, 1)), circuit()
    dwell = sum(c.smtj.dwell_times(c.temperature)) / 2
    duration = 1.05 * PLENTY * dwell
    stretch = noisy(c, network, duration, np.random.default_rng(3))
    states_beside.write_text(state_table([stretch]))
    found = waveforms(deck_of(network, c, [stretch], states_beside.name, max_step=duration))
    corners = source_waves([stretch], ["x0_1", "s1_1"])["s1_1"].points
    edges = sum(a[1] != b[1] for a, b in pairwise(corners))
    assert edges > PLENTY
    assert len(crossings(found["time"], found["s1_1"], 0.5)) == edges
    levels = c.noise_string().levels
    z = found["xlayer1.z1"]
    assert len(crossings(found["time"], z, float(levels.mean()))) == edges


def test_a_bare_run_of_such_a_deck_prints_the_same_voltages(tmp_path: Path) -> None:
    network, c = Network((1, 2, 1)), circuit(n_mtj=2)
    folder = tmp_path / "A Folder" / "Of Mine"
    folder.mkdir(parents=True)
    stretches = [noisy(c, network, 100e-6, np.random.default_rng(k)) for k in (4, 5)]
    (folder / "states.txt").write_text(state_table(stretches))
    printed = []
    for file in ("states.txt", None):
        (folder / "Deck.cir").write_text(format_deck(deck_of(network, c, stretches, file)))
        printed.append(run_bare(folder, "Deck.cir"))
    assert printed[0].keys() == printed[1].keys()
    assert len(printed[0]) == 2 * len(probe_names(network))
    np.testing.assert_allclose(
        list(printed[0].values()), list(printed[1].values()), rtol=0, atol=SAME_REST
    )


@pytest.mark.parametrize(
    "name", ["states.txt", "two words.txt", "sub/folder x/a+b-c_d,e(1)#%@~.txt", "l" * 200]
)
def test_file_names_that_are_let_through_are_found_by_ngspice(name: str, tmp_path: Path) -> None:
    network, c = Network((1, 1)), circuit()
    stretch = noisy(c, network, 20e-6, np.random.default_rng(8))
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(state_table([stretch]))
    (tmp_path / "deck.cir").write_text(format_deck(deck_of(network, c, [stretch], name)))
    (tmp_path / "plain.cir").write_text(format_deck(deck_of(network, c, [stretch], None)))
    found, wanted = run_bare(tmp_path, "deck.cir"), run_bare(tmp_path, "plain.cir")
    assert len(stretch.steps[0].times) % 2 == 1  # a file not found would show in the last state
    assert found == pytest.approx(wanted, abs=SAME_REST)


@pytest.mark.parametrize(
    "name",
    [
        *("States.txt", "/A/states.txt", "a;b", "a{b}", "a'b", 'a"b', "a=b", "a//b", "é", "a\nb"),
        *("", " a", "a ", "a  b", "a*b", "a\\b", "a$b"),
    ],
)
def test_file_names_that_ngspice_would_read_otherwise_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case ASCII letters"):
        require_file_name(name)
    network, c = Network((1, 1)), circuit()
    with pytest.raises(ValueError, match="a file named in a deck"):
        deck_of(network, c, [still(1e-6, np.zeros(1), np.zeros(1))], name)


def test_a_state_file_needs_junctions_and_a_transient() -> None:
    network = Network((1, 1))
    c = CircuitParameters.model_validate({"noise": {"source": "gaussian"}})
    stretch = still(1e-6, np.zeros(1), np.zeros(1))
    pairs = [c.synapse.program(np.zeros((1, 1)))]
    with pytest.raises(ValueError, match="wanted strings of junctions, got source gaussian"):
        build_deck(network, c, pairs, [("p1", stretch)], state_file="states.txt")
    with pytest.raises(ValueError, match="wanted a transient"):
        deck_of(network, circuit(), [still(0.0, np.zeros(1), np.zeros(1))], "states.txt")


def test_the_file_lists_states_where_they_change() -> None:
    steps = (
        Steps(np.array([1e-6, 3e-6]), np.array([1.0, 0.0])),
        Steps(np.array([1e-6 + 5e-14, 2e-6]), np.array([0.0, 1.0])),
    )
    first = Stimulus(5e-6, np.zeros(1), np.array([0.0, 1.0]), steps)
    second = still(5e-6, np.zeros(1), np.array([1.0, 1.0]))
    rows = [line.split() for line in state_table([first, second]).splitlines()[1:]]
    assert [row[1:] for row in rows] == [
        ["0s", "1s"],
        ["1s", "0s"],
        ["1s", "1s"],
        ["0s", "1s"],
        ["1s", "1s"],
        ["1s", "1s"],
    ]
    times = [float(row[0]) for row in rows]
    assert times == pytest.approx([0, 1e-6, 2e-6, 3e-6, 5e-6, 10e-6 + EDGE], abs=1e-15)
    with pytest.raises(ValueError, match=r"wanted 0 or 1, got 0\.5"):
        state_table([still(1e-6, np.zeros(1), np.array([0.0, 0.5]))])
    with pytest.raises(ValueError, match="ngspice reads 333 in a row, got 334"):
        state_table([still(1e-6, np.zeros(1), np.zeros(334))])


def test_as_many_junctions_as_a_file_holds_all_follow_it(states_beside: Path) -> None:
    """Bridges of 250 and more crash ngspice; rows past 1,023 characters are read as two."""
    nodes = tuple(f"s{k}" for k in range(MOST_STATES))
    rng = np.random.default_rng(2)
    steps = tuple(
        Steps(np.array([t]), np.array([1.0])) for t in rng.uniform(1e-6, 9e-6, len(nodes))
    )
    stretch = Stimulus(10e-6, np.zeros(0), np.zeros(len(nodes)), steps)
    states_beside.write_text(state_table([stretch]))
    assert max(map(len, states_beside.read_text().splitlines())) < 1023
    deck = Deck(
        title=("many junctions",),
        parameters=(),
        models=(),
        subcircuits=(),
        elements=(
            StateTable("states", nodes, states_beside.name, EDGE),
            *(Resistor(node, node, "0", 1e3) for node in nodes),
        ),
        options=SolverSettings().options(27.0),
        probes=nodes,
        currents=(),
        analysis=Transient(10e-6, 1e-6, ()),
    )
    found = waveforms(deck)
    flips = [crossings(found["time"], found[node], 0.5) for node in nodes]
    wanted = [s.times[0] + EDGE / 2 for s in steps]
    np.testing.assert_allclose(np.ravel(flips), wanted, rtol=0, atol=SAME_INSTANT)


PYSPICE = """
import logging, sys
from PySpice.Spice.NgSpice.Shared import NgSpiceShared
from netlists.pyspice import to_pyspice
from sim.libngspice import find_library
sys.path.insert(0, "tests")
from test_netlists_digital import flips_for_pyspice
logging.disable(logging.CRITICAL)
NgSpiceShared.LIBRARY_PATH = find_library()
deck = flips_for_pyspice(sys.argv[1])
run = to_pyspice(deck).simulator(temperature=27, nominal_temperature=27)
analysis = run.transient(step_time=1e-6, end_time=deck.analysis.stop, max_time=1e-6)
for node in deck.probes:
    print(node, repr(float(analysis[node][-1])))
"""


def flips_for_pyspice(state_file: str | None) -> Deck:
    network, c = Network((1, 1, 1)), circuit()
    stretch = noisy(c, network, 20e-6, np.random.default_rng(8))
    if state_file:
        Path(os.environ["NGSPICE_INPUT_DIR"], state_file).write_text(state_table([stretch]))
    return deck_of(network, c, [stretch], state_file, max_step=1e-6)


def test_pyspice_runs_such_a_deck(states_beside: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PYSPICE, states_beside.name],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    found = {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}
    wanted = {k: float(v[-1]) for k, v in waveforms(flips_for_pyspice(None)).items()}
    assert found == pytest.approx({k: wanted[k] for k in found}, abs=1e-6)
    assert found.keys() == set(probe_names(Network((1, 1, 1))))
    assert str(to_pyspice(flips_for_pyspice(states_beside.name))).count("d_source") == 1


# --- the engine ---------------------------------------------------------------------------------
def amplified(barrier: float) -> CircuitParameters:
    """Real amplifiers, and junctions of exp(barrier/kT) ns."""
    smtj = {"barrier_p": barrier, "barrier_ap": 1.02 * barrier}
    return CircuitParameters.model_validate({"smtj": smtj})


def drawn(clock: Clock, c: CircuitParameters) -> Passes:
    rng = np.random.default_rng(21)
    return open_schedule(Network((2, 1)), c, clock, rng).draw(rng.uniform(-1, 1, (1, 2)))


def engine_for(clock: Clock, c: CircuitParameters, weights: Weights) -> NgspiceEngine:
    network = Network((2, 1))
    engine = NgspiceEngine(network, c, clock, solver=SolverSettings())
    engine.write(weights(network, 5))
    return engine


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


def folders() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).iterdir()}


def test_the_engine_takes_many_flips_from_a_file_and_few_from_sources_again(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # A folder of its own: tests beside it have workers, whose folders come and go.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    c = amplified(0.2)
    aperture = 2 * measure_settling(Network((2, 1)), c, SolverSettings()).time
    clock = Clock(200e-6, aperture, "full")
    passes = drawn(clock, c)
    assert passes.count_jumps() > 100
    quiet = Passes(passes.inputs, passes.controls, ((NO_JUMPS,),) * len(passes), passes.noise)
    plain = engine_for(clock, c, weights)
    wanted, still_wanted = plain.run(passes), plain.run(quiet)
    felt = engine_for(Clock(200e-6, aperture, "aperture"), c, weights).run(
        drawn(Clock(200e-6, aperture, "aperture"), c)
    )
    monkeypatch.setattr(engine_module, "LONGEST_WAVE", 50)
    before, environment = folders(), dict(os.environ)
    engine = engine_for(clock, c, weights)
    got = engine.run(passes)
    assert "d_source" in engine._library.deck
    np.testing.assert_allclose(every_node(got), every_node(wanted), rtol=0, atol=SAME_REST)
    np.testing.assert_allclose(
        every_node(got), every_node(felt), rtol=0, atol=tolerances.SAME_SAMPLE
    )
    np.testing.assert_allclose(got.energy, wanted.energy, rtol=1e-6)
    # No sources to alter in the deck with the file: a short pass needs the other.
    after = engine.run(quiet)
    assert "d_source" not in engine._library.deck
    np.testing.assert_allclose(
        every_node(after), every_node(still_wanted), rtol=0, atol=tolerances.SAME_SAMPLE
    )
    assert {f for f in folders() - before if f.startswith("danp-cosim-")} == set()
    assert dict(os.environ) == environment


def test_a_failed_pass_of_many_flips_keeps_a_deck_that_runs_on_its_own(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    c = amplified(0.2)
    clock = Clock(50e-6, 10e-6, "full")
    passes = drawn(clock, c)
    monkeypatch.setattr(engine_module, "LONGEST_WAVE", 10)
    network = Network((2, 1))
    engine = NgspiceEngine(network, c, clock, solver=SolverSettings(), keep=tmp_path)
    engine.write(weights(network, 5))
    command = Ngspice.command

    def refuse(self: Ngspice, text: str) -> None:
        if text.startswith("tran"):
            assert "d_source" in self.deck
            raise SimulationError("ngspice, tran: as if")
        command(self, text)

    with monkeypatch.context() as patch:
        patch.setattr(Ngspice, "command", refuse)
        with pytest.raises(SimulationError, match="deck and log kept as"):
            engine.run(passes)
    kept = run_bare(tmp_path, "failed.cir")
    got = engine.run(passes)
    assert kept["a1_1_p2"] == pytest.approx(got.pre[0][0, 0], abs=tolerances.SAME_SAMPLE)


def test_without_code_models_the_engine_says_so_in_one_line() -> None:
    script = """
import numpy as np
from circuits import CircuitParameters, Network
from sim.clock import Clock
from sim.engines import NgspiceEngine
from sim.errors import UserError
from sim.schedule import open_schedule
c = CircuitParameters.model_validate({"smtj": {"barrier_p": 0.2, "barrier_ap": 0.2}})
network, clock = Network((1, 1)), Clock(2e-3, 1e-5, "full")
passes = open_schedule(network, c, clock, np.random.default_rng(0)).draw(np.zeros((1, 1)))
try:
    NgspiceEngine(network, c, clock).run(passes)
except UserError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "SPICE_SCRIPTS": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ngspice: XSPICE code models missing (there is no d_source)")
    assert done.stdout.count("\n") == 1

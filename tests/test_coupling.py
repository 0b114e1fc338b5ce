"""Junctions whose dwell times follow their simulated current, against the chains they are."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from scipy import stats
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius
from scipy.linalg import null_space
from scipy.optimize import root

from circuits import (
    CircuitParameters,
    FlipPath,
    Network,
    NoiseParameters,
    NoiseString,
    SmtjParameters,
)
from netlists.build import SolverSettings, build_deck, noise_trace_names
from netlists.spice import format_for_library
from netlists.stimulus import EDGE, NO_STEPS, Stimulus
from sim.coupling import CoupledJunctions, CoupledString, CoupledStrings, _deck, draw_states
from sim.errors import SimulationError, UserError
from sim.libngspice import Driver, get_library

Array = NDArray[np.float64]
Pair = tuple[int, int]

# Without torque: 2 junctions with 2 laws of dwells and 1 occupancy. One junction: 2 laws, each
# against theory and against what it must not be. Two junctions, 3 strings: shares of time against
# both laws, 4 laws of stays and 4 next flips. Starts: 2 strings.
FAMILY = 2 * 3 + 2 * 2 + 3 * (2 + 4 + 4) + 2
THRESHOLD = tolerances.ALPHA / FAMILY

SAME_LAW = 1e-9
"""Rates of either side follow 12 k_B T of barrier from currents that are roots to 1e-12."""

SIMULATED = 2e-6
"""V; Newton's method ends within reltol of 0.3 to 1 V, mostly far closer."""

SAME_PATH = 1e-9
"""s; what is due within 1 ps is due now, and a path may pass it on to other junctions' flips."""

VIRTUAL_GROUND = 1e-6
"""Of a time: microvolts behind R_z move the junction's current by 1e-7 of itself."""

BENT_EDGE = 0.06
"""V_z follows the state along a slightly bent curve: resistors and the fall of the TMR."""

LONGEST_STEP = 10e-6  # s, of transients here

THERMAL = Boltzmann * (27.0 + zero_Celsius) / elementary_charge  # eV
BARRIER = 0.30  # eV; dwells of 0.1 ms


def balanced(at: float, critical: float, **changes: float) -> SmtjParameters:
    """A junction whose two states last equally long at a current, A."""
    return SmtjParameters(
        barrier_p=BARRIER / (1 - at / critical),
        barrier_ap=BARRIER / (1 + at / critical),
        critical_current=critical,
        **changes,
    )


def divider(*junctions: SmtjParameters, **noise: object) -> NoiseString:
    parameters = NoiseParameters.model_validate(
        {"n_mtj": len(junctions), "coupling": "two-way", **noise}
    )
    return CircuitParameters(noise=parameters).noise_string(junctions)


SINGLE = divider(balanced(30.5e-6, 80e-6))
PAIRS = {
    "equal series": divider(*[balanced(62e-6, 200e-6)] * 2, r_series=2e3, v_bias=1.0),
    "unequal series": divider(
        balanced(62e-6, 200e-6),
        balanced(62e-6, -300e-6, tmr=0.6, diameter=65e-9),  # mounted the other way round
        r_series=2e3,
        v_bias=1.0,
    ),
    "parallel": divider(
        *[balanced(70e-6, 250e-6)] * 2, r_series=20e3, v_bias=3.3, arrangement="parallel"
    ),
}


def coupled(string: NoiseString, seed: int, flips: int = 256) -> CoupledString:
    rngs = np.random.default_rng(seed).spawn(len(string.junctions))
    return CoupledString(string, rngs, flips=flips)


def dwells(path: FlipPath, stop: float, state: int) -> Array:
    start, flips = path.window(0.0, stop)
    return np.diff(flips)[(start + 1 + state) % 2 :: 2]


# --- without torque ----------------------------------------------------------------------------
@pytest.mark.parametrize("critical", [1.0, math.inf])
def test_without_torque_the_law_is_the_one_of_drawn_paths(critical: float) -> None:
    string = divider(SmtjParameters(barrier_p=0.31, barrier_ap=0.30, critical_current=critical))
    tau = string.dwell_times[0]
    stop = 27_000 * tau.sum()
    (path,) = coupled(string, 1).paths
    for state in (0, 1):
        found = dwells(path, stop, state)
        assert len(found) > 26_000  # over 1e5 dwells in both runs and states
        assert stats.kstest(found, stats.expon(scale=tau[state]).cdf).pvalue > THRESHOLD
    share = time_in_ap(path, stop)
    occupancy = tau[1] / tau.sum()
    # Variance of a time average: 2 p (1 - p) τ/T, with the correlation time τ.
    deviation = math.sqrt(2 * occupancy * (1 - occupancy) / (1 / tau).sum() / stop)
    assert 2 * stats.norm.sf(abs(share - occupancy) / deviation) > THRESHOLD


def time_in_ap(path: FlipPath, stop: float) -> float:
    start, flips = path.window(0.0, stop)
    return float(np.diff(np.array([0.0, *flips, stop]))[1 - start :: 2].sum() / stop)


# --- one junction under torque -----------------------------------------------------------------
def test_a_junction_dwells_as_the_current_in_its_state_wants() -> None:
    (junction,) = SINGLE.junctions
    currents = [SINGLE.currents(float(v), np.array([s]))[0] for s, v in enumerate(SINGLE.levels)]
    tau = [junction.dwell_time(s, 27.0, current) for s, current in enumerate(currents)]
    (path,) = coupled(SINGLE, 2).paths
    stop = 15_000 * sum(tau)
    for state in (0, 1):
        found = dwells(path, stop, state)
        assert stats.kstest(found, stats.expon(scale=tau[state]).cdf).pvalue > THRESHOLD
        # A law by the other state's current is 6 % off, and would be found out.
        other = junction.dwell_time(state, 27.0, currents[1 - state])
        assert stats.kstest(found, stats.expon(scale=other).cdf).pvalue < THRESHOLD


# --- two junctions -----------------------------------------------------------------------------
def rates_by_hand(string: NoiseString, states: Pair) -> tuple[float, float]:
    """Rates of either junction's flip, 1/s, from Kirchhoff's laws and the barriers written out."""
    p = string.parameters

    def through(drops: Array) -> Array:
        return np.array(
            [
                v / j.resistance(s, v)
                for j, s, v in zip(string.junctions, states, drops, strict=True)
            ]
        )

    def surplus(drops: Array) -> list[float]:
        i = through(drops)
        series = p.arrangement == "series"
        z = drops.sum() if series else drops[0]
        into = (p.v_bias - z) / p.r_series - z / p.r_inject
        rest = (
            [into - i[0], into - i[1]] if series else [into - i.sum(), (drops[0] - drops[1]) / 1e3]
        )
        return [1e6 * value for value in rest]

    solution = root(surplus, [0.4, 0.4], tol=1e-13)
    assert np.abs(solution.fun).max() < 1e-8  # µA
    rates = []
    for junction, state, current in zip(string.junctions, states, through(solution.x), strict=True):
        pull = current / junction.critical_current
        barrier = junction.barrier_ap * (1 + pull) if state else junction.barrier_p * (1 - pull)
        rates.append(math.exp(-barrier / THERMAL) / 1e-9)
    return rates[0], rates[1]


CONFIGURATIONS: list[Pair] = [(a, b) for a, b in product((0, 1), repeat=2)]


def generator(string: NoiseString) -> Array:
    """Of the chain of both junctions' states, 1/s, in the order of CONFIGURATIONS."""
    matrix = np.zeros((4, 4))
    for row, (a, b) in enumerate(CONFIGURATIONS):
        first, second = rates_by_hand(string, (a, b))
        matrix[row, CONFIGURATIONS.index((1 - a, b))] = first
        matrix[row, CONFIGURATIONS.index((a, 1 - b))] = second
        matrix[row, row] = -first - second
    return matrix


def stationary(matrix: Array) -> Array:
    vector = null_space(matrix.T)[:, 0]
    return vector / vector.sum()


def law_of(string: NoiseString) -> Array:
    """What `probabilities` says of CONFIGURATIONS."""
    states = np.array(CONFIGURATIONS, dtype=np.uint8)
    index = string.configuration(states)
    return string.probabilities[index] / np.bincount(index)[index]


@dataclass(frozen=True)
class Trajectory:
    """Both junctions' path: configuration and stay, one after the other."""

    configurations: NDArray[np.intp]
    stays: Array

    @property
    def shares(self) -> Array:
        return np.bincount(self.configurations, self.stays, 4) / self.stays.sum()


@pytest.fixture(scope="module", params=list(PAIRS))
def pair(request: pytest.FixtureRequest) -> tuple[NoiseString, Trajectory]:
    string = PAIRS[request.param]
    stop = 40_000 / string.flip_rate
    windows = [path.window(0.0, stop) for path in coupled(string, 3).paths]
    start = np.array([state for state, _ in windows])
    times = np.concatenate([flips for _, flips in windows])
    who = np.repeat([0, 1], [len(flips) for _, flips in windows])[np.argsort(times)]
    flipped = np.cumsum(np.vstack([[0, 0], np.eye(2, dtype=int)[who]]), axis=0)
    states = (start + flipped) % 2
    stays = np.diff(np.concatenate([[0.0], np.sort(times), [stop]]))
    return string, Trajectory(2 * states[:, 0] + states[:, 1], stays)


@pytest.mark.parametrize("name", PAIRS)
def test_the_closed_form_law_is_the_null_space_of_the_generator(name: str) -> None:
    string = PAIRS[name]
    np.testing.assert_allclose(law_of(string), stationary(generator(string)), rtol=SAME_LAW)


def wald(string: NoiseString, found: Trajectory, law: Array) -> float:
    """Chance of shares of time this far from a law, by the chain's own covariance of averages."""
    matrix = generator(string)
    own = stationary(matrix)
    ones = np.tile(own, (4, 1))
    rate = -np.trace(matrix)  # keeps the sum well conditioned
    deviation = (np.linalg.inv(ones - matrix / rate) - ones) / rate
    covariance = own[:, np.newaxis] * deviation
    covariance = (covariance + covariance.T) / found.stays.sum()
    off = (found.shares - law)[:3]
    return float(stats.chi2.sf(off @ np.linalg.solve(covariance[:3, :3], off), 3))


def test_time_in_each_configuration_is_the_stationary_law(
    pair: tuple[NoiseString, Trajectory],
) -> None:
    string, found = pair
    assert wald(string, found, law_of(string)) > THRESHOLD
    open_loop = string.parameters.model_copy(update={"coupling": "open-loop"})
    drawn = NoiseString(open_loop, string.junctions, string.temperature, string.r_feedback)
    assert wald(string, found, law_of(drawn)) < THRESHOLD


def test_stays_and_next_flips_are_the_chains(pair: tuple[NoiseString, Trajectory]) -> None:
    string, found = pair
    for row, states in enumerate(CONFIGURATIONS):
        first, second = rates_by_hand(string, states)
        at = np.flatnonzero(found.configurations[:-1] == row)  # the last stay is cut off
        law = stats.expon(scale=1 / (first + second))
        assert stats.kstest(found.stays[at], law.cdf).pvalue > THRESHOLD
        flipped_first = found.configurations[at + 1] // 2 != row // 2
        share = first / (first + second)
        assert stats.binomtest(int(flipped_first.sum()), len(at), share).pvalue > THRESHOLD


@pytest.mark.parametrize("name", ["equal series", "unequal series"])
def test_strings_start_in_the_stationary_law(name: str) -> None:
    string = PAIRS[name]
    rng = np.random.default_rng(4)
    starts = np.array([draw_states(string, rng) for _ in range(4000)])
    counts = np.bincount(2 * starts[:, 0].astype(int) + starts[:, 1], minlength=4)
    assert stats.chisquare(counts, 4000 * law_of(string)).pvalue > THRESHOLD


# --- the current is the simulated one ----------------------------------------------------------
def junctions_of(string: NoiseString, seed: int, *, free_steps: bool) -> CoupledJunctions:
    rngs = np.random.default_rng(seed).spawn(len(string.junctions))
    sources = [f"Vs{k}" for k in range(1, len(string.junctions) + 1)]
    states = [draw_states(string, rngs[0])]
    return CoupledJunctions([string], sources, ["z"], rngs, states, free_steps=free_steps)


def run_transient(deck: str, junctions: CoupledJunctions, stop: float) -> tuple[Array, Array]:
    library = get_library()
    library.load(deck)
    with library.drive(junctions):
        library.command(f"tran {LONGEST_STEP} {stop:.9g} 0 {LONGEST_STEP}")
    return library.vector("time"), library.vector("z")


@pytest.mark.parametrize("name", PAIRS)
def test_voltages_after_flips_are_the_levels_and_set_the_rates(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    string = PAIRS[name]
    leave_rates = NoiseString.leave_rates
    used = []

    def spy(self: NoiseString, states: NDArray[np.uint8], voltage: float) -> Array:
        used.append((int(self.configuration(states)), voltage))
        return leave_rates(self, states, voltage)

    levels, stop = string.levels, 300 / string.flip_rate
    junctions = junctions_of(string, 5, free_steps=True)
    monkeypatch.setattr(NoiseString, "leave_rates", spy)
    time, z = run_transient(format_for_library(_deck(string, SolverSettings())), junctions, stop)
    flips = np.sort(np.concatenate(junctions.finish(stop)))
    assert len(flips) > 200
    assert len(time) < 3 * len(flips)
    # Points stand at the start and at the end of every edge.
    for corner in (flips[:-1], flips[:-1] + EDGE):
        assert np.abs(time[:, np.newaxis] - corner).min(axis=0).max() < tolerances.FEMTOSECOND
    assert {configuration for configuration, _ in used} == set(range(len(levels)))
    for configuration, voltage in used:
        assert voltage == pytest.approx(levels[configuration], abs=SIMULATED)
        assert voltage in z


def test_a_deck_of_another_current_has_another_law() -> None:
    string = PAIRS["parallel"]
    deck = format_for_library(_deck(string, SolverSettings()))
    loaded = deck.replace("\n.options", "\nRload z 0 2k\n.options")
    shares = []
    for text in (deck, loaded):
        junctions = junctions_of(string, 6, free_steps=True)
        time, z = run_transient(text, junctions, 1000 / string.flip_rate)
        shares.append(float(np.diff(time) @ (z[1:] / z.max() > 0.9) / time[-1]))
    # Less current favours P: AP-AP, of the highest voltage, gets rare.
    assert shares[1] < shares[0] / 2


def test_a_deck_with_charge_takes_ngspices_steps_and_has_the_same_flips() -> None:
    string = PAIRS["unequal series"]
    stop = 100 / string.flip_rate
    free, stepped = (junctions_of(string, 7, free_steps=free) for free in (True, False))
    deck = format_for_library(_deck(string, SolverSettings()))
    run_transient(deck, free, stop)
    # A filter of an edge's time constant, which does not load the string.
    filtered = "\nEfollow y 0 z 0 1\nRfilter y x 1k\nCfilter x 0 10p\n.save v(x)\n.options"
    time, z = run_transient(deck.replace("\n.options", filtered), stepped, stop)
    x = get_library().vector("x")
    assert np.diff(time).max() < 1.001 * LONGEST_STEP
    flips = stepped.finish(stop)
    for one, other in zip(free.finish(stop), flips, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=SAME_PATH)
    assert x[-1] == pytest.approx(z[-1], abs=tolerances.OPERATING_POINT)
    # It has come 1/e of the way at the end of an edge: after a jump it would be 1 − 1/e.
    for flip in np.concatenate(flips)[:-1]:
        before, after = np.abs(time[:, np.newaxis] - [flip, flip + EDGE]).argmin(axis=0)
        way = (x[after] - z[before]) / (z[after] - z[before])
        assert way == pytest.approx(1 / math.e, abs=BENT_EDGE)


def test_junctions_in_a_whole_network_flip_as_in_their_strings_alone() -> None:
    circuit = CircuitParameters(noise=SINGLE.parameters, smtj=SINGLE.junctions[0])
    network = Network((2, 2, 1))
    weights = np.random.default_rng(14)
    pairs = [
        circuit.synapse.program(weights.normal(0, 1, network.synapse_shape(k))) for k in (1, 2)
    ]
    stop = 15 / SINGLE.flip_rate
    still = Stimulus(stop, np.array([0.3, -0.5]), np.zeros(3), (NO_STEPS,) * 3)
    dividers = noise_trace_names(network, circuit.noise)
    deck = build_deck(network, circuit, pairs, [("sample", still)], traces=dividers)
    driven = re.sub(r"(?m)^(Vs\d_\d s\d_\d 0) DC.*$", r"\1 external", format_for_library(deck))
    sources = re.findall(r"(?m)^(Vs\d_\d) .* external$", driven)
    rngs = np.random.default_rng(15).spawn(3)
    states = [draw_states(SINGLE, rng) for rng in rngs]
    junctions = CoupledJunctions([SINGLE] * 3, sources, dividers, rngs, states)
    library = get_library()
    library.load(driven)
    with library.drive(junctions):
        library.command(f"tran 20u {stop:.9g} 0 20u")
    alone = CoupledStrings([SINGLE] * 3, np.random.default_rng(15).spawn(3)).paths
    for found, path in zip(junctions.finish(stop), alone, strict=True):
        assert len(found) > 5
        np.testing.assert_allclose(found, path.window(0.0, stop)[1], rtol=VIRTUAL_GROUND)


# --- paths -------------------------------------------------------------------------------------
def read(paths: Sequence[FlipPath], cuts: Sequence[float]) -> list[Array]:
    pieces: list[list[Array]] = [[] for _ in paths]
    for low, high in pairwise(cuts):
        for path, found in zip(paths, pieces, strict=True):
            found.append(path.window(low, high)[1])
    return [np.concatenate(found) for found in pieces]


def test_a_path_is_its_seeds_and_not_its_windows_or_chunks() -> None:
    string = PAIRS["unequal series"]
    stop = 1500 / string.flip_rate
    whole = read(coupled(string, 8).paths, [0.0, stop])
    cuts = [0.0, *np.sort(np.random.default_rng(0).uniform(0, stop, 40)).tolist(), stop]
    for again, cut in zip(whole, read(coupled(string, 8).paths, cuts), strict=True):
        np.testing.assert_array_equal(again, cut)
    backwards = read(coupled(string, 8).paths[::-1], cuts)[::-1]
    for again, cut in zip(whole, backwards, strict=True):
        np.testing.assert_array_equal(again, cut)
    for again, cut in zip(whole, read(coupled(string, 8, 7).paths, [0.0, stop]), strict=True):
        np.testing.assert_allclose(again, cut, rtol=0, atol=SAME_PATH)
    other = read(coupled(string, 9).paths, [0.0, stop])
    assert len(other[0]) != len(whole[0])


def test_strings_share_the_library_with_others_and_with_each_other() -> None:
    strings = [SINGLE, PAIRS["unequal series"]]
    stop = 2000 / PAIRS["unequal series"].flip_rate
    seeds = np.random.default_rng(10).spawn(3)
    alone = read(coupled_alone(strings, seeds), [0.0, stop])
    paths = CoupledStrings(strings, np.random.default_rng(10).spawn(3)).paths
    pieces: list[list[Array]] = [[], [], []]
    library = get_library()
    for low, high in pairwise(np.linspace(0.0, stop, 9).tolist()):
        for path, found in zip(paths, pieces, strict=True):
            found.append(path.window(low, high)[1])
            library.load("* other\nV1 a 0 1\nR1 a 0 1k\n.end\n")
            library.command("tran 1u 10u")
            assert library.latest("a") == 1.0
    for one, found in zip(alone, pieces, strict=True):
        np.testing.assert_array_equal(one, np.concatenate(found))


def coupled_alone(
    strings: Sequence[NoiseString], rngs: Sequence[np.random.Generator]
) -> list[FlipPath]:
    """Paths of each string as if it were the only one."""
    paths: list[FlipPath] = []
    for string in strings:
        own = rngs[len(paths) : len(paths) + len(string.junctions)]
        paths += CoupledStrings([string], own).paths
    return paths


@pytest.mark.parametrize(("barrier", "flips"), [(0.6, 421), (2.0, 0)])
def test_slow_junctions_have_paths_too(barrier: float, flips: int) -> None:
    (path,) = coupled(divider(SmtjParameters(barrier_p=barrier, barrier_ap=barrier)), 16).paths
    _, found = path.window(0.0, 5000.0)  # of dwells of 12 s, and of 1e24 s
    assert abs(len(found) - flips) < 4 * math.sqrt(flips) + 1


# --- failures ----------------------------------------------------------------------------------
LINE = (
    r"circuit\.noise\.coupling: a current of .*A passes the junction's critical current of .*A, "
    r"where a state is lost; lower circuit\.noise\.v_bias, raise "
    r"circuit\.noise\.r_series, or give circuit\.smtj a larger critical_current"
)


def test_past_the_critical_current_one_line_says_what_to_change() -> None:
    string = divider(SmtjParameters(critical_current=30e-6))
    with pytest.raises(UserError, match=f"^{LINE}$"):
        coupled(string, 11)


def test_past_the_critical_current_in_a_run_the_line_comes_out_of_the_command() -> None:
    string = PAIRS["parallel"]
    deck = format_for_library(_deck(string, SolverSettings()))
    overdriven = deck.replace(".param V_B=3.3", ".param V_B=20")
    with pytest.raises(UserError, match=f"^{LINE}$"):
        run_transient(overdriven, junctions_of(string, 12, free_steps=True), 1e-3)
    assert len(read(coupled(string, 13).paths, [0.0, 0.01])[0]) > 5  # ngspice goes on


class Faulty:
    """A driver that breaks down at a time."""

    def __init__(self, where: str, at: float) -> None:
        self._where = where
        self._at = at
        self.asked = 0

    def voltage(self, name: str, time: float) -> float:
        assert name == "vs"
        self.asked += 1
        return self._maybe("voltage", time, 1.0)

    def next_step(self, time: float, proposed: float) -> float:
        return self._maybe("step", time, proposed)

    def _maybe(self, where: str, time: float, value: float) -> float:
        if where == self._where and time >= self._at:
            raise ZeroDivisionError(f"{where} at {time:g}")
        return value


EXTERNAL = "* external\nVs a 0 external\nR1 a b 1k\nC1 b 0 1n\n.end\n"


@pytest.mark.parametrize("where", ["voltage", "step"])
@pytest.mark.parametrize("at", [0.0, 1e-3])
def test_a_drivers_error_stops_the_run_and_comes_out_of_the_command(where: str, at: float) -> None:
    library = get_library()
    library.load(EXTERNAL)
    faulty: Driver = Faulty(where, at)
    with (
        library.drive(faulty),
        pytest.raises(ZeroDivisionError, match=f"{where} at {at:g}"),
    ):
        library.command("tran 1u 10 0 1u")  # ten million points, were it not stopped
    sound = Faulty("nowhere", 0.0)
    with library.drive(sound):
        library.command("tran 1u 1m 0 1u")
    assert sound.asked > 2000
    assert library.latest("b") == pytest.approx(1.0, abs=tolerances.OPERATING_POINT)


def test_an_external_source_that_nobody_drives_is_an_error() -> None:
    library = get_library()
    library.load(EXTERNAL)
    with pytest.raises(SimulationError, match=r"^ngspice: nobody drives the external source vs$"):
        library.command("op")
    library.load("* other\nV1 a 0 1\nR1 a 0 1k\n.end\n")
    library.command("op")
    assert library.latest("a") == 1.0


# --- what the library reads --------------------------------------------------------------------
def test_complex_results_have_both_parts() -> None:
    library = get_library()
    library.load("* ac\nV1 a 0 dc 0 ac 1\nR1 a b 1k\nC1 b 0 1n\n.end\n")
    library.command("ac dec 10 1k 10meg")
    frequency = library.complex_vector("frequency").real
    wanted = 1 / (1 + 2j * np.pi * frequency * 1e-6)
    np.testing.assert_allclose(library.complex_vector("b"), wanted, rtol=tolerances.ROOT)
    with pytest.raises(SimulationError, match=r"^ngspice's result b is complex$"):
        library.vector("b")
    with pytest.raises(SimulationError, match=r"^ngspice has no result nosuch$"):
        library.latest("nosuch")

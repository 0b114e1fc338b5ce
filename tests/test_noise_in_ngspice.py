"""The laws of noise strings, measured on ngspice's waveforms.

Paths drawn elsewhere in the tests obey the laws already. Here they go through ngspice: a string in
its divider, loaded by R_z, is solved over some ten thousand flips, and levels, dwells, occupancy,
rate and correlation are read off the divider's voltage alone.
"""

import functools
from dataclasses import dataclass

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import expm

from circuits import CircuitParameters, NoiseParameters, NoiseString, SmtjParameters, Telegraph
from netlists import cells
from netlists.build import SolverSettings
from netlists.deck import Deck, Transient
from netlists.elements import Resistor, StateTable, VoltageSource
from netlists.spice import format_for_library
from netlists.stimulus import EDGE, Steps, Stimulus, state_table
from sim.libngspice import get_library
from sim.noise.analysis import analyse

Array = NDArray[np.float64]

FLIPS = 12_000
"""Of each string, in the mean: 1.2e5 in the file, each some 18 time points."""

LONGEST_STEP = 100e-6
"""s, against which steps between flips never come up: dwells are some 20 µs."""

LEVEL = 2e-6
"""V. reltol 1e-6 on 0.2 to 1 V, once or twice."""

PLATEAU = 1e-7
"""V between two time points. An edge moves a divider by millivolts in 10 ns or less."""

SAMPLE = 0.5e-6
"""s between samples: a twentieth of a correlation time."""

BLOCKS = 40
"""Averaged apart for the error of a correlation; each is hundreds of correlation times long."""

SINGLE_JUNCTIONS = 0.005
"""Of a correlation of 1. The closed form takes each junction's swing about the others' mean; what
junctions do together, as dividers are not linear, forgets faster: 0.003 for three in parallel."""


@dataclass(frozen=True)
class Case:
    """A string: how many junctions, how arranged, how unlike."""

    n_mtj: int
    arrangement: str
    spread: float

    @property
    def seed(self) -> int:
        """One a case."""
        return 100 * self.n_mtj + 10 * (self.arrangement == "parallel") + (self.spread > 0)

    @property
    def configurations(self) -> int:
        """Levels that the voltage has."""
        return 2**self.n_mtj if self.spread else self.n_mtj + 1


CASES = [
    Case(1, "series", 0.0),
    Case(1, "series", 0.1),
    *(
        Case(n, arrangement, spread)
        for n in (2, 3)
        for arrangement in ("series", "parallel")
        for spread in (0.0, 0.1)
    ),
]
LAGS = (0.3, 1.0, 2.0)  # correlation times
UNEQUAL = [case for case in CASES if case.spread and case.n_mtj > 1]
P_VALUES = (
    sum(case.configurations for case in CASES)  # dwells in each configuration
    + sum(2 * case.n_mtj for case in UNEQUAL)  # dwells of single junctions
    + len(CASES) * (1 + 1 + len(LAGS))  # occupancy, rate, correlation
)
ALPHA = tolerances.ALPHA / P_VALUES

each_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.n_mtj}-{c.arrangement}-{'unequal' if c.spread else 'equal'}"
)


@dataclass(frozen=True)
class Waveform:
    """What ngspice made of a string.

    Attributes:
        string: closed forms.
        duration: s.
        drawn: flips that went in.
        time: s, shape (T,).
        voltage: V_z, V, shape (T,).
        starts: of each stay at a level, s, shape (K,).
        stays: configuration of each, shape (K,).
    """

    string: NoiseString
    duration: float
    drawn: int
    time: Array
    voltage: Array
    starts: Array
    stays: NDArray[np.intp]

    def dwells(self) -> tuple[NDArray[np.intp], Array]:
        """Configuration and length, s, of every stay that began and ended within the run."""
        return self.stays[1:-1], np.diff(self.starts[1:])

    def flips(self) -> int:
        """Junctions that flipped; two within one edge count as two."""
        states = self.string.configurations[self.stays].astype(np.int8)
        if self.string.equal:
            return int(np.abs(np.diff(states.sum(axis=1))).sum())
        return int(np.abs(np.diff(states, axis=0)).sum())

    def sampled(self, step: float) -> Array:
        """V_z at equal steps of `step` s, V."""
        return np.interp(np.arange(step, self.duration, step), self.time, self.voltage)

    @property
    def memory(self) -> float:
        """Correlation time of the slowest junction, s."""
        return float((1 / (1 / self.string.dwell_times).sum(axis=1)).max())


def string_of(case: Case) -> tuple[CircuitParameters, NoiseString]:
    """Some 16 µs in P and 23 µs in AP; junctions unlike in all that can differ."""
    circuit = CircuitParameters(
        noise=NoiseParameters.model_validate(
            {"n_mtj": case.n_mtj, "arrangement": case.arrangement, "r_series": 30e3}
        ),
        smtj=SmtjParameters(
            barrier_p=0.25,
            barrier_ap=0.26,
            spread_resistance=case.spread,
            spread_tmr=case.spread,
            spread_barrier=case.spread / 4,
        ),
    )
    if not case.spread:
        return circuit, circuit.noise_string()
    rng = np.random.default_rng(case.seed)
    junctions = tuple(circuit.smtj.draw(rng) for _ in range(case.n_mtj))
    return circuit, NoiseString(
        circuit.noise, junctions, circuit.temperature, circuit.synapse.r_feedback
    )


def drawn_states(string: NoiseString, duration: float, seed: int) -> Stimulus:
    dwells = [(float(p), float(ap)) for p, ap in string.dwell_times]
    rngs = np.random.default_rng(seed).spawn(len(dwells))
    windows = [
        Telegraph(dwell, rng).window(0.0, duration) for dwell, rng in zip(dwells, rngs, strict=True)
    ]
    steps = tuple(
        Steps(flips, np.asarray((state + 1.0 + np.arange(len(flips))) % 2, dtype=np.float64))
        for state, flips in windows
    )
    states = np.array([float(state) for state, _ in windows])
    return Stimulus(duration, np.zeros(0), states, steps)


def divider_deck(circuit: CircuitParameters, string: NoiseString, duration: float) -> Deck:
    """A string in its divider, with R_z to ground as the summing node has it."""
    nodes = tuple(f"s{k}" for k in range(1, len(string.junctions) + 1))
    return Deck(
        title=("a noise string in its divider",),
        parameters=cells.cell_parameters(circuit),
        models=(),
        subcircuits=(
            cells.smtj_cell(unequal=True),
            cells.noise_string_cell(circuit.noise, unequal=True),
        ),
        elements=(
            VoltageSource("b", "vb", "0", "V_B"),
            cells.noise_string("string", "z", nodes, string, unequal=True),
            Resistor("z", "z", "0", "R_Z"),
            StateTable("states", nodes, "states.txt", EDGE),
        ),
        options=SolverSettings(reltol=1e-6).options(circuit.temperature),
        probes=("z",),
        currents=(),
        analysis=Transient(duration, LONGEST_STEP, ()),
    )


@pytest.fixture(scope="module")
def simulate(tmp_path_factory: pytest.TempPathFactory):  # noqa: ANN201  # a cached function
    """Solve a case in ngspice, once."""
    folder = tmp_path_factory.mktemp("states")

    @functools.cache
    def run(case: Case) -> Waveform:
        circuit, string = string_of(case)
        duration = FLIPS / string.flip_rate
        stimulus = drawn_states(string, duration, case.seed)
        (folder / "states.txt").write_text(state_table([stimulus]))
        library = get_library()
        library.load(format_for_library(divider_deck(circuit, string, duration)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NGSPICE_INPUT_DIR", str(folder))
            library.command(f"tran {LONGEST_STEP:g} {duration:.15g} 0 {LONGEST_STEP:g}")
        time, voltage = library.vector("time"), library.vector("z")
        library.command("destroy all")
        drawn = sum(len(steps.times) for steps in stimulus.steps)
        return Waveform(string, duration, drawn, time, voltage, *stays(time, voltage, string))

    return run


def nearest(voltage: Array, string: NoiseString) -> NDArray[np.intp]:
    """Configuration whose level is nearest to each voltage."""
    order = np.argsort(string.levels)
    levels = string.levels[order]
    return order[np.searchsorted((levels[1:] + levels[:-1]) / 2, voltage)]


def stays(time: Array, voltage: Array, string: NoiseString) -> tuple[Array, NDArray[np.intp]]:
    """Stays at a level: when each begins and which configuration it is.

    An edge passes other levels on its way, so only where the voltage rests is it looked at.
    """
    resting = np.flatnonzero(np.abs(np.diff(voltage)) < PLATEAU)
    found = nearest(voltage[resting], string)
    new = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
    return time[resting[new]], found[new]


@each_case
def test_the_voltage_rests_at_the_closed_forms_levels(case: Case, simulate) -> None:  # noqa: ANN001
    wave = simulate(case)
    string = wave.string
    assert len(string.levels) == case.configurations
    samples = wave.sampled(SAMPLE)
    configuration = nearest(samples, string)
    off = np.abs(samples - string.levels[configuration])
    # Samples inside of an edge are between levels.
    moving = string.flip_rate * EDGE
    assert np.mean(off > LEVEL) < 2 * moving + 5 / len(samples)
    assert set(configuration[off <= LEVEL].tolist()) == set(range(case.configurations))
    assert np.diff(np.sort(string.levels)).min() > 100 * LEVEL


@each_case
def test_the_analysis_of_the_waveform_finds_these_levels(case: Case, simulate) -> None:  # noqa: ANN001
    wave = simulate(case)
    report = analyse(wave.sampled(SAMPLE), SAMPLE)
    found = [level.voltage for level in report.levels]
    np.testing.assert_allclose(found, np.sort(wave.string.levels), rtol=0, atol=1e-4)
    weights = [level.weight for level in report.levels]
    order = np.argsort(wave.string.levels)
    np.testing.assert_allclose(weights, wave.string.probabilities[order], rtol=0, atol=0.03)


@each_case
def test_stays_at_a_level_are_exponential(case: Case, simulate) -> None:  # noqa: ANN001
    """A configuration is left at the sum of its junctions' rates."""
    wave = simulate(case)
    string = wave.string
    configuration, dwell = wave.dwells()
    for k, states in enumerate(string.configurations):
        mean = 1 / string.leave_rates(states, 0.0).sum()
        found = dwell[configuration == k]
        assert len(found) > 300
        assert stats.kstest(found, stats.expon(scale=mean).cdf).pvalue > ALPHA, (k, mean)


@pytest.mark.parametrize("case", UNEQUAL)
def test_dwells_of_single_junctions_are_exponential(case: Case, simulate) -> None:  # noqa: ANN001
    """Levels of unequal junctions say which of them flipped."""
    wave = simulate(case)
    for k, means in enumerate(wave.string.dwell_times):
        state = wave.string.configurations[wave.stays, k]
        new = np.flatnonzero(np.append(1, state[1:] != state[:-1]))
        dwells = np.diff(wave.starts[new])[1:]
        left = state[new][1:-1]
        for s, mean in enumerate(means):
            found = dwells[left == s]
            assert len(found) > 1000
            assert stats.kstest(found, stats.expon(scale=mean).cdf).pvalue > ALPHA, (k, s, mean)


@each_case
def test_configurations_are_taken_as_often_as_the_closed_form_says(
    case: Case,
    simulate,  # noqa: ANN001
) -> None:
    """Samples ten correlation times apart are independent to e^-10."""
    wave = simulate(case)
    samples = wave.sampled(10 * wave.memory)
    counts = np.bincount(nearest(samples, wave.string), minlength=case.configurations)
    expected = wave.string.probabilities * len(samples)
    assert expected.min() > 20
    assert stats.chisquare(counts, expected).pvalue > ALPHA


@each_case
def test_flips_come_at_the_closed_forms_rate(case: Case, simulate) -> None:  # noqa: ANN001
    """Of each junction, two flips a cycle of mean τ_P + τ_AP and variance τ_P² + τ_AP².

    A renewal process of cycles has a count of variance T·var/mean³ (D. R. Cox, Renewal Theory,
    1962, §3.3), flips four times that; for equal dwells it is Poisson's T/τ.
    """
    wave = simulate(case)
    dwell = wave.string.dwell_times
    mean = wave.string.flip_rate * wave.duration
    variance = 4 * wave.duration * ((dwell**2).sum(axis=1) / dwell.sum(axis=1) ** 3).sum()
    score = (wave.flips() - mean) / np.sqrt(variance)
    assert 2 * stats.norm.sf(abs(score)) > ALPHA
    # Flips of one junction within an edge are one or none, all others are there.
    lost = wave.drawn - wave.flips()
    within = 2 * wave.duration * EDGE * (2 / dwell.sum(axis=1) / dwell.mean(axis=1)).sum()
    assert 0 <= lost < within + 5 * np.sqrt(within) + 5


@each_case
def test_the_voltage_forgets_as_the_closed_form_says(case: Case, simulate) -> None:  # noqa: ANN001
    wave = simulate(case)
    string = wave.string
    assert BLOCKS * 50 * wave.memory < wave.duration
    samples = wave.sampled(SAMPLE)
    centred = samples - string.mean_voltage
    variance = float(string.probabilities @ (string.levels - string.mean_voltage) ** 2)
    for share in LAGS:
        steps = round(share * wave.memory / SAMPLE)
        products = centred[:-steps] * centred[steps:] / variance
        blocks = [float(block.mean()) for block in np.array_split(products, BLOCKS)]
        exact = exact_correlation(string, steps * SAMPLE)
        score = (np.mean(blocks) - exact) / (np.std(blocks, ddof=1) / np.sqrt(BLOCKS))
        assert 2 * stats.t.sf(abs(score), BLOCKS - 1) > ALPHA
        assert string.correlation(steps * SAMPLE) == pytest.approx(exact, abs=SINGLE_JUNCTIONS)


def exact_correlation(string: NoiseString, lag: float) -> float:
    """By the generator of the Markov chain of configurations: `v π e^(Qt) v`, about the mean."""
    rates = string.rates.toarray()
    generator = rates - np.diag(rates.sum(axis=1))
    v = string.levels - string.mean_voltage
    weighted = string.probabilities * v
    return float(weighted @ expm(generator * lag) @ v / (weighted @ v))

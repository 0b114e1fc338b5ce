"""Every noise source through the schedule: its statistics, its order, and what the circuit meets.

Draws are held against the closed forms, the paper's reading order written as loops, the chain's
samples on a time axis, and the simulated circuit against the twin.
"""

import math
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import tolerances
from conftest import Weights, assert_same
from numpy.typing import NDArray
from scipy import stats

from circuits import CircuitParameters, Network, NoiseString
from circuits.noise import SourceKind
from circuits.sampled import HiddenMarkovChain
from netlists.build import SolverSettings
from sim.clock import Clock, Fidelity
from sim.engine import Readout
from sim.engines import IdealEngine, NgspiceEngine
from sim.errors import UserError
from sim.passes import Passes, join_passes, pass_stimulus
from sim.preparation import set_up
from sim.schedule import NoiseSchedule, open_schedule
from sim.settings import load_config
from sim.sources import NodeNoise, NoiseSource, node_sigma, open_recording, open_source

Array = NDArray[np.float64]

NETWORK = Network((2, 3, 2))
SOURCES: tuple[SourceKind, ...] = get_args(SourceKind)
DRAWN: tuple[SourceKind, ...] = tuple(kind for kind in SOURCES if kind != "measured")
FIDELITIES: tuple[Fidelity, ...] = ("full", "aperture", "op")
T_PASS, T_APERTURE = 60e-6, 35e-6
BATCH, PAIRS = 2, 10_000
SAMPLES = 2 * PAIRS * NETWORK.neurons  # at the nodes; as many as the recording holds

# A source's nodes: mean, square, share above the mean, both passes; and pairs of nodes. Then the
# levels of strings, pairs of passes on a chain, and three distributions.
FAMILY = len(SOURCES) * (4 * NETWORK.neurons + 10) + 4 * NETWORK.neurons + 3
THRESHOLD = tolerances.ALPHA / FAMILY

EXACT = 1e-12
"""V. Sums of 1e5 doubles of millivolts, and a scale of the same size taken in another order."""

READ_BACK = 1e-18
"""V. One product of doubles of millivolts, taken in another order."""

PRINTED = 1e-4
"""5.7126 mV has five digits."""

AGES = 1e-15
"""s. Differences of times below a second, in doubles."""

# No two numbers here are the same by chance.
SETTINGS: dict[str, dict[str, object]] = {
    "string": {"n_mtj": 2, "arrangement": "parallel"},
    "measured": {"measured": {"scale": 0.2}},
    "hmm": {"hmm": {"flip_up": 0.1, "flip_down": 0.25, "scale": 1.3}},
    "bernoulli": {"bernoulli": {"skew": 0.2, "offset": -0.1}},
    "binomial": {"binomial": {"skew": -0.1, "n_sources": 5}},
    "gaussian": {"gaussian": {"sigma": "4 mV"}},
}


def circuit(kind: SourceKind, **more: object) -> CircuitParameters:
    return CircuitParameters.model_validate(
        {
            "noise": {"source": kind, "r_inject": "300k", **SETTINGS[kind], **more},
            "synapse": {"r_feedback": "50k", "r_min": "5k"},
            # 34 and 50 µs, so that a pass's noise still knows the one before.
            "smtj": {
                "barrier_p": 0.27,
                "barrier_ap": 0.28,
                "spread_resistance": 0.1,
                "spread_barrier": 0.01,
            },
        }
    )


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> str:
    """1e5 samples, each 0.8 of the one before and noise, about a mean of 40 mV."""
    path = tmp_path_factory.mktemp("recording") / "series.npy"
    fresh = np.random.default_rng(1).exponential(5e-3, SAMPLES).tolist()
    value, values = 25e-3, []
    for step in fresh:
        value = 0.8 * value + step
        values.append(value)
    np.save(path, np.array(values) + 15e-3)
    return str(path)


def with_file(kind: SourceKind, file: str) -> CircuitParameters:
    if kind != "measured":
        return circuit(kind)
    return circuit(kind, measured={"file": file, "scale": 0.2, "sample_time": "25u"})


def devices(c: CircuitParameters, network: Network = NETWORK) -> tuple[NoiseString, ...]:
    return c.noise_strings(network.neurons, np.random.default_rng(17))


def schedule(
    c: CircuitParameters, fidelity: Fidelity = "op", *, silent: bool = False
) -> NoiseSchedule:
    clock = Clock(T_PASS, T_APERTURE, fidelity)
    rng = np.random.default_rng(23)
    return open_schedule(NETWORK, c, clock, rng, strings=devices(c), silent=silent)


def law(c: CircuitParameters) -> tuple[NodeNoise, ...]:
    clock = Clock(T_PASS, T_APERTURE, "op")
    source: NoiseSource = open_source(
        NETWORK, c, clock, np.random.default_rng(23), strings=devices(c)
    )
    return source.nodes(BATCH)


def inputs(count: int) -> Array:
    return np.random.default_rng(0).uniform(-1, 1, (count, NETWORK.layers[0]))


# --- statistics --------------------------------------------------------------------------------


@cache
def noise_of(kind: SourceKind, file: str) -> Array:
    """ν of `PAIRS` pairs in batches of `BATCH`, shape (pairs, 2, neurons)."""
    drawn = schedule(with_file(kind, file))
    parts = [drawn.draw(inputs(BATCH)).noise for _ in range(PAIRS // BATCH)]
    return np.concatenate(parts).reshape(PAIRS, 2, NETWORK.neurons)


def mean_of(kind: SourceKind) -> float:
    """E[ν], V: sources of coins have the one that is asked for, n · distance · (skew + offset)."""
    return {"bernoulli": 11.8632308e-3 * 0.1, "binomial": 5 * 11.8632308e-3 * -0.1}.get(kind, 0.0)


def assert_mean(values: Array, wanted: Array | float) -> None:
    """Means over passes, (P, …), by Student's t over 200 blocks, far longer than any memory."""
    blocks = values.reshape(200, -1, *values.shape[1:]).mean(axis=1)
    t = (blocks.mean(axis=0) - wanted) / (blocks.std(axis=0, ddof=1) / math.sqrt(200))
    assert 2 * stats.t.sf(np.abs(t).max(), 199) > THRESHOLD


@pytest.mark.parametrize("kind", SOURCES)
def test_moments_occupancy_and_correlation_are_those_of_the_nodes_law(
    kind: SourceKind, recording: str
) -> None:
    c = with_file(kind, recording)
    nodes = law(c)
    assert len(nodes) == NETWORK.neurons
    about = noise_of(kind, recording) - mean_of(kind)
    assert about.size >= 1e5
    flat = about.reshape(-1, NETWORK.neurons)
    sigma = np.array([node.sigma for node in nodes])
    assert_mean(flat, 0.0)
    assert_mean((flat / sigma) ** 2, 1.0)
    occupancy = np.array([node.occupancy for node in nodes])
    if kind == "string":
        assert occupancy == pytest.approx([s.occupancies.mean() for s in devices(c)])
    elif np.isfinite(occupancy).all():
        assert_mean((flat > 0).astype(np.float64), occupancy)
    assert np.isnan(occupancy).all() == (kind in {"binomial", "gaussian"})
    both = about[:, 0] * about[:, 1] / sigma**2
    assert_mean(both, np.array([node.correlation for node in nodes]))
    pairs = [flat[:, i] * flat[:, j] / sigma[i] / sigma[j] for i, j in combinations(range(5), 2)]
    if kind != "measured":  # one tape feeds all nodes
        assert_mean(np.stack(pairs, axis=1), 0.0)
    # Passes of strings, chains and tapes know of one another here, those of coins do not.
    remembers = kind in {"string", "hmm", "measured"}
    assert all((abs(node.correlation) > 0.03) == remembers for node in nodes)


@pytest.mark.parametrize("kind", SOURCES)
def test_sigma_as_designed_is_the_drawn_noises(kind: SourceKind, recording: str) -> None:
    c = with_file(kind, recording)
    designed = node_sigma(c)
    spread = 0.2 if kind == "string" else 1e-12
    for node in law(c):
        assert node.sigma == pytest.approx(designed, rel=spread)


@pytest.mark.parametrize("kind", ["string", "bernoulli", "binomial"])
def test_noise_takes_the_levels_of_the_nodes_law_and_no_others(
    kind: SourceKind, recording: str
) -> None:
    nodes = law(with_file(kind, recording))
    drawn = noise_of(kind, recording).reshape(-1, NETWORK.neurons)
    for node, column in zip(nodes, drawn.T, strict=True):
        np.testing.assert_array_equal(np.unique(column), node.levels)
    assert [len(node.levels) for node in nodes] == [{"string": 4, "bernoulli": 2}.get(kind, 6)] * 5


def test_levels_of_a_chain_are_those_beneath_its_noise(recording: str) -> None:
    """1.3 · (mean ± …): occupancy 2/7 of a step of 11.86 mV, and 0.908 mV of noise."""
    nodes, step = law(circuit("hmm")), 1.3 * 11.8632308e-3
    for node in nodes:
        np.testing.assert_allclose(node.levels, [-step * 2 / 7, step * 5 / 7], rtol=1e-9)
    flat = noise_of("hmm", recording).ravel()
    nearest = np.array(nodes[0].levels)[(flat > step * 1.5 / 7).astype(int)]
    z = (flat - nearest) / (1.3 * 0.90841466e-3)
    # Noise is fresh in every sample: 1e5 that lie on no instant twice.
    assert stats.kstest(z, stats.norm.cdf).pvalue > THRESHOLD


def test_gaussian_nodes_are_gaussian_and_the_binomials_levels_binomial(recording: str) -> None:
    flat = noise_of("gaussian", recording).ravel()
    assert stats.kstest(flat, stats.norm(scale=4e-3).cdf).pvalue > THRESHOLD
    counts = np.unique(noise_of("binomial", recording), return_counts=True)[1]
    expected = stats.binom.pmf(np.arange(6), 5, 0.4) * counts.sum()
    assert stats.chisquare(counts, expected).pvalue > THRESHOLD


def test_levels_of_strings_come_as_often_as_their_states(recording: str) -> None:
    drawn = noise_of("string", recording).reshape(-1, NETWORK.neurons)
    for string, column in zip(devices(circuit("string")), drawn.T, strict=True):
        rare_first = np.argsort(string.probabilities)[:3]  # the fourth share follows
        shares = column[:, np.newaxis] == string.node_levels[rare_first]
        assert_mean(shares.astype(np.float64), string.probabilities[rare_first])


def test_a_whole_recording_has_its_mean_and_sigma(recording: str) -> None:
    series = np.load(recording)
    noise = noise_of("measured", recording)
    assert noise.mean() == pytest.approx(0.0, abs=EXACT)
    assert noise.std() == pytest.approx(0.2 * series.std(), abs=EXACT)
    assert node_sigma(with_file("measured", recording)) == pytest.approx(
        0.2 * series.std(), abs=EXACT
    )
    occupancy = {node.occupancy for node in law(with_file("measured", recording))}
    assert occupancy == {float((series > series.mean()).mean())}


def test_a_pair_on_one_sample_of_the_chain_is_correlated_wholly() -> None:
    """Passes of 10 µs by samples of 25 µs: pairs share a sample, or straddle its end."""
    c = circuit("hmm", hmm={"observation_noise": "5m"})  # as strong as the levels
    clock = Clock(10e-6, 5e-6, "op")
    rng = np.random.default_rng(4)
    (node, *_) = open_source(NETWORK, c, clock, rng, strings=devices(c)).nodes(1)
    drawn = open_schedule(NETWORK, c, clock, rng).draw(inputs(PAIRS)).noise
    pairs = drawn.reshape(PAIRS, 2, NETWORK.neurons)
    same = (pairs[:, 0] == pairs[:, 1]).mean()
    assert same == 0.6
    assert_mean((pairs[:, 0] * pairs[:, 1]).mean(axis=1) / node.sigma**2, node.correlation)


@pytest.mark.parametrize(
    ("kind", "level"), [("string", 5.7126e-3), ("hmm", 5.9316e-3), ("bernoulli", 5.9316e-3)]
)
def test_default_sources_have_the_papers_two_levels(kind: SourceKind, level: float) -> None:
    """±5.7126 mV is this junction's divider, ±5.9316 mV the paper's code."""
    c = CircuitParameters.model_validate(
        {"noise": {"source": kind, "hmm": {"observation_noise": 0}}}
    )
    noise = (
        open_schedule(NETWORK, c, Clock(200e-6, 30e-6, "op"), np.random.default_rng(2))
        .draw(inputs(50))
        .noise
    )
    np.testing.assert_allclose(np.unique(noise.round(9)), [-level, level], rtol=PRINTED)


# --- measured ----------------------------------------------------------------------------------


@pytest.mark.parametrize("remove_mean", [True, False])
def test_a_recording_is_read_in_the_papers_order(remove_mean: bool, tmp_path: Path) -> None:
    series = np.random.default_rng(6).normal(3e-3, 1e-3, 23)
    np.save(tmp_path / "short.npy", series)
    c = circuit(
        "measured",
        measured={
            "file": str(tmp_path / "short.npy"),
            "sample_time": "25u",
            "scale": 0.5,
            "remove_mean": remove_mean,
        },
    )
    drawn = schedule(c)
    place = 0
    for batch in (3, 1, 4):
        passes = drawn.draw(inputs(batch))
        drawn.held(inputs(2))  # reads nothing
        for nodes in ([0, 1, 2], [3, 4]):  # the layers' neurons
            for nth in (0, 1):
                for sample in range(batch):
                    for node in nodes:
                        volts = series[place % 23] - (series.mean() if remove_mean else 0)
                        got = passes.noise[2 * sample + nth, node]
                        assert got == pytest.approx(0.5 * volts, abs=READ_BACK)
                        place += 1
    assert place == 80  # three times around, and on
    assert passes.count_jumps() == 0
    # The order is that of batches, so that their size matters.
    alone = schedule(c)
    singly = join_passes([alone.draw(inputs(1)) for _ in range(3)]).noise
    whole = schedule(c).draw(inputs(3)).noise
    np.testing.assert_array_equal(singly[0, :3], whole[0, :3])
    assert not np.isclose(singly[1, :3], whole[1, :3], rtol=0, atol=1e-6).any()


def test_a_recording_that_gives_both_passes_the_same_samples_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.random.default_rng(6).normal(0, 1e-3, 10))
    overrides = {
        "circuit.noise.source": "measured",
        "circuit.noise.measured.file": str(tmp_path / "short.npy"),
        "simulation.engine": "ideal",
        "task.batch": 5,
    }
    line = (
        "short.npy: with 10 samples, 5 samples a batch and 2 neurons in a layer, both passes read"
    )
    with pytest.raises(UserError, match=line):
        set_up(load_config(None, None, overrides))
    set_up(load_config(None, None, overrides | {"task.batch": 4}))


def test_a_stride_skips_samples(tmp_path: Path) -> None:
    series = np.random.default_rng(6).normal(3e-3, 1e-3, 23)
    np.save(tmp_path / "short.npy", series)
    where = {"file": str(tmp_path / "short.npy"), "remove_mean": False, "scale": 1, "stride": 3}
    passes = schedule(circuit("measured", measured=where)).draw(inputs(1))
    np.testing.assert_allclose(passes.noise[0, :3], series[:9:3], rtol=0, atol=READ_BACK)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        ({"circuit.noise.measured.file": "x.npy"}, "the source is string; set --source measured"),
        (
            {"circuit.noise.source": "hmm", "circuit.noise.n_mtj": 4},
            "n_mtj: source hmm has no junctions, so 4 would do nothing",
        ),
        (
            {"circuit.noise.source": "gaussian", "circuit.noise.coupling": "two-way"},
            "coupling: source gaussian has no junctions, so two-way would do nothing",
        ),
        (
            {"circuit.noise.source": "gaussian", "circuit.noise.gaussian.sigma": 6},
            "6 V rms at every node is beyond the rails",
        ),
        (
            {
                "circuit.noise.source": "bernoulli",
                "circuit.noise.bernoulli.offset": 0.5,
                "learning.rule": "np",
            },
            "--rule np: it takes the noise itself for zero on average, and source bernoulli",
        ),
        (
            {
                "circuit.noise.source": "hmm",
                "circuit.noise.hmm.remove_mean": False,
                "learning.rule": "np",
            },
            "--rule np: it takes the noise itself for zero on average, and source hmm",
        ),
    ],
)
def test_settings_that_would_mislead_are_refused(overrides: dict[str, object], line: str) -> None:
    with pytest.raises(UserError, match=line):
        set_up(load_config(None, None, {"simulation.engine": "ideal"} | overrides))


def test_a_recording_may_begin_further_on(tmp_path: Path) -> None:
    series = np.random.default_rng(6).normal(3e-3, 1e-3, 23)
    np.save(tmp_path / "short.npy", series)
    where = {"file": str(tmp_path / "short.npy"), "sample_time": "25u", "remove_mean": False}
    passes = schedule(circuit("measured", measured=where | {"scale": 1, "start": 20})).draw(
        inputs(1)
    )
    np.testing.assert_allclose(passes.noise[0, :3], series[20:23], rtol=0, atol=READ_BACK)
    np.testing.assert_allclose(passes.noise[1, :3], series[:3], rtol=0, atol=READ_BACK)
    line = r"^circuit\.noise\.measured\.start: wanted less than the recording's 23 samples, got 23$"
    with pytest.raises(UserError, match=line):
        schedule(circuit("measured", measured=where | {"start": 23}))


@pytest.mark.parametrize("batch", [1, 10])
def test_neighbours_on_one_recording_share_what_the_source_says(batch: int, tmp_path: Path) -> None:
    """Of a chain without observation noise: autocorrelation ρᵏ, so by hand."""
    chain = {"flip_up": 0.1, "flip_down": 0.1, "observation_noise": 0}
    c = circuit("hmm", hmm=chain)
    series = HiddenMarkovChain(c.noise.hmm, np.random.default_rng(2)).values(0, 190_000)
    np.save(tmp_path / "long.npy", series)
    measured = {"file": str(tmp_path / "long.npy"), "sample_time": "25u", "scale": 1}
    drawn = schedule(circuit("measured", measured=measured))
    lag, rho = 3 * batch, 0.8  # samples from pass 1 to pass 2 in the layer of three
    shared = (2 * rho - rho ** (lag - 1) - rho ** (lag + 1)) / (2 * (1 - rho**lag))
    law = drawn.nodes(batch)[0]
    # Some 20,000 independent stretches: a hundredth, and as much again for the quotient.
    assert law.neighbour == pytest.approx(shared, abs=0.03)
    assert law.correlation == pytest.approx(rho**lag, abs=0.03)
    noise = np.concatenate([drawn.draw(inputs(batch)).noise for _ in range(8000 // batch)])
    moved = noise[1::2] - noise[::2]
    assert np.corrcoef(moved[:, 0], moved[:, 1])[0, 1] == pytest.approx(shared, abs=0.06)
    assert schedule(c).nodes(batch)[0].neighbour == 0


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (None, "--noise-file: the measured source needs a recording; name a CSV, "),
        ("absent", "there is no such file"),
        (b"not numpy", "is no whole npy file"),
        (np.array([1e-3, math.nan]), "nan"),
        (np.full(50, 1e-3), "50"),
    ],
    ids=["none", "absent", "broken", "nan", "constant"],
)
def test_no_recording_or_a_bad_one_is_refused_in_one_line(
    content: object, wanted: str, tmp_path: Path
) -> None:
    path = tmp_path / "series.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, np.ndarray):
        np.save(path, content)
    file = None if content is None else str(path)
    c = circuit("measured", measured={"file": file, "sample_time": "25u"})
    for use in (schedule, node_sigma):
        with pytest.raises(UserError) as error:
            use(c)
        said = str(error.value)
        assert wanted in said
        assert "\n" not in said
        place = f"--noise-file: {file}: " if wanted.startswith("there is no") else f"{file}: "
        assert file is None or said.startswith(place)


# --- controls, jumps, fidelities ---------------------------------------------------------------


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("fidelity", FIDELITIES)
def test_controls_and_noise_belong_together(
    kind: SourceKind, fidelity: Fidelity, recording: str
) -> None:
    c = with_file(kind, recording)
    passes = schedule(c, fidelity).draw(inputs(30))
    assert len(np.unique(passes.noise)) > (1 if kind == "bernoulli" else 2)
    if kind != "string":
        # 50 kΩ over 300 kΩ.
        np.testing.assert_allclose(passes.noise, passes.controls / 6, rtol=tolerances.ROUNDING)
    else:
        for j, string in enumerate(devices(c)):
            states = passes.controls[:, 2 * j : 2 * j + 2]
            voltage = np.array([float(string.divider_voltage(s)) for s in states])
            wanted = (voltage - string.mean_voltage) / 6
            np.testing.assert_allclose(passes.noise[:, j], wanted, atol=EXACT)
    jumps = passes.count_jumps()
    assert (jumps > 0) == (kind in {"string", "hmm"} and fidelity != "op")


@pytest.mark.parametrize("fidelity", ["full", "aperture"])
@pytest.mark.parametrize("t_pass", [60e-6, 25e-6, 12.5e-6, 200e-6])
def test_a_chain_jumps_between_its_samples(fidelity: Fidelity, t_pass: float) -> None:
    """The chain on a time axis: sample k from (k − ½) · 25 µs on, that of the instant is ν."""
    c, step, rng = circuit("hmm"), 25e-6, np.random.default_rng(23)
    clock = Clock(t_pass, 0.6 * t_pass, fidelity)
    passes = open_schedule(NETWORK, c, clock, np.random.default_rng(23)).draw(inputs(40))
    beats = np.arange(1000)
    for j, child in enumerate(rng.spawn(NETWORK.neurons)):
        values = HiddenMarkovChain(c.noise.hmm, child).values(0, len(beats))
        for p in range(len(passes)):
            instant = (p + 1) * t_pass
            edges = (beats[1:] - 0.5) * step  # into samples 1, 2, …
            # An edge on the instant itself counts, one on the begin does not.
            due = (edges > instant - clock.look_back + AGES) & (edges <= instant + AGES)
            jumps = passes.jumps[p][j]
            np.testing.assert_allclose(jumps.ages, instant - edges[due], atol=AGES)
            np.testing.assert_allclose(jumps.before / 6, values[:-1][due], rtol=1e-12)
            now = values[np.count_nonzero(edges <= instant + AGES)]
            assert passes.noise[p, j] == now


@pytest.mark.parametrize("kind", ["string", "hmm"])
def test_jumps_lead_from_the_pass_before_to_the_control(kind: SourceKind) -> None:
    passes = schedule(circuit(kind), "full").draw(inputs(30))
    seen = 0
    for p in range(1, len(passes)):
        stimulus = pass_stimulus(passes, p, T_PASS)
        np.testing.assert_array_equal(stimulus.controls, passes.controls[p - 1])
        for k, steps in enumerate(stimulus.steps):
            if len(steps.times):
                seen += 1
                assert steps.values[-1] == passes.controls[p, k]
                assert (np.diff(steps.times) > 0).all()
    assert seen > 100


@pytest.mark.parametrize("kind", SOURCES)
def test_noise_is_the_same_in_every_fidelity(kind: SourceKind, recording: str) -> None:
    c = with_file(kind, recording)
    full, aperture, op = (schedule(c, fidelity).draw(inputs(30)) for fidelity in FIDELITIES)
    assert_same(full, aperture, within=T_APERTURE - 1e-12, ages=AGES)
    assert_same(full, op, within=0.0, ages=AGES)
    assert full.count_jumps() >= aperture.count_jumps() >= op.count_jumps() == 0
    assert (full.count_jumps() > aperture.count_jumps()) == (kind in {"string", "hmm"})


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("size", [1, 5, 12])
def test_noise_is_the_same_in_any_batch_size(kind: SourceKind, size: int) -> None:
    c, x = circuit(kind), inputs(24)
    split = schedule(c, "aperture")
    parts = []
    for k in range(0, len(x), size):
        parts.append(split.draw(x[k : k + size]))
        split.held(x)  # looking does not advance the source
    assert_same(join_passes(parts), schedule(c, "aperture").draw(x), within=1.0, ages=AGES)


@pytest.mark.parametrize("kind", SOURCES)
def test_silent_and_clean_passes_hold_zero(kind: SourceKind, recording: str) -> None:
    c, x = with_file(kind, recording), inputs(12)
    if kind == "string":
        held = np.repeat([string.held_state for string in devices(c)], 2)
        assert len(np.unique(held)) == NETWORK.neurons
    else:
        held = np.zeros(NETWORK.neurons)
    noisy = schedule(c, "full").draw(x)
    clean = schedule(c, "full").draw(x, clean_first=True)
    silent = schedule(c, "full", silent=True).draw(x)
    for passes in (clean, silent):
        np.testing.assert_array_equal(passes.inputs, np.repeat(x, 2, axis=0))
        np.testing.assert_array_equal(passes.controls[::2], np.tile(held, (12, 1)))
        assert (passes.noise[::2] == 0).all()
        assert not any(len(j.ages) for jumps in passes.jumps[::2] for j in jumps)
    np.testing.assert_array_equal(silent.controls[1::2], silent.controls[::2])
    assert (silent.noise == 0).all()
    assert silent.count_jumps() == 0
    np.testing.assert_array_equal(clean.controls[1::2], noisy.controls[1::2])
    np.testing.assert_array_equal(clean.noise[1::2], noisy.noise[1::2])
    assert (clean.count_jumps() > 0) == (kind in {"string", "hmm"})


def test_strings_differ_between_neurons_and_noise_between_seeds() -> None:
    c = circuit("string")
    assert len({node.sigma for node in law(c)}) == NETWORK.neurons
    other = open_schedule(
        NETWORK, c, Clock(T_PASS, T_APERTURE, "op"), np.random.default_rng(24), strings=devices(c)
    )
    assert (
        (other.draw(inputs(20)).controls != schedule(c).draw(inputs(20)).controls).any(axis=0).all()
    )


# --- twin and circuit --------------------------------------------------------------------------


LAYERS = Network((3, 4, 2), biases=True)


def ideal_parts(c: CircuitParameters, **smtj: float) -> CircuitParameters:
    diode = {"kind": "diode-divider", "diode": "ideal", "r_positive": "1k", "r_negative": "90k"}
    return CircuitParameters.model_validate(
        {
            **c.model_dump(),
            "v_one": 0.8,
            "opamp": {"level": "ideal"},
            "activation": diode,
            "synapse": {"r_feedback": "100k", "r_max": "inf"},
            "smtj": {"barrier_p": 0.25, "barrier_ap": 0.245, **smtj},
        }
    )


def every_node(readout: Readout) -> Array:
    return np.hstack([*readout.pre, *readout.outputs])


def assert_twin_and_circuit_agree(
    c: CircuitParameters, fidelity: Fidelity, weights: Weights
) -> Passes:
    clock = Clock(200e-6, 40e-6, fidelity)
    strings = devices(c, LAYERS)
    rng = np.random.default_rng(11)
    drawn = open_schedule(LAYERS, c, clock, rng, strings=strings)
    x = rng.uniform(-1, 1, (8, LAYERS.layers[0]))
    passes = join_passes([drawn.draw(x), drawn.held(x[:2])])
    solver = SolverSettings(reltol=1e-5, trtol=7)
    engine = NgspiceEngine(LAYERS, c, clock, strings=strings, solver=solver)
    twin = IdealEngine(LAYERS, c)
    w = weights(LAYERS, 3)
    assert engine.write(w) == twin.write(w) == 0
    got, wanted = every_node(engine.run(passes)), every_node(twin.run(passes))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerances.IDEAL_PARTS)
    # The noise of every neuron is far above the tolerance.
    assert np.abs(passes.noise[:-2]).max(axis=0).min() > 50 * tolerances.IDEAL_PARTS
    assert (passes.noise[-2:] == 0).all()
    return passes


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("kind", SOURCES)
def test_twin_and_circuit_meet_the_same_noise(
    kind: SourceKind, fidelity: Fidelity, recording: str, weights: Weights
) -> None:
    c = ideal_parts(with_file(kind, recording))
    passes = assert_twin_and_circuit_agree(c, fidelity, weights)
    assert (passes.count_jumps() > 50) == (kind in {"string", "hmm"} and fidelity != "op")


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("arrangement", ["series", "parallel"])
@pytest.mark.parametrize("n_mtj", [1, 2])
def test_twin_and_circuit_meet_the_same_noise_of_unequal_devices(
    n_mtj: int, arrangement: str, fidelity: Fidelity, weights: Weights
) -> None:
    c = ideal_parts(
        circuit("string", n_mtj=n_mtj, arrangement=arrangement),
        spread_resistance=0.1,
        spread_tmr=0.1,
        spread_barrier=0.01,
        critical_current=300e-6,
    )
    passes = assert_twin_and_circuit_agree(c, fidelity, weights)
    levels = len(np.unique(passes.noise[:16]))
    assert levels > 9 * n_mtj


def test_a_recording_opened_before_is_not_opened_again(recording: str) -> None:
    c = with_file("measured", recording)
    opened = open_recording(c.noise.measured)
    absent = circuit("measured", measured={"file": "absent.npy", "scale": 0.2})
    clock = Clock(T_PASS, T_APERTURE, "op")
    given = open_schedule(NETWORK, absent, clock, np.random.default_rng(0), recording=opened)
    np.testing.assert_array_equal(given.draw(inputs(3)).noise, schedule(c).draw(inputs(3)).noise)
    assert node_sigma(absent, opened) == node_sigma(c)

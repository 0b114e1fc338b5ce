"""Noise at the size of the paper's networks: its laws, its order in time, its state.

Oracles are closed forms, the chain written as a loop over the same random words, and the circuit's
own sources: `sim.sources` and `circuits`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tolerances
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from circuits import CircuitParameters, Network
from circuits.noise import SourceKind
from circuits.recording import Recording
from circuits.sampled import HmmParameters
from learning.scale.noise import Noise, Order
from learning.scale.noise_chains import Switches
from learning.scale.noise_random import Alias, Words, generator_of, threshold
from sim.clock import Clock
from sim.errors import UserError
from sim.scale import noise as opening
from sim.scale.noise import measured_like, open_noise, write_series
from sim.sources import node_sigma, open_source
from sim.sources.voltage import MeasuredNoise

Array = NDArray[np.float64]

CPU = torch.device("cpu")
LAYERS = (3, 300, 200)
BATCH = 8
T_PASS = 60e-6  # the noise of a pass still knows the one before
ORDERS: tuple[Order, ...] = get_args(Order)

# Words, and 7 drawn sources; transitions of 5 chains at 3 lags, and their starts; 7 sources beside
# the circuit's, 4 comparisons each; configurations, their steps, and 3 unlike ones; the series.
FAMILY = 2 + 7 + 15 + 5 + 28 + 3 + 3 + 3
THRESHOLD = tolerances.ALPHA / FAMILY

STANDARD_ERRORS = 5
"""Two-sided, 6e-7 for each of the three dozen correlations compared."""

SINGLE = 1e-6
"""Of a value: three roundings to single precision, 6e-8 each, on levels that may half cancel."""

WORD = 2.0**-31
"""Both ends of an interval of words are rounded to multiples of 2⁻³²."""

JUNCTION = {"barrier_p": 0.27, "barrier_ap": 0.28}  # 34 and 50 µs
SPREAD = {"spread_resistance": 0.1, "spread_barrier": 0.01}

SOURCES: dict[str, dict[str, Any]] = {
    "string": {},
    "string of 3": {"n_mtj": 3, "arrangement": "parallel"},
    "string of 6": {"n_mtj": 6},
    "unequal string": {"n_mtj": 2, "smtj": SPREAD},
    "unequal junction": {"smtj": SPREAD},
    "two-way": {"n_mtj": 2, "coupling": "two-way", "smtj": {"critical_current": "-400u"}},
    "two-way unequal": {
        "n_mtj": 2,
        "coupling": "two-way",
        "smtj": {"critical_current": "-400u", **SPREAD},
    },
    "hmm": {"hmm": {"flip_up": 0.1, "flip_down": 0.25, "scale": 1.3, "sample_time": "30u"}},
    "bernoulli": {},
    "bernoulli, skew": {"bernoulli": {"skew": 0.2, "offset": -0.1}},
    "binomial": {"binomial": {"skew": -0.1, "n_sources": 5}},
    "gaussian": {"gaussian": {"sigma": "4 mV"}},
    "measured": {},
}


def circuit(name: str, **more: Any) -> CircuitParameters:
    """Parameters of a source of that kind: the last word, or the first, of its name says which."""
    kinds: tuple[SourceKind, ...] = get_args(SourceKind)
    kind = next((kind for kind in kinds if kind in name), "string")
    settings = {**SOURCES.get(name, {}), **more}
    smtj = JUNCTION | settings.pop("smtj", {})
    return CircuitParameters.model_validate({"noise": {"source": kind, **settings}, "smtj": smtj})


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("series") / "series.npy"
    np.save(path, np.random.default_rng(6).normal(40e-3, 6e-3, 15_013))
    return str(path)


def with_series(name: str, file: str) -> CircuitParameters:
    return circuit(name, measured={"file": file}) if name == "measured" else circuit(name)


def opened(
    c: CircuitParameters,
    layers: Sequence[int] = LAYERS,
    *,
    t_pass: float = T_PASS,
    order: Order = "pairs",
    gain: float = 1.0,
    dtype: torch.dtype = torch.float32,
    seed: int = 3,
) -> Noise:
    return open_noise(
        c,
        layers,
        t_pass=t_pass,
        order=order,
        gain=gain,
        batch=BATCH,
        device=CPU,
        dtype=dtype,
        seed=np.random.SeedSequence(seed),
    )


def drawn(noise: Noise, layers: Sequence[int] = LAYERS, batch: int = BATCH) -> list[Tensor]:
    return [noise.pair(k, batch).clone() for k in range(1, len(layers))]


def steps(noise: Noise, count: int, layers: Sequence[int] = LAYERS) -> Array:
    """ν of consecutive steps, shape (count, 2, batch, N)."""
    step = [torch.cat(drawn(noise, layers), dim=-1) for _ in range(count)]
    return torch.stack(step).double().numpy()


def level_numbers(values: Array, levels: Array) -> NDArray[np.intp]:
    """Which level each value is, within the rounding to single precision."""
    order = np.argsort(levels)
    found = np.searchsorted((levels[order][1:] + levels[order][:-1]) / 2, values)
    numbers = order[found]
    np.testing.assert_allclose(values, levels[numbers], rtol=0, atol=SINGLE * np.ptp(levels))
    return numbers


def p_of_counts(counts: NDArray[np.intp], chances: Array) -> float:
    """χ² of counts, those that are expected less than 5 times together."""
    expected = chances * counts.sum()
    rare = expected < 5
    if rare.any():
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    return float(stats.chisquare(counts, expected * counts.sum() / expected.sum()).pvalue)


# --- random words --------------------------------------------------------------------------------


@given(st.integers(2, 70), st.integers(0, 10**6), st.booleans())
def test_alias_tables_hold_the_chances(outcomes: int, seed: int, sparse: bool) -> None:
    chances = np.random.default_rng(seed).exponential(size=(3, outcomes)) ** 3
    if sparse:
        chances[:, :: min(outcomes, 2)] = 0
    chances /= chances.sum(axis=1, keepdims=True)
    alias = Alias.of(chances)
    columns = 1 << alias.bits
    edges = np.arange(columns + 1) * 2.0 ** (32 - alias.bits) - 2.0**31
    got = np.zeros((3, columns))
    for row in range(3):
        np.add.at(got[row], np.arange(columns), alias.cut[row] - edges[:-1])
        np.add.at(got[row], alias.other[row], edges[1:] - alias.cut[row])
    assert not got[:, outcomes:].any()
    np.testing.assert_allclose(got[:, :outcomes] / 2**32, chances, rtol=0, atol=columns * WORD)
    assert not got[:, :outcomes][chances == 0].any()


@pytest.mark.parametrize("chance", [0.0, 1e-9, 0.3, 0.5, 1.0])
def test_a_word_lies_below_a_threshold_with_its_chance(chance: float) -> None:
    assert (int(threshold(chance)) + 2.0**31) / 2.0**32 == pytest.approx(chance, abs=WORD)


def test_words_and_bits_are_fair_and_independent() -> None:
    words = Words(torch.Generator().manual_seed(5), CPU)
    bits = words.bits(400_001).numpy().copy()
    pairs = np.bincount(2 * bits[:-1:2] + bits[1::2], minlength=4)
    assert stats.chisquare(pairs).pvalue > THRESHOLD
    octets = words.draw(200_001).numpy().copy().view(np.uint8)
    assert stats.chisquare(np.bincount(octets, minlength=256)).pvalue > THRESHOLD


# --- fresh numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("bernoulli", {}),
        ("bernoulli", {"bernoulli": {"skew": 0.2, "offset": -0.1}}),
        ("bernoulli", {"bernoulli": {"offset": 0.5, "scale": "12.5m"}}),
        ("binomial", {}),
        ("binomial", {"binomial": {"skew": -0.1, "n_sources": 5}}),
        ("binomial", {"binomial": {"n_sources": 200, "skew": 0.3, "offset": 0.2}}),
    ],
)
def test_coins_fall_as_their_law_says(name: str, more: dict[str, Any]) -> None:
    c = circuit(name, **more)
    law = c.noise.bernoulli if name == "bernoulli" else c.noise.binomial
    noise = opened(c)
    numbers = level_numbers(steps(noise, 10).ravel(), law.node_levels)
    counts = np.bincount(numbers, minlength=len(law.node_levels))
    assert p_of_counts(counts, law.probabilities) > THRESHOLD
    assert noise.sigma == pytest.approx(law.sigma, rel=tolerances.ROUNDING)


def test_gaussian_numbers_are_normal() -> None:
    noise = opened(circuit("gaussian"), gain=2.0)
    assert noise.sigma == pytest.approx(8e-3)
    assert stats.kstest(steps(noise, 10).ravel() / 8e-3, stats.norm.cdf).pvalue > THRESHOLD


# --- chains of two states ------------------------------------------------------------------------

CHAINS = [(0.0809, 0.0809), (0.3, 0.05), (0.7, 0.6), (0.4, 0.6), (0.9984, 0.999)]


class Recorded(Words):
    """Words that are kept, to go through them again."""

    def draw(self, count: int) -> Tensor:
        words = super().draw(count)
        self.kept = words.clone()
        return words


def switches(up: float, down: float, count: int, seed: int = 2) -> tuple[Switches, Tensor]:
    first = np.random.default_rng(seed).random(count) < up / (up + down)
    held = torch.from_numpy(first.astype(np.int32))
    return Switches(np.full(count, up), np.full(count, down), held), held


@pytest.mark.parametrize(("up", "down"), [*CHAINS, (1e-3, 2e-3), (1e-12, 1e-12)])
def test_states_found_at_once_are_those_of_a_loop(up: float, down: float) -> None:
    chains, held = switches(up, down, 40)
    words = Recorded(torch.Generator().manual_seed(7), CPU)
    swaps = up + down > 1
    to_high, to_low = (1 - down, 1 - up) if swaps else (up, down)
    state = held.numpy().copy()
    for count in (1, 2, 17, 64, 3):
        got = chains.run(count, words).numpy().copy()
        share = (words.kept.numpy().reshape(count, 40) + 2.0**31) / 2.0**32
        for row in range(count):
            kept = 1 - state if swaps else state
            state = np.where(share[row] < to_high, 1, kept)
            state = np.where((share[row] >= to_high) & (share[row] < to_high + to_low), 0, state)
            np.testing.assert_array_equal(got[row], state)
        np.testing.assert_array_equal(held.numpy(), state)


@pytest.mark.parametrize(("up", "down"), CHAINS)
def test_chains_flip_as_often_as_they_should(up: float, down: float) -> None:
    chains, held = switches(up, down, 4000)
    p, rho = up / (up + down), 1 - up - down
    start = int(held.sum())
    assert stats.binomtest(start, 4000, p).pvalue > THRESHOLD
    words = Words(torch.Generator().manual_seed(11), CPU)
    before = held.clone()
    rows = torch.stack([before, *(row for _ in range(3) for row in chains.run(4, words).clone())])
    for lag in (1, 2, 5):
        # From the start and from the middle of a run to the same run, the next and the one after.
        first, later = rows[3].numpy(), rows[3 + lag].numpy()
        both = p * (p + (1 - p) * rho**lag)
        chances = np.array([1 - 2 * p + both, p - both, p - both, both])
        assert p_of_counts(np.bincount(2 * first + later, minlength=4), chances) > THRESHOLD


def test_chains_that_swap_do_not_stand_beside_those_that_keep() -> None:
    held = torch.zeros(2, dtype=torch.int32)
    with pytest.raises(ValueError, match="above 1 for some, below for others"):
        Switches(np.array([0.2, 0.8]), np.array([0.2, 0.8]), held)


def correlation(one: Array, other: Array, sigma: float) -> tuple[float, float]:
    """Correlation of values with zero mean, and its standard error."""
    products = (one * other).ravel() / sigma**2
    return float(products.mean()), float(products.std() / np.sqrt(products.size))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    "name", ["string", "string of 3", "string of 6", "two-way", "hmm", "gaussian"]
)
def test_passes_are_as_alike_as_time_makes_them(name: str, order: Order) -> None:
    layers = (3, 5000, 3000)
    c = circuit(name)

    def rho(passes: int) -> float:
        if name == "gaussian":
            return 0.0
        if name == "hmm":
            law = c.noise.hmm
            swing = np.ptp(law.node_levels) ** 2 * law.occupancy * (1 - law.occupancy)
            return float(swing / law.sigma**2 * law.correlation ** (2 * passes))
        return c.noise_string().correlation(passes * T_PASS)

    noise = opened(c, layers, order=order)
    first, second = steps(noise, 1, layers)[0], steps(noise, 1, layers)[0]
    lags = {"pairs": (1, 2, 1), "passes": (BATCH, 1, 1)}[order]
    last = first[1, -1]
    pairs = ((first[0, 0], first[1, 0]), (first[0, 2], first[0, 3]), (last, second[0, 0]))
    for (one, other), lag in zip(pairs, lags, strict=True):
        got, error = correlation(one, other, noise.sigma)
        assert abs(got - rho(lag)) < STANDARD_ERRORS * error, (lag, got, rho(lag))
    # Nodes, of a layer and of two, know nothing of one another.
    for one, other in (
        (first[0, 0, :2500], first[0, 0, 2500:5000]),
        (first[0, 0, :3000], first[0, 0, 5000:]),
    ):
        got, error = correlation(one, other, noise.sigma)
        assert abs(got) < STANDARD_ERRORS * error


# --- the circuit's own sources -------------------------------------------------------------------


def circuit_pairs(c: CircuitParameters, seed: int, pairs: int, neurons: int) -> Array:
    """ν of the circuit's source, shape (pairs, 2, N); devices as `open_noise` draws them."""
    network = Network((1, neurons))
    devices = np.random.SeedSequence(seed).spawn(4)[0]
    strings = c.noise_strings(neurons, np.random.default_rng(devices))
    source = open_source(
        network, c, Clock(T_PASS, 0.0, "op"), np.random.default_rng(8), strings=strings
    )
    return source.draw(pairs).noise.reshape(pairs, 2, neurons)


def p_alike(one: Array, other: Array) -> float:
    """Two samples of one law: χ² of cells."""
    edges = np.quantile(np.concatenate([one, other]), np.linspace(0, 1, 9)[1:-1])
    counts = [np.bincount(np.searchsorted(edges, v), minlength=8) for v in (one, other)]
    table = np.array(counts)[:, np.sum(counts, axis=0) > 0]
    found: Any = stats.chi2_contingency(table)
    return float(found.pvalue)


@pytest.mark.parametrize(
    "name",
    [
        "string",
        "string of 3",
        "string of 6",
        "unequal string",
        "unequal junction",
        "hmm",
        "bernoulli, skew",
    ],
)
def test_noise_is_that_of_the_circuit(name: str) -> None:
    """Pass 1, pass 2, and a mix of both that knows of their correlation, node by node."""
    c = circuit(name)
    # Every second pair: 120 µs more, 6 correlation times in all.
    ours = opened(c, (1, 2), seed=4)
    got = np.concatenate([steps(ours, 1, (1, 2))[0].swapaxes(0, 1)[::4] for _ in range(1500)])
    wanted = circuit_pairs(c, 4, 3 * len(got), 2)[::3]
    for node in range(2):
        first, second = got[:, 0, node], got[:, 1, node]
        theirs = wanted[:, 0, node], wanted[:, 1, node]
        assert p_alike(first.round(7), theirs[0].round(7)) > THRESHOLD
        mixed, same = (np.round(a + np.pi * b, 7) for a, b in ((first, second), theirs))
        assert p_alike(mixed, same) > THRESHOLD


def test_two_way_strings_follow_their_chain() -> None:
    c = circuit("two-way")
    string = c.noise_string()
    layers = (1, 20_000)
    values = steps(opened(c, layers), 1, layers)[0]
    numbers = level_numbers(values, string.node_levels)
    stationary, later = string.probabilities, string.transitions(T_PASS)
    size = len(stationary)
    # Of one pass: 20,000 strings know nothing of one another.
    for one in (numbers[0, 0], numbers[1, -1]):
        assert p_of_counts(np.bincount(one, minlength=size), stationary) > THRESHOLD
    joint = np.bincount(size * numbers[0, 3] + numbers[1, 3], minlength=size**2)
    assert p_of_counts(joint, (stationary[:, np.newaxis] * later).ravel()) > THRESHOLD
    # Without torque the junctions are as free as in an open loop.
    free = CircuitParameters.model_validate(
        {"noise": {"n_mtj": 4, "coupling": "two-way"}, "smtj": JUNCTION}
    )
    values = steps(opened(free, layers), 1, layers)[0]
    got, error = correlation(values[0, 0], values[1, 0], free.noise_string().sigma)
    dwells = free.smtj.dwell_times(free.temperature)
    alone = np.exp(-T_PASS * (1 / dwells[0] + 1 / dwells[1]))
    # Junctions in series do not add up quite linearly.
    assert abs(got - alone) < STANDARD_ERRORS * error + 0.01


def test_unlike_two_way_strings_have_tables_of_their_own() -> None:
    c = circuit("two-way unequal")
    devices = np.random.SeedSequence(3).spawn(4)[0]
    strings = c.noise_strings(3, np.random.default_rng(devices))
    noise = opened(c, (1, 2, 1))
    values = steps(noise, 200, (1, 2, 1))
    for node, string in enumerate(strings):
        numbers = level_numbers(values[:, 0, 0, node], string.node_levels)
        counts = np.bincount(numbers, minlength=4)
        assert p_of_counts(counts, string.probabilities) > THRESHOLD


# --- recordings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"start": 20, "remove_mean": False, "scale": 0.3},
        {"stride": 3},
        {"stride": 4, "start": 5},
    ],
)
def test_a_recording_is_read_as_in_the_circuit(settings: dict[str, Any], tmp_path: Path) -> None:
    """Sample by sample, several times around, over batches of several sizes."""
    np.save(tmp_path / "short.npy", np.random.default_rng(6).normal(3e-3, 1e-3, 92))
    c = circuit("measured", measured={"file": str(tmp_path / "short.npy"), **settings})
    layers = (2, 5, 3)
    theirs = MeasuredNoise(Network(layers), c, Recording(tmp_path / "short.npy", timed=False))
    ours = opened(c, layers, dtype=torch.float64)
    for batch in (3, 1, 4, 7):
        wanted = theirs.draw(batch).noise.reshape(batch, 2, 8).swapaxes(0, 1)
        got = torch.cat(drawn(ours, layers, batch), dim=-1).numpy()
        np.testing.assert_array_equal(got, wanted)


def test_a_step_of_a_recording_is_a_view(series: str) -> None:
    noise = opened(with_series("measured", series))
    held = {noise.pair(k, BATCH).untyped_storage().data_ptr() for k in (1, 2)}
    assert len(held) == 1
    again = opened(with_series("measured", series), gain=-2.0)
    one, other = drawn(noise), drawn(noise)  # wraps around
    assert not torch.equal(one[1], other[1])
    drawn(again)
    for first, doubled in zip(one, drawn(again), strict=True):
        torch.testing.assert_close(doubled, -2 * first, rtol=SINGLE, atol=0)


def test_a_recording_whose_passes_are_the_same_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "short.npy", np.random.default_rng(6).normal(3e-3, 1e-3, 40))
    c = circuit("measured", measured={"file": str(tmp_path / "short.npy")})
    with pytest.raises(UserError, match=r"short\.npy: with 40 samples.* both passes read the same"):
        opened(c, (2, 10, 3))  # 8 samples of 10 nodes: twice around


# --- all sources ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SOURCES)
def test_sigma_and_gain_are_the_circuits(name: str, series: str) -> None:
    c = with_series(name, series)
    noise = opened(c, (1, 7, 5), gain=3.0)
    assert noise.sigma == pytest.approx(3 * node_sigma(c), rel=tolerances.ROUNDING)
    one, tripled = opened(c, (1, 7, 5)), drawn(noise, (1, 7, 5))
    for small, large in zip(drawn(one, (1, 7, 5)), tripled, strict=True):
        scale = float(large.abs().max())
        torch.testing.assert_close(3 * small, large, rtol=SINGLE, atol=SINGLE * scale)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", SOURCES)
def test_a_restored_source_goes_on_bit_for_bit(
    name: str, order: Order, series: str, tmp_path: Path
) -> None:
    c, layers = with_series(name, series), (2, 6, 5)
    noise = opened(c, layers, order=order)
    drawn(noise, layers)
    torch.save(noise.state(), tmp_path / "state.pt")

    def go_on(source: Noise) -> list[Tensor]:
        numbers = drawn(source, layers)
        numbers += [source.single(k, 11).clone() for k in (1, 2)]
        return numbers + drawn(source, layers, 3)

    wanted = go_on(noise)
    assert [tuple(block.shape) for block in wanted[:4]] == [(2, 8, 6), (2, 8, 5), (11, 6), (11, 5)]
    other = opened(c, layers, order=order, seed=3 if "unequal" in name else 99)
    drawn(other, layers, 5)
    other.restore(torch.load(tmp_path / "state.pt"))
    for got, block in zip(go_on(other), wanted, strict=True):
        assert torch.equal(got, block)
    noise.restore(torch.load(tmp_path / "state.pt"))
    for got, block in zip(go_on(noise), wanted, strict=True):
        assert torch.equal(got, block)


@pytest.mark.parametrize("name", SOURCES)
def test_scoring_leaves_independent_noise_as_it_is(name: str, series: str) -> None:
    c, layers = with_series(name, series), (2, 40, 30)
    scored, alone = opened(c, layers), opened(c, layers)
    single = [scored.single(k, 20).clone() for k in (1, 2)]
    fresh = c.noise.source in {"gaussian", "bernoulli", "binomial"}
    same = [torch.equal(a, b) for a, b in zip(drawn(scored, layers), drawn(alone, layers))]  # noqa: B905
    assert all(same) if fresh else not any(same)
    spread = torch.cat(single, dim=-1).std()
    assert float(spread) == pytest.approx(alone.sigma, rel=0.3)  # of 1,400 numbers, or 70 chains


def test_another_seed_is_another_draw() -> None:
    for name in ("string", "gaussian", "bernoulli"):
        one, other = (drawn(opened(circuit(name), seed=seed))[0] for seed in (1, 2))
        assert not torch.equal(one, other)


def test_layers_are_asked_for_in_order() -> None:
    noise = opened(circuit("gaussian"))
    with pytest.raises(ValueError, match="noise of layer 2, batch 8: drawn are 0 layers"):
        noise.pair(2, 8)
    noise.pair(1, 8)
    noise.pair(2, 8)
    for layer, batch in ((2, 7), (3, 8), (0, 8)):
        with pytest.raises(ValueError, match="ask for layer 1 first"):
            noise.pair(layer, batch)


def test_a_state_of_another_source_is_refused() -> None:
    noise = opened(circuit("string"), (1, 4))
    for other in (opened(circuit("gaussian")), opened(circuit("string"), (1, 5))):
        with pytest.raises(ValueError, match="state of the noise: wanted"):
            noise.restore(other.state())


@pytest.mark.parametrize("name", SOURCES)
def test_a_step_stays_on_its_device(name: str, series: str, monkeypatch: Any) -> None:
    """On tensors without values: what reads one back, or mixes devices, raises."""
    meta = torch.device("meta")
    with pytest.raises(RuntimeError):
        torch.zeros(2, device=meta).tolist()
    with pytest.raises(RuntimeError):
        torch.zeros(2, device=meta).add(torch.zeros(2))
    # Such a device has no generator.
    monkeypatch.setattr(opening, "generator_of", lambda seed, _: generator_of(seed, CPU))
    noise = open_noise(
        with_series(name, series),
        (2, 6, 5),
        t_pass=T_PASS,
        order="pairs",
        gain=1.0,
        batch=BATCH,
        device=meta,
        dtype=torch.float32,
        seed=np.random.SeedSequence(1),
    )
    for _ in range(2):
        for block in (*drawn(noise, (2, 6, 5)), noise.single(1, 20), noise.single(2, 20)):
            assert block.device == meta
            assert block.dtype == torch.float32


@pytest.mark.parametrize(
    ("settings", "t_pass", "line"),
    [
        ({"source": "hmm"}, 30e-6, "--t-pass: wanted a whole number of .* 25 µs, got 30 µs"),
        ({"source": "hmm"}, 12.5e-6, "--t-pass: wanted a whole number"),
        ({"source": "measured"}, 1e-3, "measured source needs a recording"),
        (
            {"source": "string", "n_mtj": 13, "smtj": SPREAD},
            1e-3,
            "circuit.noise: n_mtj: open-loop strings of unequal junctions are solved up to 12",
        ),
        (
            {"n_mtj": 9, "coupling": "two-way", "smtj": SPREAD},
            1e-3,
            "n_mtj: at this scale, two-way strings are followed for 256 .* strings of 512; take",
        ),
        (
            {"coupling": "two-way", "smtj": {"critical_current": "10u"}},
            1e-3,
            "circuit.noise: a current of .* passes the junction's critical current",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    settings: dict[str, Any], t_pass: float, line: str
) -> None:
    c = CircuitParameters.model_validate(
        {
            "noise": {key: value for key, value in settings.items() if key != "smtj"},
            "smtj": settings.get("smtj", {}),
        }
    )
    with pytest.raises(UserError, match=line) as caught:
        opened(c, (1, 2), t_pass=t_pass)
    assert "\n" not in str(caught.value)


# --- the paper's code, and a recording like the paper's ------------------------------------------


def test_the_papers_code_leaves_the_mean_in_its_chain() -> None:
    c = circuit("hmm", hmm={"remove_mean": False})
    law = c.noise.hmm
    noise = opened(c, t_pass=25e-6)
    assert noise.sigma == HmmParameters().sigma
    values = steps(noise, 1)[0, 0, 0]  # of one pass: independent nodes
    error = law.sigma / np.sqrt(values.size)
    assert abs(values.mean() - 42.0921e-3) < STANDARD_ERRORS * error


def test_a_series_is_like_the_measured_one(tmp_path: Path) -> None:
    law = HmmParameters(flip_up=0.1, flip_down=0.25, scale=3.0)
    samples = 300_000
    voltages = measured_like(law, samples, np.random.default_rng(5))
    assert voltages.dtype == np.float32
    bare = law.model_copy(update={"observation_noise": 0.0})
    levels = measured_like(bare, samples, np.random.default_rng(5))
    states = (levels > law.mean_voltage).astype(int)
    assert set(np.unique(levels)) == {np.float32(law.level_low), np.float32(law.level_high)}
    # Twelve correlation times between pairs.
    gap = int(np.ceil(12 / -np.log(law.correlation)))
    pairs = np.bincount(2 * states[:-1:gap] + states[1::gap], minlength=4)
    p, rho = law.occupancy, law.correlation
    both = p * (p + (1 - p) * rho)
    assert p_of_counts(pairs, np.array([1 - 2 * p + both, p - both, p - both, both])) > THRESHOLD
    firsts = [measured_like(bare, 1, np.random.default_rng(k))[0] for k in range(40)]
    high = sum(first > law.mean_voltage for first in firsts)
    assert stats.binomtest(int(high), 40, law.occupancy).pvalue > THRESHOLD
    residuals = (voltages - levels).astype(float) / law.observation_noise
    assert stats.kstest(residuals, stats.norm.cdf).pvalue > THRESHOLD

    folder = write_series(tmp_path / "series", voltages, chunk=100_001)
    assert sorted(path.name for path in folder.iterdir()) == [f"noise{k}.pqt" for k in range(3)]
    read = np.concatenate(list(Recording(folder, timed=False).chunks()))
    np.testing.assert_array_equal(read, voltages.astype(float))
    with pytest.raises(UserError, match="series: is not empty; name a new folder"):
        write_series(folder, voltages)
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file: cannot write: File exists"):
        write_series(tmp_path / "file", voltages)


@pytest.mark.parametrize("samples", [0, 1, 5, 3_000_000])
def test_a_series_is_as_long_as_asked_for(samples: int) -> None:
    law = HmmParameters(flip_up=0.999, flip_down=0.999, observation_noise=0.0)
    voltages = measured_like(law, samples, np.random.default_rng(1))
    assert len(voltages) == samples
    if samples > 100:  # more dwells than are drawn at a time, and the last samples too
        flips = np.mean(voltages[1:] != voltages[:-1])
        assert abs(flips - 0.999) < STANDARD_ERRORS * np.sqrt(0.001 / samples)
        assert set(np.unique(voltages[-100:])) == {
            np.float32(law.level_low),
            np.float32(law.level_high),
        }

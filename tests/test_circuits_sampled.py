"""Noise drawn sample by sample against the statistics that define it."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from scipy import stats

from circuits.sampled import (
    HIGH,
    LOW,
    BernoulliParameters,
    BinomialParameters,
    GaussianParameters,
    HiddenMarkovChain,
    HmmParameters,
    MeasuredParameters,
)

Array = NDArray[np.float64]

PAPER = HmmParameters()
UNLIKE = HmmParameters(flip_up=0.03, flip_down=0.21, scale=1.7)
QUICK = HmmParameters(flip_up=0.9, flip_down=0.8)  # correlated below zero
CHAINS = {"paper": PAPER, "unlike": UNLIKE, "quick": QUICK}
SAMPLES = 1_000_000

FAMILY = 35  # statistical tests in this file
THRESHOLD = tolerances.ALPHA / FAMILY

PRINTED = 0.005
"""The paper prints 309 µs; its 12.36 samples of 25 µs are 309.0."""

RARE_LEVELS = 1e-10
"""Binomial probabilities of 1024 sources: powers and comb lose some 1000 roundings."""


def chain(parameters: HmmParameters, seed: int) -> HiddenMarkovChain:
    return HiddenMarkovChain(parameters, np.random.default_rng(seed))


def bare(parameters: HmmParameters) -> HmmParameters:
    return parameters.model_copy(update={"observation_noise": 0.0})


def states_of(parameters: HmmParameters, values: Array) -> NDArray[np.int64]:
    """The states behind values without observation noise, which are the two levels exactly."""
    low, high = parameters.node_levels
    assert np.isin(values, [low, high]).all()
    return (values == high).astype(np.int64)


@pytest.fixture(scope="module")
def paths() -> dict[str, NDArray[np.int64]]:
    """States of a long path of each chain."""
    found = {}
    for seed, (name, parameters) in enumerate(CHAINS.items()):
        values = chain(bare(parameters), seed).values(0, SAMPLES)
        found[name] = states_of(bare(parameters), values)
    return found


def p_of_mean(values: Array, mean: float, deviation: float) -> float:
    """Two-sided p-value of the mean of independent values."""
    return float(2 * stats.norm.sf(abs(values.mean() - mean) / deviation * values.size**0.5))


@pytest.mark.parametrize("name", CHAINS)
def test_share_of_high_samples_is_the_occupancy(
    paths: dict[str, NDArray[np.int64]], name: str
) -> None:
    parameters = CHAINS[name]
    # Variance of the mean of a chain: p (1 − p)/n · (1 + r)/(1 − r) with r its correlation.
    r, p = parameters.correlation, parameters.occupancy
    deviation = np.sqrt(p * (1 - p) * (1 + r) / (1 - r) / SAMPLES)
    share = paths[name].mean()
    assert 2 * stats.norm.sf(abs(share - p) / deviation) > THRESHOLD


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("state", [LOW, HIGH])
def test_dwells_are_geometric(paths: dict[str, NDArray[np.int64]], name: str, state: int) -> None:
    parameters = CHAINS[name]
    flip = (parameters.flip_up, parameters.flip_down)[state]
    flips = np.flatnonzero(np.diff(paths[name])) + 1
    dwells = np.diff(flips)[int(paths[name][flips[0]] != state) :: 2]
    # Lengths 1, 2, … as long as each is expected often, and all the longer ones together.
    longest = int(stats.geom.isf(50 / len(dwells), flip))
    counts = np.bincount(np.minimum(dwells, longest + 1), minlength=longest + 2)[1:]
    expected = [*stats.geom.pmf(np.arange(1, longest + 1), flip), stats.geom.sf(longest, flip)]
    assert stats.chisquare(counts, len(dwells) * np.array(expected)).pvalue > THRESHOLD


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("lag", [1, 2, 5])
def test_autocorrelation_falls_by_the_same_factor_each_sample(
    paths: dict[str, NDArray[np.int64]], name: str, lag: int
) -> None:
    parameters = CHAINS[name]
    p, decay = parameters.occupancy, parameters.correlation**lag
    # Pairs so far apart that they are independent to 1e-5.
    gap = lag + int(np.ceil(np.log(1e-5) / np.log(abs(parameters.correlation))))
    before, after = paths[name][: SAMPLES - lag : gap], paths[name][lag::gap]
    counts = np.bincount(2 * before[: len(after)] + after, minlength=4)
    both = p * (p + (1 - p) * decay)
    expected = np.array([1 - 2 * p + both, p - both, p - both, both]) * counts.sum()
    assert stats.chisquare(counts, expected).pvalue > THRESHOLD


def test_a_chain_starts_in_the_stationary_state() -> None:
    parameters = bare(UNLIKE)
    starts = np.array([chain(parameters, seed).values(0, 1)[0] for seed in range(4000)])
    high = int(states_of(parameters, starts).sum())
    assert stats.binomtest(high, len(starts), parameters.occupancy).pvalue > THRESHOLD


def test_observation_noise_lies_on_the_levels_and_is_gaussian_and_white() -> None:
    values = chain(UNLIKE, 11).values(0, SAMPLES)
    levels = chain(bare(UNLIKE), 11).values(0, SAMPLES)
    residuals = (values - levels) / (UNLIKE.scale * UNLIKE.observation_noise)
    assert stats.kstest(residuals, stats.norm.cdf).pvalue > THRESHOLD
    # Neighbours, those in the next block of draws, and the levels below.
    for other, lag in ((residuals, 1), (residuals, 1024), (levels, 0)):
        r = float(np.corrcoef(residuals[: SAMPLES - lag], other[lag:])[0, 1])
        assert 2 * stats.norm.sf(abs(r) * np.sqrt(SAMPLES - lag)) > THRESHOLD


@pytest.mark.parametrize("name", CHAINS)
def test_mean_and_sigma_of_a_chain_are_the_closed_forms(name: str) -> None:
    parameters = CHAINS[name]
    p = parameters.occupancy
    # One sample each of many stretches: independent to 1e-5.
    gap = int(np.ceil(np.log(1e-5) / np.log(abs(parameters.correlation))))
    values = chain(parameters, 21).values(0, 100_000 * gap)[::gap]
    assert len(values) == 100_000
    sigma = parameters.sigma
    assert p_of_mean(values, 0.0, sigma) > THRESHOLD
    # Fourth moment of two levels with independent Gaussian noise s: m4 + 6 m2 s² + 3 s⁴.
    chance, levels = np.array([1 - p, p]), parameters.node_levels
    s = parameters.scale * parameters.observation_noise
    m2, m4 = chance @ levels**2, chance @ levels**4
    fourth = m4 + 6 * m2 * s**2 + 3 * s**4
    assert p_of_mean(values**2, sigma**2, float(np.sqrt(fourth - sigma**4))) > THRESHOLD


def test_chains_of_different_generators_are_independent() -> None:
    # Children of one seed, as the nodes of a network are.
    children = np.random.default_rng(3).spawn(2)
    one, other = (HiddenMarkovChain(bare(PAPER), rng).values(0, SAMPLES) for rng in children)
    gap = 64  # samples; 0.8382^64 is 1e-5
    pairs = 2 * (one[::gap] > 0) + (other[::gap] > 0)
    # Flips are as likely both ways, so that all four pairs are.
    assert stats.chisquare(np.bincount(pairs, minlength=4)).pvalue > THRESHOLD
    one, other = (HiddenMarkovChain(PAPER, rng).values(0, 1000) for rng in children)
    assert not np.isin(one, other).any()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    steps=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 700, 4096, 90_000]), st.integers(0, 3000)),
        min_size=1,
        max_size=12,
    ),
    back=st.integers(0, 4096),
)
def test_a_sample_is_the_same_however_the_reading_is_cut(
    seed: int, steps: list[tuple[int, int]], back: int
) -> None:
    edges = np.cumsum([part for step in steps for part in step])
    whole = chain(UNLIKE, seed).values(0, int(edges[-1]))
    reader = chain(UNLIKE, seed)
    for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        np.testing.assert_array_equal(reader.values(first, stop), whole[first:stop])
        again = max(0, first - back)
        np.testing.assert_array_equal(reader.values(again, stop), whole[again:stop])


@pytest.mark.parametrize("size", [1, 40, 1023, 1024, 1025])
def test_windows_without_gaps_make_the_whole(size: int) -> None:
    stop = 30_000
    reader = chain(PAPER, 8)
    cuts = [*range(0, stop, size), stop]
    pieces = [reader.values(first, last) for first, last in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces), chain(PAPER, 8).values(0, stop))


def test_what_is_long_over_is_let_go_and_asking_for_it_is_refused() -> None:
    reader = chain(PAPER, 5)
    for first in range(0, 2_000_000, 5000):
        reader.values(first, first + 40)
    assert reader._flips.nbytes < 100e3
    reader.values(1_995_000 - 4096, 1_995_000)
    with pytest.raises(ValueError, match=r"held from sample 1990904, got 1990903 to 1990904$"):
        reader.values(1_990_903, 1_990_904)
    with pytest.raises(ValueError, match=r"got 1995000 to 1994999"):
        reader.values(1_995_000, 1_994_999)
    with pytest.raises(ValueError, match="held from sample 0, got -1 to 1"):
        chain(PAPER, 5).values(-1, 1)


def test_flips_that_hardly_ever_come_overflow_nothing() -> None:
    frozen = bare(HmmParameters(flip_up=1e-300, flip_down=1e-300))
    assert len(np.unique(chain(frozen, 1).values(0, 100_000))) == 1


def test_the_papers_code_leaves_the_mean_in() -> None:
    whole = UNLIKE.model_copy(update={"remove_mean": False})
    wanted = UNLIKE.scale * np.array([UNLIKE.level_low, UNLIKE.level_high])
    np.testing.assert_allclose(whole.node_levels, wanted, rtol=tolerances.ROUNDING)
    assert whole.sigma == UNLIKE.sigma
    moved = chain(whole, 3).values(0, 50) - chain(UNLIKE, 3).values(0, 50)
    mean = UNLIKE.scale * UNLIKE.mean_voltage
    np.testing.assert_allclose(moved, mean, rtol=tolerances.ROUNDING)


def test_the_default_chain_is_the_papers() -> None:
    middle, half = 42.092104e-3, 5.9316154e-3
    assert PAPER.mean_voltage == pytest.approx(middle, rel=tolerances.ROUNDING)
    np.testing.assert_allclose(PAPER.node_levels, [-half, half], rtol=tolerances.ROUNDING)
    assert PAPER.sigma == pytest.approx(np.hypot(half, 0.90841466e-3), rel=tolerances.ROUNDING)
    assert PAPER.dwell_times == pytest.approx((309e-6, 309e-6), rel=PRINTED)
    assert UNLIKE.dwell_times == pytest.approx(
        (25e-6 / 0.03, 25e-6 / 0.21), rel=tolerances.ROUNDING
    )
    assert UNLIKE.occupancy == pytest.approx(0.125, rel=tolerances.ROUNDING)
    assert UNLIKE.correlation == pytest.approx(0.76, rel=tolerances.ROUNDING)


COINS = [
    BernoulliParameters(),
    BernoulliParameters(skew=-0.3, offset=0.2, scale=0.5),
    BinomialParameters(skew=0.1, offset=-1.0),
    BinomialParameters(n_sources=12, skew=-0.2),
]


@pytest.mark.parametrize("coin", COINS)
def test_coins_have_binomial_levels(coin: BernoulliParameters | BinomialParameters) -> None:
    n, p = coin.sources, 0.5 + coin.skew
    drawn = coin.draw(np.random.default_rng(4), (1000, 200))
    assert drawn.shape == (1000, 200)
    # ν = scale · Σ(b − ½ + offset), k sources up and n − k down.
    up, down = coin.scale * (0.5 + coin.offset), coin.scale * (-0.5 + coin.offset)
    wanted = [k * up + (n - k) * down for k in range(n + 1)]
    np.testing.assert_allclose(
        coin.node_levels, wanted, rtol=0, atol=tolerances.ROUNDING * coin.scale * 10
    )
    k = np.searchsorted(coin.node_levels, drawn.ravel())
    np.testing.assert_array_equal(coin.node_levels[k], drawn.ravel())
    counts, expected = np.bincount(k, minlength=n + 1), stats.binom.pmf(np.arange(n + 1), n, p)
    rare = expected * len(k) < 10
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum()) * len(k)
    if not rare.any():
        counts, expected = counts[:-1], expected[:-1]
    assert stats.chisquare(counts, expected).pvalue > THRESHOLD


@pytest.mark.parametrize("coin", [*COINS, BinomialParameters(n_sources=1024, skew=0.02)])
def test_moments_of_coins_are_those_of_their_levels(
    coin: BernoulliParameters | BinomialParameters,
) -> None:
    chance = coin.probabilities
    assert chance.sum() == pytest.approx(1.0, rel=RARE_LEVELS)
    n = coin.sources
    wanted = stats.binom.pmf(np.arange(n + 1), n, 0.5 + coin.skew)
    np.testing.assert_allclose(chance, wanted, rtol=RARE_LEVELS, atol=1e-200)
    mean = chance @ coin.node_levels
    assert coin.mean == pytest.approx(mean, abs=RARE_LEVELS * coin.scale * coin.sources)
    variance = chance @ (coin.node_levels - mean) ** 2
    assert coin.sigma == pytest.approx(np.sqrt(variance), rel=RARE_LEVELS)


def test_a_bernoulli_source_is_a_binomial_of_one() -> None:
    one = BernoulliParameters(skew=0.1, offset=0.3)
    same = BinomialParameters(n_sources=1, skew=0.1, offset=0.3)
    np.testing.assert_array_equal(one.node_levels, same.node_levels)
    assert (one.mean, one.sigma) == (same.mean, same.sigma)
    # The paper's two levels, either side of zero.
    np.testing.assert_allclose(
        BernoulliParameters().node_levels, PAPER.node_levels, rtol=tolerances.ROUNDING
    )


def test_gaussian_samples_are_gaussian() -> None:
    drawn = GaussianParameters(sigma=2e-3).draw(np.random.default_rng(6), (400, 500))
    assert drawn.shape == (400, 500)
    assert stats.kstest(drawn.ravel(), stats.norm(scale=2e-3).cdf).pvalue > THRESHOLD


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (HmmParameters, {"flip_up": 0}, "greater than 0"),
        (HmmParameters, {"flip_down": 1}, "less than 1"),
        (HmmParameters, {"observation_noise": -1e-3}, "greater than or equal to 0"),
        (HmmParameters, {"sample_time": "0"}, "greater than or equal to"),
        (HmmParameters, {"sample_time": "40 kHz"}, "wanted a number in s.*, got one in Hz"),
        (HmmParameters, {"scale": "inf"}, "finite"),
        (HmmParameters, {"level_low": "1 V"}, "level_high: wanted more than level_low of 1 V"),
        (BernoulliParameters, {"skew": 0.5}, "less than 0.5"),
        (BernoulliParameters, {"skew": -0.5}, "greater than -0.5"),
        (BernoulliParameters, {"scale": 0}, "greater than 0"),
        (BernoulliParameters, {"n_sources": 2}, "Extra inputs"),
        (BinomialParameters, {"n_sources": 0}, "greater than or equal to 1"),
        (BinomialParameters, {"n_sources": 1025}, "less than or equal to 1024"),
        (BinomialParameters, {"n_sources": True}, "wanted a whole number, got True"),
        (BinomialParameters, {"skew": 0.7}, "less than 0.5"),
        (GaussianParameters, {"sigma": 0}, "greater than 0"),
        (MeasuredParameters, {"sample_time": 0}, "greater than 0"),
        (MeasuredParameters, {"sample_time": "1 V"}, "wanted a number in s.*, got one in V"),
        (MeasuredParameters, {"scale": 0}, "greater than 0"),
        (MeasuredParameters, {"path": "x"}, "Extra inputs"),
    ],
)
def test_parameters_refuse_what_is_no_noise(
    model: type[BaseModel], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        model.model_validate(settings)


def test_a_recording_may_leave_column_and_sample_time_to_be_found() -> None:
    measured = MeasuredParameters.model_validate({"file": "x.npy", "sample_time": "25 us"})
    assert measured.sample_time == pytest.approx(25e-6)
    assert MeasuredParameters().sample_time is None
    assert MeasuredParameters().column is None

"""Telegraph paths against the statistics that define them."""

from itertools import pairwise

import numpy as np
import pytest
import tolerances
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits import SmtjParameters, Telegraph
from circuits.smtj import AP, P

TAU_P, TAU_AP = 2e-3, 0.7e-3
TAU = TAU_P * TAU_AP / (TAU_P + TAU_AP)
FAMILY = 7  # statistical tests in this file
THRESHOLD = tolerances.ALPHA / FAMILY


def path(seed: int, stop: float) -> tuple[int, NDArray[np.float64]]:
    return Telegraph((TAU_P, TAU_AP), np.random.default_rng(seed)).window(0.0, stop)


@pytest.fixture(scope="module")
def long_path() -> tuple[int, NDArray[np.float64], float]:
    stop = 120_000 * (TAU_P + TAU_AP)
    return *path(1, stop), stop


def states_at(
    start: int, flips: NDArray[np.float64], times: NDArray[np.float64]
) -> NDArray[np.intp]:
    return (start + np.searchsorted(flips, times, side="right")) % 2


@pytest.mark.parametrize(("state", "tau"), [(P, TAU_P), (AP, TAU_AP)])
def test_dwells_are_exponential_with_the_mean_of_the_state(
    long_path: tuple[int, NDArray[np.float64], float], state: int, tau: float
) -> None:
    start, flips, _ = long_path
    dwells = np.diff(flips)[(start + 1 + state) % 2 :: 2]
    assert len(dwells) > 1e5
    assert stats.kstest(dwells, stats.expon(scale=tau).cdf).pvalue > THRESHOLD


def test_time_in_each_state_is_its_occupancy(
    long_path: tuple[int, NDArray[np.float64], float],
) -> None:
    start, flips, stop = long_path
    edges = np.array([0.0, *flips, stop])
    share = np.diff(edges)[1 - start :: 2].sum() / stop
    occupancy = TAU_AP / (TAU_P + TAU_AP)
    # Variance of a time average: 2 p (1 - p) τ/T, with the correlation time τ.
    deviation = np.sqrt(2 * occupancy * (1 - occupancy) * TAU / stop)
    assert 2 * stats.norm.sf(abs(share - occupancy) / deviation) > THRESHOLD


@pytest.mark.parametrize("lag", [0.2, 0.7, 1.5])
def test_autocorrelation_decays_with_the_sum_of_both_rates(
    long_path: tuple[int, NDArray[np.float64], float], lag: float
) -> None:
    start, flips, stop = long_path
    # Pairs 12 correlation times apart are independent to 1e-5.
    first = np.arange(0.0, stop - 2 * TAU, (12 + lag) * TAU)
    before = states_at(start, flips, first)
    after = states_at(start, flips, first + lag * TAU)
    counts = np.bincount(2 * before + after, minlength=4)
    p, decay = TAU_AP / (TAU_P + TAU_AP), np.exp(-lag)
    both = p * (p + (1 - p) * decay)
    expected = np.array([1 - 2 * p + both, p - both, p - both, both]) * len(first)
    assert stats.chisquare(counts, expected).pvalue > THRESHOLD


def test_paths_start_in_the_stationary_state() -> None:
    starts = [path(seed, 0.0)[0] for seed in range(4000)]
    p = TAU_AP / (TAU_P + TAU_AP)
    assert stats.binomtest(sum(starts), len(starts), p).pvalue > THRESHOLD


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=20).map(sorted),
)
def test_a_path_is_the_same_however_it_is_cut_into_windows(seed: int, cuts: list[float]) -> None:
    stop = 2000 * TAU  # several blocks of draws
    start, flips = path(seed, stop)
    telegraph = Telegraph((TAU_P, TAU_AP), np.random.default_rng(seed))
    pieces = []
    for low, high in pairwise([0.0, *(cut * stop for cut in cuts), stop]):
        state, inside = telegraph.window(low, high)
        assert state == states_at(start, flips, np.array([low]))[0]
        pieces.append(inside)
    np.testing.assert_array_equal(np.concatenate(pieces), flips)


@pytest.mark.parametrize("skipped", [10, 11])
def test_a_window_may_hold_any_number_of_flips(skipped: int) -> None:
    stop = 40_000 * TAU
    start, whole = path(5, stop)
    begin = float(whole[skipped])
    telegraph = Telegraph((TAU_P, TAU_AP), np.random.default_rng(5))
    telegraph.window(0.0, begin)
    state, flips = telegraph.window(begin, stop)
    assert len(flips) > 10_000
    np.testing.assert_array_equal(flips, whole[skipped + 1 :])
    assert state == (start + skipped + 1) % 2


def test_what_is_long_over_is_let_go_and_asking_for_it_is_refused() -> None:
    telegraph = Telegraph((TAU_P, TAU_AP), np.random.default_rng(5))
    for k in range(100):
        telegraph.window(k * 200 * TAU, (k + 1) * 200 * TAU)
    assert telegraph._flips.nbytes < 100e3
    with pytest.raises(ValueError, match=r"telegraph path is held from .* got 0 s"):
        telegraph.window(0.0, TAU)


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 85.0])
def test_barriers_and_dwell_times_are_one_by_neel_and_arrhenius(temperature: float) -> None:
    thermal = Boltzmann * (temperature + zero_Celsius) / elementary_charge
    wanted = (309e-6, 40e-6)
    barriers = [thermal * np.log(tau / 1e-9) for tau in wanted]
    junction = SmtjParameters(barrier_p=barriers[0], barrier_ap=barriers[1])
    assert junction.dwell_times(temperature) == pytest.approx(wanted, rel=tolerances.ROUNDING)
    assert junction.occupancy(temperature) == pytest.approx(40 / 349, rel=tolerances.ROUNDING)


def test_the_default_junction_is_the_papers() -> None:
    junction = SmtjParameters()
    # 15 Ω µm² over a circle of 60 nm, and 12.36 samples at 40 kHz (Appendix A).
    assert junction.resistance_p == pytest.approx(5305.16, rel=tolerances.PRINTED_OHMS)
    assert junction.dwell_times(27.0) == pytest.approx(
        (309e-6, 309e-6), rel=tolerances.BARRIER_DIGITS
    )
    assert junction.resistance(1, 0.0) == pytest.approx(2 * junction.resistance_p)
    assert junction.resistance(1, 0.5) == pytest.approx(1.5 * junction.resistance_p)

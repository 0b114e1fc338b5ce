"""One junction: its law against numbers worked out by hand, paths and draws by statistics."""

import math
import re
from itertools import combinations, pairwise

import numpy as np
import pytest
import tolerances
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits import SmtjParameters, Telegraph
from circuits.quantities import format_quantity
from circuits.smtj import AP, P, barrier_of, thermal

TAU_P, TAU_AP = 2e-3, 0.7e-3
TAU = TAU_P * TAU_AP / (TAU_P + TAU_AP)
FAMILY = 28  # statistical tests in this file: 7 of paths, 9 of biases, 12 of devices
THRESHOLD = tolerances.ALPHA / FAMILY

TEN_DIGITS = 1e-9
"""The numbers worked out by hand have ten digits."""

ROUND_TRIP = 1e-11
"""A double's 1e-16, times exponents up to 40, times an offset field ten times the shift."""


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


# 0.33 eV (1 + 0.1)² (1 − 0.2) = 0.31944 eV and 0.30 eV (1 − 0.1)² (1 + 0.2) = 0.2916 eV, over
# 8.617333262145e-5 eV/K (the SI's e and k_B) times 233.15, 300.15, 358.15 K; 1 ns; by `decimal`.
BIASED = SmtjParameters(
    barrier_p=0.33,
    barrier_ap=0.30,
    field=3e-3,
    offset_field=1e-3,
    anisotropy_field=20e-3,
    critical_current=100e-6,
)
BY_HAND = {
    -40.0: (8.035736859e-3, 2.010181802e-3),
    27.0: (2.310329772e-4, 7.874378531e-5),
    85.0: (3.126531472e-5, 1.268547599e-5),
}


@pytest.mark.parametrize(("temperature", "wanted"), BY_HAND.items())
def test_field_and_current_shift_dwell_times_as_worked_out_by_hand(
    temperature: float, wanted: tuple[float, float]
) -> None:
    assert BIASED.barrier(P, 20e-6) == pytest.approx(0.31944, rel=tolerances.ROUNDING)
    assert BIASED.barrier(AP, 20e-6) == pytest.approx(0.2916, rel=tolerances.ROUNDING)
    got = BIASED.dwell_times(temperature, (20e-6, 20e-6))
    assert got == pytest.approx(wanted, rel=TEN_DIGITS)
    # Each state at its own current: the other one's leaves it alone.
    other = BIASED.dwell_times(temperature, (20e-6, -30e-6))
    assert other[P] == got[P]
    assert other[AP] == pytest.approx(
        1e-9 * math.exp(0.3 * 0.81 * 0.7 / thermal(temperature)), rel=tolerances.ROUNDING
    )
    share = BIASED.occupancy(temperature, (20e-6, 20e-6))
    assert share == pytest.approx(wanted[AP] / sum(wanted), rel=TEN_DIGITS)


def test_a_positive_field_favours_p_and_a_positive_current_favours_ap() -> None:
    def occupancy(field: float = 0.0, current: float = 0.0, critical: float = 100e-6) -> float:
        junction = SmtjParameters(field=field, critical_current=critical)
        return junction.occupancy(27.0, (current, current))

    assert occupancy() == pytest.approx(0.5, rel=tolerances.ROUNDING)
    assert occupancy(field=1e-3) < 0.4
    assert occupancy(field=-1e-3) > 0.6
    assert occupancy(current=-2e-6) < 0.45
    assert occupancy(current=2e-6) > 0.55
    # Mounted the other way round: the same current, seen from the other side.
    for current in (-2e-6, 7e-6):
        assert occupancy(current=current, critical=-100e-6) == occupancy(current=-current)
    # Field and current work against each other, each by its own sign.
    assert occupancy(field=1e-3) < occupancy(field=1e-3, current=2e-6) < occupancy(current=2e-6)
    assert occupancy(current=1e-3, critical=math.inf) == occupancy()


LOST = (
    "wanted less than the anisotropy field of 0.07 T away from 0.1 T, since a state is lost there, "
    "got 0 T"
)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"field": 70e-3},
            "anisotropy field of 0.07 T away from 0 T, since a state is lost there, got 0.07 T",
        ),
        (
            {"field": -11e-3, "offset_field": 10e-3, "anisotropy_field": 20e-3},
            "field of 0.02 T away from 0.01 T, since a state is lost there, got -0.011 T",
        ),
        ({"offset_field": 0.1}, "Value error, field: " + LOST),
        ({"critical_current": 0}, "critical_current: wanted not 0, got 0 A"),
        ({"critical_current": math.nan}, "critical_current: wanted not 0, got nan A"),
        ({"field": math.nan}, "Input should be a finite number"),
        ({"anisotropy_field": 0}, "Input should be greater than 0"),
        ({"spread_barrier": 0.51}, "Input should be less than or equal to 0.5"),
    ],
)
def test_a_junction_that_has_lost_a_state_is_refused(
    settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        SmtjParameters.model_validate(settings)
    (said,) = [e["msg"] for e in error.value.errors()]
    assert said.endswith(message)
    assert "\n" not in said


def test_fields_up_to_the_anisotropy_field_are_taken() -> None:
    for sign in (-1, 1):
        junction = SmtjParameters(
            field=10e-3 + sign * 19.9e-3, offset_field=10e-3, anisotropy_field=20e-3
        )
        assert min(junction.barrier(P), junction.barrier(AP)) == pytest.approx(
            0.327 * 0.005**2, rel=TEN_DIGITS
        )


@pytest.mark.parametrize("critical", [100e-6, -100e-6])
@pytest.mark.parametrize("current", [100e-6, -100e-6, 1e-3])
def test_a_current_past_the_critical_one_is_refused(critical: float, current: float) -> None:
    junction = SmtjParameters(critical_current=critical)
    message = (
        f"a current of {format_quantity(current, 'A')} passes the junction's critical current of "
        f"{format_quantity(critical, 'A')}, where a state is lost; "
    )
    for state in (P, AP):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}.*larger critical_current$"):
            junction.dwell_time(state, 27.0, current)
        assert junction.dwell_time(state, 27.0, 0.999 * min(current, 100e-6)) > 0


# As in Fig. 2 of arXiv 2412.12783: 0.327 eV (1 ± H/70 mT)² over k_B · 300.15 K; 1 ns; by `decimal`.
THREE_BIASES = {
    -3e-3: ((1.071701283e-4, 9.360987795e-4), 0.897274684),
    0.0: ((3.094659815e-4, 3.094659815e-4), 0.5),
    3e-3: ((9.360987795e-4, 1.071701283e-4), 0.102725316),
}


@pytest.mark.parametrize("field", THREE_BIASES)
def test_three_biases_shift_occupancy_and_dwells_in_law_and_paths(field: float) -> None:
    dwells, occupancy = THREE_BIASES[field]
    junction = SmtjParameters(field=field)
    assert junction.dwell_times(27.0) == pytest.approx(dwells, rel=TEN_DIGITS)
    assert junction.occupancy(27.0) == pytest.approx(occupancy, rel=TEN_DIGITS)

    stop = 110_000 * sum(dwells)
    rng = np.random.default_rng(round(1e3 * field) + 10)
    start, flips = Telegraph(junction.dwell_times(27.0), rng).window(0.0, stop)
    for state in (P, AP):
        drawn = np.diff(flips)[(start + 1 + state) % 2 :: 2]
        assert len(drawn) > 1e5
        # Of an exponential law the standard deviation is the mean.
        z = (drawn.mean() / dwells[state] - 1) * np.sqrt(len(drawn))
        assert 2 * stats.norm.sf(abs(z)) > THRESHOLD
    share = np.diff([0.0, *flips, stop])[1 - start :: 2].sum() / stop
    correlation_time = dwells[P] * dwells[AP] / sum(dwells)
    deviation = np.sqrt(2 * occupancy * (1 - occupancy) * correlation_time / stop)
    assert 2 * stats.norm.sf(abs(share - occupancy) / deviation) > THRESHOLD


wanted_laws = {
    "dwell": st.floats(-8, 1).map(lambda power: 10**power),
    "occupancy": st.floats(0.001, 0.999),
    "temperature": st.floats(-55, 150),
}


@given(
    **wanted_laws,
    anisotropy=st.floats(5e-3, 0.2),
    offset=st.floats(-0.9, 0.9),
    attempt=st.sampled_from([1e-9, 1e-10]),
)
def test_tuning_by_field_makes_the_wanted_dwell_and_occupancy(  # noqa: PLR0917  # each drawn
    dwell: float,
    occupancy: float,
    temperature: float,
    anisotropy: float,
    offset: float,
    attempt: float,
) -> None:
    assume(2 * dwell * min(occupancy, 1 - occupancy) > 2 * attempt)
    junction = SmtjParameters(
        anisotropy_field=anisotropy, offset_field=offset * anisotropy, attempt_time=attempt
    ).tuned_by_field(dwell, occupancy, temperature)
    times = junction.dwell_times(temperature)
    assert sum(times) / 2 == pytest.approx(dwell, rel=ROUND_TRIP)
    assert junction.occupancy(temperature) == pytest.approx(occupancy, rel=ROUND_TRIP)
    assert junction.barrier_p == junction.barrier_ap
    # It is within the range that a junction is taken in.
    SmtjParameters.model_validate(junction.model_dump())


@given(**wanted_laws, critical=st.sampled_from([50e-6, -50e-6, 2e-3]))
def test_tuning_by_current_makes_the_wanted_dwell_and_occupancy(
    dwell: float, occupancy: float, temperature: float, critical: float
) -> None:
    assume(2 * dwell * min(occupancy, 1 - occupancy) > 2e-9)
    start = SmtjParameters(critical_current=critical, field=8e-3, offset_field=5e-3)
    junction, current = start.tuned_by_current(dwell, occupancy, temperature)
    times = junction.dwell_times(temperature, (current, current))
    assert sum(times) / 2 == pytest.approx(dwell, rel=ROUND_TRIP)
    share = junction.occupancy(temperature, (current, current))
    assert share == pytest.approx(occupancy, rel=ROUND_TRIP)
    assert junction.barrier_p == junction.barrier_ap
    assert abs(current) < abs(critical)


def test_tuning_undoes_the_law_worked_out_by_hand() -> None:
    """The field and the current of Fig. 2's occupancy, back from its printed dwell times."""
    dwells, occupancy = THREE_BIASES[3e-3]
    tuned = SmtjParameters(offset_field=1e-3).tuned_by_field(sum(dwells) / 2, occupancy, 27.0)
    assert tuned.field == pytest.approx(4e-3, rel=1e-7)  # nine digits, and the offset
    assert tuned.barrier_p == pytest.approx(0.327, rel=TEN_DIGITS)
    # Barriers of 0.36 and 0.24 eV are 0.3 eV shifted by a fifth of I_c, which favours P.
    thermal_energy = 8.617333262145e-5 * 300.15
    times = [1e-9 * math.exp(barrier / thermal_energy) for barrier in (0.36, 0.24)]
    junction, current = SmtjParameters(critical_current=10e-6).tuned_by_current(
        sum(times) / 2, times[AP] / sum(times), 27.0
    )
    assert current == pytest.approx(-2e-6, rel=TEN_DIGITS)
    assert junction.barrier_p == pytest.approx(0.3, rel=TEN_DIGITS)


@pytest.mark.parametrize(
    ("dwell", "occupancy", "message"),
    [
        (1e-3, 0.0, "occupancy: wanted between 0 and 1, got 0"),
        (1e-3, 1.0, "occupancy: wanted between 0 and 1, got 1"),
        (1e-3, math.nan, "occupancy: wanted between 0 and 1, got nan"),
        (1e-9, 0.25, "wanted .* finite and above the attempt time of 1e-09 s, got 1.5e-09 s in P"),
        (1e-9, 0.5, "got 1e-09 s in P and 1e-09 s in AP"),
        (0.0, 0.5, "got 0 s in P and 0 s in AP"),
        (math.nan, 0.5, "got nan s in P and nan s in AP"),
        (math.inf, 0.5, "got inf s in P and inf s in AP"),
    ],
)
def test_laws_that_no_barrier_makes_are_refused(
    dwell: float, occupancy: float, message: str
) -> None:
    junction = SmtjParameters(critical_current=10e-6)
    for tune in (junction.tuned_by_field, junction.tuned_by_current):
        with pytest.raises(ValueError, match=message):
            tune(dwell, occupancy, 27.0)


@pytest.mark.parametrize("critical", [math.inf, -math.inf])
def test_no_current_tunes_a_junction_without_torque(critical: float) -> None:
    message = "^critical_current: wanted a finite current to tune by, got inf$"
    with pytest.raises(ValueError, match=message):
        SmtjParameters(critical_current=critical).tuned_by_current(1e-3, 0.5, 27.0)


def test_a_barrier_is_behind_every_dwell() -> None:
    assert barrier_of(BY_HAND[27.0][P], 1e-9, 27.0) == pytest.approx(0.31944, rel=TEN_DIGITS)
    assert thermal(27.0) == pytest.approx(8.617333262145e-5 * 300.15, rel=TEN_DIGITS)


SPREADS = {"resistance_area": 0.05, "tmr": 0.2, "barrier_p": 0.45}


@pytest.fixture(scope="module")
def devices() -> list[SmtjParameters]:
    nominal = SmtjParameters(
        barrier_ap=0.25, spread_resistance=0.05, spread_tmr=0.2, spread_barrier=0.45
    )
    rng = np.random.default_rng(12)
    return [nominal.draw(rng) for _ in range(100_000)]


@pytest.mark.parametrize(("name", "spread"), SPREADS.items())
def test_devices_are_log_normal_with_the_nominal_mean_and_spread(
    devices: list[SmtjParameters], name: str, spread: float
) -> None:
    nominal = getattr(SmtjParameters(), name)
    factors = np.array([getattr(device, name) for device in devices]) / nominal
    n, squared = len(factors), spread**2
    z_mean = (factors.mean() - 1) / (spread / np.sqrt(n))
    assert 2 * stats.norm.sf(abs(z_mean)) > THRESHOLD
    # Fourth central moment of a log-normal law of mean 1, with q = 1 + spread².
    q = 1 + squared
    fourth = squared**2 * (q**4 + 2 * q**3 + 3 * q**2 - 3)
    z_square = (((factors - 1) ** 2).mean() - squared) / np.sqrt((fourth - squared**2) / n)
    assert 2 * stats.norm.sf(abs(z_square)) > THRESHOLD
    law = stats.lognorm(s=np.sqrt(np.log(q)), scale=1 / np.sqrt(q))
    assert stats.kstest(factors, law.cdf).pvalue > THRESHOLD


@pytest.mark.parametrize(("one", "other"), list(combinations(SPREADS, 2)))
def test_resistance_tmr_and_barrier_spread_independently(
    devices: list[SmtjParameters], one: str, other: str
) -> None:
    logs = np.log([(getattr(d, one), getattr(d, other)) for d in devices])
    r = float(np.corrcoef(logs.T)[0, 1])
    assert 2 * stats.norm.sf(abs(r) * np.sqrt(len(logs))) > THRESHOLD


def test_a_device_has_one_factor_for_both_barriers_and_no_spread_left(
    devices: list[SmtjParameters],
) -> None:
    assert len({device.barrier_p for device in devices}) == len(devices)
    shared = ("v_half", "attempt_time", "diameter", "anisotropy_field", "field", "offset_field")
    for device in devices[:200]:
        assert device.barrier_p / 0.327 == pytest.approx(
            device.barrier_ap / 0.25, rel=tolerances.ROUNDING
        )
        assert not device.spread
        again = device.draw(np.random.default_rng(0))
        assert again.model_dump() == pytest.approx(device.model_dump(), rel=tolerances.ROUNDING)
        for name in shared:
            assert getattr(device, name) == getattr(SmtjParameters(), name)


def test_without_spread_every_device_is_the_nominal_one() -> None:
    nominal = SmtjParameters(tmr=1.3)
    assert not nominal.spread
    assert nominal.draw(np.random.default_rng(5)) == nominal
    for name in ("spread_resistance", "spread_tmr", "spread_barrier"):
        assert SmtjParameters.model_validate({name: 0.01}).spread

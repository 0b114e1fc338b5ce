"""The law of weak RESET, by its closed form. Statistics as in made_devices."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from circuits import CircuitParameters
from circuits.write_back.choice import draw_law
from circuits.write_back.law import MINUS, PLUS, Held, Law, Written

Array = NDArray[np.float64]

CHANCE = 1e-4
RATE = 0.05
TOP, FLOOR = 1e-4, 1e-7
"""S: 10 kΩ and 10 MΩ."""

R_F = 100e3
MANY = (200, 200)
EVEN: dict[str, Any] = {"cycle_spread": 0, "device_spread": 0, "set_spread": 0}
"""Every device and every pulse alike."""


def law_of(shape: tuple[int, int], **rram: Any) -> Law:
    parameters = CircuitParameters.model_validate(
        {"write_back": {"device": "rram-weak-reset", "rram": {"rate": RATE, **rram}}}
    )
    return draw_law(parameters, np.ones((2, *shape)), np.random.default_rng(5))


def pair(plus: float, minus: float, shape: tuple[int, int] = (1, 1)) -> Held:
    """Devices that hold conductances, S."""
    resistance = np.stack((np.full(shape, 1 / plus), np.full(shape, 1 / minus)))
    return Held(np.full(resistance.shape, np.nan), resistance)


def write(law: Law, weights: Array, held: Held, seed: int = 7) -> Written:
    return law.write(weights, held, np.random.default_rng(seed))


def after_pulses(n: int, **rram: Any) -> Array:
    """Fall of ln G− in devices from the top that the mean law gives n pulses."""
    goal = TOP * np.exp(-n * RATE)
    weights = np.full(MANY, R_F * (TOP - goal))
    written = write(law_of(MANY, **rram), weights, pair(TOP, TOP, MANY))
    np.testing.assert_array_equal(written.pulses[MINUS], n)
    np.testing.assert_array_equal(written.pulses[PLUS], 0)
    np.testing.assert_array_equal(written.resistance[PLUS], 1 / TOP)
    return np.log(TOP * written.resistance[MINUS]).ravel()


@pytest.mark.parametrize("n", [1, 20])
def test_pulses_alike_lower_the_logarithm_by_the_rate(n: int) -> None:
    np.testing.assert_allclose(after_pulses(n, **EVEN), n * RATE, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 4, 20])
def test_cycle_to_cycle_noise_grows_as_the_root_of_the_pulses(n: int) -> None:
    """The fall of n pulses is normal: mean n r, standard deviation √n r c."""
    falls = after_pulses(n, **{**EVEN, "cycle_spread": 0.3})
    law = stats.norm(n * RATE, np.sqrt(n) * RATE * 0.3)
    assert stats.kstest(falls, law.cdf).pvalue > CHANCE


@pytest.mark.parametrize("n", [1, 20])
def test_devices_have_rates_of_their_own(n: int) -> None:
    """Without other noise the fall is log-normal, mean n r, relative std d."""
    falls = after_pulses(n, **{**EVEN, "device_spread": 0.3})
    width = np.sqrt(np.log(1 + 0.3**2))
    law = stats.lognorm(width, scale=n * RATE * np.exp(-(width**2) / 2))
    assert stats.kstest(falls, law.cdf).pvalue > CHANCE


@pytest.mark.parametrize("n", [1, 20])
def test_both_together_have_the_closed_form_s_mean_and_variance(n: int) -> None:
    """E = n r; Var = n² r² d² + n r² c² (1 + d²), as E[rate_i²] = r² (1 + d²)."""
    c, d = 0.5, 0.4
    falls = after_pulses(n, cycle_spread=c, device_spread=d, set_spread=0)
    variance = (n * RATE * d) ** 2 + n * (RATE * c) ** 2 * (1 + d**2)
    deviates = (falls - n * RATE) / np.sqrt(variance)
    limit = stats.norm.isf(CHANCE / 2)
    assert abs(deviates.mean()) * np.sqrt(deviates.size) < limit
    # The standard error of a variance is √((kurtosis − 1)/N), the kurtosis taken as measured.
    error = np.sqrt((np.mean(deviates**4) - 1) / deviates.size)
    assert abs(deviates.var() - 1) < limit * error


def test_no_pulse_gets_below_the_floor() -> None:
    law = law_of((1, 1), **EVEN)
    # G+ at the floor's double and a wanted fall of ten times as much: up to the floor, no further.
    written = write(law, np.array([[R_F * (1.05 * FLOOR - 5e-5)]]), pair(2 * FLOOR, 5e-5))
    assert written.pulses[:, 0, 0].tolist() == [13, 0]  # ln(2/1.05)/0.05 = 12.9
    noisy = law_of(MANY, cycle_spread=1, device_spread=1)
    low = write(noisy, np.full(MANY, R_F * (FLOOR - 5e-5)), pair(4 * FLOOR, 5e-5, MANY))
    assert (1 / low.resistance).min() >= FLOOR * (1 - 1e-12)
    assert ((1 / low.resistance[PLUS]) < FLOOR * (1 + 1e-12)).mean() > 0.1


def test_a_side_moves_by_lowering_the_other() -> None:
    law = law_of((1, 2), **EVEN)
    held = pair(2e-5, 2e-5, (1, 2))
    written = write(law, np.array([[0.9, -0.9]]), held)
    # To fall by 9 µS from 20: ln(20/11)/0.05 = 11.96.
    np.testing.assert_array_equal(written.pulses[:, 0], [[0, 12], [12, 0]])


def test_a_pair_at_the_floor_is_set_and_brought_down_again() -> None:
    law = law_of((1, 1), **EVEN, r_refresh=200e3)
    written = write(law, np.array([[1.0]]), pair(5e-6, FLOOR))
    # SET makes 100 µS. G− to 5 µS: ln(20)/0.05 = 59.9; G+ to 15 µS: ln(6.67)/0.05 = 37.9.
    np.testing.assert_array_equal(written.pulses[:, 0, 0], [1 + 38, 1 + 60])
    g = 1 / written.resistance[:, 0, 0]
    np.testing.assert_allclose(g, TOP * np.exp(-RATE * np.array([38, 60])), rtol=1e-12)


def test_the_first_write_begins_with_a_set() -> None:
    law = law_of(MANY, cycle_spread=0, device_spread=0, set_spread=0.2, max_pulses=1)
    blank = np.full((2, *MANY), np.nan)
    written = write(law, np.zeros(MANY), Held(blank, blank))
    np.testing.assert_array_equal(written.pulses, 2)
    # A SET is log-normal around 1/r_min, relative std 0.2; the pulse after it takes the rate away.
    made = np.exp(RATE) / written.resistance.ravel() / TOP
    width = np.sqrt(np.log(1 + 0.2**2))
    law_of_set = stats.lognorm(width, scale=np.exp(-(width**2) / 2))
    assert stats.kstest(made, law_of_set.cdf).pvalue > CHANCE


def test_the_largest_weight_leaves_no_room_for_r_refresh() -> None:
    law = law_of((1, 1), **EVEN, max_pulses=1000)
    blank = np.full((2, 1, 1), np.nan)
    g = 1 / write(law, np.array([[20.0]]), Held(blank, blank)).resistance[:, 0, 0]
    np.testing.assert_allclose(g, [TOP, FLOOR], rtol=RATE)


def test_less_than_half_a_pulse_is_lost() -> None:
    """Half a pulse at 20 µS is 0.5 µS, 0.05 of a weight."""
    law = law_of((1, 2), **EVEN)
    written = write(law, np.array([[0.045, 0.055]]), pair(2e-5, 2e-5, (1, 2)))
    np.testing.assert_array_equal(written.pulses[MINUS, 0], [0, 1])
    np.testing.assert_array_equal(written.resistance[:, 0, 0], 1 / 2e-5)


def test_what_is_held_gets_no_pulses() -> None:
    law = law_of(MANY)
    blank = np.full((2, *MANY), np.nan)
    rng = np.random.default_rng(3)
    first = write(law, rng.uniform(-3, 3, MANY), Held(blank, blank))
    held = R_F * (1 / first.resistance[PLUS] - 1 / first.resistance[MINUS])
    again = write(law, held, Held(first.setting, first.resistance))
    assert not again.pulses.any()


def test_max_pulses_end_a_write() -> None:
    law = law_of((1, 1), **EVEN, max_pulses=10)
    written = write(law, np.array([[9.0]]), pair(TOP, TOP))
    assert written.pulses[:, 0, 0].tolist() == [0, 10]


def test_verify_stops_within_a_pulse_of_the_goal() -> None:
    """Looked at after each pulse, a device ends half a mean pulse above its goal or below that."""
    rram = {"cycle_spread": 0, "device_spread": 0.5, "set_spread": 0.1, "max_pulses": 1000}
    law = law_of(MANY, **rram, verify=True)
    goal = 2e-5
    written = write(law, np.full(MANY, R_F * (TOP - goal)), pair(TOP, TOP, MANY))
    left = np.log(1 / written.resistance[MINUS] / goal)
    assert left.max() <= RATE / 2 * (1 + 1e-9)
    # The last step is one pulse of the device: its rate, which its number of pulses tells.
    step = (np.log(TOP / goal) - left) / written.pulses[MINUS]
    assert (left > RATE / 2 - step * (1 + 1e-9)).all()


def test_verify_is_nearer_than_counting_pulses() -> None:
    errors = {}
    for verify in (False, True):
        law = law_of(MANY, verify=verify, max_pulses=400)
        blank = np.full((2, *MANY), np.nan)
        wanted = np.random.default_rng(3).uniform(-2, 2, MANY)
        made = 1 / write(law, wanted, Held(blank, blank)).resistance
        errors[verify] = np.median(np.abs(R_F * (made[PLUS] - made[MINUS]) - wanted))
    assert errors[True] < errors[False] / 5


def test_writes_in_a_row_come_closer() -> None:
    """Each write looks first, so what the last one missed is what the next one aims at."""
    law = law_of(MANY)
    wanted = np.random.default_rng(3).uniform(-2, 2, MANY)
    rng, blank = np.random.default_rng(4), np.full((2, *MANY), np.nan)
    held, misses = Held(blank, blank), []
    for _ in range(6):
        written = law.write(wanted, held, rng)
        resistance = np.where(written.pulses > 0, written.resistance, held.resistance)
        held = Held(written.setting, resistance)
        made = R_F * (1 / resistance[PLUS] - 1 / resistance[MINUS])
        misses.append(float(np.median(np.abs(made - wanted))))
    assert misses[1] < misses[0] / 2
    assert misses[5] < misses[0] / 5

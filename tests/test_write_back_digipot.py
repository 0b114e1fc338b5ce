"""Digital potentiometers by their data sheet, by brute force and by statistics."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_devices import (
    CHANCE,
    MANY,
    Array,
    circuit,
    law_of,
    row,
    weights_of,
    write,
)
from scipy import stats

from circuits.write_back.choice import draw_law
from circuits.write_back.law import MINUS, PLUS


def test_taps_of_the_data_sheet_by_hand() -> None:
    """R = r_fixed + r_wiper + tap/255 · r_ab: 10,075 Ω at tap 0, 110,075 Ω at the last."""
    law = law_of(circuit("digipot", digipot={"tolerance": 0}), (1, 2))
    written = write(law, row(0.0, 50.0))
    np.testing.assert_array_equal(written.setting[:, 0], [[255, 0], [255, 255]])
    np.testing.assert_allclose(written.resistance[:, 0], [[110_075, 10_075], [110_075, 110_075]])
    assert law.synapse.r_min == 10_075
    assert law.synapse.r_max == 110_075


@pytest.mark.parametrize("calibrated", [False, True])
@settings(max_examples=25)
@given(weights=arrays(np.float64, (2, 3), elements=st.floats(-9, 9)))
def test_no_other_tap_makes_a_nearer_weight(calibrated: bool, weights: Array) -> None:
    """Brute force over all taps; a controller that knows no packages reckons with the nominal."""
    parameters = circuit("digipot", digipot={"calibrated": calibrated, "taps": 33})
    written = write(law_of(parameters, (2, 3)), weights)
    deviations = 0.2 * np.random.default_rng(5).uniform(-1, 1, (2, 3)) if calibrated else 0
    taps = np.arange(33)[:, None, None] / 32
    rheostats = 10e3 + 75 + taps * 100e3 * (1 + deviations) + np.zeros((2, 3))
    reachable = 100e3 * (1 / rheostats - 1 / rheostats[-1])
    best = np.abs(reachable - np.abs(weights)).min(axis=0)
    used = np.where(weights >= 0, written.setting[PLUS], written.setting[MINUS]).astype(int)
    taken = np.take_along_axis(reachable, used[None], axis=0)[0]
    np.testing.assert_allclose(np.abs(taken - np.abs(weights)), best, rtol=0, atol=1e-12)
    if calibrated:
        np.testing.assert_allclose(np.abs(weights_of(written)), taken, rtol=0, atol=1e-12)


def test_packages_spread_evenly_within_the_tolerance_and_pairs_share_one() -> None:
    law = law_of(circuit("digipot"), MANY)
    written = write(law, np.zeros(MANY))
    np.testing.assert_array_equal(weights_of(written), 0)
    deviations = (written.resistance[PLUS] - 10_075) / 100e3 - 1
    assert stats.kstest(deviations.ravel(), stats.uniform(-0.2, 0.4).cdf).pvalue > CHANCE


def test_calibration_takes_the_error_of_the_packages_away() -> None:
    weights = np.random.default_rng(1).uniform(-4, 4, MANY)
    errors = {}
    for calibrated in (False, True):
        law = law_of(circuit("digipot", digipot={"calibrated": calibrated}), MANY)
        errors[calibrated] = float(np.std(weights_of(write(law, weights)) - weights))
    # A tap is r_ab/255 ≤ 471 Ω; half of it moves |w| = R_f (G − G_off) by R_f G² · 235 Ω at most,
    # which at |w| = 4 (G ≤ 52 µS) is 0.064; evenly spread errors have a std of 1/√3 of the largest.
    assert errors[True] < 0.064 / math.sqrt(3)
    assert errors[False] > 3 * errors[True]


def test_calibration_knows_the_factors_of_the_chip_too() -> None:
    """Those of R+ and R− of a pair differ, so that its resistors at the last tap do."""
    rng = np.random.default_rng(2)
    parameters = circuit("digipot", digipot={"calibrated": True, "taps": 4096})
    law = draw_law(parameters, rng.uniform(0.8, 1.25, (2, *MANY)), rng)
    wanted = rng.uniform(-3, 3, MANY)
    # Half a tap is 1.25 · 1.2 · 100 kΩ/4095/2 = 18 Ω at most; R_f G² · 18 Ω at 42 µS, which is |w|
    # of 3 beside an R of 83 kΩ at least, is 0.0033.
    np.testing.assert_allclose(weights_of(write(law, wanted)), wanted, rtol=0, atol=0.0033)

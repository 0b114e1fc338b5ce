"""Preferred values and levels, by their definitions and by brute force."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import ANY_WEIGHTS, EXACT, Array, circuit, law_of, row, weights_of, write

from circuits import SynapseParameters
from circuits.synapse import OPEN
from circuits.write_back.levels import Levels
from circuits.write_back.parameters import LevelsParameters
from circuits.write_back.preferred import E24, E96, values_within

# IEC 60063:2015, E96, as printed on distributors' tables.
PUBLISHED_E96 = (
    "1.00 1.02 1.05 1.07 1.10 1.13 1.15 1.18 1.21 1.24 1.27 1.30 1.33 1.37 1.40 1.43 1.47 1.50 "
    "1.54 1.58 1.62 1.65 1.69 1.74 1.78 1.82 1.87 1.91 1.96 2.00 2.05 2.10 2.15 2.21 2.26 2.32 "
    "2.37 2.43 2.49 2.55 2.61 2.67 2.74 2.80 2.87 2.94 3.01 3.09 3.16 3.24 3.32 3.40 3.48 3.57 "
    "3.65 3.74 3.83 3.92 4.02 4.12 4.22 4.32 4.42 4.53 4.64 4.75 4.87 4.99 5.11 5.23 5.36 5.49 "
    "5.62 5.76 5.90 6.04 6.19 6.34 6.49 6.65 6.81 6.98 7.15 7.32 7.50 7.68 7.87 8.06 8.25 8.45 "
    "8.66 8.87 9.09 9.31 9.53 9.76"
)


def test_e96_is_the_published_table() -> None:
    assert [f"{value:.2f}" for value in E96] == PUBLISHED_E96.split()


def test_e24_is_its_formula_but_for_the_eight_values_that_history_left() -> None:
    """IEC 60063: 2.7 … 4.7 are one step above 10^(k/24), 8.2 one below."""
    steps = {value: round(10 * value) - round(10 * 10 ** (k / 24)) for k, value in enumerate(E24)}
    off = {value: step for value, step in steps.items() if step}
    assert off == {**dict.fromkeys((2.7, 3.0, 3.3, 3.6, 3.9, 4.3, 4.7), 1), 8.2: -1}
    assert len(E24) == 24


def test_values_are_the_floats_that_people_write() -> None:
    values = values_within("E24", SynapseParameters(r_min=4.7e3, r_max=51e3))
    assert values[0] == 4.7e3
    assert values[-1] == 51e3
    assert {5.1e3, 8.2e3, 10e3, 27e3} <= set(values.tolist())
    assert len(values) == 26


@pytest.mark.parametrize("series", ["E24", "E96"])
@settings(max_examples=25)
@given(weights=ANY_WEIGHTS)
def test_the_nearest_value_in_ratio_is_taken(series: str, weights: Array) -> None:
    parameters = circuit("e-series", e_series={"series": series})
    written = write(law_of(parameters, (2, 3)), weights)
    pairs = parameters.synapse.program(weights)
    values = values_within(series, parameters.synapse)
    for made, wanted in zip(written.resistance, (pairs.plus, pairs.minus), strict=True):
        assert np.isin(made, values).all()
        best = np.abs(np.log(values[:, None, None] / wanted)).min(axis=0)
        np.testing.assert_allclose(np.abs(np.log(made / wanted)), best, rtol=0, atol=EXACT)


def test_a_pair_in_e24_by_hand() -> None:
    # w = 0.5 with R_f = 100 kΩ: 1/(0.1 µS + 5 µS) = 196.1 kΩ; 180 k is 8.9 % away, 200 k 2.0 %.
    written = write(law_of(circuit("e-series", e_series={"series": "E24"}), (1, 1)), row(0.5))
    np.testing.assert_array_equal(written.resistance[:, 0, 0], [200e3, 10e6])


def test_a_zero_weight_takes_the_value_nearest_to_r_max_within_the_range() -> None:
    law = law_of(circuit("e-series", synapse={"r_max": "9.7M"}, e_series={"series": "E24"}), (1, 1))
    np.testing.assert_array_equal(write(law, row(0.0)).resistance[:, 0, 0], [9.1e6, 9.1e6])
    law = law_of(circuit("e-series", synapse={"r_max": "inf"}), (1, 1))
    np.testing.assert_array_equal(write(law, row(0.0)).resistance[:, 0, 0], [OPEN, OPEN])


# --- levels --------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(weights=ANY_WEIGHTS, count=st.integers(2, 300), log=st.booleans())
def test_the_nearest_level_in_conductance_is_taken(weights: Array, count: int, log: bool) -> None:
    spacing = "log" if log else "linear"
    parameters = circuit("levels", levels={"count": count, "spacing": spacing})
    written = write(law_of(parameters, (2, 3)), weights)
    levels = levels_of(count, spacing)
    pairs = parameters.synapse.program(weights)
    for made, wanted in zip(written.resistance, (pairs.plus, pairs.minus), strict=True):
        best = np.abs(levels[:, None, None] - 1 / wanted).min(axis=0)
        np.testing.assert_allclose(np.abs(1 / made - 1 / wanted), best, rtol=0, atol=1e-16)  # S


def levels_of(count: int, spacing: str) -> Array:
    """Conductances by the words of their definition, S: even steps, or even ratios."""
    low, high = 1e-7, 1e-4  # 10 MΩ, 10 kΩ
    share = np.arange(count) / (count - 1)
    return low + share * (high - low) if spacing == "linear" else low * (high / low) ** share


def test_levels_are_even_in_steps_or_in_ratios() -> None:
    synapse, ones = SynapseParameters(), np.ones((2, 1, 1))
    linear, log = (
        Levels(synapse, ones, LevelsParameters.model_validate({"count": 5, "spacing": s}))
        for s in ("linear", "log")
    )
    np.testing.assert_allclose(linear.conductances, levels_of(5, "linear"), rtol=EXACT)
    np.testing.assert_allclose(log.conductances, levels_of(5, "log"), rtol=EXACT)


def test_two_levels_make_three_weights() -> None:
    law = law_of(circuit("levels", levels={"count": 2}), (1, 5))
    most = SynapseParameters().largest_weight
    made = weights_of(write(law, row(-9, -4.9, 0, 4.9, 5.1)))
    np.testing.assert_allclose(made, row(-most, 0, 0, 0, most), rtol=EXACT)


def test_linear_levels_miss_a_weight_by_half_a_step_at_most() -> None:
    most = SynapseParameters().largest_weight
    wanted = np.linspace(-most, most, 999)[None, :]
    misses = []
    for count in (2, 4, 16, 256):
        law = law_of(circuit("levels", levels={"count": count}), wanted.shape)
        misses.append(float(np.abs(weights_of(write(law, wanted)) - wanted).max()))
        assert misses[-1] <= most / (count - 1) / 2 * (1 + 1e-9)
    assert all(b < a for a, b in pairwise(misses))

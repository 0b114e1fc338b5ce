"""What the laws of all devices that weights are written to have in common."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from made_devices import ANY_WEIGHTS, EXACT, Array, circuit, law_of, row, weights_of, write

from circuits.synapse import OPEN
from circuits.write_back.law import MINUS, PLUS, Held

DETERMINISTIC: dict[str, dict[str, Any]] = {
    "ideal": {},
    "e-series": {"e_series": {"series": "E24"}},
    "levels": {"levels": {"count": 9}},
    "digipot": {"digipot": {"tolerance": 0}},
    "domain-wall": {"domain_wall": {"position_spread": 0}},
}
"""Devices that a weight alone decides, whatever was written before."""


@pytest.mark.parametrize("device", DETERMINISTIC)
def test_weights_grow_with_what_is_wanted(device: str) -> None:
    ramp = np.linspace(-12, 12, 2001)[None, :]
    made = weights_of(write(law_of(circuit(device, **DETERMINISTIC[device]), ramp.shape), ramp))
    assert (np.diff(made) >= -EXACT).all()
    assert made[0, 0] < 0 < made[0, -1]


@pytest.mark.parametrize("device", DETERMINISTIC)
def test_signs_mirror_and_zero_is_none(device: str) -> None:
    law = law_of(circuit(device, **DETERMINISTIC[device]), (1, 5))
    weights = row(0.0, 0.3, 1.0, 4.0, 9.0)
    up, down = write(law, weights), write(law, -weights)
    np.testing.assert_allclose(weights_of(up), -weights_of(down), rtol=EXACT, atol=0)
    assert weights_of(up)[0, 0] == 0


@pytest.mark.parametrize("device", DETERMINISTIC)
@settings(max_examples=25)
@given(weights=ANY_WEIGHTS)
def test_what_is_held_is_left_alone(device: str, weights: Array) -> None:
    law = law_of(circuit(device, **DETERMINISTIC[device]), (2, 3))
    first = write(law, weights)
    assert first.pulses.all()
    second = write(law, weights, Held(first.setting, first.resistance))
    assert not second.pulses.any()


@pytest.mark.parametrize("device", [d for d in DETERMINISTIC if d not in {"ideal", "e-series"}])
@settings(max_examples=25)
@given(weights=ANY_WEIGHTS)
def test_what_a_device_made_it_makes_again(device: str, weights: Array) -> None:
    """A weight that a device holds is its own nearest one."""
    law = law_of(circuit(device, **DETERMINISTIC[device]), (2, 3))
    made = weights_of(write(law, weights))
    np.testing.assert_allclose(weights_of(write(law, made)), made, rtol=0, atol=1e-9)


@pytest.mark.parametrize("device", DETERMINISTIC)
def test_factors_of_the_chip_stand_on_what_is_set(device: str) -> None:
    """The programmer does not know them: the setting is the same, the resistor is not."""
    weights = row(-3.0, 0.0, 0.7, 5.0)
    one, other = (
        write(law_of(circuit(device, **DETERMINISTIC[device]), (1, 4), f), weights)
        for f in (1.0, 1.25)
    )
    np.testing.assert_array_equal(one.setting, other.setting)
    np.testing.assert_allclose(other.resistance, 1.25 * one.resistance, rtol=EXACT)


def test_where_no_resistor_is_no_factor_makes_one() -> None:
    law = law_of(circuit("ideal", synapse={"r_max": "inf"}), (1, 2), 0.5)
    resistance = write(law, row(0.0, 1.0)).resistance
    np.testing.assert_allclose(resistance[MINUS], OPEN, rtol=EXACT)
    np.testing.assert_allclose(resistance[PLUS], [[OPEN, 50e3]], rtol=1e-9)  # beside 1/OPEN

"""The summing amplifier, measured, against finite-gain feedback."""

import math
from typing import Any

import numpy as np
import pytest

from sim.characterize.cells.summing_amp import measure
from sim.characterize.corners import corners
from sim.characterize.sheet import Conditions, Measurement
from sim.config import RunConfig
from sim.errors import UserError

AC = 1e-6
"""A gain from an AC solution, exact to rounding, over resistors of nine digits."""

LOADED = 2e-3
"""Of the gain error: the input's way past the amplifier through R_f, r_out/R_f."""

POLES = 2e-3
"""Straight lines between 50 logarithmic points a decade, of a curvature of one or two."""

STEPS = 0.01
"""600 points a window of which half is settled, and its edge of 10 ns in microseconds."""

CIRCUIT: dict[str, Any] = {
    "v_dd": 3.0,
    "v_ss": -2.0,
    "synapse": {"r_feedback": 47e3, "r_max": 4.7e6},
    "noise": {"r_inject": 330e3, "v_trim": 1.8},
}


def at(
    opamp: dict[str, Any], layers: str = "5,2,1", supply: float = 1.0, **more: Any
) -> Conditions:
    config = RunConfig.model_validate(
        {"circuit": {**CIRCUIT, "opamp": opamp, **more}, "task": {"layers": layers}}
    )
    (only,) = corners(config, (85.0,), (supply,))
    return only


def values(found: Measurement) -> dict[str, float]:
    return {figure.key: figure.value for figure in found.figures}


def noise_gain(weight: float, inputs: int, conditions: Conditions) -> tuple[float, float]:
    """1 + R_f ΣG, and R_f/R, by hand."""
    r_trim = conditions.nominal.noise_string().r_trim
    conductance = weight / 47e3 + 1 / 4.7e6
    total = inputs * conductance + 1 / 330e3 + 1 / r_trim
    return 1 + 47e3 * total, 47e3 * conductance


@pytest.mark.parametrize(("weight", "suffix"), [(1.0, ""), (0.5, "_half")])
def test_gain_offset_and_bandwidth_are_those_of_finite_gain(weight: float, suffix: str) -> None:
    opamp = {"level": "single-pole", "gbw": 0.7e6, "open_loop_gain": 60}
    conditions = at(opamp)
    n, ratio = noise_gain(weight, 5, conditions)
    found = measure(conditions)
    got = values(found)
    assert got[f"gain{suffix}"] == pytest.approx(-ratio / (1 + n / 1e3), rel=AC)
    assert got[f"gain_error{suffix}"] == pytest.approx(-1e6 * n / (1e3 + n), rel=1e-4)
    corner = 0.7e6 / n * (1 + n / 1e3)
    assert got[f"bandwidth{suffix}"] == pytest.approx(corner, rel=POLES)
    short = math.degrees(math.atan(0.7e6 / 1e3 / (0.7e6 / n)))
    assert got[f"phase_margin{suffix}"] == pytest.approx(90 + short, abs=0.05)
    tau = 1 / (2 * math.pi * corner)
    # One pole from 10 % to 90 % takes ln 9 time constants.
    assert got[f"slew{suffix}"] == pytest.approx(1.6 / (math.log(9) * tau), rel=STEPS)
    for key, within in (("settling_0p1", 2e-3), ("settling_10u", 1e-5)):
        assert got[key + suffix] == pytest.approx(tau * math.log(2 / within), rel=STEPS)
    assert not [figure.key for figure in found.figures if figure.deviates]


@pytest.mark.parametrize("supply", [0.9, 1.1])
def test_the_macromodel_adds_offset_rails_and_supply_current(supply: float) -> None:
    opamp = {"v_offset": 1.5e-3, "headroom": 0.1, "i_quiescent": 80e-6, "open_loop_gain": 70}
    conditions = at(opamp, supply=supply)
    n, ratio = noise_gain(1.0, 5, conditions)
    found = measure(conditions)
    got = values(found)
    # The load: R_f into the next virtual ground, and the own one with the summing node behind.
    behind = 47e3 * (1 + 1 / (n - 1))
    load = 1 / (1 / 47e3 + 1 / behind)
    gain = 10 ** (70 / 20) / (1 + 125 / load)
    assert got["gain_error"] == pytest.approx(-1e6 * n / (gain + n), rel=LOADED)
    assert got["output_offset"] == pytest.approx(1.5e-3 * n / (1 + n / gain), rel=1e-4)
    # 125 Ω of output resistance into 25 kΩ, and what overdrive adds.
    assert got["output_high"] == pytest.approx(3.0 * supply - 0.1, abs=0.02)
    assert got["output_low"] == pytest.approx(-2.0 * supply + 0.1, abs=0.02)
    sunk = (2 * (1.0 - 1.5e-3 * n) + 1.5e-3) / 47e3
    assert got["supply_current_driven"] == pytest.approx(80e-6 + sunk, rel=1e-3)
    assert got["supply_current"] == pytest.approx(80e-6, rel=1e-5)
    assert got["nonlinearity"] < 1e-6
    assert got["gain"] == pytest.approx(-ratio, rel=2 * n / gain)
    assert not [figure.key for figure in found.figures if figure.deviates]


def test_two_poles_make_the_bandwidth_and_the_margin() -> None:
    opamp = {"phase_margin": 35, "gbw": 1e6}
    conditions = at(opamp, layers="2,2,1")
    n, _ = noise_gain(0.5, 2, conditions)
    got = values(measure(conditions))
    part = conditions.circuit.opamp
    f = np.geomspace(1e3, 1e7, 400_001)
    loop = 1 / (1j * f / part.gbw * (1 + 1j * f / part.second_pole)) / n  # A0 taken for infinite
    closed = np.abs(loop / (1 + loop))
    corner = f[np.argmax(closed < math.sqrt(0.5))]
    assert got["bandwidth_half"] == pytest.approx(corner, rel=0.01)
    assert got["bandwidth_half"] > 1.2 * part.gbw / n
    unity = int(np.argmax(np.abs(loop) < 1))
    margin = 180 + np.degrees(np.angle(loop[unity]))
    assert got["phase_margin_half"] == pytest.approx(margin, abs=0.5)


def test_a_large_step_slews_and_costs_its_power() -> None:
    """Slow against its bandwidth, so that nearly all of the step slews."""
    conditions = at({"slew_rate": 0.1e6}, layers="1,1")
    found = measure(conditions)
    got = values(found)
    assert got["slew"] == pytest.approx(0.1e6, rel=0.01)
    assert got["settling_0p1"] == pytest.approx(2 / 0.1e6, rel=0.05)
    assert got["settling_0p1"] < got["settling_10u"]
    # 230 µA between 5 V, and what ±1 V draws from 3 V or 2 V into two resistors of 47 kΩ.
    low = 5.0 * 230e-6 * got["settling_0p1"]
    high = low + 3.0 * 2 / 47e3 * got["settling_0p1"]
    assert low < got["step_energy"] < high


@pytest.mark.parametrize("margin", [15, 45])
def test_a_slope_counts_the_second_pole_and_the_edge(margin: float) -> None:
    found = measure(at({"phase_margin": margin, "slew_rate": 20e6}, layers="2,2,1"))
    for figure in found.figures:
        if figure.key.startswith("slew"):
            assert figure.value == pytest.approx(figure.expected, rel=STEPS)


def test_low_supplies_are_driven_as_far_as_they_reach() -> None:
    """0.8 of what 0.02 V of headroom leave of 0.8 V, behind 125 Ω into some 25 kΩ."""
    found = measure(at({}, v_dd=1.2, v_ss=-0.8))
    assert not [figure.key for figure in found.figures if figure.deviates]
    driven = next(figure for figure in found.figures if figure.key == "supply_current_driven")
    assert driven.conditions == "w = 1, 5 inputs, -0.621 V at the output"
    assert driven.value == pytest.approx(230e-6 + 2 * 0.621 / 47e3, rel=1e-3)


def test_supplies_that_leave_out_a_sign_are_refused() -> None:
    with pytest.raises(UserError, match="wanted outputs of both signs, got supplies of -0"):
        measure(at({"headroom": 0.5}, v_ss=-0.4))


def test_the_widest_neuron_counts_with_its_bias() -> None:
    config = {"circuit": CIRCUIT, "task": {"layers": "3,6,2"}, "learning": {"biases": True}}
    (conditions,) = corners(RunConfig.model_validate(config), (27.0,), (1.0,))
    n, _ = noise_gain(1.0, 7, conditions)
    found = {figure.key: figure for figure in measure(conditions).figures}
    assert found["gain"].conditions == "w = 1, 7 inputs"
    gain = conditions.circuit.opamp.gain
    assert found["gain_error"].value == pytest.approx(-1e6 * n / gain, rel=0.01)


def test_trim_resistors_keep_their_nominal_value() -> None:
    """Unlike barriers move the mean, and with it R_o, with temperature."""
    smtj = {"barrier_p": 0.30, "barrier_ap": 0.36}
    conditions = at({"level": "single-pole", "open_loop_gain": 40}, smtj=smtj)
    assert conditions.circuit.noise_string().r_trim != pytest.approx(
        conditions.nominal.noise_string().r_trim, rel=1e-3
    )
    n, _ = noise_gain(1.0, 5, conditions)
    got = values(measure(conditions))
    assert got["gain_error"] == pytest.approx(-1e6 * n / (100 + n), rel=1e-6)


def test_an_ideal_op_amp_leaves_the_resistors_ratio() -> None:
    found = measure(at({"level": "ideal"}))
    got = values(found)
    assert got["gain"] == pytest.approx(-1.01, rel=AC)
    assert math.isnan(got["bandwidth"])
    assert math.isnan(got["settling_10u"])
    assert not [figure.key for figure in found.figures if figure.deviates]


def test_a_smallest_resistor_above_r_f_bounds_the_weight() -> None:
    synapse = {"r_feedback": 10e3, "r_min": 20e3, "r_max": 10e6}
    found = measure(at({"level": "ideal"}, synapse=synapse))
    assert values(found)["gain"] == pytest.approx(-0.5, rel=AC)
    assert found.figures[0].conditions == "w = 0.499, 5 inputs"

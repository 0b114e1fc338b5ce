"""The op-amp's data sheet, measured, against its parameters."""

import math
from typing import Any

import pytest
from scipy.integrate import solve_ivp

from sim.characterize.analysis import settling
from sim.characterize.cells.opamp import measure
from sim.characterize.corners import corners
from sim.characterize.sheet import Conditions, Measurement
from sim.config import RunConfig

MCP601: dict[str, Any] = {}
OTHER: dict[str, Any] = {
    "part": "other", "gbw": 0.4e6, "open_loop_gain": 80, "slew_rate": 0.2e6, "phase_margin": 65,
    "v_offset": -2e-3, "i_quiescent": 50e-6, "r_out": 400, "headroom": 0.1,
}  # fmt: skip

GAIN = 1e-5
"""Of the gain in dB; an AC solution loses 1e-16 of a follower's 1 − 1/A, 1e-10 of A."""

POLES = 1e-3
"""Straight lines between 50 logarithmic points a decade, of a curvature of one or two."""

LIMITER = 0.01
"""Of the slew rate alone: the second pole's 60 ns to 0.4 µs at both ends of 2 µs to 20 µs."""

CLAMP = 2e-3
"""V: 0.5 V of overdrive make 176 µA and less, across the clamp's 0.1 S."""

STEPS = 0.01
"""600 points a window of which half is settled: 0.5 % of a settling time."""


def at(
    opamp: dict[str, Any], temperature: float = 27.0, supply: float = 1.0, **circuit: Any
) -> Conditions:
    config = RunConfig.model_validate({"circuit": {"opamp": opamp, **circuit}})
    (only,) = corners(config, (temperature,), (supply,))
    return only


def values(found: Measurement) -> dict[str, float]:
    return {figure.key: figure.value for figure in found.figures}


@pytest.mark.parametrize("opamp", [MCP601, OTHER], ids=["MCP601", "other"])
@pytest.mark.parametrize(("supply", "rails"), [(1.0, {}), (1.1, {"v_dd": 3.0, "v_ss": -2.0})])
def test_the_sheet_states_what_the_model_was_given(
    opamp: dict[str, Any], supply: float, rails: dict[str, float]
) -> None:
    conditions = at(opamp, -40.0, supply, **rails)
    part, circuit = conditions.circuit.opamp, conditions.circuit
    found = measure(conditions)
    got = values(found)
    assert got["open_loop_gain"] == pytest.approx(part.open_loop_gain, rel=GAIN)
    assert got["gbw"] == pytest.approx(part.gbw, rel=POLES)
    # The definition of the second pole: |A| = 1 where f/f2 = tan(90° − margin).
    unity = part.second_pole * math.tan(math.radians(90 - part.phase_margin))
    assert got["unity_gain_frequency"] == pytest.approx(unity, rel=POLES)
    assert got["phase_margin"] == pytest.approx(part.phase_margin, abs=0.05)
    assert got["offset"] == pytest.approx(part.v_offset, rel=1.1 / part.gain, abs=1e-9)
    assert got["slew_rate_up"] == pytest.approx(part.slew_rate, rel=LIMITER)
    assert got["slew_rate_down"] == pytest.approx(part.slew_rate, rel=LIMITER)
    high, low = circuit.v_dd - part.headroom, circuit.v_ss + part.headroom
    assert got["swing_high"] == pytest.approx(high, abs=CLAMP)
    assert got["swing_low"] == pytest.approx(low, abs=CLAMP)
    divided = 2e3 / (2e3 + part.r_out)
    assert got["swing_high_loaded"] == pytest.approx(high * divided, abs=CLAMP)
    assert got["swing_low_loaded"] == pytest.approx(low * divided, abs=CLAMP)
    assert got["short_circuit_high"] == pytest.approx(high / part.r_out, rel=1e-3)
    assert got["short_circuit_low"] == pytest.approx(-low / part.r_out, rel=1e-3)
    assert got["output_resistance"] == pytest.approx(part.r_out, rel=1e-4)
    assert got["supply_current"] == pytest.approx(part.i_quiescent, rel=1e-5)
    power = (circuit.v_dd - circuit.v_ss) * part.i_quiescent
    assert got["rest_energy"] == pytest.approx(1e-3 * power, rel=1e-5)
    assert not [figure.key for figure in found.figures if figure.deviates]
    assert len(got) == len(found.figures)


@pytest.mark.parametrize(
    ("opamp", "rails"),
    [
        ({"phase_margin": 30}, {}),
        ({"phase_margin": 12, "open_loop_gain": 60}, {"v_dd": 1.2, "v_ss": -0.8}),
        ({"phase_margin": 45, "slew_rate": 20e6}, {}),
    ],
    ids=["ringing", "to its limit", "fast"],
)
def test_a_slope_counts_its_second_pole(opamp: dict[str, Any], rails: dict[str, float]) -> None:
    """They are 2 %, 70 % and 2 % less than the input stage alone would make them."""
    found = {figure.key: figure for figure in measure(at(opamp, **rails)).figures}
    for name in ("up", "down"):
        figure = found[f"slew_rate_{name}"]
        assert figure.value == pytest.approx(figure.expected, rel=STEPS)
        assert figure.rtol <= 2 * STEPS


def test_a_two_pole_follower_rings_as_its_transfer_function_says() -> None:
    """Of a step of 10 mV the limiter leaves all but 0.3 % linear."""
    found = measure(at(OTHER))
    got = values(found)
    part = at(OTHER).circuit.opamp
    # ω_n² = 2π GBW·ω2 and 2ζω_n = ω2 far above the first pole.
    w2, product = 2 * math.pi * part.second_pole, 2 * math.pi * part.gbw
    zeta = math.sqrt(w2 / product) / 2
    wanted = 100 * math.exp(-math.pi * zeta / math.sqrt(1 - zeta**2))
    assert got["overshoot"] == pytest.approx(wanted, rel=0.03)
    assert got["follower_bandwidth"] > part.gbw


@pytest.mark.parametrize("opamp", [MCP601, OTHER], ids=["MCP601", "other"])
def test_a_follower_settles_as_the_macromodels_differential_equations_say(
    opamp: dict[str, Any],
) -> None:
    """Input stage, two poles; a step of 1 V within 10 ns, as the bench makes it."""
    conditions = at(opamp)
    part = conditions.circuit.opamp
    first, second = (2 * math.pi * f for f in (part.gbw / part.gain, part.second_pole))

    def change(t: float, y: Any) -> list[float]:
        stage, out = y
        error = 2 * math.pi * part.gbw * (min(t / 10e-9, 1.0) - 0.5 - out)
        limited = error / math.hypot(1, error / part.slew_rate)
        return [limited - first * stage, second * (stage - out)]

    end = 20 / part.gbw + 2 / part.slew_rate
    exact = solve_ivp(change, (0, end), [-0.5, -0.5], max_step=end / 5000, rtol=1e-9, atol=1e-12)
    got = values(measure(conditions))
    for key, within in (("settling_0p1", 1e-3), ("settling_10u", 1e-5)):
        wanted = settling(exact.t, exact.y[1], exact.y[1][-1], within)
        assert got[key] == pytest.approx(wanted, rel=STEPS)


def test_a_single_pole_settles_by_its_exponential_and_lacks_the_rest() -> None:
    got = values(measure(at({"level": "single-pole", "gbw": 1e6, "open_loop_gain": 60})))
    pole = 1e6 * (1 + 1e-3)
    assert got["follower_bandwidth"] == pytest.approx(pole, rel=POLES)
    assert got["phase_margin"] == pytest.approx(90 + math.degrees(1e-3), abs=0.01)
    for key, within in (("settling_0p1", 1e-3), ("settling_10u", 1e-5)):
        assert got[key] == pytest.approx(-math.log(within) / (2 * math.pi * pole), rel=STEPS)
    lacking = {key for key, value in got.items() if math.isnan(value)}
    assert lacking == {
        "offset", "supply_current", "rest_energy", "slew_rate_up", "slew_rate_down", "swing_high",
        "swing_low", "swing_high_loaded", "swing_low_loaded", "short_circuit_high",
        "short_circuit_low", "output_resistance",
    }  # fmt: skip


def test_an_ideal_op_amp_has_gain_and_nothing_else() -> None:
    found = measure(at({"level": "ideal"}))
    got = values(found)
    assert got.pop("open_loop_gain") == pytest.approx(180, rel=GAIN)
    assert all(math.isnan(value) for value in got.values())
    assert not [figure.key for figure in found.figures if figure.deviates]


@pytest.mark.parametrize("level", ["macro", "single-pole", "ideal"])
def test_every_level_has_the_same_figures(level: str) -> None:
    keys = [figure.key for figure in measure(at({})).figures]
    assert [figure.key for figure in measure(at({"level": level})).figures] == keys


def test_nothing_of_the_model_depends_on_temperature() -> None:
    cold, hot = (values(measure(at(OTHER, t))) for t in (-40.0, 125.0))
    assert cold == pytest.approx(hot, rel=1e-6)

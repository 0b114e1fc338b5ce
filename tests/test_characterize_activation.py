"""The rectifier's data sheet against closed forms, on parts unlike the defaults."""

import math
from pathlib import Path

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings
from sim.activation_curve import WITHIN, measure, read
from sim.characterize.cells import activation
from sim.characterize.command import main
from sim.characterize.rectifier import Rectifier
from sim.characterize.sheet import Conditions, Figure, Measurement

Array = NDArray[np.float64]

# Nothing as by default, nothing symmetric.
PARTS = {"r_load": 12e3, "r_positive": 700, "r_negative": 90e3, "r_rectifier": 33e3}
OPAMP = {"v_offset": 1.5e-3, "gbw": 1.1e6, "open_loop_gain": 90, "slew_rate": 1.7e6}
RAILS = {"v_dd": 2.9, "v_ss": -2.2}


def conditions(settings: dict[str, object], temperature: float = 27.0) -> Conditions:
    nominal = CircuitParameters.model_validate(settings)
    circuit = nominal.model_copy(update={"temperature": temperature})
    return Conditions(circuit, nominal, Network((2, 2, 1)), SolverSettings(), temperature, 1.0)


def rectifier(temperature: float = 27.0, **settings: object) -> Conditions:
    return conditions({**RAILS, "opamp": OPAMP, "activation": {**PARTS, **settings}}, temperature)


def figures(measured: Measurement) -> dict[str, Figure]:
    by_key = {figure.key: figure for figure in measured.figures}
    assert len(by_key) == len(measured.figures)
    return by_key


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 125.0])
@pytest.mark.parametrize(
    ("kind", "diode"),
    [("diode-divider", "HSMS-2850"), ("diode-divider", "1N4148"), ("precision", "1N4148")],
)
def test_every_figure_with_a_closed_form_meets_it(
    kind: str, diode: str, temperature: float
) -> None:
    found = figures(activation.measure(rectifier(temperature, kind=kind, diode=diode)))
    assert not [figure for figure in found.values() if figure.deviates]
    judged = {key for key, figure in found.items() if figure.expected is not None}
    wanted = {
        "knee_positive", "knee_negative", "zero_output", "closed_form_deviation",
        "slope_minus_1", "slope_plus_1", "input_current_negative", "input_current_positive",
        "supply_current", "rest_energy",
    }  # fmt: skip
    if kind == "diode-divider":
        wanted |= {"slope_minus_2", "slope_zero", "slope_plus_2", "bandwidth_plus_1"}
    assert judged == wanted


def test_the_closed_form_is_kirchhoffs_law_with_the_buffers_offset() -> None:
    """Against the branch equations themselves, written out: every current that meets at y."""
    c = rectifier(80.0, diode="1N4148")
    a = np.array([-1.7, -0.9, 0.6, 1.9])
    x = Rectifier(c).output(a)
    parts, diode = c.circuit.activation, c.circuit.activation.rectifier
    y = x * (1 + 1 / c.circuit.opamp.gain) - OPAMP["v_offset"]
    i_s, thermal = diode.saturation_current(80.0), diode.thermal_voltage(80.0)
    load = y / parts.r_load
    # One branch conducts; the other blocks, and leaks about I_S in the same direction.
    forward = np.abs(load) - i_s
    resistor = np.where(a > 0, parts.r_positive, parts.r_negative) + diode.r_s
    drop = resistor * forward + thermal * np.log1p(forward / i_s)
    # Short of I_S by a share of (3 N V_T/(e u))³ at a voltage u, which is 0.2 V at the least.
    blocked = 0.04 * i_s * (resistor + thermal / forward)
    assert (np.abs(np.abs(a - y) - drop) < blocked + tolerances.REAL_DIODE + WITHIN).all()
    assert (drop > 10 * blocked).all()


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_ideal_diodes_have_the_slopes_of_their_resistors_and_no_knee(kind: str) -> None:
    opamp = {"level": "ideal"}
    c = conditions(
        {**RAILS, "opamp": opamp, "activation": {**PARTS, "kind": kind, "diode": "ideal"}}
    )
    found = figures(activation.measure(c))
    slopes = {"minus": 12 / 102, "plus": 12 / 12.7}
    for name, slope in slopes.items():
        assert found[f"slope_{name}_1"].value == pytest.approx(slope, rel=1e-6)  # diodes of 1 mΩ
    for key in ("knee_positive", "knee_negative", "dead_zone", "zero_output"):
        assert found[key].value == pytest.approx(0.0, abs=tolerances.IDEAL_PARTS)
    assert found["line_deviation_everywhere"].value < tolerances.IDEAL_PARTS
    for key in ("bandwidth_plus_1", "slew_up", "supply_current", "rest_energy"):
        assert math.isnan(found[key].value)
    assert found["output_high"].value == pytest.approx(RAILS["v_dd"] * 12 / 12.7, rel=1e-6)
    assert found["output_low"].value == pytest.approx(RAILS["v_ss"] * 12 / 102, rel=1e-6)


def test_knee_and_dead_zone_of_a_rectifier_with_a_drop() -> None:
    """A diode at −40 °C drops some 0.55 V, and its dead zone is that over 0.9 on either side."""
    found = figures(activation.measure(rectifier(-40.0, diode="1N4148")))
    up, down = found["knee_positive"].value, found["knee_negative"].value
    assert 0.4 < up < 0.6
    assert -0.6 < down < -0.3
    # The drop at the tenth of a volt's current is less than at the volt's: 2 N V_T ln 10 = 0.18 V.
    assert found["dead_zone"].value == pytest.approx((up - down) / 0.9, abs=0.18)
    assert found["line_deviation"].value > 0.4
    assert found["line_deviation_at"].value > 0.9
    warm = figures(activation.measure(rectifier(125.0, diode="1N4148")))
    assert warm["dead_zone"].value == 0.0  # I_S has grown 400,000 times


def test_a_divider_whose_diodes_leak_does_not_rectify() -> None:
    """At 125 °C I_S of the HSMS-2850 is 2.5 mA by SPICE's law: both diodes are 13 Ω either way."""
    c = rectifier(125.0, diode="HSMS-2850")
    assert c.circuit.activation.rectifier.saturation_current(125.0) == pytest.approx(
        2.5e-3, rel=0.01
    )
    found = figures(activation.measure(c))
    parallel = 1 / (1 / (700 + 25 + 14.5) + 1 / (90e3 + 25 + 14.5))
    assert found["slope_minus_1"].value == pytest.approx(12e3 / (12e3 + parallel), rel=2e-3)


def test_a_precision_rectifier_of_little_gain_is_as_steep_as_that_gain_lets_it() -> None:
    """Both amplifiers feed back through noise gains of 2 and some; the diode takes a little more.

    Noise gains: 2 of the first, `1 + s+ + s−/(1 + s−)` of the second.
    """
    parts = {"activation": {"kind": "precision"}, "opamp": {"open_loop_gain": 60}}
    found = figures(activation.measure(conditions(parts)))
    assert not [figure for figure in found.values() if figure.deviates]
    slopes = CircuitParameters.model_validate(parts).activation
    up, down = slopes.positive_slope, slopes.negative_slope
    least = (2 + 1 + up + down / (1 + down)) / 1e3
    lost = 1 - found["slope_plus_1"].value / up
    assert least < lost < 1.2 * least


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 85.0])
@pytest.mark.parametrize("a", [-0.7, 0.0, 0.02, 1.3])
def test_the_dividers_input_resistance_is_what_its_source_feels(
    a: float, temperature: float
) -> None:
    c = rectifier(temperature, diode="HSMS-2850")
    low, high = c.circuit.activation.input_resistances(a, temperature)
    assert low == high
    h = 1e-3
    below, above = (Rectifier(c).input_current(volts) for volts in (a - h, a + h))
    # A diode's curve bends by (h/N V_T)²/6 of its slope; currents are nanoamperes from 2 V·1e-8.
    assert low == pytest.approx(2 * h / (above - below), rel=1e-3)
    if a == 0:
        diode = c.circuit.activation.rectifier
        slope = diode.thermal_voltage(temperature) / diode.saturation_current(temperature) + 25
        both = 1 / (1 / (slope + 700) + 1 / (slope + 90e3))
        assert low == pytest.approx(12e3 + both, rel=1e-5)


def test_loads_without_one_resistance_state_both_ends() -> None:
    ideal = rectifier(diode="ideal").circuit.activation
    assert ideal.input_resistances(0.0, 27.0) == (12.7e3, 102e3)
    assert ideal.input_resistances(-1.0, 27.0) == (102e3, 102e3)
    assert ideal.input_resistances(1e-3, 27.0) == (12.7e3, 12.7e3)
    precise = rectifier(kind="precision").circuit.activation
    assert precise.input_resistances(0.3, 27.0) == (33e3, math.inf)


def test_the_precision_rectifier_turns_back_where_its_amplifier_is_at_its_rail() -> None:
    c = rectifier(kind="precision")
    found = figures(activation.measure(c))
    # A few parts in A of a volt, on which A is 90 dB here.
    assert found["closed_form_deviation"].value < 5 / c.circuit.opamp.gain
    assert found["line_deviation_everywhere"].value > 0.1
    assert found["slope_plus_2"].value < 0  # asked for a diode drop more than -2 V, with 2.2 V
    assert found["slope_plus_2"].expected is None  # the closed form knows no rails


def test_the_curves_are_those_that_a_calibrated_twin_would_read() -> None:
    c = rectifier()
    curve = measure(c.circuit, c.solver)
    drawn = {one.key: one for one in activation.measure(c).curves}
    transfer = drawn["dc_transfer"]
    np.testing.assert_array_equal(transfer.y["ngspice"], np.interp(transfer.x, curve.a, curve.x))
    assert transfer.x[0] == curve.a[1]  # the flat end before it is no circuit's
    assert (np.abs(transfer.y["ngspice"] - transfer.y["closed form"]) < 10e-6).all()
    np.testing.assert_allclose(
        drawn["deviation"].y["ngspice"],
        transfer.y["ngspice"] - c.circuit.activation.ideal_transfer(transfer.x),
        rtol=0,
        atol=tolerances.ROUNDING,
    )
    assert set(drawn) == {
        "dc_transfer", "slope", "deviation", "magnitude", "step_up", "step_down",
    }  # fmt: skip


def test_steps_through_zero_settle_where_the_transfer_says() -> None:
    c = rectifier()
    measured = activation.measure(c)
    found = figures(measured)
    ends = Rectifier(c).output(np.array([-1.0, 1.0]))
    for name, end in (("up", ends[1]), ("down", ends[0])):
        coarse, fine = found[f"settling_0p1_{name}"].value, found[f"settling_10u_{name}"].value
        assert 0 < coarse < fine < 20e-6
        step = next(one for one in measured.curves if one.key == f"step_{name}")
        assert step.x[-1] == pytest.approx(1.5 * coarse)
        after = step.x > coarse
        size = abs(ends[1] - ends[0])
        assert (np.abs(step.y["x"][after] - end) < 1.1e-3 * size).all()
        assert found[f"slew_{name}"].value < OPAMP["slew_rate"]


def test_supplies_too_low_for_a_level_leave_its_figures_out() -> None:
    c = conditions({"v_dd": 1.8, "v_ss": -0.9, "activation": PARTS, "opamp": {"headroom": 0.05}})
    found = figures(activation.measure(c))
    for key in ("slope_plus_2", "slope_minus_1", "knee_negative"):
        assert math.isnan(found[key].value)
        assert found[key].expected is None
    assert not math.isnan(found["slope_plus_1"].value)
    assert not math.isnan(found["settling_10u_up"].value)
    assert not [figure for figure in found.values() if figure.deviates]


def test_the_command_writes_the_curve_for_a_calibrated_twin(tmp_path: Path) -> None:
    """The configured circuit's, whatever corners the sheet is of."""
    options = ["--cell", "activation", "--temperature", "85", "--supply", "1", "--quiet"]
    options += ["--set", "circuit.activation.r_load=9k", "--out", str(tmp_path / "sheet")]
    assert main(options) == 0
    curve = read(tmp_path / "sheet" / "activation-curve.csv").curve
    circuit = CircuitParameters.model_validate({"activation": {"r_load": 9e3}})
    measured = measure(circuit, SolverSettings())
    np.testing.assert_array_equal(curve.a, measured.a)
    np.testing.assert_array_equal(curve.x, measured.x)

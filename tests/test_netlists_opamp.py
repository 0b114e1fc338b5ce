"""The op-amp cell in ngspice against its data-sheet figures."""

import numpy as np
import pytest
import tolerances
from conftest import Bench
from numpy.typing import NDArray

from circuits import CircuitParameters, OpAmpParameters
from netlists.elements import Element, Instance, Pwl, Resistor, VoltageSource
from sim.libngspice import Ngspice

Array = NDArray[np.float64]

# MCP601 as in the defaults, and an unlike part: slower, less gain, more margin.
PARTS = [
    OpAmpParameters(),
    OpAmpParameters(
        part="other", gbw=0.4e6, open_loop_gain=80, slew_rate=0.2e6, phase_margin=65,
        v_offset=-2e-3, i_quiescent=50e-6, r_out=400, headroom=0.1,
    ),
]  # fmt: skip


def circuit(opamp: OpAmpParameters) -> CircuitParameters:
    return CircuitParameters(opamp=opamp)


def amplifier(inp: str, inn: str, out: str) -> Element:
    return Instance("amp", (inp, inn, out, "vdd", "vss"), "opamp")


def follower(volts: float, wave: Pwl | None = None) -> list[Element]:
    return [VoltageSource("in", "in", "0", volts, wave), amplifier("in", "out", "out")]


def sweep(library: Ngspice, start: float, stop: float) -> tuple[Array, Array, Array]:
    """Frequency in Hz, gain in V/V and phase in degrees of v(out), from a source of 1 V."""
    library.command("alter @vin[acmag] = 1")
    library.command(f"ac dec 400 {start:g} {stop:g}")
    library.command("let f = real(frequency)")
    library.command("let gain = mag(v(out))")
    library.command("let phase = 180/pi*cph(v(out))")
    return library.vector("f"), library.vector("gain"), library.vector("phase")


def open_loop(bench: Bench, opamp: OpAmpParameters) -> Ngspice:
    """At rest half a volt up, so that the output stage sources; the load is no load."""
    volts = 0.5 / opamp.gain - opamp.v_offset
    load = Resistor("load", "out", "0", 1e9)
    return bench(
        circuit(opamp), [VoltageSource("in", "in", "0", volts), amplifier("in", "0", "out"), load]
    )


@pytest.mark.parametrize("opamp", PARTS, ids=lambda o: o.part)
def test_open_loop_has_gain_crossover_and_phase_margin_of_the_data_sheet(
    bench: Bench, opamp: OpAmpParameters
) -> None:
    _, gain, _ = sweep(open_loop(bench, opamp), 1e-3, 1e-2)
    assert 20 * np.log10(gain[0]) == pytest.approx(opamp.open_loop_gain, abs=tolerances.DECIBELS)
    f, gain, phase = sweep(open_loop(bench, opamp), 1e3, 1e7)
    crossover = np.exp(np.interp(0.0, -np.log(gain), np.log(f)))
    # By definition of the product, at a frequency far above the first pole and below the second.
    assert f[0] * gain[0] == pytest.approx(opamp.gbw, rel=tolerances.AC_SWEEP)
    f_u = opamp.second_pole * np.tan(np.radians(90 - opamp.phase_margin))
    assert crossover == pytest.approx(f_u, rel=tolerances.AC_SWEEP)
    margin = 180 + np.interp(np.log(crossover), np.log(f), phase)
    # The first pole, at GBW/A0, leaves its own atan short of 90°.
    short = np.degrees(np.arctan(opamp.gbw / opamp.gain / crossover))
    assert margin == pytest.approx(opamp.phase_margin + short, abs=tolerances.DEGREES)


def test_second_pole_solves_its_definition() -> None:
    for margin in (20.0, 50.0, 60.0, 85.0):
        opamp = OpAmpParameters(phase_margin=margin)
        # |A| = (GBW/f)/√(1 + (f/f2)²) falls through one where f/f2 = tan(90° − margin).
        f = opamp.second_pole * np.tan(np.radians(90 - margin))
        gain = opamp.gbw / f / np.hypot(1, f / opamp.second_pole)
        assert gain == pytest.approx(1.0, rel=tolerances.ROUNDING)


@pytest.mark.parametrize("level", ["ideal", "single-pole"])
def test_simpler_levels_keep_gain_and_bandwidth_alone(bench: Bench, level: str) -> None:
    opamp = OpAmpParameters.model_validate({"level": level, "open_loop_gain": 80})
    f, gain, phase = sweep(open_loop(bench, opamp), 1e2, 1e7)
    if level == "ideal":
        np.testing.assert_allclose(gain, 1e9, rtol=tolerances.FIVE_DIGITS)
    else:
        pole = opamp.gbw / 1e4
        np.testing.assert_allclose(gain, 1e4 / np.hypot(1, f / pole), rtol=tolerances.FIVE_DIGITS)
        np.testing.assert_allclose(phase, -np.degrees(np.arctan(f / pole)), atol=tolerances.DEGREES)


@pytest.mark.parametrize("opamp", PARTS, ids=lambda o: o.part)
@pytest.mark.parametrize("direction", [-1, 1])
def test_large_steps_slew_at_the_data_sheets_rate(
    bench: Bench, opamp: OpAmpParameters, direction: int
) -> None:
    length = 4 / opamp.slew_rate
    step = Pwl(((0.0, -2.0 * direction), (1e-8, 2.0 * direction), (2 * length, 2.0 * direction)))
    library = bench(circuit(opamp), follower(-2.0 * direction, step))
    library.command(f"tran {length / 400:g} {2 * length:g} 0 {length / 400:g}")
    time, out = library.vector("time"), library.vector("out")
    middle = np.abs(out) < 0.5
    slope = np.polyfit(time[middle], out[middle], 1)[0]
    assert slope == pytest.approx(direction * opamp.slew_rate, rel=tolerances.SLEW)
    assert abs(slope) <= opamp.slew_rate
    assert out[-1] == pytest.approx(2.0 * direction + opamp.v_offset, abs=tolerances.AFTER_SLEWING)


@pytest.mark.parametrize("offset", [-2e-3, 0.0, 2e-3])
def test_a_follower_adds_the_offset_and_loses_one_over_the_gain(
    bench: Bench, offset: float
) -> None:
    opamp = OpAmpParameters(v_offset=offset, open_loop_gain=60)
    library = bench(circuit(opamp), follower(1.0))
    library.command("op")
    wanted = (1.0 + offset) * 1e3 / (1 + 1e3)
    assert library.vector("out")[0] == pytest.approx(wanted, abs=tolerances.OPERATING_POINT)


@pytest.mark.parametrize("overdrive", [-1.0, 1.0])
@pytest.mark.parametrize("headroom", [0.02, 0.3])
@pytest.mark.parametrize("rails", [(2.5, -2.5), (3.3, -1.0)])
def test_the_output_stays_its_headroom_off_the_rails(
    bench: Bench, overdrive: float, headroom: float, rails: tuple[float, float]
) -> None:
    c = CircuitParameters(v_dd=rails[0], v_ss=rails[1], opamp=OpAmpParameters(headroom=headroom))
    library = bench(c, [VoltageSource("in", "in", "0", overdrive), amplifier("in", "0", "out")])
    library.command("op")
    wanted = rails[0] - headroom if overdrive > 0 else rails[1] + headroom
    assert library.vector("out")[0] == pytest.approx(wanted, abs=tolerances.RAIL_CLAMP)


@pytest.mark.parametrize("volts", [-1.0, 1.0])
def test_supplies_carry_the_quiescent_current_and_the_load(bench: Bench, volts: float) -> None:
    opamp = OpAmpParameters()
    load = 10e3
    library = bench(circuit(opamp), [*follower(volts), Resistor("load", "out", "0", load)])
    library.command("op")
    from_dd, from_ss = -library.vector("vdd#branch")[0], -library.vector("vss#branch")[0]
    loaded = volts / load
    assert from_dd == pytest.approx(opamp.i_quiescent + max(loaded, 0), rel=tolerances.FIVE_DIGITS)
    assert from_ss == pytest.approx(-opamp.i_quiescent + min(loaded, 0), rel=tolerances.FIVE_DIGITS)


@pytest.mark.parametrize("level", ["single-pole", "macro"])
def test_an_inverting_amplifier_has_the_closed_loop_gain_of_finite_open_loop_gain(
    bench: Bench, level: str
) -> None:
    opamp = OpAmpParameters.model_validate(
        {"level": level, "open_loop_gain": 40, "r_out": 0.01, "gbw": 1e6}
    )
    r_f, inputs = 100e3, {"u": (0.3, 50e3), "v": (-0.1, 20e3), "w": (0.0, 10e3)}
    elements: list[Element] = [Resistor("f", "n", "out", r_f), amplifier("0", "n", "out")]
    for name, (volts, ohms) in inputs.items():
        elements += [VoltageSource(name, name, "0", volts), Resistor(name, name, "n", ohms)]
    library = bench(circuit(opamp), elements)
    library.command("op")
    total = sum(1 / ohms for _, ohms in inputs.values())
    current = sum(volts / ohms for volts, ohms in inputs.values())
    wanted = -r_f * current / (1 + (1 + r_f * total) / 100)
    assert library.vector("out")[0] == pytest.approx(wanted, rel=tolerances.FIVE_DIGITS)


def test_the_input_stage_is_linear_at_rest_and_limited_in_transients(bench: Bench) -> None:
    """Leaving the slew limit out of operating points must not change where a transient rests."""
    opamp = OpAmpParameters(open_loop_gain=60)
    library = bench(circuit(opamp), follower(1.5))
    library.command("op")
    rest = library.vector("out")[0]
    library.command("tran 1u 200u 0 1u")
    assert library.vector("out")[-1] == pytest.approx(rest, abs=tolerances.OPERATING_POINT)

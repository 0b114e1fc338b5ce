"""What the sheets are made by: figures of merit, closed forms of loops, bench, corners, command."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances
from rich.console import Console
from scipy import signal
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from test_engine_failures import python

from circuits import CircuitParameters, OpAmpParameters
from netlists.build import SolverSettings
from netlists.elements import Capacitor, Pwl, Resistor, VoltageSource
from sim.characterize import analysis
from sim.characterize.bench import Bench
from sim.characterize.command import main
from sim.characterize.corners import corners, typical_corner
from sim.characterize.loops import Loop, exponential_settling, limited_slew, loop_of
from sim.characterize.record import Row, Sheet
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.characterize.step import step_response
from sim.characterize.table import print_sheets, scale
from sim.config import RunConfig

DENSE = 1e-4
"""Straight lines between 200 logarithmic points a decade: (ln 10/200)²/8 of a curvature near 1."""

SECOND_POLE = 0.01
"""The solver's error in the limiter's differential equation, and its 2,000 points."""

# --- figures of merit on synthetic data --------------------------------------------------------


def test_a_crossing_is_between_the_points_and_the_first_one() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0])
    y = np.array([0.0, 4.0, 0.0, 4.0])
    assert analysis.crossing(x, y, 1.0) == pytest.approx(0.25)
    assert analysis.crossing(x, y - 4, -1.0) == pytest.approx(0.75)
    assert math.isnan(analysis.crossing(x, y, 5.0))


def test_corner_crossover_and_margin_are_those_of_two_poles() -> None:
    f = np.geomspace(1, 1e8, 1601)
    gain = 1e4 / ((1 + 1j * f / 100) * (1 + 1j * f / 2e6))
    # Far below the second pole the first one alone makes the corner.
    assert analysis.minus_3db(f, gain) == pytest.approx(100, rel=DENSE)
    # |A| = 1 with u = f²: (1 + u/1e4)(1 + u/4e12) = 1e8, by the quadratic formula.
    a, b, c = 1 / 4e16, 1e-4 + 1 / 4e12, 1 - 1e8
    unity = math.sqrt((-b + math.sqrt(b * b - 4 * a * c)) / (2 * a))
    assert analysis.unity_crossing(f, gain) == pytest.approx(unity, rel=DENSE)
    wanted = 180 - math.degrees(math.atan(unity / 100) + math.atan(unity / 2e6))
    assert analysis.phase_margin(f, gain) == pytest.approx(wanted, abs=tolerances.DEGREES)
    assert math.isnan(analysis.minus_3db(f, np.full(len(f), 3.0)))
    assert math.isnan(analysis.phase_margin(f, gain / 1e5))


def test_a_factor_of_ten_is_twenty_decibels() -> None:
    found = analysis.decibels(np.array([1.0, -10.0, 0.06 + 0.08j]))
    np.testing.assert_allclose(found, [0.0, 20.0, -20.0], atol=1e-12)


def test_slew_is_the_slope_of_the_middle() -> None:
    time = np.linspace(0, 4e-6, 401)
    rounded = np.clip(5e5 * (time - 1e-6), 0, 1) ** np.where(time < 1.1e-6, 2, 1)
    assert analysis.slew(time, 1 - 2 * rounded) == pytest.approx(1e6, rel=1e-3)
    assert math.isnan(analysis.slew(time, np.ones(401)))


@pytest.mark.parametrize("within", [1e-2, 1e-5])
def test_an_exponential_settles_after_its_logarithm(within: float) -> None:
    time = np.linspace(0, 30e-6, 3001)
    v = 2.0 - 3.0 * np.exp(-time / 1e-6)
    # A chord over a hundredth of a time constant lies (0.01)²/8 above the curve.
    wanted = 1e-6 * math.log(3 / within)
    assert analysis.settling(time, v, 2.0, within) == pytest.approx(wanted, abs=2e-11)


def test_settling_counts_the_last_excursion_and_says_where_there_is_none() -> None:
    time = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    v = np.array([0.0, 1.0, 1.2, 1.0, 1.0])
    assert analysis.settling(time, v, 1.0, 0.1) == pytest.approx(2.5)
    assert analysis.settling(time, v, 1.0, 5.0) == 0.0
    assert math.isnan(analysis.settling(time, v, 3.0, 0.1))


def test_overshoot_is_of_the_step_in_its_direction() -> None:
    v = np.array([1.0, -1.0, -1.3, -0.9, -1.0])
    assert analysis.overshoot(v, -1.0) == pytest.approx(0.15)
    assert analysis.overshoot(-v, 1.0) == pytest.approx(0.15)
    assert analysis.overshoot(np.array([0.0, 0.5, 1.0]), 1.0) == 0.0
    assert math.isnan(analysis.overshoot(v, 1.0))


def test_a_straight_line_leaves_what_is_not_straight() -> None:
    x = np.linspace(-1, 1, 201)
    # The Legendre polynomial x³ − 3x/5 is orthogonal to lines; at 1 it is 2/5.
    line = analysis.straight_line(x, 0.3 - 2 * x + 1e-3 * (x**3 - 0.6 * x))
    assert line.gain == pytest.approx(-2, abs=1e-5)
    assert line.offset == pytest.approx(0.3)
    assert line.nonlinearity == pytest.approx(0.4e-3, rel=0.02)
    assert analysis.integral(x, 3 * x + 2) == pytest.approx(4)


# --- loops in closed form ----------------------------------------------------------------------

LOOPS = [
    Loop(5.6e5, 5.0, 2.6e6, 1.0),
    Loop(1e3, 700.0, 3e5, 12.0),
    Loop(1e4, 100.0, 1e9, 3.0),
    Loop(1e4, 100.0, math.inf, 7.0),
]


def transfer(loop: Loop, f: float) -> complex:
    """Loop gain at a frequency."""
    return loop.gain / ((1 + 1j * f / loop.first) * (1 + 1j * f / loop.second)) / loop.noise_gain


@pytest.mark.parametrize("loop", LOOPS)
def test_the_loops_closed_forms_solve_their_definitions(loop: Loop) -> None:
    direct = loop.gain / loop.noise_gain

    def fallen(f: float) -> float:
        t = transfer(loop, f)
        return abs(t / (1 + t)) / (direct / (1 + direct)) - math.sqrt(0.5)

    assert loop.bandwidth == pytest.approx(brentq(fallen, 1.0, 1e9), rel=1e-9)
    unity = brentq(lambda f: abs(transfer(loop, f)) - 1, 1.0, 1e9)
    assert loop.unity == pytest.approx(unity, rel=1e-9)
    margin = 180 + math.degrees(float(np.angle(transfer(loop, loop.unity))))
    assert loop.phase_margin == pytest.approx(margin)
    assert loop.gain_error == pytest.approx(direct / (1 + direct) - 1)


@pytest.mark.parametrize("loop", LOOPS[:3])
def test_overshoot_is_that_of_the_step_response(loop: Loop) -> None:
    w1, w2 = 2 * math.pi * loop.first, 2 * math.pi * loop.second
    k = loop.noise_gain / loop.gain
    system = signal.TransferFunction([1.0], [k / (w1 * w2), k * (1 / w1 + 1 / w2), 1 + k])
    span = 20 / loop.bandwidth
    _, y = signal.step(system, T=np.linspace(0, span, 40_001))
    assert loop.overshoot == pytest.approx(max(0.0, float(y.max()) * (1 + k) - 1), abs=1e-5)


def test_a_lone_pole_settles_by_its_logarithm_and_never_overshoots() -> None:
    opamp = OpAmpParameters(level="single-pole", gbw=1e6, open_loop_gain=60)
    loop = loop_of(opamp, 4.0)
    assert loop.bandwidth == pytest.approx(1e6 / 1e3 * (1 + 1e3 / 4))
    assert loop.overshoot == 0.0
    tau = 1 / (2 * math.pi * loop.bandwidth)
    assert exponential_settling(loop, 2.0, 1e-3) == pytest.approx(tau * math.log(2000))


def test_a_load_divides_the_macromodels_gain_alone() -> None:
    macro = OpAmpParameters(r_out=500)
    assert loop_of(macro, 2.0, 1.5e3).gain == pytest.approx(0.75 * macro.gain)
    plain = macro.model_copy(update={"level": "single-pole"})
    assert loop_of(plain, 2.0, 1.5e3).gain == pytest.approx(plain.gain)
    with pytest.raises(ValueError, match="an ideal op-amp has no poles"):
        loop_of(macro.model_copy(update={"level": "ideal"}), 1.0)


@pytest.mark.parametrize("step", [0.01, 0.5, 4.0])
@pytest.mark.parametrize("noise_gain", [1.0, 6.0])
def test_the_limited_slew_solves_the_input_stages_equation(step: float, noise_gain: float) -> None:
    # A second pole at 5700 times GBW, and no gain error: the input stage alone.
    opamp = OpAmpParameters(slew_rate=2e6, gbw=1e6, phase_margin=89.99, open_loop_gain=140)
    linear = noise_gain * opamp.slew_rate / (2 * math.pi * opamp.gbw)

    def change(_: float, error: Any) -> Any:
        return -opamp.slew_rate * error / linear / np.hypot(1, error / linear)

    end = step / opamp.slew_rate + 10 * noise_gain / opamp.gbw
    time = np.linspace(0, end, 2001)
    error = solve_ivp(change, (0, end), [step], t_eval=time, rtol=1e-9, atol=1e-12).y[0]
    found = 0.8 * step / np.ptp(np.interp([-0.9 * step, -0.1 * step], -error, time))
    assert limited_slew(opamp, step, noise_gain) == pytest.approx(found, rel=1e-3)
    assert limited_slew(opamp, step, noise_gain) < opamp.slew_rate


# --- the bench ---------------------------------------------------------------------------------

R, C = 2e3, 1e-9


def low_pass(**circuit: Any) -> Bench:
    """R and C behind a source, and 10 kΩ between the supplies."""
    return Bench(
        circuit=CircuitParameters.model_validate(circuit),
        solver=SolverSettings(reltol=1e-6),
        cells=(),
        elements=(
            VoltageSource("in", "in", "0", 0.25),
            Resistor("1", "in", "out", R),
            Capacitor("1", "out", "0", C),
            Resistor("2", "vdd", "vss", 10e3),
        ),
        probes=("in", "out"),
        title="low-pass",
    )


def test_supplies_deliver_positive_currents_and_their_power() -> None:
    bench = low_pass(v_dd=3.0, v_ss=-1.0)
    found = bench.operating_point()
    assert found["out"] == pytest.approx(0.25)
    assert found["i(dd)"] == pytest.approx(0.4e-3)
    assert found["i(ss)"] == pytest.approx(0.4e-3)
    power = bench.power({name: np.array([value]) for name, value in found.items()})
    assert power[0] == pytest.approx(16 / 10e3)
    assert bench.operating_point({"in": -1.5, "dd": 5.0})["i(dd)"] == pytest.approx(0.6e-3)
    # What was set for one analysis is not set for the next.
    assert bench.operating_point()["out"] == pytest.approx(0.25)


def test_strings_bring_their_bias_and_reference() -> None:
    circuit = {"noise": {"v_bias": 2.0, "v_trim": 1.5}}
    assert low_pass(**circuit).supplies == {"dd": 2.5, "ss": -2.5, "b": 2.0, "ref": -1.5}
    assert low_pass(noise={"source": "gaussian"}).supplies == {"dd": 2.5, "ss": -2.5}


def test_a_sweep_visits_every_value() -> None:
    values = np.linspace(-0.3, 0.7, 11)
    found = low_pass().sweep("in", values)
    np.testing.assert_allclose(found["out"], values, atol=1e-12)
    assert found["i(dd)"].shape == (11,)
    with pytest.raises(ValueError, match="evenly spaced"):
        low_pass().sweep("in", np.array([0.0, 1.0, 3.0]))


def test_the_response_is_that_of_the_low_pass() -> None:
    f, found = low_pass().response("in", 1e3, 1e6, 20)
    assert len(f) == 61
    np.testing.assert_allclose(found["in"], 1.0)
    np.testing.assert_allclose(found["out"], 1 / (1 + 2j * np.pi * f * R * C), rtol=1e-6)


def test_a_transient_is_that_of_the_low_pass() -> None:
    wave = Pwl(((0.0, 0.0), (1e-9, 1.0), (20e-6, 1.0)))
    time, found = low_pass().transient({"in": wave}, 20e-6, 20e-9)
    late = time > 1e-7
    wanted = 1 - np.exp(-(time[late] - 0.5e-9) / (R * C))
    np.testing.assert_allclose(found["out"][late], wanted, atol=1e-4)


def test_a_step_response_lasts_until_all_rests() -> None:
    response = step_response(low_pass(), "in", "out", -1.0, 1.0)
    assert response.size == pytest.approx(2.0, abs=1e-4)
    # The edge of 10 ns delays all by half of it.
    for within in (2e-3, 10e-6):
        wanted = R * C * math.log(2 / within) + 5e-9
        assert response.settling(within) == pytest.approx(wanted, rel=0.01)
    assert response.energy(1e-6) == pytest.approx(25 / 10e3 * 1e-6)


def test_sources_that_are_not_there_are_refused() -> None:
    wave = Pwl(((0.0, 0.0), (1.0, 1.0)))
    for attempt in (
        lambda: low_pass().operating_point({"out": 1.0}),
        lambda: low_pass().sweep("out", np.linspace(0, 1, 3)),
        lambda: low_pass().response("out", 1, 10),
        lambda: low_pass().transient({"out": wave}, 1e-6, 1e-8),
    ):
        with pytest.raises(ValueError, match="low-pass: no source out, there are in"):
            attempt()


def test_a_failed_analysis_keeps_a_deck_that_repeats_it() -> None:
    printed = python(
        """
        from dataclasses import replace
        from netlists.elements import VoltageSource
        from sim.characterize.bench import Bench
        from circuits import CircuitParameters
        from netlists.build import SolverSettings
        from sim.errors import SimulationError
        fight = (VoltageSource("a", "x", "0", 1.0), VoltageSource("c", "x", "0", 2.0))
        bench = Bench(CircuitParameters(), SolverSettings(), (), fight, ("x",), "two sources")
        try:
            bench.response("a", 1.0, 10.0, settings={"a": 1.5})
        except SimulationError as error:
            print(error)
        """
    )
    assert printed.startswith("two sources: ngspice, ac dec 50 1 10: ")
    kept = re.search(r"deck and log kept as (\S+) and (\S+)", printed)
    assert kept
    deck = Path(kept[1]).read_text(encoding="utf8")
    assert "Va x 0 DC 1.5" in deck
    assert deck.endswith(".control\nalter @va[acmag] = 1\nac dec 50 1 10\n.endc\n.end\n")


def test_a_curve_is_over_its_axis() -> None:
    x = np.linspace(0, 1, 5)
    with pytest.raises(ValueError, match=r"curve k: b has shape \(4,\), its axis \(5,\)"):
        Curve("k", "k", "x", "V", "V", x, {"a": x, "b": x[1:]})


# --- corners, rows, table ----------------------------------------------------------------------


def config(**circuit: Any) -> RunConfig:
    return RunConfig.model_validate({"circuit": circuit})


def test_corners_are_every_temperature_with_every_supply() -> None:
    found = corners(config(temperature=30, v_dd=3.0))
    assert [(c.temperature, c.supply) for c in found] == [
        (t, s) for t in (-40.0, 30.0, 85.0, 125.0) for s in (0.9, 1.0, 1.1)
    ]
    assert [c.typical for c in found].index(True) == 4
    assert sum(c.typical for c in found) == 1
    low = found[0].circuit
    assert (low.temperature, low.v_dd, low.v_ss) == (-40.0, pytest.approx(2.7), -2.25)
    assert found[0].nominal.v_dd == 3.0
    # Biases of the noise are no supplies of op-amps.
    assert low.noise == found[0].nominal.noise
    (only,) = typical_corner(config())
    assert only.typical


def figure(value: float, expected: float | None = None, **more: Any) -> Figure:
    return Figure("k", "thing", "Hz", value, "so", expected, **more)


def test_a_figure_deviates_beyond_its_tolerances() -> None:
    assert not figure(1.009, 1.0).deviates
    assert figure(1.011, 1.0).deviates
    assert not figure(1.011, 1.0, atol=0.002).deviates
    assert figure(math.nan, 1.0).deviates
    assert not figure(5.0).deviates


def sheet_of(values: list[float], places: tuple[Conditions, ...], **more: Any) -> Sheet:
    measured = tuple(Measurement((figure(value, **more),), ()) for value in values)
    return Sheet("thing", "A thing", places, measured)


def test_a_row_finds_its_extremes_and_where() -> None:
    places = corners(config(), (27.0, 85.0), (0.9, 1.0))
    (row,) = sheet_of([3.0, 2.0, math.nan, 7.0], places).rows
    assert row.typical == 2.0
    (low, low_at), (high, high_at) = row.lowest, row.highest
    assert (low, high) == (2.0, 7.0)
    assert low_at is places[1]
    assert high_at is places[3]
    (nothing,) = sheet_of([math.nan] * 4, places).rows
    assert math.isnan(nothing.lowest[0])
    assert math.isnan(nothing.highest[0])
    hot = corners(config(), (85.0,), (1.0,))
    assert math.isnan(Row((figure(1.0),), hot).typical)


@pytest.mark.parametrize(
    ("values", "unit", "wanted"),
    [
        ([2.8e6, math.nan], "Hz", (1e-6, "MHz")),
        ([-2.48, 0.1], "V", (1.0, "V")),
        ([999.9e-6], "s", (1e6, "µs")),
        ([1e3], "Ω", (1e-3, "kΩ")),
        ([2.3e6], "V/s", (1e-6, "V/µs")),
        ([50.0], "deg", (1.0, "°")),
        ([5e-6], "%", (1.0, "%")),
        ([1e-15], "V", (1.0, "V")),
        ([math.nan], "Hz", (1.0, "Hz")),
    ],
)
def test_units_get_the_prefix_that_numbers_want(
    values: list[float], unit: str, wanted: tuple[float, str]
) -> None:
    factor, text = scale(values, unit)
    assert factor == pytest.approx(wanted[0])
    assert text == wanted[1]


def printed(sheets: list[Sheet], skipped: dict[str, str] | None = None) -> str:
    console = Console(width=120, no_color=True, highlight=False, record=True, quiet=False)
    with console.capture() as capture:
        print_sheets(console, sheets, skipped or {}, "39")
    return capture.get()


def test_the_table_shows_extremes_unit_closed_form_and_deviation() -> None:
    places = corners(config(), (27.0,), (0.9, 1.0, 1.1))
    text = printed([sheet_of([2.1e6, 2.5e6, 2.6e6], places, expected=2.5e6)])
    (line,) = [line for line in text.splitlines() if line.startswith("thing ")]
    assert line.split() == ["thing", "so", "2.1", "2.5", "2.6", "MHz", "2.5≠"]
    assert "≠ further from the closed form than its tolerance" in text
    assert (
        "engine: ngspice 39; corners: 27 °C at 0.9, 1, 1.1 times the op-amps' supplies (3)" in text
    )
    # One temperature: nothing to say of what depends on it.
    assert "do not depend on temperature" not in text


def test_the_table_says_what_is_missing_and_what_was_not_simulated() -> None:
    places = corners(config(), (-40.0, 27.0), (1.0,))
    law = sheet_of([1.0, math.nan], places, engine="closed form")
    text = printed([law], {"smtj": "source gaussian has no junctions"})
    (line,) = [line for line in text.splitlines() if line.startswith("thing† ")]
    assert line.split() == ["thing†", "so", "1", "–", "1", "Hz"]
    assert "† by closed form, not simulated" in text
    assert "smtj: left out, source gaussian has no junctions" in text
    assert "the models of op-amps and resistors do not depend on temperature" in text
    assert "≠" not in text


# --- the command -------------------------------------------------------------------------------


def test_the_command_leaves_a_folder_and_prints_a_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "130")
    out = tmp_path / "sheet"
    arguments = ["--typical", "--cell", "opamp", "--set", "circuit.opamp.gbw=1M"]
    assert main([*arguments, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "opamp: Op-amp: open loop, follower, output stage, supplies" in text
    assert re.search(r"gain-bandwidth product .* 1 +MHz +1\n", text)
    assert re.search(r"engine: ngspice \d+; corners: 27 °C at 1 times", text)
    assert {path.name for path in out.iterdir()} == {
        "config.toml", "datasheet.csv", "datasheet.json", "opamp.png", "opamp-gain.csv",
        "opamp-phase.csv", "opamp-large_step.csv", "opamp-small_step.csv",
    }  # fmt: skip
    sheet = json.loads((out / "datasheet.json").read_text(encoding="utf8"))
    assert sheet["engine"] == "ngspice"
    assert sheet["versions"]["ngspice"]
    assert sheet["corners"] == [{"temperature_c": 27.0, "supply": 1.0, "typical": True}]
    assert sheet["config"]["circuit"]["opamp"]["gbw"] == 1e6
    found = {f["key"]: f for f in sheet["cells"]["opamp"]["figures"]}
    gbw = found["gbw"]
    assert gbw["typ"] == pytest.approx(1e6, rel=1e-4)
    assert gbw["typ"] == gbw["min"] == gbw["max"] == gbw["corners"][0]["value"]
    assert gbw["closed_form"] == 1e6
    assert gbw["engine"] == "ngspice"
    assert not gbw["deviates"]
    with (out / "datasheet.csv").open(encoding="utf8", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    assert rows.keys() == found.keys()
    assert float(rows["gbw"]["typ"]) == pytest.approx(gbw["typ"], rel=1e-8)
    assert rows["gbw"]["min_at"] == "27 °C ×1"
    with (out / "opamp-gain.csv").open(encoding="utf8", newline="") as file:
        lines = list(csv.reader(file))
    wanted = ["temperature (°C)", "supply", "frequency (Hz)", "open loop (dB)", "follower (dB)"]
    assert lines[0] == wanted
    assert float(lines[1][3]) == pytest.approx(115, abs=0.1)
    assert (out / "opamp.png").read_bytes().startswith(b"\x89PNG")


def test_a_folders_configuration_measures_the_same_again(tmp_path: Path) -> None:
    arguments = ["--cell", "smtj", "--temperature", "85", "--supply", "0.9", "--quiet"]
    given = ["--set", "circuit.smtj.tmr=0.7", "--layers", "3,2,1"]
    assert main([*arguments, *given, "--out", str(tmp_path / "a")]) == 0
    again = ["--config", str(tmp_path / "a" / "config.toml")]
    assert main([*arguments, *again, "--out", str(tmp_path / "b")]) == 0
    one, other = (json.loads((tmp_path / k / "datasheet.json").read_text()) for k in "ab")
    assert one == other
    assert one["corners"] == [{"temperature_c": 85.0, "supply": 0.9, "typical": False}]
    assert all(f["typ"] is None for f in one["cells"]["smtj"]["figures"])
    assert one["config"]["task"]["layers"] == "3,2,1"


BAD = [
    ("--cell diode", "'diode' is not one of 'smtj', 'opamp', 'summing-amp'"),
    ("--temperature warm", "--temperature: wanted a number in °C, such as '4.7k', got 'warm'"),
    ("--temperature 200", "--temperature 200: input should be less than or equal to 150"),
    ("--supply 0", "--supply: wanted a factor above 0, such as 0.9, got '0'"),
    ("--supply 1V", "--supply: wanted a plain number, got one in V: '1V'"),
    (
        "--supply 0.5 --set circuit.opamp.headroom=1 --set circuit.v_dd=1.5",
        "--supply 0.5: opamp.headroom of 1 V leaves no swing between -1.25 and 0.75 V",
    ),
    ("--typical --supply 0.9", "--typical is one corner; leave out --temperature and --supply"),
    ("--layers 2", "--layers: wanted inputs and at least one layer of neurons"),
    ("--set circuit.opamp.gain=3", "--set circuit.opamp.gain: no such parameter; there are level"),
    (
        "--cell smtj --set circuit.noise.source=gaussian",
        "--cell smtj: source gaussian has no junctions; take --set circuit.noise.source=string",
    ),
    (
        "--typical --cell opamp --set circuit.opamp.gbw=1",
        "op-amp MCP601: out does not settle to 1e-05 V within 0.2 s of a step",
    ),
    (
        "--temperature 85 --set circuit.smtj.critical_current=10u",
        "--temperature 85: a current of 31.18 µA passes the junction's critical current of 10 µA",
    ),
]


@pytest.mark.parametrize(("arguments", "line"), BAD)
def test_wrong_input_gets_one_line_and_code_2(
    arguments: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "none"
    assert main([*arguments.split(), "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert line in said.err
    assert said.err.count("\n") == 1
    assert not out.exists()


def test_a_folder_in_use_is_refused_before_anything_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err


def test_a_failed_simulation_ends_with_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.characterize import command  # noqa: PLC0415
    from sim.errors import SimulationError  # noqa: PLC0415

    def fail(_: Conditions) -> Measurement:
        raise SimulationError("ngspice, op: no convergence")

    monkeypatch.setattr(command, "CELLS", {"opamp": fail})
    assert main(["--cell", "opamp", "--out", str(tmp_path / "x")]) == 3
    assert capsys.readouterr().err == "error: ngspice, op: no convergence\n"
    assert not (tmp_path / "x").exists()


def test_ctrl_c_ends_with_code_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal as signals  # noqa: PLC0415

    from sim.characterize import command  # noqa: PLC0415

    seen: list[Conditions] = []

    def interrupted(conditions: Conditions) -> Measurement:
        seen.append(conditions)
        signals.raise_signal(signals.SIGINT)
        return Measurement((), ())

    monkeypatch.setattr(command, "CELLS", {"opamp": interrupted})
    assert main(["--cell", "opamp", "--quiet", "--out", str(tmp_path / "x")]) == 130
    assert "stopped by Ctrl-C" in capsys.readouterr().err
    assert len(seen) == 1


def test_a_cell_without_its_parts_is_left_out_of_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim.characterize import command  # noqa: PLC0415

    few = {name: command.CELLS[name] for name in ("smtj", "opamp")}
    monkeypatch.setattr(command, "CELLS", few)
    given = ["--typical", "--set", "circuit.noise.source=gaussian"]
    ideal = ["--set", "circuit.opamp.level=ideal"]
    assert main([*given, *ideal, "--out", str(tmp_path / "x")]) == 0
    assert "smtj: left out, source gaussian has no junctions" in capsys.readouterr().out
    sheet = json.loads((tmp_path / "x" / "datasheet.json").read_text())
    assert list(sheet["cells"]) == ["opamp"]
    assert sheet["skipped"].keys() == {"smtj"}


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--typical", "--cell", "smtj", "--quiet", "--out", str(tmp_path / "x")]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert said.out == said.err == ""

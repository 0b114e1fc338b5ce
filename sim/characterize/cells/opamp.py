"""Op-amp: open loop, follower, output stage, supplies."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netlists import cells
from netlists.elements import Element, Instance, Resistor, VoltageSource
from sim.characterize.analysis import decibels, minus_3db, phase_margin, unity_crossing
from sim.characterize.bench import Bench
from sim.characterize.loops import exponential_settling, limited_slew, loop_of
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.characterize.step import CLOSE, StepResponse, step_response

LOAD = 2e3
"""Ω; output swing and output resistance are stated with it."""

OVERDRIVE = 0.5
"""V between the inputs of an output that is driven into its limit, as data sheets have it."""

_NEAR_DC = 1e-6  # Hz; below the first pole of any op-amp that the parameters allow
_CLAMP = 5e-3  # V; what overdrive presses the macromodel's clamps beyond their limit, at most
_REST = 1e-3  # s over which the energy at rest is stated
_SMALL, _UNIT = 10e-3, 1.0  # V; steps
_NOTHING = math.nan


def measure(conditions: Conditions) -> Measurement:
    """Everything a data sheet says of the op-amp.

    The open-loop gain comes from the follower, whose AC solution is exact to rounding:
    `A = v(out)/(v(in) − v(out))`. No feedback has to be broken, so the output rests where offset
    and gain put it. A level of the model that lacks an effect has no figure for it.

    Closed forms: the model's own parameters, and `sim.characterize.loops` for what follows from
    them. Offset of the follower `V_os/(1 + 1/A0)`; swing `(V_DD − headroom)·R/(R + r_out)` into R;
    short-circuit current `(V_DD − headroom)/r_out`; power at rest `(V_DD − V_SS)·I_Q`.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: the follower does not settle.
    """
    figures, curves = _open_loop(conditions)
    for part in (_at_rest, _steps, _output):
        more, drawn = part(conditions)
        figures += more
        curves += drawn
    return Measurement(tuple(figures), tuple(curves))


Found = tuple[list[Figure], list[Curve]]


def follower(conditions: Conditions, *extra: Element) -> Bench:
    """The op-amp as a follower from `in` to `out`, and what hangs on it."""
    amplifier = Instance("amp", ("in", "out", "out", "vdd", "vss"), "opamp")
    return _bench(conditions, amplifier, *extra)


def _bench(conditions: Conditions, *elements: Element) -> Bench:
    circuit = conditions.circuit
    return Bench(
        circuit=circuit,
        solver=conditions.solver,
        cells=(cells.opamp_cell(circuit.opamp),),
        elements=(VoltageSource("in", "in", "0", 0.0), *elements),
        probes=("in", "out"),
        title=f"op-amp {circuit.opamp.part}",
    )


def _gain(
    bench: Bench, low: float, high: float
) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex128]]:
    """Frequency in Hz, open-loop gain and the follower's gain, V/V."""
    frequency, found = bench.response("in", low, high)
    return frequency, found["out"] / (found["in"] - found["out"]), found["out"]


def _open_loop(conditions: Conditions) -> Found:
    opamp = conditions.circuit.opamp
    bench = follower(conditions)
    near_dc = np.abs(_gain(bench, _NEAR_DC, 10 * _NEAR_DC)[1][0])
    f, gain, closed = _gain(bench, min(1.0, opamp.gbw / opamp.gain / 10), 100 * opamp.gbw)
    poles = opamp.level != "ideal"
    loop = loop_of(opamp, 1.0) if poles else None
    # Half-way down, as the logarithm goes, both poles are far.
    half_way = np.exp(
        np.interp(-np.log(near_dc) / 2, -np.log(np.abs(gain)), np.log(f)) if poles else _NOTHING
    )
    figures = [
        Figure(
            "open_loop_gain",
            "open-loop gain",
            "dB",
            float(decibels(near_dc)),
            "at DC, no load",
            20 * math.log10(opamp.gain),
            rtol=1e-4,
        ),
        Figure(
            "gbw",
            "gain-bandwidth product",
            "Hz",
            float(half_way) * math.sqrt(near_dc),
            "at half the open-loop gain in dB",
            opamp.gbw if loop else None,
        ),
        Figure(
            "unity_gain_frequency",
            "unity-gain frequency",
            "Hz",
            unity_crossing(f, gain),
            "open loop, no load",
            loop and loop.unity,
        ),
        Figure(
            "phase_margin",
            "phase margin",
            "deg",
            phase_margin(f, gain),
            "as a follower, no load",
            loop and loop.phase_margin,
        ),
        Figure(
            "follower_bandwidth",
            "bandwidth, -3 dB",
            "Hz",
            minus_3db(f, closed),
            "as a follower, no load",
            loop and loop.bandwidth,
        ),
    ]
    gains = {name: decibels(values) for name, values in (("open loop", gain), ("follower", closed))}
    degrees = {
        name: np.degrees(np.unwrap(np.angle(values)))
        for name, values in (("open loop", gain), ("follower", closed))
    }
    return figures, [
        Curve("gain", "gain", "frequency", "Hz", "dB", f, gains, log_x=True),
        Curve("phase", "phase", "frequency", "Hz", "deg", f, degrees, log_x=True),
    ]


def _at_rest(conditions: Conditions) -> Found:
    circuit, opamp = conditions.circuit, conditions.circuit.opamp
    bench = follower(conditions)
    found = bench.operating_point()
    macro = opamp.level == "macro"
    power = float(bench.power({name: np.array(value) for name, value in found.items()}))
    span = circuit.v_dd - circuit.v_ss
    return [
        Figure(
            "offset",
            "input offset",
            "V",
            found["out"] if macro else _NOTHING,
            "as a follower at 0 V",
            opamp.v_offset / (1 + 1 / opamp.gain) if macro else None,
            atol=1e-6,
        ),
        Figure(
            "supply_current",
            "supply current",
            "A",
            found["i(dd)"] if macro else _NOTHING,
            "at rest, no load",
            opamp.i_quiescent if macro else None,
        ),
        Figure(
            "rest_energy",
            "energy in 1 ms",
            "J",
            power * _REST if macro else _NOTHING,
            "at rest, no load",
            span * opamp.i_quiescent * _REST if macro else None,
        ),
    ], []


def _steps(conditions: Conditions) -> Found:
    circuit, opamp = conditions.circuit, conditions.circuit.opamp
    span = circuit.v_dd - circuit.v_ss
    middle = (circuit.v_dd + circuit.v_ss) / 2
    unit = min(_UNIT, 0.8 * span)
    if opamp.level == "ideal":
        return _step_figures(conditions, unit, {}), []
    bench = follower(conditions)
    heights = {"up": 0.8 * span, "down": -0.8 * span, "unit": unit, "small": _SMALL}
    responses = {
        name: step_response(bench, "in", "out", middle - height / 2, middle + height / 2)
        for name, height in heights.items()
    }
    figures = _step_figures(conditions, unit, responses)
    curves = [_drawn("large_step", "follower, large step up", responses["up"])]
    curves.append(_drawn("small_step", "follower, small step", responses["small"]))
    return figures, curves


def _step_figures(
    conditions: Conditions, unit: float, responses: dict[str, StepResponse]
) -> list[Figure]:
    circuit, opamp = conditions.circuit, conditions.circuit.opamp
    macro = opamp.level == "macro"
    loop = loop_of(opamp, 1.0) if responses else None
    span = circuit.v_dd - circuit.v_ss
    large, limit = 0.8 * span, span / 2 - opamp.headroom
    limited = limited_slew(opamp, large, 1.0, limit=limit) if macro else None
    one_pole = loop if not macro else None
    settled = responses.get("unit")
    return [
        *(
            Figure(
                f"slew_rate_{name}",
                f"slew {name}, 10 % to 90 %",
                "V/s",
                responses[name].slew if macro else _NOTHING,
                "follower, step of 80 % of the supplies",
                limited,
                rtol=0.02,
            )
            for name in ("up", "down")
        ),
        Figure(
            "settling_0p1",
            "settling to 0.1 %",
            "s",
            settled.settling(1e-3 * unit) if settled else _NOTHING,
            f"follower, step of {unit:g} V",
            one_pole and exponential_settling(one_pole, 1.0, 1e-3),
            rtol=0.05,
        ),
        Figure(
            "settling_10u",
            "settling to 10 µV",
            "s",
            settled.settling(CLOSE) if settled else _NOTHING,
            f"follower, step of {unit:g} V",
            one_pole and exponential_settling(one_pole, unit, CLOSE),
            rtol=0.05,
        ),
        Figure(
            "overshoot",
            "overshoot",
            "%",
            100 * responses["small"].overshoot if responses else _NOTHING,
            f"follower, step of {1e3 * _SMALL:g} mV",
            loop and 100 * loop.overshoot,
            rtol=0.05,
            atol=0.1,
        ),
    ]


def _drawn(key: str, title: str, response: StepResponse) -> Curve:
    shown = response.time <= 2 * max(response.settling(1e-3 * abs(response.size)), 1e-9)
    waves = {"input": response.found["in"][shown], "output": response.voltage[shown]}
    return Curve(key, title, "time", "s", "V", response.time[shown], waves)


def _output(conditions: Conditions) -> Found:
    circuit, opamp = conditions.circuit, conditions.circuit.opamp
    macro = opamp.level == "macro"
    open_ended = _bench(conditions, Instance("amp", ("in", "0", "out", "vdd", "vss"), "opamp"))
    load = Resistor("load", "out", "0", LOAD)
    short = VoltageSource("short", "out", "0", 0.0)
    figures: list[Figure] = []
    for name, ends, drive, limit, rail in (
        ("high", "to V_DD", OVERDRIVE, circuit.v_dd - opamp.headroom, "dd"),
        ("low", "to V_SS", -OVERDRIVE, circuit.v_ss + opamp.headroom, "ss"),
    ):
        for key, bench, ohms, under in (
            (f"swing_{name}", open_ended, math.inf, "no load"),
            (f"swing_{name}_loaded", _with(open_ended, load), LOAD, "into 2 kΩ"),
        ):
            figures.append(
                Figure(
                    key,
                    f"output swing {ends}",
                    "V",
                    bench.operating_point({"in": drive})["out"] if macro else _NOTHING,
                    f"{under}, 0.5 V of overdrive",
                    limit / (1 + opamp.r_out / ohms) if macro else None,
                    rtol=0.0,
                    atol=_CLAMP,
                )
            )
        drawn = _NOTHING
        if macro:
            shorted = _with(open_ended, short).operating_point({"in": drive})[f"i({rail})"]
            drawn = shorted - open_ended.operating_point({"in": drive})[f"i({rail})"]
        figures.append(
            Figure(
                f"short_circuit_{name}",
                f"short-circuit current, {'sourcing' if name == 'high' else 'sinking'}",
                "A",
                drawn,
                "output at 0 V",
                abs(limit) / opamp.r_out if macro else None,
            )
        )
    figures.append(
        Figure(
            "output_resistance",
            "output resistance",
            "Ω",
            _output_resistance(conditions) if macro else _NOTHING,
            "open loop, from the gain into 2 kΩ",
            opamp.r_out if macro else None,
        )
    )
    return figures, []


def _with(bench: Bench, element: Element) -> Bench:
    return replace(bench, elements=(*bench.elements, element))


def _output_resistance(conditions: Conditions) -> float:
    free, loaded = (
        abs(_gain(follower(conditions, *load), _NEAR_DC, 10 * _NEAR_DC)[1][0])
        for load in ((), (Resistor("load", "out", "0", LOAD),))
    )
    return LOAD * (free / loaded - 1)

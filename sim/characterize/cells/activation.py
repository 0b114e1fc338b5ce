"""The leaky rectifier with the amplifiers that make its output stiff."""

import math

import numpy as np
from numpy.typing import NDArray

from sim.characterize.analysis import crossing, decibels, minus_3db
from sim.characterize.loops import loop_of
from sim.characterize.rectifier import LEVELS, UNIT, Rectifier
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.characterize.step import CLOSE, StepResponse, step_response

Array = NDArray[np.float64]

DEAD = 0.1
"""Share of the straight line's output below which the rectifier counts as dead, 1."""

_REST = 1e-3  # s over which the energy at rest is stated
_MOST = 0.8  # of the smaller reach, what a step goes to at most
_GRID = 401  # points of the curves
_FINE = 1e-3  # V; grid on which the dead zone is looked for
_GMIN = 1e-12  # S; ngspice puts it across every diode
_NEAR = f"|a| up to {UNIT:g} V"
_LIMITS = "from limit to limit of the amplifier before"
_NOTHING = math.nan


def measure(conditions: Conditions) -> Measurement:
    """Transfer, slopes, knees and dead zone, bandwidth, step response, supply.

    The transfer is that of `sim.activation_curve`, between the voltages that the amplifier before
    the rectifier reaches. Slopes are the small-signal gain at low frequency.

    * Knee: where the tangent at +1 V or −1 V meets the axis, `a − x/slope`: the drop that a
      piecewise rectifier of this slope would have there.
    * Dead zone: width of the range around 0 V in which the output is less far from its value at
      0 V than a tenth of what the straight-line leaky rectifier makes. A piecewise rectifier with
      a drop of V_d has one of `V_d/0.9` on that side.

    Closed form: Kirchhoff's law with the diodes' equations at the corner's temperature and the
    amplifiers' offset (`Rectifier.closed_output`). It knows no rails, and takes the gain of the
    precision rectifier's amplifiers for infinite, which between its diodes, near 0 V, it is not.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: the supplies leave out one sign, or a step does not settle.
    """
    cell = Rectifier(conditions)
    steps = {
        name: step_response(cell.bench(0.0), "a", "x", *ends)
        for name, ends in _step_ends(cell).items()
    }
    return Measurement(
        (*_static(cell), *_small_signal(cell), *_settling(cell, steps), *_supply(cell)),
        (*_transfer_curves(cell), _magnitude(cell), *(_drawn(*step) for step in steps.items())),
    )


def _static(cell: Rectifier) -> list[Figure]:
    points, outputs = cell.points
    from_line = np.abs(outputs - cell.circuit.activation.ideal_transfer(points))
    near = np.abs(points) <= UNIT
    a, deviation = points[near], from_line[near]
    from_closed = np.abs(outputs[near] - cell.closed_output(a))
    return [
        *_knees(cell),
        Figure(
            "dead_zone",
            "dead zone",
            "V",
            _dead_zone(cell),
            "output moves below a tenth of the straight line",
        ),
        Figure(
            "zero_output",
            "output at 0 V",
            "V",
            float(cell.output(np.zeros(1))[0]),
            "",
            float(cell.closed_output(np.zeros(1))[0]),
            atol=cell.tolerance,
        ),
        Figure(
            "line_deviation",
            "largest deviation from straight lines",
            "V",
            float(deviation.max()),
            _NEAR,
        ),
        Figure(
            "line_deviation_at",
            "where on the axis of a that is",
            "V",
            float(a[deviation.argmax()]),
            _NEAR,
        ),
        Figure(
            "line_deviation_everywhere",
            "largest deviation from straight lines",
            "V",
            float(from_line.max()),
            _LIMITS,
        ),
        Figure(
            "closed_form_deviation",
            "largest deviation from the closed form",
            "V",
            float(from_closed.max()),
            _NEAR,
            0.0,
            atol=cell.tolerance,
        ),
        *(
            Figure(
                f"input_current_{name}",
                "input current",
                "A",
                cell.input_current(volts),
                f"a = {volts:+g} V",
                cell.closed_input_current(volts),
                atol=1e-9,
            )
            for name, volts in (("negative", -UNIT), ("positive", UNIT))
        ),
        Figure("output_high", "highest output", "V", float(outputs.max()), _LIMITS),
        Figure("output_low", "lowest output", "V", float(outputs.min()), _LIMITS),
    ]


def _knees(cell: Rectifier) -> list[Figure]:
    figures = []
    for name, one in (("positive", UNIT), ("negative", -UNIT)):
        at = np.array([one])
        reached = cell.reaches(one)
        closed = float(cell.closed_output(at)[0]) / cell.closed_slope(one)
        figures.append(
            Figure(
                f"knee_{name}",
                f"knee, a {'>' if one > 0 else '<'} 0",
                "V",
                one - float(cell.output(at)[0]) / cell.slope(one) if reached else _NOTHING,
                f"tangent at {one:+g} V",
                one - closed if reached else None,
                atol=2 * cell.tolerance / cell.circuit.activation.negative_slope,
            )
        )
    return figures


def _dead_zone(cell: Rectifier) -> float:
    """Width of the range around zero in which x moves below `DEAD` of the straight line, V."""
    width, (rest,) = 0.0, cell.output(np.zeros(1)).tolist()
    points, _ = cell.points
    for side in (-1, 1):
        out = np.arange(_FINE, np.abs(points[-1 if side > 0 else 0]), _FINE)
        line = cell.circuit.activation.ideal_transfer(side * out)
        moved = np.abs(cell.output(side * out) - rest)
        surplus = moved - DEAD * np.abs(line)
        if surplus[0] < 0:
            end = crossing(out, surplus, 0.0)
            width += float(out[-1]) if math.isnan(end) else end
    return width


def _small_signal(cell: Rectifier) -> list[Figure]:
    opamp = cell.circuit.opamp
    slopes = [
        Figure(
            f"slope_{_name(a)}",
            "slope",
            "V/V",
            cell.slope(a) if a in cell.responses else _NOTHING,
            f"small signal at a = {a:+g} V",
            cell.closed_slope(a) if cell.has_closed_slope(a) else None,
            rtol=1e-3,
            atol=cell.gain_tolerance + 10 * _GMIN * cell.circuit.activation.r_load,
        )
        for a in LEVELS
    ]
    bandwidths = [
        Figure(
            f"bandwidth_{_name(a)}",
            "bandwidth, -3 dB",
            "Hz",
            minus_3db(*cell.responses[a]) if a in cell.responses and cell.poles else _NOTHING,
            f"small signal at a = {a:+g} V",
            # The buffer's; at other points the diodes' capacitance may count.
            loop_of(opamp, 1.0).bandwidth
            if a == UNIT and a in cell.responses and cell.poles and cell.divider
            else None,
            rtol=0.02,
        )
        for a in (-UNIT, 0.0, UNIT)
    ]
    return [*slopes, *bandwidths]


def _name(a: float) -> str:
    return "zero" if a == 0 else f"{'plus' if a > 0 else 'minus'}_{abs(a):g}"


def _step_ends(cell: Rectifier) -> dict[str, tuple[float, float]]:
    """Through zero, from end to end of ±1 V or of most of what is reached."""
    points, _ = cell.points
    half = min(UNIT, _MOST * min(-points[0], points[-1]))
    return {"up": (-half, half), "down": (half, -half)}


def _settling(cell: Rectifier, steps: dict[str, StepResponse]) -> list[Figure]:
    figures = []
    for name, (before, after) in _step_ends(cell).items():
        direction, step = f"a from {before:+.3g} to {after:+.3g} V within 10 ns", steps[name]
        figures += [
            Figure(
                f"slew_{name}",
                f"slew, {name}",
                "V/s",
                step.slew if cell.macro else _NOTHING,
                f"10 % to 90 %, {direction}",
            ),
            Figure(
                f"settling_0p1_{name}",
                f"settling to 0.1 %, {name}",
                "s",
                step.settling(1e-3 * abs(step.size)),
                direction,
            ),
            Figure(
                f"settling_10u_{name}",
                f"settling to 10 µV, {name}",
                "s",
                step.settling(CLOSE),
                direction,
            ),
        ]
    return figures


def _supply(cell: Rectifier) -> list[Figure]:
    """Supply pins are the macromodel's alone; at a = 0 V nothing loads it."""
    opamp, circuit = cell.circuit.opamp, cell.circuit
    drawn = len(circuit.activation.amplifiers) * opamp.i_quiescent
    bench = cell.bench(0.0)
    found = bench.operating_point()
    power = float(bench.power({name: np.array(value) for name, value in found.items()}))
    return [
        Figure(
            "supply_current",
            "supply current",
            "A",
            found["i(dd)"] if cell.macro else _NOTHING,
            "a = 0 V, no load",
            drawn if cell.macro else None,
            atol=1e-6,
        ),
        Figure(
            "rest_energy",
            "energy in 1 ms",
            "J",
            power * _REST if cell.macro else _NOTHING,
            "a = 0 V, no load",
            drawn * (circuit.v_dd - circuit.v_ss) * _REST if cell.macro else None,
        ),
    ]


def _transfer_curves(cell: Rectifier) -> list[Curve]:
    points, _ = cell.points
    a = np.linspace(points[0], points[-1], _GRID)
    x, closed = cell.output(a), cell.closed_output(a)
    line = cell.circuit.activation.ideal_transfer(a)
    transfer = {"ngspice": x, "closed form": closed, "straight lines": line}
    slopes = {name: np.gradient(values, a) for name, values in transfer.items()}
    return [
        Curve("dc_transfer", "transfer", "a", "V", "V", a, transfer),
        Curve("slope", "slope", "a", "V", "V/V", a, slopes),
        Curve(
            "deviation",
            "deviation from straight lines",
            "a",
            "V",
            "V",
            a,
            {"ngspice": x - line, "closed form": closed - line},
        ),
    ]


def _magnitude(cell: Rectifier) -> Curve:
    f, _ = cell.responses[0.0]
    gains = {
        f"a = {a:+g} V": decibels(gain) for a, (_, gain) in cell.responses.items() if abs(a) <= UNIT
    }
    return Curve("magnitude", "small-signal gain", "frequency", "Hz", "dB", f, gains, log_x=True)


def _drawn(name: str, step: StepResponse) -> Curve:
    """The first part of a step response, up to 1.5 times its settling to 0.1 %."""
    stop = 1.5 * step.settling(1e-3 * abs(step.size))
    time = np.linspace(0.0, stop, _GRID)
    waves = {node: np.interp(time, step.time, step.found[node]) for node in ("a", "x")}
    return Curve(f"step_{name}", f"step {name} through zero", "time", "s", "V", time, waves)

"""A hidden neuron, from its inputs and its noise to pre-activation and output."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters
from sim.characterize.analysis import decibels, minus_3db, straight_line
from sim.characterize.neuron import Neuron
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.characterize.step import CLOSE, StepResponse, step_response

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_NEAR_DC = 1e-6  # Hz; below the first pole of any op-amp that the parameters allow
_POINTS = 401  # of the DC transfer, and of drawn steps
_BEYOND = 1.2  # of the further supply, the end of the DC transfer
_REST = 1e-3  # s over which the energy at rest is stated
_PARTS = 0.02  # of gain errors and bandwidths: the junctions' chord resistance, the curves' points
_NOTHING = math.nan


def measure(conditions: Conditions) -> Measurement:
    """Multiply and accumulate, noise injection, bandwidth, steps, range and supply of a neuron.

    Its first input is driven, the others are at ground, all weights are +1, −1 or 0. A weight of
    +1 goes through both summing amplifiers, one of −1 through the second alone. The noise is held
    at its mean, by junctions between their states. Closed forms: `sim.characterize.neuron`, and
    `circuits.string` for the noise.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: a step does not settle.
    """
    rows = {w: _Row(Neuron(conditions, w)) for w in (1.0, -1.0, 0.0)}
    steps = dict(_steps(rows))
    figures = [
        *(figure for w, sign in _SIGNS for figure in _multiply(rows[w], sign)),
        *_cancellation(rows[0.0]),
        *_noise(rows[1.0]),
        *_step_figures(rows, steps),
        *_range(rows),
        *_supply(rows[1.0].neuron),
    ]
    return Measurement(tuple(figures), (*_curves(rows), *_step_curves(steps)))


_SIGNS = ((1.0, "plus"), (-1.0, "minus"))


@dataclass(frozen=True)
class _Row:
    """What is simulated of a neuron, once."""

    neuron: Neuron

    @property
    def circuit(self) -> CircuitParameters:
        return self.neuron.circuit

    @property
    def poles(self) -> bool:
        return self.circuit.opamp.level != "ideal"

    @property
    def macro(self) -> bool:
        return self.circuit.opamp.level == "macro"

    @cached_property
    def near_dc(self) -> float:
        """Input to pre-activation, V/V: a small-signal solution is exact to rounding."""
        _, found = self.neuron.bench.response("u", _NEAR_DC, 10 * _NEAR_DC)
        return float(found["a"][0].real)

    @cached_property
    def response(self) -> tuple[Array, Complex]:
        """Frequency in Hz, and input to pre-activation in V/V."""
        frequency, found = self.neuron.bench.response("u", *self._band)
        return frequency, found["a"]

    @cached_property
    def injection(self) -> tuple[Array, Complex]:
        """Frequency in Hz, and noise source's voltage to pre-activation in V/V."""
        frequency, found = self.neuron.bench.response(self.neuron.injector, *self._band)
        return frequency, found["a"] / found[self.neuron.divider]

    @cached_property
    def transfer(self) -> tuple[Array, Array, Array]:
        """Input, pre-activation and output at rest, V."""
        reach = _BEYOND * max(self.circuit.v_dd, -self.circuit.v_ss)
        u = np.linspace(-reach, reach, _POINTS)
        found = self.neuron.bench.sweep("u", u)
        return u, found["a"], found["x"]

    @property
    def _band(self) -> tuple[float, float]:
        gbw = self.circuit.opamp.gbw
        return gbw / 1e6, 100 * gbw


def _multiply(row: _Row, sign: str) -> list[Figure]:
    neuron, weight = row.neuron, row.neuron.weight
    u, a, _ = row.transfer
    reach = neuron.reach
    inside = np.abs(u) <= reach
    f, _ = row.response
    return [
        Figure(
            f"mac_gain_{sign}",
            "MAC gain",
            "V/V",
            row.near_dc,
            neuron.words,
            neuron.gain,
            rtol=1e-4,
        ),
        Figure(
            f"mac_gain_error_{sign}",
            "MAC gain error",
            "ppm",
            1e6 * (row.near_dc / weight - 1),
            neuron.words,
            1e6 * (neuron.gain / weight - 1),
            rtol=_PARTS + neuron.doubt,
            atol=0.01,
        ),
        Figure(
            f"mac_offset_{sign}",
            "MAC offset",
            "V",
            neuron.bench.operating_point()["a"],
            f"w = {weight:+g}, inputs at 0 V, noise at its mean",
            neuron.offset,
            atol=1e-6 * sum(neuron.noise_gains),
        ),
        Figure(
            f"mac_nonlinearity_{sign}",
            "MAC, distance from a straight line",
            "V",
            straight_line(u[inside], a[inside]).nonlinearity,
            f"w = {weight:+g}, input up to {reach:.4g} V",
            0.0,
            atol=CLOSE,
        ),
        Figure(
            f"bandwidth_{sign}",
            "bandwidth to a, -3 dB",
            "Hz",
            minus_3db(*row.response) if row.poles else _NOTHING,
            neuron.words,
            minus_3db(f, neuron.response(f)[0]) if row.poles else None,
            rtol=_PARTS + neuron.doubt,
        ),
    ]


def _cancellation(row: _Row) -> list[Figure]:
    neuron = row.neuron
    f, gain = row.response
    return [
        Figure(
            "mac_cancellation",
            "what a pair at w = 0 lets through",
            "V/V",
            row.near_dc,
            f"{neuron.words}, at DC",
            neuron.gain,
            rtol=_PARTS + neuron.doubt,
            atol=1e-9,
        ),
        Figure(
            "mac_feedthrough",
            "what a pair at w = 0 lets through",
            "V/V",
            float(np.abs(gain).max()) if row.poles else _NOTHING,
            f"{neuron.words}, largest over frequency",
            float(np.abs(neuron.response(f)[0]).max()) if row.poles else None,
            rtol=_PARTS + neuron.doubt,
        ),
    ]


def _noise(row: _Row) -> list[Figure]:
    neuron = row.neuron
    _, found = neuron.bench.response(neuron.injector, _NEAR_DC, 10 * _NEAR_DC)
    near_dc = float((found["a"][0] / found[neuron.divider][0]).real)
    rest = neuron.bench.operating_point()["a"]
    ends = zip(neuron.controls_at_extremes, neuron.extremes, strict=True)
    words = ("all junctions in P", "all in AP") if neuron.string else ("at -1 σ", "at +1 σ")
    f, _ = row.injection
    return [
        Figure(
            "noise_gain",
            "noise injection gain",
            "V/V",
            near_dc,
            "from the noise source's voltage to a",
            neuron.injection,
            rtol=1e-4,
        ),
        *(
            Figure(
                f"noise_{name}",
                "noise at a, from its mean",
                "V",
                neuron.bench.operating_point(neuron.settings(control))["a"] - rest,
                word,
                expected,
                rtol=1e-3,
                atol=1e-6,
            )
            for name, word, (control, expected) in zip(("low", "high"), words, ends, strict=True)
        ),
        Figure(
            "noise_bandwidth",
            "noise injection bandwidth, -3 dB",
            "Hz",
            minus_3db(*row.injection) if row.poles else _NOTHING,
            "to a",
            minus_3db(f, neuron.response(f)[1]) if row.poles else None,
            rtol=_PARTS + neuron.doubt,
        ),
    ]


def _steps(rows: dict[float, _Row]) -> Iterator[tuple[tuple[str, str, str], StepResponse]]:
    """Steps of the input over the whole range: both signs, both directions, both nodes."""
    if not rows[1.0].poles:
        return
    for w, sign in _SIGNS:
        neuron = rows[w].neuron
        unit = neuron.reach
        for direction, to in (("up", unit / w), ("down", -unit / w)):
            for node in ("a", "x"):
                yield (
                    (sign, direction, node),
                    step_response(neuron.bench, "u", node, -to, to),
                )


def _step_figures(
    rows: dict[float, _Row], steps: dict[tuple[str, str, str], StepResponse]
) -> Iterator[Figure]:
    unit = rows[1.0].neuron.reach
    for w, sign in _SIGNS:
        for direction in ("up", "down"):
            step = steps.get((sign, direction, "a"))
            yield Figure(
                f"slew_{sign}_{direction}",
                f"slope of a, 10 % to 90 %, {direction}",
                "V/s",
                step.slew if step else _NOTHING,
                f"w = {w:+g}, step of {2 * unit:.4g} V",
            )
    for node in ("a", "x"):
        slowest = [step for (_, _, at), step in steps.items() if at == node]
        for key, what in (("0p1", "0.1 %"), ("10u", "10 µV")):
            times = [s.settling(1e-3 * abs(s.size) if key == "0p1" else CLOSE) for s in slowest]
            yield Figure(
                f"settling_{key}_{node}",
                f"settling of {node} to {what}",
                "s",
                max(times) if times else _NOTHING,
                f"slowest of w = ±1, {2 * unit:.4g} V up and down",
            )


def _range(rows: dict[float, _Row]) -> Iterator[Figure]:
    """With w = +1 the first amplifier gets to its rail, too, and the opposite one counts."""
    for w, sign in _SIGNS:
        _, a, x = rows[w].transfer
        for node, volts in (("a", a), ("x", x)):
            for name, value in (("high", volts.max()), ("low", volts.min())):
                yield Figure(
                    f"range_{node}_{name}_{sign}",
                    f"{name}est {node}",
                    "V",
                    float(value) if rows[w].macro else _NOTHING,
                    f"w = {w:+g}, input beyond the supplies",
                )


def _supply(neuron: Neuron) -> list[Figure]:
    """Supply pins are the macromodel's alone; the string's supplies deliver with any."""
    found = neuron.bench.operating_point()
    power = float(neuron.bench.power({name: np.array(v) for name, v in found.items()}))
    circuit, macro = neuron.circuit, neuron.circuit.opamp.level == "macro"
    amplifiers = neuron.quiescent * (circuit.v_dd - circuit.v_ss)
    words = "w = +1, inputs at 0 V"
    return [
        Figure(
            "supply_current",
            "supply current",
            "A",
            found["i(dd)"] if macro else _NOTHING,
            words,
            neuron.quiescent if macro else None,
        ),
        Figure(
            "rest_energy",
            "energy in 1 ms",
            "J",
            power * _REST if macro else _NOTHING,
            f"{words}, all supplies",
            (amplifiers + neuron.string_power) * _REST if macro else None,
        ),
    ]


def _curves(rows: dict[float, _Row]) -> list[Curve]:
    u, _, _ = rows[1.0].transfer
    inside = np.abs(u) <= rows[1.0].neuron.reach
    transfers = {row.neuron.weight: row.transfer[1] for row in rows.values()}
    frequency, _ = rows[1.0].response
    gains = {_named(w): decibels(row.response[1]) for w, row in rows.items()}
    gains["noise"] = decibels(rows[1.0].injection[1])
    return [
        Curve(
            "dc_transfer",
            "input to pre-activation",
            "input",
            "V",
            "V",
            u,
            {_named(w): a for w, a in transfers.items()},
        ),
        Curve(
            "dc_error",
            "pre-activation less w times input",
            "input",
            "V",
            "V",
            u[inside],
            {_named(w): (a - w * u)[inside] for w, a in transfers.items()},
        ),
        Curve(
            "magnitude",
            "gain to the pre-activation",
            "frequency",
            "Hz",
            "dB",
            frequency,
            gains,
            log_x=True,
        ),
    ]


def _named(weight: float) -> str:
    return f"w = {weight:+g}" if weight else "w = 0"


def _step_curves(steps: dict[tuple[str, str, str], StepResponse]) -> Iterator[Curve]:
    """Steps of w = +1, up to one and a half times the settling of x to 0.1 %."""
    for direction in ("up", "down"):
        step = steps.get(("plus", direction, "x"))
        if step:
            stop = 1.5 * step.settling(1e-3 * abs(step.size))
            time = np.linspace(0.0, stop, _POINTS)
            waves = {node: np.interp(time, step.time, step.found[node]) for node in ("a", "x")}
            title = f"input step {direction}, w = +1"
            yield Curve(f"step_{direction}", title, "time", "s", "V", time, waves)

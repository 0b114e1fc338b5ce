"""Inverting summing amplifier, as the perceptron's first: weights, R_f, noise injection."""

import math

import numpy as np
from numpy.typing import NDArray

from circuits.quantities import format_quantity
from sim.characterize.analysis import decibels, minus_3db, phase_margin, straight_line
from sim.characterize.loops import exponential_settling
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.characterize.step import CLOSE, StepResponse
from sim.characterize.summing import SummingStage

_NEAR_DC = 1e-6  # Hz
_FAR_BELOW = 1e3  # the narrowest bandwidth, that a response begins
_SHARES = (1.0, 0.5)  # of the largest weight, or of one
_SUFFIXES = ("", "_half")  # of the figures' keys, for these
_POINTS = 401  # of the DC transfer
_BEYOND = 1.2  # of what drives the output into its rails, the end of the DC transfer
_INSIDE = 0.02  # of the output range, left off at each end where the straight line is sought
_CLAMP = 5e-3  # V; what overdrive presses the macromodel's clamps beyond their limit, at most
_DRAWN = {"supply_current": 0.0, "supply_current_driven": -0.5}  # output, of the largest step
_NOTHING = math.nan


def measure(conditions: Conditions) -> Measurement:
    """Gain, offset, bandwidth, range and steps of `sim.characterize.summing.SummingStage`.

    With the noise gain `N = 1 + R_f ΣG` and the op-amp's gain A under the load

        gain        −(R_f/R)/(1 + N/A)
        offset      N·V_os/(1 + N/A)
        bandwidth   of two poles in the loop, `loops.Loop.bandwidth`; GBW/N where the second is far
        slope       `loops.limited_slew`
        range       the limits V_DD − headroom and V_SS + headroom behind r_out, no loop

    The first two are in any text on feedback, as P. R. Gray et al., Analysis and Design of Analog
    Integrated Circuits, ch. 8. Where R_min leaves no weight of one, the largest takes its place.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
        UserError: a step does not settle.
    """
    largest = min(1.0, conditions.circuit.synapse.largest_weight)
    stages = [SummingStage(conditions, share * largest) for share in _SHARES]
    gbw = conditions.circuit.opamp.gbw
    low = gbw / stages[0].noise_gain / _FAR_BELOW
    responses = [stage.response(low, 100 * gbw) for stage in stages]
    steps = [stage.step() for stage in stages]
    figures: list[Figure] = []
    for stage, suffix, response in zip(stages, _SUFFIXES, responses, strict=True):
        figures += _small_signal(stage, suffix, *response)
    transfer, drawn = _transfer(stages[0])
    figures += transfer
    for stage, suffix, step in zip(stages, _SUFFIXES, steps, strict=True):
        figures += _step(stage, suffix, step)
    gains = {
        stage.label: decibels(gain) for stage, (_, gain, _) in zip(stages, responses, strict=True)
    }
    frequency = responses[0][0]
    curves = [
        drawn,
        Curve("gain", "closed loop", "frequency", "Hz", "dB", frequency, gains, log_x=True),
    ]
    waves = {
        stage.label: step for stage, step in zip(stages, steps, strict=True) if step is not None
    }
    if waves:
        curves.append(_drawn_together(waves))
    figures += _supplies(stages[0])
    return Measurement(tuple(figures), tuple(curves))


def _small_signal(
    stage: SummingStage,
    suffix: str,
    frequency: NDArray[np.float64],
    gain: NDArray[np.complex128],
    loop_gain: NDArray[np.complex128],
) -> list[Figure]:
    circuit, loop = stage.conditions.circuit, stage.loop
    _, near_dc, _ = stage.response(_NEAR_DC, 10 * _NEAR_DC)
    error = float(near_dc[0].real) / stage.ideal_gain - 1
    simple = f"; GBW/N = {format_quantity(circuit.opamp.gbw / stage.noise_gain, 'Hz')}"
    offset = circuit.opamp.v_offset if circuit.opamp.level == "macro" else 0.0
    return [
        Figure(
            f"gain{suffix}",
            "gain",
            "V/V",
            stage.ideal_gain * (1 + error),
            stage.words,
            stage.ideal_gain * (1 + stage.gain_error),
            rtol=1e-4,
        ),
        Figure(
            f"gain_error{suffix}",
            "gain error",
            "ppm",
            1e6 * error,
            stage.words,
            1e6 * stage.gain_error,
            atol=0.01,
        ),
        Figure(
            f"output_offset{suffix}",
            "output offset",
            "V",
            stage.bench.operating_point()["out"],
            f"{stage.words}, V_os = {1e3 * offset:g} mV",
            stage.noise_gain * offset * (1 + stage.gain_error),
            atol=1e-6 * stage.noise_gain,
        ),
        Figure(
            f"bandwidth{suffix}",
            "bandwidth, -3 dB",
            "Hz",
            minus_3db(frequency, gain),
            stage.words + (simple if loop else ""),
            loop and loop.bandwidth,
            rtol=0.02,
        ),
        Figure(
            f"phase_margin{suffix}",
            "phase margin of the loop",
            "deg",
            phase_margin(frequency, loop_gain) if loop else _NOTHING,
            stage.words,
            loop and loop.phase_margin,
        ),
    ]


def _transfer(stage: SummingStage) -> tuple[list[Figure], Curve]:
    circuit = stage.conditions.circuit
    reach = _BEYOND * max(circuit.v_dd, -circuit.v_ss) / abs(stage.ideal_gain)
    x = np.linspace(-reach, reach, _POINTS)
    out = stage.bench.sweep("in", x)["out"]
    low, high = float(out.min()), float(out.max())
    margin = _INSIDE * (high - low)
    inside = (out >= low + margin) & (out <= high - margin)
    line = straight_line(x[inside], out[inside])
    macro = circuit.opamp.level == "macro"
    limits = (circuit.v_dd - circuit.opamp.headroom, circuit.v_ss + circuit.opamp.headroom)
    figures = [
        Figure(
            "nonlinearity",
            "distance from a straight line",
            "V",
            line.nonlinearity,
            f"{stage.words}, but for the ends of the range",
        ),
        *(
            Figure(
                f"output_{name}",
                f"output range to {rail}",
                "V",
                value if macro else _NOTHING,
                stage.words,
                stage.clipped(limit, volts) if macro else None,
                rtol=0.0,
                atol=_CLAMP,
            )
            for name, rail, value, limit, volts in (
                ("high", "V_DD", high, limits[0], -reach),
                ("low", "V_SS", low, limits[1], reach),
            )
        ),
    ]
    return figures, Curve(
        "dc_transfer", f"DC transfer, {stage.label}", "input", "V", "V", x, {stage.label: out}
    )


def _step(stage: SummingStage, suffix: str, response: StepResponse | None) -> list[Figure]:
    opamp, loop, size = stage.conditions.circuit.opamp, stage.loop, stage.output_step
    macro = opamp.level == "macro"
    one_pole = loop if not macro else None
    words = f"{stage.words}, step of {size:.4g} V"
    return [
        Figure(
            f"slew{suffix}",
            "slope, 10 % to 90 %",
            "V/s",
            response.slew if response else _NOTHING,
            words,
            stage.slope,
            rtol=0.02,
        ),
        *(
            Figure(
                key + suffix,
                name,
                "s",
                response.settling(within) if response else _NOTHING,
                words,
                one_pole and exponential_settling(one_pole, size, within),
                rtol=0.05,
            )
            for key, name, within in (
                ("settling_0p1", "settling to 0.1 %", 1e-3 * size),
                ("settling_10u", "settling to 10 µV", CLOSE),
            )
        ),
        Figure(
            f"step_energy{suffix}",
            "energy of a step, until 0.1 %",
            "J",
            response.energy(response.settling(1e-3 * size)) if response and macro else _NOTHING,
            words,
        ),
    ]


def _drawn_together(waves: dict[str, StepResponse]) -> Curve:
    first = next(iter(waves.values()))
    end = 2 * max(wave.settling(1e-3 * abs(wave.size)) for wave in waves.values())
    time = first.time[first.time <= end]
    return Curve(
        "step",
        "step at the output",
        "time",
        "s",
        "V",
        time,
        {name: np.interp(time, wave.time, wave.voltage) for name, wave in waves.items()},
    )


def _supplies(stage: SummingStage) -> list[Figure]:
    opamp = stage.conditions.circuit.opamp
    driven = {key: share * stage.output_step for key, share in _DRAWN.items()}
    if opamp.level != "macro":
        return [_supply_current(stage, key, _NOTHING, volts) for key, volts in driven.items()]
    return [
        _supply_current(
            stage,
            key,
            stage.bench.operating_point({"in": volts / stage.ideal_gain})["i(ss)"],
            volts,
        )
        for key, volts in driven.items()
    ]


def _supply_current(stage: SummingStage, key: str, value: float, volts: float) -> Figure:
    """Drawn from V_SS: the quiescent current and what the output sinks of its two resistors.

    One of these leads to the next virtual ground, one to the own summing node at the offset.
    """
    circuit = stage.conditions.circuit
    opamp, r_f = circuit.opamp, circuit.synapse.r_feedback
    out = volts + stage.noise_gain * opamp.v_offset
    sunk = max(0.0, -(2 * out - opamp.v_offset) / r_f)
    return Figure(
        key,
        "supply current from V_SS",
        "A",
        value,
        f"{stage.words}, {volts:.4g} V at the output",
        opamp.i_quiescent + sunk if opamp.level == "macro" else None,
    )

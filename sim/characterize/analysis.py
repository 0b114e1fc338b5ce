"""Figures of merit from curves: plain functions on arrays."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


def crossing(x: Array, y: Array, level: float) -> float:
    """Where a curve first reaches or passes a level, straight lines between its points.

    Args:
        x: ascending, shape (T,).
        y: shape (T,).
        level: in the unit of y.

    Returns:
        x there; NaN where it stays on one side.
    """
    above = y >= level
    turned = np.flatnonzero(above[1:] != above[:-1])
    if len(turned) == 0:
        return math.nan
    k = turned[0]
    share = (level - y[k]) / (y[k + 1] - y[k])
    return float(x[k] + share * (x[k + 1] - x[k]))


def decibels(gain: NDArray[np.float64] | Complex) -> Array:
    """Size of a gain in V/V, real or complex, in dB; same shape."""
    return 20 * np.log10(np.abs(gain))


def minus_3db(frequency: Array, gain: NDArray[np.float64] | Complex) -> float:
    """Frequency at which a gain has fallen by √2 from its first value, Hz.

    Args:
        frequency: Hz, ascending, shape (F,).
        gain: real or complex, shape (F,); between points its logarithm is a straight line over
            the logarithm of frequency.

    Returns:
        Hz; NaN where it does not fall that far.
    """
    size = np.abs(gain)
    return float(
        np.exp(crossing(np.log(frequency), np.log(size), math.log(size[0] / math.sqrt(2))))
    )


def unity_crossing(frequency: Array, gain: NDArray[np.float64] | Complex) -> float:
    """Frequency at which a gain passes one, Hz; arguments and returns as `minus_3db`."""
    return float(np.exp(crossing(np.log(frequency), np.log(np.abs(gain)), 0.0)))


def phase_margin(frequency: Array, loop: Complex) -> float:
    """Phase that a loop has left at its unity crossing, °.

    Args:
        frequency: Hz, ascending and dense enough to follow the phase, shape (F,).
        loop: loop gain T of a feedback 1/(1 + T), positive at low frequency, shape (F,).

    Returns:
        180° plus its phase where |T| = 1; NaN where it does not pass one.
    """
    unity = unity_crossing(frequency, loop)
    phase = np.degrees(np.unwrap(np.angle(loop)))
    return 180 + float(np.interp(math.log(unity), np.log(frequency), phase))


def slew(time: Array, v: Array) -> float:
    """Mean slope between 10 % and 90 % of the way from the first to the last value, V/s.

    Args:
        time: s, ascending, shape (T,).
        v: V, shape (T,).

    Returns:
        Its size; NaN where nothing moves.
    """
    way = float(v[-1] - v[0])
    if way == 0:
        return math.nan
    share = (v - v[0]) / way
    return 0.8 * abs(way) / (crossing(time, share, 0.9) - crossing(time, share, 0.1))


def settling(time: Array, v: Array, final: float, within: float) -> float:
    """Time after which a voltage stays near its final value, s.

    Args:
        time: s, ascending, from the step on, shape (T,).
        v: V, shape (T,).
        final: V.
        within: V.

    Returns:
        On the axis of `time`; its first value where the voltage never is further off, NaN where
        it still is at the end.
    """
    off = np.abs(v - final)
    outside = np.flatnonzero(off > within)
    if len(outside) == 0:
        return float(time[0])
    k = outside[-1]
    if k == len(time) - 1:
        return math.nan
    share = (off[k] - within) / (off[k] - off[k + 1])
    return float(time[k] + share * (time[k + 1] - time[k]))


def overshoot(v: Array, final: float) -> float:
    """How far a step response goes past its final value, of the step, 1.

    Args:
        v: V from before the step on, shape (T,).
        final: V.

    Returns:
        0 where it does not; NaN without a step.
    """
    step = final - float(v[0])
    if step == 0:
        return math.nan
    return max(0.0, float(np.max((v - final) / step)))


@dataclass(frozen=True)
class Line:
    """A straight line through points.

    Attributes:
        gain: slope.
        offset: value at zero.
        nonlinearity: largest distance of a point from it, in the unit of y.
    """

    gain: float
    offset: float
    nonlinearity: float


def straight_line(x: Array, y: Array) -> Line:
    """Least-squares line through points of shape (T,), T > 1."""
    offset, gain = np.polynomial.polynomial.polyfit(x, y, 1).tolist()
    return Line(gain, offset, float(np.max(np.abs(y - gain * x - offset))))


def integral(time: Array, y: Array) -> float:
    """Integral of straight lines between points of shape (T,): power in W to energy in J."""
    return float(np.trapezoid(y, time))

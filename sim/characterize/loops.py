"""An op-amp in a resistive feedback loop, in closed form.

The macromodel's open-loop gain is `A(f) = A0/((1 + jf/f1)(1 + jf/f2))` with f1 = GBW/A0. With the
share β = 1/N of its output fed back (N the noise gain, 1 + R_f ΣG of a summing amplifier), the loop
gain is `T = A/N` and what is amplified falls off as `T/(1 + T)`. With `k = N/A0` that is

    (1/(1 + k)) / (1 + jf·k(1/f1 + 1/f2)/(1 + k) − f²·k/(f1 f2 (1 + k)))

a second-order low-pass (P. R. Gray et al., Analysis and Design of Analog Integrated Circuits,
ch. 9). Far above the first pole and far below the second its corner is GBW/N.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from circuits import CircuitParameters, OpAmpParameters
from netlists.stimulus import EDGE
from sim.errors import UserError

Array = NDArray[np.float64]

_ROOM = 0.8  # of what an output reaches at most, up to which it is used
_CLAMP = 1e-3  # V; beyond its limit that the gain node gets at its slew rate
_INTEGRATED = 1e-7  # error of a step of the integration, of the step that is integrated


@dataclass(frozen=True)
class Loop:
    """A feedback loop around one amplifier.

    Attributes:
        gain: A0, with the output's load, V/V.
        first: pole f1, Hz.
        second: pole f2, Hz; inf for none.
        noise_gain: N = 1/β, 1.
    """

    gain: float
    first: float
    second: float
    noise_gain: float

    @property
    def gain_error(self) -> float:
        """What finite gain takes off: `1/(1 + k) − 1`, 1."""
        k = self._k
        return -k / (1 + k)

    @property
    def bandwidth(self) -> float:
        """Frequency at which `T/(1 + T)` has lost 3 dB, Hz.

        With u = f², `(1 + k − u k/(f1 f2))² + u k² (1/f1 + 1/f2)² = 2 (1 + k)²`.
        """
        k = self._k
        curve = k / (self.first * self.second)
        slope = (k * (1 / self.first + 1 / self.second)) ** 2 - 2 * (1 + k) * curve
        return math.sqrt(_positive_root(curve**2, slope, (1 + k) ** 2))

    @property
    def unity(self) -> float:
        """Frequency at which |T| = 1, Hz; NaN where it never is so large.

        With u = f², `(1 + u/f1²)(1 + u/f2²) = 1/k²`.
        """
        k = self._k
        if k >= 1:
            return math.nan
        curve = 1 / (self.first * self.second) ** 2
        return math.sqrt(
            _positive_root(curve, 1 / self.first**2 + 1 / self.second**2, 1 / k**2 - 1)
        )

    @property
    def phase_margin(self) -> float:
        """`180° − atan(f/f1) − atan(f/f2)` where |T| = 1, °."""
        f = self.unity
        return 180 - math.degrees(math.atan(f / self.first) + math.atan(f / self.second))

    @property
    def overshoot(self) -> float:
        """Of a small step, of the step: `exp(−πζ/√(1 − ζ²))`, 0 where ζ ≥ 1; 1."""
        if math.isinf(self.second):
            return 0.0
        k = self._k
        natural = math.sqrt(self.first * self.second * (1 + k) / k)
        damping = k * (1 / self.first + 1 / self.second) / (1 + k) * natural / 2
        if damping >= 1:
            return 0.0
        return math.exp(-math.pi * damping / math.sqrt(1 - damping**2))

    @property
    def _k(self) -> float:
        return self.noise_gain / self.gain


def loop_of(opamp: OpAmpParameters, noise_gain: float, load: float = math.inf) -> Loop:
    """The loop of an op-amp that has poles.

    Args:
        opamp: single-pole or macro.
        noise_gain: N, 1.
        load: all that the output drives, feedback included, Ω; it divides the macromodel's gain
            with r_out.

    Raises:
        ValueError: an ideal op-amp, which has no poles.
    """
    if opamp.level == "ideal":
        raise ValueError("loop: an ideal op-amp has no poles")
    first = opamp.gbw / opamp.gain
    macro = opamp.level == "macro"
    second = opamp.second_pole if macro else math.inf
    return Loop(opamp.gain * load_share(opamp, load), first, second, noise_gain)


def load_share(opamp: OpAmpParameters, load: float) -> float:
    """What a load in Ω leaves of the voltage behind the output resistance, 1."""
    return 1 / (1 + opamp.r_out / load) if opamp.level == "macro" else 1.0


def limited_slew(
    opamp: OpAmpParameters,
    step: float,
    noise_gain: float,
    load: float = math.inf,
    limit: float = math.inf,
) -> float:
    """Mean slope of the output between 10 % and 90 % of a step, V/s.

    The macromodel's differential equations, integrated: its input stage moves the gain node g by
    `dg/dt = 2π GBW·e/√(1 + (e/V_m)²) − 2π f1·g` with the error e at its input and
    `V_m = SR/(2π GBW)`, the second pole follows by `dp/dt = 2π f2 (g − p)`, and a load leaves its
    share of p at the output. The gain node, which runs ahead, stops at its limit. The step's edge
    takes `netlists.stimulus.EDGE`.

    Args:
        opamp: macro.
        step: of the output, were there no gain error, V; positive.
        noise_gain: N, 1.
        load: as in `loop_of`.
        limit: of the gain node in the step's direction, from the middle of the step on, V.

    Returns:
        0.8 of the way, over the time between the first passings of 10 % and of 90 %.
    """
    loop, share = loop_of(opamp, noise_gain, load), load_share(opamp, load)
    unity, first, second = (2 * math.pi * f for f in (opamp.gbw, loop.first, loop.second))
    way = step * (1 + loop.gain_error)

    def change(time: float, at: Array) -> tuple[float, float]:
        gained, behind = at.tolist()
        asked = step * (min(time / EDGE, 1.0) - 0.5)
        driven = unity * (asked - share * behind) / noise_gain
        limited = driven / math.hypot(1, driven / opamp.slew_rate)
        rise = limited - first * gained
        over = max(0.0, gained - limit)
        return rise - opamp.slew_rate * over / _CLAMP, second * (gained - behind)

    def passed_10(_: float, at: Array) -> float:
        return share * float(at[1]) + 0.4 * way

    def passed_90(_: float, at: Array) -> float:
        return share * float(at[1]) - 0.4 * way

    passed_90.terminal = True  # type: ignore[attr-defined]  # as solve_ivp asks for it
    found = solve_ivp(
        change,
        (0.0, math.inf),
        np.full(2, -way / 2 / share),
        "LSODA",
        events=(passed_10, passed_90),
        first_step=EDGE / 10,
        rtol=_INTEGRATED,
        atol=_INTEGRATED * way,
    )
    (start, *_), (stop, *_) = found.t_events
    return 0.8 * way / float(stop - start)


def reach(circuit: CircuitParameters, load: float = math.inf) -> float:
    """What an op-amp's output gets to of either sign with room to spare, V.

    `0.8·(min(V_DD, −V_SS) − headroom)` of the macromodel, behind r_out into the load; an op-amp
    without rails is given the same room without headroom.

    Args:
        circuit: op-amp and supplies.
        load: all that the output drives, Ω.

    Raises:
        UserError: the supplies leave out one sign.
    """
    opamp, rail = circuit.opamp, min(circuit.v_dd, -circuit.v_ss)
    if opamp.level == "macro":
        rail -= opamp.headroom
    if rail <= 0:
        raise UserError(
            f"characterize: wanted outputs of both signs, got supplies of {circuit.v_ss:g} and "
            f"{circuit.v_dd:g} V with a headroom of {opamp.headroom:g} V; look at circuit.v_dd, "
            "circuit.v_ss and circuit.opamp.headroom"
        )
    return _ROOM * rail * load_share(opamp, load)


def exponential_settling(loop: Loop, step: float, within: float) -> float:
    """Time in which a loop of one pole gets within a distance of its end: `ln(step/within)·τ`, s.

    Args:
        loop: without a second pole; `τ = 1/(2π f_−3dB)`.
        step: V.
        within: V.
    """
    return math.log(step / within) / (2 * math.pi * loop.bandwidth)


def _positive_root(a: float, b: float, c: float) -> float:
    """The positive u of `a u² + b u = c`, for a ≥ 0 and c > 0."""
    return 2 * c / (b + math.sqrt(b**2 + 4 * a * c))

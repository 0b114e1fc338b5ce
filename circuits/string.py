"""A string of junctions as a noise source, in closed form: levels, their chances, their pace.

A configuration is which junctions are in AP. Equal junctions make their count in AP all that
matters (n + 1 levels); unequal ones make 2ⁿ.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.optimize.elementwise import find_root
from scipy.sparse import coo_array, csr_array
from scipy.sparse.linalg import spsolve
from scipy.special import comb

from circuits.noise import NoiseParameters
from circuits.smtj import AP, P, SmtjParameters

Array = NDArray[np.float64]

MOST_UNEQUAL, MOST_COUPLED = 12, 10
"""Unequal junctions in a string, at most: 2ⁿ configurations are solved, coupled ones as a chain."""

MOST_SOLVED = 256
"""Configurations up to which their chain is solved over time."""


@dataclass(frozen=True)
class NoiseString:
    """Closed-form voltages and laws of a string in its divider, loaded by R_z.

    Attributes:
        parameters: arrangement and resistors.
        junctions: n devices.
        temperature: °C.
        r_feedback: R_f of the summing amplifier, Ω.
    """

    parameters: NoiseParameters
    junctions: tuple[SmtjParameters, ...]
    temperature: float
    r_feedback: float

    def __post_init__(self) -> None:
        """Refuse what is not solved.

        Raises:
            ValueError: too many unequal junctions.
        """
        most = MOST_COUPLED if self.parameters.coupling == "two-way" else MOST_UNEQUAL
        if not self.equal and len(self.junctions) > most:
            raise ValueError(
                f"n_mtj: {self.parameters.coupling} strings of unequal junctions are solved up to "
                f"{most}, got {len(self.junctions)}; take fewer, or no spread"
            )

    @cached_property
    def equal(self) -> bool:
        """Whether all junctions are the same."""
        return all(junction == self.junctions[0] for junction in self.junctions)

    @cached_property
    def configurations(self) -> NDArray[np.uint8]:
        """State of each junction in every configuration, shape (S, n).

        Equal junctions: S = n + 1, the first k of them in AP. Unequal ones: S = 2ⁿ, junction k in
        AP where bit k is set.
        """
        n = len(self.junctions)
        if self.equal:
            return np.tri(n + 1, n, -1, dtype=np.uint8)
        return ((np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1).astype(np.uint8)

    def configuration(self, states: NDArray[np.uint8]) -> NDArray[np.intp]:
        """Index of the configuration that states (..., n) make, shape (...)."""
        if self.equal:
            return states.sum(axis=-1, dtype=np.intp)
        return (states.astype(np.intp) << np.arange(len(self.junctions))).sum(axis=-1)

    @cached_property
    def levels(self) -> Array:
        """Divider voltage V_z of each configuration, V; shape (S,)."""
        return self.divider_voltage(self.configurations.astype(np.float64))

    def divider_voltage(self, states: Array) -> Array:
        """V_z for states, by Kirchhoff's laws.

        Args:
            states: 0 for P, 1 for AP, values between for a time average; shape (..., n).

        Returns:
            V, shape (...).
        """
        p = self.parameters
        if p.arrangement == "parallel":

            def surplus(v: Array, *columns: Array) -> Array:
                across = v[..., np.newaxis]
                drawn = across / self._resistance(np.stack(columns, -1), across)
                return drawn.sum(axis=-1) + v / p.r_inject - (p.v_bias - v) / p.r_series

            return self._root(surplus, p.v_bias, states)
        load = 1 + p.r_series / p.r_inject

        # One unknown, the string's current: it fixes the voltage of every junction.
        def excess(current: Array, *columns: Array) -> Array:
            drops = self._voltage(np.stack(columns, -1), current[..., np.newaxis]).sum(axis=-1)
            return drops * load + p.r_series * current - p.v_bias

        current = self._root(excess, p.v_bias / p.r_series, states)
        return self._voltage(states, current[..., np.newaxis]).sum(axis=-1)

    def _root(self, function: object, upper: float, states: Array) -> Array:
        shape = states.shape[:-1]
        columns = tuple(np.moveaxis(states, -1, 0))
        bracket = (np.zeros(shape), np.full(shape, upper))
        solution = find_root(function, bracket, args=columns)
        if not np.all(solution.success):
            raise ArithmeticError("no divider voltage found")  # strictly monotone: never
        return np.asarray(solution.x)

    @cached_property
    def _devices(self) -> tuple[Array, Array, Array]:
        """R_P in Ω, TMR and V_h in V of each junction, shape (n,) each."""
        columns = [(j.resistance_p, j.tmr, j.v_half) for j in self.junctions]
        r_p, tmr, v_half = np.array(columns).T
        return r_p, tmr, v_half

    def _resistance(self, states: Array, bias: Array) -> Array:
        """Of every junction, Ω; last axis n."""
        r_p, tmr, v_half = self._devices
        return r_p * (1 + states * tmr / (1 + (bias / v_half) ** 2))

    def _voltage(self, states: Array, current: Array) -> Array:
        """Across every junction at a current ≥ 0, V; last axis n.

        The real root of w³ − i w² + w − i (1 + s·TMR) = 0, w = V/V_h and i = I R_P/V_h. It lies
        between i and i (1 + s·TMR), where the cubic is convex: Newton's method falls to it.
        """
        r_p, tmr, v_half = self._devices
        i = current * r_p / v_half
        top = i * (1 + states * tmr)
        w = top
        for _ in range(60):
            step = (((w - i) * w + 1) * w - top) / ((3 * w - 2 * i) * w + 1)
            w = w - step
            if np.all(np.abs(step) <= 4e-16 * w):
                break
        return w * v_half

    def currents(self, voltage: float, states: NDArray[np.uint8]) -> Array:
        """Current through each junction, A.

        Args:
            voltage: V_z, V.
            states: shape (n,).

        Returns:
            Shape (n,).
        """
        p = self.parameters
        if p.arrangement == "parallel":
            return voltage / self._resistance(states.astype(np.float64), np.asarray(voltage))
        through = (p.v_bias - voltage) / p.r_series - voltage / p.r_inject
        return np.full(len(self.junctions), through)

    @cached_property
    def dwell_times(self) -> Array:
        """Mean dwell in P and AP of each junction on its own, s; shape (n, 2).

        Where there is torque, at the current in that state, the other junctions at the average
        that they have without torque.
        """
        if all(np.isinf(junction.critical_current) for junction in self.junctions):
            return np.array([j.dwell_times(self.temperature) for j in self.junctions])
        still = np.array([j.occupancy(self.temperature) for j in self.junctions])
        times = np.empty((len(self.junctions), 2))
        for k, junction in enumerate(self.junctions):
            for state in (P, AP):
                states = still.copy()
                states[k] = state
                voltage = float(self.divider_voltage(states))
                current = self._average_current(voltage, states, k)
                times[k, state] = junction.dwell_time(state, self.temperature, current)
        return times

    def _average_current(self, voltage: float, states: Array, k: int) -> float:
        if self.parameters.arrangement == "parallel":
            return voltage / float(self._resistance(states, np.asarray(voltage))[k])
        return float(self.currents(voltage, np.zeros(len(self.junctions), dtype=np.uint8))[k])

    @cached_property
    def occupancies(self) -> Array:
        """Stationary probability of AP of each junction, shape (n,)."""
        if self.parameters.coupling == "open-loop":
            return self.dwell_times[:, AP] / self.dwell_times.sum(axis=1)
        if self.equal:
            share = float(self.probabilities @ self.configurations.mean(axis=1))
            return np.full(len(self.junctions), share)
        return self.probabilities @ self.configurations

    @cached_property
    def probabilities(self) -> Array:
        """Stationary probability of each configuration, shape (S,)."""
        n = len(self.junctions)
        if self.parameters.coupling == "open-loop":
            p, states = self.occupancies, self.configurations
            chances = np.where(states == AP, p, 1 - p).prod(axis=1)
            return chances * comb(n, np.arange(n + 1)) if self.equal else chances
        rates = self.rates
        # π Q = 0 with the sum of π in one equation's place.
        balance = (rates - _diagonal(rates.sum(axis=1))).T.tolil()
        balance[0, :] = 1
        return np.asarray(spsolve(balance.tocsc(), np.eye(1, len(self.configurations)).ravel()))

    @cached_property
    def rates(self) -> csr_array:
        """Rate of every flip from configuration to configuration, 1/s; shape (S, S)."""
        rows, columns, values = zip(*self._flips(), strict=True)
        shape = (len(self.configurations),) * 2
        return coo_array((values, (rows, columns)), shape=shape).tocsr()

    def _flips(self) -> Iterator[tuple[int, int, float]]:
        for row, states in enumerate(self.configurations):
            leave = self.leave_rates(states, float(self.levels[row]))
            for k, state in enumerate(states):
                after = states.copy()
                after[k] = 1 - state
                yield row, int(self.configuration(after)), float(leave[k])

    def leave_rates(self, states: NDArray[np.uint8], voltage: float) -> Array:
        """Rate at which each junction leaves its state, 1/s.

        Args:
            states: shape (n,).
            voltage: V_z, V; used where coupling is two-way.

        Returns:
            Shape (n,).

        Raises:
            ValueError: the current passes a critical one.
        """
        if self.parameters.coupling == "open-loop":
            return 1 / self.dwell_times[np.arange(len(states)), states]
        currents = self.currents(voltage, states).tolist()
        dwells = [
            junction.dwell_time(int(state), self.temperature, current)
            for junction, state, current in zip(self.junctions, states, currents, strict=True)
        ]
        return 1 / np.array(dwells)

    @cached_property
    def shortest_dwell(self) -> float:
        """Shortest mean dwell of any junction in any configuration, s."""
        if self.parameters.coupling == "open-loop":
            return float(self.dwell_times.min())
        pairs = zip(self.configurations, self.levels.tolist(), strict=True)
        return float(1 / max(self.leave_rates(states, level).max() for states, level in pairs))

    @cached_property
    def mean_voltage(self) -> float:
        """Stationary mean of V_z, V."""
        return float(self.probabilities @ self.levels)

    @cached_property
    def r_trim(self) -> float:
        """R_o that takes the mean of the noise away, Ω."""
        return self.parameters.v_trim * self.parameters.r_inject / self.mean_voltage

    @cached_property
    def node_levels(self) -> Array:
        """Noise ν at the pre-activation in each configuration, V; shape (S,)."""
        gain = self.r_feedback / self.parameters.r_inject
        return gain * (self.levels - self.mean_voltage)

    @cached_property
    def distinct_levels(self) -> tuple[float, ...]:
        """Voltages that ν takes, V, ascending; configurations that make the same one once."""
        ordered = np.sort(self.node_levels)
        apart = np.diff(ordered, prepend=-np.inf) > 1e-6 * np.ptp(ordered)
        return tuple(ordered[apart].tolist())

    @cached_property
    def sigma(self) -> float:
        """Stationary standard deviation of ν, V."""
        return float(np.sqrt(self.probabilities @ self.node_levels**2))

    def node_noise(self, states: NDArray[np.uint8]) -> Array:
        """Noise ν at the pre-activations, V.

        Args:
            states: 0 for P, 1 for AP; shape (..., n).

        Returns:
            Shape (...).
        """
        return self.node_levels[self.configuration(states)]

    def correlation(self, lag: float) -> float:
        """Correlation of ν with itself a time later, 1.

        Args:
            lag: s.

        Returns:
            `exp(−lag (1/τ_P + 1/τ_AP))` for one junction. For up to `MOST_SOLVED` configurations
            that of the chain they make; beyond, each junction on its own weighs in with its share
            of the variance, its swing taken about the mean.
        """
        if len(self.configurations) <= MOST_SOLVED:
            later = self.transitions(lag) @ self.node_levels
            return float(self.probabilities * self.node_levels @ later / self.sigma**2)
        mean = self.occupancies
        ends = np.repeat(mean[np.newaxis], len(mean), axis=0)
        swing = self.divider_voltage(_with_diagonal(ends, 1.0)) - self.divider_voltage(
            _with_diagonal(ends, 0.0)
        )
        share = swing**2 * mean * (1 - mean)
        decay = np.exp(-lag * (1 / self.dwell_times).sum(axis=1))
        return float(share @ decay / share.sum())

    def transitions(self, time: float) -> Array:
        """Probability of each configuration a time after each; the work grows as S³.

        Args:
            time: s.

        Returns:
            Shape (S, S), a row for each configuration before.
        """
        rates = self.rates.toarray()
        return np.asarray(expm(time * (rates - np.diag(rates.sum(axis=1)))), dtype=np.float64)

    @cached_property
    def flip_rate(self) -> float:
        """Flips of the whole string per second, Γ = Σ 1/τ_i with τ_i = (τ_P + τ_AP)/2."""
        if self.parameters.coupling == "open-loop":
            return float((2 / self.dwell_times.sum(axis=1)).sum())
        return float(self.probabilities @ self.rates.sum(axis=1))

    def seen_flip_rate(self, step: float) -> float:
        """Changes of configuration from sample to sample, per second: flips back go unseen.

        Args:
            step: between samples, s.

        Returns:
            Hz; NaN for more configurations than are solved for it.
        """
        if len(self.configurations) > MOST_SOLVED:
            return math.nan
        stay = np.diag(self.transitions(step))
        return float(self.probabilities @ (1 - stay)) / step

    @cached_property
    def held_state(self) -> float:
        """State of all junctions between P and AP at which V_z is its mean: noise held off."""

        def excess(state: Array) -> Array:
            each = np.repeat(state[..., np.newaxis], len(self.junctions), axis=-1)
            return self.divider_voltage(each) - self.mean_voltage

        return float(find_root(excess, (np.array(0.0), np.array(1.0))).x)


def _diagonal(values: Array) -> csr_array:
    index = np.arange(len(values))
    return coo_array((values, (index, index)), shape=(len(values),) * 2).tocsr()


def _with_diagonal(matrix: Array, value: float) -> Array:
    changed = matrix.copy()
    np.fill_diagonal(changed, value)
    return changed

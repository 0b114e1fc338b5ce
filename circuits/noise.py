"""A node's noise source: a string of junctions in a divider, injected through R_z.

    V_b ──R_s──┬── m ──R_z──▷ summing node (virtual ground)
               │
             n junctions in series
               │
              gnd                    −V_ref ──R_o──▷ summing node

`R_o` takes the stationary mean away, so the noise at the pre-activation is
`ν = R_f (V_m/R_z − V_ref/R_o)` with zero mean.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.optimize import root_scalar
from scipy.special import comb

from circuits.quantities import Count, Ohm, Parameters, Volt
from circuits.smtj import SmtjParameters


class NoiseParameters(Parameters):
    """The string and the resistors around it."""

    n_mtj: Count = Field(default=1, ge=1, le=64, description="junctions in series at every node, 1")
    v_bias: Volt = Field(default=3.3, gt=0, description="bias of the divider, V (paper: 3.3 V)")
    r_series: Ohm = Field(
        default=100e3, ge=1e-3, description="divider resistor R_s, Ω (paper: 100 kΩ)"
    )
    r_inject: Ohm = Field(default=1e6, ge=1e-3, description="injection resistor R_z, Ω")
    v_trim: Volt = Field(default=2.5, gt=0, description="magnitude of the trim reference V_ref, V")


@dataclass(frozen=True)
class NoiseString:
    """Closed-form voltages of a string of equal junctions, loaded by R_z.

    Attributes:
        parameters: string and resistors.
        junction: every junction of the string.
        occupancy: stationary probability of AP, 1.
        r_feedback: R_f of the summing amplifier, Ω.
    """

    parameters: NoiseParameters
    junction: SmtjParameters
    occupancy: float
    r_feedback: float

    @cached_property
    def levels(self) -> NDArray[np.float64]:
        """Divider voltage V_m for 0…n junctions in AP, V; shape (n + 1,)."""
        return np.array([self._divider_voltage(k) for k in range(self.parameters.n_mtj + 1)])

    def _divider_voltage(self, antiparallel: int) -> float:
        p, junction = self.parameters, self.junction
        parallel = p.n_mtj - antiparallel
        load = 1 + p.r_series / p.r_inject
        if antiparallel == 0:
            string = parallel * junction.resistance_p
            return p.v_bias * string / (string * load + p.r_series)

        # One unknown, the voltage v across an AP junction: it fixes the string's current, and
        # with it every other voltage; the divider's balance rises strictly with v.
        def current(v: float) -> float:
            return v / junction.resistance(1, v)

        def voltage(v: float) -> float:
            return antiparallel * v + parallel * junction.resistance_p * current(v)

        def imbalance(v: float) -> float:
            return voltage(v) * load + p.r_series * current(v) - p.v_bias

        bracket = (0.0, p.v_bias)
        solution = root_scalar(imbalance, bracket=bracket, xtol=1e-15, rtol=1e-14)
        return voltage(float(solution.root))

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Stationary probability of each level, shape (n + 1,)."""
        n = self.parameters.n_mtj
        k = np.arange(n + 1)
        return comb(n, k) * self.occupancy**k * (1 - self.occupancy) ** (n - k)

    @cached_property
    def mean_voltage(self) -> float:
        """Stationary mean of V_m, V."""
        return float(self.probabilities @ self.levels)

    @cached_property
    def r_trim(self) -> float:
        """R_o that takes the mean of the noise away, Ω."""
        return self.parameters.v_trim * self.parameters.r_inject / self.mean_voltage

    @cached_property
    def node_levels(self) -> NDArray[np.float64]:
        """Noise ν at the pre-activation for 0…n junctions in AP, V; shape (n + 1,)."""
        gain = self.r_feedback / self.parameters.r_inject
        return gain * (self.levels - self.mean_voltage)

    @cached_property
    def sigma(self) -> float:
        """Stationary standard deviation of ν, V."""
        return float(np.sqrt(self.probabilities @ self.node_levels**2))

    def node_noise(self, states: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Noise ν at the pre-activations, V.

        Args:
            states: 0 for P, 1 for AP; shape (..., n).

        Returns:
            Shape (...).
        """
        return self.node_levels[states.sum(axis=-1, dtype=np.intp)]

    @cached_property
    def held_state(self) -> float:
        """State between P and AP at which V_m is its mean and ν is zero: noise held off."""
        p = self.parameters
        current = (p.v_bias - self.mean_voltage) / p.r_series - self.mean_voltage / p.r_inject
        bias = self.mean_voltage / p.n_mtj
        span = self.junction.resistance(1, bias) - self.junction.resistance_p
        return (bias / current - self.junction.resistance_p) / span

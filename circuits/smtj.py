"""One stochastic magnetic tunnel junction: resistance, dwell times, telegraph path.

The free layer of a superparamagnetic junction flips at random between parallel (P, low
resistance) and antiparallel (AP, high resistance). Times between flips are exponential with the
Néel–Arrhenius mean of the state being left (Koenders et al., arXiv 2412.12783, eq. 5).
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits.quantities import (
    Celsius,
    ElectronVolt,
    Metre,
    OhmSquareMetre,
    Parameters,
    Ratio,
    Second,
    Volt,
)

P, AP = 0, 1
_BLOCK = 256  # flips drawn at a time
_KEEP = 4096  # flips that are over and still held, at most


class SmtjParameters(Parameters):
    """A circular in-plane junction; defaults are the paper's device (§II.B, Appendix A)."""

    resistance_area: OhmSquareMetre = Field(
        default=15e-12, gt=0, description="resistance-area product, Ω·m² (paper: 15 Ω·µm²)"
    )
    diameter: Metre = Field(default=60e-9, gt=0, description="pillar diameter, m (paper: 60 nm)")
    tmr: Ratio = Field(
        default=1.0, ge=1e-3, description="(R_AP − R_P)/R_P at zero bias, 1 (paper: over 100 %)"
    )
    v_half: Volt = Field(default=0.5, gt=0, description="bias at which TMR has halved, V")
    attempt_time: Second = Field(
        default=1e-9, gt=0, le=1, description="Néel–Arrhenius attempt time τ0, s"
    )
    barrier_p: ElectronVolt = Field(
        default=0.327,
        gt=0,
        le=2,
        description="energy barrier out of P, eV (309 µs at 27 °C: paper, Appendix A)",
    )
    barrier_ap: ElectronVolt = Field(
        default=0.327, gt=0, le=2, description="energy barrier out of AP, eV"
    )

    @property
    def resistance_p(self) -> float:
        """Parallel resistance, Ω."""
        return self.resistance_area / (math.pi * self.diameter**2 / 4)

    def resistance(self, state: float, bias: float) -> float:
        """Resistance at a bias.

        Args:
            state: 0 for P, 1 for AP; values between stand for a time average.
            bias: voltage across the junction, V.

        Returns:
            `R_P (1 + state·TMR/(1 + (bias/V_h)²))`, Ω.
        """
        return self.resistance_p * (1 + state * self.tmr / (1 + (bias / self.v_half) ** 2))

    def dwell_times(self, temperature: Celsius) -> tuple[float, float]:
        """Mean dwell times (τ_P, τ_AP) in s at a temperature in °C (paper, eq. 5)."""
        thermal = Boltzmann * (temperature + zero_Celsius) / elementary_charge
        return (
            self.attempt_time * math.exp(self.barrier_p / thermal),
            self.attempt_time * math.exp(self.barrier_ap / thermal),
        )

    def occupancy(self, temperature: Celsius) -> float:
        """Stationary probability of AP, τ_AP/(τ_P + τ_AP)."""
        tau_p, tau_ap = self.dwell_times(temperature)
        return tau_ap / (tau_p + tau_ap)


class Telegraph:
    """The path of one junction from time 0 on, drawn exactly and read forward.

    The path depends on the generator alone, not on how it is cut into windows, so that every
    fidelity and batch size sees the same flips.

    Args:
        dwell_times: mean dwell in P and in AP, s.
        rng: generator that this path alone draws from.
    """

    def __init__(self, dwell_times: tuple[float, float], rng: np.random.Generator) -> None:
        self._tau = np.array(dwell_times)
        self._rng = rng
        self._state = int(rng.random() < self._tau[AP] / self._tau.sum())
        self._flips = np.empty(0)
        self._held_from = 0.0
        self._end = 0.0

    def window(self, start: float, stop: float) -> tuple[int, NDArray[np.float64]]:
        """State at `start` and the times of the flips in (start, stop].

        Args:
            start: s; at most some thousand flips before the end of an earlier window.
            stop: s.

        Returns:
            The state (0 P, 1 AP) and flip times in s, ascending.

        Raises:
            ValueError: the window begins where the path has been let go.
        """
        while self._end <= stop:
            self._extend(start)
        if start < self._held_from:
            raise ValueError(f"telegraph path is held from {self._held_from:g} s, got {start:g} s")
        first, last = np.searchsorted(self._flips, (start, stop), side="right")
        return self._state_after(first), self._flips[first:last]

    def _state_after(self, count: int) -> int:
        return (self._state + count) % 2

    def _extend(self, needed_from: float) -> None:
        over = int(np.searchsorted(self._flips, needed_from, side="right"))
        spare = min(len(self._flips) - _KEEP, over)
        if spare > 0:
            self._state = self._state_after(spare)
            self._held_from = float(self._flips[spare - 1])
            self._flips = self._flips[spare:]
        leaving = (self._state_after(len(self._flips)) + np.arange(_BLOCK)) % 2
        dwells = self._rng.exponential(self._tau[leaving])
        flips = self._end + np.cumsum(dwells)
        self._flips = np.concatenate([self._flips, flips])
        self._end = float(flips[-1])

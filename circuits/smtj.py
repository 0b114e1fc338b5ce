"""One stochastic magnetic tunnel junction: resistance, dwell times, telegraph path.

The free layer of a superparamagnetic junction flips at random between parallel (P, low
resistance) and antiparallel (AP, high resistance). Times between flips are exponential with the
Néel–Arrhenius mean `τ = τ0 exp(E/k_B T)` of the state being left (Koenders et al., arXiv
2412.12783, eq. 5). A macrospin with a uniaxial anisotropy in the plane sees its barriers shifted
by a field along the easy axis and by spin-transfer torque as

    E_P = E_b,P (1 + (H − H_0)/H_k)² (1 − I/I_c)
    E_AP = E_b,AP (1 − (H − H_0)/H_k)² (1 + I/I_c)

The field term is Stoner and Wohlfarth's barrier (Philos. Trans. R. Soc. A 240, 599, 1948), the
attempt time constant, where Brown's rate (Phys. Rev. 130, 1677, 1963) has a prefactor that moves
with the field, weakly beside the exponential; the torque enters as an effective temperature (Z. Li
and S. Zhang, Phys. Rev. B 69, 134416, 2004; R. H. Koch, J. A. Katine and J. Z. Sun, Phys. Rev.
Lett. 92, 088302, 2004). Valid for |H − H_0| < H_k, |I| < |I_c| and barriers of several k_B T, for
fields along the easy axis, and where heating by the current can be left out. A positive field
favours P, a positive current (from `p` to `q`) favours AP; a negative critical current stands for a
junction mounted the other way round.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from circuits.quantities import (
    Ampere,
    Celsius,
    ElectronVolt,
    Metre,
    OhmSquareMetre,
    Parameters,
    Ratio,
    Second,
    Tesla,
    Volt,
    format_quantity,
)
from circuits.spread import relative

P, AP = 0, 1
_HIGHEST = 600  # k_B T; makes 1e260 attempt times
_LEAST, _MOST = 1e-3, 1e12  # Ω; what a resistor may be in a deck, and beyond any junction
_BLOCK = 256  # flips drawn at a time
_KEEP = 4096  # flips that are over and still held, at most


class SmtjParameters(Parameters):
    """A circular in-plane junction; defaults are the paper's device (§II.B, Appendix A)."""

    resistance_area: OhmSquareMetre = Field(
        default=15e-12,
        gt=0,
        le=1e-3,
        description="resistance-area product, Ω·m² (paper: 15 Ω·µm²)",
    )
    diameter: Metre = Field(
        default=60e-9, ge=1e-9, le=1e-3, description="pillar diameter, m (paper: 60 nm)"
    )
    tmr: Ratio = Field(
        default=1.0,
        ge=1e-3,
        le=1e3,
        description="(R_AP − R_P)/R_P at zero bias, 1 (paper: over 100 %)",
    )
    v_half: Volt = Field(
        default=0.5, ge=1e-6, le=1e12, description="bias at which TMR has halved, V"
    )
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
    field: Tesla = Field(
        default=0.0, description="field along the easy axis µ0·H, T; positive favours P"
    )
    offset_field: Tesla = Field(
        default=0.0, description="field µ0·H_0 at which both barriers are their own, T"
    )
    anisotropy_field: Tesla = Field(
        default=70e-3,
        gt=0,
        description="anisotropy field µ0·H_k, T (chosen: 3 mT shift occupancy to 0.1 or 0.9)",
    )
    critical_current: Ampere = Field(
        default=math.inf,
        allow_inf_nan=True,
        description=(
            "current I_c that takes the barrier out of P away, A; negative: mounted the other "
            "way round; inf: no torque"
        ),
    )
    spread_resistance: Ratio = Field(
        default=0.0, ge=0, le=0.5, description="of R_P from device to device, relative std, 1"
    )
    spread_tmr: Ratio = Field(
        default=0.0, ge=0, le=0.5, description="of TMR from device to device, relative std, 1"
    )
    spread_barrier: Ratio = Field(
        default=0.0, ge=0, le=0.5, description="of both barriers together, relative std, 1"
    )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        if abs(self._reduced_field) >= 1:
            raise ValueError(
                f"field: wanted less than the anisotropy field of {self.anisotropy_field:g} T away "
                f"from {self.offset_field:g} T, since a state is lost there, got {self.field:g} T"
            )
        if not abs(self.critical_current) > 0:  # NaN included
            raise ValueError(f"critical_current: wanted not 0, got {self.critical_current:g} A")
        if not _LEAST <= self.resistance_p <= _MOST:
            raise ValueError(
                f"resistance_area over a pillar of diameter {self.diameter:g} m makes "
                f"{self.resistance_p:.3g} Ω, wanted {_LEAST:g} to {_MOST:g} Ω"
            )
        return self

    @property
    def _reduced_field(self) -> float:
        return (self.field - self.offset_field) / self.anisotropy_field

    @property
    def resistance_p(self) -> float:
        """Parallel resistance, Ω."""
        return self.resistance_area / (math.pi * self.diameter**2 / 4)

    def resistance(self, state: float, bias: float) -> float:
        """Resistance at a bias.

        The fall of the TMR is the form of compact models (Y. Zhang et al., IEEE Trans. Electron
        Devices 59, 819, 2012), an even fit good for biases well below breakdown, about 1 V.

        Args:
            state: 0 for P, 1 for AP; values between stand for a time average.
            bias: voltage across the junction, V.

        Returns:
            `R_P (1 + state·TMR/(1 + (bias/V_h)²))`, Ω.
        """
        return self.resistance_p * (1 + state * self.tmr / (1 + (bias / self.v_half) ** 2))

    def barrier(self, state: int, current: float = 0.0) -> float:
        """Barrier out of a state under field and current, eV.

        Args:
            state: 0 for P, 1 for AP.
            current: through the junction from `p` to `q`, A.

        Raises:
            ValueError: the current is past the critical one; a state is lost there.
        """
        torque = current / self.critical_current
        if abs(torque) >= 1:
            raise ValueError(
                f"a current of {format_quantity(current, 'A')} passes the junction's critical "
                f"current of {format_quantity(self.critical_current, 'A')}, where a state is lost; "
                "lower circuit.noise.v_bias, raise circuit.noise.r_series, or give circuit.smtj a "
                "larger critical_current"
            )
        sign = 1 if state == P else -1
        own = self.barrier_p if state == P else self.barrier_ap
        return own * (1 + sign * self._reduced_field) ** 2 * (1 - sign * torque)

    def dwell_time(self, state: int, temperature: Celsius, current: float = 0.0) -> float:
        """Mean dwell in a state, s, at a temperature in °C and a current in A.

        Raises:
            ValueError: the state is never left, or a critical current passed.
        """
        height = self.barrier(state, current) / thermal(temperature)
        if height > _HIGHEST:
            raise ValueError(f"a barrier of {height:.3g} k_B T is never crossed; lower it")
        return self.attempt_time * math.exp(height)

    def dwell_times(
        self, temperature: Celsius, currents: tuple[float, float] = (0.0, 0.0)
    ) -> tuple[float, float]:
        """Mean dwell times (τ_P, τ_AP) in s, at a temperature in °C and currents in P and AP, A."""
        return (
            self.dwell_time(P, temperature, currents[P]),
            self.dwell_time(AP, temperature, currents[AP]),
        )

    def occupancy(self, temperature: Celsius, currents: tuple[float, float] = (0.0, 0.0)) -> float:
        """Stationary probability of AP, τ_AP/(τ_P + τ_AP)."""
        tau_p, tau_ap = self.dwell_times(temperature, currents)
        return tau_ap / (tau_p + tau_ap)

    @property
    def spread(self) -> bool:
        """Whether devices differ."""
        return max(self.spread_resistance, self.spread_tmr, self.spread_barrier) > 0

    def draw(self, rng: np.random.Generator) -> Self:
        """One device, its deviates drawn: see `deviating`."""
        return self.deviating(rng.standard_normal(3))

    def deviating(self, deviates: NDArray[np.float64]) -> Self:
        """One device: its R_P, TMR and barriers around these, log-normal of the same mean.

        The barriers of both states share a factor, as they share volume and anisotropy.

        Args:
            deviates: of R_P, TMR and barriers, standard normal; shape (3,).
        """
        spreads = np.array([self.spread_resistance, self.spread_tmr, self.spread_barrier])
        area, tmr, barrier = relative(spreads, deviates).tolist()
        return self.model_copy(
            update={
                "resistance_area": self.resistance_area * area,
                "tmr": self.tmr * tmr,
                "barrier_p": self.barrier_p * barrier,
                "barrier_ap": self.barrier_ap * barrier,
                "spread_resistance": 0.0,
                "spread_tmr": 0.0,
                "spread_barrier": 0.0,
            }
        )

    def tuned_by_field(self, dwell: float, occupancy: float, temperature: Celsius) -> Self:
        """The barrier, and the field, that make a wanted dwell and occupancy.

        Args:
            dwell: mean of both states' dwell times, s.
            occupancy: of AP, 1.
            temperature: °C.

        Returns:
            This junction with one barrier for both states, and with that field.

        Raises:
            ValueError: no barrier makes them.
        """
        leave_p, leave_ap = (math.sqrt(e) for e in self._wanted(dwell, occupancy, temperature))
        reduced = (leave_p - leave_ap) / (leave_p + leave_ap)
        barrier = (leave_p + leave_ap) ** 2 / 4
        return self.model_copy(
            update={
                "barrier_p": barrier,
                "barrier_ap": barrier,
                "field": self.offset_field + reduced * self.anisotropy_field,
            }
        )

    def tuned_by_current(
        self, dwell: float, occupancy: float, temperature: Celsius
    ) -> tuple[Self, float]:
        """The barrier, and the current, that make a wanted dwell and occupancy.

        Arguments and errors are those of `tuned_by_field`.

        Returns:
            This junction with one barrier for both states and at its offset field, and the
            current in A.
        """
        if math.isinf(self.critical_current):
            raise ValueError("critical_current: wanted a finite current to tune by, got inf")
        leave_p, leave_ap = self._wanted(dwell, occupancy, temperature)
        barrier = (leave_p + leave_ap) / 2
        current = self.critical_current * (leave_ap - leave_p) / (leave_ap + leave_p)
        changes = {"barrier_p": barrier, "barrier_ap": barrier, "field": self.offset_field}
        return self.model_copy(update=changes), current

    def _wanted(self, dwell: float, occupancy: float, temperature: Celsius) -> tuple[float, float]:
        """Barriers out of P and AP, eV, for a mean dwell and an occupancy."""
        if not 0 < occupancy < 1:
            raise ValueError(f"occupancy: wanted between 0 and 1, got {occupancy:g}")
        times = (2 * dwell * (1 - occupancy), 2 * dwell * occupancy)
        if not self.attempt_time < min(times) <= max(times) < math.inf:
            raise ValueError(
                f"dwell: wanted both states' dwells finite and above the attempt time of "
                f"{self.attempt_time:g} s, got {times[P]:.3g} s in P and {times[AP]:.3g} s in AP"
            )
        leave_p, leave_ap = (barrier_of(t, self.attempt_time, temperature) for t in times)
        return leave_p, leave_ap


def thermal(temperature: Celsius) -> float:
    """Thermal energy k_B T in eV at a temperature in °C."""
    return Boltzmann * (temperature + zero_Celsius) / elementary_charge


def barrier_of(dwell: float, attempt_time: float, temperature: Celsius) -> float:
    """Barrier in eV behind a mean dwell in s, by Néel and Arrhenius."""
    return thermal(temperature) * math.log(dwell / attempt_time)


class FlipPath(ABC):
    """The path of one junction from time 0 on, found piece by piece and read forward.

    Args:
        state: at time 0.
    """

    def __init__(self, state: int) -> None:
        self._state = state
        self._flips = np.empty(0)
        self._new: list[NDArray[np.float64]] = []  # joined once a window is covered
        self._count = 0
        self._held_from = 0.0
        self.end = 0.0
        """The path is known up to here, s."""

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
        while self.end <= stop:
            self._extend()
        if self._new:
            self._join()
            self._let_go(start)
        if start < self._held_from:
            raise ValueError(f"telegraph path is held from {self._held_from:g} s, got {start:g} s")
        first, last = np.searchsorted(self._flips, (start, stop), side="right")
        return self._state_after(first), self._flips[first:last]

    @abstractmethod
    def _extend(self) -> None:
        """Find more of the path and `append` it."""

    def append(self, flips: NDArray[np.float64], end: float) -> None:
        """Add the flips between the end so far and a new one, s."""
        self._new.append(flips)
        self._count += len(flips)
        self.end = end

    def state(self, needed_from: float) -> dict[str, Any]:
        """All that windows from a time on depend on, for a path made like this one.

        Args:
            needed_from: s; no later window begins before it.
        """
        self._join()
        over = int(np.searchsorted(self._flips, needed_from, side="right"))
        return {
            "from": needed_from,
            "state": self._state_after(over),
            "flips": self._flips[over:].copy(),
            "end": self.end,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another path had its `state` taken."""
        self._held_from = state["from"]
        self._state = state["state"]
        self._flips, self._new = state["flips"], []
        self._count = len(self._flips)
        self.end = state["end"]

    @property
    def end_state(self) -> int:
        """State at the end of what is known."""
        return self._state_after(self._count)

    def _state_after(self, count: int) -> int:
        return (self._state + count) % 2

    def _join(self) -> None:
        self._flips = np.concatenate([self._flips, *self._new])
        self._new = []

    def _let_go(self, needed_from: float) -> None:
        over = int(np.searchsorted(self._flips, needed_from, side="right"))
        spare = min(len(self._flips) - _KEEP, over)
        if spare > 0:
            self._state = self._state_after(spare)
            self._held_from = float(self._flips[spare - 1])
            self._flips = self._flips[spare:]
            self._count -= spare


class Telegraph(FlipPath):
    """A path of exponential dwells, drawn exactly.

    It depends on the generator alone, not on how it is cut into windows, so that every fidelity
    and batch size sees the same flips.

    Args:
        dwell_times: mean dwell in P and in AP, s.
        rng: generator that this path alone draws from.
    """

    def __init__(self, dwell_times: tuple[float, float], rng: np.random.Generator) -> None:
        self._tau = np.array(dwell_times)
        self._rng = rng
        super().__init__(int(rng.random() < self._tau[AP] / self._tau.sum()))

    def state(self, needed_from: float) -> dict[str, Any]:
        """As of any path, and the generator's."""
        return {**super().state(needed_from), "rng": self._rng.bit_generator.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another path had its `state` taken."""
        super().restore(state)
        self._rng.bit_generator.state = state["rng"]

    def _extend(self) -> None:
        leaving = (self.end_state + np.arange(_BLOCK)) % 2
        flips = self.end + np.cumsum(self._rng.exponential(self._tau[leaving]))
        self.append(flips, float(flips[-1]))

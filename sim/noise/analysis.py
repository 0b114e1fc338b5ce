"""What a uniformly sampled noise voltage is: levels, dwells, correlation, spectrum."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import zero_Celsius

from sim.noise.levels import Level, States, find_levels, nearest_states
from sim.noise.spectrum import Autocorrelation, Spectrum, autocorrelation, lorentzian, spectrum
from sim.noise.telegraph import (
    DwellFit,
    Estimate,
    TwoStateFit,
    exponential_test,
    fit_two_states,
)

__all__ = ["NoiseReport", "analyse", "exponential_test", "lorentzian"]

Array = NDArray[np.float64]

_LEAST_SAMPLES = 100


@dataclass(frozen=True, eq=False)
class NoiseReport:
    """A noise voltage, characterised.

    Attributes:
        count: of samples.
        sample_time: s.
        temperature: that barriers are worth at, °C.
        attempt_time: that barriers start from, s.
        mean: V.
        sigma: total standard deviation, V.
        minimum: V.
        maximum: V.
        levels: ascending; one for noise without states.
        states: index of the level at each sample, shape (samples,); None for one level.
        flip_probability: share of steps between samples whose level differs; NaN for one level.
        event_rate: the same over the sample time, 1/s.
        hmm: for two levels alone, as are the next two.
        occupancy: share of samples in the high level.
        dwells: of the low and of the high level.
        autocorrelation: of the samples.
        spectrum: of the samples.
    """

    count: int
    sample_time: float
    temperature: float
    attempt_time: float
    mean: float
    sigma: float
    minimum: float
    maximum: float
    levels: tuple[Level, ...]
    states: States | None
    flip_probability: float
    event_rate: float
    hmm: TwoStateFit | None
    occupancy: Estimate | None
    dwells: tuple[DwellFit, DwellFit] | None
    autocorrelation: Autocorrelation
    spectrum: Spectrum

    def to_dict(self, *, curves: bool = False) -> dict[str, Any]:
        """Plain numbers, lists and dicts, for JSON; what is not finite becomes None.

        Args:
            curves: with autocorrelation and spectrum as lists; states are left out always.
        """
        report: dict[str, Any] = {
            "count": self.count,
            "sample_time_s": self.sample_time,
            "temperature_c": self.temperature,
            "attempt_time_s": self.attempt_time,
            "mean_v": self.mean,
            "sigma_v": self.sigma,
            "minimum_v": self.minimum,
            "maximum_v": self.maximum,
            "levels": [
                {"voltage_v": k.voltage, "weight": k.weight, "spread_v": k.spread}
                for k in self.levels
            ],
            "flip_probability": self.flip_probability,
            "event_rate_hz": self.event_rate,
            "hmm": self.hmm and _hmm_dict(self.hmm),
            "occupancy": self.occupancy and vars(self.occupancy),
            "dwells": self.dwells and [_dwell_dict(dwell) for dwell in self.dwells],
            "correlation_time_s": self.autocorrelation.correlation_time,
            "spectrum": {
                "averages": self.spectrum.averages,
                "corner_hz": self.spectrum.corner,
                "plateau_v2_per_hz": self.spectrum.plateau,
                "white_v2_per_hz": self.spectrum.white,
                "lorentzian_deviation": self.spectrum.lorentzian_deviation,
            },
        }
        if curves:
            report["autocorrelation"] = {
                "lags_s": self.autocorrelation.lags,
                "values": self.autocorrelation.values,
            }
            report["spectrum"] |= {
                "frequencies_hz": self.spectrum.frequencies,
                "density_v2_per_hz": self.spectrum.density,
                "fit_v2_per_hz": self.spectrum.fit,
            }
        return _plain(report)


def _hmm_dict(fit: TwoStateFit) -> dict[str, Any]:
    return {
        "levels_v": fit.levels,
        "noise_v": fit.noise,
        "flip_low_high": vars(fit.flip_low_high),
        "flip_high_low": vars(fit.flip_high_low),
        "log_likelihood": fit.log_likelihood,
        "samples": fit.samples,
        "converged": fit.converged,
    }


def _dwell_dict(dwell: DwellFit) -> dict[str, Any]:
    return {
        "voltage_v": dwell.voltage,
        "mean_s": vars(dwell.mean),
        "observed_s": dwell.observed,
        "count": dwell.count,
        "p_value": dwell.p_value,
        "barrier_ev": vars(dwell.barrier),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def analyse(
    samples: Array,
    sample_time: float,
    *,
    temperature: float = 27.0,
    attempt_time: float = 1e-9,
    max_levels: int = 16,
    rounded: bool = False,
) -> NoiseReport:
    """Characterise a uniformly sampled noise voltage.

    Args:
        samples: V, shape (samples,), at least 100.
        sample_time: between two samples, s.
        temperature: that barriers are worth at, °C.
        attempt_time: Néel–Arrhenius τ0 that barriers start from, s.
        max_levels: looked for at most.
        rounded: samples come out of a converter, whose steps are no levels.

    Returns:
        The report; the same samples give the same report.

    Raises:
        ValueError: too few samples, one that is not finite, or all of them equal; a time or an
            absolute temperature that is not positive.
    """
    samples = np.asarray(samples, dtype=np.float64)
    _require_noise(samples)
    _require_positive(sample_time, "sample_time", "s")
    _require_positive(attempt_time, "attempt_time", "s")
    _require_positive(temperature + zero_Celsius, "absolute temperature", "K")
    _require_positive(max_levels, "max_levels", "levels")
    levels = find_levels(samples, max_levels, rounded=rounded)
    telegraph = states = None
    flip_probability = math.nan
    if len(levels) == 2:
        telegraph = fit_two_states(
            samples, sample_time, (levels[0], levels[1]), temperature, attempt_time
        )
        states = telegraph.states
    elif len(levels) > 2:
        states = nearest_states(samples, [level.voltage for level in levels])
    if states is not None:
        flip_probability = float(np.mean(states[1:] != states[:-1]))
    correlation = autocorrelation(samples, sample_time)
    return NoiseReport(
        count=len(samples),
        sample_time=sample_time,
        temperature=temperature,
        attempt_time=attempt_time,
        mean=float(samples.mean()),
        sigma=float(samples.std()),
        minimum=float(samples.min()),
        maximum=float(samples.max()),
        levels=levels,
        states=states,
        flip_probability=flip_probability,
        event_rate=flip_probability / sample_time,
        hmm=telegraph and telegraph.fit,
        occupancy=telegraph and telegraph.occupancy,
        dwells=telegraph and telegraph.dwells,
        autocorrelation=correlation,
        spectrum=spectrum(samples, sample_time, correlation.correlation_time),
    )


def _require_noise(samples: Array) -> None:
    if samples.ndim != 1:
        raise ValueError(f"wanted one row of samples, got shape {samples.shape}")
    if len(samples) < _LEAST_SAMPLES:
        raise ValueError(f"wanted at least {_LEAST_SAMPLES} samples, got {len(samples)}")
    wrong = np.flatnonzero(~np.isfinite(samples))
    if len(wrong):
        raise ValueError(f"noise sample {wrong[0]} is not finite, got {samples[wrong[0]]:g}")
    if np.ptp(samples) == 0:
        raise ValueError(f"one level only: all {len(samples)} samples are {samples[0]:g} V")


def _require_positive(value: float, name: str, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and positive, got {value:g} {unit}")

"""Autocorrelation and power spectrum of a noise voltage, against a Lorentzian."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, signal

Array = NDArray[np.float64]

_LAGS = 8  # correlation times shown
_LEAST_LAGS = 16
_RECORD_SHARE = 10  # a tenth of the record: lags beyond are too few to average over
_CORNER_BINS = 64  # correlation times in a segment: ten frequencies below the corner
_LEAST_SEGMENT, _LEAST_SEGMENTS = 256, 8
_SILENCE = 1e-12  # of a white density
_COLOURED = 30.0  # deviance: chance of 1e-3 for two parameters is 14, Hann's window doubles it


@dataclass(frozen=True, eq=False)
class Autocorrelation:
    """Normalised autocorrelation.

    Attributes:
        lags: s, from 0, shape (lags,).
        values: 1 at lag 0, shape (lags,).
        correlation_time: where it has fallen to 1/e, s; NaN if that is within the first sample,
            or beyond a tenth of the record. Observation noise shortens it; `Spectrum` has the
            time without.
    """

    lags: Array
    values: Array
    correlation_time: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """One-sided power spectral density and the fit of a sampled Lorentzian.

    The fitted process has the autocovariance `σ² exp(−|k|dt/τ)` and a white part of variance w;
    sampled with ρ = exp(−dt/τ) its density, aliases included, is
    `2dt (σ² (1 − ρ²)/(1 − 2ρ cos(2πf dt) + ρ²) + w)`.

    Attributes:
        frequencies: Hz, above 0 and below Nyquist, shape (frequencies,).
        density: by Welch, V²/Hz, shape (frequencies,).
        fit: the density fitted, V²/Hz, shape (frequencies,).
        averages: segments, half overlapping; the density scatters by about `1/√averages`.
        corner: `1/(2πτ)`, Hz; NaN where a white spectrum fits as well.
        plateau: `S0 = 4σ²τ` of the Lorentzian `S0/(1 + (f/corner)²)` before sampling, V²/Hz.
        white: floor `2dt·w`, V²/Hz.
        lorentzian_deviation: rms of log10(density/fit) below half of Nyquist, 1. The scatter
            alone makes `0.43/√averages`.
    """

    frequencies: Array
    density: Array
    fit: Array
    averages: int
    corner: float
    plateau: float
    white: float
    lorentzian_deviation: float


def lorentzian(frequencies: Array, variance: float, correlation_time: float) -> Array:
    """One-sided density of the autocovariance `variance·exp(−|t|/correlation_time)`.

    Args:
        frequencies: Hz, shape (frequencies,).
        variance: V².
        correlation_time: s; of a telegraph, 1/(1/τ0 + 1/τ1).

    Returns:
        `4 variance τ/(1 + (2πfτ)²)`, V²/Hz, shape (frequencies,); its integral is the variance.
    """
    return 4 * variance * correlation_time / (1 + (2 * np.pi * frequencies * correlation_time) ** 2)


def autocorrelation(samples: Array, sample_time: float) -> Autocorrelation:
    """Autocorrelation up to eight correlation times, and no further than a tenth of the record.

    Args:
        samples: V, shape (samples,).
        sample_time: s.
    """
    count = len(samples)
    change = samples - samples.mean()
    most = count // _RECORD_SHARE
    products = signal.correlate(change, change, method="fft")[count - 1 : count + most]
    values = np.asarray(products, dtype=np.float64) / (count - np.arange(most + 1))
    values /= values[0]
    below = np.flatnonzero(values < 1 / math.e)
    time = math.nan
    shown = most
    if len(below):
        k = int(below[0])
        if k > 1:
            time = k - 1 + _crossing(values[k - 1], values[k])
        shown = min(most, max(_LAGS * k, _LEAST_LAGS))
    return Autocorrelation(
        sample_time * np.arange(shown + 1, dtype=np.float64),
        values[: shown + 1],
        sample_time * time,
    )


def _crossing(before: float, after: float) -> float:
    """Where between two lags 1/e lies: on an exponential, or a line to values below zero."""
    if after > 0:
        return math.log(before * math.e) / math.log(before / after)
    return (before - 1 / math.e) / (before - after)


def spectrum(samples: Array, sample_time: float, correlation_time: float) -> Spectrum:
    """Welch's density (Hann, half overlap) and its fit by Whittle's likelihood.

    Args:
        samples: V, shape (samples,).
        sample_time: s.
        correlation_time: a first guess in s that sets the segments to 64 of it; NaN if unknown.
    """
    longest = max(len(samples) // _LEAST_SEGMENTS, 16)
    steps = correlation_time / sample_time if math.isfinite(correlation_time) else 1.0
    segment = min(max(2 ** math.ceil(math.log2(_CORNER_BINS * steps)), _LEAST_SEGMENT), longest)
    frequencies, density = signal.welch(samples, 1 / sample_time, nperseg=segment)
    # The mean is taken out at 0, and the bin at Nyquist has half the degrees of freedom.
    inside = (frequencies > 0) & (frequencies < 0.499 / sample_time)
    frequencies, density = frequencies[inside], density[inside]
    averages = (len(samples) - segment) // (segment - segment // 2) + 1
    unit = 2 * sample_time * float(samples.var())
    # A record with one late change can leave every whole segment silent.
    density = np.maximum(density, _SILENCE * unit)
    cosine = np.cos(2 * np.pi * frequencies * sample_time)
    coloured, time, white = _fit(density / unit, cosine, steps, averages)
    fit = unit * _model(cosine, coloured, time, white)
    lower = frequencies < 0.25 / sample_time
    deviation = math.sqrt(np.mean(np.log10(density / fit)[lower] ** 2))
    return Spectrum(
        frequencies=frequencies,
        density=density,
        fit=fit,
        averages=averages,
        corner=1 / (2 * math.pi * time * sample_time) if coloured else math.nan,
        plateau=2 * unit * coloured * time if coloured else math.nan,
        white=unit * white,
        lorentzian_deviation=deviation,
    )


def _model(cosine: Array, coloured: float, time: float, white: float) -> Array:
    rho = math.exp(-1 / time)
    return coloured * (1 - rho**2) / (1 - 2 * rho * cosine + rho**2) + white


def _fit(density: Array, cosine: Array, steps: float, averages: int) -> tuple[float, float, float]:
    """Coloured variance, correlation time in samples and white variance; coloured 0 if none is.

    Args:
        density: over 2dt times the variance, shape (frequencies,).
        cosine: of 2πf·dt, shape (frequencies,).
        steps: correlation time to start from, samples.
        averages: segments.
    """

    def loss(parameters: Array) -> float:
        model = _model(cosine, *np.exp(parameters))
        return float(np.mean(np.log(model) + density / model))

    bounds = np.log([(1e-6, 1e2), (5e-2, 1e9), (1e-9, 1e2)])
    fits = [
        optimize.minimize(
            loss, np.log([0.9, start, 0.1]), method="Nelder-Mead", bounds=bounds,
            options={"xatol": 1e-6, "fatol": 1e-12, "maxiter": 2000},
        )
        for start in (0.5, steps, 10 * steps)
    ]  # fmt: skip
    best = min(fits, key=lambda fit: fit.fun)
    flat = float(density.mean())
    if 2 * averages * len(density) * (math.log(flat) + 1 - best.fun) < _COLOURED:
        return 0.0, 1.0, flat
    coloured, time, white = np.exp(best.x)
    return float(coloured), float(time), float(white)

"""The two-state chain of a telegraph: flips, dwells, barriers.

A junction that leaves low at rate a and high at rate b, sampled every dt, is a Markov chain with
flip probabilities `p01 = π1 (1 − exp(−(a+b)dt))` and `p10 = π0 (1 − exp(−(a+b)dt))`, where
`π1 = a/(a+b)` is the occupancy of high. Flips that come back between two samples go unseen, so
dwells counted in samples are longer than the true ones; `fit_two_states` undoes that.
"""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from circuits.smtj import thermal
from sim.noise.levels import Level, States

Array = NDArray[np.float64]

_STRETCH = 1_000_000  # samples that EM sees, and that Viterbi decodes at a time
_EXACT_NOISE = 1e-3  # of the spacing: stands for the observation noise of noise-free data
_Z = float(stats.norm.ppf(0.975))
_LEAST_EXPECTED = 10  # dwells in a bin
_MOST_BINS = 30


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % confidence interval, NaN where the record cannot tell."""

    value: float
    low: float
    high: float

    @classmethod
    def unknown(cls) -> Self:
        """Neither value nor interval."""
        return cls(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class TwoStateFit:
    """Hidden Markov model of a telegraph: two levels, one observation noise.

    Attributes:
        levels: (low, high), V.
        noise: standard deviation about the levels, V; if below 1e-3 of the spacing, not by EM.
        flip_low_high: probability per sample to leave low.
        flip_high_low: probability per sample to leave high.
        log_likelihood: of the samples used, density per V, with a noise of at least 1e-3 of the
            spacing.
        samples: how many EM used.
        converged: whether EM did.
    """

    levels: tuple[float, float]
    noise: float
    flip_low_high: Estimate
    flip_high_low: Estimate
    log_likelihood: float
    samples: int
    converged: bool


@dataclass(frozen=True)
class DwellFit:
    """How long one state lasts.

    Attributes:
        voltage: of the state's level, V.
        mean: mean dwell in s, corrected for flips unseen between samples; NaN if sampling is
            too slow for that.
        observed: mean of the dwells as sampled, s; the first and last, cut off, are left out.
        count: of those dwells.
        p_value: of the exponential law, `geometric_test`.
        barrier: `kT ln(mean/τ0)`, eV.
    """

    voltage: float
    mean: Estimate
    observed: float
    count: int
    p_value: float
    barrier: Estimate


@dataclass(frozen=True)
class TelegraphFit:
    """All that is known of a record with two levels.

    Attributes:
        fit: of the hidden Markov model.
        states: 0 low or 1 high by Viterbi, shape (samples,).
        occupancy: share of samples in high.
        dwells: of low and of high.
    """

    fit: TwoStateFit
    states: States
    occupancy: Estimate
    dwells: tuple[DwellFit, DwellFit]


def fit_two_states(
    samples: Array,
    sample_time: float,
    levels: tuple[Level, Level],
    temperature: float,
    attempt_time: float,
) -> TelegraphFit:
    """Hidden Markov model, occupancy and dwells of a record with two levels.

    EM starts from the mixture and sees the first 1e6 samples; Viterbi decodes all of them, and
    occupancy, observed dwells and their test come from it. Intervals of 95 %: flip probabilities
    from Jeffreys' Beta distribution, with the count of steps for which the curvature of the
    log-likelihood stands; mean dwells by the delta method on the logarithm; barriers by mapping
    those; occupancy on the logit scale, its variance `π0 π1/n · (2 − p01 − p10)/(p01 + p10)`,
    which tends to `2 π0 π1 τ/T` for a correlation time τ of many samples.

    Observed dwells and the test need levels some six noise deviations apart; flip probabilities
    and mean dwells are those of EM and need less.

    Args:
        samples: V, shape (samples,).
        sample_time: s.
        levels: of `find_levels`.
        temperature: °C.
        attempt_time: τ0, s.
    """
    low, high = levels
    spacing = high.voltage - low.voltage
    noise = math.sqrt(low.weight * low.spread**2 + high.weight * high.spread**2)
    scaled = ((samples - low.voltage) / spacing)[:, None]
    model = _fitted_model(scaled[:_STRETCH], noise / spacing)
    used = min(len(samples), _STRETCH)
    pieces = [_STRETCH] * (len(samples) // _STRETCH) + [len(samples) % _STRETCH]
    states = model.predict(scaled, [n for n in pieces if n]).astype(np.int8)
    steps = np.bincount(states[: used - 1], minlength=2)
    flips = np.clip([model.transmat_[0, 1], model.transmat_[1, 0]], 1e-12, 1 - 1e-12)
    covariance = _covariance(model, scaled[:used], flips, steps)
    first, second = (
        _flip_estimate(float(flips[k]), float(covariance[k, k]), int(steps[k])) for k in (0, 1)
    )
    voltages = low.voltage + spacing * model.means_[:, 0]
    if noise > _EXACT_NOISE * spacing:
        noise = spacing * math.sqrt(model.covars_[0, 0, 0])
    fit = TwoStateFit(
        levels=(float(voltages[0]), float(voltages[1])),
        noise=noise,
        flip_low_high=first,
        flip_high_low=second,
        log_likelihood=float(model.score(scaled[:used])) - used * math.log(spacing),
        samples=used,
        converged=model.monitor_.iter < model.n_iter,
    )
    means = _mean_dwells(flips, covariance, steps, sample_time)
    kt = thermal(temperature)
    edges = np.flatnonzero(np.diff(states)) + 1
    runs, of = np.diff(edges), states[edges[:-1]]
    dwells = tuple(
        DwellFit(
            voltage=fit.levels[k],
            mean=means[k],
            observed=sample_time * float(runs[of == k].mean()) if (of == k).any() else math.nan,
            count=int((of == k).sum()),
            p_value=geometric_test(runs[of == k]),
            barrier=_barrier(means[k], kt, attempt_time),
        )
        for k in (0, 1)
    )
    return TelegraphFit(fit, states, _occupancy(states, flips), (dwells[0], dwells[1]))


def _fitted_model(scaled: Array, noise: float) -> Any:
    from hmmlearn.base import ConvergenceMonitor  # noqa: PLC0415 - a slow import
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415

    class Monitor(ConvergenceMonitor):
        """Without hmmlearn's message on a fall of 1.5e-8, which is the rounding of a long sum."""

        def report(self, log_prob: float) -> None:
            self.history.append(log_prob)
            self.iter += 1

    above = (scaled[:, 0] > 0.5).astype(np.int8)
    pairs = np.bincount(2 * above[:-1] + above[1:], minlength=4).reshape(2, 2) + 0.5
    # Emissions are held where data are noise-free, or where EM would see one level alone.
    held = noise <= _EXACT_NOISE or np.bincount(above, minlength=2).min() < 10
    model = GaussianHMM(
        2,
        "tied",
        params="t" if held else "tmc",
        init_params="",
        n_iter=200,
        tol=1e-3,
        covars_prior=0.0,
        # A millionth of a flip, so that no row of the matrix can vanish.
        transmat_prior=1 + 1e-6,
    )
    model.monitor_ = Monitor(model.tol, model.n_iter, verbose=False)
    model.startprob_ = np.full(2, 0.5)
    model.transmat_ = pairs / pairs.sum(axis=1, keepdims=True)
    model.means_ = np.array([[0.0], [1.0]])
    model.covars_ = np.array([[max(noise, _EXACT_NOISE) ** 2]])
    return model.fit(scaled)


def _covariance(model: Any, scaled: Array, flips: Array, steps: NDArray[np.intp]) -> Array:
    """Covariance of the flip probabilities by the curvature in their logits, shape (2, 2)."""
    slope = flips * (1 - flips)
    unit = 1 / np.sqrt(np.maximum(steps * slope, 0.5))

    def change(first: int, second: int) -> float:
        p, q = special.expit(special.logit(flips) + unit * (first, second))
        model.transmat_ = np.array([[1 - p, p], [q, 1 - q]])
        return float(model.score(scaled))

    kept = model.transmat_
    peak = change(0, 0)
    one, other, both = (
        2 * peak - change(i, j) - change(-i, -j) for i, j in ((1, 0), (0, 1), (1, 1))
    )
    model.transmat_ = kept
    cross = (both - one - other) / 2
    # Observing the states themselves would give the unit matrix: more is not to be had.
    information = np.array([[min(one, 1.0), cross], [cross, min(other, 1.0)]])
    if information[0, 0] <= 0 or np.linalg.det(information) <= 0:
        information = np.eye(2)
    scale = slope * unit
    return np.linalg.inv(information) * np.outer(scale, scale)


def _flip_estimate(flip: float, variance: float, steps: int) -> Estimate:
    count = min(flip * (1 - flip) / variance, steps)
    low, high = stats.beta.ppf((0.025, 0.975), flip * count + 0.5, (1 - flip) * count + 0.5)
    return Estimate(flip, float(low), float(high))


def _mean_dwells(
    flips: Array, covariance: Array, steps: NDArray[np.intp], sample_time: float
) -> tuple[Estimate, Estimate]:
    """Mean dwells in low and high: `ln τ0 = ln dt + ln(S/p01) − ln(−ln(1 − S))`, S = p01 + p10."""
    both = float(flips.sum())
    # Independent samples have S = 1: within reach of it any dwell below dt would do.
    if both + _Z * math.sqrt(covariance.sum()) >= 1 or not (flips * steps > 1).all():
        return Estimate.unknown(), Estimate.unknown()
    decay = -math.log1p(-both)
    common = 1 / both - 1 / ((1 - both) * decay)
    means = []
    for k in (0, 1):
        value = sample_time * both / (float(flips[k]) * decay)
        gradient = np.full(2, common)
        gradient[k] -= 1 / flips[k]
        factor = math.exp(_Z * math.sqrt(gradient @ covariance @ gradient))
        means.append(Estimate(value, value / factor, value * factor))
    return means[0], means[1]


def _barrier(mean: Estimate, kt: float, attempt_time: float) -> Estimate:
    return Estimate(
        *(kt * math.log(tau / attempt_time) for tau in (mean.value, mean.low, mean.high))
    )


def _occupancy(states: States, flips: Array) -> Estimate:
    share, both = float(states.mean()), float(flips.sum())
    if not 0 < share < 1:
        return Estimate.unknown()
    deviation = math.sqrt((2 - both) / both / (len(states) * share * (1 - share)))
    low, high = special.expit(special.logit(share) + _Z * deviation * np.array([-1, 1]))
    return Estimate(share, float(low), float(high))


def geometric_test(runs: NDArray[np.intp]) -> float:
    """p-value of the law that exponential dwells follow when sampled: the geometric one.

    Pearson's chi-square over up to 30 bins of at least 10 expected dwells. The flip probability
    is fitted to the binned counts, so that it takes exactly one degree of freedom.

    Args:
        runs: complete dwells in samples, at least 1, shape (dwells,).

    Returns:
        NaN with fewer than three bins, too few dwells to tell.
    """
    if len(runs) < 3 * _LEAST_EXPECTED:
        return math.nan
    stay = 1 - 1 / max(float(runs.mean()), 1 + 1e-9)
    least = _LEAST_EXPECTED / len(runs)
    edges, beyond = [0], 1.0
    while beyond >= 2 * least:
        left = max(least, min(beyond - 1 / _MOST_BINS, beyond - least))
        edge = max(math.ceil(math.log(left) / math.log(stay) - 1e-9), edges[-1] + 1)
        beyond = stay**edge
        edges.append(edge)
    if beyond < least:
        edges.pop()
    if len(edges) < 3:
        return math.nan
    at = np.array(edges, dtype=float)
    counts = np.bincount(np.searchsorted(at, runs, side="left") - 1, minlength=len(at))

    def shares(decay: float) -> Array:
        beyond = np.exp(-decay * at)
        return -np.diff(beyond, append=0.0)

    decay = -math.log(stay)
    fitted: Any = optimize.minimize_scalar(
        lambda shift: -float(counts @ np.log(shares(decay * math.exp(shift)))),
        bounds=(-2, 2),
        method="bounded",
        options={"xatol": 1e-9},
    )
    expected = len(runs) * shares(decay * math.exp(float(fitted.x)))
    return float(stats.chisquare(counts, expected, ddof=1).pvalue)


def exponential_test(dwells: Array, tau: float) -> float:
    """p-value of exponential dwells of a given mean, by Kolmogorov and Smirnov.

    Args:
        dwells: exact times between flips, s, shape (dwells,).
        tau: their mean by the model, not fitted to them, s.
    """
    return float(stats.kstest(dwells, stats.expon(scale=tau).cdf).pvalue)

"""The voltages at which samples of a noise gather."""

import itertools
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
States = NDArray[np.int8]

_LEAST_WEIGHT = 3e-3  # share of samples below which a value is a flank between levels
_SAME_VALUE = 1e-6  # of the range: noise-free samples of one level
_NARROW, _CLOSE, _WIDEST = 1e-3, 10, 0.05  # of the range, in bins, of the range: nearly noise-free
_OCCUPIED = 1e-4  # share of samples that makes a bin part of a heap
_GATHERED = 0.9  # share of samples that such levels hold; the rest is on flanks
_DIP = 0.8  # of the lower peak: equal Gaussians 2.6 spreads apart leave as much between them
_FLANK_WEIGHT, _FLANK_SPREAD = 0.05, 3.0  # a component both lighter and broader is no level
_SUBSAMPLE = 20_000
_PATIENCE = 3  # component counts tried in vain before the search ends


_FEWEST_STEPS, _MOST_STEPS = 4, 4096  # distinct values that may be a converter's
_OFF_GRID = 1e-3  # of its step


@dataclass(frozen=True)
class Level:
    """A voltage at which samples gather.

    Attributes:
        voltage: mean, V.
        weight: share of the samples, 1.
        spread: standard deviation, V; 0 for exact values.
    """

    voltage: float
    weight: float
    spread: float


def find_levels(samples: Array, max_levels: int, *, rounded: bool = False) -> tuple[Level, ...]:
    """Voltages at which samples gather, ascending.

    Samples on flanks, between their neighbours by steps far larger than the noise, are left out.
    If the rest gathers on at most `max_levels` values or narrow heaps, these are the levels.
    Otherwise a Gaussian mixture is fitted to 20,000 samples, its size chosen by BIC; components
    with no dip between them are merged, and those below 0.3 % or broad and light are dropped.

    Args:
        samples: V, shape (samples,), not all equal.
        max_levels: components tried at most.
        rounded: samples come out of a converter: where they are all on one grid, its steps are not
            taken for levels.
    """
    settled = _settled(samples)
    if rounded and grid_of(samples) is not None:
        return _by_mixture(settled, max_levels)
    heaps = _heaps(settled, _SAME_VALUE, 1)
    if not heaps or min(np.diff(heaps), default=1.0) < _NARROW * np.ptp(settled):
        heaps = _heaps(settled, _NARROW, _CLOSE)
    if not 0 < len(heaps) <= max_levels:
        return _by_mixture(settled, max_levels)
    owner = nearest_states(settled, heaps)
    spread = [_core_spread(settled[owner == k] - voltage) for k, voltage in enumerate(heaps)]
    weight = np.bincount(nearest_states(samples, heaps), minlength=len(heaps)) / len(samples)
    return tuple(map(Level, heaps, weight.tolist(), spread))


def grid_of(samples: Array) -> float | None:
    """Spacing of rounded samples, V; None for samples off one grid, or on few or many values."""
    values = np.unique(samples)
    if not _FEWEST_STEPS <= len(values) <= _MOST_STEPS:
        return None
    gaps = np.diff(values)
    step = float(gaps.min())
    off = np.abs(gaps / step - np.round(gaps / step)).max()
    return step if off < _OFF_GRID else None


def _by_mixture(samples: Array, max_levels: int) -> tuple[Level, ...]:
    levels = _reduced(_mixture(samples, max_levels, np.random.default_rng(0)))
    total = sum(level.weight for level in levels)
    return tuple(Level(k.voltage, k.weight / total, k.spread) for k in levels)


def _settled(samples: Array) -> Array:
    step = np.diff(samples)
    # Three deviations of a step that noise alone makes, by the median.
    least = max(_NARROW * np.ptp(samples), 3 / 0.6745 * np.median(np.abs(step)))
    up, down = step > least, step < -least
    flank = np.zeros(len(samples), dtype=bool)
    flank[1:-1] = (up[:-1] & up[1:]) | (down[:-1] & down[1:])
    return samples[~flank]


def _heaps(samples: Array, width: float, close: int) -> list[float]:
    """Medians of the heaps that samples make in bins of a width, if narrow heaps hold them."""
    start, width = samples.min(), width * np.ptp(samples)
    bins, index, counts = np.unique(
        np.rint((samples - start) / width).astype(np.int64), return_inverse=True, return_counts=True
    )
    taken = np.flatnonzero(counts >= max(2, _OCCUPIED * len(samples)))
    groups = np.split(taken, np.flatnonzero(np.diff(bins[taken]) > close) + 1)
    weights = [float(counts[group].sum() / len(samples)) for group in groups]
    groups = [k for k, weight in zip(groups, weights, strict=True) if weight >= _LEAST_WEIGHT]
    if sum(weight for weight in weights if weight >= _LEAST_WEIGHT) < _GATHERED:
        return []
    if max(np.ptp(bins[group]) for group in groups) * width > _WIDEST * np.ptp(samples):
        return []
    return [
        float(np.median(samples[(index >= group[0]) & (index <= group[-1])])) for group in groups
    ]


def _core_spread(deviations: Array) -> float:
    """Standard deviation by the quartiles, which flanks do not reach."""
    low, high = np.quantile(deviations, (0.25, 0.75))
    return float(high - low) / 1.349


def _mixture(samples: Array, max_levels: int, rng: np.random.Generator) -> list[Level]:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - a slow import
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415

    drawn = rng.choice(samples, min(_SUBSAMPLE, len(samples)), replace=False)
    values = np.unique(drawn)
    if len(values) < len(drawn) / 2:
        # Rounded values would each attract a component of no width.
        step = float(np.median(np.diff(values)))
        drawn = drawn + step * rng.uniform(-0.5, 0.5, len(drawn))
    centre, scale = drawn.mean(), drawn.std()
    points = ((drawn - centre) / scale)[:, None]
    best: Any = None
    lowest, tried_in_vain = math.inf, 0
    for count in range(1, max_levels + 1):
        fits = [
            GaussianMixture(
                count, tol=1e-4, max_iter=300, reg_covar=1e-12, init_params=init, random_state=seed
            )
            for init, seed in (("kmeans", 0), ("k-means++", 1))
        ]
        with warnings.catch_warnings():
            # Such a model is passed over below.
            warnings.simplefilter("ignore", ConvergenceWarning)
            for fit in fits:
                fit.fit(points)
        model = max(fits, key=lambda fit: (fit.converged_, fit.lower_bound_))
        score = model.bic(points)
        if model.converged_ and score < lowest:
            best, lowest, tried_in_vain = model, score, 0
        else:
            tried_in_vain += 1
        if tried_in_vain == _PATIENCE:
            break
    return [
        Level(float(centre + scale * best.means_[k, 0]), float(best.weights_[k]), float(spread))
        for k, spread in enumerate(scale * np.sqrt(best.covariances_[:, 0, 0]))
    ]


def _reduced(levels: Sequence[Level]) -> list[Level]:
    by_spread = sorted(levels, key=lambda level: level.spread)
    share = np.cumsum([level.weight for level in by_spread])
    usual = by_spread[int(np.searchsorted(share, 0.5))].spread
    kept = sorted(
        (
            level
            for level in levels
            if level.weight >= _LEAST_WEIGHT
            and not (level.weight < _FLANK_WEIGHT and level.spread > _FLANK_SPREAD * usual)
        ),
        key=lambda level: level.voltage,
    )
    while len(kept) > 1:
        left = [_between(kept, *pair) for pair in itertools.pairwise(kept)]
        k = int(np.argmax(left))
        if left[k] <= _DIP:
            break
        kept[k : k + 2] = [_merged(*kept[k : k + 2])]
    return kept


def _between(levels: Sequence[Level], below: Level, above: Level) -> float:
    """Least density of the mixture between two levels, over that at the lower of them."""
    voltage, weight, spread = np.array([(k.voltage, k.weight, k.spread) for k in levels]).T
    grid = np.linspace(below.voltage, above.voltage, 65)[:, None]
    density = np.exp(-0.5 * ((grid - voltage) / spread) ** 2) @ (weight / spread)
    return float(density.min() / min(density[0], density[-1]))


def _merged(one: Level, other: Level) -> Level:
    weight = one.weight + other.weight
    p, q = one.weight / weight, other.weight / weight
    between = p * q * (one.voltage - other.voltage) ** 2
    return Level(
        p * one.voltage + q * other.voltage,
        weight,
        math.sqrt(p * one.spread**2 + q * other.spread**2 + between),
    )


def nearest_states(samples: Array, voltages: Sequence[float]) -> States:
    """Index of the voltage next to each sample, shape (samples,)."""
    ascending = np.array(voltages)
    return np.digitize(samples, (ascending[1:] + ascending[:-1]) / 2).astype(np.int8)

"""Medians with intervals that assume nothing about how times are spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """A sample in three figures.

    Attributes:
        median: of it.
        low: lower end of the median's 95 % interval.
        high: upper end.
        least: smallest of the sample.
    """

    median: float
    low: float
    high: float
    least: float


def spread(sample: Sequence[float]) -> Spread:
    """Median and its interval by order statistics.

    The number of values below the true median is binomial, so the k-th smallest and k-th largest
    of n values hold it with probability 1 − 2 P(Bin(n, ½) < k). Where n is too small for 95 %
    (below 6) the interval is the whole sample.

    Raises:
        ValueError: the sample is empty.
    """
    if not len(sample):
        raise ValueError("spread: wanted one value or more, got none")
    ordered = np.sort(np.asarray(sample, dtype=np.float64))
    outside = max(int(binom.ppf((1 - CONFIDENCE) / 2, len(ordered), 0.5)) - 1, 0)
    low, high = ordered[outside], ordered[len(ordered) - 1 - outside]
    return Spread(float(np.median(ordered)), float(low), float(high), float(ordered[0]))

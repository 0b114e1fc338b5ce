"""Monte Carlo yield: the share of chips that learn to within a factor of the ideal twin.

A chip is one trial, however many seeds it was trained with: seeds on one chip share its parts, and
to count each would make the interval too narrow. It learns where the median over its seeds of
loss / ideal loss of the same point is within the factor; a point that failed or diverged has an
infinite loss there. Points not computed yet count for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.explore.opened import Sweep
from sim.sweep.measures import DIVERGED, DONE, FAILED

Array = NDArray[np.float64]

CONFIDENCE = 0.95
"""Of intervals."""

EVERY = "every setting"
"""Trials of chips that have to learn at all settings, as at all corners."""


@dataclass(frozen=True)
class Yield:
    """A share of chips with Wilson's interval.

    Attributes:
        learning: chips that learn.
        chips: that were tried.
        low: end of the interval, 1.
        high: its other end, 1.
    """

    learning: int
    chips: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Of chips that learn, 1."""
        return self.learning / self.chips


@dataclass(frozen=True)
class Trials:
    """The chips at one setting.

    Attributes:
        label: the setting; empty where nothing else was varied.
        ratios: loss over ideal loss by chip, (chips,); inf where it failed, NaN where it is open.
        broken: points that failed or diverged.
        points: that were computed.
    """

    label: str
    ratios: Array
    broken: int
    points: int


def wilson(learning: int, chips: int) -> Yield:
    """Wilson's score interval of a share at 95 % (Wilson 1927, J. Am. Stat. Assoc. 22, 209)."""
    from scipy.stats import binomtest  # noqa: PLC0415  # half a second, where it is needed

    found = binomtest(learning, chips).proportion_ci(CONFIDENCE, method="wilson")
    return Yield(learning, chips, float(found.low), float(found.high))


def ratios_of(sweep: Sweep, measure: str) -> Array:
    """Loss over the twin's at each point, shape (settings, chips, seeds).

    Args:
        sweep: the points.
        measure: the loss, `in_loop` or `transfer`.

    Returns:
        Inf where a point failed or diverged, its loss is infinite, or its ideal loss is 0 and its
        own is not; NaN where it is not computed, or has no such loss.
    """
    loss, ideal = sweep.values(measure), sweep.values("ideal")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((loss == 0) & (ideal == 0), 1.0, loss / ideal)
    lost = np.isin(sweep.state, (FAILED, DIVERGED)) | np.isinf(loss)
    return np.where(lost, np.inf, ratios)


def trials_of(sweep: Sweep, measure: str) -> list[Trials]:
    """The chips at each setting; with several settings, those that have to pass all come first.

    Settings at which no chip is computed are left out.
    """
    ratios = ratios_of(sweep, measure)
    state = sweep.state
    chips = np.stack([_medians(one) for one in ratios])  # (settings, chips)
    found = []
    for k, row in enumerate(chips):
        if np.isfinite(row).any() or np.isinf(row).any():
            broken = int(np.isin(state[k], (FAILED, DIVERGED)).sum())
            found.append(
                Trials(sweep.setting(k), row, broken, broken + int((state[k] == DONE).sum()))
            )
    if len(found) > 1:
        worst = np.max(chips, axis=0)  # NaN where a setting is open for the chip
        whole = Trials(
            EVERY, worst, sum(one.broken for one in found), sum(one.points for one in found)
        )
        found = [whole, *found] if not np.isnan(worst).all() else found
    return found


def _medians(ratios: Array) -> Array:
    """Over seeds, from shape (chips, seeds); open points left out."""
    return np.array(
        [np.median(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in ratios]
    )


def yield_of(trials: Trials, within: float) -> Yield:
    """Chips within a factor of the ideal."""
    tried = trials.ratios[~np.isnan(trials.ratios)]
    return wilson(int((tried <= within).sum()), tried.size)


def share_of_points(sweep: Sweep, measure: str, within: float) -> float:
    """The same share with every seed of every chip as a trial of its own; NaN without any."""
    ratios = ratios_of(sweep, measure)
    tried = ratios[~np.isnan(ratios)]
    return float((tried <= within).mean()) if tried.size else np.nan


def curve_of(trials: Trials, factors: Sequence[float]) -> list[Yield]:
    """The yield at each of some factors."""
    return [yield_of(trials, factor) for factor in factors]

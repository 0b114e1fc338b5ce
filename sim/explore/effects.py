"""What a parameter does: the median of a figure at each of its values, over everything else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.explore.factors import DRAW, Factor
from sim.explore.opened import Sweep

Array = NDArray[np.float64]

_STEPS = 5  # that random draws of a parameter are put into
_FEW = 2 * _STEPS  # draws up to which each stands for itself


@dataclass(frozen=True)
class Level:
    """One value of a parameter, or one range of random draws.

    Attributes:
        label: the value for people.
        place: on the parameter's axis; the place in the list where values are words.
        count: points behind the figures.
        median: of the figure over everything else.
        low: its lower quartile.
        high: its upper quartile.
        seeds: smallest and largest of the medians of single seeds; NaN with one seed.
    """

    label: str
    place: float
    count: int
    median: float
    low: float
    high: float
    seeds: tuple[float, float]


@dataclass(frozen=True)
class Effect:
    """What a parameter does to a figure.

    Attributes:
        factor: the parameter.
        measure: name of the figure.
        levels: in rising order of the parameter; those without any point are left out.
    """

    factor: Factor
    measure: str
    levels: tuple[Level, ...]

    @property
    def ratio(self) -> float:
        """Largest median over the smallest; NaN where one is not positive."""
        medians = np.array([level.median for level in self.levels])
        return float(medians.max() / medians.min()) if medians.min() > 0 else np.nan


def effect_of(sweep: Sweep, factor: Factor, measure: str) -> Effect | None:
    """The effect of a parameter; None where no point with the figure is done."""
    values = sweep.values(measure)
    at = sweep.levels[factor.dimension]
    found = []
    for label, place, members in _steps(factor):
        level = _level(label, place, values[np.isin(at, members)])
        if level is not None:
            found.append(level)
    return Effect(factor, measure, tuple(found)) if found else None


def _steps(factor: Factor) -> list[tuple[str, float, NDArray[np.intp]]]:
    """Label, place and members of each value in rising order, or of ranges of many draws."""
    numbers = factor.numbers
    every = np.arange(len(factor.values))
    if numbers is None:
        words = dict.fromkeys(factor.labels)
        return [
            (word, float(k), np.flatnonzero(np.array(factor.labels) == word))
            for k, word in enumerate(words)
        ]
    if factor.kind == DRAW and len(np.unique(numbers)) > _FEW:
        parts = np.array_split(every[np.argsort(numbers, kind="stable")], _STEPS)
        return [
            (
                f"{factor.labels[part[0]]} to {factor.labels[part[-1]]}",
                float(np.median(numbers[part])),
                part,
            )
            for part in parts
        ]
    return [
        (
            factor.labels[int(np.flatnonzero(numbers == v)[0])],
            float(v),
            np.flatnonzero(numbers == v),
        )
        for v in np.unique(numbers)
    ]


def _level(label: str, place: float, values: Array) -> Level | None:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, median, high = np.quantile(finite, (0.25, 0.5, 0.75))
    single = [
        float(np.median(one[np.isfinite(one)]))
        for one in np.moveaxis(values, -1, 0)
        if np.isfinite(one).any()
    ]
    seeds = (min(single), max(single)) if len(single) > 1 else (np.nan, np.nan)
    return Level(label, place, finite.size, float(median), float(low), float(high), seeds)


def plane_of(sweep: Sweep, across: Factor, up: Factor, measure: str) -> Array:
    """Medians of a figure over everything but two parameters of a grid, (up, across).

    NaN where no point is done.
    """
    values = sweep.values(measure)
    plane = np.full((len(up.values), len(across.values)), np.nan)
    for row, column in np.ndindex(plane.shape):
        here = (sweep.levels[up.dimension] == row) & (sweep.levels[across.dimension] == column)
        finite = values[here][np.isfinite(values[here])]
        plane[row, column] = np.median(finite) if finite.size else np.nan
    return plane

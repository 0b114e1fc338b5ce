"""How much of the variance each parameter of a grid makes, and whether chance would make it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.explore.factors import CHIP, DRAW, SEED
from sim.explore.opened import Sweep
from sim.explore.significance import LEVEL, holm

Array = NDArray[np.float64]

_SHUFFLES = 999
_SEED = 0  # the same table every time
_AT_ONCE = 100_000  # numbers
_CELLS = 50_000_000  # numbers shuffled at most, so that it stays a matter of seconds


@dataclass(frozen=True)
class Share:
    """Of the variance, what one parameter makes on its own.

    Attributes:
        name: of the parameter, or `chip` or `seed`.
        eta2: its first-order share, η², 1.
        p: chance of so large a share where it does nothing, after Holm; NaN where not tested.
    """

    name: str
    eta2: float
    p: float

    @property
    def significant(self) -> bool:
        """Whether it is at the family's level."""
        return bool(self.p <= LEVEL)


@dataclass(frozen=True)
class Shares:
    """All of them.

    Attributes:
        shares: the largest first.
        rest: what no parameter makes on its own: what they do together, and chance, 1.
        logarithmic: whether the variance is that of the logarithm.
    """

    shares: tuple[Share, ...]
    rest: float
    logarithmic: bool


def eta_squared(values: Array) -> float:
    """Variance between levels over all of it.

    Figures are compared within their blocks: without missing ones that is the usual η², and with
    some, a level that lacks the blocks of large figures does not look small for it.

    Args:
        values: shape (blocks, levels); NaN where there is no figure.

    Returns:
        0 where all figures are alike; NaN where there is none.
    """
    there = np.isfinite(values)
    if not there.any():
        return np.nan
    known = values[there]
    whole = float(((known - known.mean()) ** 2).sum())
    if whole <= np.finfo(float).eps * float((known**2).sum()):
        return 0.0
    return float(_between(np.where(there, values, 0.0), there)) / whole


def _between(filled: Array, there: NDArray[np.bool_]) -> Any:
    """Sum of squares between levels, of figures less the mean of their block.

    Args:
        filled: shape (…, blocks, levels), 0 where there is no figure.
        there: where there is one, shape (blocks, levels).
    """
    means = filled.sum(axis=-1) / np.maximum(there.sum(axis=-1), 1)
    centred = np.where(there, filled - means[..., None], 0.0)
    counts = there.sum(axis=0)
    return (centred.sum(axis=-2) ** 2 / np.maximum(counts, 1)).sum(axis=-1)


def chance_of(values: Array, rng: np.random.Generator) -> float:
    """How likely a share as large is by chance: levels shuffled within each block.

    Within a block all but this parameter is the same (settings, chip, seed), so that its figures
    could have come in any order if the parameter did nothing. Where a point failed stays.

    Args:
        values: shape (blocks, levels).
        rng: shuffles.
    """
    there = np.isfinite(values)
    filled = np.where(there, values, 0.0)
    found = _between(filled, there)
    places = np.argsort(~there, axis=1, kind="stable")  # those with a figure first
    shuffles = int(np.clip(_CELLS // max(values.size, 1), 99, _SHUFFLES))
    slack = 1e-9 * max(found, 1e-12)  # the same sum in another order
    as_large = 0
    for first in range(0, shuffles, at_once := max(1, _AT_ONCE // values.size)):
        count = min(at_once, shuffles - first)
        keys = np.where(there, rng.random((count, *values.shape)), 2.0)
        drawn = np.take_along_axis(filled[None], np.argsort(keys, axis=-1), axis=-1)
        shuffled = np.empty_like(drawn)
        np.put_along_axis(shuffled, np.broadcast_to(places, drawn.shape), drawn, axis=-1)
        as_large += int((_between(shuffled, there) >= found - slack).sum())
    return (1 + as_large) / (1 + shuffles)


def shares_of(sweep: Sweep, measure: str) -> Shares | None:
    """Shares of the variance of a figure; None where fewer than two things are varied.

    Random draws are one thing: parameters drawn together are told apart by their ranks instead.
    """
    values = sweep.values(measure)
    logarithmic = bool((values[np.isfinite(values)] > 0).all())
    if logarithmic:
        values = np.log10(values)
    array = _over_dimensions(sweep, values)
    names = [f.name for f in sweep.factors if f.kind != DRAW]
    dimensions = [f.dimension for f in sweep.factors if f.kind != DRAW]
    for one in (DRAW, CHIP, SEED):
        if one in sweep.dimensions:
            names.append(one)
            dimensions.append(one)
    wanted = [
        (name, sweep.dimensions.index(dimension))
        for name, dimension in zip(names, dimensions, strict=True)
        if sweep.data.sizes[dimension] > 1
    ]
    if not wanted or np.isfinite(array).sum() < 3:
        return None
    rng = np.random.default_rng(_SEED)
    blocks = [np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]) for _, axis in wanted]
    etas = [eta_squared(one) for one in blocks]
    tested = [
        np.nan if name in (DRAW, CHIP, SEED) else chance_of(one, rng)
        for (name, _), one in zip(wanted, blocks, strict=True)
    ]
    p_values = holm(np.array(tested))
    found = [
        Share(name, eta, float(p)) for (name, _), eta, p in zip(wanted, etas, p_values, strict=True)
    ]
    found.sort(key=lambda one: -one.eta2)
    return Shares(tuple(found), max(0.0, 1.0 - sum(etas)), logarithmic)


def _over_dimensions(sweep: Sweep, values: Array) -> Array:
    """From (settings, chips, seeds) back to the sweep's own dimensions."""
    outer = [name for name in sweep.dimensions if name not in (CHIP, SEED)]
    inner = [name for name in (CHIP, SEED) if name in sweep.dimensions]
    shape = [sweep.data.sizes[name] for name in (*outer, *inner)]
    places = [(*outer, *inner).index(name) for name in sweep.dimensions]
    return values.reshape(shape).transpose(places)

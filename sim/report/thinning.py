"""Curves with fewer points, for a page.

First the values are rounded, and of a run of equal ones the two ends are kept: no line through the
rest is another. Only where this leaves too many points is anything lost; each stretch of points
then keeps its lowest and its highest one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

DECIMALS = 6
"""That values are rounded to: 1 µV, as far as engines agree. The same for all curves, so that
rounding sets no curve apart from its samples."""


@dataclass(frozen=True)
class Curve:
    """Some of a curve's points.

    Attributes:
        at: their indices, ascending, shape (K,).
        values: there, rounded, shape (K,).
        whole: whether the lines through them are those through all points, but for the rounding.
    """

    at: Indices
    values: Array
    whole: bool


def thin(values: Array, most: int, keep: Indices) -> Curve:
    """Keep as few points as show the curve.

    Args:
        values: of the curve, shape (T,).
        most: points to keep, about; a few more where `keep` asks for them.
        keep: indices of points that stay.
    """
    rounded = np.round(values, DECIMALS)
    same = rounded[1:] == rounded[:-1]
    inside = np.concatenate([[False], same[1:] & same[:-1], [False]])
    inside[keep] = False
    at = np.flatnonzero(~inside)
    if len(at) <= most:
        return Curve(at, rounded[at], whole=True)
    stretches = np.array_split(at, most // 2)
    low = [stretch[np.argmin(rounded[stretch])] for stretch in stretches]
    high = [stretch[np.argmax(rounded[stretch])] for stretch in stretches]
    kept = np.unique(np.concatenate([low, high, keep, at[[0, -1]]])).astype(np.intp)
    return Curve(kept, rounded[kept], whole=False)

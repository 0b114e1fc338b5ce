"""A measured activation on tensors: resampled onto even grids, so that finding a line is a product.

The grids have zero and the ends of the curve as points, where measured rectifiers bend. Between
them the resampled curve is off by no more than `error` says, which is exact: the difference of two
curves of straight lines is largest at a point of either, and vanishes at those of the grid.
"""

import numpy as np
import torch
from torch import Tensor

from learning.activation import MeasuredActivation
from learning.arrays import Array

WITHIN = 1e-6
"""V; the grid is made finer until the resampled curve is this close to the measured one.

A kink elsewhere than at zero or an end, as the precision rectifier has where its first amplifier
reaches a rail, is rounded off: by a quarter of a step of the finest grid at most, times the slopes'
difference."""

MOST = 1e-4
"""V; a curve that the finest grid misses by more is refused."""

_COARSEST, _FINEST = 2**8, 2**16  # steps on either side of zero


class TensorCurve:
    """Straight lines between the points of two even grids, one on either side of zero.

    A curve that ends flat stays so: beyond its outermost bends the output does not change. Any
    other goes on as its first and last lines do.

    Args:
        curve: As measured; its points must lie on both sides of zero.
        device: Where the points go.
        dtype: What they are made of.

    Attributes:
        error: Largest distance from the measured curve at the grid's precision, V; `dtype`'s
            rounding comes in addition.

    Raises:
        ValueError: The points are not on both sides of zero, or bend so sharply that the finest
            grid misses them by more than `MOST`.
    """

    def __init__(
        self,
        curve: MeasuredActivation,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        inner = slice(int(curve.slopes[0] == 0), len(curve.a) - int(curve.slopes[-1] == 0))
        ends = curve.a[inner]
        if not ends[0] < 0 < ends[-1]:
            raise ValueError(
                f"activation: wanted a curve on both sides of 0 V, got {ends[0]:g} to {ends[-1]:g}"
            )
        self._low, self._high = float(ends[0]), float(ends[-1])
        self._half, points, self.error = _resampled(curve, self._low, self._high)
        self._steps = (-self._low / self._half, self._high / self._half)
        self._beyond = (float(curve.slopes[0]), float(curve.slopes[-1]))
        self._points = torch.tensor(points, device=device, dtype=dtype)
        self._rises = torch.tensor(np.diff(points), device=device, dtype=dtype)

    def __call__(self, a: Tensor) -> Tensor:
        """Return outputs of pre-activations, V, same shape; autograd takes each line's slope."""
        inside = a.clamp(self._low, self._high)
        below, above = self._steps
        place = torch.where(inside > 0, inside / above, inside / below) + self._half
        k = place.detach().to(torch.int64).clamp_(0, 2 * self._half - 1)
        x = self._points[k] + self._rises[k] * (place - k)
        first, last = self._beyond
        if first:
            x = x + first * (a - self._low).clamp(max=0)
        if last:
            x = x + last * (a - self._high).clamp(min=0)
        return x


def _resampled(curve: MeasuredActivation, low: float, high: float) -> tuple[int, Array, float]:
    """Steps a side, outputs at the grid's points, and the largest distance from the curve, V."""
    half = _COARSEST
    while True:
        grid = np.concatenate([np.linspace(low, 0, half + 1), np.linspace(0, high, half + 1)[1:]])
        points = curve(grid)
        seen = curve.a[(curve.a >= low) & (curve.a <= high)]
        error = float(np.max(np.abs(np.interp(seen, grid, points) - curve(seen))))
        if error <= WITHIN or half == _FINEST:
            break
        half *= 2
    if error > MOST:
        raise ValueError(
            f"activation: {2 * half:,} even steps miss the curve by {error:.3g} V, wanted at most "
            f"{MOST:g} V; between its points it is too steep, so measure it again"
        )
    return half, points, error

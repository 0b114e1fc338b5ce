"""Waveforms that one layer hands to the next, on a grid of their own.

What moves long before the sampling instant is forgotten at it, so the grid is as fine there as its
distance to the instant, and so few points serve a transient of any length.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from netlists.elements import Pwl
from sim.engine import Array

_FINEST = 1e-9
"""s; spacing of the grid close to the end. A flip moves an output by millivolts in no less than the
time constant of an amplifier, a tenth of a microsecond: straight lines are within 0.1 µV."""

_RATIO = 60
"""Spacing of the grid is the distance from the end over this."""


def time_grid(duration: float, corners: Sequence[float] = ()) -> Array:
    """Times from 0 to the end of a transient, s, ascending; fine towards the end.

    Args:
        duration: s.
        corners: times at which an input steps, to be met exactly and followed closely.
    """
    ages = [0.0]
    while ages[-1] < duration:
        ages.append(ages[-1] + max(_FINEST, ages[-1] / _RATIO))
    ages[-1] = duration
    after = _FINEST * 1.25 ** np.arange(40)
    times = [duration - np.array(ages), *(corner + after for corner in corners), corners]
    grid = np.unique(np.concatenate([np.asarray(t, dtype=np.float64) for t in times]))
    return grid[(grid >= 0) & (grid <= duration)]


def on_grid(time: Array, waves: Array, grid: Array) -> Array:
    """Waves at the grid's times, V.

    Args:
        time: of the simulator, s, shape (T,).
        waves: V, shape (nodes, T); smooth, as outputs of amplifiers are.
        grid: s, shape (M,), within `time`.

    Returns:
        Shape (nodes, M), by cubics through the points with the slopes of parabolas through three.
    """
    slopes = np.gradient(waves, time, axis=1, edge_order=2 if len(time) > 2 else 1)
    return CubicHermiteSpline(time, waves, slopes, axis=1)(np.clip(grid, time[0], time[-1]))


class WaveDriver:
    """Answers ngspice for sources whose voltages are known on a grid.

    Args:
        grid: s, shape (M,).
        voltages: V by source, with its letter and in lower case, each of shape (M,).
    """

    def __init__(self, grid: Array, names: Sequence[str], voltages: Array) -> None:
        self._grid = grid.tolist()
        self._voltages = np.ascontiguousarray(voltages.T)
        self._places = {name: k for k, name in enumerate(names)}
        self._time = np.nan
        self._answers: list[float] = []

    def voltage(self, name: str, time: float) -> float:
        """Voltage of a source at a time."""
        if time != self._time:
            self._time = time
            k = min(max(bisect_right(self._grid, time), 1), len(self._grid) - 1)
            share = (time - self._grid[k - 1]) / (self._grid[k] - self._grid[k - 1])
            low, high = self._voltages[k - 1], self._voltages[k]
            self._answers = (low + min(share, 1.0) * (high - low)).tolist()
        return self._answers[self._places[name]]

    def waves(self, names: Sequence[str]) -> dict[str, Pwl]:
        """The same as waves of a deck, from time 0 on, for sources by these names."""
        late = [(k, time) for k, time in enumerate(self._grid) if time >= 0]
        return {
            name: Pwl(tuple((time, float(self._voltages[k, column])) for k, time in late))
            for column, name in enumerate(names)
        }

    def next_step(self, time: float, proposed: float) -> float:  # noqa: ARG002  # any step will do
        """Step to take, s."""
        return proposed

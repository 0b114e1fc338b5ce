"""What the sources do during a pass, and the waves that make them do it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.elements import Pwl

EDGE = 10e-9
"""Rise time of inputs and flips, s: far below the settling of any amplifier here."""


@dataclass(frozen=True)
class Stimulus:
    """One stretch of a pass.

    Attributes:
        duration: s.
        inputs: input voltages, V, shape (N_0,).
        states: state of every junction at the start, 0 (P) to 1 (AP), shape (neurons, n).
        flips: per junction, row by row, the times from the start at which it flips, s.
    """

    duration: float
    inputs: NDArray[np.float64]
    states: NDArray[np.float64]
    flips: tuple[NDArray[np.float64], ...]


def source_waves(stretches: Sequence[Stimulus], names: Sequence[str]) -> dict[str, Pwl]:
    """Waves of the input and state sources over consecutive stretches.

    A stretch's values hold up to its very end, so that a sample there is not disturbed; the next
    one's set in `EDGE` later.

    Args:
        stretches: at least one.
        names: inputs first, then junctions row by row.

    Returns:
        One wave per name, times in s from the start of the first stretch.
    """
    points: list[list[tuple[float, float]]] = [[] for _ in names]
    start = 0.0
    for stretch in stretches:
        levels = [*stretch.inputs.tolist(), *stretch.states.ravel().tolist()]
        flips = [np.empty(0)] * len(stretch.inputs) + list(stretch.flips)
        begin = start + (EDGE if start else 0.0)
        end = start + stretch.duration
        for track, level, times in zip(points, levels, flips, strict=True):
            track.extend(_stretch_points(begin, end, level, times + start))
        start = end
        for track in points:
            track.append((start, track[-1][1]))
    return {name: Pwl(_thinned(track)) for name, track in zip(names, points, strict=True)}


def _stretch_points(
    begin: float, end: float, level: float, flips: NDArray[np.float64]
) -> list[tuple[float, float]]:
    gap = EDGE / 10
    edges: list[float] = []
    # An edge ends before the stretch does, so that its sample meets the state after every flip.
    for flip in np.clip(flips, begin + gap, end - EDGE - gap).tolist():
        if edges and flip < edges[-1] + EDGE + gap:
            edges.pop()  # two flips within an edge: the later one undoes the former
        else:
            edges.append(flip)
    track = [(begin, level)]
    for edge in edges:
        track.append((edge, level))
        level = 1.0 - level
        track.append((edge + EDGE, level))
    return track


def _thinned(track: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Drop points in the middle of a level stretch: they would only be breakpoints."""
    kept = track[:1]
    for before, point, after in zip(track, track[1:], track[2:], strict=False):
        if not before[1] == point[1] == after[1]:
            kept.append(point)
    kept.append(track[-1])
    return tuple(kept)

"""What the sources do during a pass, and the waves that make them do it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.elements import Pwl

EDGE = 10e-9
"""Rise time of inputs and flips, s: far below the settling of any amplifier here."""

MOST_STATES = 333
"""Junctions whose states a file holds: ngspice reads 1,023 characters of each row."""

_SAME_ROW = 1e-13  # s; edges of different junctions closer than this begin together
_TABLE_HEAD = "* time in s, then the state of each junction: 0s parallel, 1s antiparallel"


@dataclass(frozen=True)
class Steps:
    """Jumps of one source.

    Attributes:
        times: from the start of the stretch, s, ascending; shape (K,).
        values: held from each jump on, shape (K,).
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]


NO_STEPS = Steps(np.empty(0), np.empty(0))


def flips(times: NDArray[np.float64], state: int) -> Steps:
    """Flips of a junction that is in `state` before them."""
    return Steps(times, np.asarray((state + 1 + np.arange(len(times))) % 2, dtype=np.float64))


@dataclass(frozen=True)
class Stimulus:
    """One stretch of a pass.

    Attributes:
        duration: s.
        inputs: input voltages, V, shape (N_0,).
        controls: noise controls at the start, shape (C,): states of junctions, 0 (P) to 1 (AP),
            or voltages of other sources, V.
        steps: of each control.
    """

    duration: float
    inputs: NDArray[np.float64]
    controls: NDArray[np.float64]
    steps: tuple[Steps, ...]


def still(duration: float, inputs: NDArray[np.float64], controls: NDArray[np.float64]) -> Stimulus:
    """A stretch in which nothing happens."""
    return Stimulus(duration, inputs, controls, (NO_STEPS,) * len(controls))


def source_waves(stretches: Sequence[Stimulus], names: Sequence[str]) -> dict[str, Pwl]:
    """Waves of the input and control sources over consecutive stretches.

    A stretch's values hold up to its very end, so that a sample there is not disturbed; the next
    one's set in `EDGE` later.

    Args:
        stretches: at least one.
        names: inputs first, then controls.

    Returns:
        One wave per name, times in s from the start of the first stretch.
    """
    points: list[list[tuple[float, float]]] = [[] for _ in names]
    start = 0.0
    for stretch in stretches:
        levels = [*stretch.inputs.tolist(), *stretch.controls.tolist()]
        steps = [NO_STEPS] * len(stretch.inputs) + list(stretch.steps)
        begin = start + (EDGE if start else 0.0)
        end = start + stretch.duration
        for track, level, jumps in zip(points, levels, steps, strict=True):
            track.extend(_stretch_points(begin, end, level, jumps, start))
        start = end
        for track in points:
            track.append((start, track[-1][1]))
    return {name: Pwl(_thinned(track)) for name, track in zip(names, points, strict=True)}


def state_table(stretches: Sequence[Stimulus]) -> str:
    """The junctions' states over consecutive stretches, as the text of a `StateTable`'s file.

    Edges begin where those of `source_waves` do, to 0.1 ps. One more row follows the end of the
    last stretch, since the simulator looks one row ahead.

    Args:
        stretches: at least one; controls and steps 0 or 1.

    Returns:
        Rows of a time in s and the state of every junction, `0s` or `1s`.

    Raises:
        ValueError: a state between 0 and 1, or more junctions than ngspice reads.
    """
    count = len(stretches[0].controls)
    if count > MOST_STATES:
        raise ValueError(
            f"states in a file: ngspice reads {MOST_STATES} in a row, got {count} junctions"
        )
    changes: list[tuple[float, int, float]] = []
    states = stretches[0].controls.tolist()
    first = list(states)
    start = 0.0
    for stretch in stretches:
        begin = start + (EDGE if start else 0.0)
        end = start + stretch.duration
        for column, steps in enumerate(stretch.steps):
            level = float(stretch.controls[column])
            edges = resolved(Steps(steps.times + start, steps.values), level, begin, end)
            if level != states[column]:
                edges = [(start, level), *edges]
            changes += [(time, column, value) for time, value in edges]
            states[column] = edges[-1][1] if edges else level
        start = end
    wrong = {*first, *(value for _, _, value in changes)} - {0.0, 1.0}
    if wrong:
        raise ValueError(f"states in a file: wanted 0 or 1, got {min(wrong):g}")
    return "\n".join([_TABLE_HEAD, *_rows(first, sorted(changes), start + EDGE), ""])


def _rows(
    states: list[float], changes: Sequence[tuple[float, int, float]], last: float
) -> Iterator[str]:
    """One row a time at which something changes, after the states at 0 and before `last`."""
    time = 0.0
    for moment, column, value in changes:
        # The simulator wants times that grow, and counts back from each by a tenth of a nanosecond.
        if moment > time + _SAME_ROW:
            yield _row(time, states)
            time = moment
        states[column] = value
    yield _row(time, states)
    yield _row(last, states)


def _row(time: float, states: Sequence[float]) -> str:
    return f"{time:.15g} {' '.join('1s' if state else '0s' for state in states)}"


def resolved(steps: Steps, level: float, begin: float, end: float) -> list[tuple[float, float]]:
    """Jumps as edges that fit: (begin of the edge, value after it).

    Args:
        steps: times in s.
        level: before the first jump.
        begin: the first edge may begin just after it, s.
        end: the last edge is over just before it, s, so that a sample there meets the value after
            every jump.
    """
    gap = EDGE / 10
    edges: list[tuple[float, float]] = []
    times = np.clip(steps.times, begin + gap, end - EDGE - gap).tolist()
    for time, value in zip(times, steps.values.tolist(), strict=True):
        if edges and time < edges[-1][0] + EDGE + gap:
            time = edges.pop()[0]  # noqa: PLW2901  # jumps within an edge are one
        before = edges[-1][1] if edges else level
        if value != before:
            edges.append((time, value))
    return edges


def _stretch_points(
    begin: float, end: float, level: float, steps: Steps, offset: float
) -> list[tuple[float, float]]:
    track = [(begin, level)]
    for edge, value in resolved(Steps(steps.times + offset, steps.values), level, begin, end):
        track.append((edge, level))
        level = value
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

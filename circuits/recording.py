"""A recorded noise voltage, read in chunks: opened once, wrapped around at its end.

The formats are those of `circuits.columns`; a folder of numbered parquet chunks is how the paper's
measured series comes (Koenders et al., arXiv 2412.12783, Appendix A: read in order, over and over).
"""

from collections.abc import Iterator
from itertools import chain, cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits.columns import (
    CHUNK,
    TIME_COLUMNS,
    choose_column,
    fault,
    is_time,
    listed,
    open_columns,
)

Array = NDArray[np.float64]

_LARGEST = 1e9  # V; no voltage lies beyond it, and squares below it stay finite
_UNIFORM = 1e-3  # of the mean spacing


class Recording:
    """A recorded noise voltage: read in chunks, never whole in memory.

    Opening reads it once from end to end.

    Args:
        path: file, or folder of parquet chunks `<prefix>0.pqt`, `<prefix>1.pqt`, …
        column: name or number (from 0) of the voltage's column; by default `V`, or the only
            column of numbers that is not the time.
        sample_time: s; by default from a column `t`, `time`, `time_s` or `time (s)`, in s.
        timed: whether a sample time is needed.

    Attributes:
        path: as given.
        column: name of the voltage's column; its number where columns have no names.
        length: samples.
        sample_time: s; `sample_time` as given wins over the column's. NaN where there is none and
            none is needed.
        mean: V.
        sigma: standard deviation over all samples, V.
        minimum: V.
        maximum: V.

    Raises:
        UserError: there is no such recording, or it is not one of finite, varying voltages.
    """

    def __init__(
        self,
        path: Path,
        *,
        column: str | None = None,
        sample_time: float | None = None,
        timed: bool = True,
    ) -> None:
        self.path = Path(path)
        if sample_time is not None and not 0 < sample_time < np.inf:
            raise fault(path, f"sample_time: wanted a time above 0 s, got {sample_time:g} s")
        self._source = open_columns(self.path)
        names = self._source.names
        self._index = choose_column(self._source, column)
        self.column = names[self._index]
        time = [k for k, name in enumerate(names) if is_time(name)]
        if sample_time is None and not time and not timed:
            sample_time = np.nan
        if sample_time is None and not time:
            raise fault(
                path,
                f"sample time missing: none given, and no column {listed(TIME_COLUMNS)} among "
                f"{listed(names)}; pass --sample-time, as in --sample-time 25u",
            )
        voltages, clock = _Voltages(), _Clock()
        # A column that nobody asks for may hold anything.
        columns = [self._index, *(time[:1] if sample_time is None else ())]
        for voltage, *rest in self._source.pieces(columns, 0):
            voltages.add(voltage)
            for times in rest:
                clock.add(times)
        voltages.require_noise(self.path)
        self.length = voltages.count
        self.mean, self.minimum, self.maximum = voltages.mean, voltages.minimum, voltages.maximum
        self.sigma = voltages.sigma
        if sample_time is None:
            sample_time = clock.require_uniform(self.path, names[time[0]])
        self.sample_time = float(sample_time)

    def chunks(self, start: int = 0) -> Iterator[Array]:
        """Samples from `start` on to the end, V.

        Args:
            start: number of the first sample, 0…length.

        Yields:
            Pieces of bounded size, shape (≤ 65536,).

        Raises:
            ValueError: `start` lies outside.
            UserError: the file has changed since it was opened.
        """
        if not 0 <= start <= self.length:
            raise ValueError(f"start: wanted 0 to {self.length}, got {start}")
        return self._chunks(start)

    def _chunks(self, start: int) -> Iterator[Array]:
        end = start
        for (piece,) in self._source.pieces([self._index], start):
            end += len(piece)
            yield piece
        if end != self.length:
            raise fault(
                self.path, f"changed while in use: had {self.length} samples, now has {end}"
            )


class Tape:
    """A recording read forward, wrapping around at its end (as the paper does).

    Args:
        recording: what is on it.
        start: number of the first sample read, 0…length.

    Attributes:
        position: number of the sample that is read next, 0…length − 1.
    """

    def __init__(self, recording: Recording, start: int = 0) -> None:
        self._length = recording.length
        self.position = start % self._length
        self._pieces = chain(recording.chunks(start), _endless(recording))
        self._rest = np.empty(0)

    def read(self, count: int) -> Array:
        """The next samples, V.

        Args:
            count: how many; the tape wraps around as often as that takes.

        Returns:
            Shape (count,).
        """
        values = np.empty(count)
        filled = 0
        while filled < count:
            if not len(self._rest):
                self._rest = next(self._pieces)
            taken = self._rest[: count - filled]
            values[filled : filled + len(taken)] = taken
            self._rest = self._rest[len(taken) :]
            filled += len(taken)
        self.position = (self.position + count) % self._length
        return values


def _endless(recording: Recording) -> Iterator[Array]:
    if recording.length <= CHUNK:
        whole = np.concatenate(list(recording.chunks()))
        yield from cycle([np.tile(whole, CHUNK // recording.length)])
    while True:
        yield from recording.chunks()


class _Voltages:
    """Moments of samples that come in pieces (Chan, Golub and LeVeque 1983, eq. 2.1)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self.minimum, self.maximum = np.inf, -np.inf
        self._squares = 0.0
        self._bad = 0
        self._first_bad = (0, 0.0)

    def add(self, piece: Array) -> None:
        good = np.abs(piece) <= _LARGEST
        if not good.all():
            first = int(np.argmin(good))
            if not self._bad:
                self._first_bad = (self.count + first, float(piece[first]))
            self._bad += len(piece) - int(np.count_nonzero(good))
        before, self.count = self.count, self.count + len(piece)
        if self._bad:
            return
        mean = float(piece.mean())
        step = mean - self.mean
        self._squares += float(np.square(piece - mean).sum())
        self._squares += step**2 * before * (len(piece) / self.count)
        self.mean += step * len(piece) / self.count
        self.minimum = min(self.minimum, float(piece.min()))
        self.maximum = max(self.maximum, float(piece.max()))

    @property
    def sigma(self) -> float:
        return float(np.sqrt(self._squares / self.count))

    def require_noise(self, path: Path) -> None:
        if self.count < 2:
            raise fault(path, f"wanted at least 2 samples, got {self.count}")
        if self._bad:
            index, value = self._first_bad
            raise fault(
                path,
                f"{self._bad} of {self.count} samples are missing or no finite voltage, the first "
                f"is sample {index} (counted from 0): {value:g}; cut them out",
            )
        if self.minimum == self.maximum or not self.sigma > 0:
            raise fault(
                path,
                f"all {self.count} samples are {self.minimum:g} V, wanted noise; is it the right "
                "column?",
            )


class _Clock:
    """Spacing of times that come in pieces."""

    def __init__(self) -> None:
        self._count = 0
        self._first = self._last = 0.0
        self._shortest, self._longest = np.inf, -np.inf

    def add(self, times: Array) -> None:
        if not self._count:
            self._first = float(times[0])
        with np.errstate(invalid="ignore", over="ignore"):
            steps = np.diff(times, prepend=[self._last] if self._count else [])
            self._shortest = np.minimum(self._shortest, steps.min(initial=np.inf))
            self._longest = np.maximum(self._longest, steps.max(initial=-np.inf))
        self._count += len(times)
        self._last = float(times[-1])

    def require_uniform(self, path: Path, column: str) -> float:
        mean = (self._last - self._first) / (self._count - 1)
        low, high = (1 - _UNIFORM) * mean, (1 + _UNIFORM) * mean
        # Written so that NaN fails.
        if not 0 < low <= self._shortest <= self._longest <= high < np.inf:
            raise fault(
                path,
                f"column {column!r}: samples lie {self._shortest:g} to {self._longest:g} s apart, "
                f"wanted one spacing above 0 s within {_UNIFORM:.1%}; pass --sample-time",
            )
        return mean

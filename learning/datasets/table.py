"""A user's own samples: their columns become volts, and some of them are held out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from learning.arrays import Array
from learning.datasets.stratified import stratified

Scale = Literal["unit", "common", "volts"]
"""How columns become volts.

unit: each less its mean, its largest deviation 1 V, both of the train set. common: likewise, but
the inputs share one factor, which keeps what they are to each other (pixels, channels of one
meter). volts: as they are.
"""

SPLIT_FROM = 10
"""Samples from which on a part is held out without being asked for."""

_ROUNDING, _SMALLEST = 1e-12, 1e-100
_SHARE = 0.8  # of the samples that are learned from
_NAMED = 8  # columns named in a line


@dataclass(frozen=True, eq=False)
class Table:
    """Samples in their own units.

    Attributes:
        inputs: Shape (S, N_0).
        targets: Shape (S, N_L); one-hot where there are classes.
        input_names: Of the columns of `inputs`.
        target_names: Of the columns of `targets`: columns of a file, or classes.
        classes: Whether the targets are classes.
        held_out: Inputs and targets of a test set that came along, shapes (T, N_0) and (T, N_L);
            None where one is to be split off.
    """

    inputs: Array
    targets: Array
    input_names: tuple[str, ...]
    target_names: tuple[str, ...]
    classes: bool
    held_out: tuple[Array, Array] | None = None


@dataclass(frozen=True, eq=False)
class Columns:
    """How columns became volts: `volts = gain · (value - offset)`.

    Attributes:
        names: Of the columns.
        offset: In each column's own unit, shape (N,).
        gain: V per unit, shape (N,); 0 for a column that is the same in the whole train set.
    """

    names: tuple[str, ...]
    offset: Array
    gain: Array

    def volts(self, values: Array) -> Array:
        """Return values of shape (B, N) in volts."""
        return self.gain * (values - self.offset)

    def values(self, volts: Array) -> Array:
        """Return volts of shape (B, N) in the columns' own units; the offset where gain is 0."""
        known = np.where(self.gain == 0.0, 1.0, self.gain)
        return np.where(self.gain == 0.0, 0.0, volts / known) + self.offset

    def record(self) -> list[dict[str, Any]]:
        """Return one entry a column, for a run's summary."""
        rows = zip(self.names, self.offset.tolist(), self.gain.tolist(), strict=True)
        return [
            {"column": name, "offset": offset, "volts_per_unit": gain}
            for name, offset, gain in rows
        ]


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a task's volts come from.

    Attributes:
        scale: How columns became volts.
        inputs: Of the inputs.
        targets: Of the targets; None for classes.
        class_names: In the order of the outputs; empty for regression.
    """

    scale: Scale
    inputs: Columns
    targets: Columns | None
    class_names: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """Return it for a run's summary."""
        return {
            "scale": self.scale,
            "inputs": self.inputs.record(),
            "targets": self.targets.record() if self.targets else None,
            "classes": list(self.class_names) or None,
        }

    def notes(self) -> Iterator[str]:
        """Yield what figures should be read with, a sentence each."""
        still = [
            name for name, gain in zip(self.inputs.names, self.inputs.gain, strict=True) if not gain
        ]
        if still:
            yield (
                f"{len(still)} of {len(self.inputs.names)} inputs are the same in all training "
                f"samples and stay at 0 V: {named(still)}"
            )


def table_data(
    table: Table, train: int, scale: Scale, rng: np.random.Generator
) -> tuple[tuple[Array, Array, Array, Array], Origin]:
    """Split a table, and turn its columns into volts by what its train set holds.

    Args:
        table: Samples, and perhaps a test set of its own.
        train: Size of the train set; all samples leave nothing to test on but these.
        scale: How columns become volts; classes stay one-hot.
        rng: Source of the split; classes have their share in both sets, to within one sample.

    Returns:
        Train inputs (train, N_0), train targets (train, N_L), test inputs and test targets, in
        volts or one-hot; and how that came about.

    Raises:
        ValueError: If no input or one of the targets never changes over the train set.
    """
    count = len(table.inputs)
    if train == count:
        first = np.arange(count)
    elif table.classes:
        first = stratified(np.argmax(table.targets, axis=1), train, rng)
    else:
        first = rng.permutation(count)[:train]
    inputs, targets = table.inputs[first], table.targets[first]
    if table.held_out is not None:
        others, answers = table.held_out
    elif train == count:
        others, answers = inputs, targets
    else:
        second = np.setdiff1d(np.arange(count), first)
        others, answers = table.inputs[second], table.targets[second]
    origin = _origin(table, inputs, targets, scale)
    volts = origin.inputs.volts(inputs)
    tested = volts if others is inputs else origin.inputs.volts(others)
    if origin.targets is not None:
        targets, answers = origin.targets.volts(targets), origin.targets.volts(answers)
    return (volts, targets, tested, answers), origin


def _origin(table: Table, inputs: Array, targets: Array, scale: Scale) -> Origin:
    columns = _fitted(table.input_names, inputs, scale)
    if not np.any(columns.gain):
        raise ValueError("no input changes over the training samples; there is nothing to tell by")
    if table.classes:
        return Origin(scale, columns, None, table.target_names)
    constant = np.flatnonzero(_still(targets))
    if len(constant):
        name = table.target_names[constant[0]]
        raise ValueError(
            f"target {name!r} is {targets[0, constant[0]]:g} in all training samples; there is "
            "nothing to learn"
        )
    # Targets share no factor: each has an amplifier of its own.
    own = "volts" if scale == "volts" else "unit"
    return Origin(scale, columns, _fitted(table.target_names, targets, own), ())


def _fitted(names: tuple[str, ...], values: Array, scale: Scale) -> Columns:
    if scale == "volts":
        return Columns(names, np.zeros(len(names)), np.ones(len(names)))
    mean = values.mean(axis=0)
    reach = np.max(np.abs(values - mean), axis=0)
    reach[_still(values)] = 0.0
    if scale == "common":
        reach[reach > 0] = reach.max()
    return Columns(names, mean, np.divide(1.0, reach, out=np.zeros_like(reach), where=reach > 0))


def _still(values: Array) -> NDArray[np.bool_]:
    """Which columns hold one number, to rounding."""
    largest = np.max(np.abs(values), axis=0)
    return np.ptp(values, axis=0) <= np.maximum(_ROUNDING * largest, _SMALLEST)


def train_size(table: Table) -> int:
    """Return the size of the train set where nothing is asked: four fifths, or all.

    Raises:
        ValueError: If the samples are too few to hold some out.
    """
    count = len(table.inputs)
    if table.held_out is not None:
        return count
    if count < SPLIT_FROM:
        raise ValueError(
            f"task table: {count} samples are too few to hold some out, wanted {SPLIT_FROM} or "
            f"more; --samples {count} learns from all of them, and is tested on these"
        )
    return round(_SHARE * count)


def one_hot(labels: NDArray[np.int64], classes: int) -> Array:
    """Return a row for each label: 1 at its place, 0 elsewhere; shape (S, classes)."""
    return np.eye(classes)[labels]


def named(names: list[str]) -> str:
    """Return some names, for a message."""
    shown = ", ".join(repr(name) for name in names[:_NAMED])
    return f"{shown}, …" if len(names) > _NAMED else shown

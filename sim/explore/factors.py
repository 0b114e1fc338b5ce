"""What a sweep varies: a parameter, several side by side, random draws, or corners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuits.quantities import format_quantity

Kind: TypeAlias = Literal["grid", "list", "draw", "corner"]

CHIP, SEED = "chip", "seed"
LIST, DRAW, CORNER = "list", "draw", "corner"

WIDE = 10.0
"""From which ratio of the largest to the smallest on values stand on a logarithmic axis."""


@dataclass(frozen=True)
class Factor:
    """One thing that was varied.

    Attributes:
        name: full path of the parameter; of parameters side by side, all of them.
        kind: how it was varied.
        dimension: of the sweep's dataset along which it varies.
        values: along the dimension; numbers in `unit`, or words.
        unit: of numbers.
        labels: the values, as people read them.
    """

    name: str
    kind: Kind
    dimension: str
    values: tuple[float | str, ...]
    unit: str
    labels: tuple[str, ...]

    @property
    def short(self) -> str:
        """The last two words of a path; nothing else is shortened."""
        return ", ".join(".".join(one.split(".")[-2:]) for one in self.name.split(", "))

    @property
    def numbers(self) -> NDArray[np.float64] | None:
        """The values where all are numbers."""
        if any(isinstance(value, str) for value in self.values):
            return None
        return np.array(self.values, dtype=float)

    @property
    def wide(self) -> bool:
        """Whether a logarithmic axis suits it: positive, over a decade or more."""
        return self.numbers is not None and spans_decades(self.numbers)


def spans_decades(values: NDArray[np.float64]) -> bool:
    """Whether finite values are positive and a factor of `WIDE` or more apart."""
    finite = values[np.isfinite(values)]
    return bool(finite.size and finite.min() > 0 and finite.max() >= WIDE * finite.min())


def label_of(value: float | str, unit: str, digits: int) -> str:
    """A value for people: `1 MHz`, `0.05`, `E24`."""
    if isinstance(value, str):
        return value
    if unit in ("", "1"):
        return f"{value:.{digits}g}".replace("-", "−")
    return format_quantity(value, unit, digits).replace("-", "−")


def factor(
    name: str, kind: Kind, dimension: str, values: Sequence[float | str], unit: str
) -> Factor:
    """A factor with its labels; random numbers are told to three digits."""
    labels = tuple(label_of(value, unit, 3 if kind == DRAW else 6) for value in values)
    return Factor(name, kind, dimension, tuple(values), unit, labels)


def side_by_side(columns: Sequence[Factor]) -> Factor:
    """Parameters that vary together as one factor, as they cannot be told apart."""
    if len(columns) == 1:
        return columns[0]
    labels = tuple(
        ", ".join(f"{c.name.rpartition('.')[2]} {c.labels[k]}" for c in columns)
        for k in range(len(columns[0].values))
    )
    return Factor(
        ", ".join(c.name for c in columns), LIST, columns[0].dimension, labels, "", labels
    )

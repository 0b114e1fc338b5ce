"""A chart as plain data, drawn alike into a picture and into the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Style: TypeAlias = Literal["points", "line", "line and points", "band", "bars", "lying bars"]
Numbers: TypeAlias = Sequence[float] | NDArray[np.float64]

GREY = -1
"""Look of what stands back."""


@dataclass(frozen=True)
class Axis:
    """An axis.

    Attributes:
        title: with the unit.
        log: whether it is logarithmic.
        ticks: places and what stands there, in place of numbers.
        span: its ends, where the data do not say them.
    """

    title: str
    log: bool = False
    ticks: tuple[tuple[float, str], ...] = ()
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class Series:
    """Points that belong together.

    Attributes:
        name: for the legend; empty for none.
        style: how they are drawn.
        x: places across.
        y: places up.
        look: colour with marker, dash and hatch of its own, from 0; `GREY` for what stands back.
        low: lower ends of error bars along y, or of a band; none where empty.
        high: upper ends.
        told: of each point, for those who point at it.
        notes: beside each point; for bars that lie, at their ends.
    """

    name: str
    style: Style
    x: Numbers
    y: Numbers
    look: int = 0
    low: Numbers = ()
    high: Numbers = ()
    told: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Panel:
    """Series on one pair of axes.

    Attributes:
        title: above it.
        x: axis across.
        y: axis up.
        series: drawn one over the other.
        gist: what it shows, in words, for those who do not see it.
        marks: dashed lines: where, whether upright, and what they are.
        reversed: whether y falls, as in lists from top to bottom.
        height: on the page, px.
        width: of a bar, in units of its axis.
    """

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    gist: str
    marks: tuple[tuple[float, bool, str], ...] = ()
    reversed: bool = False
    height: int = 340
    width: float = 0.8


@dataclass(frozen=True)
class Heat:
    """A figure over two parameters.

    Attributes:
        title: above it.
        x: name of the parameter across, and its values in words.
        y: likewise, up.
        values: shape (y, x); NaN where there is none.
        log: whether colours go by the logarithm.
        scale: name and unit of the figure.
        gist: what it shows, in words.
        height: on the page, px.
    """

    title: str
    x: tuple[str, tuple[str, ...]]
    y: tuple[str, tuple[str, ...]]
    values: tuple[tuple[float, ...], ...]
    log: bool
    scale: str
    gist: str
    height: int = 360


Drawn: TypeAlias = Panel | Heat


@dataclass(frozen=True)
class Plot:
    """Panels that belong together: one picture.

    Attributes:
        name: of the picture's file, without suffix.
        title: of the picture.
        panels: in rows from left to right.
        columns: panels in a row.
        caption: below it on the page.
    """

    name: str
    title: str
    panels: tuple[Drawn, ...]
    columns: int = 1
    caption: str = ""


def rows_of(names: Sequence[str]) -> Axis:
    """An axis with a row for each name."""
    ticks = tuple((float(k), name) for k, name in enumerate(names))
    return Axis("", ticks=ticks, span=(-0.6, len(names) - 0.4))

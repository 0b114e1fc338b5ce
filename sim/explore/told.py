"""What a section says: its blocks for the page, its plots as pictures too."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.explore.charts import charts
from sim.explore.opened import Measure
from sim.explore.plot import Plot
from sim.report.blocks import Block, Cell, Grid, Prose, Section
from sim.report.text import NONE, number, quantity

Array = NDArray[np.float64]

_PREFIXED = ("V", "J", "s", "Hz", "Ω", "F", "A", "m", "T")  # units that take an SI prefix
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


@dataclass(frozen=True)
class Told:
    """A section, and what of it is drawn into pictures.

    Attributes:
        section: of the page.
        plots: of the pictures.
    """

    section: Section
    plots: tuple[Plot, ...] = ()


def told(
    anchor: str, title: str, short: str, blocks: Sequence[Block], plots: Sequence[Plot] = ()
) -> Told:
    """A section on the whole sweep."""
    return Told(Section(anchor, title, short, shared=tuple(blocks)), tuple(plots))


def drawn(plot: Plot) -> list[Block]:
    """A plot on the page: its panels side by side where there is room."""
    found = charts(plot.panels)
    blocks: list[Block] = [Grid(tuple(found))] if len(found) > 1 else [*found]
    return [*blocks, Prose(plot.caption, "criterion")] if plot.caption else blocks


def figure_of(value: float, measure: Measure) -> Cell:
    """A measured number as a cell of a table that names a unit without prefix in its head."""
    text = text_of(value, measure) if measure.unit in _PREFIXED else _plain(value)
    return Cell(text, value)


def text_of(value: float, measure: Measure) -> str:
    """A measured number for people, with its unit."""
    if not math.isfinite(value) or measure.unit in ("", "1"):
        return _plain(value)
    if measure.unit in _PREFIXED:
        return quantity(value, measure.unit)
    return f"{number(value)} {measure.unit}"


def _plain(value: float) -> str:
    if not math.isfinite(value):
        return "∞" if value == math.inf else NONE
    return number(value)


def scale_of(values: Array, unit: str) -> tuple[float, str]:
    """What to divide numbers by on an axis, and the unit with its prefix."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if unit not in _PREFIXED or not sizes.size:
        return 1.0, unit
    typical = float(np.exp(np.log(sizes).mean()))
    fitting = ((scale, prefix) for scale, prefix in _PREFIXES if typical >= scale)
    scale, prefix = next(fitting, (1e-12, "p"))
    return scale, f"{prefix}{unit}"


def with_unit(title: str, unit: str) -> str:
    """A title of an axis."""
    return title if unit in ("", "1") else f"{title} ({unit})"


def chance(p: float) -> str:
    """A p-value for people."""
    if not math.isfinite(p):
        return NONE
    return "< 0.001" if p < 1e-3 else f"{p:.3f}"

"""The sheet as people read it: a row a figure, with its extremes over the corners."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sim.characterize.record import Row, Sheet
from sim.characterize.sheet import Conditions

# What carries no prefix, and how it is printed.
_PLAIN = {"1": "", "V/V": "V/V", "%": "%", "dB": "dB", "deg": "°", "ppm": "ppm"}
_PREFIXES = {
    -18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T",
}  # fmt: skip
# Smaller is what the solver leaves of zero: its vntol and abstol, and rounding.
_GRAIN = {"V": 1e-9, "A": 1e-12, "%": 1e-6, "ppm": 1e-6}
_MARK, _LAW = "≠", "†"


def print_sheets(
    console: Console, sheets: Sequence[Sheet], skipped: dict[str, str], version: str
) -> None:
    """Print a table a cell, and below them what holds for all.

    Args:
        console: where to.
        sheets: of every cell.
        skipped: cells left out, and why.
        version: of ngspice.
    """
    for sheet in sheets:
        console.print(Text(f"{sheet.name}: {sheet.title}", style="bold"), soft_wrap=True)
        console.print(sheet_table(sheet))
        console.print()
    for name, why in skipped.items():
        console.print(f"{name}: left out, {why}", soft_wrap=True)
    for line in _foot(sheets, version):
        console.print(line, soft_wrap=True)


def sheet_table(sheet: Sheet) -> Table:
    """One cell; what does not exist is a dash."""
    several = len(sheet.corners) > 1
    table = Table(box=None, pad_edge=False)
    table.add_column("", min_width=12)
    table.add_column("conditions", style="dim", ratio=1)
    shown = _heading(_shown(sheet))
    for head in ("min", shown, "max") if several else (shown,):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("closed form", justify="right", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*_cells(row, several=several))
    return table


def _shown(sheet: Sheet) -> Conditions:
    """The typical corner, or else the first; closed forms are shown for it."""
    return next((corner for corner in sheet.corners if corner.typical), sheet.corners[0])


def _heading(corner: Conditions) -> str:
    return "typ" if corner.typical else f"{corner.temperature:g} °C, ×{corner.supply:g}"


def _cells(row: Row, *, several: bool) -> list[str]:
    first = row.first
    law = first.engine != "ngspice"
    values = [row.lowest[0], first.value, row.highest[0]] if several else [first.value]
    expected = math.nan if first.expected is None else first.expected
    factor, unit = scale([*values, expected], first.unit)
    grain = _GRAIN.get(first.unit, 0.0)
    numbers = [_digits(value, factor, grain) for value in values]
    closed = _digits(expected, factor, grain) if first.expected is not None else ""
    name = first.name + (_LAW if law else "")
    return [name, first.conditions, *numbers, unit, closed + (_MARK if row.deviates else "")]


def scale(values: Sequence[float], unit: str) -> tuple[float, str]:
    """A factor that makes numbers handy, and the unit they are in then.

    Args:
        values: in the unit; those that are not finite do not count.
        unit: SI.

    Returns:
        For the largest value one to three digits before the point: 1e-6 and "MHz" for 2.8e6 Hz;
        slopes are in V/µs from 10 kV/s on, as data sheets have them.
    """
    if unit in _PLAIN:
        return 1.0, _PLAIN[unit]
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    if largest <= _GRAIN.get(unit, 0.0):
        return 1.0, unit
    if unit == "V/s" and largest >= 1e4:
        return 1e-6, "V/µs"
    power = 3 * math.floor(math.log10(largest * (1 + 1e-9)) / 3)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    return 10.0**-power, _PREFIXES[power] + unit


def _digits(value: float, factor: float, grain: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value * factor:.4g}" if abs(value) > grain else "0"


def _foot(sheets: Sequence[Sheet], version: str) -> list[str]:
    rows = [row for sheet in sheets for row in sheet.rows]
    lines = []
    if any(row.first.expected is not None for row in rows):
        shown = _shown(sheets[0])
        where = "the typical corner" if shown.typical else _heading(shown)
        lines.append(f"closed form: at {where}")
    if any(row.deviates for row in rows):
        lines.append(f"{_MARK} further from the closed form than its tolerance, at some corner")
    if any(row.first.engine != "ngspice" for row in rows):
        lines.append(f"{_LAW} by closed form, not simulated")
    if sheets:
        corners = sheets[0].corners
        temperatures = ", ".join(f"{t:g}" for t in sorted({c.temperature for c in corners}))
        supplies = ", ".join(f"{s:g}" for s in sorted({c.supply for c in corners}))
        if "," in temperatures:
            lines.append(
                "the models of op-amps and resistors do not depend on temperature; those of "
                "diodes and of the junctions' dwell times do"
            )
        lines.append(
            f"engine: ngspice {version}; corners: {temperatures} °C at {supplies} times the "
            f"op-amps' supplies ({len(corners)})"
        )
    return lines

"""A cell's curves: the typical corner in full, the others light behind it."""

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.characterize.record import Sheet
from sim.characterize.table import scale
from sim.figures import COLOURS, MARKERS, RC, STYLES

_ACROSS = 2  # panels in a row
_FEW = 20  # points up to which each is marked
_NAMED = 12  # curves in a legend, at most
_QUANTITIES = {
    "V": "voltage", "A": "current", "W": "power", "Ω": "resistance", "dB": "gain", "deg": "phase",
    "V/V": "gain",
}  # fmt: skip


def plot_sheet(sheet: Sheet, version: str, path: Path) -> None:
    """A panel for every curve of a cell.

    Args:
        sheet: of the cell, with at least one curve.
        version: of ngspice, for the title.
        path: PNG to write.
    """
    count = len(sheet.measurements[0].curves)
    rows = math.ceil(count / _ACROSS)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(5.2 * min(count, _ACROSS), 3.3 * rows + 0.6))
        grid = figure.subplots(rows, min(count, _ACROSS), squeeze=False).ravel()
        for k in range(count):
            _plot_curve(grid[k], sheet, k)
        for spare in grid[count:]:
            spare.set_axis_off()
        figure.suptitle(f"{sheet.title}\n{_corners(sheet)}, ngspice {version}", fontsize=10)
        figure.savefig(path, dpi=130)


def _corners(sheet: Sheet) -> str:
    bold, light = _bold(sheet), len(sheet.corners) - 1
    corner = sheet.corners[bold]
    shown = f"{corner.temperature:g} °C, supplies ×{corner.supply:g}"
    return f"{shown}; light: {light} other corners" if light else shown


def _bold(sheet: Sheet) -> int:
    """Index of the typical corner, or else of the first."""
    return next((k for k, corner in enumerate(sheet.corners) if corner.typical), 0)


def _plot_curve(ax: Axes, sheet: Sheet, k: int) -> None:
    bold = _bold(sheet)
    curves = [measured.curves[k] for measured in sheet.measurements]
    typical = curves[bold]
    # Twice the ends, so that an axis up to 0.99 V is one in volts.
    spans = [2 * float(np.abs(c.x).max()) for c in curves]
    factor, unit = (1.0, typical.x_unit) if typical.log_x else scale(spans, typical.x_unit)
    heights = [2 * float(np.abs(y).max()) for c in curves for y in c.y.values()]
    lift, y_unit = scale(heights, typical.y_unit)
    for j, name in enumerate(typical.y):
        look: dict[str, Any] = {
            "color": COLOURS[j % len(COLOURS)],
            "linestyle": STYLES[j % len(STYLES)],
        }
        for n, curve in enumerate(curves):
            if n != bold and name in curve.y:
                ax.plot(factor * curve.x, lift * curve.y[name], **look, linewidth=0.8, alpha=0.3)
        if len(typical.x) <= _FEW:
            look |= {"marker": MARKERS[j % len(MARKERS)], "markersize": 5}
        ax.plot(factor * typical.x, lift * typical.y[name], **look, linewidth=1.6)
    if typical.log_x:
        ax.set_xscale("log")
    if typical.x_unit == "1" and len(typical.x) <= _FEW:
        ax.set_xticks(typical.x)
    ax.set_xlabel(_labelled(typical.x_name, unit))
    ax.set_ylabel(_labelled(_QUANTITIES.get(typical.y_unit, ""), y_unit))
    ax.set_title(typical.title, fontsize=10)
    if 1 < len(typical.y) <= _NAMED:
        _name_curves(ax, list(typical.y))


def _name_curves(ax: Axes, names: list[str]) -> None:
    ax.legend(
        handles=[
            Line2D([], [], color=COLOURS[j % len(COLOURS)], linestyle=STYLES[j % len(STYLES)])
            for j in range(len(names))
        ],
        labels=names,
        fontsize=8,
    )


def _labelled(name: str, unit: str) -> str:
    shown = {"1": "", "deg": "°"}.get(unit, unit)
    return f"{name} ({shown})" if name and shown else name or shown

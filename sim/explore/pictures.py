"""Plots as PNG pictures, by matplotlib."""

from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from sim.explore.plot import GREY, Axis, Heat, Panel, Plot, Series
from sim.figures import COLOURS, MARKERS, RC, STYLES
from sim.plain_numbers import PlainNumbers

_WIDTH = 10.0  # inches of a whole row
_INCH = 95.0  # px of the page for an inch of a picture
_HATCHES = ("", "//", "xx", "..", "\\\\", "++", "oo")
_BACK = "0.6"
_CHARACTERS = 14  # of a title for each inch


def draw(plot: Plot, path: Path) -> None:
    """Draw a plot into a PNG.

    Args:
        plot: what is drawn.
        path: file to write.
    """
    columns = min(plot.columns, len(plot.panels))
    rows = -(-len(plot.panels) // columns)
    height = max(panel.height for panel in plot.panels) / _INCH
    width = _WIDTH if columns > 1 else 7.5
    with mpl.rc_context(RC):
        figure = Figure(figsize=(width, min(height, 9.0) * rows + 0.6))
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, panel in zip(grid, plot.panels, strict=False):
            if isinstance(panel, Heat):
                _draw_heat(figure, axes, panel)
            else:
                _draw_panel(axes, panel, width / columns)
            axes.set_title(
                fill(panel.title, int(_CHARACTERS * width / columns)), fontsize=9.5, loc="left"
            )
        for axes in grid[len(plot.panels) :]:
            axes.set_visible(False)
        _legend(figure, grid[: len(plot.panels)])
        figure.suptitle(fill(plot.title, int(11 * width)), fontsize=10.5)
        figure.savefig(path, dpi=120)


def _legend(figure: Figure, panels: Any) -> None:
    """One for all panels, each name once; none for a single name."""
    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    if len(found) > 1:
        figure.legend(
            found.values(), found, loc="outside lower center", ncols=min(4, len(found)), fontsize=8
        )


def _draw_panel(axes: Axes, panel: Panel, inches: float) -> None:
    for k, series in enumerate(panel.series):
        _draw_series(axes, series, panel, k)
    for place, upright, label in panel.marks:
        line = axes.axvline if upright else axes.axhline
        line(place, color="0.25", linestyle="--", linewidth=1.0)
        if upright:
            axes.annotate(
                label, (place, 1), (3, -3), ("data", "axes fraction"), "offset points",
                fontsize=8, va="top", ha="left", bbox={"facecolor": "white", "alpha": 0.7, "lw": 0},
            )  # fmt: skip
        else:
            axes.annotate(
                label, (1, place), (-3, 3), ("axes fraction", "data"), "offset points",
                fontsize=8, ha="right", bbox={"facecolor": "white", "alpha": 0.7, "lw": 0},
            )  # fmt: skip
    _dress(axes.xaxis, panel.x, axes.set_xscale, axes.set_xlim)
    _dress(axes.yaxis, panel.y, axes.set_yscale, axes.set_ylim)
    axes.set_xlabel(fill(panel.x.title, int(_CHARACTERS * inches)))
    axes.set_ylabel(fill(panel.y.title, 44))
    if sum(len(text) for _, text in panel.x.ticks) > 12 * inches:
        axes.tick_params("x", rotation=30)
        for label in axes.get_xticklabels():
            label.set_horizontalalignment("right")
    if panel.reversed:
        axes.invert_yaxis()
    if any(series.style == "lying bars" for series in panel.series):
        axes.grid(axis="y", visible=False)


def _dress(side: Any, axis: Axis, scale: Any, limits: Any) -> None:
    if axis.log:
        scale("log")
        side.set_major_formatter(PlainNumbers())
        side.set_minor_formatter(PlainNumbers(minor_thresholds=(2.5, 0.8)))
        side.set_tick_params(which="minor", labelsize=7.5)
    if axis.ticks:
        side.set_ticks([place for place, _ in axis.ticks], [text for _, text in axis.ticks])
        side.set_ticks([], minor=True)
    if axis.span is not None:
        limits(*axis.span)


def _colour(look: int) -> str:
    return _BACK if look == GREY else COLOURS[look % len(COLOURS)]


def _draw_series(axes: Axes, series: Series, panel: Panel, order: int) -> None:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    colour, label = _colour(series.look), series.name or "_nolegend_"
    marker = "o" if series.look == GREY else MARKERS[series.look % len(MARKERS)]
    dash = STYLES[series.look % len(STYLES)]
    hatch = "" if series.look == GREY else _HATCHES[series.look % len(_HATCHES)]
    look: dict[str, Any] = {"color": colour, "label": label, "zorder": 2 + 0.1 * order}
    match series.style:
        case "band":
            axes.fill_between(x, series.low, series.high, alpha=0.25, linewidth=0, **look)
            return
        case "bars":
            axes.bar(x, y, panel.width, hatch=hatch, edgecolor="white", **look)
            return
        case "lying bars":
            axes.barh(y, x, panel.width, hatch=hatch, edgecolor="white", **look)
            _notes_at_ends(axes, series)
            return
        case "points":
            axes.plot(x, y, marker, markersize=5 if series.look == GREY else 6.5, **look)
        case "line":
            axes.plot(x, y, linestyle=dash, linewidth=1.6, **look)
        case "line and points":
            axes.plot(x, y, marker=marker, linestyle=dash, linewidth=1.4, markersize=6, **look)
    if len(series.low):
        ends = np.abs(np.array([y - np.asarray(series.low), np.asarray(series.high) - y]))
        axes.errorbar(
            x, y, np.nan_to_num(ends), fmt="none", ecolor=colour, capsize=3, linewidth=1.1
        )
    for a, b, note in zip(x, y, series.notes, strict=False):
        axes.annotate(note, (a, b), (6, 4), textcoords="offset points", fontsize=7.5)


def _notes_at_ends(axes: Axes, series: Series) -> None:
    for a, b, note in zip(series.x, series.y, series.notes, strict=False):
        axes.annotate(
            note, (max(a, 0.0), b), (3, 0), textcoords="offset points", fontsize=7.5, va="center"
        )


def _draw_heat(figure: Figure, axes: Axes, heat: Heat) -> None:
    values = np.array(heat.values, dtype=float)
    finite = values[np.isfinite(values)]
    ends = float(finite.min()), float(finite.max())
    norm = LogNorm(*ends) if heat.log and ends[0] < ends[1] else Normalize(*ends)
    image = axes.imshow(values, norm=norm, cmap="cividis", origin="lower", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = f"{value:.3g}" if np.isfinite(value) else "–"
        shade = norm(value) if np.isfinite(value) else 1.0
        axes.text(
            column, row, text, ha="center", va="center", fontsize=8,
            color="white" if np.isfinite(value) and shade < 0.55 else "black",
        )  # fmt: skip
    axes.set_xticks(range(len(heat.x[1])), heat.x[1])
    axes.set_yticks(range(len(heat.y[1])), heat.y[1])
    axes.set_xlabel(heat.x[0])
    axes.set_ylabel(heat.y[0])
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, label=heat.scale)
    if isinstance(norm, LogNorm):
        bar.ax.yaxis.set_major_formatter(PlainNumbers())
        bar.ax.yaxis.set_minor_formatter(PlainNumbers())

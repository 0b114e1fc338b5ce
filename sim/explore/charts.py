"""Plots as charts of the page, for plotly.js."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.explore.plot import GREY, Axis, Drawn, Heat, Panel, Series
from sim.report.blocks import Chart
from sim.report.charts import look
from sim.report.charts.look import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, plain, shown

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, look.GREY)
_DASHES = ("solid", "dash", "dashdot", "dot")
_MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
_PATTERNS = ("", "/", "x", ".", "\\", "+", "|")
_LEGEND = 56  # px of a legend in two rows
_BELOW = {
    "orientation": "h", "x": 0, "xanchor": "left", "y": 0, "yref": "container", "yanchor": "bottom",
}  # fmt: skip
_BAND = "40"  # alpha of a band, in hexadecimal
# Dark to light like matplotlib's cividis, which is made for eyes without red or green.
_CIVIDIS = [
    [0.0, "#00224e"],
    [0.25, "#434e6c"],
    [0.5, "#7d7c78"],
    [0.75, "#bcaf6f"],
    [1.0, "#fee838"],
]


def charts(panels: Sequence[Drawn]) -> list[Chart]:
    """Panels that belong together as charts, with words for those who do not see them.

    A legend stands below the first chart that has its names, and below no other.
    """
    found: list[Chart] = []
    told: set[str] = set()
    for panel in panels:
        names = set() if isinstance(panel, Heat) else {one.name for one in panel.series if one.name}
        legend = len(names) > 1 and not names <= told
        told |= names if legend else set()
        figure = _heat(panel) if isinstance(panel, Heat) else _panel(panel, legend=legend)
        found.append(Chart(figure, f"{panel.title}. {panel.gist}"))
    return found


def _title(text: str) -> dict[str, Any]:
    return {"text": shown(text), "x": 0.01, "xref": "container", "font": {"size": 13}}


def _panel(panel: Panel, *, legend: bool) -> dict[str, Any]:
    data = [trace for series in panel.series for trace in _traces(series, panel)]
    shapes, notes = _marks(panel)
    return {
        "data": data,
        "layout": look.layout(
            panel.height + (_LEGEND if legend else 0),
            title=_title(panel.title),
            showlegend=legend,
            legend=_BELOW,
            margin={"l": 64, "r": 24, "t": 40, "b": 48 + (_LEGEND if legend else 0)},
            barmode="overlay",
            shapes=shapes,
            annotations=notes,
            xaxis=_axis(panel.x, _all(panel, "x")),
            yaxis=_axis(panel.y, _all(panel, "y"), reverse=panel.reversed),
        ),
    }


def _marks(panel: Panel) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    shapes, notes = [], []
    for place, upright, label in panel.marks:
        across, up = ("x", "y") if upright else ("y", "x")
        log = (panel.x if upright else panel.y).log
        at = float(np.log10(place)) if log else place
        ends = {f"{across}0": place, f"{across}1": place, f"{up}0": 0, f"{up}1": 1}
        shapes.append({
            "type": "line", f"{up}ref": "paper", **ends,
            "line": {"color": look.GREY, "dash": "dash", "width": 1.5},
        })  # fmt: skip
        notes.append({
            across: at, up: 1, f"{up}ref": "paper", "text": shown(label), "showarrow": False,
            "xanchor": "left" if upright else "right", "yanchor": "top" if upright else "bottom",
        })  # fmt: skip
    return shapes, notes


def _all(panel: Panel, side: str) -> list[float]:
    """All finite numbers along an axis, for its ticks."""
    found: list[float] = []
    for series in panel.series:
        found += list(series.x if side == "x" else series.y)
        if side == "y":
            found += [*series.low, *series.high]
    return [value for value in found if np.isfinite(value)]


def _axis(axis: Axis, values: list[float], *, reverse: bool = False) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if axis.ticks:
        more |= {
            "tickvals": plain([place for place, _ in axis.ticks]),
            "ticktext": [shown(text) for _, text in axis.ticks],
        }
    if axis.span is not None:
        ends = axis.span[::-1] if reverse else axis.span
        more["range"] = plain(np.log10(ends) if axis.log else ends)
    elif reverse:
        more["autorange"] = "reversed"
    if axis.log and not axis.ticks:
        return look.log_axis(shown(axis.title), [v for v in values if v > 0]) | more
    return look.axis(shown(axis.title), **({"type": "log"} if axis.log else {}), **more)


def _traces(series: Series, panel: Panel) -> list[dict[str, Any]]:
    colour = look.GREY if series.look == GREY else _COLOURS[series.look % len(_COLOURS)]
    x, y = plain(series.x), plain(series.y)
    told = [shown(text) for text in series.told]
    base: dict[str, Any] = {
        "name": shown(series.name),
        "showlegend": bool(series.name),
        "legendgroup": shown(series.name),
        **({"customdata": told, "hovertemplate": "%{customdata}<extra></extra>"} if told else {}),
    }
    if series.style == "band":
        across = [*x, *x[::-1]]
        up = [*plain(series.high), *plain(series.low)[::-1]]
        return [base | {
            "type": "scatter", "mode": "lines", "x": across, "y": up, "fill": "toself",
            "fillcolor": colour + _BAND, "line": {"width": 0}, "hoverinfo": "skip",
        }]  # fmt: skip
    if series.style in ("bars", "lying bars"):
        lying = series.style == "lying bars"
        pattern = "" if series.look == GREY else _PATTERNS[series.look % len(_PATTERNS)]
        return [base | {
            "type": "bar", "x": x, "y": y, "width": panel.width,
            "orientation": "h" if lying else "v",
            "marker": {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay"}},
            **({"text": [shown(n) for n in series.notes], "textposition": "outside",
                "cliponaxis": False} if series.notes else {}),
        }]  # fmt: skip
    mode = {"points": "markers", "line and points": "lines+markers"}.get(series.style, "lines")
    marker = "circle-open" if series.look == GREY else _MARKERS[series.look % len(_MARKERS)]
    trace = base | {
        "type": "scatter",
        "mode": mode,
        "x": x,
        "y": y,
        "marker": {"symbol": marker, "size": 8, "color": colour},
        "line": {
            "color": colour,
            "width": 2,
            "dash": _DASHES[max(series.look, 0) % len(_DASHES)],
        },
    }
    if series.notes:
        trace["mode"] += "+text"
        trace |= {"text": [shown(note) for note in series.notes], "textposition": "top right"}
    if len(series.low):
        middle = np.asarray(series.y, dtype=float)
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": plain(np.asarray(series.high) - middle),
            "arrayminus": plain(middle - np.asarray(series.low)),
            "color": colour,
            "thickness": 1.4,
        }
    return [trace]


def _heat(heat: Heat) -> dict[str, Any]:
    values = np.array(heat.values, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.log10(values) if heat.log else values
    finite = z[np.isfinite(z)]
    ends = float(finite.min()), float(finite.max())
    ticks = np.linspace(*ends, 4) if ends[0] < ends[1] else np.array(ends[:1])
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": plain(z),
        "x": [shown(text) for text in heat.x[1]],
        "y": [shown(text) for text in heat.y[1]],
        "colorscale": _CIVIDIS,
        "text": [[f"{v:.3g}" if np.isfinite(v) else "–" for v in row] for row in values],
        "texttemplate": "%{text}",
        "hovertemplate": "%{x}, %{y}: %{text}<extra></extra>",
        "xgap": 1,
        "ygap": 1,
        "colorbar": {
            "title": {"text": shown(heat.scale), "side": "right"},
            "thickness": 12,
            "tickvals": plain(ticks),
            "ticktext": [f"{10**t if heat.log else t:.2g}" for t in ticks],
        },
    }
    return {
        "data": [trace],
        "layout": look.layout(
            heat.height,
            title=_title(heat.title),
            xaxis=look.axis(shown(heat.x[0]), type="category", showgrid=False),
            yaxis=look.axis(shown(heat.y[0]), type="category", showgrid=False),
        ),
    }

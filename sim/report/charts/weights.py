"""Weights as heat maps, and resistors as a histogram."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quantities import format_quantity
from sim.report.charts.look import BLUE, GREY, ORANGE, axis, layout, plain
from sim.report.model.resistors import Held, Layer

Array = NDArray[np.float64]

# Blue below zero, orange above; both darken outwards, so that magnitude shows without colour.
SCALE = [
    [0.0, "#00426A"],
    [0.25, "#5DA9D6"],
    [0.5, "#F7F7F7"],
    [0.75, "#EFA45C"],
    [1.0, "#8A3A00"],
]
_NUMBERS = 12  # rows and columns up to which cells hold their number
_HOVERS = 4096  # cells up to which resistors are told
_BINS = 36


def heat(layer: Layer, held: Held, title: str) -> dict[str, Any]:
    """Weights of a layer; both pictures of a layer have one scale.

    Args:
        layer: names and scale.
        held: what is shown of it.
        title: above it.
    """
    rows, columns = held.weights.shape
    top = float(np.abs([layer.before.weights, layer.after.weights]).max()) or 1.0
    trace: dict[str, Any] = {
        "type": "heatmap",
        "z": plain(held.weights),
        "x": list(layer.inputs),
        "y": list(layer.neurons),
        "zmin": -top,
        "zmax": top,
        "colorscale": SCALE,
        "colorbar": {
            "title": {"text": "w"},
            "thickness": 12,
            "len": 1,
            "nticks": 3 if rows < 3 else 6,
        },
        "hovertemplate": "%{y} from %{x}<br>w = %{z:.4g}%{hovertext}<extra></extra>",
        "hovertext": _resistors(held),
        "xgap": 1,
        "ygap": 1,
    }
    if max(rows, columns) <= _NUMBERS:
        trace |= {"texttemplate": "%{z:.2f}"}
    return {
        "data": [trace],
        "layout": layout(
            min(560, max(170, 110 + 42 * min(rows, 12))),
            title={"text": title, "x": 0, "xref": "paper", "font": {"size": 14}},
            margin={"l": 48, "r": 8, "t": 40, "b": 32},
            xaxis=axis("", type="category", showgrid=False, ticks=""),
            yaxis=axis("", type="category", autorange="reversed", showgrid=False, ticks=""),
        ),
    }


def _resistors(held: Held) -> list[list[str]]:
    """R+ and R− of every cell, in engineering notation."""
    rows, columns = held.weights.shape
    if not 0 < held.ohms.size <= 2 * _HOVERS:
        return [[""] * columns] * rows
    return [
        [
            f"<br>R+ = {format_quantity(p, 'Ω')}<br>R− = {format_quantity(m, 'Ω')}"
            for p, m in zip(plus, minus, strict=True)
        ]
        for plus, minus in zip(*held.ohms, strict=True)
    ]


def histogram(layers: Sequence[Layer], r_min: float, r_max: float) -> dict[str, Any]:
    """How many resistors there are of each size, before and after; Ω on a logarithmic axis.

    Args:
        layers: with resistors.
        r_min: limit, Ω.
        r_max: limit, Ω; inf for none.
    """
    before = np.log10(np.concatenate([layer.before.ohms.ravel() for layer in layers]))
    after = np.log10(np.concatenate([layer.after.ohms.ravel() for layer in layers]))
    both = np.concatenate([before, after])
    ends = [both.min(), both.max(), np.log10(r_min)]
    ends += [np.log10(r_max)] if np.isfinite(r_max) else []
    edges = np.linspace(min(ends) - 0.05, max(ends) + 0.05, _BINS + 1)
    middles, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    told = [
        f"{format_quantity(10**a, 'Ω', 3)} to {format_quantity(10**b, 'Ω', 3)}"
        for a, b in pairwise(edges)
    ]
    looks = (("before", before, GREY, "/"), ("after", after, BLUE, ""))
    data = [
        {
            "type": "bar",
            "name": f"{name} training",
            "x": plain(middles),
            "y": np.histogram(values, edges)[0].tolist(),
            "width": float(width) * 0.95,
            "opacity": 0.75,
            "marker": {"color": colour, "pattern": {"shape": pattern}},
            "customdata": told,
            "hovertemplate": f"{name}: %{{y}} resistors of %{{customdata}}<extra></extra>",
        }
        for name, values, colour, pattern in looks
    ]
    whole = range(int(np.ceil(edges[0])), int(np.floor(edges[-1])) + 1)
    limits = [("R_min", r_min)] + ([("R_max", r_max)] if np.isfinite(r_max) else [])
    return {
        "data": data,
        "layout": layout(
            300,
            barmode="overlay",
            xaxis=axis(
                "resistance (Ω)",
                tickvals=list(whole),
                ticktext=[format_quantity(10.0**n, "Ω") for n in whole],
                range=[float(edges[0]), float(edges[-1])],
            ),
            yaxis=axis("resistors", rangemode="tozero"),
            shapes=[
                {
                    "type": "line",
                    "x0": float(np.log10(limit)),
                    "x1": float(np.log10(limit)),
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": ORANGE, "dash": "dash", "width": 2},
                }
                for _, limit in limits
            ],
            annotations=[
                {
                    "x": float(np.log10(limit)),
                    "y": 0.98,
                    "yref": "paper",
                    "yanchor": "top",
                    "xanchor": "left" if name == "R_min" else "right",
                    "text": f" {name} {format_quantity(limit, 'Ω')} ",
                    "showarrow": False,
                }
                for name, limit in limits
            ],
        ),
    }

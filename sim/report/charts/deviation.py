"""Deviation of ngspice from the mathematics: by node, by epoch, pass by pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.report.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    VERMILLION,
    axis,
    epoch_axis,
    layout,
    plain,
    run_look,
    shown,
)
from sim.report.model.cloud import Cloud
from sim.report.model.nodes import Deviations

Array = NDArray[np.float64]

_MILLI = 1e3


def by_node(found: Deviations, top: float | None = None) -> dict[str, Any]:
    """Rms of every node as a bar, without doubtful passes and the largest as markers, mV.

    Args:
        found: the deviations.
        top: of the axis, V; by what is shown where None.
    """
    height = {"rangemode": "tozero"} if top is None else {"range": [0, *plain([_MILLI * top])]}
    nodes = found.shown
    names = [node.name for node in nodes]
    bars = {
        "type": "bar",
        "name": "rms, all passes",
        "x": names,
        "y": plain([_MILLI * node.rms for node in nodes]),
        "marker": {"color": BLUE},
        "hovertemplate": "%{x}: rms %{y:,.3r} mV<extra></extra>",
    }
    ok = {
        "type": "scatter",
        "mode": "markers",
        "name": "rms without doubtful passes",
        "x": names,
        "y": plain([_MILLI * node.rms_ok for node in nodes]),
        "marker": {"symbol": "diamond", "size": 9, "color": ORANGE, "line": {"width": 1}},
        "hovertemplate": "%{x}: rms without doubtful %{y:,.3r} mV<extra></extra>",
    }
    largest = {
        "type": "scatter",
        "mode": "markers",
        "name": "largest magnitude",
        "x": names,
        "y": plain([_MILLI * node.largest for node in nodes]),
        "marker": {
            "symbol": "line-ew",
            "size": 16,
            "line": {"color": VERMILLION, "width": 3},
        },
        "hovertemplate": "%{x}: largest %{y:,.3r} mV<extra></extra>",
    }
    return {
        "data": [bars, ok, largest],
        "layout": layout(
            340,
            xaxis=axis("node", type="category", showgrid=False),
            yaxis=axis("ngspice − mathematics (mV)", **height),
        ),
    }


def of_runs(runs: Sequence[tuple[int, str, Deviations]]) -> dict[str, Any]:
    """Rms by node, a group of bars a node and a bar a run, mV."""
    data = [
        {
            "type": "bar",
            "name": shown(name),
            "x": [node.name for node in found.shown],
            "y": plain([_MILLI * node.rms for node in found.shown]),
            "marker": {
                "color": run_look(k)[0],
                "pattern": {"shape": run_look(k)[3]},
            },
            "hovertemplate": "%{x}: rms %{y:,.3r} mV<extra>%{fullData.name}</extra>",
        }
        for k, name, found in runs
    ]
    return {
        "data": data,
        "layout": layout(
            360,
            barmode="group",
            xaxis=axis("node", type="category", showgrid=False),
            yaxis=axis("rms of ngspice − mathematics (mV)", rangemode="tozero"),
        ),
    }


def over_epochs(deviation: Array) -> dict[str, Any]:
    """Rms over all outputs and passes of each epoch, mV; from shape (E,) in V."""
    line = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, len(deviation) + 1)),
        "y": plain(_MILLI * deviation),
        "line": {"color": BLUE, "width": 2},
        "marker": {"size": 5, "color": BLUE},
        "hovertemplate": "epoch %{x}: rms %{y:,.3r} mV<extra></extra>",
    }
    return {
        "data": [line],
        "layout": layout(
            280,
            showlegend=False,
            xaxis=epoch_axis(len(deviation)),
            yaxis=axis("ngspice − mathematics (mV)", rangemode="tozero"),
        ),
    }


def scatter(cloud: Cloud, first: int) -> dict[str, Any]:
    """Ngspice over mathematics above, their difference below; three traces a node, one node shown.

    What traces of points have in common, `layout.meta.points`, is there once: the page merges it
    into each, which is told by its `meta`.

    Args:
        cloud: the points.
        first: index of the node that is shown.
    """
    doubts, mathematics, ngspice = cloud.doubts, cloud.mathematics, cloud.ngspice
    symbols = ["diamond-open" if doubt else "circle" for doubt in doubts]
    colours = [VERMILLION if doubt else BLUE for doubt in doubts]
    said = [[int(n), shown(doubt or "ok")] for n, doubt in zip(cloud.passes, doubts, strict=True)]
    points = {
        "mode": "markers",
        "marker": {"symbol": symbols, "color": colours, "size": 7, "opacity": 0.75},
        "customdata": said,
    }
    data: list[dict[str, Any]] = []
    for k, name in enumerate(cloud.nodes):
        common = {
            "type": "scatter",
            "name": name,
            "x": plain(mathematics[:, k]),
            "meta": "points",
            "visible": k == first,
        }
        told = f"{name}, pass %{{customdata[0]}} (%{{customdata[1]}})<br>mathematics %{{x:.4g}} V"
        data.append(
            common
            | {
                "y": plain(ngspice[:, k]),
                "hovertemplate": f"{told}<br>ngspice %{{y:.4g}} V<extra></extra>",
            }
        )
        data.append(
            common
            | {
                "y": plain(_MILLI * (ngspice[:, k] - mathematics[:, k])),
                "yaxis": "y2",
                "hovertemplate": f"{told}<br>difference %{{y:.4g}} mV<extra></extra>",
            }
        )
        span = [mathematics[:, k].min(), mathematics[:, k].max()]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": "equal",
                "x": plain(span),
                "y": plain(span),
                "line": {"color": GREY, "dash": "dot", "width": 1.5},
                "hoverinfo": "skip",
                "visible": k == first,
            }
        )
    return {
        "data": data,
        "layout": layout(
            520,
            showlegend=False,
            meta={"points": points},
            xaxis=axis("mathematics (V)", anchor="y2"),
            yaxis=axis("ngspice (V)", domain=[0.46, 1]),
            yaxis2=axis("difference (mV)", domain=[0, 0.38]),
        ),
    }

"""Losses over epochs: boxes of one run, medians of several."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sim.figures import LABELS
from sim.report.charts.look import (
    LEARNERS,
    axis,
    epoch_axis,
    layout,
    log_axis,
    plain,
    run_look,
    shown,
)
from sim.report.model.epochs import Epochs, Spread

_ZERO = 1e-12  # a logarithmic axis has no place for a loss of exactly zero
_SLOTS = 6  # epochs that the axis has room for at least, lest boxes become walls
_ASIDE, _WIDE = 0.38, 0.32  # of the distance of two epochs
_HOVER = (
    "epoch %{customdata[0]}<br>mean %{customdata[1]:.3g}<br>95 % %{customdata[2]:.3g}"
    "<br>75 % %{customdata[3]:.3g}<br>median %{customdata[4]:.3g}<br>25 % %{customdata[5]:.3g}"
    "<br>5 % %{customdata[6]:.3g}"
)


def boxes(epochs: Epochs, loss_name: str, unit: str) -> dict[str, Any]:
    """Per-sample loss by epoch: box of the quartiles, whiskers at 5 and 95 %, mean as a marker.

    Args:
        epochs: with at least one.
        loss_name: for the axis.
        unit: of the loss.
    """
    places = np.arange(len(epochs.numbers), dtype=float)
    room = max(0.0, (_SLOTS - len(places)) / 2)
    data: list[dict[str, Any]] = []
    for k, (name, spread) in enumerate(epochs.learners.items()):
        aside = (k - (len(epochs.learners) - 1) / 2) * _ASIDE
        data += _boxes(name, spread, places + aside, epochs)
    ticks = places[:: max(1, -(-len(places) // 10))]
    return {
        "data": data,
        "layout": layout(
            380,
            xaxis=axis(
                "epoch",
                tickvals=plain(ticks),
                ticktext=[str(epochs.numbers[int(t)]) for t in ticks],
                range=[-0.7 - room, len(places) - 0.3 + room],
                showgrid=False,
            ),
            yaxis=log_axis(f"{loss_name} per sample ({unit})", _heights(data)),
            hovermode="closest",
            hoverdistance=-1,  # a box is no target of its own: the nearest mean tells its numbers
        ),
    }


def _boxes(name: str, spread: Spread, x: Any, epochs: Epochs) -> list[dict[str, Any]]:
    colour, pattern, marker = LEARNERS[name]
    q = {key: np.maximum(values, _ZERO) for key, values in spread.quantiles.items()}
    mean = np.maximum(spread.mean, _ZERO)
    columns = [epochs.numbers, mean, q["q95"], q["q75"], q["q50"], q["q25"], q["q05"]]
    box = {
        "type": "box",
        "name": LABELS[name],
        "x": plain(x),
        "lowerfence": plain(q["q05"]),
        "q1": plain(q["q25"]),
        "median": plain(q["q50"]),
        "q3": plain(q["q75"]),
        "upperfence": plain(q["q95"]),
        "width": _WIDE,
        "whiskerwidth": 0.6,
        "line": {"color": colour, "width": 1.6},
        "fillcolor": "rgba(0,0,0,0)" if pattern else colour + "55",
        "legendgroup": name,
        "showlegend": False,
        "hoverinfo": "skip",
    }
    means = {
        "type": "scatter",
        "mode": "markers",
        "name": LABELS[name],
        "x": plain(x),
        "y": plain(mean),
        "marker": {"symbol": marker, "size": 8, "color": colour, "opacity": 0.9},
        "customdata": plain(np.column_stack(columns)),
        "hovertemplate": f"{LABELS[name]}<br>{_HOVER}<extra></extra>",
        "legendgroup": name,
    }
    return [box, means]


def _heights(data: Sequence[Mapping[str, Any]]) -> Iterator[float]:
    """All that traces show."""
    for trace in data:
        for key in ("y", "lowerfence", "upperfence"):
            yield from trace.get(key, ())


def medians(
    runs: Sequence[tuple[int, str, Epochs]], learner: str, loss_name: str, unit: str
) -> dict[str, Any]:
    """Median loss over epochs, a line a run.

    Args:
        runs: number, name and epochs of those that have the learner.
        learner: `in_loop` or `ideal`.
        loss_name: for the axis.
        unit: of the loss.
    """
    data = []
    for k, name, epochs in runs:
        spread = epochs.learners[learner]
        colour, dash, marker, _ = run_look(k)
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": shown(name),
                "x": epochs.numbers.tolist(),
                "y": plain(np.maximum(spread.quantiles["q50"], _ZERO)),
                "line": {"color": colour, "dash": dash, "width": 2},
                "marker": {"symbol": marker, "size": 7, "color": colour},
                "hovertemplate": "epoch %{x}: median %{y:.3g}<extra>%{fullData.name}</extra>",
            }
        )
    return {
        "data": data,
        "layout": layout(
            420,
            xaxis=epoch_axis(max(epochs.trained for _, _, epochs in runs)),
            yaxis=log_axis(f"median {loss_name} ({unit})", _heights(data)),
        ),
    }

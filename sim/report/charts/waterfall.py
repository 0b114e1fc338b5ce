"""From the deviation of the circuit as it was down to what is left: a bar a mechanism."""

from itertools import accumulate, pairwise
from textwrap import wrap
from typing import Any

from sim.report.charts.look import BLUE, GREY, VERMILLION, axis, layout, plain, shown
from sim.report.model.blame import Blame

_MICRO = 0.1e-3  # V; a smaller deviation is told in µV
_WIDE = 17  # characters of a name on a line, so that a phone has room beside it for bars
_SMALLEST = 5e-4  # of the unit; smaller shares are told as 0


def waterfall(found: Blame) -> dict[str, Any]:
    """Shares of mechanisms, one after the other; two traces a scope, the first scope shown."""
    names = [shown(n) for n in ("circuit as it was", *(p.title for p in found.parts), "left over")]
    unit, volts = ("µV", 1e-6) if found.total[0] < _MICRO else ("mV", 1e-3)
    data: list[dict[str, Any]] = []
    for k, scope in enumerate(found.scopes):
        total = found.total[k] / volts
        steps = [-part.then[k] / volts for part in found.parts]
        levels = list(accumulate(steps, initial=total))
        told = [_number(total), *map(_step, steps), _number(levels[-1])]
        data.append(
            {
                "type": "waterfall",
                "orientation": "h",
                "name": shown(scope),
                "y": names,
                "x": plain([total, *steps, 0.0]),
                "measure": ["absolute", *["relative"] * len(steps), "total"],
                "customdata": told,
                "decreasing": {"marker": {"color": BLUE}},
                "increasing": {"marker": {"color": VERMILLION}},
                "totals": {"marker": {"color": GREY}},
                "hovertemplate": f"%{{y}}: %{{customdata}} {unit}<extra></extra>",
                "visible": k == 0,
            }
        )
        ends = [total, *map(max, pairwise(levels)), max(levels[-1], 0.0)]
        data.append(
            {
                "type": "scatter",
                "mode": "text",
                "y": names,
                "x": plain(ends),
                "text": [f" {text}" for text in told],
                "textposition": "middle right",
                "cliponaxis": False,
                "hoverinfo": "skip",
                "visible": k == 0,
            }
        )
    return {
        "data": data,
        "layout": layout(
            90 + 36 * len(names),
            showlegend=False,
            xaxis=axis(f"share, rms ({unit})", rangemode="tozero"),
            yaxis=axis(
                "",
                type="category",
                autorange="reversed",
                showgrid=False,
                tickvals=names,
                ticktext=["<br>".join(wrap(name, _WIDE, break_long_words=False)) for name in names],
            ),
            margin={"l": 64, "r": 72, "t": 16, "b": 48},
        ),
    }


def _number(value: float) -> str:
    return "0" if abs(value) < _SMALLEST else f"{value:.3g}".replace("-", "−")


def _step(value: float) -> str:
    return _number(value) if value < _SMALLEST else f"+{_number(value)}"

"""What all charts share: colours, axes, plain numbers.

Charts are plain dicts, as plotly.js takes them. Colours of text, axes and grid are left out: the
page sets them, light or dark. Those of data come from Okabe and Ito's palette, which is told apart
without colour vision; what differs in colour differs in shape, dash or pattern as well.
"""

import html
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.figures import COLOURS

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = COLOURS[:6]
GREY = "#808080"  # in place of the palette's black, which a dark page would swallow

LEARNERS: Mapping[str, tuple[str, str, str]] = {
    "ideal": (BLUE, "", "circle"),
    "in_loop": (VERMILLION, "/", "diamond"),
}
"""Colour, pattern and marker of each learner."""

_RUNS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
_DASHES = ("solid", "dash", "dot", "dashdot")
_MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")
_PATTERNS = ("", "/", "x", ".")

_EVEN = 0.7  # decades up to which 1, 2 and 5 would be one or two ticks
_DECADES = 2.5  # from which on 2 and 5 would crowd a logarithmic axis
_DIGITS = 5  # of numbers in the page; a chart shows fewer


def plain(values: NDArray[np.floating] | Iterable[float]) -> list[Any]:
    """Numbers for JSON, to five digits; None where one is not finite. Nested as the array is."""
    array = np.asarray(values, dtype=float)
    if array.ndim > 1:
        return [plain(row) for row in array]
    return [float(f"{v:.{_DIGITS}g}") if np.isfinite(v) else None for v in array]


def shown(text: object) -> str:
    """Text that a chart shows as it is: plotly reads some HTML in it otherwise."""
    return html.escape(str(text), quote=False)


def layout(height: int, **more: Any) -> dict[str, Any]:
    """A layout with the margins and the legend that all charts have.

    Args:
        height: px.
        more: of plotly's layout; overrides.
    """
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 36, "b": 48},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "xanchor": "left"},
        "hovermode": "closest",
    }
    return base | more


def log_axis(title: str, values: Iterable[float]) -> dict[str, Any]:
    """A logarithmic axis with ticks at 1, 2 and 5; over many decades at 1 alone, over few evenly.

    Args:
        title: of the axis.
        values: all that is shown, positive.
    """
    shown = np.log10(np.fromiter(values, dtype=float))
    low, high = float(shown.min()), float(shown.max())
    if high - low < _EVEN:
        ticks = _even_ticks(10**low, 10**high)
    else:
        steps = (1,) if high - low > _DECADES else (1, 2, 5)
        decades = range(int(np.floor(low)) - 1, int(np.ceil(high)) + 2)
        ticks = [step * 10.0**decade for decade in decades for step in steps]
    return axis(title, type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def _even_ticks(low: float, high: float) -> list[float]:
    """Two to six ticks from low to high, and some beyond; positive."""
    widest = max(high - low, 0.05 * high) / 2.5
    decade = 10.0 ** np.floor(np.log10(widest))
    step = max(n * decade for n in (1, 2, 5) if n * decade <= widest)
    ends = int(low // step) - 2, int(high // step) + 4
    return [float(f"{n * step:.9g}") for n in range(max(1, ends[0]), ends[1])]


def epoch_axis(epochs: int) -> dict[str, Any]:
    """An axis of epochs, without ticks between them."""
    return axis("epoch", rangemode="tozero", dtick=max(1, round(epochs / 10)))


def run_look(run: int) -> tuple[str, str, str, str]:
    """Colour, dash, marker and pattern of a run; no two of a page's twelve are alike."""
    turn = run // len(_RUNS)
    return (
        _RUNS[run % len(_RUNS)],
        _DASHES[turn % 4],
        _MARKERS[run % 8],
        _PATTERNS[(run + turn) % 4],
    )


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a title."""
    return {"title": {"text": title, "standoff": 10}, "automargin": True, "zeroline": False} | more

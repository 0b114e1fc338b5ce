"""From a sheet to a picture: schemdraw's symbols on a white page, text that can be searched."""

import math
import textwrap
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import matplotlib as mpl
import schemdraw
import schemdraw.elements as elm
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from schemdraw.segments import Segment

from netlists.graph import GROUND
from netlists.schematic.circuit import shown_net
from netlists.schematic.sheet import Box, Drawing, Symbol, Tag, Text

_INCHES = 0.42  # of a unit
_MARGIN = 0.5  # units
_NARROWEST = 15.0  # page, units
_NOTE_LINE, _NOTE_LETTER = 0.4, 0.17  # units, of notes
_RESOLUTION = 120  # dots an inch of PNGs
_LINE = 1.2  # points
_NET, _FRAME, _VALUE = "#0072B2", "#767676", "#3b3b3b"  # nets are blue and in italics
_STYLES: Mapping[str, dict[str, Any]] = {
    "name": {"fontsize": 8.5, "color": "black", "fontweight": "bold"},
    "value": {"fontsize": 8, "color": _VALUE, "linespacing": 1.15},
    "net": {"fontsize": 8.5, "color": _NET, "fontstyle": "italic"},
    "block": {"fontsize": 10, "color": "black", "fontweight": "bold"},
    "title": {"fontsize": 12, "color": "black", "fontweight": "bold"},
    "note": {"fontsize": 8.5, "color": _VALUE},
    "frame": {"fontsize": 8.5, "color": "#595959"},
}
_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "svg.fonttype": "none",
    "svg.hashsalt": "danp-cosim",
    "axes.unicode_minus": False,
}


class Junction(elm.Element2Term):
    """A magnetic tunnel junction: two layers with a barrier between, in a stack."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        h, gap = 0.3, (math.nan, math.nan)
        box = [(0, 0), (0, h), (1, h), (1, -h), (0, -h), (0, 0), gap, (1, 0)]
        self.segments.append(Segment(box))
        barrier = [(0.42, -h), (0.58, -h), (0.58, h), (0.42, h), (0.42, -h)]
        self.segments.append(Segment(barrier, fill="black"))


_ELEMENTS: Mapping[str, Any] = {
    "resistor": elm.Resistor,
    "capacitor": elm.Capacitor,
    "voltage": elm.SourceV,
    "current": elm.SourceI,
    "controlled current": elm.SourceControlledI,
    "controlled voltage": elm.SourceControlledV,
    "behavioural": elm.SourceControlledI,
    "diode": lambda: elm.Diode(fill=True),
    "ideal diode": elm.Diode,
    "smtj": Junction,
}


def paint(drawing: Drawing) -> Figure:
    """Draw a sheet.

    Returns:
        The figure; its texts are artists of its axes.
    """
    left, bottom, right, top = _extent(drawing)
    with mpl.rc_context(_RC):
        size = ((right - left) * _INCHES, (top - bottom) * _INCHES)
        figure = Figure(figsize=size, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        _symbols(drawing, axes)
        axes.set(xlim=(left, right), ylim=(bottom, top))
        for frame in drawing.frames:
            _frame(axes, frame.box, frame.words)
        for text in drawing.texts:
            _write(axes, text)
        for tag in drawing.tags:
            _tag(axes, tag)
        axes.plot(
            [x for x, _ in drawing.dots], [y for _, y in drawing.dots], "o", color="black", ms=2.5
        )
        note = "\n".join(_notes(drawing, right - left))
        _write(axes, Text((left + _MARGIN, top - 0.3), drawing.title, "title", "left", "top"))
        _write(axes, Text((left + _MARGIN, bottom + 0.25), note, "note", "left", "bottom"))
    return figure


def to_svg(drawing: Drawing) -> bytes:
    """A sheet as SVG, its text as text; the same for the same sheet."""
    return _saved(drawing, "svg", metadata={"Date": None, "Title": drawing.title})


def to_png(drawing: Drawing) -> bytes:
    """A sheet as PNG on white."""
    return _saved(drawing, "png", dpi=_RESOLUTION)


def _saved(drawing: Drawing, kind: str, **options: Any) -> bytes:
    stream = BytesIO()
    with mpl.rc_context(_RC):
        paint(drawing).savefig(stream, format=kind, **options)
    return stream.getvalue()


def _extent(drawing: Drawing) -> Box:
    """The page: all that is drawn, and room for title and notes."""
    points = [point for symbol in drawing.symbols for _, point in symbol.terminals]
    points += [point for wire in drawing.wires for point in wire.points]
    boxes = [frame.box for frame in drawing.frames] + [symbol.body for symbol in drawing.symbols]
    points += [point for a, b, c, d in boxes for point in ((a, b), (c, d))]
    x, y = zip(*points, strict=True)
    left, right = min(x) - 1.3 - _MARGIN, max(x) + 2.2 + _MARGIN
    right = max(right, left + _NARROWEST)
    lines = len(_notes(drawing, right - left))
    return left, min(y) - 1.5 - _NOTE_LINE * lines, right, max(y) + 1.8


def _notes(drawing: Drawing, width: float) -> list[str]:
    """The notes in lines as wide as the page, in units."""
    letters = int((width - 2 * _MARGIN) / _NOTE_LETTER)
    return [
        line
        for note in drawing.notes
        for line in textwrap.wrap(note, letters, subsequent_indent="    ")
    ]


def _symbols(drawing: Drawing, axes: Axes) -> None:
    page = schemdraw.Drawing(canvas=axes, show=False)
    page.config(lw=_LINE, fontsize=8, unit=2)
    for symbol in drawing.symbols:
        _symbol(page, symbol)
    for wire in drawing.wires:
        for a, b in wire.segments:
            page.add(elm.Line().at(a).to(b))
    for x, y in _junctions(drawing):
        page.add(elm.Dot(radius=0.065).at((x, y)))
    for tag in drawing.tags:
        if tag.net == GROUND:
            page.add(elm.Ground().at(tag.point).theta(180 if tag.side == "above" else 0))
    page.draw(show=False)


def _symbol(page: Any, symbol: Symbol) -> None:
    kind = symbol.item.symbol
    points = symbol.points
    if kind in {"box", "block"}:
        left, low, right, high = symbol.body
        page.add(elm.Rect(corner1=(0, 0), corner2=(right - left, high - low)).at((left, low)))
        return
    if kind == "opamp":
        page.add(elm.Opamp().at(points["inn"]).anchor("in1").theta(0))
        return
    (_, start), (_, end), *rest = symbol.terminals
    if kind in {"voltage", "controlled voltage"}:  # whose plus is schemdraw's end
        start, end = end, start
    page.add(_ELEMENTS[kind]().endpoints(start, end))
    for _, point in rest:
        page.add(elm.Line().at(point).to(((start[0] + end[0]) / 2 - 0.3, point[1])))


def _junctions(drawing: Drawing) -> list[tuple[float, float]]:
    """Where three or more lines meet."""
    directions: dict[tuple[float, float], set[tuple[int, int]]] = {}
    ends: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for wire in drawing.wires:
        for a, b in wire.segments:
            ends += [(a, b), (b, a)]
    for symbol in drawing.symbols:
        if symbol.item.symbol not in {"opamp", "box", "block"}:
            a, b = symbol.terminals[0][1], symbol.terminals[1][1]
            ends += [(a, b), (b, a)]
        else:
            left, low, right, high = symbol.body
            ends += [
                (p, ((left + right) / 2, p[1]) if low < p[1] < high else (p[0], (low + high) / 2))
                for _, p in symbol.terminals
            ]
    pieces = [segment for wire in drawing.wires for segment in wire.segments]
    for at, other in ends:
        key = (round(at[0], 5), round(at[1], 5))
        found = directions.setdefault(key, set())
        found.add(_direction(at, other))
        for a, b in pieces:
            if _inside(at, a, b):
                found |= {_direction(at, a), _direction(at, b)}
    return [at for at, found in directions.items() if len(found) > 2]


def _direction(start: tuple[float, float], end: tuple[float, float]) -> tuple[int, int]:
    dx, dy = end[0] - start[0], end[1] - start[1]
    return (round(dx / max(abs(dx), abs(dy))), round(dy / max(abs(dx), abs(dy))))


def _inside(at: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> bool:
    near = 1e-6
    if abs(a[0] - b[0]) < near:
        return abs(at[0] - a[0]) < near and min(a[1], b[1]) + near < at[1] < max(a[1], b[1]) - near
    return abs(at[1] - a[1]) < near and min(a[0], b[0]) + near < at[0] < max(a[0], b[0]) - near


def _frame(axes: Axes, box: Box, words: str) -> None:
    left, low, right, high = box
    axes.plot(
        [left, right, right, left, left],
        [low, low, high, high, low],
        linestyle=(0, (5, 3)),
        color=_FRAME,
        linewidth=0.9,
        zorder=1,
    )
    axes.text(left + 0.12, high - 0.1, words, ha="left", va="top", **_STYLES["frame"])


def _write(axes: Axes, text: Text) -> None:
    x, y = text.point
    axes.text(x, y, text.words, ha=text.across, va=text.along, **_STYLES[text.style])


def _tag(axes: Axes, tag: Tag) -> None:
    if tag.net == GROUND:
        return
    x, y = tag.point
    gap = 0.12
    dx, dy, ha, va = {
        "left": (-gap, 0, "right", "center"),
        "right": (gap, 0, "left", "center"),
        "above": (0, gap, "center", "bottom"),
        "below": (0, -gap, "center", "top"),
    }[tag.side]
    axes.plot([x], [y], "o", ms=3.2, mfc="white", mec=_NET, mew=1, zorder=5)
    axes.text(x + dx, y + dy, shown_net(tag.net), ha=ha, va=va, **_STYLES["net"])

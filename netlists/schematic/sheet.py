"""A sheet: which symbols stand where, on which nets, and the wires between them.

Lengths are in units of the drawing; x goes right and y up. A sheet is what a painter needs, and
what a check needs to read a netlist back from the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from netlists.graph import GROUND
from netlists.schematic.circuit import Circuit, Item, shown_net

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top."""
Style = Literal["name", "value", "net", "block", "title", "note"]
Across = Literal["left", "center", "right"]
Along = Literal["bottom", "center", "top"]
Side = Literal["left", "right", "above", "below"]

OPAMP_HALF = 0.625
"""From the middle of an op-amp to either input; `out` is `OPAMP_LENGTH` to the right."""
OPAMP_LENGTH = 2.1650635  # an equilateral triangle of side 2.5, as schemdraw draws it
_RAIL_X, _RAIL_Y = OPAMP_LENGTH / 3, 0.84
_BODY = 0.25  # half the width of a part's body
_LONG = 0.5  # half its length
_BESIDE = {"resistor": 0.38, "diode": 0.42, "ideal diode": 0.42, "smtj": 0.42, "capacitor": 0.4}
"""From the middle of an upright symbol to its text, where that is no circle."""
_FITS = 7  # letters, in an op-amp
_GAP = 0.08  # between text and what it belongs to


def text_width(words: str) -> float:
    """About what a net's name takes."""
    return 0.165 * len(words)


@dataclass(frozen=True)
class Symbol:
    """A part in the picture: what it is, its terminals by pin, and the room of its body."""

    item: Item
    terminals: tuple[tuple[str, Point], ...]
    body: Box

    @property
    def points(self) -> dict[str, Point]:
        """Terminals by pin."""
        return dict(self.terminals)


@dataclass(frozen=True)
class Wire:
    """A wire through points."""

    points: tuple[Point, ...]

    @property
    def segments(self) -> Iterator[tuple[Point, Point]]:
        """Its straight pieces."""
        return zip(self.points[:-1], self.points[1:], strict=True)


@dataclass(frozen=True)
class Tag:
    """A net's name at a point; equal names are connected. Ground has its symbol."""

    point: Point
    net: str
    side: Side


@dataclass(frozen=True)
class Text:
    """Words at a point; `across` is their anchor sideways, `along` upwards."""

    point: Point
    words: str
    style: Style
    across: Across = "left"
    along: Along = "center"


@dataclass(frozen=True)
class Frame:
    """A dashed box around what is inside an instance."""

    box: Box
    words: str


@dataclass(frozen=True)
class Drawing:
    """A finished sheet.

    Attributes:
        name: of its file, without an ending.
        title: what it shows.
        notes: lines below it.
        left_out: names of the deck's parts that dots stand for.
    """

    name: str
    title: str
    notes: tuple[str, ...]
    symbols: tuple[Symbol, ...]
    wires: tuple[Wire, ...]
    tags: tuple[Tag, ...]
    texts: tuple[Text, ...]
    frames: tuple[Frame, ...]
    dots: tuple[Point, ...]
    left_out: tuple[str, ...]


@dataclass
class Sheet:
    """Collects what is drawn of a circuit."""

    circuit: Circuit
    symbols: list[Symbol] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    dots: list[Point] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def two(
        self,
        name: str,
        start: Point,
        end: Point,
        *,
        words: Side = "right",
        item: Item | None = None,
    ) -> Symbol:
        """Draw a part from its first pin to its second; `words` says where, if it stands."""
        item = item or self.circuit.item(name)
        (a, _), (b, _) = item.pins[:2]
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        flat = start[1] == end[1]
        half = _BODY if item.symbol in _BESIDE else _LONG
        w, h = (_LONG, half) if flat else (half, _LONG)
        terminals = [(a, start), (b, end)]
        if item.symbol == "smtj":
            state, net = item.pins[2]
            terminals.append((state, (x - 0.6, y)))
            self.tag((x - 0.6, y), net, "left")
        symbol = Symbol(item, tuple(terminals), (x - w, y - h, x + w, y + h))
        self.symbols.append(symbol)
        if flat:
            self._text(x, y + half + _GAP, item.label, "name", "center", "bottom")
            self._text(x, y - half - _GAP, "\n".join(item.value), "value", "center", "top")
        else:
            beside = _BESIDE.get(item.symbol, 0.6)
            at, across = (x + beside, "left") if words == "right" else (x - beside, "right")
            self.texts.append(Text((at, y), item.label, "name", across, "bottom"))
            self.texts.append(Text((at, y - _GAP), "\n".join(item.value), "value", across, "top"))
        return symbol

    def opamp(self, name: str, inverting: Point) -> Symbol:
        """Draw an op-amp, its inverting input above, with its rails as labels."""
        item = self.circuit.item(name)
        x, y = inverting[0], inverting[1] - OPAMP_HALF
        terminals = {
            "inp": (x, y - OPAMP_HALF),
            "inn": inverting,
            "out": (x + OPAMP_LENGTH, y),
            "vdd": (x + _RAIL_X, y + _RAIL_Y),
            "vss": (x + _RAIL_X, y - _RAIL_Y),
        }
        body = (x, y - 1.25, x + OPAMP_LENGTH, y + 1.25)
        symbol = Symbol(item, tuple(terminals.items()), body)
        self.symbols.append(symbol)
        self._text(x + 0.55, y + 0.02, item.label, "name", "left", "bottom")
        cell = item.value[0]
        if len(cell) <= _FITS:
            self._text(x + 0.55, y - 0.06, cell, "value", "left", "top")
        else:
            self._text(x + OPAMP_LENGTH / 2, y - 1.7, cell, "value", "center", "top")
        ways: tuple[tuple[str, Side, int], ...] = (("vdd", "above", 1), ("vss", "below", -1))
        for rail, side, way in ways:
            at = terminals[rail]
            end = (at[0], at[1] + way * 0.3)
            self.wire(at, end)
            self.tag(end, dict(item.pins)[rail], side)
        return symbol

    def block(self, item: Item, box: Box, pins: dict[str, Point], lines: Sequence[str]) -> Symbol:
        """Draw an instance as a block with its name and further lines in it."""
        symbol = Symbol(item, tuple(pins.items()), box)
        self.symbols.append(symbol)
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        self._text(x, y + _GAP / 2, item.label, "block", "center", "bottom")
        self._text(x, y - _GAP / 2, "\n".join(lines), "value", "center", "top")
        return symbol

    def wire(self, *points: Point) -> None:
        """Draw a wire."""
        self.wires.append(Wire(points))

    def tag(self, point: Point, net: str, side: Side) -> None:
        """Name a net at a point, or draw ground there."""
        self.tags.append(Tag(point, net, side))

    def ground(self, point: Point) -> None:
        """Draw ground below a point."""
        self.tag(point, GROUND, "below")

    def net_name(self, point: Point, net: str, across: Across) -> None:
        """Write a net's name just above a wire."""
        self._text(point[0], point[1] + _GAP, shown_net(net), "net", across, "bottom")

    def frame(self, box: Box, words: str) -> None:
        """Draw a dashed box around an instance."""
        self.frames.append(Frame(box, words))

    def more(self, point: Point, words: str, *, upright: bool = True, left: bool = False) -> None:
        """Draw dots in the place of parts that are left out, with how many beside them."""
        x, y = point
        for k in (-0.22, 0.0, 0.22):
            self.dots.append((x, y + k) if upright else (x + k, y))
        if not upright:
            self._text(x, y - 0.2, words, "value", "center", "top")
        elif left:
            self._text(x - 0.25, y, words, "value", "right", "center")
        else:
            self._text(x + 0.25, y, words, "value", "left", "center")

    def finish(self, name: str, title: str, notes: Sequence[str]) -> Drawing:
        """The finished sheet."""
        return Drawing(
            name,
            title,
            tuple(notes),
            tuple(self.symbols),
            tuple(self.wires),
            tuple(self.tags),
            tuple(self.texts),
            tuple(self.frames),
            tuple(self.dots),
            tuple(self.left_out),
        )

    def _text(  # noqa: PLR0917  # a place, and how words stand there
        self, x: float, y: float, words: str, style: Style, across: Across, along: Along
    ) -> None:
        self.texts.append(Text((x, y), words, style, across, along))

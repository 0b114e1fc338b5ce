"""What a report consists of: sections of blocks, plain data for the template."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Prose:
    """A paragraph.

    Attributes:
        text: plain.
        tone: `plain`, `note`, `warning`, or `criterion`.
    """

    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Verdict:
    """The answer to whether it learned.

    Attributes:
        grade: `good`, `fair`, `poor` or `open`; shown by colour and by `mark`.
        mark: a word.
        headline: the answer.
        reasons: the figures behind it.
    """

    grade: str
    mark: str
    headline: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """Of a table.

    Attributes:
        text: shown.
        key: to sort by; the text where None.
        link: address inside the page or beside it that the text leads to.
    """

    text: str
    key: float | None = None
    link: str = ""


@dataclass(frozen=True)
class Column:
    """Of a table.

    Attributes:
        title: with the unit.
        numeric: aligned right.
    """

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under titled columns; the first cell of a row names it.

    Attributes:
        caption: what it shows, and which engine made it.
        columns: their titles.
        rows: cells, as many as columns.
        sortable: by a click on a title.
        note: below it.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sortable: bool = False
    note: str = ""


@dataclass(frozen=True)
class Option:
    """One of the views that a chart has.

    Attributes:
        label: in the list.
        traces: indices of the figure's traces that it shows.
    """

    label: str
    traces: tuple[int, ...]


@dataclass(frozen=True)
class Chart:
    """A figure of plotly's.

    Attributes:
        figure: its `data` and `layout`, plain.
        gist: what it shows, in words, for those who do not see it.
        caption: below it.
        options: views to choose from; the figure shows the first.
        choose: what is chosen.
    """

    figure: dict[str, Any]
    gist: str
    caption: str = ""
    options: tuple[Option, ...] = ()
    choose: str = ""


@dataclass(frozen=True)
class Command:
    """A line for a shell.

    Attributes:
        does: what it does.
        line: the line.
    """

    does: str
    line: str


@dataclass(frozen=True)
class Commands:
    """Lines for a shell, each with a button that copies it."""

    commands: tuple[Command, ...]


@dataclass(frozen=True)
class Listing:
    """A text as it is, folded away.

    Attributes:
        title: of the fold.
        text: any.
    """

    title: str
    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Waveforms:
    """The viewer's place.

    Attributes:
        run: number of the run in the page, from 0.
        payload: what the viewer shows.
    """

    run: int
    payload: dict[str, Any]


@dataclass(frozen=True)
class Fold:
    """Blocks that can be folded away."""

    title: str
    blocks: Sequence["Block"]
    opened: bool = False


@dataclass(frozen=True)
class Grid:
    """Blocks side by side where there is room."""

    blocks: Sequence["Block"]


Block: TypeAlias = (
    Prose | Verdict | Table | Chart | Commands | Listing | Points | Waveforms | Fold | Grid
)


@dataclass(frozen=True)
class Part:
    """What a section says of one run.

    Attributes:
        run: number of the run in the page, from 0.
        blocks: in order.
    """

    run: int
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Section:
    """Of the page.

    Attributes:
        anchor: its id.
        title: its heading.
        short: the same in the list of sections.
        shared: blocks on all runs.
        parts: blocks on each run.
        wide: whether parts stand one below the other, as they need all of the width.
    """

    anchor: str
    title: str
    short: str
    shared: Sequence[Block] = ()
    parts: Sequence[Part] = field(default=())
    wide: bool = False

"""The panel that a terminal shows while a training runs, as large as the terminal allows."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.segment import Segment, Segments
from rich.table import Table
from rich.text import Text

from circuits.network import format_layers
from circuits.quantities import format_quantity
from learning import ActivityPerturbation
from sim.pace import Pace, format_duration
from sim.title import run_title
from sim.training import Training
from sim.workers import WorkerEngine

_FRAMED = (60, 14)  # columns and lines from which on there is a frame
_WIDEST = 88  # columns; nothing needs more
_RECENT = 12  # epochs of a trend
_BAR, _DONE = "#56B4E9", "#009E73"  # of Okabe and Ito's palette, those that dark terminals show
_BLOCKS, _ASCII = "▁▂▃▄▅▆▇█", "_.-=+*%#"


@dataclass(frozen=True)
class Row:
    """One figure, and over what it is.

    Attributes:
        label: what it is.
        last: of the epoch that was finished last.
        now: of the epoch under way, so far.
        total: of the whole training, so far.
        recent: of the last epochs, as heights; empty: it has no trend.
    """

    label: str
    last: str = ""
    now: str = ""
    total: str = ""
    recent: Sequence[float] = ()


class TrainingPanel:
    """What a training is at the moment that this is rendered.

    Args:
        training: under way.
        pace: of it.

    Attributes:
        lines: that it took when it was rendered last.
    """

    def __init__(self, training: Training, pace: Pace) -> None:
        self._training = training
        self._pace = pace
        self.lines = 0

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render it in the terminal's width, and in less than its height."""
        width, height = min(options.max_width, _WIDEST), console.size.height - 1
        framed = width >= _FRAMED[0] and height >= _FRAMED[1]
        inner = options.update(width=width - 4 if framed else width)
        room = height - 2 if framed else height - 1
        content = self._content(console, inner, room)
        lines = console.render_lines(content, inner, pad=False)[: max(1, room)]
        title = Text(
            self._title(width - 6 if framed else width),
            overflow="ellipsis",
            no_wrap=True,
            style="bold",
        )
        shown: RenderableType = Segments(_joined(lines))
        if framed:
            shown = Panel(shown, title=title, title_align="left", width=width)
        elif room > 0:
            shown = Group(title, shown)
        drawn = console.render_lines(shown, options.update(height=None), pad=False)
        self.lines = len(drawn)
        yield Segments(_joined(drawn))

    def _title(self, width: int) -> str:
        """Run and engine; in few words where there is little room."""
        setup = self._training.setup
        title = run_title(setup.config)
        if len(title) <= width:
            return title
        engine = "ngspice" if setup.config.simulation.engine == "ngspice" else setup.twin
        return f"{engine}, {format_layers(setup.network.layers)}, {setup.rule.name}"

    def _content(self, console: Console, options: ConsoleOptions, room: int) -> RenderableType:
        parts: list[RenderableType] = [self._bar(), self._speed()]
        rows = list(self._rows(ascii_only=options.ascii_only))[: max(0, room - len(parts) - 1)]
        if rows:
            parts.append(self._table(rows, console, options))
        parts.extend(Text(note, no_wrap=True, overflow="ellipsis") for note in self._notes())
        return Group(*parts)

    def _bar(self) -> RenderableType:
        training, pace = self._training, self._pace
        epochs = training.setup.config.task.epochs or 0
        number = len(training.epochs) + (training.underway is not None)
        share = 100 * pace.seen // pace.total if pace.total else 100
        line = Table.grid(padding=(0, 2, 0, 0), expand=True)
        line.add_column(no_wrap=True)
        line.add_column(ratio=1)
        line.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(
            total=max(1, pace.total),
            completed=pace.seen,
            complete_style=_BAR,
            finished_style=_DONE,
        )
        line.add_row(f"epoch {number:,}/{epochs:,}", bar, f"{share} %")
        return line

    def _speed(self) -> RenderableType:
        pace = self._pace
        said = (
            f"{format_duration(pace.left)} left",
            f"{format_rate(pace.rate)} samples/s",
            f"{format_duration(pace.elapsed)} so far",
        )
        return Text("   ".join(said), no_wrap=True, overflow="ellipsis")

    def _table(
        self, rows: Sequence[Row], console: Console, options: ConsoleOptions
    ) -> RenderableType:
        """The rows, with as many columns as there is room for."""
        last = f"epoch {len(self._training.epochs):,}" if self._training.epochs else ""
        blocks = _ASCII if options.ascii_only else _BLOCKS
        unlimited = options.update(width=1000)
        for columns in (
            ("last", "now", "total", "recent"),
            ("last", "now", "total"),
            ("last", "now"),
            ("last",),
        ):
            heads = {"last": last, "now": "under way", "total": "so far", "recent": "last epochs"}
            table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
            table.add_column("", no_wrap=True)
            for column in columns:
                left = column == "recent"
                justify = "left" if left else "right"
                table.add_column(heads[column], no_wrap=True, justify=justify)
            for row in rows:
                cells = {"last": row.last, "now": row.now, "total": row.total}
                cells["recent"] = sparkline(row.recent, blocks)
                table.add_row(row.label, *(cells[column] for column in columns))
            if Measurement.get(console, unlimited, table).maximum <= options.max_width:
                break
        return table

    def _rows(self, *, ascii_only: bool) -> Iterator[Row]:
        """The figures, the most telling first."""
        training = self._training
        epochs, underway = training.epochs, training.underway
        for name in training.learners:
            means = [float(np.mean(epoch.losses[name])) for epoch in epochs[-_RECENT:]]
            begun = underway is not None and underway.done > 0
            yield Row(
                f"loss {name.replace('_', ' ')}",
                f"{means[-1]:.3g}" if means else "",
                f"{np.nanmean(underway.losses[name]):.3g}" if underway and begun else "",
                recent=[math.log(mean) if mean > 0 else -math.inf for mean in means],
            )
        circuit = training.learners.get("in_loop")
        if circuit:
            recent = [epoch.deviation for epoch in epochs[-_RECENT:]]
            yield Row(
                "deviation rms",
                format_deviation(recent[-1], ascii_only=ascii_only) if recent else "",
                format_deviation(underway.deviation, ascii_only=ascii_only) if underway else "",
                recent=recent,
            )
        name = "in_loop" if circuit else "ideal"
        learner = training.learners[name]
        if isinstance(training.setup.rule, ActivityPerturbation):  # others take every sample
            yield Row(
                "skipped updates",
                f"{epochs[-1].skipped[name]:,}" if epochs else "",
                f"{learner.skipped - underway.skipped[name]:,}" if underway else "",
                _share(learner.skipped, self._pace.seen),
            )
        if circuit:
            tally = circuit.tally
            yield Row(
                "doubtful passes",
                f"{epochs[-1].doubtful[name]:,}" if epochs else "",
                f"{tally.doubtful - underway.doubtful[name]:,}" if underway else "",
                _share(tally.doubtful, tally.passes),
            )

    def _notes(self) -> Iterator[str]:
        """Lines on what is not as it should be."""
        circuit = self._training.learners.get("in_loop")
        if circuit is None:
            return
        for doubt, count in circuit.tally.reasons.items():
            if count:
                yield f"  so far {count:,} {doubt.reason}"
        if circuit.clipped:
            yield f"{circuit.clipped:,} weights clipped: they do not fit the resistors"
        if isinstance(circuit.engine, WorkerEngine) and circuit.engine.pool.replaced:
            pool = circuit.engine.pool
            yield f"{pool.replaced:,} workers replaced, {pool.retried:,} units asked again"


def format_rate(rate: float) -> str:
    """Samples a second for people; `?` before there is a rate."""
    if math.isnan(rate):
        return "?"
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def format_deviation(volts: float, *, ascii_only: bool = False) -> str:
    """Volts rms for people; nothing for NaN."""
    if math.isnan(volts):
        return ""
    text = format_quantity(volts, "V", 3)
    return text.replace("µ", "u") if ascii_only else text


def sparkline(heights: Sequence[float], blocks: str = _BLOCKS) -> str:
    """Heights as a line of characters, from the lowest to the highest of them.

    Args:
        heights: left to right; what is not finite becomes a gap.
        blocks: from low to high.
    """
    finite = [height for height in heights if math.isfinite(height)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    scale = (len(blocks) - 1) / (high - low) if high > low else 0.0
    return "".join(
        blocks[round((height - low) * scale)] if math.isfinite(height) else " "
        for height in heights
    )


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} ({100 * count / of:.1f} %)" if of else ""


def _joined(lines: Sequence[list[Segment]]) -> Iterator[Segment]:
    for k, line in enumerate(lines):
        if k:
            yield Segment.line()
        yield from line

"""Which mechanism is to blame for the deviation."""

from collections.abc import Sequence

from sim.report.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Fold,
    Option,
    Part,
    Points,
    Prose,
    Section,
    Table,
)
from sim.report.charts.waterfall import waterfall
from sim.report.model.blame import Blame, blame_of
from sim.report.text import number
from sim.results import Run

_SMALLEST = 5e-10  # V; below what any replay repeats


def section(runs: Sequence[Run]) -> Section | None:
    """A waterfall for each run that was attributed; nothing where none was."""
    found = [(k, blame_of(run)) for k, run in enumerate(runs)]
    parts = tuple(Part(k, _blocks(blame)) for k, blame in found if blame is not None)
    if not parts:
        return None
    return Section("attribution", "Whom to blame for the deviation", "Blame", parts=parts)


def _blocks(found: Blame) -> list[Block]:
    missing = [f"no {part.title}: {part.missing}" for part in found.parts if part.missing]
    blocks: list[Block] = [
        Prose(found.verdict),
        Chart(
            waterfall(found),
            f"Waterfall of the deviation in {found.scopes[0]}, mechanism by mechanism. "
            f"{found.verdict}",
            (
                "Mechanisms made ideal one after the other, in causal order, in ngspice: to the "
                "left a mechanism takes its share away, to the right it had made up for others."
            ),
            tuple(Option(scope, (2 * k, 2 * k + 1)) for k, scope in enumerate(found.scopes)),
            "where",
        ),
        Fold("The numbers", (_table(found),)),
        Points((*found.notes, *missing)),
    ]
    if found.agrees is False:
        blocks.append(Prose(found.check, "warning"))
    return blocks


def _table(found: Blame) -> Table:
    columns = [Column("mechanism")]
    for scope in found.scopes:
        columns += [
            Column(f"{scope}: alone (mV)", numeric=True),
            Column(f"{scope}: then (mV)", numeric=True),
        ]
    rows = []
    for part in found.parts:
        pairs = zip(part.alone, part.then, strict=True)
        cells = [_millivolts(volts) for pair in pairs for volts in pair]
        rows.append((Cell(part.title), *cells))
    for title, figures in (("left over", found.left), ("deviation, rms", found.total)):
        cells = [_millivolts(volts) for volts in figures for _ in range(2)]
        rows.append((Cell(title), *cells))
    caption = f"Shares of the deviation by ngspice, over {found.passes:,} passes replayed"
    return Table(caption, tuple(columns), tuple(rows), sortable=True)


def _millivolts(volts: float) -> Cell:
    shown = "0" if abs(volts) < _SMALLEST else number(1e3 * volts)
    return Cell(shown, 1e3 * volts)

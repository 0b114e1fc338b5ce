"""What parts of one kind explain together of a figure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.explore.groups import FEWEST, Group, groups_of
from sim.explore.opened import Measure
from sim.explore.plot import Axis, Panel, Plot, Series, rows_of
from sim.explore.told import drawn
from sim.report.blocks import Block, Cell, Column, Prose, Table
from sim.report.text import number, share

Array = NDArray[np.float64]


def kinds(
    names: Sequence[str], deviates: Array, ranks: Array, measure: Measure
) -> tuple[list[Block], list[Plot]]:
    """A table and a chart of the kinds of parts; a sentence with too few chips.

    Args:
        names: of the parts.
        deviates: of each chip, (chips, parts).
        ranks: mean rank of each chip, (chips,); NaN where none is done.
        measure: the figure.
    """
    count = int(np.isfinite(ranks).sum())
    groups = groups_of(names, deviates, ranks)
    if not groups:
        said = f"Kinds of parts are not compared: wanted {FEWEST} chips, got {count}."
        return [Prose(said, "note")], []
    plot = _group_plot(groups, measure, count)
    return [_group_table(groups, measure), *drawn(plot)], [plot]


def _group_table(groups: Sequence[Group], measure: Measure) -> Table:
    rows = [
        (
            Cell(one.kind),
            Cell(f"{one.parts:,}", one.parts),
            Cell(share(one.r2) if one.r2 > 0 else f"none ({number(one.r2, 2)})", one.r2),
        )
        for one in groups
    ]
    columns = (
        Column("kind of part"),
        Column("figures drawn", numeric=True),
        Column("R²", numeric=True),
    )
    note = (
        "Ridge regression of ranks on deviates and their magnitudes, held against chips it was "
        "not fitted to (five folds). None: it predicts worse than the mean does."
    )
    return Table(
        f"What kinds of parts explain of the {measure.told}", columns, tuple(rows), note=note
    )


def _group_plot(groups: Sequence[Group], measure: Measure, chips: int) -> Plot:
    percent = [100 * max(one.r2, 0.0) for one in groups]
    notes = [f" {value:.0f} %" if value else " none" for value in percent]
    series = Series("", "lying bars", percent, list(range(len(groups))), 0, notes=notes)
    gist = "; ".join(f"{one.kind}{note}" for one, note in zip(groups, notes, strict=True))
    panel = Panel(
        f"of the {measure.told}",
        Axis("R², cross-validated (%)", span=(0, 112)),
        rows_of([one.kind for one in groups]),
        (series,),
        f"{gist}.",
        reversed=True,
        height=110 + 30 * len(groups),
    )
    title = f"What kinds of parts explain together, over {chips} chips"
    return Plot(f"groups-{measure.name}", title, (panel,))

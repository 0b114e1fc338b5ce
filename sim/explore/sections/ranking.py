"""Which parameter or part moves a figure, and which of it is no chance."""

from collections.abc import Sequence

import numpy as np

from sim.explore.asked import DEVIATION, Asked
from sim.explore.factors import CHIP, DRAW
from sim.explore.opened import Measure, Sweep
from sim.explore.plot import GREY, Axis, Panel, Plot, Series, rows_of
from sim.explore.ranks import (
    FEWEST,
    Ranked,
    deviates_of,
    rank_draws,
    rank_parts,
    response,
)
from sim.explore.sections.kinds import kinds
from sim.explore.shares import Shares, shares_of
from sim.explore.significance import LEVEL
from sim.explore.told import Told, chance, drawn, told
from sim.report.blocks import Block, Cell, Column, Fold, Prose, Table
from sim.report.text import listed, number, share

_TOP = 20  # parts in a chart
_NAMED = 5  # of them in a sentence


def section(sweep: Sweep, asked: Asked) -> Told:
    """The section."""
    blocks: list[Block] = []
    plots: list[Plot] = []
    for name in dict.fromkeys((asked.metric, DEVIATION)):
        if name not in sweep.measures or not np.isfinite(sweep.values(name)).any():
            blocks.append(Prose(f"No ranking by {name}: no point has a figure.", "note"))
            continue
        measure = sweep.measure(name)
        for part in (_parameters, _draws, _parts):
            more, pictures = part(sweep, measure)
            blocks += more
            plots += pictures
    if not any(f.kind != DRAW for f in sweep.factors):
        blocks.append(Prose("No shares of variance: they need a grid, a list or corners.", "note"))
    if DRAW not in sweep.dimensions:
        said = "No parameter was drawn at random: [draw], or --vary PATH=normal(m,s), does."
        blocks.append(Prose(said, "note"))
    if not sweep.chips:
        blocks.append(Prose("No chips were drawn, so no parts are ranked: --mc N does.", "note"))
    return told("ranking", "What matters", "What matters", blocks, plots)


def _parameters(sweep: Sweep, measure: Measure) -> tuple[list[Block], list[Plot]]:
    """Shares of the variance that values of a grid, of lists and of corners make."""
    if not any(f.kind != DRAW and len(f.values) > 1 for f in sweep.factors):
        return [], []
    found = shares_of(sweep, measure.name)
    if found is None:
        return [], []
    what = f"the logarithm of the {measure.said}" if found.logarithmic else f"the {measure.said}"
    sure = [one.name for one in found.shares if one.significant]
    said = (
        f"Of the variance of {what}, {listed([_named(found, n) for n in sure[:_NAMED]])}."
        if sure
        else f"No parameter's share of the variance of {what} can be told from chance "
        f"(at {share(LEVEL)} over all of them); more seeds would tell more."
    )
    rows = [
        (Cell(one.name), Cell(share(one.eta2), one.eta2), Cell(chance(one.p), one.p))
        for one in found.shares
    ]
    rows.append((Cell("together, and the rest"), Cell(share(found.rest), found.rest), Cell("–")))
    columns = (
        Column("what"),
        Column("share of the variance", numeric=True),
        Column("p (Holm)", numeric=True),
    )
    caption = f"First-order shares of the variance of {what} ({measure.engine})"
    note = (
        "p: how often shuffling the values, all else the same, gives as large a share; after Holm "
        "over all parameters. Seeds, chips and draws are not tested."
    )
    table = Table(caption, columns, tuple(rows), note=note)
    plot = _share_plot(found, measure, what)
    return [Prose(said), table, *drawn(plot)], [plot]


def _named(found: Shares, name: str) -> str:
    one = next(one for one in found.shares if one.name == name)
    return f"{name} makes {share(one.eta2)}"


def _share_plot(found: Shares, measure: Measure, what: str) -> Plot:
    shown = found.shares[:_TOP]
    labels = [*(one.name for one in shown), "together, and the rest"]
    series = []
    for sure, look, name in (
        (True, 0, f"p ≤ {LEVEL:g}"),
        (False, GREY, "not tested, or not told from chance"),
    ):
        mine = [k for k, one in enumerate(shown) if one.significant == sure]
        if mine:
            percent = [100 * shown[k].eta2 for k in mine]
            notes = [f" {value:.1f} %" for value in percent]
            series.append(Series(name, "lying bars", percent, mine, look, notes=notes))
    rest = 100 * found.rest
    series.append(
        Series(
            "together, and chance", "lying bars", [rest], [len(shown)], 2, notes=[f" {rest:.1f} %"]
        )
    )
    gist = "; ".join(f"{one.name} {share(one.eta2)}" for one in shown)
    panel = Panel(
        f"variance of {what}",
        Axis("share of the variance (%)", span=(0, 112)),
        rows_of([_short(label) for label in labels]),
        tuple(series),
        f"Shares: {gist}.",
        reversed=True,
        height=110 + 30 * len(labels),
    )
    return Plot(f"shares-{measure.name}", f"What makes {what} vary", (panel,))


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"…{name[-29:]}"


def _draws(sweep: Sweep, measure: Measure) -> tuple[list[Block], list[Plot]]:
    """Rank correlation with parameters that were drawn at random."""
    if DRAW not in sweep.dimensions:
        return [], []
    found = rank_draws(sweep, measure.name)
    if not found:
        said = f"Too few draws have a {measure.said} to rank by: wanted {FEWEST} at least."
        return [Prose(said, "note")], []
    plot = _bars(found, measure, "drawn parameters", "draws")
    blocks = [Prose(_surest(found, measure, "drawn parameter")), _table(found, measure)]
    return [*blocks, *drawn(plot)], [plot]


def _parts(sweep: Sweep, measure: Measure) -> tuple[list[Block], list[Plot]]:
    """Rank correlation with the deviates of parts, and what kinds explain together."""
    if not sweep.chips:
        return [], []
    names, deviates = deviates_of(sweep)
    if not names:
        said = (
            "No parts are ranked, as the sweep holds no deviates of its chips: none is drawn where "
            "every spread is 0; circuit.mismatch and circuit.smtj.spread_… set them."
        )
        return [Prose(said, "note")], []
    ranks = response(sweep, measure.name, CHIP)
    count = int(np.isfinite(ranks).sum())
    found = rank_parts(names, deviates, ranks)
    if not found:
        said = (
            f"Parts are not ranked by the {measure.said}: wanted {FEWEST} chips with a figure, got "
            f"{count}."
        )
        return [Prose(said, "note")], []
    plot = _bars(found, measure, "parts", "parts")
    left = sweep.chips - count
    blocks: list[Block] = [Prose(_surest(found, measure, "part"))]
    if left:
        said = f"{left} of {sweep.chips} chips are left out: no point of theirs is done."
        blocks.append(Prose(said, "note"))
    blocks += [
        _table(found[:_TOP], measure),
        *drawn(plot),
    ]
    if len(found) > _TOP:
        blocks.append(Fold(f"All {len(found):,} parts", (_table(found, measure),)))
    more, joint = kinds(names, deviates, ranks, measure)
    return [*blocks, *more], [plot, *joint]


def _surest(found: Sequence[Ranked], measure: Measure, what: str) -> str:
    sure = [one for one in found if one.significant]
    if not sure:
        return (
            f"No {what} goes with the {measure.said} more than chance would have it (Spearman's ρ, "
            f"{share(LEVEL)} over all {len(found):,} tested)."
        )
    named = [f"{one.name} ({_rho(one)})" for one in sure[:_NAMED]]
    more = f" and {len(sure) - _NAMED} more" if len(sure) > _NAMED else ""
    verb = "goes" if len(sure) == 1 else "go"
    return (
        f"With the {measure.said} {verb} {listed(named) if not more else ', '.join(named)}{more}."
    )


def _rho(one: Ranked) -> str:
    what = "its distance from nominal" if one.by_size else "its value"
    return f"ρ = {one.shown:.2f} of {what}".replace("-", "−")


def _table(found: Sequence[Ranked], measure: Measure) -> Table:
    sized = any(np.isfinite(one.sized) for one in found)  # drawn parameters have no nominal value
    rows = [
        (
            Cell(one.name),
            Cell(one.kind),
            Cell(number(one.signed, 2), one.signed),
            *((Cell(number(one.sized, 2), one.sized),) if sized else ()),
            Cell(chance(one.p), one.p),
        )
        for one in found
    ]
    columns = (
        Column("what"),
        Column("kind"),
        Column("ρ of its value", numeric=True),
        *((Column("ρ of its distance from nominal", numeric=True),) if sized else ()),
        Column("p (Holm)", numeric=True),
    )
    return Table(
        f"Spearman's rank correlation with the {measure.told}",
        columns,
        tuple(rows),
        sortable=True,
        note="Ranks are those among points of the same setting and seed. p is after Holm, over all "
        "correlations of the table.",
    )


def _bars(found: Sequence[Ranked], measure: Measure, what: str, stem: str) -> Plot:
    shown = found[:_TOP]
    series = []
    for look, kind in enumerate(dict.fromkeys(one.kind for one in shown)):
        mine = [k for k, one in enumerate(shown) if one.kind == kind]
        notes = [
            f" p {chance(one.p)}" if one.significant else "" for one in (shown[k] for k in mine)
        ]
        said = [f"{shown[k].name}: {_rho(shown[k])}, p = {chance(shown[k].p)}" for k in mine]
        rho = [shown[k].shown for k in mine]
        series.append(Series(kind, "lying bars", rho, mine, look, told=said, notes=notes))
    names = [f"|{_short(one.name)}|" if one.by_size else _short(one.name) for one in shown]
    gist = "; ".join(f"{one.name} {one.shown:.2f}, p {chance(one.p)}" for one in shown[:_NAMED])
    ends = [min(0.0, *(one.shown for one in shown)), max(0.0, *(one.shown for one in shown))]
    span = (1.1 * ends[0], ends[1] + 0.4 * (ends[1] - ends[0]))  # room for p-values
    panel = Panel(
        f"with the {measure.told}",
        Axis("Spearman's ρ", span=span),
        rows_of(names),
        tuple(series),
        f"The strongest: {gist}.",
        reversed=True,
        height=130 + 24 * len(shown),
    )
    sure = sum(one.significant for one in found)
    caption = (
        f"The {len(shown)} strongest of {len(found):,}; |…|: the distance from nominal, else the "
        f"value. A p-value stands at each that can be told from chance: {sure} of {len(found):,}."
    )
    return Plot(f"ranking-{stem}-{measure.name}", f"Which {what} matter", (panel,), 1, caption)

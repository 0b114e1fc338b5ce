"""What each parameter does: medians and quartiles over everything else."""

import re
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sim.explore.asked import ENERGIES, Asked
from sim.explore.effects import Effect, effect_of, plane_of
from sim.explore.factors import DRAW, Factor, spans_decades
from sim.explore.opened import Measure, Sweep
from sim.explore.plot import GREY, Axis, Heat, Panel, Plot, Series
from sim.explore.told import Told, drawn, figure_of, scale_of, text_of, told, with_unit
from sim.report.blocks import Block, Cell, Column, Fold, Prose, Table
from sim.report.text import number, share

Array = NDArray[np.float64]

_SHOWN = ("in_loop", "transfer", "deviation", "energy", "settling")
_MOVES = 1.1  # ratio of medians from which on a parameter is named
_PAIRS = 6  # of parameters shown as heat maps, at most
_ASIDE = 0.12  # of the distance of two values
_OVER = "median, quartiles over everything else"
_SEEDS = "smallest and largest median of a single seed"
_COLUMNS = (
    Column("parameter"),
    Column("value"),
    Column("points", numeric=True),
    Column("median", numeric=True),
    Column("lower quartile", numeric=True),
    Column("upper quartile", numeric=True),
    Column("lowest seed", numeric=True),
    Column("highest seed", numeric=True),
)


def section(sweep: Sweep, asked: Asked) -> Told:
    """The section; a sentence where no parameter is varied."""
    title = "What each parameter does"
    factors = [f for f in sweep.factors if len(f.values) > 1]
    if not factors:
        said = (
            "No parameter was varied: --vary PATH=a,b,c, or [grid], [list], [draw] or [corners] of "
            "the sweep's file, does."
        )
        return told("effects", title, "Effects", [Prose(said, "note")])
    energy = ENERGIES[asked.energy]
    names = dict.fromkeys((asked.metric, *(energy if n == "energy" else n for n in _SHOWN)))
    blocks: list[Block] = []
    plots: list[Plot] = []
    folded: list[Block] = []
    measures = [sweep.measure(n) for n in names if sweep.has(n)]
    if absent := [n for n in names if not sweep.has(n)]:
        blocks.append(Prose(f"Not shown, as no point has a figure: {', '.join(absent)}.", "note"))
    found = {m: [e for f in factors if (e := effect_of(sweep, f, m.name))] for m in measures}
    for measure, effects in found.items():
        table = _table(measure, effects)
        if measure.name == asked.metric:
            blocks += [Prose(_strongest(effects, measure)), table]
        else:
            folded.append(table)
    for factor in factors:
        plot = _plot(sweep, factor, found)
        if plot.panels:
            plots.append(plot)
            blocks += drawn(plot)
    pairs = list(combinations([f for f in factors if f.kind == "grid"], 2))
    for across, up in pairs[:_PAIRS] if sweep.has(asked.metric) else ():
        plot = _heat(sweep, across, up, sweep.measure(asked.metric))
        plots.append(plot)
        blocks += drawn(plot)
    if len(pairs) > _PAIRS:
        left = len(pairs) - _PAIRS
        blocks.append(Prose(f"{left} more pairs of parameters are not shown as heat maps.", "note"))
    if folded:
        blocks.append(Fold("The numbers of the other figures", tuple(folded)))
    return told("effects", title, "Effects", blocks, plots)


def _strongest(effects: list[Effect], measure: Measure) -> str:
    """The parameters that move the figure most, in a sentence."""
    ranked = sorted(
        (e for e in effects if len(e.levels) > 1 and np.isfinite(e.ratio)), key=lambda e: -e.ratio
    )
    if not ranked:
        return f"Medians of the {measure.told}, for each value of each parameter."
    first = ranked[0]
    if first.ratio < _MOVES:
        return (
            f"No parameter moves the median of the {measure.said} by more than "
            f"{share(first.ratio - 1)}."
        )
    best = min(first.levels, key=lambda level: level.median)
    worst = max(first.levels, key=lambda level: level.median)
    return (
        f"{first.factor.name} moves the {measure.said} most: from {text_of(best.median, measure)} "
        f"at {best.label} to {text_of(worst.median, measure)} at {worst.label}, a factor of "
        f"{number(first.ratio)} between medians."
    )


def _table(measure: Measure, effects: list[Effect]) -> Table:
    rows = [
        (
            Cell(effect.factor.name),
            Cell(level.label, level.place),
            Cell(f"{level.count:,}", level.count),
            *(
                figure_of(value, measure)
                for value in (level.median, level.low, level.high, *level.seeds)
            ),
        )
        for effect in effects
        for level in effect.levels
    ]
    unit = f" ({measure.unit})" if measure.unit not in ("", "1") else ""
    caption = f"{measure.title}{unit}, by {measure.engine}: each value over everything else"
    return Table(caption, _COLUMNS, tuple(rows), sortable=True)


def _plot(sweep: Sweep, factor: Factor, found: dict[Measure, list[Effect]]) -> Plot:
    panels = [
        _panel(sweep, effect, measure)
        for measure, effects in found.items()
        for effect in effects
        if effect.factor is factor
    ]
    how = "ranges of random draws, each draw a grey point; " if factor.kind == DRAW else ""
    caption = (
        f"{factor.name}: {how}median over everything else, shaded or beside it the quartiles"
        + (
            "; bars: the smallest and largest median of a single seed."
            if len(sweep.seeds) > 1
            else "."
        )
    )
    name = re.sub(r"[^\w.-]+", "-", factor.name)[:80]
    return Plot(f"effect-{name}", f"Effect of {factor.name}", tuple(panels), 3, caption)


def _panel(sweep: Sweep, effect: Effect, measure: Measure) -> Panel:
    factor, levels = effect.factor, effect.levels
    words = factor.numbers is None
    x = np.array([level.place for level in levels])
    median = [level.median for level in levels]
    low, high = [level.low for level in levels], [level.high for level in levels]
    least, most = ([level.seeds[k] for level in levels] for k in range(2))
    seeds = bool(np.isfinite(least).all())
    said = [
        f"{level.label}: {text_of(level.median, measure)} ({level.count} points)"
        for level in levels
    ]
    everything = np.array([*median, *low, *high, *(v for v in (*least, *most) if np.isfinite(v))])
    scale, unit = scale_of(everything, measure.unit)
    median, low, high, least, most = (
        (np.array(one) / scale).tolist() for one in (median, low, high, least, most)
    )
    series: list[Series] = []
    if words:
        series.append(Series(_OVER, "points", x - _ASIDE, median, 0, low, high, said))
        if seeds:
            series.append(Series(_SEEDS, "points", x + _ASIDE, median, 1, least, most, said))
        ticks = tuple((level.place, level.label) for level in levels)
        across = Axis(factor.short, ticks=ticks, span=(x.min() - 0.6, x.max() + 0.6))
    else:
        wide, prefixed = scale_of(np.abs(x).max(keepdims=True), factor.unit)
        x = x / wide
        series.append(Series("", "band", x, median, 0, low, high))
        if factor.kind == DRAW:
            places, medians = _draws(sweep, factor, measure)
            series.append(Series("", "points", places / wide, medians / scale, GREY))
        ends = (least, most) if seeds else ((), ())
        series.append(Series("", "line and points", x, median, 0, *ends, said))
        across = Axis(with_unit(factor.short, prefixed), log=factor.wide)
    up = Axis(with_unit(measure.said, unit), log=spans_decades(everything))
    gist = f"Median by value of {factor.name}: {'; '.join(said)}."
    return Panel(measure.told, across, up, tuple(series), gist)


def _draws(sweep: Sweep, factor: Factor, measure: Measure) -> tuple[Array, Array]:
    """Each random draw: its value, and its median over everything else."""
    values = sweep.values(measure.name)
    at = sweep.levels[factor.dimension]
    places, medians = [], []
    for k, place in enumerate(factor.numbers if factor.numbers is not None else ()):
        finite = values[at == k][np.isfinite(values[at == k])]
        if finite.size:
            places.append(float(place))
            medians.append(float(np.median(finite)))
    return np.array(places), np.array(medians)


def _heat(sweep: Sweep, across: Factor, up: Factor, measure: Measure) -> Plot:
    plane = plane_of(sweep, across, up, measure.name)
    row, column = np.unravel_index(np.nanargmin(plane), plane.shape)
    gist = (
        f"Medians over {across.name} and {up.name}; least {text_of(plane[row, column], measure)} "
        f"at {across.labels[column]} and {up.labels[row]}."
    )
    heat = Heat(
        measure.told,
        (across.short, across.labels),
        (up.short, up.labels),
        tuple(tuple(line) for line in plane.tolist()),
        spans_decades(plane.ravel()),
        measure.axis,
        gist,
        min(640, 160 + 34 * len(up.labels)),
    )
    name = re.sub(r"[^\w.-]+", "-", f"heat-{across.short}-{up.short}")[:80]
    caption = "Medians over everything else; a dash where no point is done."
    return Plot(name, f"{across.name} and {up.name} together", (heat,), 1, caption)

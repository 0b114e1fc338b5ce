"""Monte Carlo yield: how many chips learn nearly as well as their ideal twin."""

import numpy as np
from numpy.typing import NDArray

from sim.explore.asked import Asked
from sim.explore.opened import Sweep
from sim.explore.plot import Axis, Panel, Plot, Series
from sim.explore.told import Told, drawn, told
from sim.explore.yields import (
    EVERY,
    Trials,
    Yield,
    curve_of,
    share_of_points,
    trials_of,
    yield_of,
)
from sim.report.blocks import Block, Cell, Column, Prose, Table
from sim.report.text import counted, share
from sim.sweep.measures import DIVERGED, FAILED

Array = NDArray[np.float64]

_HOW = {
    "in_loop": "trained in the loop",
    "transfer": "given the twin's weights",
}
_FACTORS = np.geomspace(1.1, 10, 60)
_TABLED = (1.1, 1.5, 2.0, 3.0, 5.0, 10.0)
_LINES = 6  # settings in one chart, at most
_ROWS = 40  # settings in a table, at most
_BINS = 14
_SPAN = 1e3  # ratios shown lie at most this factor around the median


def section(sweep: Sweep, asked: Asked) -> Told:
    """The section; a sentence where no chips were drawn."""
    title = "Monte Carlo yield"
    if not sweep.chips:
        said = (
            "No chips were drawn, so there is no yield: --mc N, or chips = N in the sweep's file, "
            "draws the parts of N chips."
        )
        return told("yield", title, "Yield", [Prose(said, "note")])
    found = {name: trials_of(sweep, name) for name in _HOW if _measured(sweep, name)}
    found = {name: trials for name, trials in found.items() if trials}
    if not found:
        said = "No point has both a loss in the circuit and the ideal twin's, so there is no yield."
        return told("yield", title, "Yield", [Prose(said, "note")])
    blocks: list[Block] = [Prose(_headline(name, t[0], asked)) for name, t in found.items()]
    blocks.append(Prose(_counting(sweep, asked, next(iter(found))), "note"))
    blocks.append(_table(found, asked))
    plots = [_curves(found, asked), _histograms(found, asked)]
    if len(next(iter(found.values()))) > 1:
        plots.insert(0, _by_setting(found, asked))
    for plot in plots:
        blocks += drawn(plot)
    blocks.append(_over_factors(found))
    return told("yield", title, "Yield", blocks, plots)


def _measured(sweep: Sweep, name: str) -> bool:
    return bool((np.isfinite(sweep.values(name)) & np.isfinite(sweep.values("ideal"))).any())


def _headline(name: str, trials: Trials, asked: Asked) -> str:
    got = yield_of(trials, asked.within)
    where = f" at {trials.label}" if trials.label else ""
    return (
        f"{got.learning:,} of {counted(got.chips, 'chip')} {_HOW[name]} come{where} to within "
        f"{asked.within:g} times the loss of the ideal twin of the same seed: {_spelt(got)} "
        "(ngspice over mathematics)."
    )


def _spelt(got: Yield) -> str:
    return f"{share(got.share)}, 95 % interval {share(got.low)} to {share(got.high)}"


def _counting(sweep: Sweep, asked: Asked, name: str) -> str:
    failed, diverged = (int((sweep.state == one).sum()) for one in (FAILED, DIVERGED))
    said = "Intervals are Wilson's. A chip is one trial. "
    if len(sweep.seeds) > 1:
        said += (
            f"It learns where the median over its {len(sweep.seeds)} seeds does; with every seed a "
            f"trial of its own the share in the loop would be "
            f"{share(share_of_points(sweep, name, asked.within))}, without an interval, as seeds "
            "on one chip are not independent. "
        )
    return said + (
        f"Points that failed ({failed:,}) or diverged ({diverged:,}) count as not learning."
    )


def _table(found: dict[str, list[Trials]], asked: Asked) -> Table:
    rows, left = [], 0
    for name, trials in found.items():
        left += max(0, len(trials) - _ROWS)
        for one in trials[:_ROWS]:
            got = yield_of(one, asked.within)
            ratio = float(np.nanmedian(one.ratios))
            rows.append(
                (
                    Cell(one.label or "all chips"),
                    Cell(_HOW[name]),
                    Cell(f"{got.chips:,}", got.chips),
                    Cell(f"{got.learning:,}", got.learning),
                    *(Cell(share(value), value) for value in (got.share, got.low, got.high)),
                    Cell("∞" if np.isinf(ratio) else f"{ratio:.3g}", ratio),
                    Cell(f"{one.broken:,} of {one.points:,}", one.broken),
                )
            )
    columns = (
        Column("setting"),
        Column("chips were"),
        Column("chips", numeric=True),
        Column("learn", numeric=True),
        Column("yield", numeric=True),
        Column("95 % from", numeric=True),
        Column("to", numeric=True),
        Column("median loss / ideal", numeric=True),
        Column("points failed", numeric=True),
    )
    note = (
        f"{EVERY}: chips that learn at all of them."
        if any(t[0].label == EVERY for t in found.values())
        else ""
    )
    note += f" {left:,} more settings are left out." if left else ""
    return Table(
        f"Chips within {asked.within:g} times the ideal loss, ngspice over mathematics",
        columns,
        tuple(rows),
        sortable=True,
        note=note.strip(),
    )


def _over_factors(found: dict[str, list[Trials]]) -> Table:
    rows = []
    for name, trials in found.items():
        for one in trials[: _LINES + 1]:
            shares = [yield_of(one, factor) for factor in _TABLED]
            cells = (Cell(share(y.share), y.share) for y in shares)
            rows.append((Cell(one.label or "all chips"), Cell(_HOW[name]), *cells))
    columns = (
        Column("setting"),
        Column("chips were"),
        *(Column(f"within {factor:g}×", numeric=True) for factor in _TABLED),
    )
    return Table("Yield over the factor that is allowed", columns, tuple(rows))


def _curves(found: dict[str, list[Trials]], asked: Asked) -> Plot:
    panels = []
    for name, trials in found.items():
        series: list[Series] = []
        for k, one in enumerate(trials[:_LINES]):
            curve = curve_of(one, _FACTORS.tolist())
            percent = [100 * y.share for y in curve]
            if k == 0:
                low, high = [100 * y.low for y in curve], [100 * y.high for y in curve]
                series.append(Series("", "band", _FACTORS, percent, k, low, high))
            said = [f"within {x:.3g}×: {y:.1f} %" for x, y in zip(_FACTORS, percent, strict=True)]
            label = (one.label or "all chips") if len(trials) > 1 else ""
            series.append(Series(label, "line", _FACTORS, percent, k, told=said))
        more = f"; {len(trials) - _LINES} more settings not shown" if len(trials) > _LINES else ""
        ticks = tuple((float(f), f"{f:g}×") for f in (1.1, 1.5, 2, 3, 5, 10))
        gist = "; ".join(
            f"within {f:g} times {share(yield_of(trials[0], f).share)}" for f in _TABLED
        )
        panels.append(
            Panel(
                f"chips {_HOW[name]}{more}",
                Axis("loss at most this many times the ideal's", log=True, ticks=ticks),
                Axis("yield (%)", span=(-3, 104)),
                tuple(series),
                f"Yield of {trials[0].label or 'all chips'}: {gist}.",
                ((asked.within, True, f"{asked.within:g}×"),),
            )
        )
    return Plot(
        "yield",
        "Yield over the factor that is allowed (ngspice over mathematics)",
        tuple(panels),
        2,
        "Shaded: Wilson's 95 % interval of the first line.",
    )


def _by_setting(found: dict[str, list[Trials]], asked: Asked) -> Plot:
    first = [one.label for one in next(iter(found.values()))][:_ROWS]
    series = []
    for k, (name, trials) in enumerate(found.items()):
        yields = {one.label: yield_of(one, asked.within) for one in trials}
        places = [first.index(label) for label in yields if label in first]
        got = [yields[first[place]] for place in places]
        aside = (k - (len(found) - 1) / 2) * 0.22
        series.append(
            Series(
                _HOW[name],
                "points",
                [place + aside for place in places],
                [100 * y.share for y in got],
                k,
                [100 * y.low for y in got],
                [100 * y.high for y in got],
                [f"{first[p]}: {_spelt(y)}" for p, y in zip(places, got, strict=True)],
            )
        )
    gist = "; ".join(series[0].told) + "."
    ticks = tuple((float(k), label) for k, label in enumerate(first))
    panel = Panel(
        f"Chips within {asked.within:g} times the ideal loss",
        Axis("", ticks=ticks, span=(-0.6, len(first) - 0.4)),
        Axis("yield (%)", span=(-3, 104)),
        tuple(series),
        gist,
        height=380,
    )
    caption = "Bars: Wilson's 95 % interval."
    return Plot("yield-by-setting", "Yield by setting", (panel,), 1, caption)


def _histograms(found: dict[str, list[Trials]], asked: Asked) -> Plot:
    single = {name: [t for t in trials if t.label != EVERY] for name, trials in found.items()}
    finite = {
        name: np.concatenate([t.ratios[np.isfinite(t.ratios) & (t.ratios > 0)] for t in trials])
        for name, trials in single.items()
    }
    logs = np.log10(np.concatenate([*finite.values(), [asked.within]]))
    middle, span = float(np.median(logs)), np.log10(_SPAN)
    low = max(float(logs.min()), middle - span) - 0.02
    high = min(float(logs.max()), middle + span) + 0.02
    edges = np.linspace(low, high, _BINS + 1)
    panels = [_histogram(name, finite[name], single[name], edges, asked) for name in found]
    return Plot(
        "ratios",
        "Loss over the ideal twin's, chip by chip (ngspice over mathematics)",
        tuple(panels),
        2,
        "Each chip at each setting, its median over seeds. Ratios beyond either end are in the bar "
        "at that end; chips that failed, or diverged, in the bar apart at the right.",
    )


def _histogram(name: str, finite: Array, trials: list[Trials], edges: Array, asked: Asked) -> Panel:
    step = float(edges[1] - edges[0])
    counts, _ = np.histogram(np.clip(np.log10(finite), edges[0], edges[-1]), edges)
    lost = sum(int(np.isinf(one.ratios).sum()) for one in trials)
    middles = (edges[:-1] + edges[1:]) / 2
    said = [
        f"{10**a:.3g} to {10**b:.3g}: {n} chips"
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    series = [Series("chips with a loss", "bars", middles, counts.tolist(), 0, told=said)]
    apart = float(edges[-1]) + 1.5 * step
    if lost:
        series.append(
            Series("failed or diverged", "bars", [apart], [lost], 1, told=[f"failed: {lost} chips"])
        )
    whole = _ticks(edges)
    ticks = (*whole, (apart, "failed")) if lost else whole
    middle = f"median {np.median(finite):.3g}, " if finite.size else ""
    gist = f"{middle}{finite.size} chips with a loss; {lost} failed or diverged."
    return Panel(
        f"chips {_HOW[name]}",
        Axis(
            "loss / ideal loss",
            ticks=ticks,
            span=(edges[0] - step, apart + step if lost else edges[-1] + step),
        ),
        Axis("chips" if len(trials) == 1 else "chips × settings"),
        tuple(series),
        gist,
        ((float(np.log10(asked.within)), True, f"{asked.within:g}×"),),
        width=0.92 * step,
    )


def _ticks(edges: Array) -> tuple[tuple[float, str], ...]:
    """Round ratios within the edges, four to eight of them where possible."""
    decades = range(int(np.floor(edges[0])), int(np.ceil(edges[-1])) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [
            (float(np.log10(s * 10.0**d)), f"{s * 10.0**d:g}")
            for d in decades
            for s in steps
            if edges[0] <= np.log10(s * 10.0**d) <= edges[-1]
        ]
        if len(found) >= 4:
            return tuple(found)
    return tuple((float(e), f"{10**e:.3g}") for e in edges[::4])

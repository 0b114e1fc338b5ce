"""Energy against loss: the settings worth choosing from."""

import numpy as np

from sim.explore.asked import ENERGIES, Asked
from sim.explore.factors import spans_decades
from sim.explore.front import Design, designs_of
from sim.explore.opened import Measure, Sweep
from sim.explore.plot import GREY, Axis, Panel, Plot, Series, Style
from sim.explore.told import Told, drawn, figure_of, scale_of, text_of, told, with_unit
from sim.report.blocks import Block, Cell, Column, Fold, Prose, Table
from sim.report.text import counted, share

_ALIKE = 0.01  # between the energies of a front, below which that is said


def section(sweep: Sweep, asked: Asked) -> Told:
    """The section; a sentence where there is no front."""
    title = "Energy against loss"
    name = ENERGIES[asked.energy]
    if not np.isfinite(sweep.values(name)).any():
        said = (
            "No point has an energy, so there is no front: ngspice's circuit has one, with op-amps "
            "that have supply pins (level macro)."
        )
        return told("pareto", title, "Energy", [Prose(said, "note")])
    if sweep.settings < 2:
        said = (
            "One setting alone makes no front: --vary PATH=a,b,c varies what energy and loss "
            "depend on."
        )
        return told("pareto", title, "Energy", [Prose(said, "note")])
    designs = designs_of(sweep, name, asked.metric)
    if not designs:
        said = "No setting has both an energy and a finite loss, so there is no front."
        return told("pareto", title, "Energy", [Prose(said, "note")])
    energy, loss = sweep.measure(name), sweep.measure(asked.metric)
    best = [one for one in designs if one.best]
    blocks: list[Block] = [Prose(_headline(best, designs, sweep, energy, loss))]
    left = sweep.settings - len(designs)
    if left:
        said = (
            f"{counted(left, 'setting')} left out: not computed, without an energy, or with half "
            "of the points or more failed."
        )
        blocks.append(Prose(said, "note"))
    plot = _plot(designs, energy, loss)
    caption = "Settings on the front, numbered as in the chart: no other is better in both"
    blocks += [*drawn(plot), _table(caption, best, energy, loss, numbered=True)]
    if len(best) < len(designs):
        rest = [one for one in designs if not one.best]
        blocks.append(
            Fold(
                f"The {len(rest):,} others", (_table("Settings off the front", rest, energy, loss),)
            )
        )
    return told("pareto", title, "Energy", blocks, (plot,))


def _headline(
    best: list[Design], designs: list[Design], sweep: Sweep, energy: Measure, loss: Measure
) -> str:
    repeated = sweep.state[0].size > 1
    over = " (medians over chips and seeds)" if repeated else ""
    if len(best) == 1:
        return (
            f"{best[0].label} has the least energy, {text_of(best[0].energy, energy)}, and "
            f"the least loss, {text_of(best[0].loss, loss)}, of "
            f"{counted(len(designs), 'setting')}{over}."
        )
    apart = best[-1].energy / best[0].energy - 1
    alike = f" Their energies differ by {share(apart)} only." if apart < _ALIKE else ""
    return (
        f"{len(best)} of {counted(len(designs), 'setting')} are on the front{over}: from "
        f"{_spelt(best[0], energy, loss)} to {_spelt(best[-1], energy, loss)}.{alike}"
    )


def _spelt(one: Design, energy: Measure, loss: Measure) -> str:
    return f"{text_of(one.energy, energy)} with {text_of(one.loss, loss)} ({one.label})"


def _plot(designs: list[Design], energy: Measure, loss: Measure) -> Plot:
    best = [one for one in designs if one.best]
    rest = [one for one in designs if not one.best]
    x = np.array([one.energy for one in designs])
    scale, unit = scale_of(x, energy.unit)

    def series(name: str, ones: list[Design], style: Style, look: int, notes: list[str]) -> Series:
        said = [
            f"{one.label}: {text_of(one.energy, energy)}, {text_of(one.loss, loss)}" for one in ones
        ]
        return Series(
            name,
            style,
            [one.energy / scale for one in ones],
            [one.loss for one in ones],
            look,
            told=said,
            notes=notes,
        )

    notes = [str(k) for k in range(1, len(best) + 1)]
    pictured = [series("another is better in both", rest, "points", GREY, [])] if rest else []
    pictured.append(series("on the front", best, "line and points", 1, notes))
    gist = "; ".join(
        f"{one.label}: {text_of(one.energy, energy)}, {text_of(one.loss, loss)}" for one in best
    )
    panel = Panel(
        f"{loss.told} over {energy.told}",
        Axis(with_unit(energy.said, unit), log=spans_decades(x)),
        Axis(loss.axis, log=spans_decades(np.array([one.loss for one in designs]))),
        tuple(pictured),
        f"On the front: {gist}.",
        height=460,
    )
    caption = "Numbers: the settings of the table below."
    return Plot("pareto", "Energy against loss, setting by setting", (panel,), 1, caption)


def _table(
    caption: str, designs: list[Design], energy: Measure, loss: Measure, *, numbered: bool = False
) -> Table:
    rows = [
        (
            Cell(f"{k}. {one.label}" if numbered else one.label, k),
            figure_of(one.energy, energy),
            figure_of(one.loss, loss),
            Cell(f"{one.points:,}", one.points),
            Cell(f"{one.broken:,}", one.broken),
        )
        for k, one in enumerate(designs, start=1)
    ]
    columns = (
        Column("setting"),
        Column(energy.said, numeric=True),
        Column(loss.axis, numeric=True),
        Column("points", numeric=True),
        Column("failed or diverged", numeric=True),
    )
    said = f"{caption} ({energy.engine}; loss by {loss.engine})"
    return Table(said, columns, tuple(rows), sortable=True)

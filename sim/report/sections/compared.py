"""Several runs side by side: what they reached, and the parameters in which they differ."""

import math
from collections.abc import Sequence

from sim.report.blocks import Block, Cell, Column, Fold, Prose, Section, Table
from sim.report.model.nodes import compared, deviations_of
from sim.report.model.scores import answer_of, scores_of, unit_of
from sim.report.model.settings import Difference, differing
from sim.report.names import names_of
from sim.report.recorded import recorded
from sim.report.text import number, quantity, share
from sim.results import Run


def section(runs: Sequence[Run]) -> Section | None:
    """Two tables; nothing for a single run."""
    if len(runs) < 2:
        return None
    blocks: list[Block] = [_table(runs), *_parameters(runs)]
    return Section("compared", "Side by side", "Side by side", shared=tuple(blocks))


def _table(runs: Sequence[Run]) -> Table:
    units = list(dict.fromkeys(unit_of(run) for run in runs))
    loss = f"({units[0]})" if len(units) == 1 else "(own unit)"
    columns = (
        Column("run"),
        Column("learned?"),
        Column(f"start, ngspice {loss}", numeric=True),
        Column(f"ideal, mathematics {loss}", numeric=True),
        Column(f"transfer, ngspice {loss}", numeric=True),
        Column(f"in loop, ngspice {loss}", numeric=True),
        Column("accuracy in loop", numeric=True),
        Column("deviation, rms (mV)", numeric=True),
        Column("doubtful in training", numeric=True),
        Column("clipped", numeric=True),
        Column("energy per pass", numeric=True),
        Column("time (s)", numeric=True),
    )
    return Table(
        "What each run reached",
        columns,
        tuple(
            _row(run, name, k)
            for k, (run, name) in enumerate(zip(runs, names_of(runs), strict=True))
        ),
        sortable=True,
        note=(
            "Losses are means over the test samples. Deviation: ngspice − mathematics over the "
            "outputs of all layers and all evaluation passes, at the same weights."
        ),
    )


def _row(run: Run, name: str, k: int) -> tuple[Cell, ...]:
    scores, summary = scores_of(run), run.summary
    guards = (summary["guards"] or {}).get("training", {})
    training = guards.get("doubtful", math.nan) / guards["passes"] if guards.get("passes") else None
    rms = math.nan
    if recorded(run) and compared(run):
        rms = 1e3 * deviations_of(run).rms
    energy = summary["energy_per_pass_j"]

    def loss(key: str) -> Cell:
        value = scores[key].loss if key in scores else math.nan
        return Cell(number(value), value)

    accuracy = scores["in_loop"].accuracy if "in_loop" in scores else math.nan
    return (
        Cell(name, link=f"#run-{k}"),
        Cell(answer_of(run).mark),
        loss("start_in_loop"),
        loss("ideal"),
        loss("transfer"),
        loss("in_loop"),
        Cell(share(accuracy), accuracy),
        Cell(number(rms), rms),
        Cell(share(training), math.nan if training is None else training),
        Cell(str(summary["clipped_resistors"]), summary["clipped_resistors"]),
        Cell(quantity(energy, "J"), math.nan if energy is None else energy),
        Cell(f"{summary['time']['total_s']:.1f}", summary["time"]["total_s"]),
    )


def _parameters(runs: Sequence[Run]) -> list[Block]:
    found = differing(runs)
    if not found:
        return [Prose("All parameters of these runs are the same.", "note")]
    names = names_of(runs)
    first = [one for one in found if not one.inside]
    caption = "Parameters in which the runs differ; the others are the same"
    blocks: list[Block] = [_values(caption, names, first)]
    if inside := [one for one in found if one.inside]:
        caption = "Parameters of parts in which these differ"
        blocks.append(Fold("What is inside parts named above", (_values(caption, names, inside),)))
    return blocks


def _values(caption: str, names: Sequence[str], found: Sequence[Difference]) -> Table:
    columns = (Column("parameter"), *(Column(name) for name in names))
    rows = tuple((Cell(one.path), *(Cell(value) for value in one.values)) for one in found)
    return Table(caption, columns, rows)

"""How far the circuit is from the mathematics."""

from collections.abc import Sequence

import numpy as np

from sim.report.blocks import Block, Cell, Chart, Column, Option, Part, Prose, Section, Table
from sim.report.charts import deviation as charts
from sim.report.model.cloud import cloud_of
from sim.report.model.epochs import epochs_of
from sim.report.model.nodes import Deviations, Node, compared, deviations_of
from sim.report.names import names_of
from sim.report.recorded import MISSING, recorded
from sim.report.text import number, quantity
from sim.results import Run

_KINDS = {"pre": "pre-activation", "output": "output"}
_AIR = 1.06  # that an axis goes beyond what is shown
_OUTPUTS = "x of hidden layers, a of the last"


def section(runs: Sequence[Run]) -> Section | None:
    """Charts and a table by node; nothing where no run has a circuit."""
    if not any(run.has_circuit for run in runs):
        return None
    top = _common_top(runs)
    return Section(
        "deviation",
        "Deviation from the mathematics",
        "Deviation",
        shared=(
            Prose(
                "ngspice minus mathematics at the same weights, inputs and noise, at the sampling "
                "instant of every evaluation pass: what the parts of the circuit add that the "
                "mathematics does not have."
            ),
            *_shared(runs),
        ),
        parts=tuple(Part(k, _blocks(run, top)) for k, run in enumerate(runs)),
    )


def _common_top(runs: Sequence[Run]) -> float | None:
    """Top of the axis on which the nodes of all runs are shown, V; None where there is one run."""
    found = [deviations_of(run) for run in runs if recorded(run) and compared(run)]
    if len(found) < 2:
        return None
    return _AIR * max(node.largest for one in found for node in one.shown)


def _shared(runs: Sequence[Run]) -> list[Block]:
    named = enumerate(zip(runs, names_of(runs), strict=True))
    found = [
        (k, name, deviations_of(run)) for k, (run, name) in named if recorded(run) and compared(run)
    ]
    if len(found) < 2:
        return []
    each = "; ".join(f"{name} {quantity(one.rms, 'V')}" for _, name, one in found)
    gist = f"Root mean square of the deviation over the outputs of all layers: {each}."
    return [Chart(charts.of_runs(found), gist, gist)]


def _blocks(run: Run, top: float | None) -> list[Block]:
    if not run.has_circuit:
        return [Prose("No circuit was simulated.", "note")]
    if not recorded(run):
        return [MISSING]
    blocks = [] if compared(run) else [Prose(_not_compared(run), "note")]
    if compared(run):
        found = deviations_of(run)
        blocks = [_bars(found, top), _scatter(run, found), _table(found)]
    return blocks + _over_epochs(run)


def _not_compared(run: Run) -> str:
    if not run.finished:
        return "The run ended before its circuit was compared with the mathematics."
    return "The run's circuit was not compared with the mathematics."


def _bars(found: Deviations, top: float | None) -> Chart:
    worst = found.worst
    gist = (
        f"Over {found.passes:,} passes, {found.doubtful:,} of "
        f"them doubtful, the outputs of all layers ({_OUTPUTS}) deviate by "
        f"{quantity(found.rms, 'V')} rms; the node that deviates most is {worst.name}, by "
        f"{quantity(worst.rms, 'V')} rms and {quantity(worst.largest, 'V')} at most."
    )
    same = "" if top is None else " The axis is the same for all runs."
    return Chart(charts.by_node(found, top), gist, gist + _left_out(found) + same)


def _left_out(found: Deviations) -> str:
    more = len(found.nodes) - len(found.shown)
    if not more:
        return ""
    return f" The first {len(found.shown)} of {len(found.nodes)} nodes are shown."


def _scatter(run: Run, found: Deviations) -> Chart:
    """Of the shown nodes; the one with the largest rms first."""
    cloud, nodes = cloud_of(run, found), found.shown
    worst = max(range(len(nodes)), key=lambda k: nodes[k].rms)
    options = tuple(
        Option(
            f"{nodes[k].name} ({_KINDS[nodes[k].kind]}, layer {nodes[k].layer})",
            tuple(range(3 * k, 3 * k + 3)),
        )
        for k in (worst, *(k for k in range(len(nodes)) if k != worst))
    )
    thinned = f" One pair of passes in {cloud.step} is shown." if cloud.step > 1 else ""
    return Chart(
        charts.scatter(cloud, worst),
        f"Scatter of ngspice over mathematics, and of their difference, for {nodes[worst].name}; "
        "the table has the figures of every node.",
        (
            "A point a pass: ngspice over mathematics, and below it their difference. Open "
            f"diamonds are doubtful passes.{thinned}"
        ),
        options,
        "node",
    )


def _table(found: Deviations) -> Table:
    columns = (
        Column("node"),
        Column("layer", numeric=True),
        Column("kind"),
        Column("rms (mV)", numeric=True),
        Column("max (mV)", numeric=True),
        Column("mean (mV)", numeric=True),
        Column("rms without doubtful (mV)", numeric=True),
        Column("max without doubtful (mV)", numeric=True),
    )
    note = _left_out(found).strip()
    caption = (
        f"ngspice − {found.twin} by node, over {found.passes:,} passes; "
        f"{found.doubtful:,} of them doubtful"
    )
    return Table(caption, columns, tuple(map(_row, found.shown)), sortable=True, note=note)


def _row(node: Node) -> tuple[Cell, ...]:
    figures = (node.rms, node.largest, node.mean, node.rms_ok, node.largest_ok)
    return (
        Cell(node.name),
        Cell(str(node.layer), node.layer),
        Cell(_KINDS[node.kind]),
        *(Cell(number(1e3 * volts), 1e3 * volts) for volts in figures),
    )


def _over_epochs(run: Run) -> list[Block]:
    deviation = epochs_of(run).deviation
    if not np.isfinite(deviation).any():
        return []
    known = deviation[np.isfinite(deviation)]
    gist = (
        f"Deviation during training, rms over all outputs and passes of an epoch: "
        f"{quantity(float(known[0]), 'V')} in the first epoch, "
        f"{quantity(float(known[-1]), 'V')} in the last, ngspice − mathematics at the weights "
        "of the moment."
    )
    if len(known) < 2:
        return [Prose(gist)]
    return [Chart(charts.over_epochs(deviation), gist, gist)]

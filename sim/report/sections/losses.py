"""Loss over epochs."""

from collections.abc import Sequence

from sim.figures import LABELS
from sim.report.blocks import Block, Cell, Chart, Column, Fold, Grid, Part, Prose, Section, Table
from sim.report.charts import losses as charts
from sim.report.model.epochs import Epochs, epochs_of
from sim.report.model.scores import unit_of
from sim.report.names import names_of
from sim.report.recorded import MISSING, recorded
from sim.report.text import counted, listed, number
from sim.results import Run

_COLUMNS = (("5 %", "q05"), ("25 %", "q25"), ("median", "q50"), ("75 %", "q75"), ("95 %", "q95"))


def section(runs: Sequence[Run]) -> Section:
    """Box plots of each run; with several, their medians in one chart first."""
    return Section(
        "losses",
        "Loss over epochs",
        "Loss",
        shared=tuple(_shared(runs)),
        parts=tuple(Part(k, _blocks(run)) for k, run in enumerate(runs)),
    )


def _shared(runs: Sequence[Run]) -> list[Block]:
    if len(runs) < 2:
        return []
    named = enumerate(zip(runs, names_of(runs), strict=True))
    found = [(k, run, name, epochs_of(run)) for k, (run, name) in named if recorded(run)]
    charts_of: list[Block] = []
    for learner, label in reversed(LABELS.items()):
        by_loss: dict[tuple[str, str], list[tuple[int, str, Epochs]]] = {}
        for k, run, name, epochs in found:
            if learner in epochs.learners:
                loss = (run.summary["loss_name"], unit_of(run))
                by_loss.setdefault(loss, []).append((k, name, epochs))
        for (loss, unit), those in by_loss.items():
            if len(those) < 2:
                continue
            ends = [f"{name} {number(_last(epochs, learner))}" for _, name, epochs in those]
            charts_of.append(
                Chart(
                    charts.medians(those, learner, loss, unit),
                    f"Median {loss} over epochs, {label}. In the last epoch: {listed(ends)}.",
                    f"Median per-sample loss of each run: {label}.",
                )
            )
    return [Grid(tuple(charts_of))] if charts_of else []


def _last(epochs: Epochs, learner: str) -> float:
    return float(epochs.learners[learner].quantiles["q50"][-1])


def _blocks(run: Run) -> list[Block]:
    if not recorded(run):
        return [MISSING]
    epochs = epochs_of(run)
    if not epochs.trained:
        return [Prose("No epoch was finished.", "note")]
    return [_chart(run, epochs), Fold("The numbers", (_table(run, epochs),))]


def _chart(run: Run, epochs: Epochs) -> Chart:
    unit, name = unit_of(run), run.summary["loss_name"]
    first_last = [
        f"{LABELS[learner]} from {number(float(spread.quantiles['q50'][0]))} to "
        f"{number(float(spread.quantiles['q50'][-1]))}"
        for learner, spread in epochs.learners.items()
    ]
    shown = (
        f"{len(epochs.numbers)} of {epochs.trained} epochs are shown, evenly. "
        if len(epochs.numbers) < epochs.trained
        else ""
    )
    trained = f"{counted(epochs.trained, 'epoch')}: median {listed(first_last)} {unit}"
    return Chart(
        charts.boxes(epochs, name, unit),
        f"Box plot of the {name} over {trained}.",
        (
            f"Loss of every training sample in pass 1. Box: quartiles, whiskers: 5 % and 95 %, "
            f"marker: mean. {shown}Over {trained}."
        ),
    )


def _table(run: Run, epochs: Epochs) -> Table:
    columns = [Column("epoch", numeric=True), Column("network")]
    columns += [Column(title, numeric=True) for title, _ in _COLUMNS]
    columns.append(Column("mean", numeric=True))
    rows = []
    for k, epoch in enumerate(epochs.numbers.tolist()):
        for learner, spread in epochs.learners.items():
            figures = [float(spread.quantiles[key][k]) for _, key in _COLUMNS]
            figures.append(float(spread.mean[k]))
            cells = [Cell(number(value), value) for value in figures]
            rows.append((Cell(str(epoch), epoch), Cell(LABELS[learner]), *cells))
    caption = f"Per-sample {run.summary['loss_name']} in pass 1 ({unit_of(run)})"
    return Table(caption, tuple(columns), tuple(rows), sortable=True)

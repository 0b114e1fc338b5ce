"""Did it learn: the answer, and the scores behind it."""

import math
from collections.abc import Iterator, Sequence

from sim.report.blocks import Block, Cell, Column, Part, Prose, Section, Table, Verdict
from sim.report.model.ending import ending_of, told
from sim.report.model.scores import CRITERION, TENTH, Score, answer_of, scores_of, unit_of
from sim.report.text import NONE, number, share
from sim.results import Run


def section(runs: Sequence[Run]) -> Section:
    """A verdict and a table of scores for each run."""
    criterion = Prose(CRITERION, "criterion")
    parts = [_blocks(run) for run in runs]
    if len(runs) == 1:
        parts[0].append(criterion)
    return Section(
        "learned",
        "Did it learn?",
        "Learned?",
        shared=(criterion,) if len(runs) > 1 else (),
        parts=tuple(Part(k, blocks) for k, blocks in enumerate(parts)),
    )


def _blocks(run: Run) -> list[Block]:
    blocks: list[Block] = [_verdict(run)]
    scores = scores_of(run)
    if scores:
        blocks.append(_table(run, list(scores.values())))
    blocks += [Prose(warning, "warning") for warning in run.summary["warnings"]]
    return blocks


def _verdict(run: Run) -> Verdict:
    answer, unit = answer_of(run), unit_of(run)
    if not run.finished:
        headline = told(run)
    elif answer.mark == "not trained":
        headline = "Nothing was trained: the run has no epochs."
    else:
        verb = {"good": "Yes", "fair": "A little", "poor": "No"}[answer.grade]
        headline = (
            f"{verb}: {answer.what} went from a loss of {number(answer.before)} "
            f"to {number(answer.after)} {unit} {_times(answer.before, answer.after)}."
        )
    return Verdict(answer.grade, answer.mark, headline, tuple(_reasons(run)))


def _times(before: float, after: float) -> str:
    if after == before:
        return "(no change)"
    if after == 0 or before == 0:
        return "(from zero)" if before == 0 else "(to zero)"
    if after < before:
        return f"({number(before / after)} times less)"
    return f"({number(after / before)} times more)"


def _reasons(run: Run) -> Iterator[str]:
    scores, failure = scores_of(run), ending_of(run).failure
    if failure:
        yield f"What the run said: {failure}"
    ideal, transfer, in_loop = (scores.get(key) for key in ("ideal", "transfer", "in_loop"))
    if in_loop and transfer and run.summary["epochs"]:
        yield _against_transfer(in_loop, transfer)
    if in_loop and ideal:
        yield (
            f"The ideal twin, by {ideal.engine}, reaches {number(ideal.loss)}: the circuit has "
            f"{_ratio(in_loop.loss, ideal.loss)} that loss."
        )
    if transfer and not in_loop:
        yield (
            f"No circuit learned in the loop: {run.summary['rule']} needs the mathematics. The "
            f"twin's weights in the circuit give {number(transfer.loss)}, in ngspice"
            f"{f', {_ratio(transfer.loss, ideal.loss)} the loss of the twin' if ideal else ''}."
        )
    if not run.has_circuit:
        yield "No circuit was simulated: the run is of the mathematics alone."
    last = in_loop or transfer
    if last and last.doubtful:
        yield (
            f"{last.doubtful:,.0f} of the {last.passes:,.0f} passes behind the circuit's score "
            "are doubtful."
        )
    if last and not math.isnan(last.accuracy):
        yield f"Accuracy of the circuit on the test samples: {share(last.accuracy)}."


def _against_transfer(in_loop: Score, transfer: Score) -> str:
    than = f"Transfer, the twin's weights in the circuit, gives {number(transfer.loss)}"
    if in_loop.loss < TENTH * transfer.loss:
        more = _ratio(transfer.loss, in_loop.loss)
        return f"{than}, {more} as much: training in the loop paid off."
    if transfer.loss < TENTH * in_loop.loss:
        return f"{than}, which is less: training in the loop did not pay off."
    return f"{than}, within a tenth of the same: training in the loop made little difference."


def _ratio(value: float, of: float) -> str:
    """`2.7 times`; of zero nothing is a multiple."""
    return f"{number(value / of)} times" if of else "more than any multiple"


def _table(run: Run, scores: list[Score]) -> Table:
    judged = any(not math.isnan(score.accuracy) for score in scores)
    columns = [Column("network"), Column(f"loss ({unit_of(run)})", numeric=True)]
    columns += [Column("accuracy", numeric=True)] if judged else []
    columns += [Column("doubtful passes", numeric=True)] if run.has_circuit else []
    columns.append(Column("engine"))
    rows = []
    for score in scores:
        row = [Cell(score.label), Cell(number(score.loss), score.loss)]
        row += [Cell(share(score.accuracy), score.accuracy)] if judged else []
        if run.has_circuit:
            passes = score.passes
            doubtful = NONE if math.isnan(passes) else f"{score.doubtful:,.0f} of {passes:,.0f}"
            row.append(Cell(doubtful, score.doubtful))
        rows.append((*row, Cell(score.engine)))
    caption = f"Mean {run.summary['loss_name']} loss over the test samples"
    return Table(caption, tuple(columns), tuple(rows))

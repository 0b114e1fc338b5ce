"""What networks scored, and whether that means that something was learned."""

import math
from dataclasses import dataclass

from sim.report.model.ending import DIVERGED, ending_of
from sim.results import Run

HALF, TENTH = 0.5, 0.9

CRITERION = (
    "Learned: the loss on the test samples fell to half of its value at the start or less. A "
    "little: it fell by a tenth or more. Both are of the circuit trained in the loop, in ngspice; "
    "where there is none, of the twin, by mathematics."
)

LABELS = {
    "start_ideal": "at the start: twin",
    "start_in_loop": "at the start: circuit",
    "ideal": "ideal: twin trained",
    "transfer": "transfer: the twin's weights in the circuit",
    "in_loop": "in loop: circuit trained",
}


@dataclass(frozen=True)
class Score:
    """Of one network on the test samples; NaN is what was not measured.

    Attributes:
        key: of `sim.results.SCORES`.
        label: in words.
        engine: mathematics or ngspice; what the mathematics is, where it is not ideal.
        loss: in units of the loss.
        accuracy: 1.
        passes: simulated.
        doubtful: of them.
    """

    key: str
    label: str
    engine: str
    loss: float
    accuracy: float
    passes: float
    doubtful: float


@dataclass(frozen=True)
class Answer:
    """Whether it learned.

    Attributes:
        grade: `good`, `fair`, `poor` or `open`.
        mark: in a word or two.
        what: whose scores say so.
        before: loss at the start; NaN where not scored.
        after: loss at the end, likewise.
    """

    grade: str
    mark: str
    what: str
    before: float
    after: float


def scores_of(run: Run) -> dict[str, Score]:
    """What was scored, by key."""
    scores, found = run.scores, {}
    twin = run.summary["twin"]["is"]
    for k, key in enumerate(scores["score"].to_numpy().tolist()):
        loss, accuracy, passes, doubtful = (
            float(scores[name][k]) for name in ("loss", "accuracy", "passes", "doubtful")
        )
        if math.isnan(loss):
            continue
        engine = str(scores["engine"][k].item())
        if engine == "mathematics" and not twin.startswith("ideal"):
            engine = twin
        found[key] = Score(key, LABELS[key], engine, loss, accuracy, passes, doubtful)
    return found


def unit_of(run: Run) -> str:
    """The unit of the loss."""
    return run.scores["loss"].attrs["units"]


def answer_of(run: Run) -> Answer:
    """Whether a run learned, by `CRITERION`."""
    scores = run.scores["loss"]
    loss = dict(zip(scores["score"].to_numpy().tolist(), scores.to_numpy().tolist(), strict=True))
    what, before, after = (
        "the circuit in the loop, in ngspice,",
        loss["start_in_loop"],
        loss["in_loop"],
    )
    if math.isnan(after):
        what, before, after = "the twin, by mathematics,", loss["start_ideal"], loss["ideal"]
    if not run.finished:
        how = ending_of(run).how
        return Answer("poor" if how == DIVERGED else "open", how, "the run", before, math.nan)
    if not run.summary["epochs"]:
        return Answer("open", "not trained", "nothing", before, after)
    if after <= HALF * before:
        return Answer("good", "learned", what, before, after)
    if after <= TENTH * before:
        return Answer("fair", "learned a little", what, before, after)
    return Answer("poor", "did not learn", what, before, after)

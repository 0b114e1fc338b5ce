"""A study from its plan to its folder: search, finalists, judgement on held-out seeds."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from sim.config import RunConfig
from sim.errors import SimulationError
from sim.interruption import noted_interruptions
from sim.lock import held
from sim.sweep.measures import DONE
from sim.sweep.running import open_runner
from sim.sweep.store import Store
from sim.tune.folder import begin_folder, make_folder, write_result
from sim.tune.plan import Plan
from sim.tune.progress import Progress
from sim.tune.score import Score
from sim.tune.study import Proposals, Trial
from sim.tune.trying import Runs, Tryer, judging, searching

if TYPE_CHECKING:
    from optuna import Study

POINTS = "points"
"""Folder of the points, where no other store is named."""

_STOPPING = "stopping; what is finished is kept"


@dataclass(frozen=True)
class Tuned:
    """What a study found.

    Attributes:
        plan: that it followed.
        trials: all, in the order in which they were proposed.
        start: what the study's own configuration is worth, on the seeds tuned on, by the engine
            that searched.
        finalists: trials that were run in ngspice after a search by the twin; the scores are those
            of ngspice, the configuration at the start the first, with number -1.
        front: trials that no other is better than in both loss and energy; the best alone where one
            of them is made small.
        best: the winner, judged by `judge`.
        configs: of the front, for runs of their own.
        config: of the winner.
        judge: engine that judged.
        held_out: what start and best are worth on the held-out seeds, by the judge.
        study: optuna's, for its own functions; values are log10 of the loss, and J.
    """

    plan: Plan
    trials: tuple[Trial, ...]
    start: Score
    finalists: tuple[Trial, ...]
    front: tuple[Trial, ...]
    best: Trial
    configs: tuple[RunConfig, ...]
    config: RunConfig
    judge: str
    held_out: tuple[Score, Score]
    study: "Study"

    @property
    def start_judged(self) -> Score:
        """What the configuration at the start is worth on the seeds tuned on, by the judge."""
        return self.finalists[0].score if self.finalists else self.start


def tune(
    plan: Plan,
    out: Path | str,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    store: Store | Path | str | None = None,
    runner: Runs | None = None,
    quiet: bool = True,
) -> Tuned:
    """Follow a plan, or go on with it where it was broken off.

    The result is the same for every number of workers, and however often it was broken off.

    Args:
        plan: as of `make_plan`.
        out: folder of the study.
        jobs: worker processes on this machine.
        scheduler: address of a dask scheduler, in place of workers on this machine.
        store: where points are kept; the folder `points` in `out` by default.
        runner: computes the points, in place of workers that are opened for the study alone.
        quiet: show no progress.

    Raises:
        UserError: the folder holds another study, or points cannot be computed at all.
        SimulationError: no trial could be finished.
        StoppedStudyError: a signal came; its text says how to go on.
    """
    folder, console = Path(out), Console(quiet=quiet)
    with contextlib.ExitStack() as stack:
        make_folder(folder)
        stack.enter_context(held(folder, console, quiet=quiet))
        begin_folder(folder, plan)
        interrupted = stack.enter_context(noted_interruptions("" if quiet else _STOPPING))
        proposals = Proposals(plan, folder)
        kept = store if isinstance(store, Store) else Store(store or folder / POINTS)
        runs = runner or stack.enter_context(open_runner(jobs, scheduler))
        progress = stack.enter_context(Progress(console, plan, quiet=quiet))
        tryer = Tryer(
            plan, folder, kept, runs, lambda: bool(interrupted), lambda *_: progress.point()
        )
        tuned = _followed(tryer, proposals, progress)
    write_result(tuned, folder)
    return tuned


def _followed(tryer: Tryer, proposals: Proposals, progress: Progress) -> Tuned:
    plan, engine, judge = tryer.plan, searching(tryer.plan), judging(tryer.plan)
    while len(proposals.trials) < plan.trials:
        progress.trials(proposals.trials)
        batch = proposals.next_batch()
        fresh = [values for values, known in batch if known is None]
        found = iter(tryer.tried(fresh, plan.seeds, engine))
        proposals.take([known or next(found) for _, known in batch])
    trials = tuple(proposals.trials)
    progress.trials(trials)
    finished = [trial for trial in trials if trial.score.state == DONE]
    if not finished:
        raise SimulationError(f"none of {len(trials)} trials could be finished: {_most(trials)}")
    (start,) = tryer.tried([{}], plan.seeds, engine)
    finalists: tuple[Trial, ...] = ()
    if plan.stage == "twin-first":
        progress.say("finalists in ngspice")
        finalists = tuple(_finalists(tryer, finished))
        finished = [trial for trial in finalists[1:] if trial.score.state == DONE]
        if not finished:
            raise SimulationError(
                f"none of the {len(finalists) - 1} finalists could be finished in ngspice: "
                f"{_most(finalists[1:])}"
            )
    front = _front(finished, plan.goal)
    best = _chosen(front, finalists[0].score if finalists else start, plan.goal)
    progress.say("held-out seeds")
    first, last = tryer.tried([{}, best.values], plan.held_out, judge)
    return Tuned(
        plan=plan,
        trials=trials,
        start=start,
        finalists=finalists,
        front=front,
        best=best,
        configs=tuple(tryer.config_of(trial.values) for trial in front),
        config=tryer.config_of(best.values),
        judge=judge,
        held_out=(first, last),
        study=proposals.study,
    )


def _finalists(tryer: Tryer, finished: Sequence[Trial]) -> Iterator[Trial]:
    """The start, and the best by the twin, run in ngspice."""
    plan = tryer.plan
    ranked = sorted(finished, key=lambda trial: (trial.score.log_loss, trial.number))
    distinct: list[Trial] = []
    for trial in ranked:
        if all(trial.values != other.values for other in distinct):
            distinct.append(trial)
    chosen = distinct[: plan.finalists]
    sets = [{}, *(trial.values for trial in chosen)]
    first, *others = tryer.tried(sets, plan.seeds, judging(plan))
    yield Trial(-1, {}, first)
    for trial, score in zip(chosen, others, strict=True):
        yield Trial(trial.number, trial.values, score)


def _front(finished: Sequence[Trial], goal: str) -> tuple[Trial, ...]:
    """Those that no other is better than, least energy first; of one goal the best alone."""
    if goal != "both":
        return (min(finished, key=lambda trial: (*trial.score.values(goal), trial.number)),)
    by_energy = sorted(finished, key=lambda t: (t.score.energy, t.score.log_loss, t.number))
    front: list[Trial] = []
    for trial in by_energy:
        if not front or trial.score.log_loss < front[-1].score.log_loss:
            front.append(trial)
    return tuple(front)


def _chosen(front: Sequence[Trial], start: Score, goal: str) -> Trial:
    """Of a front, the least loss for no more energy than at the start; else the least loss."""
    if goal == "both" and start.state == DONE:
        thrifty = [trial for trial in front if trial.score.energy <= start.energy]
        return thrifty[-1] if thrifty else front[-1]
    return front[-1]


def _most(trials: Sequence[Trial]) -> str:
    """The reason that most of them have, and how many."""
    reasons = [trial.score.reason for trial in trials]
    most = max(reasons, key=reasons.count)
    return f"most often ({reasons.count(most)} of them) {most}"

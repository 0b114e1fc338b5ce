"""The study: proposals by optuna, kept in a journal, the same however often it is interrupted.

Trials are proposed in batches of a fixed size. Every batch has a sampler of its own, seeded by the
study's seed and the number of its first trial, so that a proposal follows from these, and from the
results of the batches before, alone: not from how many workers there are, nor from where a study
was broken off. What is finished is appended to the journal, a trial a line; a line that was cut off
by the end of the process is cut away, and its trial proposed again, the same.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sim.durable import cannot_write
from sim.errors import UserError
from sim.sweep.measures import DONE
from sim.tune.plan import Plan
from sim.tune.score import Score

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

JOURNAL = "study.log"
"""Optuna's journal; its dashboard reads it too."""

_NAME = "danp-cosim tune"


@dataclass(frozen=True)
class Trial:
    """A set of values that was tried.

    Attributes:
        number: from 0.
        values: by full path.
        score: what they are worth.
    """

    number: int
    values: Mapping[str, Any]
    score: Score


class Proposals:
    """Proposes sets of values, and takes what they are worth.

    Args:
        plan: of the study.
        folder: of the study.

    Raises:
        UserError: the journal is damaged, or of other proposals.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        import optuna  # noqa: PLC0415  # a third of a second
        from optuna.storages import JournalStorage  # noqa: PLC0415
        from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415

        optuna.logging.set_verbosity(logging.ERROR)
        self._plan = plan
        self._space: dict[str, BaseDistribution] = {
            one.path: one.distribution() for one in plan.over
        }
        self._path = folder / JOURNAL
        _mend(self._path)
        directions: list[Literal["minimize"]] = ["minimize"]
        if plan.goal == "both":
            directions.append("minimize")
        try:
            storage = JournalStorage(JournalFileBackend(str(self._path)))
            self._journal = optuna.create_study(
                storage=storage, study_name=_NAME, directions=directions, load_if_exists=True
            )
            self._kept = [_trial(one) for one in self._journal.get_trials(deepcopy=False)]
        except OSError as error:
            raise cannot_write(self._path, error) from None
        except (ValueError, LookupError, TypeError, AssertionError) as error:
            raise UserError(
                f"{self._path}: is damaged ({error}); remove it: trials are proposed again, and "
                "their points are known"
            ) from None
        # In memory, where a batch that is under way leaves no trace when the process ends.
        self.study = optuna.create_study(directions=directions)
        whole = len(self._kept) // plan.batch * plan.batch
        self.study.add_trials(self._journal.get_trials()[:whole])
        self.trials: list[Trial] = self._kept[:whole]

    def next_batch(self) -> list[tuple[dict[str, Any], Score | None]]:
        """The next batch: values by full path, and what is known of them from before.

        Raises:
            UserError: another version of optuna proposes something else than the journal holds.
        """
        plan, begin = self._plan, len(self.trials)
        self.study.sampler = _sampler(plan, begin)
        if begin == 0 and plan.start is not None:
            self.study.enqueue_trial(plan.start)
        count = min(plan.batch, plan.trials - begin)
        self._asked = [self.study.ask(self._space) for _ in range(count)]
        batch = [dict(trial.params) for trial in self._asked]
        for values, kept in zip(batch, self._kept[begin:], strict=False):
            if values != kept.values:
                raise UserError(
                    f"{self._path}: trial {kept.number} is proposed otherwise here; the study was "
                    "begun with another version of optuna: take a folder of its own, with --out"
                )
        known = [one.score for one in self._kept[begin : begin + count]]
        return list(zip(batch, [*known, *[None] * (count - len(known))], strict=True))

    def take(self, scores: Sequence[Score]) -> None:
        """Take what the trials of the batch are worth, in their order.

        Raises:
            WriteError: the journal takes no more.
        """
        from optuna.trial import TrialState  # noqa: PLC0415

        known = len(self._kept)
        for asked, score in zip(self._asked, scores, strict=True):
            asked.set_user_attr("score", score.to_dict())
            if score.state == DONE:
                told = self.study.tell(asked, score.values(self._plan.goal))
            else:
                # Pruned: TPE counts it among the worst, so that proposals keep away from there.
                # NSGA-II ignores it: no parent of a generation, and nothing to keep away from.
                told = self.study.tell(asked, state=TrialState.PRUNED)
            self.trials.append(Trial(asked.number, dict(asked.params), score))
            if told.number >= known:
                self._keep(told)

    def _keep(self, trial: "FrozenTrial") -> None:
        try:
            self._journal.add_trial(trial)
        except OSError as error:
            raise cannot_write(self._path, error) from None


def _sampler(plan: Plan, begin: int) -> Any:
    """Of the batch that begins with a trial."""
    from optuna.samplers import NSGAIISampler, TPESampler  # noqa: PLC0415

    seed = int(np.random.SeedSequence([plan.sampler_seed, begin]).generate_state(1)[0])
    if plan.goal == "both":
        return NSGAIISampler(population_size=max(2 * plan.batch, 4), seed=seed)
    return TPESampler(seed=seed)


def _trial(kept: "FrozenTrial") -> Trial:
    return Trial(kept.number, dict(kept.params), Score.from_dict(kept.user_attrs["score"]))


def _mend(path: Path) -> None:
    """Cut away a line that was not written to its end, and a lock that outlived its process."""
    try:
        with suppress(FileNotFoundError):
            content = path.read_bytes()
            whole = content.rpartition(b"\n")[0]
            if content and not content.endswith(b"\n"):
                path.write_bytes(whole + b"\n" if whole else b"")
        path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None

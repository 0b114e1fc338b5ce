"""A training at scale: epochs of steps, the scores between them, and all that it goes on from."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from learning.scale import Score, score
from sim.errors import UserError
from sim.scale.preparation import Setup

Row = dict[str, float]
"""An epoch: `epoch`, `train_loss`, `train_accuracy`, `test_loss`, `test_accuracy` as scored after
it, `noisy_loss` as learned from during it, `skipped` updates, and `seconds` that it took."""

COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "noisy_loss",
    "skipped",
    "seconds",
)
"""Names in a row, in their order."""

_UNKNOWN = Score(math.nan, math.nan, 0)


class DivergedError(UserError):
    """A loss or a weight is no finite number any more."""


class Training:
    """A network on its way through the epochs.

    Args:
        setup: what it consists of.

    Attributes:
        setup: likewise.
        history: a row an epoch, before the first one included.
        step: batches done in the epoch under way.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.history: list[Row] = []
        self.step = 0
        self._spent = 0.0  # s, of the epoch under way, before `_since`
        self._since = time.perf_counter()

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return max(len(self.history) - 1, 0)

    @property
    def seen(self) -> int:
        """Samples learned from so far, those of the epoch under way included."""
        data = self.setup.data.train
        return self.epochs * data.samples + min(self.step * self._batch, data.samples)

    @property
    def seconds(self) -> float:
        """Spent on finished epochs and their scores, s."""
        return sum(row["seconds"] for row in self.history)

    @property
    def _batch(self) -> int:
        return self.setup.config.learning.batch or 1

    def train(
        self,
        *,
        stop: Callable[[], bool],
        after_step: Callable[[], object],
        after_epoch: Callable[[Row], object],
    ) -> bool:
        """Go on to the last epoch.

        Args:
            stop: asked after every step and every score.
            after_step: called after every step, and after every score that is finite.
            after_epoch: called with every new row.

        Returns:
            Whether the last epoch is finished; else it was stopped.

        Raises:
            DivergedError: a loss or a weight is not finite.
        """
        self._since = time.perf_counter()
        if not self.history:
            self._conclude(after_epoch)
            after_step()
        while self.epochs < (self.setup.config.learning.epochs or 0):
            if stop() or not self._epoch(stop, after_step):
                return False
            self._conclude(after_epoch)
            after_step()
        return True

    def _epoch(self, stop: Callable[[], bool], after_step: Callable[[], object]) -> bool:
        """Do the rest of the epoch under way; return whether it came to its end."""
        batches, learner = self.setup.data.train, self.setup.learner
        if self.step == len(batches):  # a checkpoint between its last step and the scores
            return True
        learner.set_rate(self._rate())
        for inputs, targets in batches:
            learner.step(inputs, targets)
            self.step += 1
            after_step()
            if stop() and self.step < len(batches):
                return False
        return True

    def _rate(self) -> float:
        """η of the epoch under way."""
        learning = self.setup.config.learning
        eta = learning.eta or 0.0
        if learning.schedule == "linear":
            eta *= 1 - self.epochs / (learning.epochs or 1)
        return eta

    def _conclude(self, after_epoch: Callable[[Row], object]) -> None:
        """Score, and take down the row of what has just ended; the first is of the start."""
        number = len(self.history)
        totals = self.setup.learner.totals()
        train, test = self._scores(number)
        now = time.perf_counter()
        row: Row = {
            "epoch": number,
            "train_loss": train.loss,
            "train_accuracy": train.accuracy,
            "test_loss": test.loss,
            "test_accuracy": test.accuracy,
            "noisy_loss": totals.loss,
            "skipped": totals.skipped,
            "seconds": self._spent + now - self._since,
        }
        self.history.append(row)
        self.step, self._spent, self._since = 0, 0.0, now
        after_epoch(row)
        self._require_finite(row)

    def _scores(self, number: int) -> tuple[Score, Score]:
        """Of training and test samples; unknown between the epochs that are scored."""
        config = self.setup.config
        if number % config.evaluation.every and number != config.learning.epochs:
            return _UNKNOWN, _UNKNOWN
        train = self._score(self.setup.data.scored_train)
        if self.setup.data.test is None:
            return train, train
        return train, self._score(self.setup.data.test)

    def _score(self, batches: Any) -> Score:
        setup = self.setup
        noise = setup.noise if setup.config.evaluation.noise else None
        found = score(setup.network, setup.forward, batches, setup.loss, noise)
        return found if setup.data.classes else Score(found.loss, math.nan, found.samples)

    def _require_finite(self, row: Row) -> None:
        losses = [row["train_loss"], row["test_loss"]]  # NaN between epochs that are scored
        if row["epoch"]:
            losses.append(row["noisy_loss"] if math.isfinite(row["noisy_loss"]) else math.inf)
        tensors = self.setup.network.tensors().values()
        if any(map(math.isinf, losses)) or not all(bool(t.isfinite().all()) for t in tensors):
            learning = self.setup.config.learning
            decor = f", or --decor-rate, now {learning.decor_rate:g}" if learning.decor_rate else ""
            raise DivergedError(
                f"training diverged in epoch {row['epoch']:.0f}: a weight or loss is not finite; "
                f"try a smaller --eta, now {learning.eta:g}{decor}"
            )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that the rest depends on: tensors by name, and plain values."""
        now = time.perf_counter()
        tensors = {
            f"{name}/{key}": tensor
            for name, part in self._parts().items()
            for key, tensor in part.items()
        }
        plain = {
            "history": self.history,
            "step": self.step,
            "spent": self._spent + now - self._since,
        }
        return tensors, plain

    def _parts(self) -> dict[str, Mapping[str, Tensor]]:
        setup = self.setup
        parts: dict[str, Mapping[str, Tensor]] = {
            "network": setup.network.tensors(),
            "learner": setup.learner.state(),
            "train": setup.data.train.state(),
            "scored": setup.data.scored_train.state(),
        }
        if setup.noise is not None:
            parts["noise"] = setup.noise.state()
        if setup.cell is not None:
            parts["cell"] = setup.cell.state()
        return parts

    def restore(self, tensors: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
        """Go on where another training of the same setup had its `state` taken."""
        setup = self.setup
        setup.network.restore(_of("network", tensors))
        # The optimizer keeps what it is given, so that has to be where the network is.
        learner = _of("learner", tensors)
        setup.learner.restore({name: t.to(setup.device) for name, t in learner.items()})
        setup.data.train.restore(_of("train", tensors))
        setup.data.scored_train.restore(_of("scored", tensors))
        if setup.noise is not None:
            setup.noise.restore(_of("noise", tensors))
        if setup.cell is not None:
            setup.cell.restore(_of("cell", tensors))
        self.history = [dict(row) for row in plain["history"]]
        self.step, self._spent = plain["step"], plain["spent"]


def _of(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    start = f"{part}/"
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }

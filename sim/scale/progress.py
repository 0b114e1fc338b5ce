"""What a training shows while it is at work: lines of epochs, and a bar on a terminal."""

import math
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from sim.console import live
from sim.pace import Pace, format_duration
from sim.scale.training import Row, Training

_LINES = 20  # in a whole training, about
_REFRESH = 0.25  # s, between two drawings


class ScaleProgress:
    """Tells of epochs, scores and speed.

    Args:
        console: where to.
        training: that is to go on from where it stands.
        interrupted: signals that came so far.
        quiet: say nothing.
    """

    def __init__(
        self, console: Console, training: Training, interrupted: Sequence[int], *, quiet: bool
    ) -> None:
        self._console = console
        self._training = training
        self._interrupted = interrupted
        self._quiet = quiet
        self._epochs = training.setup.config.learning.epochs or 0
        total = self._epochs * training.setup.data.train.samples
        self._pace = Pace(total, training.seen)
        self._next = 0.0
        self._bar: Progress | None = None
        if not quiet and live(console):
            self._bar = bar = Progress(
                TextColumn("{task.fields[epoch]}"),
                BarColumn(None),
                TextColumn("{task.fields[told]}"),
                console=console,
                auto_refresh=False,
                expand=True,
            )
            self._task = bar.add_task(
                "", total=max(total, 1), completed=training.seen, epoch="", told=""
            )

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal tidy."""
        if self._bar:
            self._bar.stop()

    def step(self) -> None:
        """A step is done."""
        self._pace.note(self._training.seen)
        if self._bar and self._pace.now >= self._next and not self._interrupted:
            number = min(self._training.epochs + 1, self._epochs)
            history = self._training.history
            told = [*self._scores(history[-1])][:1] if history else []
            told += [*self._speed()]
            self._bar.update(
                self._task,
                completed=self._training.seen,
                epoch=f"epoch {number:,}/{self._epochs:,}",
                told="  ".join(told),
                refresh=True,
            )
            self._next = self._pace.now + _REFRESH

    def epoch(self, row: Row) -> None:
        """An epoch is finished."""
        self._next = 0.0
        if self._quiet:
            return
        number = int(row["epoch"])
        told = number in {0, 1, self._epochs} or number % -(-self._epochs // _LINES) == 0
        if told:
            parts = [f"epoch {number:,}/{self._epochs:,}", *self._scores(row)]
            if number:
                parts += self._learned(row)
                self._pace.note(self._training.seen)
                parts += self._speed()
            self._console.print("  ".join(parts), soft_wrap=True)

    def _scores(self, row: Row) -> Iterator[str]:
        """What is known of accuracy and loss."""
        if math.isfinite(row["test_accuracy"]):
            yield f"test {100 * row['test_accuracy']:.2f} %"
            yield f"train {100 * row['train_accuracy']:.2f} %"
        if math.isfinite(row["test_loss"]):
            part = "test" if self._training.setup.data.test else "train"
            yield f"{part} loss {row[f'{part}_loss']:.4g}"

    def _learned(self, row: Row) -> Iterator[str]:
        """What was seen while learning."""
        if self._training.setup.config.learning.rule in ("anp", "danp"):
            yield f"noisy loss {row['noisy_loss']:.4g}"
            yield f"skipped {row['skipped']:,.0f}"
        else:  # passes of their own, without noise
            yield f"loss while learning {row['noisy_loss']:.4g}"

    def _speed(self) -> Iterator[str]:
        rate = self._pace.rate
        if rate > 0:  # not yet known: NaN, or nothing seen on its clock
            yield f"{rate:,.0f} samples/s"
        if self._training.epochs < self._epochs:
            yield f"{format_duration(self._pace.left)} left"

"""What a run shows while it is at work: a panel on a terminal, plain lines where no one watches."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console
from rich.live import Live

from learning import ActivityPerturbation
from sim.console import live
from sim.pace import Pace, format_duration
from sim.panel import TrainingPanel, format_deviation, format_rate
from sim.training import Epoch, Training

_LINES = 10  # plain lines in a whole training
_REFRESH = 0.25  # s, between two drawings of the panel


class TrainingProgress:
    """Tells of epochs, losses, deviation, doubts and speed.

    Args:
        console: where to.
        training: that is to go on from where it stands.
        interrupted: signals that came so far; what they had said stays below the panel.
        pace: of the training.
        quiet: say nothing.
    """

    def __init__(
        self,
        console: Console,
        training: Training,
        interrupted: Sequence[int] = (),
        *,
        pace: Pace | None = None,
        quiet: bool,
    ) -> None:
        sizes = training.setup.config.task
        total = (sizes.epochs or 0) * len(training.setup.task.train_inputs)
        self._console = console
        self._training = training
        self._interrupted = interrupted
        self._epochs = sizes.epochs or 0
        self._quiet = quiet
        self._pace = pace or Pace(total, training.seen)
        self._panel = TrainingPanel(training, self._pace)
        self._live: Live | None = None
        self._next = 0.0
        self._size = console.size
        if not quiet and live(console):
            self._live = Live(self._panel, console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live:
            self._live.start(refresh=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the panel as it is at the end, and the terminal tidy."""
        if self._live is None:
            return
        if self._interrupted:
            # Lines that a signal made lie below the panel, where `Live` knows nothing of them: have
            # it draw nothing over as many empty ones.
            self._console.file.write("\n" * (self._panel.lines - 1))
            self._live.transient = True
            self._live.update("")
        self._live.stop()

    def step(self, seen: int) -> None:
        """Samples seen so far."""
        self._pace.note(seen)
        now = self._pace.now
        if self._live and now >= self._next and not self._interrupted:
            if self._console.size != self._size:  # lines before have been cut or wrapped anew
                self._size = self._console.size
                self._console.clear()
            self._live.refresh()
            self._next = now + _REFRESH

    def epoch(self, epoch: Epoch) -> None:
        """A finished epoch."""
        if self._live or self._quiet:
            return
        if epoch.number in {1, self._epochs} or epoch.number % -(-self._epochs // _LINES) == 0:
            self._console.print("  ".join(self._told(epoch)), soft_wrap=True)

    def _told(self, epoch: Epoch) -> Iterator[str]:
        """Parts of a plain line: losses and deviation of the epoch, counts of all so far."""
        training, pace = self._training, self._pace
        yield f"epoch {epoch.number}/{self._epochs}"
        losses = (
            f"{name.replace('_', ' ')} {np.mean(loss):.3g}" for name, loss in epoch.losses.items()
        )
        yield f"loss: {'  '.join(losses)}"
        circuit = training.learners.get("in_loop")
        if circuit:
            yield f"deviation {format_deviation(epoch.deviation)}"
        if isinstance(training.setup.rule, ActivityPerturbation):  # others take every sample
            yield f"skipped {(circuit or training.learners['ideal']).skipped:,}"
        if circuit:
            yield f"doubtful {circuit.tally.doubtful:,} of {circuit.tally.passes:,}"
        yield f"{format_rate(pace.rate)} samples/s"
        if epoch.number < self._epochs:
            yield f"{format_duration(pace.left)} left"

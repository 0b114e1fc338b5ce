"""What a training shows while it runs: a live line, or plain lines where no one watches."""

import time
from types import TracebackType
from typing import Self

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from sim.cosim import Epoch

_LINES = 10  # plain lines in a whole training


class TrainingProgress:
    """Tells of epochs, losses and speed.

    Args:
        console: where to; its terminal decides between a live and plain lines.
        epochs: in the whole training.
        samples: in an epoch.
        seen: samples at the start, of a training that goes on.
        quiet: say nothing.
    """

    def __init__(
        self, console: Console, epochs: int, samples: int, *, seen: int = 0, quiet: bool
    ) -> None:
        self._console = console
        self._epochs = epochs
        self._samples = samples
        self._before = seen
        self._quiet = quiet
        self._started = time.perf_counter()
        self._live: Progress | None = None
        if console.is_terminal and not quiet:
            self._live = Progress(
                TextColumn("training"),
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[speed]}  {task.fields[losses]}"),
                console=console,
                transient=True,
            )
            self._task = self._live.add_task("", total=epochs * samples, speed="", losses="")

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal tidy."""
        if self._live:
            self._live.stop()

    def step(self, seen: int) -> None:
        """Samples seen so far."""
        if self._live:
            rate = self._rate(seen)
            self._live.update(self._task, completed=seen, speed=f"{rate:.0f} samples/s")

    def epoch(self, epoch: Epoch) -> None:
        """A finished epoch."""
        losses = "  ".join(
            f"{name.replace('_', ' ')} {np.mean(loss):.3g}" for name, loss in epoch.losses.items()
        )
        if self._live:
            self._live.update(self._task, losses=f"loss: {losses}")
        elif not self._quiet and (
            epoch.number == 1
            or epoch.number % max(1, self._epochs // _LINES) == 0
            or epoch.number == self._epochs
        ):
            rate = self._rate(epoch.number * self._samples)
            self._console.print(
                f"epoch {epoch.number}/{self._epochs}  loss: {losses}  {rate:.0f} samples/s"
            )

    def _rate(self, seen: int) -> float:
        """Samples a second."""
        return (seen - self._before) / (time.perf_counter() - self._started)

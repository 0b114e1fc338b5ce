"""What a sweep shows while it is at work: a bar on a terminal, plain lines where no one watches."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from sim.console import live
from sim.pace import format_duration
from sim.sweep.labels import counted
from sim.sweep.measures import DONE, Measured

_LINES = 10  # plain lines in a whole sweep


class SweepProgress:
    """Counts points.

    Args:
        console: where to.
        total: points to compute.
        known: points that need not be.
        jobs: worker processes, as far as is known.
        quiet: say nothing.
    """

    def __init__(self, console: Console, total: int, known: int, jobs: int, *, quiet: bool) -> None:
        self._console = console
        self._total = total
        self._known = known
        self._least = 2 * jobs  # points until time is estimated: the first ones load the program
        self._quiet = quiet
        self._done = self._failed = 0
        self._began = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if not quiet and live(console):
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Progress(*columns, console=console)

    def __enter__(self) -> Self:
        """Begin to show."""
        self._began = time.monotonic()
        if self._bar:
            self._task = self._bar.add_task(self._told(), total=self._total, left="")
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

    def after(self, _: str, measured: Measured) -> None:
        """A point was computed."""
        if measured.state == DONE:
            self._done += 1
        else:
            self._failed += 1
        count = self._done + self._failed
        if self._bar:
            self._bar.update(
                self._task, completed=count, description=self._told(), left=self._left()
            )
        elif not self._quiet and (
            count in (1, self._total) or count % -(-self._total // _LINES) == 0
        ):
            said = [self._told(), self._left()]
            self._console.print(", ".join(part for part in said if part), soft_wrap=True)

    def _told(self) -> str:
        parts = [f"{self._done:,} of {counted(self._total, 'point')} done"]
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        if self._known:
            parts.append(f"{self._known:,} known before")
        return ", ".join(parts)

    def _left(self) -> str:
        count = self._done + self._failed
        if count < min(self._least, self._total):
            return ""
        seconds = (time.monotonic() - self._began) / count * (self._total - count)
        return f"{format_duration(seconds)} left"

"""What a study shows while it is at work."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console

from sim.console import live
from sim.pace import format_duration
from sim.sweep.measures import DONE
from sim.tune.plan import Plan
from sim.tune.study import Trial
from sim.tune.trying import searching

if TYPE_CHECKING:
    from rich.status import Status


class Progress:
    """Trials done and the best so far: a line that changes on a terminal, a line a batch elsewhere.

    Args:
        console: where to.
        plan: of the study.
        quiet: say nothing.
    """

    def __init__(self, console: Console, plan: Plan, *, quiet: bool) -> None:
        self._console = console
        self._plan = plan
        self._quiet = quiet
        self._begun = time.monotonic()
        self._points = 0
        self._line = "preparing"
        self._told = -1
        self._status: Status | None = None
        if not quiet and live(console):
            self._status = console.status(self._line)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal tidy."""
        if self._status:
            self._status.stop()

    def point(self) -> None:
        """A run was computed."""
        self._points += 1
        if self._status:
            taken = format_duration(time.monotonic() - self._begun)
            self._status.update(f"{self._line}, {self._points:,} runs computed in {taken}")

    def trials(self, trials: Sequence[Trial]) -> None:
        """Trials that are finished."""
        done = [trial for trial in trials if trial.score.state == DONE]
        broken = len(trials) - len(done)
        self._line = f"{len(trials)} of {self._plan.trials} trials"
        if broken:
            self._line += f", {broken} without a result"
        goal = self._plan.goal
        if done and goal != "energy":
            least = min(trial.score.loss for trial in done)
            self._line += f", least loss {least:.3g} ({searching(self._plan)})"
        if done and goal != "loss":
            least = min(trial.score.energy for trial in done)
            self._line += f", least energy {least:.3g} J a pass ({searching(self._plan)})"
        if self._told != len(trials):
            self._told = len(trials)
            self.say(self._line)

    def say(self, line: str) -> None:
        """A line of its own."""
        self._line = line
        if self._status:
            self._status.update(line)
        elif not self._quiet:
            self._console.print(line, soft_wrap=True)

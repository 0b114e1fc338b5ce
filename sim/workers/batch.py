"""Units of passes under way, what came back for each, and how one failed."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sim.engine import Readout
from sim.engines.description import EngineDescription
from sim.passes import Passes


@dataclass(frozen=True)
class Loaded:
    """An engine and the resistors in it, as workers are told of them.

    Attributes:
        description: of the engine.
        engine: its frame, and a version that no other engine has.
        resistors: likewise.
    """

    description: EngineDescription
    engine: tuple[bytes, int]
    resistors: tuple[bytes, int]


@dataclass(frozen=True)
class Answer:
    """What came back for a unit.

    Attributes:
        readout: of its passes.
        seconds: inside ngspice, s.
        aids: commands in which ngspice reached for a convergence aid.
        memory: what the worker holds, in a unit of its system.
    """

    readout: Readout
    seconds: float
    aids: int
    memory: float


@dataclass(frozen=True)
class Failure:
    """How a unit failed on a worker.

    Attributes:
        error: in words.
        log: lines of ngspice, or the worker's last.
        deck: that failed; none where the worker ended without one.
        place: where `error` says that deck and log are.
    """

    error: str
    log: tuple[str, ...]
    deck: str | None = None
    place: str = ""


class UnitFailedError(Exception):
    """A unit failed on as many workers as are allowed."""

    def __init__(self, number: int, failure: Failure) -> None:
        super().__init__(failure.error)
        self.number = number
        self.failure = failure


class Batch:
    """Units under way.

    Args:
        loaded: what they are run with.
        units: passes each.
        attempts: workers on which a unit may fail before the batch does.

    Attributes:
        loaded: likewise.
        units: likewise.
        attempts: likewise.
        waiting: numbers of units that no worker has.
        answers: by unit; none yet where it is open.
    """

    def __init__(self, loaded: Loaded, units: Sequence[Passes], attempts: int) -> None:
        self.loaded = loaded
        self.units = tuple(units)
        self.attempts = attempts
        self.waiting = deque(range(len(self.units)))
        self.answers: list[Answer | None] = [None] * len(self.units)
        self._open = len(self.units)
        self._failed = [0] * len(self.units)

    @property
    def open(self) -> bool:
        """Whether an answer is missing."""
        return self._open > 0

    def answer(self, number: int, answer: Answer) -> None:
        """Take a unit's answer."""
        self.answers[number] = answer
        self._open -= 1

    def count_failure(self, number: int) -> int:
        """Count a failure of a unit; how many it has now."""
        self._failed[number] += 1
        return self._failed[number]

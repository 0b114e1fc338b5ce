"""What a run has spent: time, time in ngspice, convergence aids."""

import time
from collections.abc import Mapping

from sim.engine import Engine
from sim.libngspice import get_library
from sim.outcome import Outcome
from sim.workers import WorkerEngine


class Meter:
    """Counts from where it is made.

    Args:
        engines: by name; what they spend in ngspice counts.
    """

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._circuit = engines.get("in_loop")
        self._library = get_library() if self._circuit else None
        self._seconds = -time.perf_counter()
        self._ngspice_seconds = -self._library.seconds if self._library else 0.0
        self._aids = -self._library.aids if self._library else 0
        self._replaced = self._retried = 0

    def add(self, outcome: Outcome) -> None:
        """Count on from what an outcome had spent before it was resumed."""
        self._seconds += outcome.seconds
        self._ngspice_seconds += outcome.ngspice_seconds
        self._aids += outcome.aids
        self._replaced += outcome.replaced
        self._retried += outcome.retried

    def read(self, outcome: Outcome) -> None:
        """Tell an outcome."""
        outcome.seconds = self._seconds + time.perf_counter()
        if self._library:
            outcome.ngspice_seconds = self._ngspice_seconds + self._library.seconds
            outcome.aids = self._aids + self._library.aids
        if self._circuit:
            outcome.tally = self._circuit.tally
        if isinstance(self._circuit, WorkerEngine):
            outcome.ngspice_seconds += self._circuit.seconds
            outcome.aids += self._circuit.aids
            outcome.jobs = self._circuit.pool.jobs
            outcome.replaced = self._replaced + self._circuit.pool.replaced
            outcome.retried = self._retried + self._circuit.pool.retried

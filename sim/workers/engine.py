"""The circuit in ngspice, in worker processes: an engine like the one that each has inside."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from circuits import ResistorPairs
from sim.engine import Array, Readout
from sim.engines.description import EngineDescription
from sim.errors import SimulationError
from sim.evidence import keep_evidence
from sim.guards import Tally
from sim.passes import Passes
from sim.workers.batch import Answer, Batch, Failure, Loaded, UnitFailedError
from sim.workers.content import joined, resistors_to_arrays
from sim.workers.failed import PASSES, FailedPasses
from sim.workers.pool import Pool
from sim.workers.wire import Message


class WorkerEngine:
    """Passes as simulations of the circuit, spread over worker processes.

    Passes are cut into units by their places alone, so that results are the same, bit by bit, for
    every number of workers, and whichever of them are lost on the way.

    Args:
        description: of the engine.
        pool: of workers; engines may take turns on one. `close` closes it.
        keep: folder for deck, log and passes of a failure; a temporary one by default.

    Attributes:
        pool: likewise.
        seconds: inside ngspice, over all workers, s.
        aids: commands in which ngspice reached for a convergence aid.
    """

    name = "ngspice"
    tally: Tally

    def __init__(
        self, description: EngineDescription, pool: Pool, *, keep: Path | None = None
    ) -> None:
        self.pool = pool
        self.tally = Tally()
        self.seconds = 0.0
        self.aids = 0
        self._description = description
        self._keep = keep
        version = pool.next_version()
        told = Message("engine", {"description": description.to_json(), "version": version})
        self._engine = (told.encode(), version)
        network = description.network
        shapes = [network.synapse_shape(layer) for layer in range(1, len(network.layers))]
        self.write([np.zeros(shape) for shape in shapes])

    @property
    def unit(self) -> int:
        """Passes that go to a worker together."""
        return self._description.unit

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        """The resistors set last, one record a layer."""
        return self._pairs

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        """Set all resistors, one record a layer; they count from the next pass on."""
        self._pairs = tuple(pairs)
        self._told: tuple[bytes, int] | None = None

    def write(self, weights: Sequence[Array]) -> int:
        """Set the resistors that ideal devices hold weights with.

        Returns:
            How many weights did not fit and were clipped.
        """
        synapse = self._description.circuit.synapse
        pairs = tuple(synapse.program(w) for w in weights)
        self.set_resistors(pairs)
        return sum(layer.clipped for layer in pairs)

    def run(self, passes: Passes) -> Readout:
        """Run passes; energy is the mean power looked at times the pass's length.

        Raises:
            SimulationError: names the deck, the log and the passes that were kept.
            UserError: a worker met what the user has to mend.
        """
        return self.submit(passes)()

    def submit(self, passes: Passes) -> Callable[[], Readout]:
        """Have workers begin with passes; what is returned waits for them, and raises as `run`.

        One at a time: what is submitted next gives up what was not waited for.
        """
        size = self._description.unit
        units = [passes[k : k + size] for k in range(0, max(len(passes), 1), size)]
        batch = self.pool.begin(self._loaded(), units)
        return lambda: self._finish(batch)

    def close(self) -> None:
        """End the workers."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _loaded(self) -> Loaded:
        if self._told is None:
            version = self.pool.next_version()
            told = Message("resistors", {"version": version}, resistors_to_arrays(self._pairs))
            self._told = (told.encode(), version)
        return Loaded(self._description, self._engine, self._told)

    def _finish(self, batch: Batch) -> Readout:
        try:
            answers = self.pool.finish(batch)
        except UnitFailedError as failed:
            self._count([answer for answer in batch.answers if answer])
            self.tally += Tally.of(np.empty(0, np.uint8), failed=1)
            raise self._kept(batch, failed) from None
        self._count(answers)
        return joined([answer.readout for answer in answers])

    def _count(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            self.tally += Tally.of(answer.readout.doubts)
            self.seconds += answer.seconds
            self.aids += answer.aids

    def _kept(self, batch: Batch, failed: UnitFailedError) -> SimulationError:
        """Keep what is left of a failed unit."""
        passes, failure = self._narrowed(batch, failed)
        folder = self._keep or Path(tempfile.mkdtemp(prefix="danp-cosim-"))
        left = FailedPasses(self._description, self._pairs, passes)
        if failure.deck is None:
            error = f"{failure.error}; {keep_evidence(left.deck(), failure.log, folder)}"
        else:
            keep_evidence(failure.deck, failure.log, folder)
            error = failure.error.replace(failure.place, str(folder))
        path = folder / PASSES
        left.write(path)
        return SimulationError(
            f"{error}; so on {batch.attempts} workers one after the other; to run what failed "
            f"again: python -m sim.workers.replay {path}"
        )

    def _narrowed(self, batch: Batch, failed: UnitFailedError) -> tuple[Passes, Failure]:
        """The first pass of a unit that fails on its own; the whole unit, where none does."""
        unit = batch.units[failed.number]
        for p in range(len(unit) if len(unit) > 1 else 0):
            alone = unit[p : p + 1]
            try:
                self.pool.finish(self.pool.begin(batch.loaded, [alone], attempts=1))
            except UnitFailedError as again:
                return alone, again.failure
        return unit, failed.failure

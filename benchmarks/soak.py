"""A soak of worker processes: killed at random and made to fail, they must lose nothing.

The same passes are simulated twice, in batches that each have weights of their own, as in training:
by workers that are left alone, and by workers of which one is killed every few seconds while one
pass in a hundred fails when it is first asked. Results have to be the same to the last bit, and
memory flat. `python benchmarks/soak.py` prints the figures of 20,000 passes; some minutes on two
cores. Figures of voltages are ngspice's.
"""

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, ResistorPairs
from sim.clock import Clock
from sim.engine import Circuit, Readout
from sim.engines.description import EngineDescription
from sim.guards import Tally
from sim.passes import Passes
from sim.schedule import open_schedule
from sim.workers import Care, Pool, WorkerEngine
from sim.workers.worker import make_engine, serve

Array = NDArray[np.float64]

LAYERS = (2, 2, 2, 1)
BATCH = 32  # samples, two passes each
ONE_IN = 100  # passes that fail when they are first asked


@dataclass(frozen=True)
class Soak:
    """What a soak gave.

    Attributes:
        passes: simulated in each of the two runs.
        same: whether the two gave the same, bit by bit.
        tally: of the disturbed run.
        kills: workers that were killed.
        forced: passes that were made to fail.
        replaced: workers that were replaced.
        retried: units that were asked again.
        seconds: undisturbed and disturbed, s.
        parent: memory of this process during the disturbed run, MB, one value a batch.
        worker: memory of the one worker of the undisturbed run, MB, likewise.
    """

    passes: int
    same: bool
    tally: Tally
    kills: int
    forced: int
    replaced: int
    retried: int
    seconds: tuple[float, float]
    parent: Array
    worker: Array

    def lines(self) -> list[str]:
        """The figures, a line each."""
        return [
            f"passes                {self.passes:,}, twice ({self.tally.in_words()})",
            f"same results          {'yes, bit by bit' if self.same else 'NO'}",
            f"workers killed        {self.kills}",
            f"passes made to fail   {self.forced}",
            f"workers replaced      {self.replaced}",
            f"units asked again     {self.retried}",
            f"time                  {self.seconds[0]:.0f} s undisturbed, {self.seconds[1]:.0f} s",
            f"this process          {_course(self.parent)}",
            f"an undisturbed worker {_course(self.worker)}",
        ]


def growth(megabytes: Array) -> float:
    """By how much memory grew from the second to the last fifth of a run, MB."""
    fifth = max(1, len(megabytes) // 5)
    return float(np.median(megabytes[-fifth:]) - np.median(megabytes[fifth : 2 * fifth]))


def _course(megabytes: Array) -> str:
    return (
        f"{megabytes[-1]:.0f} MB at the end, {growth(megabytes):+.1f} MB since a fifth of the run"
    )


def soak(passes: int, *, jobs: int = 2, every: float = 2.0, seed: int = 0) -> Soak:
    """Simulate passes undisturbed and disturbed.

    Args:
        passes: at least; rounded up to whole batches.
        jobs: workers of the disturbed run.
        every: a worker is killed so often on average, s.
        seed: of passes, weights and the choice of victims.
    """
    network, circuit = Network(LAYERS), CircuitParameters()
    clock = Clock(1e-3, 10e-6, "aperture")
    description = EngineDescription(network, circuit, clock)
    count = -(-passes // (2 * BATCH))
    work = [_batch(description, k, seed) for k in range(count)]
    started = time.perf_counter()
    with WorkerEngine(description, Pool(1)) as engine:
        calm, worker = _simulate(engine, work, lambda: _megabytes(engine.pool.pids[0]))
    between = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-P", str(Path(__file__).resolve()), "--worker", folder)
        pool = Pool(jobs, Care(attempts=10), command)
        with WorkerEngine(description, pool) as engine, _killing(pool, every, seed) as kills:
            rough, parent = _simulate(engine, work, lambda: _megabytes(os.getpid()))
        forced = len(list(Path(folder).iterdir()))
    return Soak(
        passes=count * 2 * BATCH,
        same=calm == rough,
        tally=engine.tally,
        kills=len(kills),
        forced=forced,
        replaced=pool.replaced,
        retried=pool.retried,
        seconds=(between - started, time.perf_counter() - between),
        parent=parent,
        worker=worker,
    )


def _batch(description: EngineDescription, k: int, seed: int) -> tuple[list[Array], Passes]:
    """Weights and passes of a batch."""
    network = description.network
    rng = np.random.default_rng([seed, k])
    weights = [
        rng.normal(0, 0.7, network.synapse_shape(layer)) for layer in range(1, len(network.layers))
    ]
    schedule = open_schedule(network, description.circuit, description.clock, rng)
    return weights, schedule.draw(rng.uniform(-1, 1, (BATCH, network.layers[0])))


def _simulate(
    engine: WorkerEngine,
    work: Sequence[tuple[list[Array], Passes]],
    megabytes: Callable[[], float],
) -> tuple[list[bytes], Array]:
    """A digest of each batch's readout, and a memory after it."""
    digests, memory = [], []
    for weights, passes in work:
        engine.write(weights)
        digests.append(_digest(engine.run(passes)))
        memory.append(megabytes())
    return digests, np.array(memory)


@contextmanager
def _killing(pool: Pool, every: float, seed: int) -> Iterator[list[int]]:
    """Kill workers at random moments inside this context; yields the list of victims."""
    chance, victims, over = random.Random(seed), list[int](), threading.Event()  # noqa: S311

    def kill() -> None:
        while not over.wait(chance.expovariate(1 / every)):
            pids = pool.pids
            if pids:
                victims.append(chance.choice(pids))
                with suppress(ProcessLookupError):
                    os.kill(victims[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield victims
    finally:
        over.set()
        thread.join()


def _digest(readout: Readout) -> bytes:
    """All that a readout says, to the last bit, in little: the soak is to need no memory itself."""
    parts = [*readout.pre, *readout.outputs, readout.energy, readout.doubts]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).digest()


def _megabytes(pid: int) -> float:
    """Memory that a process holds, MB; Linux only."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


class FailingEngine:
    """An engine on which some passes fail when they are asked first, in ngspice itself.

    Args:
        engine: that runs the others.
        noted: folder with a file for each pass that failed.
    """

    def __init__(self, engine: Circuit, noted: Path) -> None:
        self.name, self.tally = engine.name, engine.tally
        self._engine = engine
        self._noted = noted

    def write(self, weights: Sequence[Array]) -> int:
        """Write weights."""
        return self._engine.write(weights)

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        """The resistors set last."""
        return self._engine.pairs

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        """Set all resistors."""
        self._engine.set_resistors(pairs)

    def run(self, passes: Passes) -> Readout:
        """Run passes; an input that is not a number fails in ngspice."""
        for p in range(len(passes)):
            if self._chosen(passes[p : p + 1]):
                inputs = passes.inputs.copy()
                inputs[p] = np.nan
                return self._engine.run(replace(passes, inputs=inputs))
        return self._engine.run(passes)

    def _chosen(self, one: Passes) -> bool:
        told = hashlib.sha256(one.inputs.tobytes() + one.controls.tobytes() + one.noise.tobytes())
        if int.from_bytes(told.digest()[:8], "little") % ONE_IN:
            return False
        try:
            (self._noted / told.hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; 1 where the two runs differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passes", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=float, default=2.0, help="a kill so often, s")
    parser.add_argument("--worker", nargs=2, type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.worker:
        noted, folder = given.worker
        serve(folder, lambda text, keep: FailingEngine(make_engine(text, keep), noted))
        return 0
    found = soak(given.passes, jobs=given.jobs, every=given.every)
    print("\n".join(found.lines()))
    return 0 if found.same else 1


if __name__ == "__main__":
    sys.exit(main())

"""Many passes at one weight setting, with a look on the way at whether to stop."""

from collections.abc import Callable

from sim.engine import Engine, Readout
from sim.interruption import StoppedError
from sim.passes import Passes
from sim.workers import WorkerEngine
from sim.workers.content import joined

_UNITS = 8  # of a worker between two looks; of two workers, those of 32 samples

Stop = Callable[[], bool]


def never() -> bool:
    """Stop at no time."""
    return False


def run_stoppable(engine: Engine, passes: Passes, stop: Stop = never) -> Readout:
    """Run passes, some units of them at a time where workers do; others run them as a whole.

    Workers are given whole units, so that the readout is the same bit by bit as that of one run.
    Mathematics is fast, and its matrix products depend on their width in the last bit.

    Args:
        engine: with its weights written.
        passes: in the order of time.
        stop: asked before each part whether to stop.

    Raises:
        StoppedError: `stop` said so.
        SimulationError: the simulator failed.
    """
    size = max(1, len(passes))
    if isinstance(engine, WorkerEngine):
        size = engine.unit * _UNITS * engine.pool.jobs
    parts: list[Readout] = []
    for k in range(0, max(1, len(passes)), size):
        if stop():
            raise StoppedError
        parts.append(engine.run(passes[k : k + size]))
    return joined(parts)

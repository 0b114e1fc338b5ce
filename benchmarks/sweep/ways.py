"""Ways to compute the points: bare processes, and a sweep's runner with as many workers."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

from threadpoolctl import threadpool_limits

from benchmarks.sweep.workload import Workload
from sim.config import RunConfig
from sim.sweep.keys import key_of
from sim.sweep.measures import Measured
from sim.sweep.point import run_point
from sim.sweep.running import open_runner
from sim.sweep.store import Store

Found: TypeAlias = Mapping[str, Measured]
"""What became of every point, by its key."""

BARE, SWEEP = "bare", "sweep"
WAYS = {BARE: "bare processes", SWEEP: "a sweep's runner (dask)"}


@dataclass(frozen=True)
class Turn:
    """One way, once through all points.

    Attributes:
        way: of `WAYS`.
        workers: processes that compute.
        start: s until every worker had computed a first, small point.
        wall: s from the first point to the last one in the store.
        found: what became of the points.
    """

    way: str
    workers: int
    start: float
    wall: float
    found: Found

    @property
    def busy(self) -> float:
        """Share of the workers' time that went into points."""
        return sum(one.seconds for one in self.found.values()) / (self.workers * self.wall)


def take_turn(way: str, workers: int, workload: Workload, folder: Path) -> Turn:
    """Compute all points in one way, in fresh processes.

    Args:
        way: of `WAYS`.
        workers: processes.
        workload: the points.
        folder: the store, empty.
    """
    store, configs = Store(folder), workload.configs()
    return {BARE: _bare, SWEEP: _sweep}[way](workers, workload, configs, store)


def _sweep(workers: int, workload: Workload, configs: Sequence[RunConfig], store: Store) -> Turn:
    begun = time.perf_counter()
    with open_runner(workers, None) as runner:
        runner.run(workload.warm_up(workers), store)
        started = time.perf_counter()
        found = runner.run(configs, store)
        ended = time.perf_counter()
    return Turn(SWEEP, workers, started - begun, ended - started, found)


def _bare(workers: int, workload: Workload, configs: Sequence[RunConfig], store: Store) -> Turn:
    """Each process gets every k-th point before it starts, and asks nobody on the way."""
    begun = time.perf_counter()
    with ExitStack() as stack:
        pools = [
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
            for _ in range(workers)
        ]
        small = workload.warm_up(workers)
        warm = [
            pool.submit(_compute, [one], store.path) for pool, one in zip(pools, small, strict=True)
        ]
        for one in warm:
            one.result()
        started = time.perf_counter()
        shares = [
            pool.submit(_compute, configs[k::workers], store.path) for k, pool in enumerate(pools)
        ]
        found = {key: one for share in shares for key, one in share.result().items()}
        ended = time.perf_counter()
    return Turn(BARE, workers, started - begun, ended - started, found)


def _compute(configs: Sequence[RunConfig], path: Path) -> dict[str, Measured]:
    """The bare loop: point after point into the store."""
    store, found = Store(path), {}
    with threadpool_limits(1):
        for config in configs:
            key = key_of(config)
            measured, files = run_point(config)
            store.write(key, measured, files)
            found[key] = measured
    return found

"""Points computed in this process, by a closed form if wanted, in the place of workers.

A process that computes points takes seconds to import what it needs. That workers are processes,
started, stopped and killed, is what the tests of sweeps on a cluster are about.
"""

import math
import os
import signal
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sim.config import RunConfig
from sim.scoring import Stop, never
from sim.sweep.measures import DIVERGED, DONE, FAILED, Measured
from sim.sweep.point import run_point
from sim.sweep.store import Store

Compute = Callable[[RunConfig], tuple[Measured, dict[str, bytes]]]

BEST_ETA, LEAST = 0.1, 1e-3


def bowl(config: RunConfig) -> tuple[Measured, dict[str, bytes]]:
    """Decades of loss as a bowl over decades of η, with its bottom at `BEST_ETA`.

    Beyond 10 it diverges. Energy rises with the bandwidth, and the loss falls with it. A seed
    scales the loss, the same for all values.
    """
    eta, seed = config.learning.eta or math.nan, config.seed
    if eta > 10:
        return Measured(DIVERGED, "the loss became infinite in epoch 2", {}, 0.0), {}
    if eta < 1e-5:
        return Measured(FAILED, "timestep too small", {}, 0.0), {}
    gbw = config.circuit.opamp.gbw
    decades = math.log10(eta / BEST_ETA) ** 2 + 0.1 * seed + 0.2 * math.log10(2.8e6 / gbw) ** 2
    loss = LEAST * 10**decades
    energy = 1e-6 * (1 + gbw / 2.8e6)
    values = {"in_loop": loss, "ideal": loss, "energy_per_pass": energy}
    return Measured(DONE, "", values, 0.0), {}


def cluster_here(**options: Any) -> Any:  # a `LocalCluster`; its types are those of coroutines
    """Dask with one worker, a thread of this process."""
    from distributed import LocalCluster  # noqa: PLC0415  # half a second

    options |= {"processes": False, "dashboard_address": None}
    return LocalCluster(n_workers=1, threads_per_worker=1, **options)


class InProcess:
    """Computes points here, one after the other, and counts them.

    Args:
        compute: a point.
        kill_after: points, after which the process kills itself.
    """

    def __init__(self, compute: Compute = run_point, kill_after: int | None = None) -> None:
        self._compute = compute
        self._kill_after = kill_after
        self.computed: list[str] = []

    def run_keyed(
        self,
        keyed: Mapping[str, RunConfig],
        store: Store,
        after: Callable[[str, Measured], None],
        *,
        again: Collection[str] = (),
        stop: Stop = never,
    ) -> dict[str, Measured]:
        found: dict[str, Measured] = {}
        for key, config in keyed.items():
            known = store.read(key)
            if known is None or known.state in again:
                if stop():
                    break
                if len(self.computed) == self._kill_after:
                    os.kill(os.getpid(), signal.SIGKILL)
                known, files = self._compute(config)
                store.write(key, known, files)
                self.computed.append(key)
                after(key, known)
            found[key] = known
        return found

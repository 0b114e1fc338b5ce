"""Passes in worker processes, each with an ngspice of its own, under supervision."""

from sim.workers.engine import WorkerEngine
from sim.workers.pool import Care, Pool

__all__ = ["Care", "Pool", "WorkerEngine"]

"""One contender in a process of its own: `python -m benchmarks.cosim.entry TASK.json`.

A fresh process makes its memory its own, and ngspice is one instance a process.
"""

import json
import math
import os
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cosim import memory
from benchmarks.cosim.contenders import Contender
from benchmarks.cosim.measured import Measured, in_rounds
from benchmarks.cosim.ways import EngineWay, Way, open_way
from benchmarks.cosim.workload import Weights, Workload, read_passes
from circuits import Network
from sim.clock import Clock
from sim.errors import SIMULATION, SimulationError, UserError
from sim.passes import Passes

Array = NDArray[np.float64]

COMPARED = 40
"""Passes whose voltages are compared."""

_POINTS = 400  # of memory that are kept
_REPEATS = 5  # of writing weights
_AFTERWARDS = 10.0  # s that counting points may take, and that writing weights may
FIRST, READY, RESULT, VOLTAGES = "first", "ready", "result.json", "voltages.npy"
"""Files that a process leaves in its folder, one after the other."""


@dataclass(frozen=True)
class Task:
    """What a process is to measure.

    Attributes:
        contender: who runs.
        workload: what.
        passes: file of the passes.
        folder: where to leave results.
        budget: seconds after which no further call begins.
        most: passes after which no further call begins.
    """

    contender: Contender
    workload: Workload
    passes: Path
    folder: Path
    budget: float
    most: int

    def write(self) -> Path:
        """As JSON, into its folder."""
        path = self.folder / "task.json"
        content = asdict(self) | {"passes": str(self.passes), "folder": str(self.folder)}
        path.write_text(json.dumps(content), encoding="utf8")
        return path


def read_task(path: Path) -> Task:
    """What `Task.write` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf8"))
    workload = content["workload"]
    network = Network(tuple(workload["network"]["layers"]), workload["network"]["biases"])
    clock = Clock(**workload["clock"])
    return Task(
        Contender(**content["contender"]),
        Workload(network, workload["seed"], workload["pairs"], clock),
        Path(content["passes"]),
        Path(content["folder"]),
        content["budget"],
        content["most"],
    )


def measure(task: Task) -> None:
    """Run passes for as long as the task allows, and leave figures and voltages.

    Raises:
        UserError: ngspice is missing, or no run takes such settings.
        SimulationError: ngspice failed.
    """
    begun = time.perf_counter()
    contender = task.contender
    setup = task.workload.setup(contender)
    passes = read_passes(task.passes, setup.clock.look_back)
    race = _Race(open_way(contender, setup), contender, passes, Weights(setup, setup.config.seed))
    start = time.perf_counter() - begun
    (task.folder / READY).touch()
    race.run(task.budget, task.most, first=(task.folder / FIRST).touch)
    np.save(task.folder / VOLTAGES, race.voltages(), allow_pickle=False)
    replace(race.measured(), start=start).write(task.folder / RESULT)


class _Race:
    """Calls of one way, one after the other, over and over the same passes."""

    def __init__(self, way: Way, contender: Contender, passes: Passes, weights: Weights) -> None:
        self._way = way
        self._samples = min(contender.samples, len(passes) // 2)
        self._per_write = max(contender.batch // self._samples, 1)  # calls
        self._passes = passes
        self._weights = weights
        self._seconds = array("d")  # a list of floats would show in the memory
        self._resident: list[tuple[int, int]] = []
        self._kept: list[Array] = []
        self._inside = 0.0
        self._cpu = 0.0

    def run(self, budget: float, most: int, *, first: Callable[[], None]) -> None:
        """Call until time or passes are used up; the first call warms up where others follow."""
        begun = time.perf_counter()
        for call in count():
            self._call(call, most)
            if call == 0:
                first()
            lasted = time.perf_counter() - begun
            if lasted + self._seconds[-1] > budget or self._done >= most:
                break

    @property
    def _done(self) -> int:
        return 2 * self._samples * len(self._seconds)

    def _arguments(self, call: int) -> tuple[tuple[Array, ...], Passes]:
        slots = len(self._passes) // (2 * self._samples)
        begin = 2 * self._samples * (call % slots)
        weights = self._weights(call // self._per_write)
        return weights, self._passes[begin : begin + 2 * self._samples]

    def _call(self, call: int, most: int) -> None:
        run = self._way.ready(*self._arguments(call))
        inside, cpu, started = self._way.inside(), _cpu(), time.perf_counter()
        voltages = run()
        self._seconds.append(time.perf_counter() - started)
        self._cpu += _cpu() - cpu
        after = self._way.inside()
        self._inside += after - inside
        if 2 * self._samples * call < min(COMPARED, len(self._passes)):
            self._kept.append(voltages)
        resident = memory.resident()
        gap = max(most // _POINTS, 1)
        if resident is not None and (
            not self._resident or self._done >= self._resident[-1][0] + gap
        ):
            self._resident.append((self._done, resident))

    def voltages(self) -> Array:
        """Of the first passes, V, shape (P, probes)."""
        return np.concatenate(self._kept)[:COMPARED]

    def measured(self) -> Measured:
        """The figures, after some more calls for points and writing."""
        timed = self._seconds[1:] or self._seconds
        peak = memory.peak()
        return Measured(
            made_by=self._way.made_by,
            passes=2 * self._samples * len(timed),
            rounds=in_rounds(timed, 2 * self._samples),
            cpu=1e3 * self._cpu / self._done,
            inside=self._inside / math.fsum(self._seconds),
            points=self._points(),
            growth=memory.growth(self._resident),
            peak=peak,
            resident=tuple(self._resident),
            write_back=self._write_back(),
            start=0.0,
        )

    def _points(self) -> float | None:
        """Time points a pass, of the first calls."""
        calls = min(len(self._seconds), max(COMPARED // (2 * self._samples), 1))
        calls = max(min(calls, int(_AFTERWARDS / self._seconds[-1])), 1)
        counts = [self._way.count_points(*self._arguments(call)) for call in range(calls)]
        known = [points for points in counts if points is not None]
        return sum(known) / (2 * self._samples * calls) if known else None

    def _write_back(self) -> float | None:
        """Seconds that a call takes with new weights and not without, all of them moved."""
        way = self._way
        if not isinstance(way, EngineWay) or self._per_write > 1 or self._samples > 1:
            return None
        gaps = []
        for call in range(max(min(_REPEATS, int(_AFTERWARDS / self._seconds[-1])), 1)):
            weights, passes = self._arguments(call)
            moved = way.ready(tuple(-w for w in weights), passes)
            started = time.perf_counter()
            moved()
            between = time.perf_counter()
            way.run_again(passes)
            gaps.append(2 * between - started - time.perf_counter())
        return float(np.median(gaps))


def _cpu() -> float:
    """CPU seconds so far, of this process and of children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> int:
    """Measure; return the exit code."""
    try:
        measure(read_task(Path(sys.argv[1])))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except SimulationError as error:
        print(f"error: {error}", file=sys.stderr)
        return SIMULATION
    return 0


if __name__ == "__main__":
    sys.exit(main())

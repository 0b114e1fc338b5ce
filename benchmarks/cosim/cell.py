"""One contender on one network, watched from outside: done, too slow, or failed."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.cosim.entry import FIRST, READY, RESULT, VOLTAGES, Task
from benchmarks.cosim.measured import Measured, read_measured

Array = NDArray[np.float64]

_PREPARATION = 900.0  # s, to load what is to be timed
_SLACK = 60.0  # s, for what follows the timed calls
_POLL = 0.02  # s


@dataclass(frozen=True)
class Cell:
    """What came of it.

    Attributes:
        state: done; slow: not one call within the budget; failed.
        message: why, where it is not done.
        measured: the figures, where it is.
        voltages: of the first passes, V, shape (P, probes); none where it is not done.
    """

    state: Literal["done", "slow", "failed"]
    message: str = ""
    measured: Measured | None = None
    voltages: Array | None = None


def run_cell(task: Task) -> Cell:
    """Measure a contender in a process of its own."""
    task.folder.mkdir(parents=True)
    log = task.folder / "log.txt"
    command = [sys.executable, "-m", "benchmarks.cosim.entry", str(task.write())]
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603  # this package
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            start_new_session=True,  # so that what it starts ends with it
        )
        try:
            slow = _wait(process, task)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if slow:
        return Cell("slow", slow)
    if process.returncode != 0:
        lines = log.read_text(encoding="utf8", errors="replace").strip().splitlines()
        said_last = lines[-1] if lines else "without a word"
        return Cell("failed", f"exit code {process.returncode}: {said_last}")
    voltages = np.load(task.folder / VOLTAGES, allow_pickle=False)
    return Cell("done", "", read_measured(task.folder / RESULT), voltages)


def _wait(process: subprocess.Popen[bytes], task: Task) -> str:
    """Wait for the end; or say what took too long."""
    stages = (
        (READY, _PREPARATION, "was not ready"),
        (FIRST, task.budget, f"did not finish {_of_samples(task.contender.samples)}"),
        (RESULT, 3 * task.budget + _SLACK, "did not end"),
    )
    for file, patience, what in stages:
        begun = time.monotonic()
        while not (task.folder / file).exists() and process.poll() is None:
            if time.monotonic() - begun > patience:
                return f"{what} within {patience:g} s"
            time.sleep(_POLL)
    try:
        process.wait(_SLACK)
    except subprocess.TimeoutExpired:
        return f"did not exit within {_SLACK:g} s of its result"
    return ""


def _of_samples(count: int) -> str:
    return "one sample" if count == 1 else f"one batch of {count} samples"

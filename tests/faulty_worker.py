"""A worker that misbehaves: `python tests/faulty_worker.py KINDS NOTED FOLDER`.

`crash,cut-once` does each thing once, one a unit, leaves a file for it in the folder NOTED, and
behaves from then on; `crash-on` does it with every pass whose first input is 0.25 V.
"""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from circuits import ResistorPairs
from sim.engine import Array, Circuit, Readout
from sim.passes import Passes
from sim.workers.wire import Message
from sim.workers.worker import make_engine, serve

MARKED = 0.25
START = "start"  # before it is ready; the last kind, if it is one

held: list[bytearray] = []


class Faulty:
    """An engine that does something before it runs passes."""

    def __init__(self, engine: Circuit, act: Callable[[Passes], None]) -> None:
        self.name, self.tally = engine.name, engine.tally
        self._engine = engine
        self._act = act

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        return self._engine.pairs

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        self._engine.set_resistors(pairs)

    def write(self, weights: Sequence[Array]) -> int:
        return self._engine.write(weights)

    def run(self, passes: Passes) -> Readout:
        self._act(passes)
        return self._engine.run(passes)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def leave() -> None:
    sys.exit("gave up")


def hang() -> None:
    time.sleep(1000)


def garbage() -> None:
    os.write(told(), b"ngspice-39 : circuit level simulation program\n")


def cut() -> None:
    os.write(told(), b"DANPWIRE\x40")
    os._exit(0)


def stranger() -> None:
    os.write(told(), Message("readout", {"number": 10_000}).encode())


def misfit() -> None:
    """Answers to whatever it was asked, of no passes at all."""
    empty = {"energy": np.zeros(0), "doubts": np.zeros(0, np.uint8)}
    for number in range(100):
        fields = {"number": number, "seconds": 0.0, "aids": 0, "memory": 1.0}
        os.write(told(), Message("readout", fields, empty).encode())


def leak() -> None:
    held.append(bytearray(os.urandom(1 << 20)) * 400)


def chatter() -> None:
    os.write(1, b"printed by a library in C\n" * 100_000)


def told() -> int:
    """The descriptor of answers: the pipe that takes writing."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.exists()]
    return next(
        int(link.name)
        for link in links
        if int(link.name) > 2
        and str(link.readlink()).startswith("pipe:")
        and fcntl.fcntl(int(link.name), fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY
    )


ACTS = {
    act.__name__: act for act in (crash, leave, hang, garbage, cut, stranger, misfit, leak, chatter)
}


def main(fault: str, noted: Path, folder: Path) -> None:
    text, _, when = fault.partition("-")
    kinds = text.split(",")

    def due() -> str | None:
        """The first kind that has not been yet."""
        for kind in kinds:
            if not (noted / kind).exists():
                (noted / kind).touch()
                return kind
        return None

    def act(passes: Passes) -> None:
        if when == "on":
            if np.any(passes.inputs[:, 0] == MARKED):
                ACTS[kinds[0]]()
        elif (kind := due()) is not None:
            ACTS[kind]()

    if all((noted / kind).exists() for kind in kinds[:-1]) and kinds[-1] == START and due():
        sys.exit("no start")
    serve(folder, lambda described, keep: Faulty(make_engine(described, keep), act))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

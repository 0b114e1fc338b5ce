"""`python -m sim.workers.worker FOLDER`: a process with an ngspice of its own, which another asks.

FOLDER is for its files; it was made for this process, and is removed at its end.

It reads messages from standard input and answers on standard output:

    engine    fields: description, version                   no answer
    resistors fields: version; arrays: resistors             no answer
    unit      fields: number, engine, resistors; arrays: passes

A `unit` names the versions of engine and resistors that it is to be run with. The answer is one of

    readout   fields: number, seconds, aids, memory (pages it holds, or the most it held);
              arrays: readout
    failed    fields: number, error: a simulation failed; deck and log are in the folder `evidence`
    refused   fields: number, error: what the user has to mend

and `ready`, at the start, says which ngspice it is; `refused` with number null, that there is none.
Whatever else fails ends the process, with its
traceback in standard error. So does the end of the process that asks, even during a simulation.
"""

import ctypes
import os
import resource
import select
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from sim.engine import Circuit
from sim.engines.description import EngineDescription
from sim.errors import SimulationError, UserError
from sim.libngspice import get_library
from sim.workers.content import passes_from_arrays, readout_to_arrays, resistors_from_arrays
from sim.workers.wire import Decoder, Message

EVIDENCE = "evidence"
"""Folder for deck and log of a failed simulation, in the worker's own."""

PREFIX = "danp-cosim-worker-"
"""How the name of a worker's folder begins."""

_AT_ONCE = 1 << 20  # bytes read together
_MOST_SAID = 1 << 20  # bytes of standard error that are kept
_SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of Linux's prctl

Make = Callable[[EngineDescription, Path], Circuit]


def _memory() -> float:
    """What the process holds, in a unit of its system; elsewhere the most that it held."""
    held = Path("/proc/self/statm")
    if held.exists():
        return float(held.read_text(encoding="ascii").split()[1])
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def make_engine(description: EngineDescription, keep: Path) -> Circuit:
    """The engine that is described."""
    return description.make(keep)


def serve(folder: Path, make: Make = make_engine) -> None:
    """Answer on the standard streams until nobody asks any more.

    Args:
        folder: for files; removed at the end.
        make: makes an engine that keeps its evidence in a folder.

    Raises:
        ValueError: a folder that was not made for a worker.
    """
    if not folder.name.startswith(PREFIX):
        raise ValueError(f"wanted a folder {PREFIX}…, which is removed at the end, got {folder}")
    asked, told = _claim_streams()
    for number in (signal.SIGINT, signal.SIGTERM):  # are for the process that asks
        signal.signal(number, signal.SIG_IGN)
    _end_with_asker(asked, folder)
    try:
        Server(told, make, folder / EVIDENCE).answer(_messages(asked))
    except BrokenPipeError:  # nobody reads the answer
        return
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """Answers one message after the other.

    Args:
        told: file descriptor for answers.
        make: makes an engine that keeps its evidence in a folder.
        keep: that folder.
    """

    def __init__(self, told: int, make: Make, keep: Path) -> None:
        self._told = told
        self._make = make
        self._keep = keep
        self._described: EngineDescription | None = None
        self._engine: Circuit | None = None
        self._engine_version = -1
        self._resistors: Message | None = None  # not set yet
        self._resistors_version = -1

    def answer(self, messages: Iterator[Message]) -> None:
        """Answer until there are no more."""
        try:
            self._tell(Message("ready", {"ngspice": get_library().version}))
        except UserError as error:
            self._tell(Message("refused", {"number": None, "error": str(error)}))
            return
        for message in messages:
            match message.kind:
                case "engine":
                    self._described = EngineDescription.from_json(message.fields["description"])
                    self._engine_version = message.fields["version"]
                    self._engine = None
                case "resistors":
                    self._resistors, self._resistors_version = message, message.fields["version"]
                case "unit":
                    self._tell(self._run(message))
                    _cut_what_was_said()
                case kind:
                    raise ValueError(f"wanted engine, resistors or unit, got {kind!r}")

    def _run(self, unit: Message) -> Message:
        number = unit.fields["number"]
        versions = (unit.fields["engine"], unit.fields["resistors"])
        if versions != (self._engine_version, self._resistors_version):
            raise ValueError(f"unit {number}: wanted versions {versions}")
        library = get_library()
        before = library.seconds, library.aids
        try:
            readout = self._ready_engine().run(passes_from_arrays(unit.arrays))
        except SimulationError as error:
            return Message("failed", {"number": number, "error": str(error)})
        except UserError as error:
            return Message("refused", {"number": number, "error": str(error)})
        spent = {
            "seconds": library.seconds - before[0],
            "aids": library.aids - before[1],
            "memory": _memory(),
        }
        return Message("readout", {"number": number, **spent}, readout_to_arrays(readout))

    def _ready_engine(self) -> Circuit:
        """The engine that was described last, with the resistors that came last."""
        if self._engine is None:
            if self._described is None:
                raise ValueError("a unit before any engine")
            self._engine = self._make(self._described, self._keep)
        if self._resistors is not None:
            self._engine.set_resistors(resistors_from_arrays(self._resistors.arrays))
            self._resistors = None
        return self._engine

    def _tell(self, message: Message) -> None:
        left = memoryview(message.encode())
        while left:
            left = left[os.write(self._told, left) :]


def _claim_streams() -> tuple[int, int]:
    """Keep the standard streams for messages: ngspice, in C, prints where it likes."""
    sys.stdout.flush()
    asked, told = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return asked, told


def _messages(asked: int) -> Iterator[Message]:
    decoder = Decoder()
    while data := os.read(asked, _AT_ONCE):
        yield from decoder.feed(data)


def _end_with_asker(asked: int, folder: Path) -> None:
    """End when the process that asks does, also in the middle of a simulation."""

    def watch() -> None:
        poll = select.poll()
        poll.register(asked, 0)  # nothing but the end of the stream, which cannot be masked
        poll.poll()
        with suppress(OSError):
            shutil.rmtree(folder)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    if sys.platform == "linux":
        # A worker that was stopped could not see the end of its stream.
        ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGCONT)


def _cut_what_was_said() -> None:
    """Forget standard error where it grew beyond use; it is open for appending."""
    if os.fstat(2).st_size > _MOST_SAID:
        os.ftruncate(2, 0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

"""One worker process: started, told, listened to, and ended."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sim.workers.wire import Decoder, Message, WireError
from sim.workers.worker import EVIDENCE, PREFIX

COMMAND = (sys.executable, "-P", "-m", "sim.workers.worker")
"""Starts a worker, whatever the current folder holds."""

_ROOT = Path(__file__).parents[2]
_AT_ONCE = 1 << 20  # bytes read together
_LINES = 40  # of a worker's last words that are kept
_ENDING = 1.0  # s; a process that closed its stream is about to end
_WORN = 3.0  # times the memory at first, which decks that come later may double
# More threads in a worker would only take the cores of the others.
_ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")
}


class WorkerLostError(Exception):
    """A worker that does not answer any more; says how it ended."""


class Worker:
    """A worker process.

    Args:
        command: that starts it; the folder for its files is put behind.

    Raises:
        OSError: the system has no process or no file for it; nothing of it is left.

    Attributes:
        started: when, s of the monotonic clock.
        ready: when it said that it is; 0: not yet.
        unit: that it was asked; none: it has nothing to do.
        asked: when.
        engine: version of the engine that it was told of; −1: of none.
        resistors: likewise.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._said = self._folder / "said.log"
        try:
            self._process = self._started(command)
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("Popen gave no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self.told, self.heard = self._stdin.fileno(), self._stdout.fileno()
        os.set_blocking(self.told, False)
        os.set_blocking(self.heard, False)
        self._decoder = Decoder()
        self._outgoing: deque[memoryview] = deque()
        self.started = time.monotonic()
        self.ready = 0.0
        self.unit: int | None = None
        self.asked = 0.0
        self._memory = self._memory_at_first = 0.0
        self.engine = self.resistors = -1

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def evidence(self) -> Path:
        """Where it keeps deck and log of a failed simulation."""
        return self._folder / EVIDENCE

    @property
    def busy(self) -> bool:
        """Whether it was asked something that it has not answered."""
        return self.unit is not None

    @property
    def worn(self) -> bool:
        """Whether it holds much more memory than after its first answer."""
        return self._memory > _WORN * self._memory_at_first

    def note_memory(self, memory: float) -> None:
        """Take down the most that it has held so far, in any unit."""
        self._memory = memory
        self._memory_at_first = self._memory_at_first or memory

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self._process.poll() is not None

    @property
    def unsent(self) -> bool:
        """Whether it has not taken all yet that it was told."""
        return bool(self._outgoing)

    def tell(self, frame: bytes) -> None:
        """Send a message as far as it goes at once; `push` sends the rest."""
        self._outgoing.append(memoryview(frame))
        self.push()

    def push(self) -> None:
        """Send more of what is unsent."""
        try:
            while self._outgoing:
                part = self._outgoing[0]
                taken = os.write(self.told, part)
                if taken < len(part):
                    self._outgoing[0] = part[taken:]
                else:
                    self._outgoing.popleft()
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._outgoing.clear()  # its end shows in what it says

    def listen(self) -> list[Message]:
        """What it said since.

        Raises:
            WorkerLostError: it ended, or said what is no message.
        """
        try:
            data = os.read(self.heard, _AT_ONCE)
        except BlockingIOError:
            return []
        if not data:
            inside = f" within a message, {self._decoder.waiting} bytes into it"
            raise WorkerLostError(self._how_it_ended() + inside * bool(self._decoder.waiting))
        try:
            return list(self._decoder.feed(data))
        except WireError as error:
            raise WorkerLostError(f"sent garbage: {error}") from None

    def said(self) -> list[str]:
        """The last lines of its standard error."""
        with suppress(OSError):
            return self._said.read_text(encoding="utf8", errors="replace").splitlines()[-_LINES:]
        return []

    def kill(self) -> None:
        """End it at once, and remove what it leaves."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        path = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._said.open("ab") as said:
            return subprocess.Popen(  # noqa: S603  # this Python, or what a test names
                [*command, str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                bufsize=0,
                env={
                    **os.environ,
                    **_ONE_THREAD,
                    "TMPDIR": str(self._folder),
                    "PYTHONPATH": path,
                },
                process_group=0,  # Ctrl-C is for the process that asks
            )

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            return "closed its stream"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"was ended by signal {-code}"

"""The binding to ngspice's shared library: the only module that touches PySpice's.

ngspice is one instance a process, so `get_library` hands out one object. Its messages are
classified here; an error raises with ngspice's own line.
"""

import collections
import ctypes.util
import functools
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import SimulationError, UserError

COMMAND_LIMIT = 1000
"""Characters in a command; ngspice refuses 1,024, and cuts an altered wave short of that."""

_LOG_LINES = 2_000  # of the latest that are kept; every analysis says a few
_FORGET_AFTER = 10_000  # commands; ngspice keeps each one until told to forget
_ERROR_WORDS = (
    "error",
    "fatal",
    "singular",
    "aborted",
    "no such",
    "unknown",
    "undefined",
    "can't find",
)
# Lines with such a word that report no failure.
_HARMLESS = ("can't find init file", "spinit", "note:", "no compatibility mode")
_AIDS = ("gmin step", "source step", "gminsteps", "trying gmin")


class Ngspice:
    """ngspice in this process.

    Attributes:
        seconds: time spent inside ngspice so far, s.
        version: ngspice's version, as text.
        log: the latest lines since the last circuit was loaded.
        deck: the circuit loaded last.
        owner: who loaded it; None where there is none.
        aids: times that ngspice reached for a convergence aid since it was started.
    """

    def __init__(self, shared: Any, ffi: Any) -> None:
        self._shared = shared
        self._ffi = ffi
        self._lib = shared._ngspice_shared  # noqa: SLF001
        self._commands = 0
        self._spoken: list[str] = []
        self.seconds = 0.0
        self.aids = 0
        self.log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self.deck = ""
        self.owner: object = None
        shared.send_char = self._hear
        self.version = self._ask_version()

    def load(self, text: str, owner: object = None) -> None:
        """Load a circuit in place of the one before; `owner` says whose it is.

        Raises:
            SimulationError: ngspice found fault with the deck; carries its line.
        """
        self.unload()
        self.log.clear()
        self.deck = text
        lines = [self._ffi.new("char[]", line.encode()) for line in text.splitlines()]
        array = self._ffi.new("char *[]", [*lines, self._ffi.new("char[]", b""), self._ffi.NULL])
        started = time.perf_counter()
        failed = self._lib.ngSpice_Circ(array)
        self.seconds += time.perf_counter() - started
        self._settle("loading the deck", failed=bool(failed))
        self.owner = owner or text

    def unload(self) -> None:
        """Remove the loaded circuit, if any."""
        if self.owner is not None:
            self.owner = None
            self.command("remcirc")

    def command(self, text: str) -> None:
        """Run one command.

        Raises:
            SimulationError: ngspice refused it, or failed in it.
            ValueError: longer than ngspice takes.
        """
        if len(text) > COMMAND_LIMIT:
            raise ValueError(f"command of {len(text)} characters, ngspice takes {COMMAND_LIMIT}")
        self._commands += 1
        if self._commands % _FORGET_AFTER == 0:
            self._lib.ngSpice_Command(self._ffi.NULL)
        started = time.perf_counter()
        failed = self._lib.ngSpice_Command(text.encode("ascii"))
        self.seconds += time.perf_counter() - started
        self._settle(text, failed=bool(failed))

    def vector(self, name: str) -> NDArray[np.float64]:
        """A copy of a result vector of the current plot.

        Raises:
            SimulationError: there is no such vector.
        """
        info = self._lib.ngGet_Vec_Info(name.encode("ascii"))
        if info == self._ffi.NULL or info.v_length == 0:
            self.log += self._spoken
            self._spoken = []  # said of this name, not of the next command
            raise SimulationError(f"ngspice has no result {name}")
        return np.frombuffer(self._ffi.buffer(info.v_realdata, info.v_length * 8)).copy()

    def keep(self, deck: str, folder: Path | None = None) -> str:
        """Write a deck and what ngspice said, for a failure's message.

        Args:
            deck: that failed.
            folder: where to; a temporary one by default.

        Returns:
            Where they are, in words.
        """
        folder = folder or Path(tempfile.mkdtemp(prefix="danp-cosim-"))
        folder.mkdir(parents=True, exist_ok=True)
        kept, log = folder / "failed.cir", folder / "failed.log"
        kept.write_text(deck, encoding="utf8")
        log.write_text("\n".join(self.log) + "\n", encoding="utf8")
        return f"deck and log kept as {kept} and {log}"

    def _hear(self, message: str | bytes, _ngspice_id: int) -> int:
        text = message if isinstance(message, str) else message.decode("utf8", "replace")
        self._spoken.append(text)
        return 0

    def _settle(self, doing: str, *, failed: bool) -> None:
        """Sort what ngspice said since the last call into log, aids and errors."""
        spoken, self._spoken = self._spoken, []
        self.log += spoken
        fault = next(_faults(spoken), None)
        self.aids += any(aid in line.lower() for line in spoken for aid in _AIDS)
        if fault or failed:
            raise SimulationError(f"ngspice, {doing[:80]}: {fault or 'failed without a word'}")

    def _ask_version(self) -> str:
        self.command("version -f")
        for line in self.log:
            if "ngspice-" in line:
                return line.split("ngspice-")[1].split()[0]
        return "unknown"


def _faults(lines: list[str]) -> Iterator[str]:
    said = [line.partition(" ")[2].strip() for line in lines]  # behind the stream's name
    for k, content in enumerate(said):
        lowered = content.lower()
        if any(word in lowered for word in _HARMLESS):
            continue
        if any(word in lowered for word in _ERROR_WORDS):
            # "Error on line 7 or its substitute:" leaves the reason to the lines that follow.
            yield " ".join(said[k : k + 3]) if content.endswith(":") else content


@functools.cache
def get_library() -> Ngspice:
    """Load ngspice's shared library once.

    Raises:
        UserError: it is not installed.
    """
    path = find_library()
    # ngspice built with OpenMP spins on every core for decks that one core does best.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logging.getLogger("PySpice").setLevel(logging.CRITICAL)
    from PySpice.Spice.NgSpice import Shared  # noqa: PLC0415  # seconds of imports, SPICE only

    Shared.NgSpiceShared.LIBRARY_PATH = path
    try:
        shared = Shared.NgSpiceShared.new_instance()
    except OSError as error:
        raise UserError(f"ngspice: {path} does not load: {error}") from None
    return Ngspice(shared, Shared.ffi)


def find_library() -> str:
    """Path or name of ngspice's shared library; `NGSPICE_LIBRARY_PATH` goes first.

    Raises:
        UserError: none is found.
    """
    given = os.environ.get("NGSPICE_LIBRARY_PATH")
    if given:
        if Path(given).exists():
            return given
        raise UserError(f"NGSPICE_LIBRARY_PATH: there is no file {given}")
    found = ctypes.util.find_library("ngspice")
    if found is None:
        raise UserError(
            "ngspice: no shared library found; install it (Debian, Ubuntu: apt install ngspice "
            "libngspice0; macOS: brew install ngspice libngspice) or set NGSPICE_LIBRARY_PATH"
        )
    return found

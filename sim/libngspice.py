"""The binding to ngspice's shared library: the only module that touches PySpice's.

ngspice is one instance a process, so `get_library` hands out one object. Its messages are
classified here; an error raises with ngspice's own line.

A `Driver` answers for the external sources of a deck and chooses the time steps of a transient.
ngspice calls it back, in the same thread; its errors come out of the command that ran.
"""

import collections
import contextlib
import ctypes.util
import functools
import logging
import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.errors import SimulationError, UserError
from sim.evidence import keep_evidence

COMMAND_LIMIT = 1000
"""Characters in a command; ngspice refuses 1,024, and cuts an altered wave short of that."""

_UNSAFE = re.compile(r"[^ -~]|[;`$!|<>&\\\"]")
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
_AIDS = ("gmin step", "source step", "gminsteps", "trying gmin", "transient op started")


class Driver(Protocol):
    """Answers ngspice while a transient runs."""

    def voltage(self, name: str, time: float) -> float:
        """Voltage of an external source.

        Asked several times a step, also for times of steps that ngspice then takes back.

        Args:
            name: of the source, with its letter and in lower case: `vs1_2`.
            time: s; 0 in the operating point before a transient.

        Returns:
            V.
        """
        ...

    def next_step(self, time: float, proposed: float) -> float:
        """The step to take from a point that stands; `Ngspice.latest` reads its voltages.

        Not called at the last point of a transient.

        Args:
            time: of the point, s; the first is at 0.
            proposed: what ngspice would take, s. It grows to twice the step before, and is kept
                from passing the corners of waves.

        Returns:
            s. A longer step than proposed serves circuits without charge and without waves.
        """
        ...


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
        self._circuits: list[int] = []  # those loaded, the newest first, as ngspice numbers them
        self._current = 0
        self._loads = 0
        self._driver: Driver | None = None
        self._fault: BaseException | None = None
        self._callbacks: dict[str, Any] = {
            "voltage": ffi.callback("GetVSRCData *", self._answer_voltage),
            "step": ffi.callback("GetSyncData *", self._answer_step),
            # ngspice crashes where a step callback is taken away again, and one in Python costs
            # every deck 2 µs a point. This one is ngspice's own: without arguments, it says 0.
            "idle": ffi.cast("GetSyncData *", self._lib.ngSpice_running),
        }
        self.seconds = 0.0
        self.aids = 0
        self.log: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self.deck = ""
        self.owner: object = None
        shared.send_char = self._hear
        # Without any, ngspice counts time in another way, to other last bits.
        self._register(self._callbacks["idle"])
        self.version = self._ask_version()

    def load(self, text: str, owner: object = None) -> None:
        """Load a circuit in place of all before; `owner` says whose it is.

        Raises:
            SimulationError: ngspice found fault with the deck; carries its line.
        """
        self.unload()
        self.log.clear()
        self.add(text)
        self.owner = owner or text

    def add(self, text: str) -> int:
        """Load a circuit beside those that are there, and select it; returns its handle.

        Raises:
            SimulationError: as `load`.
        """
        self.deck = text
        lines = [self._ffi.new("char[]", line.encode()) for line in text.splitlines()]
        array = self._ffi.new("char *[]", [*lines, self._ffi.new("char[]", b""), self._ffi.NULL])
        started = time.perf_counter()
        failed = self._lib.ngSpice_Circ(array)
        self.seconds += time.perf_counter() - started
        self._loads += 1
        self._circuits.insert(0, self._loads)
        self._current = self._loads
        try:
            self._settle("loading the deck", failed=bool(failed))
        except SimulationError:
            # Whether ngspice has it is not known; what is loaded from here on comes before it.
            self._circuits.clear()
            self.owner = None
            raise
        return self._loads

    def select(self, circuit: int) -> None:
        """Let commands go to a loaded circuit, by its handle."""
        if circuit != self._current:
            self.command(f"setcirc {self._circuits.index(circuit) + 1}")
            self._current = circuit

    def remove(self, circuit: int) -> None:
        """Remove a loaded circuit; none is selected then."""
        self.select(circuit)
        self.command("remcirc")
        self._circuits.remove(circuit)
        self._current = 0

    def unload(self) -> None:
        """Remove all loaded circuits."""
        self.owner = None
        for circuit in list(self._circuits):
            self.remove(circuit)

    def command(self, text: str) -> None:
        """Run one command.

        Raises:
            SimulationError: ngspice refused it, or failed in it.
            ValueError: longer than ngspice takes, or with characters that chain commands, run
                others or redirect output; no name that reaches this holds any.
        """
        if odd := _UNSAFE.search(text):
            raise ValueError(f"command {text[:60]!r}: {odd[0]!r} has no place in one")
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
            SimulationError: there is no such vector, or it is complex.
        """
        info = self._look_up_real(name)
        return np.frombuffer(self._ffi.buffer(info.v_realdata, info.v_length * 8)).copy()

    def complex_vector(self, name: str) -> NDArray[np.complex128]:
        """A copy of a result vector of an AC analysis.

        Raises:
            SimulationError: there is no such vector.
        """
        info = self._look_up(name)
        if info.v_compdata == self._ffi.NULL:
            return self.vector(name).astype(np.complex128)
        buffer = self._ffi.buffer(info.v_compdata, info.v_length * 16)
        return np.frombuffer(buffer, dtype=np.complex128).copy()

    def latest(self, name: str) -> float:
        """The last value of a real result vector, also while the analysis runs.

        Raises:
            SimulationError: there is no such vector, or it is complex.
        """
        info = self._look_up_real(name)
        return info.v_realdata[info.v_length - 1]

    @contextlib.contextmanager
    def drive(self, driver: Driver) -> Iterator[None]:
        """Let a driver answer while commands run inside this context.

        What it raises comes out of the command, and stops the analysis at once if the deck has
        an external source.
        """
        self._driver = driver
        self._register(self._callbacks["step"])
        try:
            yield
        finally:
            self._driver = None
            self._register(self._callbacks["idle"])

    def keep(self, deck: str, folder: Path | None = None) -> str:
        """Write a deck and what ngspice said, for a failure's message.

        Args:
            deck: that failed.
            folder: where to; a temporary one by default.

        Returns:
            Where they are, in words.
        """
        return keep_evidence(deck, self.log, folder)

    def _hear(self, message: str | bytes, _ngspice_id: int) -> int:
        text = message if isinstance(message, str) else message.decode("utf8", "replace")
        self._spoken.append(text)
        return 0

    def _look_up(self, name: str) -> Any:
        info = self._lib.ngGet_Vec_Info(name.encode("ascii"))
        if info == self._ffi.NULL or info.v_length == 0:
            self.log += self._spoken
            self._spoken = []  # said of this name, not of the next command
            raise SimulationError(f"ngspice has no result {name}")
        return info

    def _look_up_real(self, name: str) -> Any:
        info = self._look_up(name)
        if info.v_realdata == self._ffi.NULL:
            raise SimulationError(f"ngspice's result {name} is complex")
        return info

    def _register(self, step: Any) -> None:
        shared = self._shared
        self._lib.ngSpice_Init_Sync(
            self._callbacks["voltage"],
            shared._get_isrc_data_c,  # noqa: SLF001
            step,
            shared._ngspice_id,  # noqa: SLF001
            shared._self_c,  # noqa: SLF001
        )

    def _answer_voltage(self, answer: Any, time: float, name: Any, *_: Any) -> int:
        try:
            text = self._ffi.string(name).decode("ascii")
            if self._driver is None:
                raise SimulationError(f"ngspice: nobody drives the external source {text}")  # noqa: TRY301
            answer[0] = math.nan if self._fault else self._driver.voltage(text, time)
        except BaseException as fault:  # noqa: BLE001  # nothing may pass through C
            # No Newton step converges on NaN: after a fault the analysis ends within milliseconds.
            answer[0] = math.nan
            self._fault = self._fault or fault
        return 0

    def _answer_step(self, time: float, step: Any, *details: Any) -> int:
        *_, place, _user = details
        # Place 0: the point stands and is in the results, the next step is about to be taken.
        if place == 0 and self._fault is None and self._driver is not None:
            try:
                step[0] = self._driver.next_step(time, step[0])
            except BaseException as fault:  # noqa: BLE001  # nothing may pass through C
                self._fault = fault
        return 0

    def _settle(self, doing: str, *, failed: bool) -> None:
        """Sort what ngspice said since the last call into log, aids and errors."""
        spoken, self._spoken = self._spoken, []
        self._shared.clear_output()  # which PySpice keeps as well, line by line
        self.log += spoken
        raised, self._fault = self._fault, None
        if raised is not None:
            raise raised
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
    except AttributeError as error:  # loaded, and without the functions
        raise UserError(f"ngspice: {path} is not ngspice's shared library: {error}") from None
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

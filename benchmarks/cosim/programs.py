"""Three programs that solve one deck: PySpice, a deck loaded into the library, and `ngspice -b`."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from netlists.control import printed_name
from netlists.deck import Deck
from netlists.spice import format_deck, format_for_library, format_number
from sim.bare import bare_version, run_bare
from sim.libngspice import find_library, get_library

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OneDeck:
    """The deck of one pass.

    Attributes:
        deck: with its transient.
        stop: its end, s.
        step: longest, s.
        label: of the last sampling instant.
        temperature: °C.
    """

    deck: Deck
    stop: float
    step: float
    label: str
    temperature: float


class Program(Protocol):
    """Solves one deck.

    Attributes:
        made_by: the engine, in words.
        own_objects: whether it has objects of its own in place of our deck's, which are then built
            before the clock starts.
    """

    made_by: str
    own_objects: bool

    @property
    def inside(self) -> float:
        """Seconds inside ngspice so far."""
        ...

    def solve(self, one: OneDeck) -> Array:
        """Voltages of the deck's probes at its end, V."""
        ...

    def count_points(self, one: OneDeck) -> int:
        """Time points of its transient."""
        ...


class PySpiceProgram:
    """PySpice's objects built, handed over and run; waves of every node come back.

    It holds ngspice for itself: it lives in a process of its own.
    """

    own_objects = True

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)
        os.environ["NGSPICE_LIBRARY_PATH"] = find_library()  # where PySpice looks
        from netlists.pyspice import to_pyspice  # noqa: PLC0415  # after the line above

        self._build = to_pyspice
        self._shared: Any = None
        self.made_by = "ngspice by PySpice"
        self.inside = 0.0

    def solve(self, one: OneDeck) -> Array:
        """As the program of a PySpice user would."""
        analysis = self._analysis(one)
        return np.array([float(analysis[node][-1]) for node in one.deck.probes])

    def count_points(self, one: OneDeck) -> int:
        """Of the analysis' time."""
        return len(self._analysis(one).time)

    def _analysis(self, one: OneDeck) -> Any:
        degrees = one.temperature
        circuit = self._build(one.deck)
        simulator: Any = circuit.simulator(temperature=degrees, nominal_temperature=27)
        if self._shared is None:
            self._shared = simulator.ngspice  # one a process, whatever the simulator
            for name in ("destroy", "load_circuit", "run"):
                setattr(self._shared, name, self._timed(getattr(self._shared, name)))
        return simulator.transient(step_time=one.step, end_time=one.stop, max_time=one.step)

    def _timed(self, method: Callable[..., object]) -> Callable[..., object]:
        def timed(*arguments: object) -> object:
            started = time.perf_counter()
            try:
                return method(*arguments)
            finally:
                self.inside += time.perf_counter() - started

        return timed


class ReloadProgram:
    """The deck as text, loaded into this process's ngspice."""

    own_objects = False

    def __init__(self) -> None:
        self._library = get_library()
        self.made_by = f"ngspice {self._library.version}"
        self._points = 0

    @property
    def inside(self) -> float:
        """As the library counts."""
        return self._library.seconds

    def solve(self, one: OneDeck) -> Array:
        """Load, run, read, clear away."""
        library = self._library
        library.load(format_for_library(one.deck))
        step = format_number(one.step)
        library.command(f"tran {step} {one.stop:.15g} 0 {step}")
        self._points = len(library.vector("time"))
        voltages = np.array([library.vector(probe)[-1] for probe in one.deck.probes])
        library.command("destroy all")
        return voltages

    def count_points(self, one: OneDeck) -> int:
        """Of the transient's time."""
        self.solve(one)
        return self._points


class BareProgram:
    """A process of ngspice, which reads a file and prints."""

    own_objects = False

    def __init__(self) -> None:
        self.made_by = f"ngspice -b {bare_version()}"
        self.inside = 0.0

    def solve(self, one: OneDeck) -> Array:
        """All nine digits that it prints."""
        printed = self._run(format_deck(one.deck))
        return np.array([printed[printed_name(node, one.label)] for node in one.deck.probes])

    def count_points(self, one: OneDeck) -> int:
        """Let it print their number too."""
        text = format_deck(one.deck)
        asked = text.replace("\nquit\n", "\nlet points = length(time)\nprint points\nquit\n")
        return round(self._run(asked)["points"])

    def _run(self, text: str) -> dict[str, float]:
        started = time.perf_counter()
        printed = run_bare(text)
        self.inside += time.perf_counter() - started
        return printed

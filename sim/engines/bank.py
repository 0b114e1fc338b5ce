"""Some neurons of a layer in ngspice, loaded once: their sources and resistors are altered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from netlists.deck import Deck
from netlists.elements import Pwl
from netlists.spice import format_altered, format_for_library, format_number, format_points
from sim.engine import Array
from sim.engines.rows import Values
from sim.errors import SimulationError
from sim.libngspice import COMMAND_LIMIT, Driver, Ngspice

Waves = dict[str, Pwl]
"""Of noise controls, by name of the source."""

Kind = Literal["rest", "noisy", "driven"]
"""What is loaded of it: sources of DC alone, for operating points; noise with waves; rows that are
driven as well."""

Build = Callable[[Values, Waves, bool], Deck]
"""A bank's deck with these values and waves, driven from outside or not."""


@dataclass(frozen=True)
class Course:
    """A bank's transient.

    Attributes:
        time: s, shape (T,).
        waves: of the probes, V, shape (probes, T).
        power: drawn from the supplies, W, shape (T,).
        drives: what amplifiers drive their output stages with at the end, V.
        summing: nodes that sum R+ and R− at the end, V, shape (2, neurons).
    """

    time: Array
    waves: Array
    power: Array
    drives: Array
    summing: Array

    def later(self, by: float) -> "Course":
        """The same, `by` s later."""
        return replace(self, time=self.time + by) if by else self


@dataclass
class _Loaded:
    """A bank's circuit as ngspice has it."""

    handle: int
    values: Values
    waves: Waves


class Bank:
    """Neurons of a layer.

    Args:
        library: to simulate with.
        build: of its deck.
        probes: nodes to sample.
        drives: nodes that amplifiers drive their output stages with.
        summing: nodes that sum R+, then those that sum R−.
        supplies: V by name of the source.
    """

    def __init__(
        self,
        library: Ngspice,
        build: Build,
        *,
        probes: Sequence[str],
        drives: Sequence[str],
        summing: Sequence[str],
        supplies: Mapping[str, float],
    ) -> None:
        self._library = library
        self._build = build
        self._probes = tuple(probes)
        self._drives = tuple(drives)
        self._summing = tuple(summing)
        self._supplies = dict(supplies)
        self._loaded: dict[Kind, _Loaded] = {}

    def forget(self) -> None:
        """Ngspice has nothing of it any more."""
        self._loaded.clear()

    def operating_point(self, values: Values) -> Course:
        """Solve it at rest; a course of one instant.

        Raises:
            SimulationError: ngspice failed.
        """
        self._prepare("rest", values, {})
        self._library.command("op")
        return self._course()

    def transient(
        self, values: Values, waves: Waves, duration: float, step: float, driver: Driver | None
    ) -> Course:
        """Simulate it from rest.

        Args:
            values: those of driven sources are not looked at.
            waves: of all noise controls.
            duration: s.
            step: longest time step, s.
            driver: of its rows' sources; without one they stand still.

        Raises:
            SimulationError: ngspice failed, or did not get to the end.
        """
        self._prepare("noisy" if driver is None else "driven", values, waves)
        command = f"tran {format_number(step)} {duration:.15g} 0 {format_number(step)}"
        if driver is None:
            self._library.command(command)
        else:
            with self._library.drive(driver):
                self._library.command(command)
        course = self._course()
        if abs(course.time[-1] - duration) > 1e-6 * duration:
            raise SimulationError(
                f"ngspice, transient: ended at {course.time[-1]:g} s of {duration:g} s"
            )
        return course

    def _prepare(self, kind: Kind, values: Values, waves: Waves) -> None:
        loaded = self._loaded.get(kind)
        if loaded is None:
            self._load(kind, values, waves)
            return
        self._library.select(loaded.handle)
        altered = {
            name: value
            for name, value in values.items()
            if loaded.values[name] != value
            and name[1:] not in waves
            and not (kind == "driven" and name[:2] in {"vp", "vn"})
        }
        moved = {name: wave for name, wave in waves.items() if loaded.waves[name] != wave}
        reshaped = {
            name: f"alter @v{name}[pwl] = [ {format_points(wave)} ]" for name, wave in moved.items()
        }
        if any(len(command) > COMMAND_LIMIT for command in reshaped.values()):
            self._library.remove(loaded.handle)
            self._load(kind, values, waves)
            return
        for name, value in altered.items():
            self._library.command(f"alter {name} = {format_altered(value)}")
            loaded.values[name] = value
        for name, command in reshaped.items():
            self._library.command(command)
            loaded.waves[name] = waves[name]

    def _load(self, kind: Kind, values: Values, waves: Waves) -> None:
        deck = self._build(values, waves, kind == "driven")
        handle = self._library.add(format_for_library(deck))
        self._loaded[kind] = _Loaded(handle, dict(values), dict(waves))

    def _course(self) -> Course:
        vector = self._library.vector
        waves = np.array([vector(probe) for probe in self._probes])
        points = waves.shape[1]
        time = vector("time") if points > 1 else np.zeros(1)
        power = -sum(volts * vector(f"v{name}#branch") for name, volts in self._supplies.items())
        drives = np.array([self._library.latest(drive) for drive in self._drives])
        summing = np.array([self._library.latest(node) for node in self._summing])
        self._library.command("destroy all")
        return Course(time, waves, np.asarray(power), drives, summing.reshape(2, -1))

"""The binding to neospice, an independent simulator: the only module that touches the package.

It gives its voltages as results, and passes over what it does not understand with a warning on the
process's standard error; here that ends in an error.
"""

import contextlib
import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlists.control import ROUNDING
from netlists.dialect import for_neospice
from netlists.spice import format_number
from sim.errors import SimulationError, UserError

Array = NDArray[np.float64]

# A pin that draws no current is meant: an op-amp's input, a node that only controls.
_HARMLESS = "[topology WARNING]"


@dataclass(frozen=True)
class Solution:
    """What an analysis gave.

    Attributes:
        time: s, shape (T,); a single 0 for an operating point.
        aided: whether neospice reached for a convergence aid.
        raw: neospice's own result.
    """

    time: Array
    aided: bool
    raw: Any

    def voltage(self, node: str) -> Array:
        """Of a node, V, shape (T,).

        Raises:
            SimulationError: it was not saved, or is not finite.
        """
        return self._vector(self.raw.voltage, node)

    def current(self, source: str) -> Array:
        """Through a voltage source from plus to minus, A, shape (T,).

        Args:
            source: its name without the V.

        Raises:
            SimulationError: it was not saved, or is not finite.
        """
        return self._vector(self.raw.current, f"v{source}")

    def position(self, instant: float) -> int:
        """Index of the first time point at a sampling instant, s.

        Raises:
            SimulationError: no point there; the sources of a deck put one on every such instant.
        """
        k = int(np.searchsorted(self.time, instant - ROUNDING))
        if k == len(self.time) or abs(self.time[k] - instant) > 2 * ROUNDING:
            raise SimulationError(f"neospice: no time point at the sampling instant {instant:g} s")
        return k

    def _vector(self, look_up: Any, name: str) -> Array:
        try:
            values = np.atleast_1d(np.array(look_up(name.lower()), dtype=np.float64))
        except KeyError:
            raise SimulationError(f"neospice has no result {name}") from None
        if not np.isfinite(values).all():
            raise SimulationError(f"neospice: {name} is not finite")
        return values


class Neospice:
    """neospice in this process; unlike ngspice it holds nothing between two analyses.

    Attributes:
        version: of the package.
        log: what it said in the last analysis.
    """

    def __init__(self, package: Any) -> None:
        self._package = package
        self.version: str = package.__version__
        self.log: list[str] = []

    def operating_point(
        self, circuit: str, settings: Mapping[str, float] | None = None
    ) -> Solution:
        """Solve for a circuit at rest.

        Args:
            circuit: a deck without a control section, in ngspice's syntax.
            settings: voltages of sources in place of the deck's, V, by name without the V.

        Raises:
            SimulationError: neospice found fault with the deck, or no solution.
            UserError: it has nothing for a line of the deck.
        """
        with self._listening():
            simulator = self._package.Simulator()
            parsed = simulator.parse(for_neospice(circuit))
            for name, volts in (settings or {}).items():
                parsed.update_param(f"v{name.lower()}", volts)
            raw = simulator.run_dc(parsed)
        return self._checked(np.zeros(1), raw)

    def transient(self, circuit: str, stop: float, max_step: float) -> Solution:
        """Solve for a circuit over time, from its operating point.

        Args:
            circuit: a deck without a control section, in ngspice's syntax.
            stop: s.
            max_step: s.

        Raises:
            SimulationError: neospice found fault with the deck, or did not reach the end.
            UserError: it has nothing for a line of the deck.
        """
        step = format_number(max_step)
        head, end, _ = for_neospice(circuit).rpartition(".end")
        deck = f"{head}.tran {step} {stop:.15g} 0 {step}\n{end}\n"
        with self._listening():
            simulator = self._package.Simulator()
            raw = simulator.run(simulator.parse(deck)).transient
        time = np.array(raw.time)
        if abs(time[-1] - stop) > 1e-6 * stop:
            raise SimulationError(f"neospice: ended at {time[-1]:g} s of {stop:g} s")
        return self._checked(time, raw)

    def _checked(self, time: Array, raw: Any) -> Solution:
        status = raw.status
        if not status.converged:
            raise SimulationError("neospice: no convergence")
        aided = status.convergence_method != self._package.ConvergenceMethod.DIRECT
        return Solution(time, aided, raw)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """Turn neospice's warnings and exceptions into errors with its own words."""
        said: list[str] = []
        try:
            with _standard_error(said):
                yield
        except (RuntimeError, ValueError, IndexError) as error:
            self.log = [*said, str(error)]
            raise SimulationError(f"neospice: {' '.join(str(error).split())}") from None
        self.log = said
        fault = next((line for line in said if not line.startswith(_HARMLESS)), None)
        if fault is not None:
            raise SimulationError(f"neospice: {fault}")


@contextlib.contextmanager
def _standard_error(lines: list[str]) -> Iterator[None]:
    """Gather what C and C++ code writes to the process's standard error meanwhile."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            file.seek(0)
            lines += file.read().decode("utf8", "replace").splitlines()


@functools.cache
def get_neospice() -> Neospice:
    """Load the package once.

    Raises:
        UserError: it is not installed.
    """
    if importlib.util.find_spec("neospice") is None:
        raise UserError(
            "neospice: not installed; it comes with the extra second-opinion: "
            "pip install -e '.[second-opinion]'"
        )
    import neospice  # noqa: PLC0415  # an optional package

    return Neospice(neospice)

"""A test bench: cells between supplies, sources and loads, and the analyses that ngspice runs.

Every analysis loads the bench anew, so that none depends on the one before.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters
from netlists import cells
from netlists.build import SolverSettings
from netlists.deck import Deck, OperatingPoints
from netlists.elements import Element, Pwl, Subcircuit, VoltageSource
from netlists.spice import format_for_library, format_number
from sim.errors import SimulationError
from sim.libngspice import Ngspice, get_library

Array = NDArray[np.float64]
Response = tuple[Array, dict[str, NDArray[np.complex128]]]
Waves = tuple[Array, dict[str, Array]]
Result = TypeVar("Result")

_EVEN = 1e-6  # of a step, by which values of a sweep may be off


@dataclass(frozen=True)
class Bench:
    """Cells under test with their supplies.

    The supplies are the nodes `vdd` and `vss`, with sources `dd` and `ss`; where the circuit's
    noise comes from strings also `vb` and `vref`, with sources `b` and `ref`.

    Attributes:
        circuit: parameters of every part, supplies and temperature.
        solver: accuracy.
        cells: those used before those that use them.
        elements: sources, loads and the instances under test.
        probes: nodes whose voltages are looked at.
        title: first line of the deck.
    """

    circuit: CircuitParameters
    solver: SolverSettings
    cells: tuple[Subcircuit, ...]
    elements: tuple[Element, ...]
    probes: tuple[str, ...]
    title: str

    def operating_point(self, settings: Mapping[str, float] | None = None) -> dict[str, float]:
        """Voltages and supply currents at rest.

        Args:
            settings: DC voltages of sources by name, V; the others keep their own.

        Returns:
            Every probe's voltage in V by its name, and what is drawn from every supply, A,
            positive, as `i(dd)` and `i(ss)`.

        Raises:
            SimulationError: ngspice failed; deck and log are kept.
        """
        found = self._run(self._at(settings), ("op",), self._real)
        return {name: float(values[-1]) for name, values in found.items()}

    def sweep(
        self, source: str, values: Array, settings: Mapping[str, float] | None = None
    ) -> dict[str, Array]:
        """DC transfer: operating points along one source.

        Args:
            source: its name.
            values: V, ascending and evenly spaced, shape (T,), T > 1.
            settings: DC voltages of other sources, V.

        Returns:
            As `operating_point`, each of shape (T,).

        Raises:
            ValueError: the values are not ascending and evenly spaced.
            SimulationError: as `operating_point`.
        """
        step = (values[-1] - values[0]) / (len(values) - 1)
        if not np.all(np.abs(np.diff(values) - step) <= _EVEN * step):
            raise ValueError("sweep: wanted values ascending and evenly spaced")
        # Half a step beyond the end, so that rounding does not lose the last value.
        ends = f"{values[0]:.15g} {values[-1] + step / 2:.15g} {step:.15g}"
        elements = self._at(settings)
        self._require_source(source)

        def read(library: Ngspice) -> dict[str, Array]:
            found = self._real(library)
            count = len(next(iter(found.values())))
            if count != len(values):
                raise SimulationError(f"ngspice, dc: ended after {count} of {len(values)} points")
            return found

        return self._run(elements, (f"dc v{source} {ends}",), read)

    def response(
        self,
        source: str,
        low: float,
        high: float,
        per_decade: int = 50,
        settings: Mapping[str, float] | None = None,
    ) -> Response:
        """Small-signal response to a source of 1 V at the operating point.

        Args:
            source: its name.
            low: first frequency, Hz.
            high: last frequency, Hz.
            per_decade: frequencies a decade.
            settings: DC voltages of sources, V.

        Returns:
            Frequencies in Hz, shape (F,), and every probe's complex voltage over the source's,
            V/V, shape (F,) each.

        Raises:
            SimulationError: as `operating_point`.
        """
        self._require_source(source)
        commands = (
            f"alter @v{source}[acmag] = 1",
            f"ac dec {per_decade} {format_number(low)} {format_number(high)}",
        )

        def read(library: Ngspice) -> Response:
            found = {probe: library.complex_vector(probe) for probe in self.probes}
            _require_finite(found)
            return library.complex_vector("frequency").real.copy(), found

        return self._run(self._at(settings), commands, read)

    def transient(
        self,
        waves: Mapping[str, Pwl],
        stop: float,
        max_step: float,
        settings: Mapping[str, float] | None = None,
    ) -> Waves:
        """What happens over time, from the operating point of the waves' first values.

        Args:
            waves: of sources by name.
            stop: s.
            max_step: longest time step, s.
            settings: DC voltages of other sources, V.

        Returns:
            Time points in s, shape (T,), and voltages and currents as `operating_point`, shape
            (T,) each.

        Raises:
            SimulationError: as `operating_point`.
        """
        for name in waves:
            self._require_source(name)
        elements = tuple(
            replace(element, wave=waves[element.name])
            if isinstance(element, VoltageSource) and element.name in waves
            else element
            for element in self._at(settings)
        )

        def read(library: Ngspice) -> Waves:
            time = library.vector("time")
            if abs(time[-1] - stop) > 1e-6 * stop:
                raise SimulationError(f"ngspice, transient: ended at {time[-1]:g} s of {stop:g} s")
            return time, self._real(library)

        step = format_number(max_step)
        return self._run(elements, (f"tran {step} {stop:.15g} 0 {step}",), read)

    @property
    def supplies(self) -> dict[str, float]:
        """Supply voltages by source, V."""
        noise = self.circuit.noise
        strings = {"b": noise.v_bias, "ref": -noise.v_trim} if noise.source == "string" else {}
        return {"dd": self.circuit.v_dd, "ss": self.circuit.v_ss, **strings}

    def power(self, found: Mapping[str, Array]) -> Array:
        """What all supplies deliver together, W, from the currents that an analysis found."""
        shares = [abs(volts) * found[f"i({name})"] for name, volts in self.supplies.items()]
        return np.sum(shares, axis=0)

    def _at(self, settings: Mapping[str, float] | None) -> tuple[Element, ...]:
        supplies = tuple(
            VoltageSource(name, f"v{name}", "0", volts) for name, volts in self.supplies.items()
        )
        for name in settings or {}:
            self._require_source(name)
        return tuple(
            replace(element, dc=settings[element.name])
            if settings and isinstance(element, VoltageSource) and element.name in settings
            else element
            for element in (*self.elements, *supplies)
        )

    def _require_source(self, name: str) -> None:
        known = [e.name for e in self.elements if isinstance(e, VoltageSource)]
        if name not in (*known, *self.supplies):
            raise ValueError(f"{self.title}: no source {name}, there are {', '.join(known)}")

    def _deck(self, elements: tuple[Element, ...]) -> Deck:
        model = cells.diode_model(self.circuit.activation.rectifier)
        return Deck(
            title=(self.title,),
            parameters=cells.cell_parameters(self.circuit),
            models=(model,) if model else (),
            subcircuits=self.cells,
            elements=elements,
            options=self.solver.options(self.circuit.temperature),
            probes=self.probes,
            currents=tuple(self.supplies),
            analysis=OperatingPoints(()),
        )

    def _run(
        self,
        elements: tuple[Element, ...],
        commands: tuple[str, ...],
        read: Callable[[Ngspice], Result],
    ) -> Result:
        text = format_for_library(self._deck(elements))
        library = get_library()
        try:
            library.load(text)
            for command in commands:
                library.command(command)
            found = read(library)
            library.command("destroy all")
        except SimulationError as error:
            control = "\n".join([".control", *commands, ".endc", ".end"])
            kept = library.keep(text.removesuffix(".end\n") + control + "\n")
            raise SimulationError(f"{self.title}: {error}; {kept}") from None
        return found

    def _real(self, library: Ngspice) -> dict[str, Array]:
        found = {probe: library.vector(probe) for probe in self.probes}
        for name, volts in self.supplies.items():
            # A branch current runs into the source's positive end.
            found[f"i({name})"] = -np.sign(volts) * library.vector(f"v{name}#branch")
        _require_finite(found)
        return found


def _require_finite(found: Mapping[str, NDArray[np.float64] | NDArray[np.complex128]]) -> None:
    for name, values in found.items():
        if not np.isfinite(values).all():
            raise SimulationError(f"ngspice: {name} is not a finite number")

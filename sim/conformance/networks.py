"""One network case through every engine, and how far their voltages are apart."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.build import SolverSettings, build_deck, probe_names
from netlists.control import printed_name
from netlists.spice import format_deck
from sim.bare import run_bare
from sim.conformance.cases import NetworkCase
from sim.engine import Engine, Readout
from sim.engines import IdealEngine, NeospiceEngine, NgspiceEngine
from sim.engines.circuit import longest_step, pass_stretches
from sim.passes import Passes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What every engine says of a case at one relative tolerance.

    Attributes:
        reltol: relative tolerance of the simulators, 1.
        engines: readouts by the engine's name.
        bare: what `ngspice -b` prints of the same decks, V, shape (P, probes); empty where it was
            not asked.
    """

    reltol: float
    engines: dict[str, Readout]
    bare: Array

    def differences(self, name: str) -> Array:
        """Engine `name` − ngspice, V, shape (P, probes)."""
        return voltages(self.engines[name]) - voltages(self.engines["ngspice"])

    @property
    def apart(self) -> float:
        """Largest |neospice − ngspice| of all samples, V."""
        return float(np.abs(self.differences("neospice")).max())

    @property
    def settled_apart(self) -> float:
        """Likewise of the passes that had settled; NaN where none had.

        Passes without a doubt in either engine count as settled.
        """
        doubts = self.engines["ngspice"].doubts | self.engines["neospice"].doubts
        settled = self.differences("neospice")[doubts == 0]
        return float(np.abs(settled).max()) if len(settled) else float("nan")

    def moved(self, name: str, true: "Answers") -> float:
        """Largest |engine `name` − ngspice in `true`|, V."""
        other = voltages(true.engines["ngspice"])
        return float(np.abs(voltages(self.engines[name]) - other).max())

    @property
    def from_mathematics(self) -> float:
        """Largest |ngspice − ideal|, V: what real parts do, for information."""
        return float(np.abs(self.differences("ideal")).max())

    @property
    def from_bare(self) -> float:
        """Largest |ngspice − ngspice -b|, V."""
        return float(np.abs(self.bare - voltages(self.engines["ngspice"])).max())

    @property
    def energy_apart(self) -> float:
        """Largest relative difference of the energy of a pass, 1; NaN without supply pins."""
        ngspice, neospice = (self.engines[name].energy for name in ("ngspice", "neospice"))
        return float(np.abs(neospice / ngspice - 1).max())


def voltages(readout: Readout) -> Array:
    """Every measured voltage of a readout, as `probe_names` orders them; shape (P, probes)."""
    parts = []
    for layer, pre in enumerate(readout.pre, start=1):
        parts.append(pre)
        if layer < len(readout.pre):
            parts.append(readout.outputs[layer - 1])
    return np.concatenate(parts, axis=1)


def ask_engines(case: NetworkCase, reltol: float, *, bare: bool = False) -> Answers:
    """Run a case in every engine.

    Args:
        case: from `sim.conformance.cases`.
        reltol: relative tolerance of the simulators, 1.
        bare: also run each pass's deck in `ngspice -b`.

    Raises:
        UserError: a simulator is not installed.
        SimulationError: a simulator failed.
    """
    solver = SolverSettings(reltol=reltol)
    network, circuit, clock = case.network, case.circuit, case.clock
    strings = case.strings()
    ngspice = NgspiceEngine(network, circuit, clock, strings=strings, solver=solver)
    engines: tuple[Engine, ...] = (
        IdealEngine(network, circuit),
        ngspice,
        NeospiceEngine(network, circuit, clock, strings=strings, solver=solver),
    )
    passes = case.passes()
    readouts = {}
    for engine in engines:
        engine.write(case.weights())
        readouts[engine.name] = engine.run(passes)
    printed = np.empty((0, 0))
    if bare:
        printed = _printed(case, passes, _deck_writer(case, ngspice, solver))
    return Answers(reltol, readouts, printed)


def _deck_writer(
    case: NetworkCase, engine: NgspiceEngine, solver: SolverSettings
) -> Callable[[Passes, int], tuple[str, str]]:
    def write(passes: Passes, p: int) -> tuple[str, str]:
        """The deck of a pass, and the label of its sample."""
        stretches = pass_stretches(passes, p, case.clock)
        labelled = [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)]
        deck = build_deck(
            case.network,
            case.circuit,
            engine.pairs,
            labelled,
            strings=case.strings(),
            solver=solver,
            max_step=longest_step(stretches, case.clock),
        )
        return format_deck(deck), labelled[-1][0]

    return write


def _printed(
    case: NetworkCase, passes: Passes, write: Callable[[Passes, int], tuple[str, str]]
) -> Array:
    rows = []
    for p in range(len(passes)):
        text, label = write(passes, p)
        printed = run_bare(text)
        rows.append([printed[printed_name(node, label)] for node in probe_names(case.network)])
    return np.array(rows)

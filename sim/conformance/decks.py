"""A deck as text under two simulators: what each prints for it."""

import re
from dataclasses import dataclass

from circuits.errors import UserError
from netlists.control import printed_name, read_control
from netlists.deck import Transient
from sim.bare import run_bare
from sim.errors import SimulationError
from sim.neospice import get_neospice

_RELTOL = re.compile(r"(?<=\breltol=)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Opinions:
    """What two simulators print of one deck, V by name.

    Attributes:
        ngspice: by `ngspice -b`.
        neospice: by neospice.
    """

    ngspice: dict[str, float]
    neospice: dict[str, float]

    def differences(self) -> dict[str, float]:
        """Neospice − ngspice, V, by name."""
        return {name: volts - self.ngspice[name] for name, volts in self.neospice.items()}

    def largest(self) -> float:
        """Largest magnitude of the differences, V."""
        return max(map(abs, self.differences().values()))


def ask_both(text: str) -> Opinions:
    """Run a deck in both simulators.

    Args:
        text: a complete deck, as `python -m netlists.build` writes it.

    Raises:
        UserError: a control section of another kind, or what neospice has nothing for.
        SimulationError: one of them failed; says which.
    """
    neospice = ask_neospice(text)
    ngspice = run_bare(text)
    missing = neospice.keys() - ngspice.keys()
    if missing:
        raise SimulationError(f"ngspice -b: it did not print {', '.join(sorted(missing))}")
    return Opinions({name: ngspice[name] for name in neospice}, neospice)


def ask_neospice(text: str) -> dict[str, float]:
    """What a bare run of a deck would print, by neospice; V by name.

    Raises:
        UserError: a control section of another kind, or what neospice has nothing for.
        SimulationError: it failed.
    """
    bare = read_control(text)
    simulator = get_neospice()
    answers: dict[str, float] = {}
    if isinstance(bare.analysis, Transient):
        solution = simulator.transient(bare.circuit, bare.analysis.stop, bare.analysis.max_step)
        for label, instant in bare.analysis.samples:
            k = solution.position(instant)
            for node in bare.probes:
                answers[printed_name(node, label)] = float(solution.voltage(node)[k])
        return answers
    for label, settings in bare.analysis.points:
        solution = simulator.operating_point(bare.circuit, dict(settings))
        for node in bare.probes:
            answers[printed_name(node, label)] = float(solution.voltage(node)[0])
    return answers


def with_reltol(text: str, reltol: float) -> str:
    """The deck at another relative tolerance.

    Raises:
        UserError: its options name none.
    """
    if not _RELTOL.search(text):
        raise UserError(
            "wanted a line .options with reltol=…, as `python -m netlists.build` writes"
        )
    return _RELTOL.sub(f"{reltol:g}", text)

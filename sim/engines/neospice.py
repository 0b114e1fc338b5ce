"""The circuit in neospice: the very decks that ngspice is given, solved by another program.

Every pass is a deck of its own, since neospice keeps no state between two analyses. Junctions'
states come as piecewise linear sources however many flips there are: it has no XSPICE.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network, NoiseString
from netlists.build import (
    SolverSettings,
    build_deck,
)
from netlists.deck import Deck
from netlists.models import require_built_in
from netlists.spice import format_deck, format_for_library
from netlists.stimulus import Stimulus
from sim.clock import Clock
from sim.engine import Array, Readout
from sim.engines.circuit import (
    CircuitEngine,
    drawn_power,
    longest_step,
    pass_stretches,
    sort_voltages,
)
from sim.errors import SimulationError
from sim.evidence import keep_evidence
from sim.guards import Doubt, Tally
from sim.neospice import Solution, get_neospice
from sim.passes import Passes


class NeospiceEngine(CircuitEngine):
    """Passes as simulations of the circuit; arguments are those of `CircuitEngine`.

    Raises:
        UserError: neospice is not installed, or the circuit has models from files.
    """

    name = "neospice"

    def __init__(
        self,
        network: Network,
        circuit: CircuitParameters,
        clock: Clock,
        *,
        strings: Sequence[NoiseString] = (),
        solver: SolverSettings | None = None,
        keep: Path | None = None,
    ) -> None:
        require_built_in(circuit, "neospice", "passes over what it does not know in one")
        super().__init__(network, circuit, clock, strings=strings, solver=solver, keep=keep)
        self._simulator = get_neospice()

    def run(self, passes: Passes) -> Readout:
        """Run passes in order; energy is the mean power looked at times the pass's length.

        Raises:
            SimulationError: names the deck and the log that were kept.
        """
        voltages = np.empty((len(passes), len(self._probes)))
        power = np.empty(len(passes))
        doubts = np.zeros(len(passes), np.uint8)
        for p in range(len(passes)):
            stretches = pass_stretches(passes, p, self._clock)
            deck = self._deck(stretches)
            try:
                solution = self._solve(deck, stretches)
                waves = np.array([solution.voltage(probe) for probe in self._probes])
                voltages[p] = waves[:, -1]
                shown = stretches[-1].duration
                power[p] = drawn_power(solution.time, self._power(solution), shown)
                doubts[p] = self._doubt(solution, waves, passes.youngest(p))
            except SimulationError as error:
                self.tally += Tally.of(doubts[:p], failed=1)
                kept = keep_evidence(format_deck(deck), self._simulator.log, self._keep)
                raise SimulationError(f"{error}; {kept}") from None
        self.tally += Tally.of(doubts)
        energy = power * self._clock.t_pass
        return sort_voltages(self._network, self._circuit, voltages, energy, doubts)

    def _deck(self, stretches: Sequence[Stimulus]) -> Deck:
        return build_deck(
            self._network,
            self._circuit,
            self._pairs,
            [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)],
            strings=self._strings,
            solver=self._solver,
            max_step=longest_step(stretches, self._clock),
            traces=self._drives,
            strobe=False,
        )

    def _solve(self, deck: Deck, stretches: Sequence[Stimulus]) -> Solution:
        text = format_for_library(deck)
        stop = sum(stretch.duration for stretch in stretches)
        if stop == 0.0:
            return self._simulator.operating_point(text)
        return self._simulator.transient(text, stop, longest_step(stretches, self._clock))

    def _power(self, solution: Solution) -> Array:
        """Drawn from all supplies, W, at each time point."""
        shares = [volts * solution.current(name) for name, volts in self._supplies.items()]
        return -np.sum(shares, axis=0)

    def _doubt(self, solution: Solution, waves: Array, last_jump: float) -> Doubt:
        doubt = Doubt.AID if solution.aided else Doubt(0)
        drives = np.array([solution.voltage(drive)[-1] for drive in self._drives])
        if self._guards.at_rail(drives):
            doubt |= Doubt.RAIL
        if len(solution.time) > 1 and self._guards.moving(solution.time, waves, last_jump):
            doubt |= Doubt.MOVING
        return doubt

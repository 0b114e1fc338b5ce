"""The circuit in ngspice: one deck, loaded once; resistors and sources altered from then on.

A pass whose look-back holds no jump of the noise, such as a junction's flip, has been at rest for
longer than anything settles: its transient would start from an operating point and stay there, so
the operating point is its result. A pass with jumps is a transient from just before the first of
them.

Flips too many for a command come with a deck of their own; very many, from a file beside it. A kept
deck of a failed simulation holds them itself, so that it runs on its own.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network, NoiseParameters, NoiseString
from netlists.build import (
    SolverSettings,
    build_deck,
    control_names,
    input_names,
    resistor_names,
)
from netlists.deck import Deck
from netlists.elements import Pwl
from netlists.spice import (
    format_altered,
    format_deck,
    format_for_library,
    format_number,
    format_points,
)
from netlists.stimulus import MOST_STATES, Stimulus, source_waves, still
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
from sim.guards import Doubt, Tally
from sim.libngspice import COMMAND_LIMIT, get_library
from sim.passes import Passes
from sim.state_file import state_file

LONGEST_WAVE = 500
"""Points of a junction's wave, at most; past them its states come from a file. ngspice searches a
wave point by point, which from here on costs more than a file does
(benchmarks/long_transients.py)."""


class NgspiceEngine(CircuitEngine):
    """Passes as simulations of the circuit; arguments are those of `CircuitEngine`."""

    name = "ngspice"

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
        super().__init__(network, circuit, clock, strings=strings, solver=solver, keep=keep)
        self._library = get_library()
        self._sources = (
            *input_names(network),
            *control_names(network, circuit.noise),
        )
        self._resistors: dict[str, float] = {}  # as ngspice has them
        self._levels: dict[str, float] = {}  # DC values of sources, likewise
        self._waves: dict[str, Pwl] = {}
        self._from_file = False  # the loaded deck's states: once only, and none to alter
        self._simulated: tuple[Stimulus, ...] = ()  # last, for the evidence of a failure

    def run(self, passes: Passes) -> Readout:
        """Run passes in order; energy is the mean power looked at times the pass's length.

        Raises:
            SimulationError: names the deck and the log that were kept.
            UserError: a pass of very many flips, and an ngspice without XSPICE's code models.
        """
        voltages = np.empty((len(passes), len(self._probes)))
        power = np.empty(len(passes))
        doubts = np.zeros(len(passes), np.uint8)
        p = 0
        try:
            self._refresh()
            for p in range(len(passes)):
                voltages[p], power[p], doubts[p] = self._run_pass(passes, p)
        except SimulationError as error:
            self.tally += Tally.of(doubts[:p], failed=1)
            # The deck as it was loaded lacks all that was altered since: weights, inputs, flips.
            deck = format_deck(self._deck(self._simulated))
            raise SimulationError(f"{error}; {self._library.keep(deck, self._keep)}") from None
        self.tally += Tally.of(doubts)
        energy = power * self._clock.t_pass
        return sort_voltages(self._network, self._circuit, voltages, energy, doubts)

    def _run_pass(self, passes: Passes, p: int) -> tuple[Array, float, Doubt]:
        aids = self._library.aids
        voltages, power, doubt = self._simulate_pass(passes, p)
        return voltages, power, doubt | (Doubt.AID if self._library.aids > aids else Doubt(0))

    def _simulate_pass(self, passes: Passes, p: int) -> tuple[Array, float, Doubt]:
        stretches = pass_stretches(passes, p, self._clock)
        if stretches[-1].duration == 0.0:
            return self._operating_point(stretches[0])
        return self._transient(stretches, passes.youngest(p))

    def _operating_point(self, rest: Stimulus) -> tuple[Array, float, Doubt]:
        self._simulated = (rest,)
        levels = [*rest.inputs.tolist(), *rest.controls.tolist()]
        for name, level in zip(self._sources, levels, strict=True):
            if self._levels.get(name) != level:
                self._library.command(f"alter v{name} = {format_altered(level)}")
                self._levels[name] = level
        self._library.command("op")
        voltages = np.array([self._library.vector(probe)[-1] for probe in self._probes])
        power, doubt = float(self._power()[-1]), self._at_rail()
        self._library.command("destroy all")
        return self._checked(voltages), power, doubt

    def _transient(
        self, stretches: Sequence[Stimulus], last_jump: float
    ) -> tuple[Array, float, Doubt]:
        self._simulated = tuple(stretches)
        stop = sum(stretch.duration for stretch in stretches)
        step = format_number(longest_step(stretches, self._clock))
        with self._waves_set(stretches):
            self._library.command(f"tran {step} {stop:.15g} 0 {step}")
        time = self._library.vector("time")
        if abs(time[-1] - stop) > 1e-6 * stop:
            raise SimulationError(f"ngspice, transient: ended at {time[-1]:g} s of {stop:g} s")
        waves = np.array([self._library.vector(probe) for probe in self._probes])
        doubt = self._at_rail()
        if self._guards.moving(time, waves, last_jump):
            doubt |= Doubt.MOVING
        power = drawn_power(time, self._power(), stretches[-1].duration)
        self._library.command("destroy all")
        return self._checked(waves[:, -1]), power, doubt

    def _at_rail(self) -> Doubt:
        drives = np.array([self._library.latest(drive) for drive in self._drives])
        return Doubt.RAIL if self._guards.at_rail(drives) else Doubt(0)

    def _power(self) -> Array:
        """Drawn from all supplies, W, at each time point."""
        shares = [
            volts * self._library.vector(f"v{name}#branch")
            for name, volts in self._supplies.items()
        ]
        return -np.sum(shares, axis=0)

    def _checked(self, voltages: Array) -> Array:
        for probe, value in zip(self._probes, voltages, strict=True):
            if not np.isfinite(value):
                raise SimulationError(f"ngspice: v({probe}) is {value} V at the sampling instant")
        return voltages

    @contextlib.contextmanager
    def _waves_set(self, stretches: Sequence[Stimulus]) -> Iterator[None]:
        """Have ngspice's sources do what stretches say; only for a transient in this context."""
        waves = source_waves(stretches, self._sources)
        if not wants_file(waves, self._network, self._circuit.noise):
            self._set_waves(waves, stretches)
            yield
            return
        with state_file(self._library, stretches) as name:
            self._load(stretches, state_file=name)
            yield

    def _set_waves(self, waves: dict[str, Pwl], stretches: Sequence[Stimulus]) -> None:
        changed = {name: wave for name, wave in waves.items() if self._waves.get(name) != wave}
        commands = {
            name: f"alter @v{name}[pwl] = [ {format_points(wave)} ]"
            for name, wave in changed.items()
        }
        longest = max((len(command) for command in commands.values()), default=0)
        if self._from_file or longest > COMMAND_LIMIT:
            # Too many flips for one command: hand the waves over inside the deck.
            self._load(stretches)
            return
        for command in commands.values():
            self._library.command(command)
        self._waves |= changed

    def _refresh(self) -> None:
        """Bring ngspice's resistors to those set."""
        if self._library.owner is not self or self._from_file:
            inputs = np.zeros(self._network.layers[0])
            controls = np.zeros(len(self._sources) - len(inputs))
            idle = still(self._clock.t_aperture, inputs, controls)
            self._load([idle])
            return
        for name, ohms in self._named():
            if self._resistors[name] != ohms:
                self._library.command(f"alter {name} = {format_altered(ohms)}")
                self._resistors[name] = ohms

    def _named(self) -> Iterator[tuple[str, float]]:
        """Every weight resistor by ngspice's name, with the Ω that were set."""
        for layer, pairs in enumerate(self._pairs, start=1):
            values = np.stack([pairs.plus.ravel(), pairs.minus.ravel()], axis=1).tolist()
            for names, ohms in zip(resistor_names(layer, self._network), values, strict=True):
                yield from zip(names, ohms, strict=True)

    def _deck(self, stretches: Sequence[Stimulus], state_file: str | None = None) -> Deck:
        labelled = [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)]
        return build_deck(
            self._network,
            self._circuit,
            self._pairs,
            labelled,
            strings=self._strings,
            solver=self._solver,
            state_file=state_file,
            traces=self._drives,
            strobe=False,
        )

    def _load(self, stretches: Sequence[Stimulus], state_file: str | None = None) -> None:
        self._simulated = tuple(stretches)
        deck = self._deck(stretches, state_file)
        self._library.load(format_for_library(deck), owner=self)
        self._from_file = state_file is not None
        self._waves = source_waves(stretches, self._sources)
        first = stretches[0]
        levels = [*first.inputs.tolist(), *first.controls.tolist()]
        self._levels = dict(zip(self._sources, levels, strict=True))
        self._resistors = dict(self._named())


def wants_file(waves: Mapping[str, Pwl], network: Network, noise: NoiseParameters) -> bool:
    """Whether junctions flip so often in a deck's waves that their states belong into a file."""
    if noise.source != "string":
        return False
    tracks = [waves[name].points for name in control_names(network, noise)]
    return (
        max(map(len, tracks)) > LONGEST_WAVE
        and len(tracks) <= MOST_STATES
        and all(volts in {0.0, 1.0} for track in tracks for _, volts in track)
    )

"""The circuit in ngspice: one deck, loaded once; resistors and sources altered from then on.

A pass whose look-back holds no jump of the noise, such as a junction's flip, has been at rest for
longer than anything settles: its transient would start from an operating point and stay there, so
the operating point is its result. A pass with jumps is a transient from just before the first of
them.

Flips too many for a command come with a deck of their own; very many, from a file beside it. A kept
deck of a failed simulation holds them itself, so that it runs on its own.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network, NoiseString, ResistorPairs
from netlists.build import (
    SolverSettings,
    build_deck,
    control_names,
    input_names,
    probe_names,
    rail_sources,
    resistor_names,
)
from netlists.deck import Deck
from netlists.elements import Pwl
from netlists.spice import format_deck, format_for_library, format_number, format_points
from netlists.stimulus import MOST_STATES, Stimulus, source_waves, still
from sim.clock import Clock
from sim.engine import Array, Readout
from sim.errors import SimulationError
from sim.libngspice import COMMAND_LIMIT, get_library
from sim.passes import Passes, pass_stimulus
from sim.state_file import state_file

LEAD = 100e-9
"""Stretch simulated at rest before the first flip or a new input, s."""

LONGEST_WAVE = 500
"""Points of a junction's wave, at most; past them its states come from a file. ngspice searches a
wave point by point, which from here on costs more than a file does
(benchmarks/long_transients.py)."""


class NgspiceEngine:
    """Passes as simulations of the circuit.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        clock: lengths and fidelity of passes.
        strings: noise string of each neuron; all as `circuit` says by default.
        solver: accuracy.
        keep: folder for deck and log of a failed simulation; a temporary one by default.
    """

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
        self._network = network
        self._circuit = circuit
        self._clock = clock
        self._strings = strings
        self._solver = solver or SolverSettings()
        self._keep = keep
        self._library = get_library()
        self._sources = (
            *input_names(network),
            *control_names(network, circuit.noise),
        )
        self._probes = probe_names(network)
        self._supplies = rail_sources(circuit)
        self._pairs = tuple(
            circuit.synapse.program(np.zeros(network.synapse_shape(layer)))
            for layer in range(1, len(network.layers))
        )
        self._resistors: dict[str, float] = {}  # as ngspice has them
        self._levels: dict[str, float] = {}  # DC values of sources, likewise
        self._waves: dict[str, Pwl] = {}
        self._from_file = False  # the loaded deck's states: once only, and none to alter
        self._previous_inputs: Array | None = None
        self._simulated: tuple[Stimulus, ...] = ()  # last, for the evidence of a failure
        self.passes = 0

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        """The resistors written last, one record a layer."""
        return self._pairs

    def write(self, weights: Sequence[Array]) -> int:
        """Write weights into resistor pairs; those that moved reach ngspice with the next pass."""
        self._pairs = tuple(self._circuit.synapse.program(w) for w in weights)
        return sum(pairs.clipped for pairs in self._pairs)

    def run(self, passes: Passes) -> Readout:
        """Run passes in order; energy is the mean power looked at times the pass's length.

        Raises:
            SimulationError: names the deck and the log that were kept.
            UserError: a pass of very many flips, and an ngspice without XSPICE's code models.
        """
        voltages = np.empty((len(passes), len(self._probes)))
        power = np.empty(len(passes))
        try:
            self._refresh()
            for p in range(len(passes)):
                voltages[p], power[p] = self._run_pass(passes, p)
        except SimulationError as error:
            # The deck as it was loaded lacks all that was altered since: weights, inputs, flips.
            deck = format_deck(self._deck(self._simulated))
            raise SimulationError(f"{error}; {self._library.keep(deck, self._keep)}") from None
        self.passes += len(passes)
        return self._readout(voltages, power * self._clock.t_pass)

    def _run_pass(self, passes: Passes, p: int) -> tuple[Array, float]:
        inputs = passes.inputs[p]
        previous = inputs if self._previous_inputs is None else self._previous_inputs
        self._previous_inputs = inputs
        oldest = passes.oldest(p)
        full = self._clock.fidelity == "full"
        if not full and oldest == 0.0:
            return self._operating_point(inputs, passes.controls[p])
        duration = self._clock.t_pass if full else min(oldest + LEAD, self._clock.t_aperture)
        stretch = pass_stimulus(passes, p, duration)
        if not full:
            return self._transient([stretch])
        at_rest = still(LEAD, previous, stretch.controls)
        return self._transient([at_rest, stretch])

    def _operating_point(self, inputs: Array, controls: Array) -> tuple[Array, float]:
        self._simulated = (still(0.0, inputs, controls),)
        levels = [*inputs.tolist(), *controls.tolist()]
        for name, level in zip(self._sources, levels, strict=True):
            if self._levels.get(name) != level:
                self._library.command(f"alter v{name} = {format_number(level)}")
                self._levels[name] = level
        self._library.command("op")
        voltages = np.array([self._library.vector(probe)[-1] for probe in self._probes])
        power = float(self._power()[-1])
        self._library.command("destroy all")
        return self._checked(voltages), power

    def _transient(self, stretches: Sequence[Stimulus]) -> tuple[Array, float]:
        self._simulated = tuple(stretches)
        stop = sum(stretch.duration for stretch in stretches)
        # The same limit whether a flip is old or new, so that `full` takes the same steps after it.
        longest = stop / 50 if self._clock.fidelity == "full" else self._clock.t_aperture / 10
        step = format_number(longest)
        with self._waves_set(stretches):
            self._library.command(f"tran {step} {stop:.15g} 0 {step}")
        time = self._library.vector("time")
        if abs(time[-1] - stop) > 1e-6 * stop:
            raise SimulationError(f"ngspice, transient: ended at {time[-1]:g} s of {stop:g} s")
        voltages = np.array([self._library.vector(probe)[-1] for probe in self._probes])
        shown = time >= stop - stretches[-1].duration
        power = np.trapezoid(self._power()[shown], time[shown]) / np.ptp(time[shown])
        self._library.command("destroy all")
        return self._checked(voltages), float(power)

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
        if not self._wants_file(waves):
            self._set_waves(waves, stretches)
            yield
            return
        with state_file(self._library, stretches) as name:
            self._load(stretches, state_file=name)
            yield

    def _wants_file(self, waves: dict[str, Pwl]) -> bool:
        if self._circuit.noise.source != "string":
            return False
        tracks = [waves[name].points for name in control_names(self._network, self._circuit.noise)]
        return (
            max(map(len, tracks)) > LONGEST_WAVE
            and len(tracks) <= MOST_STATES
            and all(volts in {0.0, 1.0} for track in tracks for _, volts in track)
        )

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
        """Bring ngspice's resistors to those written."""
        if self._library.owner is not self or self._from_file:
            inputs = np.zeros(self._network.layers[0])
            controls = np.zeros(len(self._sources) - len(inputs))
            idle = still(self._clock.t_aperture, inputs, controls)
            self._load([idle])
            return
        for name, ohms in self._written():
            if self._resistors[name] != ohms:
                self._library.command(f"alter {name} = {format_number(ohms)}")
                self._resistors[name] = ohms

    def _written(self) -> Iterator[tuple[str, float]]:
        """Every weight resistor by ngspice's name, with the Ω that were written."""
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
        self._resistors = dict(self._written())

    def _readout(self, voltages: Array, energy: Array) -> Readout:
        layers = self._network.layers
        pre: list[Array] = []
        outputs: list[Array] = []
        column = 0
        for layer, count in enumerate(layers[1:], start=1):
            pre.append(voltages[:, column : column + count])
            column += count
            if layer == len(layers) - 1:
                outputs.append(pre[-1])
            else:
                outputs.append(voltages[:, column : column + count])
                column += count
        if self._circuit.opamp.level != "macro":
            energy = np.full(len(energy), np.nan)
        return Readout(tuple(pre), tuple(outputs), energy)

"""Two-way coupling: the junctions' dwell times follow their simulated current.

A junction leaves its state at the rate 1/τ(state, T, I) that its own current sets, and its flip
changes the current of every junction in its string. So the flips cannot be drawn beforehand: they
are found while ngspice solves the string, and fed back to it.

The law is that of competing clocks (thinning is not needed, as rates hold still between flips):
each junction draws a threshold from the exponential distribution of mean 1 and flips when the
integral of its rate since its last flip has reached it (D. T. Gillespie, J. Comput. Phys. 22,
403, 1976; the form with one clock a reaction: M. A. Gibson and J. Bruck, J. Phys. Chem. A 104,
1876, 2000).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import FlipPath, NoiseString
from netlists import cells
from netlists.build import SolverSettings
from netlists.deck import Deck, Transient
from netlists.elements import External, Note, Parameter, Resistor, VoltageSource
from netlists.spice import format_for_library, format_number
from netlists.stimulus import EDGE
from sim.errors import SimulationError, UserError
from sim.libngspice import Ngspice, get_library

Array = NDArray[np.float64]
States = NDArray[np.uint8]

_INSTANT = 1e-12
"""s; what is due within it is due now. Far below an edge, far above the simulator's smallest step
and above rounding in the times of a chunk."""

_AFTER_CORNER = EDGE / 10
"""s; the first step from either end of an edge, as ngspice takes it at the corners of its own
waves: what it knows of the past says nothing of the error of that step."""

_STEP = 1e-6
"""s; the step that a chunk's transient is started with. It sets the smallest one, 1e-17 s."""

_FLIPS = 256
"""A junction's flips in a chunk, on average: loading the deck costs as much as some ten flips."""

_LONGEST = 1e3
"""s; a chunk of slow junctions, beyond which rounding would blur their edges."""


class _Clocks:
    """Competing clocks of one string's junctions.

    The current of a state is known once the edges of its flips are over; the clocks then catch up
    with the edge. A flip that falls within an edge of the same string comes at its end.

    Args:
        string: whose rates they run at.
        states: at the start, shape (n,).
        rngs: one a junction.
    """

    def __init__(
        self, string: NoiseString, states: States, rngs: Sequence[np.random.Generator]
    ) -> None:
        self._string = string
        self._rngs = rngs
        self.states = states.copy()
        self._left = np.array([rng.exponential() for rng in rngs])
        self._rates: Array | None = None
        self._voltage = math.nan
        self._spent = 0.0  # thresholds are spent up to this time
        self._still = 0.0  # from here on no edge moves the string

    def advance(self, time: float, voltage: float) -> list[int]:
        """Spend thresholds up to a time at which V_z is known.

        Args:
            time: s.
            voltage: V_z there, V.

        Returns:
            The junctions that flip at `time`.

        Raises:
            UserError: a current passes its junction's critical one.
        """
        if time < self._still - _INSTANT:
            return []
        if self._rates is None:
            self._rates = self._rates_at(voltage)
        self._left -= self._rates * (time - self._spent)
        self._spent = time
        due = np.flatnonzero(self._left <= self._rates * _INSTANT).tolist()
        for k in due:
            self.states[k] ^= 1
            self._left[k] = self._rngs[k].exponential()
        if due:
            self._rates = None
            self._still = time + EDGE
        elif voltage != self._voltage:
            self._rates = self._rates_at(voltage)
        return due

    @property
    def next(self) -> float:
        """When something happens next if the current stays, s: a flip, or the end of an edge."""
        if self._rates is None:
            return self._still
        return self._spent + float((self._left / self._rates).min())

    def rewind(self, by: float) -> None:
        """Count time from `by` s later on."""
        self._spent -= by
        self._still -= by

    def state(self) -> dict[str, Any]:
        """All that flips from now on depend on."""
        return {
            "states": self.states.copy(),
            "left": self._left.copy(),
            "rates": self._rates,
            "voltage": self._voltage,
            "spent": self._spent,
            "still": self._still,
            "rngs": [rng.bit_generator.state for rng in self._rngs],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where other clocks had their `state` taken."""
        self.states, self._left = state["states"].copy(), state["left"].copy()
        self._rates, self._voltage = state["rates"], state["voltage"]
        self._spent, self._still = state["spent"], state["still"]
        for rng, known in zip(self._rngs, state["rngs"], strict=True):
            rng.bit_generator.state = known

    def _rates_at(self, voltage: float) -> Array:
        self._voltage = voltage
        try:
            return self._string.leave_rates(self.states, voltage)
        except ValueError as error:
            raise _too_strong(error) from None


def _too_strong(error: ValueError) -> UserError:
    return UserError(f"circuit.noise.coupling: {error}")


class CoupledJunctions:
    """Drives the state sources of strings in any deck: a `sim.libngspice.Driver`.

    Args:
        strings: whose law the junctions follow.
        sources: full names of the external sources that are the junctions' states, strings one
            after the other, as in `Vs1_2`.
        dividers: the node of V_z of each string; saved by the deck.
        rngs: one a junction.
        states: of each string at the start, shape (n,).
        free_steps: pass over the steps that ngspice proposes; for decks without capacitors,
            inductors and waves, where they are of no use.
    """

    def __init__(
        self,
        strings: Sequence[NoiseString],
        sources: Sequence[str],
        dividers: Sequence[str],
        rngs: Sequence[np.random.Generator],
        states: Sequence[States],
        *,
        free_steps: bool = False,
    ) -> None:
        self._places = {name.lower(): k for k, name in enumerate(sources)}
        self._latest = get_library().latest
        self._free = free_steps
        self._strings: list[tuple[str, int, _Clocks]] = []
        first = 0
        for string, divider, start in zip(strings, dividers, states, strict=True):
            own = rngs[first : first + len(start)]
            self._strings.append((divider, first, _Clocks(string, start, own)))
            first += len(start)
        self._states: list[int] = np.concatenate(states).tolist()
        self._flips: list[list[float]] = [[] for _ in self._states]
        self._flipped = [-math.inf] * len(self._states)

    def voltage(self, name: str, time: float) -> float:
        """State of a junction, V: 0 to 1 in an edge, 1 to 0 in the next."""
        k = self._places[name]
        done = (time - self._flipped[k]) / EDGE
        return float(self._states[k]) if done >= 1 else abs(1 - self._states[k] - done)

    def next_step(self, time: float, proposed: float) -> float:
        """Flip what is due; step no further than to the next flip or end of an edge, s."""
        wanted = math.inf
        for divider, first, clocks in self._strings:
            for k in clocks.advance(time, self._latest(divider)):
                self._flip(first + k, time)
            wanted = min(wanted, clocks.next - time)
        if self._free:
            return wanted
        at_corner = any(
            abs(time - corner) < _INSTANT
            for flipped in self._flipped
            for corner in (flipped, flipped + EDGE)
        )
        return min(proposed, wanted, _AFTER_CORNER if at_corner else math.inf)

    def _flip(self, k: int, time: float) -> None:
        self._states[k] = 1 - self._states[k]
        self._flipped[k] = time
        self._flips[k].append(time)

    def finish(self, stop: float) -> tuple[Array, ...]:
        """End a transient, so that a next one goes on from its end.

        Args:
            stop: its last point, s.

        Returns:
            Times of each junction's flips, s.
        """
        for _, _, clocks in self._strings:
            clocks.rewind(stop)
        found = tuple(np.array(times) for times in self._flips)
        self._flips = [[] for _ in self._states]
        self._flipped = [-math.inf] * len(self._states)
        return found

    def state(self) -> list[dict[str, Any]]:
        """Where every string stands between two transients."""
        return [clocks.state() for _, _, clocks in self._strings]

    def restore(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go on, with a next transient, where others had their `state` taken."""
        for (_, first, clocks), state in zip(self._strings, states, strict=True):
            clocks.restore(state)
            self._states[first : first + len(clocks.states)] = clocks.states.tolist()


class _ChunkPath(FlipPath):
    """A path whose pieces come with those of other paths.

    Args:
        state: at time 0.
        simulate: finds a further chunk, and adds to every path.
        junctions: what the paths' chunks come from, of the one path that keeps its state.
    """

    def __init__(
        self, state: int, simulate: Callable[[], None], junctions: CoupledJunctions | None
    ) -> None:
        super().__init__(state)
        self._simulate = simulate
        self._junctions = junctions

    def add(self, flips: Array, duration: float) -> None:
        """Add a chunk: its flips, s from its start, and its duration, s."""
        self.append(self.end + flips, self.end + duration)

    def state(self, needed_from: float) -> dict[str, Any]:
        """As of any path, and what the next chunk comes from."""
        junctions = self._junctions.state() if self._junctions else None
        return {**super().state(needed_from), "junctions": junctions}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another path had its `state` taken; all of a string's are to."""
        super().restore(state)
        if self._junctions:
            self._junctions.restore(state["junctions"])

    def _extend(self) -> None:
        self._simulate()


class CoupledString:
    """One string in ngspice, simulated chunk by chunk.

    The string stands between its bias and R_z to ground. That leaves out the microvolts by which
    the summing amplifier's virtual ground is none.

    Args:
        string: with coupling two-way.
        rngs: one a junction; the first also draws the start from the stationary law.
        solver: accuracy.
        flips: of every junction in a chunk, on average.

    Attributes:
        paths: one a junction. Reading one beyond what is known simulates a chunk for all.

    Raises:
        UserError: a current passes its junction's critical one.
    """

    def __init__(
        self,
        string: NoiseString,
        rngs: Sequence[np.random.Generator],
        solver: SolverSettings | None = None,
        *,
        flips: int = _FLIPS,
    ) -> None:
        try:
            self._duration = min(flips * len(string.junctions) / string.flip_rate, _LONGEST)
        except ValueError as error:
            raise _too_strong(error) from None
        self._text = format_for_library(_deck(string, solver or SolverSettings()))
        states = draw_states(string, rngs[0])
        sources = [f"vs{k}" for k in range(1, len(states) + 1)]
        self._junctions = CoupledJunctions(
            [string], sources, ["z"], rngs, [states], free_steps=True
        )
        self.paths = tuple(
            _ChunkPath(state, self._simulate, None if k else self._junctions)
            for k, state in enumerate(states.tolist())
        )

    def _simulate(self) -> None:
        library = get_library()
        try:
            stop = self._run(library)
        except SimulationError as error:
            raise SimulationError(
                f"{error}, in a noise string; {library.keep(self._text)}"
            ) from None
        for path, flips in zip(self.paths, self._junctions.finish(stop), strict=True):
            path.add(flips, stop)

    def _run(self, library: Ngspice) -> float:
        """A chunk's transient; returns the time at which it ended, s."""
        # Afresh: what the solver keeps of the chunk before, as its pivots, is in no state.
        library.load(self._text, owner=self)
        step = format_number(_STEP)
        with library.drive(self._junctions):
            library.command(f"tran {step} {format_number(self._duration)} 0 {step}")
        stop = library.latest("time")
        library.command("destroy all")
        if not math.isclose(stop, self._duration, rel_tol=1e-6):
            raise SimulationError(
                f"ngspice, transient: ended at {stop:g} s of {self._duration:g} s"
            )
        return stop


class CoupledStrings:
    """Strings of junctions whose dwell times follow their simulated current.

    Strings share no node but stiff supplies, so each is simulated on its own, when one of its
    paths is read.

    Args:
        strings: with coupling two-way.
        rngs: one a junction, strings one after the other.
        solver: accuracy.

    Attributes:
        paths: one a junction, strings one after the other.

    Raises:
        UserError: a current passes its junction's critical one.
    """

    def __init__(
        self,
        strings: Sequence[NoiseString],
        rngs: Sequence[np.random.Generator],
        solver: SolverSettings | None = None,
    ) -> None:
        mine = iter(rngs)
        coupled = [
            CoupledString(string, [next(mine) for _ in string.junctions], solver)
            for string in strings
        ]
        self.paths: tuple[FlipPath, ...] = tuple(chain.from_iterable(c.paths for c in coupled))


def draw_states(string: NoiseString, rng: np.random.Generator) -> States:
    """States drawn from the stationary law, shape (n,)."""
    edges = string.probabilities.cumsum()[:-1]
    states = string.configurations[np.searchsorted(edges, rng.random())].copy()
    if string.equal:  # which of them are in AP is left to chance
        rng.shuffle(states)
    return states


def _deck(string: NoiseString, solver: SolverSettings) -> Deck:
    noise = string.parameters
    states = [f"s{k}" for k in range(1, noise.n_mtj + 1)]
    return Deck(
        title=("danp-cosim: a noise string, its states driven from outside",),
        parameters=(
            Parameter("R_Z", noise.r_inject, "ohm, noise injection"),
            *cells.string_parameters(string),
        ),
        models=(),
        subcircuits=(cells.smtj_cell(unequal=True), cells.noise_string_cell(noise, unequal=True)),
        elements=(
            VoltageSource("b", "vb", "0", "V_B"),
            cells.noise_string("z", "z", states, string, unequal=True),
            Resistor("z", "z", "0", "R_Z", "to the virtual ground"),
            Note("states of the junctions"),
            *(VoltageSource(name, name, "0", 0.0, External()) for name in states),
        ),
        options=solver.options(string.temperature),
        probes=("z",),
        currents=(),
        analysis=Transient(_STEP, _STEP, ()),
    )

"""The circuit in ngspice, reduced: layer after layer, each row of resistors as one source.

Dense layers cost ngspice far more a weight than a multiplication does. Outputs of amplifiers are
stiff and weights are linear, so a row of resistors is exactly one source behind one resistor
(`netlists.bank`, `sim.engines.rows`), and layers talk forwards alone. What is left are neurons by
themselves, simulated a few at a time; the sums over their inputs are matrix products.

A neuron that nothing has moved within a pass's look-back has its operating point; one whose noise
or input has moved gets a transient, driven by the waveforms of the layer before
(`sim.engines.waveform`), from the last moment that can still be felt at the sampling instant.

The load of a row ends at ground and not at a summing node. With an amplifier at its rail that is
not the same, and the pass is gone through again with what its summing nodes send back at the
sampling instant, until nothing changes. Neglected is that summing nodes are within millivolts of
ground, and not at it, for a fraction of a microsecond after a flip.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network, NoiseString, ResistorPairs
from netlists import cells
from netlists.bank import bank_deck
from netlists.build import CONSTANT, SolverSettings
from netlists.deck import Deck, Transient
from netlists.spice import format_deck
from netlists.stimulus import EDGE, Stimulus, source_waves
from sim.clock import Clock
from sim.engine import Array, Readout
from sim.engines.bank import Bank, Course, Waves
from sim.engines.circuit import (
    LEAD,
    CircuitEngine,
    drawn_power,
    longest_step,
    pass_stretches,
    sort_voltages,
)
from sim.engines.rows import Rows, Values, reduce_rows
from sim.engines.waveform import WaveDriver, on_grid, time_grid
from sim.errors import SimulationError
from sim.guards import Doubt, Flags, Guards, Tally
from sim.libngspice import get_library
from sim.passes import Passes, pass_stimulus

BANK = 6
"""Neurons in a deck: the flips of one cost its neighbours steps, and large decks cost ngspice more
a neuron (benchmarks/cosim); in smaller ones the cost of an analysis falls on fewer."""

_SWEEPS = 30
"""Most often that a pass with an amplifier at its rail is gone through; a sweep leaves a tenth."""

_RELAXED = 1e-8
"""V; what a change of load may still move an output with no loop gain left."""

_FORGOTTEN = 1e-8
"""V; what is left at the sampling instant of a movement that is not simulated, at the most: a
hundredth of what a pass is settled to."""


@dataclass
class _Signals:
    """What a layer hands to the next.

    Attributes:
        settled: at the sampling instants, V, shape (P, N).
        moving: by pass, waveforms on the pass's grid, V, shape (N, M); passes at rest have none.
    """

    settled: Array
    moving: dict[int, Array] = field(default_factory=dict)

    def with_one(self, volts: float) -> "_Signals":
        """With the source of biases as one more signal."""
        one = np.full((len(self.settled), 1), volts)
        moving = {
            p: np.vstack([w, np.full((1, w.shape[1]), volts)]) for p, w in self.moving.items()
        }
        return _Signals(np.hstack([self.settled, one]), moving)


@dataclass(frozen=True)
class _Found:
    """What came of passes.

    Attributes:
        voltages: in the order of `netlists.build.probe_names`, V, shape (P, probes).
        power: W, shape (P,).
        doubts: shape (P,).
        summing: by layer, nodes that sum R+ and R−, V, shape (P, 2, N_l).
    """

    voltages: Array
    power: Array
    doubts: Flags
    summing: list[Array]

    def part(self, p: int) -> "_Found":
        """One of the passes."""
        one = slice(p, p + 1)
        nodes = [layer[one] for layer in self.summing]
        return _Found(self.voltages[one], self.power[one], self.doubts[one], nodes)

    def put(self, p: int, one: "_Found") -> None:
        """Put what came of one pass into its place."""
        self.voltages[p], self.power[p], self.doubts[p] = one.voltages, one.power[0], one.doubts[0]


@dataclass(frozen=True)
class _Group:
    """Neurons that share a deck.

    Attributes:
        layer: from 1.
        neurons: from 1.
        controls: of their noise: name, and column in `Passes.controls`.
        drives: nodes that their amplifiers drive output stages with.
        bank: the deck in ngspice.
    """

    layer: int
    neurons: range
    controls: dict[str, int]
    drives: tuple[str, ...]
    bank: Bank

    @property
    def rows(self) -> list[str]:
        """Names of their rows."""
        return [f"{side}{j}" for j in self.neurons for side in "pn"]


class ReducedEngine(CircuitEngine):
    """Passes as simulations of the reduced circuit; arguments are those of `CircuitEngine`."""

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
        self._strings = self._strings or (circuit.noise_string(),) * network.neurons
        # Of the whole circuit's `xlayer1.xn2.xa.g`, by neuron, as `xn2.xa.g`.
        self._drives_of: dict[tuple[int, int], list[str]] = defaultdict(list)
        for drive in self._drives:
            whole, own, rest = drive.split(".", 2)
            place = int(whole.removeprefix("xlayer")), int(own.removeprefix("xn"))
            self._drives_of[place].append(f"{own}.{rest}")
        self._swing = max(float(np.ptp(string.node_levels)) for string in set(self._strings))
        self._groups = tuple(self._grouped(layer) for layer in range(1, len(network.layers)))
        self._rows: tuple[Rows, ...] = ()
        self.set_resistors(self._pairs)

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        """Set all resistors, one record a layer, and reduce their rows."""
        super().set_resistors(pairs)
        self._rows = reduce_rows(self._network, self._pairs, self._circuit.synapse.r_feedback)

    def run(self, passes: Passes) -> Readout:
        """Run passes; energy is the mean power looked at times the pass's length.

        Raises:
            SimulationError: names the deck and the log that were kept.
        """
        if self._library.owner is not self:
            self._library.unload()
            self._library.log.clear()
            self._library.owner = self
            for group in (group for groups in self._groups for group in groups):
                group.bank.forget()
        grounded = [np.zeros(count) for count in self._network.layers[1:-1]]
        try:
            found = self._sweep(passes, grounded)
            for p in np.flatnonzero(found.doubts & Doubt.RAIL).tolist():
                found.put(p, self._relaxed(passes[p : p + 1], found, p))
        except SimulationError:
            self.tally += Tally(passes=1, failed=1)
            raise
        self.tally += Tally.of(found.doubts)
        energy = found.power * self._clock.t_pass
        return sort_voltages(self._network, self._circuit, found.voltages, energy, found.doubts)

    def _relaxed(self, one: Passes, found: "_Found", p: int) -> "_Found":
        """A pass with an amplifier at its rail, whose summing nodes are not at ground.

        What these send back loads the layer before, which moves them: over and over until nothing
        changes.
        """
        before = [np.zeros(count) for count in self._network.layers[1:-1]]
        summing = [nodes[p] for nodes in found.summing]
        for _ in range(_SWEEPS):
            currents = [
                rows.returned(nodes)[: len(old)]
                for rows, nodes, old in zip(self._rows[1:], summing[1:], before, strict=True)
            ]
            moved = [np.abs(now - old).max() for now, old in zip(currents, before, strict=True)]
            if max(moved, default=0.0) * self._circuit.opamp.r_out < _RELAXED:
                return found.part(p)
            found, p = self._sweep(one, currents), 0
            before, summing = currents, [nodes[0] for nodes in found.summing]
        raise SimulationError(
            f"ngspice, reduced circuit: amplifiers at their rails do not come to rest within "
            f"{_SWEEPS} sweeps; take --reduction none"
        )

    def _sweep(self, passes: Passes, currents: Sequence[Array]) -> "_Found":
        """Simulate passes, given what next layers send back into hidden layers' outputs, A."""
        work = _Work(passes, self._clock, self._guards)
        signals = work.inputs()
        voltages: list[Array] = []
        summing: list[Array] = []
        for layer in range(1, len(self._network.layers)):
            sent = currents[layer - 1] if layer < self._last else np.empty(0)
            pre, signals, nodes = self._run_layer(layer, signals, sent, work)
            voltages += [pre, signals.settled]
            summing.append(nodes)
        v_one, power = self._circuit.v_one, work.power
        for rows, nodes in zip(self._rows, summing, strict=True):
            power = power + v_one * (rows.constant * (v_one - nodes)).sum(axis=(1, 2))
        return _Found(np.hstack(voltages[:-1]), power, work.doubts, summing)

    def _run_layer(
        self, layer: int, given: _Signals, sent: Array, work: "_Work"
    ) -> tuple[Array, _Signals, Array]:
        """Pre-activations, V, shape (P, N_l), what the layer hands on, and its summing nodes."""
        rows, count = self._rows[layer - 1], self._network.layers[layer]
        if self._network.biases:
            given = given.with_one(self._circuit.v_one)
        # One at a time, since the sums of a matrix product depend on its width in the last bit.
        settled = [rows.sources(one) for one in given.settled]
        moving = {p: rows.sources(waves) for p, waves in given.moving.items()}
        pre = np.empty((len(work.passes), count))
        summing = np.empty((len(work.passes), 2, count))
        out = _Signals(np.empty((len(work.passes), count if layer < self._last else 0)))
        for group in self._groups[layer - 1]:
            resistors: Values = {}
            for j in group.neurons:
                resistors |= rows.resistors[j - 1]
                if len(sent):
                    resistors[f"il{j}"] = float(sent[j - 1])
            here = slice(group.neurons[0] - 1, group.neurons[-1])
            for p in range(len(work.passes)):
                values = {
                    f"v{name}": float(settled[p][name[0]][int(name[1:]) - 1]) for name in group.rows
                }
                levels = work.passes.controls[p, list(group.controls.values())].tolist()
                values |= {f"v{name}": v for name, v in zip(group.controls, levels, strict=True)}
                course = self._simulate(group, resistors | values, moving.get(p), p, work)
                pre[p, here] = course.waves[: len(group.neurons), -1]
                summing[p, :, here] = course.summing
                if layer < self._last:
                    work.hand_on(out, p, here, course, course.waves[len(group.neurons) :])
        work.fill(out)
        return pre, out, summing

    @property
    def _last(self) -> int:
        return len(self._network.layers) - 1

    def _simulate(
        self,
        group: _Group,
        values: Values,
        moving: dict[str, Array] | None,
        p: int,
        work: "_Work",
    ) -> Course:
        """A group's neurons in a pass: at rest, or from the last moment that can be felt."""
        rows = group.rows
        driven = np.empty((0, 0))
        gains = self._rows[group.layer - 1].gains[:, [j - 1 for j in group.neurons]].T.ravel()
        if moving is not None:
            driven = np.array([moving[name[0]][int(name[1:]) - 1] for name in rows])
        stretches, start = work.felt(p, group.controls, driven, gains, self._own(group, p, work))
        waves: Waves = {}
        driver = None
        aids = self._library.aids
        try:
            if not stretches:
                course = group.bank.operating_point(values)
            else:
                waves = source_waves(stretches, list(group.controls))
                if len(driven):
                    names = [f"v{name}" for name in rows]
                    driver = WaveDriver(work.grids[p] - start, names, driven)
                duration = sum(stretch.duration for stretch in stretches)
                step = longest_step(stretches, self._clock)
                course = group.bank.transient(values, waves, duration, step, driver)
            if not np.isfinite(course.waves[:, -1]).all():
                raise SimulationError(  # noqa: TRY301
                    f"ngspice: a voltage of layer {group.layer} is not finite at the sampling "
                    "instant"
                )
        except SimulationError as error:
            if driver is not None:
                waves |= driver.waves(rows)
            analysis = None
            if stretches:
                stop = sum(stretch.duration for stretch in stretches)
                analysis = Transient(stop, longest_step(stretches, self._clock), (("p1", stop),))
            deck = format_deck(self._deck(group, values, waves, driven=False, analysis=analysis))
            raise SimulationError(f"{error}; {self._library.keep(deck, self._keep)}") from None
        course = course.later(start)
        work.judge(p, course, aided=self._library.aids > aids)
        return course

    def _own(self, group: _Group, p: int, work: "_Work") -> float:
        """Most that a group's own noise has moved a pre-activation in a pass, V."""
        jumps = [work.passes.jumps[p][column] for column in group.controls.values()]
        if not any(len(jump.ages) for jump in jumps):
            return 0.0
        if self._circuit.noise.source == "string":
            return self._swing
        gain = self._circuit.synapse.r_feedback / self._circuit.noise.r_inject
        columns = list(group.controls.values())
        met = [
            *(abs(v) for v in work.passes.controls[p, columns].tolist()),
            *(float(np.abs(jump.before).max()) for jump in jumps if len(jump.before)),
        ]
        return 2 * gain * max(met)

    def _grouped(self, layer: int) -> tuple[_Group, ...]:
        count = self._network.layers[layer]
        decks = -(-count // BANK)
        edges = [1 + count * k // decks for k in range(decks + 1)]
        return tuple(self._group(layer, range(a, b)) for a, b in pairwise(edges))

    def _group(self, layer: int, neurons: range) -> _Group:
        first = sum(self._network.layers[1:layer])
        names = [cells.control_nodes(layer, j, self._circuit.noise) for j in neurons]
        each = len(names[0])
        start = (first + neurons[0] - 1) * each
        controls = {name: start + k for k, name in enumerate(n for one in names for n in one)}
        outputs = [f"x{layer}_{j}" for j in neurons] if layer < self._last else []
        drives = tuple(drive for j in neurons for drive in self._drives_of[layer, j])
        bank = Bank(
            self._library,
            lambda values, waves, driven: self._deck(group, values, waves, driven=driven),
            probes=[*(f"a{layer}_{j}" for j in neurons), *outputs],
            drives=drives,
            summing=[*(f"sp{j}" for j in neurons), *(f"sn{j}" for j in neurons)],
            supplies={name: volts for name, volts in self._supplies.items() if name != CONSTANT},
        )
        group = _Group(layer, neurons, controls, drives, bank)
        return group  # the bank builds its deck from it

    def _deck(
        self,
        group: _Group,
        values: Values,
        waves: Waves,
        *,
        driven: bool,
        analysis: Transient | None = None,
    ) -> Deck:
        return bank_deck(
            self._network,
            self._circuit,
            group.layer,
            group.neurons,
            strings=self._strings,
            values=values,
            waves=waves,
            driven=driven,
            solver=self._solver,
            analysis=analysis,
            traces=(*group.drives, *(f"s{row}" for row in group.rows)),
        )


class _Work:
    """Passes under way: their stretches and grids, and what is found about them."""

    def __init__(self, passes: Passes, clock: Clock, guards: Guards) -> None:
        self.passes = passes
        self.power = np.zeros(len(passes))
        self.doubts = np.zeros(len(passes), np.uint8)
        self.grids: dict[int, Array] = {}
        self._clock = clock
        self._guards = guards
        self._stretches = [pass_stretches(passes, p, clock) for p in range(len(passes))]
        self._durations = [sum(s.duration for s in stretches) for stretches in self._stretches]
        self._youngest = [passes.youngest(p) for p in range(len(passes))]
        for p, duration in enumerate(self._durations):
            if duration:
                corners = (LEAD, LEAD + EDGE) if len(self._stretches[p]) > 1 else ()
                self.grids[p] = time_grid(duration, corners)

    def inputs(self) -> _Signals:
        """What the network is given: at rest, or with a step where a pass is shown whole."""
        moving = {
            p: _stepped(self.grids[p], stretches)
            for p, stretches in enumerate(self._stretches)
            if len(stretches) > 1 and (stretches[0].inputs != stretches[-1].inputs).any()
        }
        return _Signals(self.passes.inputs, moving)

    def felt(
        self, p: int, controls: dict[str, int], driven: Array, gains: Array, own: float
    ) -> tuple[tuple[Stimulus, ...], float]:
        """What of a pass has to be simulated of some neurons.

        A movement of m volts is forgotten, to `_FORGOTTEN`, after ln(m/_FORGOTTEN) time constants,
        where these were measured; a pass that is shown whole is simulated whole.

        Args:
            p: which.
            controls: of their noise.
            driven: voltages of their rows' sources on the pass's grid, V; none where they rest.
            gains: of these to the pre-activation, 1.
            own: most that their noise has moved, V.

        Returns:
            Stretches, none for an operating point, and when in the pass's transient they begin, s.
        """
        chosen = list(controls.values())
        duration = self._durations[p]
        if not duration:
            return (), 0.0
        if len(self._stretches[p]) > 1:
            return tuple(_part(s, chosen) for s in self._stretches[p]), 0.0
        input_moved = float((np.ptp(driven, axis=1) * gains).max()) if len(driven) else 0.0
        moved = own + input_moved
        if moved <= _FORGOTTEN:
            return (), 0.0
        lasting = duration
        if self._clock.settling is not None:
            lasting = min(self._guards.window * math.log(moved / _FORGOTTEN), duration)
        oldest = max(
            (
                float(j.ages[0])
                for k in chosen
                if len((j := self.passes.jumps[p][k].within(lasting)).ages)
            ),
            default=0.0,
        )
        late = self.grids[p] >= duration - lasting
        if len(driven) and (np.ptp(driven[:, late], axis=1) * gains).max() > _FORGOTTEN:
            oldest = lasting
        if oldest == 0.0:
            return (), 0.0
        shown = min(oldest + LEAD, duration)
        stretch = pass_stimulus(self.passes, p, shown, chosen)
        return (replace(stretch, inputs=np.empty(0)),), duration - shown

    def hand_on(self, out: _Signals, p: int, here: slice, course: Course, waves: Array) -> None:
        """Put some neurons' outputs into what a layer hands on."""
        out.settled[p, here] = waves[:, -1]
        if len(course.time) > 1:
            if p not in out.moving:
                out.moving[p] = np.full((out.settled.shape[1], len(self.grids[p])), np.nan)
            out.moving[p][here] = on_grid(course.time, waves, self.grids[p])

    def fill(self, out: _Signals) -> None:
        """Let the neurons that stood still stand still in the waveforms, too."""
        for p, waves in out.moving.items():
            still = np.isnan(waves[:, 0])
            waves[still] = out.settled[p, still, None]

    def judge(self, p: int, course: Course, *, aided: bool) -> None:
        """Add some neurons' power and doubts to their pass's."""
        self.power[p] += drawn_power(course.time, course.power, self._stretches[p][-1].duration)
        doubt = Doubt.AID if aided else Doubt(0)
        if self._guards.at_rail(course.drives):
            doubt |= Doubt.RAIL
        if len(course.time) > 1 and self._guards.moving(
            course.time, course.waves, self._youngest[p]
        ):
            doubt |= Doubt.MOVING
        self.doubts[p] |= doubt


def _stepped(grid: Array, stretches: Sequence[Stimulus]) -> Array:
    """Inputs that step at the start of a pass, V, shape (N_0, M)."""
    before, after = stretches[0].inputs[:, None], stretches[-1].inputs[:, None]
    return before + np.clip((grid - LEAD) / EDGE, 0, 1) * (after - before)


def _part(stretch: Stimulus, chosen: Sequence[int]) -> Stimulus:
    """A stretch of some controls alone."""
    steps = tuple(stretch.steps[k] for k in chosen)
    return Stimulus(stretch.duration, np.empty(0), stretch.controls[list(chosen)], steps)

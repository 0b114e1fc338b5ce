"""Noise where it matters: at the pre-activation of a neuron that ngspice simulates."""

import math
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseString, ResistorPairs
from circuits.recording import Recording
from netlists.build import SolverSettings, build_deck, control_names
from netlists.deck import Deck
from netlists.elements import External, VoltageSource
from netlists.rules import Finding, require_sound
from netlists.spice import format_for_library, format_number
from netlists.stimulus import EDGE, Stimulus, flips, still
from sim.characterize.analysis import minus_3db
from sim.coupling import CoupledJunctions, draw_states
from sim.errors import SimulationError
from sim.libngspice import Driver, Ngspice, get_library
from sim.noise.law import law_of
from sim.noise.specimen import Specimen, node_voltages, played_recording, sample_step
from sim.rules import circuit_findings
from sim.sources import flip_paths
from sim.state_file import state_file

Array = NDArray[np.float64]

NODE = "a1_1"
_DIVIDER = "xlayer1.z1"
_LOWEST, _HIGHEST = 1.0, 100e6  # Hz


@dataclass(frozen=True)
class InCircuit:
    """What the summing amplifiers leave of the noise.

    Attributes:
        node: looked at.
        inputs: of its neuron.
        sigma_ratio: standard deviation at the node over the closed form's; NaN without one.
        bandwidth: at which the way from the noise source to the node has lost 3 dB, Hz; NaN where
            it never does.
        points: of the transient.
        seconds: inside ngspice, s.
        findings: of the electrical rules; None where they were not asked.
    """

    node: str
    inputs: int
    sigma_ratio: float
    bandwidth: float
    points: int
    seconds: float
    findings: tuple[Finding, ...] | None


def in_circuit(
    circuit: CircuitParameters,
    string: NoiseString,
    rng: np.random.Generator,
    *,
    inputs: int,
    label: str,
    sample_time: float | None,
    count: int,
    solver: SolverSettings,
    erc: bool = True,
) -> tuple[Specimen, InCircuit]:
    """Simulate a neuron under its noise in one transient, and sample its pre-activation.

    Its inputs rest at zero volts, its weights are random with variance 1/inputs.

    Args:
        circuit: parameters of every part.
        string: noise string of the neuron, where that is the source.
        rng: of weights and noise.
        inputs: of the neuron.
        label: of the specimen.
        sample_time: s; by default what suits the source.
        count: of samples.
        solver: accuracy.
        erc: check the circuit's electrical rules first.

    Raises:
        UserError: the circuit breaks a rule.
        SimulationError: ngspice failed.
    """
    # Exceptions name neurons of a run's network; this one is like the rest of them.
    circuit = circuit.model_copy(update={"exceptions": {}})
    network = Network((inputs, 1))
    weights = rng.normal(0, 1 / math.sqrt(inputs), (1, inputs))
    pairs = (circuit.synapse.program(weights),)
    neuron = _Neuron(network, circuit, string, pairs, solver)
    findings = circuit_findings(network, circuit, (weights,), (string,)) if erc else None
    require_sound(findings or ())
    recording = played_recording(circuit)
    step = sample_step(circuit, string, sample_time, recording)
    library = get_library()
    before = library.seconds
    try:
        time, voltage = neuron.transient(library, rng, step, count, recording)
        bandwidth = neuron.bandwidth(library)
    except SimulationError as error:
        raise SimulationError(f"{error}; {library.keep(library.deck)}") from None
    # Amid the samples of a held source, clear of its edges.
    samples = np.interp((np.arange(count) + 0.5) * step, time, voltage)
    law = law_of(circuit, string, step)
    specimen = Specimen(
        label, "ngspice", samples, step, circuit.temperature, circuit.smtj.attempt_time, law
    )
    found = InCircuit(
        node=NODE,
        inputs=inputs,
        sigma_ratio=float(samples.std()) / law.sigma,
        bandwidth=bandwidth,
        points=len(time),
        seconds=library.seconds - before,
        findings=findings,
    )
    return specimen, found


@dataclass(frozen=True)
class _Neuron:
    network: Network
    circuit: CircuitParameters
    string: NoiseString
    pairs: Sequence[ResistorPairs]
    solver: SolverSettings

    def transient(
        self,
        library: Ngspice,
        rng: np.random.Generator,
        step: float,
        count: int,
        recording: Recording | None,
    ) -> tuple[Array, Array]:
        """Time in s and the node's voltage in V over `count` samples."""
        duration = count * step
        noise = self.circuit.noise
        rest = still(duration, np.zeros(self.network.layers[0]), np.zeros(self._controls))
        if noise.two_way:
            rngs = rng.spawn(noise.n_mtj + 1)
            sources = [f"v{name}" for name in control_names(self.network, noise)]
            states = [draw_states(self.string, rngs.pop())]
            deck = _driven(self._deck(rest), control_names(self.network, noise))
            library.load(format_for_library(deck), owner=self)
            driver = CoupledJunctions([self.string], sources, [_DIVIDER], rngs, states)
            return self._run(library, duration, step, driver)
        if noise.source == "string":
            paths = flip_paths((self.string,), rng.spawn(noise.n_mtj), self.solver)
            windows = [path.window(0.0, duration) for path in paths]
            start = np.array([state for state, _ in windows], dtype=np.float64)
            steps = tuple(flips(times, state) for state, times in windows)
            stimulus = Stimulus(duration, rest.inputs, start, steps)
            with state_file(library, [stimulus]) as name:
                deck = self._deck(stimulus, state_file=name)
                library.load(format_for_library(deck), owner=self)
                return self._run(library, duration, step, None)
        values = node_voltages(self.circuit, rng, step, count, recording)
        drive = noise.r_inject / self.circuit.synapse.r_feedback
        deck = _driven(self._deck(rest), control_names(self.network, noise))
        library.load(format_for_library(deck), owner=self)
        return self._run(library, duration, step, _Played(drive * values, step))

    def bandwidth(self, library: Ngspice) -> float:
        """Frequency at which the noise source's way to the node has lost 3 dB, Hz.

        NaN where it never does: ideal op-amps.
        """
        noise = self.circuit.noise
        inputs = np.zeros(self.network.layers[0])
        controls = np.zeros(self._controls)
        if noise.source == "string":
            controls[:] = self.string.held_state
        library.load(format_for_library(self._deck(still(0.0, inputs, controls))), owner=self)
        source = "vb" if noise.source == "string" else f"v{control_names(self.network, noise)[0]}"
        library.command(f"alter {source} acmag = 1")
        library.command(f"ac dec 200 {format_number(_LOWEST)} {format_number(_HIGHEST)}")
        frequency = library.complex_vector("frequency").real
        gain = library.complex_vector(NODE)
        library.command("destroy all")
        return minus_3db(frequency, gain)

    @property
    def _controls(self) -> int:
        return len(control_names(self.network, self.circuit.noise))

    def _deck(self, stimulus: Stimulus, state_file: str | None = None) -> Deck:
        traces = (_DIVIDER,) if self.circuit.noise.source == "string" else ()
        return build_deck(
            self.network,
            self.circuit,
            self.pairs,
            [("p1", stimulus)],
            strings=(self.string,),
            solver=self.solver,
            traces=traces,
            state_file=state_file,
        )

    def _run(
        self, library: Ngspice, duration: float, step: float, driver: Driver | None
    ) -> tuple[Array, Array]:
        longest = format_number(4 * step)
        command = f"tran {longest} {duration:.15g} 0 {longest}"
        with _killable(), library.drive(driver) if driver else nullcontext():
            library.command(command)
        time, voltage = library.vector("time"), library.vector(NODE)
        library.command("destroy all")
        if abs(time[-1] - duration) > 1e-6 * duration or not np.isfinite(voltage).all():
            raise SimulationError(f"ngspice, transient: ended at {time[-1]:g} s of {duration:g} s")
        return time, voltage


@contextmanager
def _killable() -> Iterator[None]:
    """Let Ctrl-C end the process: nothing interrupts ngspice, and nothing is written yet."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _driven(deck: Deck, sources: Sequence[str]) -> Deck:
    """The deck with some of its sources driven from outside."""
    return replace(
        deck,
        elements=tuple(
            replace(element, wave=External())
            if isinstance(element, VoltageSource) and element.name in sources
            else element
            for element in deck.elements
        ),
    )


class _Played:
    """Plays samples, each held: a `sim.libngspice.Driver`.

    Args:
        values: V.
        step: time between them, s.
    """

    def __init__(self, values: Array, step: float) -> None:
        self._values = values.tolist()
        self._step = step

    def voltage(self, name: str, time: float) -> float:  # noqa: ARG002  # there is one source
        """The sample held, or the edge into it."""
        k = min(int(time / self._step), len(self._values) - 1)
        into = (time - k * self._step) / EDGE
        if k == 0 or into >= 1:
            return self._values[k]
        return self._values[k - 1] + into * (self._values[k] - self._values[k - 1])

    def next_step(self, time: float, proposed: float) -> float:
        """Up to the next sample or the end of an edge."""
        k = int((time + EDGE / 1000) / self._step)
        into = time - k * self._step
        corner = EDGE - into if into < EDGE * (1 - 1e-3) else self._step - into
        return min(proposed, corner)

"""What is looked at: samples of a noise voltage, and where they come from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, FlipPath, NoiseString
from circuits.recording import Recording, Tape
from circuits.sampled import HiddenMarkovChain
from netlists.build import SolverSettings
from sim.errors import UserError
from sim.noise.law import Law, law_of
from sim.sources import flip_paths, open_recording

Array = NDArray[np.float64]
MadeBy = Literal["recording", "drawn", "ngspice"]

PER_DWELL = 12.36
"""Samples in the shorter mean dwell of a string where no sample time is given, as in the paper."""
T_PASS = 1e-3
"""Time between samples that are drawn afresh for each pass, s."""
_READ = 4096  # samples of a path looked up at a time


@dataclass(frozen=True)
class Specimen:
    """A noise voltage, sampled.

    Attributes:
        label: what it is.
        made_by: recording, drawn, or ngspice.
        samples: V, shape (T,).
        sample_time: s.
        temperature: °C.
        attempt_time: τ0 that barriers start from, s.
        law: what it should show.
    """

    label: str
    made_by: MadeBy
    samples: Array
    sample_time: float
    temperature: float
    attempt_time: float
    law: Law


def from_recording(
    path: Path,
    circuit: CircuitParameters,
    *,
    column: str | None,
    sample_time: float | None,
    count: int,
) -> Specimen:
    """The first samples of a recorded file, at most `count`.

    Raises:
        UserError: a bad recording.
    """
    recording = Recording(path, column=column, sample_time=sample_time)
    pieces: list[Array] = []
    taken = 0
    for piece in recording.chunks():
        pieces.append(piece[: count - taken])
        taken += len(pieces[-1])
        if taken == count:
            break
    return Specimen(
        path.name,
        "recording",
        np.concatenate(pieces),
        recording.sample_time,
        circuit.temperature,
        circuit.smtj.attempt_time,
        Law(sigma=float("nan")),
    )


def drawn(
    circuit: CircuitParameters,
    string: NoiseString,
    rng: np.random.Generator,
    *,
    label: str,
    sample_time: float | None,
    count: int,
    solver: SolverSettings | None = None,
) -> Specimen:
    """ν of a node as its source draws it.

    Args:
        circuit: gives the source.
        string: of the node, where that is the source.
        rng: of the noise.
        label: of the specimen.
        sample_time: s; by default what suits the source.
        count: of samples.
        solver: of two-way coupled strings.
    """
    noise = circuit.noise
    recording = played_recording(circuit)
    step = sample_step(circuit, string, sample_time, recording)
    if noise.source == "string":
        paths = flip_paths((string,), rng.spawn(noise.n_mtj), solver)
        samples = string.node_noise(sampled_states(paths, step, count))
    else:
        samples = node_voltages(circuit, rng, step, count, recording)
    return Specimen(
        label,
        "ngspice" if noise.two_way else "drawn",
        samples,
        step,
        circuit.temperature,
        circuit.smtj.attempt_time,
        law_of(circuit, string, step),
    )


def played_recording(circuit: CircuitParameters) -> Recording | None:
    """The recording of a measured source, opened; None for another.

    Raises:
        UserError: it is bad, or has no sample time.
    """
    if circuit.noise.source != "measured":
        return None
    recording = open_recording(circuit.noise.measured, "FILE")
    if math.isnan(recording.sample_time):
        raise UserError(f"{recording.path}: sample time missing; pass --sample-time")
    return recording


def sample_step(
    circuit: CircuitParameters,
    string: NoiseString,
    wanted: float | None,
    recording: Recording | None,
) -> float:
    """Time between samples, s: as wanted, or what suits the source; a recording has its own."""
    noise = circuit.noise
    if recording is not None:
        return recording.sample_time * noise.measured.stride
    if wanted:
        return wanted
    match noise.source:
        case "string":
            return float(string.dwell_times.min()) / PER_DWELL
        case "hmm":
            return noise.hmm.sample_time
        case _:
            return T_PASS


def node_voltages(
    circuit: CircuitParameters,
    rng: np.random.Generator,
    step: float,
    count: int,
    recording: Recording | None,
) -> Array:
    """ν of a source that is a voltage, at equal steps, V; shape (count,)."""
    noise = circuit.noise
    if recording is not None:
        mean = recording.mean if noise.measured.remove_mean else 0.0
        tape, stride = Tape(recording, noise.measured.start), noise.measured.stride
        return noise.measured.scale * (tape.read(count * stride)[::stride] - mean)
    match noise.source:
        case "hmm":
            chain = HiddenMarkovChain(noise.hmm, rng)
            at = np.floor(np.arange(count) * step / noise.hmm.sample_time + 0.5).astype(np.intp)
            return chain.values(0, int(at[-1]) + 1)[at]
        case "bernoulli":
            return noise.bernoulli.draw(rng, count)
        case "binomial":
            return noise.binomial.draw(rng, count)
        case "gaussian":
            return noise.gaussian.draw(rng, count)
        case kind:
            raise ValueError(f"source {kind} is no voltage that is drawn")


def sampled_states(paths: Sequence[FlipPath], step: float, count: int) -> NDArray[np.uint8]:
    """States of junctions at equal steps from time 0 on, shape (count, junctions)."""
    states = np.empty((count, len(paths)), dtype=np.uint8)
    for first in range(0, count, _READ):
        times = np.arange(first, min(first + _READ, count)) * step
        for k, path in enumerate(paths):
            state, flips = path.window(times[0], times[-1])
            passed = np.searchsorted(flips, times, side="right")
            states[first : first + len(times), k] = (state + passed) % 2
    return states

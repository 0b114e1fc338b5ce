"""From parameters to a noise source."""

import os.path
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, FlipPath, Network, NoiseString, Telegraph
from circuits.mismatch import built_strings
from circuits.noise import MeasuredParameters
from circuits.recording import Recording
from netlists.build import SolverSettings
from netlists.stimulus import EDGE
from sim.clock import Clock
from sim.errors import UserError
from sim.sources.source import NoiseSource
from sim.sources.string import StringNoise
from sim.sources.voltage import FreshNoise, HmmNoise, MeasuredNoise


def open_source(
    network: Network,
    circuit: CircuitParameters,
    clock: Clock,
    rng: np.random.Generator,
    *,
    strings: Sequence[NoiseString],
    recording: Recording | None = None,
    solver: SolverSettings | None = None,
) -> NoiseSource:
    """The noise source that a circuit's parameters name, at its beginning.

    Args:
        network: gives the neurons.
        circuit: gives the source.
        clock: gives the passes' times.
        rng: each junction, or each node, draws from a child of its own, so that the noise of a
            pass depends on the seed and the pass alone.
        strings: of each neuron, with the resistors that they are designed for.
        recording: opened, where the source is measured.
        solver: of two-way coupled strings.
    """
    noise, neurons = circuit.noise, network.neurons
    match noise.source:
        case "string":
            rngs = rng.spawn(neurons * noise.n_mtj)
            built = built_strings(strings, circuit, network)
            return StringNoise(strings, flip_paths(built, rngs, solver), clock)
        case "measured":
            return MeasuredNoise(network, circuit, recording or open_recording(noise.measured))
        case "hmm":
            return HmmNoise(circuit, clock, rng.spawn(neurons))
        case "bernoulli":
            return FreshNoise(circuit, noise.bernoulli, rng.spawn(neurons))
        case "binomial":
            return FreshNoise(circuit, noise.binomial, rng.spawn(neurons))
        case "gaussian":
            return FreshNoise(circuit, noise.gaussian, rng.spawn(neurons))


def flip_paths(
    strings: Sequence[NoiseString],
    rngs: Sequence[np.random.Generator],
    solver: SolverSettings | None = None,
) -> tuple[FlipPath, ...]:
    """A path for every junction, strings one after the other; two-way ones are simulated."""
    if strings[0].parameters.two_way:
        from sim.coupling import CoupledStrings  # noqa: PLC0415  # loads ngspice

        return CoupledStrings(strings, rngs, solver).paths
    dwells = [tuple(dwell) for string in strings for dwell in string.dwell_times.tolist()]
    return tuple(Telegraph(dwell, rng) for dwell, rng in zip(dwells, rngs, strict=True))


def require_resolvable(strings: Sequence[NoiseString]) -> None:
    """Refuse junctions that flip faster than a deck can show.

    Raises:
        ValueError: a mean dwell is close to the time that a flip takes.
    """
    shortest = min(string.shortest_dwell for string in set(strings))
    if shortest < 10 * EDGE:
        raise ValueError(
            f"circuit.smtj: a mean dwell of {shortest:.3g} s is not resolved by flips that take "
            f"{EDGE:g} s; wanted {10 * EDGE:g} s or more, so raise barrier_p and barrier_ap"
        )


def open_recording(parameters: MeasuredParameters, option: str = "--noise-file") -> Recording:
    """Open the recording of a measured source.

    Args:
        parameters: name it.
        option: that a user names it by, for messages.

    Raises:
        UserError: none is named, or it is bad.
    """
    if parameters.file is None:
        raise UserError(
            f"{option}: the measured source needs a recording; name a CSV, .npy or parquet file or "
            "a folder of parquet chunks (circuit.noise.measured.file)"
        )
    path = Path(parameters.file)
    try:
        recording = Recording(
            path,
            column=parameters.column,
            sample_time=parameters.sample_time,
            timed=False,  # a sample is held through a pass, whatever its time
        )
    except UserError as error:
        if os.path.exists(path):  # noqa: PTH110  # false for a name that no file can have
            raise
        raise UserError(f"{option}: {error}") from None
    if parameters.start >= recording.length:
        raise UserError(
            f"circuit.noise.measured.start: wanted less than the recording's {recording.length} "
            f"samples, got {parameters.start}"
        )
    return recording


def node_sigma(circuit: CircuitParameters, recording: Recording | None = None) -> float:
    """Standard deviation of ν as designed, V: that of a device without spread."""
    noise = circuit.noise
    match noise.source:
        case "string":
            return circuit.noise_string().sigma
        case "measured":
            return noise.measured.scale * (recording or open_recording(noise.measured)).sigma
        case "hmm":
            return noise.hmm.sigma
        case "bernoulli":
            return noise.bernoulli.sigma
        case "binomial":
            return noise.binomial.sigma
        case "gaussian":
            return noise.gaussian.sigma


def has_mean(circuit: CircuitParameters) -> bool:
    """Whether a circuit's noise is not zero on average."""
    noise = circuit.noise
    match noise.source:
        case "measured":
            return not noise.measured.remove_mean
        case "hmm":
            return not noise.hmm.remove_mean
        case "bernoulli":
            return noise.bernoulli.mean != 0
        case "binomial":
            return noise.binomial.mean != 0
        case _:
            return False

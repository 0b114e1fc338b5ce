"""From a circuit's noise parameters to a source at the size of the paper's networks.

Laws are those of the circuit's sources, `sim.sources`; the random numbers are others.
"""

import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from circuits import CircuitParameters, NoiseString
from circuits.quantities import format_quantity
from circuits.recording import Recording
from circuits.sampled import BernoulliParameters, BinomialParameters, HmmParameters
from circuits.string import MOST_SOLVED
from learning.scale.noise import Beginning, Nodes, Noise, Order
from learning.scale.noise_chains import JunctionsNoise, TelegraphNoise
from learning.scale.noise_configurations import ConfigurationsNoise
from learning.scale.noise_fresh import CoinNoise, GaussianNoise, LevelsNoise
from learning.scale.noise_random import generator_of
from learning.scale.noise_series import SeriesNoise
from sim.errors import UserError
from sim.sources import node_sigma, open_recording

Array = NDArray[np.float64]

_MOST_APART = 4
"""Equal junctions in a string that are followed one by one; more are counted, in a time that does
not grow with their number."""

_MOST_CELLS = 1 << 25
"""Of the tables of two-way strings, 8 bytes each."""

_BEAT = 1e-6  # of a sample: how far a pass may lie off the chain's clock
_PIECE = 1 << 20  # dwells, or samples, of a series that are drawn at a time
_CHUNK = 10_000_000  # samples in a parquet file


def open_noise(
    circuit: CircuitParameters,
    layers: Sequence[int],
    *,
    t_pass: float,
    order: Order,
    gain: float,
    batch: int,
    device: torch.device,
    dtype: torch.dtype,
    seed: np.random.SeedSequence,
) -> Noise:
    """The source that a circuit's parameters name, at every node of a network.

    Args:
        circuit: gives the source.
        layers: N_0..N_L.
        t_pass: time from pass to pass, s, where the source has a clock.
        order: of the passes in time, where the source has a clock.
        gain: factor on ν, 1.
        batch: samples a step, at most.
        device: of the network.
        dtype: of the network.
        seed: devices, first states, noise in training and noise in scoring have a child each.

    Raises:
        UserError: the source is not possible, or not at this scale; a recording is bad.
    """
    nodes = Nodes(tuple(layers[1:]), batch, device, dtype)
    noise = circuit.noise
    devices, first, training, scoring = seed.spawn(4)
    fresh = generator_of(training, device), generator_of(scoring, device)
    beginning = Beginning(order, np.random.default_rng(first), fresh[0])
    match noise.source:
        case "string":
            try:
                strings = circuit.noise_strings(nodes.total, np.random.default_rng(devices))
                sigma = gain * circuit.noise_string().sigma
                return _of_strings(strings, sigma, nodes, beginning, t_pass=t_pass, gain=gain)
            except ValueError as error:
                raise UserError(f"circuit.noise: {error}") from None
        case "hmm":
            return _of_chains(noise.hmm, nodes, beginning, t_pass=t_pass, gain=gain)
        case "measured":
            return _of_recording(circuit, nodes, gain)
        case "gaussian":
            return GaussianNoise(nodes, gain * noise.gaussian.sigma, fresh)
        case "bernoulli":
            return _of_coins(noise.bernoulli, nodes, gain, fresh)
        case "binomial":
            return _of_coins(noise.binomial, nodes, gain, fresh)


def _of_coins(
    law: BernoulliParameters | BinomialParameters,
    nodes: Nodes,
    gain: float,
    fresh: tuple[torch.Generator, torch.Generator],
) -> Noise:
    levels = gain * law.node_levels
    if law.sources == 1:
        low, high = levels.tolist()
        return CoinNoise(nodes, (low, high), 0.5 + law.skew, fresh)
    return LevelsNoise(nodes, levels, law.probabilities, fresh)


def _of_chains(
    law: HmmParameters, nodes: Nodes, beginning: Beginning, *, t_pass: float, gain: float
) -> Noise:
    samples = t_pass / law.sample_time
    passed = round(samples)
    if passed < 1 or abs(samples - passed) > _BEAT:
        raise UserError(
            "--t-pass: wanted a whole number of the hidden Markov chain's sample times of "
            f"{format_quantity(law.sample_time, 's')}, got {format_quantity(t_pass, 's')}; set "
            "noise.t_pass or circuit.noise.hmm.sample_time"
        )
    falls = 1 - law.correlation**passed
    flips = np.array([law.occupancy * falls, (1 - law.occupancy) * falls])
    return TelegraphNoise(
        nodes,
        beginning,
        levels=gain * np.repeat(law.node_levels[:, np.newaxis], nodes.total, axis=1),
        flips=np.repeat(flips[:, np.newaxis], nodes.total, axis=1),
        observation=gain * law.scale * law.observation_noise,
        sigma=gain * law.sigma,
    )


def _of_strings(
    strings: Sequence[NoiseString],
    sigma: float,
    nodes: Nodes,
    beginning: Beginning,
    *,
    t_pass: float,
    gain: float,
) -> Noise:
    number: dict[NoiseString, int] = {}
    kinds = np.array([number.setdefault(string, len(number)) for string in strings])
    n = len(strings[0].junctions)
    if strings[0].parameters.two_way or (strings[0].equal and n > _MOST_APART):
        _require_followed(list(number))
        transitions = [np.maximum(string.transitions(t_pass), 0.0) for string in number]
        return ConfigurationsNoise(
            nodes,
            beginning,
            levels=gain * np.stack([string.node_levels for string in number]),
            transitions=np.stack(transitions),
            stationary=np.stack([string.probabilities for string in number]),
            kinds=kinds,
            sigma=sigma,
        )
    levels = gain * np.stack([string.node_levels for string in number])[kinds]
    dwells = np.stack([string.dwell_times for string in number])[kinds]  # (N, n, 2)
    changed = -np.expm1(-t_pass * (1 / dwells).sum(axis=-1))
    flips = np.moveaxis(changed[..., np.newaxis] * dwells[..., ::-1], 0, -1)  # (n, 2, N)
    flips /= np.moveaxis(dwells.sum(axis=-1, keepdims=True), 0, -1)
    if n == 1:
        return TelegraphNoise(
            nodes, beginning, levels=levels.T, flips=flips[0], observation=0.0, sigma=sigma
        )
    weights = [1 if strings[0].equal else 1 << k for k in range(n)]
    return JunctionsNoise(
        nodes, beginning, levels=levels, flips=flips, weights=weights, sigma=sigma
    )


def _require_followed(strings: Sequence[NoiseString]) -> None:
    configurations = len(strings[0].configurations)
    width = 1 << (configurations - 1).bit_length()
    if configurations <= MOST_SOLVED and len(strings) * configurations * width <= _MOST_CELLS:
        return
    raise UserError(
        f"circuit.noise.n_mtj: at this scale, two-way strings are followed for {MOST_SOLVED} "
        f"configurations each and {_MOST_CELLS:,} cells of tables in all, got {len(strings)} "
        f"unlike strings of {configurations}; take fewer junctions, no spread, or --coupling "
        "open-loop"
    )


def _of_recording(circuit: CircuitParameters, nodes: Nodes, gain: float) -> Noise:
    parameters = circuit.noise.measured
    recording = open_recording(parameters)
    for units in nodes.units:
        if nodes.batch * units * parameters.stride % recording.length == 0:
            raise UserError(
                f"{recording.path}: with {recording.length} samples, {nodes.batch} samples a batch "
                f"and {units} neurons in a layer, both passes read the same; take a longer "
                "recording"
            )
    sigma = gain * node_sigma(circuit, recording)
    series = _on_device(recording, nodes, parameters.remove_mean, gain * parameters.scale)
    if parameters.stride == 1:
        return SeriesNoise(nodes.units, series, sigma, parameters.start)
    # Read every n-th sample, a recording comes round after all that share its phases.
    length = recording.length
    rounds = length // math.gcd(length, parameters.stride)
    read = torch.arange(rounds, device=nodes.device) * parameters.stride + parameters.start
    return SeriesNoise(nodes.units, series[read % length], sigma)


def _on_device(
    recording: Recording, nodes: Nodes, remove_mean: bool, factor: float
) -> torch.Tensor:
    mean = recording.mean if remove_mean else 0.0
    series = torch.empty(recording.length, device=nodes.device, dtype=nodes.dtype)
    end = 0
    for piece in recording.chunks():
        series[end : end + len(piece)] = nodes.place(factor * (piece - mean))
        end += len(piece)
    return series


def measured_like(
    parameters: HmmParameters, samples: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A long recording of one hidden Markov chain, such as a device's would be.

    Args:
        parameters: levels, flips and observation noise; `scale` is not applied.
        samples: how many, one each `sample_time`.
        rng: generator.

    Returns:
        V as recorded, the mean included, shape (samples,).
    """
    voltages = np.empty(samples, dtype=np.float32)
    levels = np.array([parameters.level_low, parameters.level_high], dtype=np.float32)
    # A dwell is geometric: an exponential of this mean, rounded up.
    means = -1 / np.log1p([-parameters.flip_up, -parameters.flip_down])
    state = int(rng.random() < parameters.occupancy)
    leaving = np.tile([state, 1 - state], _PIECE // 2)
    voltage, mean = levels[leaving], means[leaving]
    end = 0
    while end < samples:
        dwells = np.ceil(mean * rng.standard_exponential(_PIECE)).clip(1, samples).astype(np.int64)
        kept = 1 + int(np.searchsorted(dwells.cumsum(), samples - end))
        piece = np.repeat(voltage[:kept], dwells[:kept])[: samples - end]
        voltages[end : end + len(piece)] = piece
        end += len(piece)
    if parameters.observation_noise:
        for low in range(0, samples, _PIECE):
            part = voltages[low : low + _PIECE]
            part += np.float32(parameters.observation_noise) * rng.standard_normal(
                len(part), dtype=np.float32
            )
    return voltages


def write_series(folder: Path, samples: NDArray[np.floating], *, chunk: int = _CHUNK) -> Path:
    """Write a recording as numbered parquet files, `noise0.pqt` on, of one column `V`.

    Args:
        folder: new, or empty.
        samples: V, shape (length,).
        chunk: samples in a file.

    Returns:
        The folder, as `circuit.noise.measured.file` takes it.

    Raises:
        UserError: the folder holds something, or cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415  # heavy, and most who draw noise write none
    from pyarrow.parquet import write_table  # noqa: PLC0415  # likewise

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UserError(f"{folder}: is not empty; name a new folder for the recording")
        for number, low in zip(count(), range(0, len(samples), chunk), strict=False):
            table = pa.table({"V": samples[low : low + chunk]})
            write_table(table, folder / f"noise{number}.pqt", use_dictionary=False)
    except OSError as error:
        raise UserError(f"{folder}: cannot write: {error.strerror}") from None
    return folder

"""Voltages as noise sources: recordings, hidden Markov chains, fresh random numbers."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuits import CircuitParameters, Network
from circuits.recording import Recording, Tape
from circuits.sampled import (
    BernoulliParameters,
    BinomialParameters,
    GaussianParameters,
    HiddenMarkovChain,
    HmmParameters,
)
from sim.clock import Clock
from sim.passes import NO_JUMPS, Jumps
from sim.sources.source import Array, Drawn, NodeNoise, NoiseSource

_SAME = 1e-9  # short of full correlation: nothing is left to divide by
_HEAD = 200_000  # samples of a recording that its law at the nodes is taken from
_PAIRS = 1000  # of passes that the law of a chain at the nodes is taken over


class VoltageNoise(NoiseSource):
    """A voltage at every node in place of a string; it is the control.

    Args:
        neurons: how many.
        circuit: gives the gain from the control to ν, R_f/R_z.
    """

    def __init__(self, neurons: int, circuit: CircuitParameters) -> None:
        self._neurons = neurons
        self._drive = circuit.noise.r_inject / circuit.synapse.r_feedback

    @property
    def held(self) -> Array:
        """No voltage."""
        return np.zeros(self._neurons)

    def _held_through_the_pass(self, noise: Array) -> Drawn:
        return Drawn(noise * self._drive, ((NO_JUMPS,) * self._neurons,) * len(noise), noise)


class MeasuredNoise(VoltageNoise):
    """A recording, one sample a node and pass, held through the pass.

    It is read in the paper's order: layer by layer, pass 1 of every sample in the batch (node
    after node), then pass 2; from its start again where it ends.

    Args:
        network: layers.
        circuit: gain, scale and mean.
        recording: opened.
    """

    def __init__(self, network: Network, circuit: CircuitParameters, recording: Recording) -> None:
        super().__init__(network.neurons, circuit)
        self._layers = network.layers[1:]
        self._parameters = circuit.noise.measured
        self._recording = recording
        self._tape = Tape(recording, self._parameters.start)

    def draw(self, pairs: int) -> Drawn:
        """The next samples of the recording."""
        layers = []
        for count in self._layers:
            stride = self._parameters.stride
            samples = self._tape.read(2 * pairs * count * stride)[::stride]
            samples = samples.reshape(2, pairs, count)
            layers.append(samples.swapaxes(0, 1).reshape(2 * pairs, count))
        return self._held_through_the_pass(self._node(np.concatenate(layers, axis=1)))

    def state(self) -> dict[str, Any]:
        """Where the recording is read next."""
        return {"position": self._tape.position}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Read on from a state."""
        self._tape = Tape(self._recording, state["position"])

    def _node(self, samples: Array) -> Array:
        mean = self._recording.mean if self._parameters.remove_mean else 0.0
        return self._parameters.scale * (samples - mean)

    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:
        """From the recording's beginning, by the order in which nodes and passes read it."""
        head = self._node(Tape(self._recording).read(min(self._recording.length, _HEAD)))
        head = head[:: self._parameters.stride]
        about = head - head.mean()

        def correlation(lag: int) -> float:
            return float(about @ np.roll(about, -lag) / (about @ about))

        laws = []
        for count in self._layers:
            lag = batch * count  # samples read from a node's pass 1 to its pass 2
            again = correlation(lag)
            shared = 2 * correlation(1) - correlation(lag - 1) - correlation(lag + 1)
            law = NodeNoise(
                float(head.std()),
                (),
                float((about > 0).mean()),
                again,
                shared / (2 * (1 - again)) if count > 1 and again < 1 - _SAME else 0.0,
            )
            laws += [law] * count
        return tuple(laws)


class HmmNoise(VoltageNoise):
    """A hidden Markov chain a node, read at its sample time while the passes go by.

    Args:
        circuit: gain and chain.
        clock: when passes are sampled.
        rngs: one a neuron.
    """

    def __init__(
        self, circuit: CircuitParameters, clock: Clock, rngs: Sequence[np.random.Generator]
    ) -> None:
        super().__init__(len(rngs), circuit)
        self._parameters: HmmParameters = circuit.noise.hmm
        self._chains = [HiddenMarkovChain(self._parameters, rng) for rng in rngs]
        self._clock = clock
        self._drawn = 0

    def draw(self, pairs: int) -> Drawn:
        """The samples held at the sampling instants, and those before them."""
        drawn = [self._next() for _ in range(2 * pairs)]
        noise = np.stack([noise for noise, _ in drawn])
        return Drawn(noise * self._drive, tuple(jumps for _, jumps in drawn), noise)

    def _next(self) -> tuple[Array, tuple[Jumps, ...]]:
        self._drawn += 1
        first, last, instant = self._window(self._drawn)
        values = np.stack([chain.values(first, last + 1) for chain in self._chains])
        step = self._parameters.sample_time
        ages = instant - step * (np.arange(first + 1, last + 1, dtype=np.float64) - 0.5)
        jumps = tuple(
            Jumps(ages, row[:-1] * self._drive) if len(ages) else NO_JUMPS for row in values
        )
        return values[:, -1], jumps

    def _window(self, number: int) -> tuple[int, int, float]:
        """First and last sample of a pass, and its sampling instant, s; passes count from 1."""
        step = self._parameters.sample_time
        instant = number * self._clock.t_pass
        # Sample k holds from (k − ½)·step on: an instant on the chain's beat falls amid a sample.
        last = _whole(instant / step + 0.5)
        first = min(last, _whole((instant - self._clock.look_back) / step + 0.5))
        return first, last, instant

    def state(self) -> dict[str, Any]:
        """Passes drawn, and every chain from the next one's first sample on."""
        first, _, _ = self._window(self._drawn + 1)
        return {"drawn": self._drawn, "chains": [chain.state(first) for chain in self._chains]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Draw on from a state."""
        self._drawn = state["drawn"]
        for chain, known in zip(self._chains, state["chains"], strict=True):
            chain.restore(known)

    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:  # noqa: ARG002  # samples follow pair by pair
        """From the chain's closed forms; levels and occupancy are beneath the observation noise."""
        p = self._parameters
        swing = np.ptp(p.node_levels) ** 2 * p.occupancy * (1 - p.occupancy)
        # Passes may lie a varying number of samples apart, and share one; then its noise too.
        instants = self._clock.t_pass * np.arange(1, 2 * _PAIRS + 1)
        held = np.array([_whole(t / p.sample_time + 0.5) for t in instants.tolist()])
        lags = held[1::2] - held[::2]
        fall = np.where(lags, swing / p.sigma**2 * p.correlation**lags, 1.0)
        law = NodeNoise(
            p.sigma,
            tuple(np.sort(p.node_levels).tolist()),
            p.occupancy,
            float(fall.mean()),
        )
        return (law,) * self._neurons


def _whole(samples: float) -> int:
    """Samples begun; a billionth short of one is rounding."""
    return int(np.floor(samples + 1e-9))


class FreshNoise(VoltageNoise):
    """Numbers drawn afresh for every node and pass, held through the pass.

    Args:
        circuit: gain.
        law: distribution of ν.
        rngs: one a neuron.
    """

    def __init__(
        self,
        circuit: CircuitParameters,
        law: BernoulliParameters | BinomialParameters | GaussianParameters,
        rngs: Sequence[np.random.Generator],
    ) -> None:
        super().__init__(len(rngs), circuit)
        self._law = law
        self._rngs = rngs

    def draw(self, pairs: int) -> Drawn:
        """Fresh numbers."""
        columns = [self._law.draw(rng, (2 * pairs,)) for rng in self._rngs]
        return self._held_through_the_pass(np.stack(columns, axis=1))

    def state(self) -> dict[str, Any]:
        """The generators'."""
        return {"rngs": [rng.bit_generator.state for rng in self._rngs]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Draw on from a state."""
        for rng, known in zip(self._rngs, state["rngs"], strict=True):
            rng.bit_generator.state = known

    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:  # noqa: ARG002  # nothing carries over
        """From the distribution's closed forms."""
        law = self._law
        if isinstance(law, GaussianParameters):
            return (NodeNoise(law.sigma, (), math.nan, 0.0),) * self._neurons
        levels = tuple(law.node_levels.tolist())
        occupancy = 0.5 + law.skew if len(levels) == 2 else math.nan
        return (NodeNoise(law.sigma, levels, occupancy, 0.0),) * self._neurons

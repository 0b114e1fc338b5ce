"""The clock and the noise: which junction state each pass meets, to the very flip."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, Telegraph
from sim.passes import Passes

Array = NDArray[np.float64]
Fidelity = Literal["full", "aperture", "op"]


@dataclass(frozen=True)
class Clock:
    """When passes begin, and how much of each is looked at.

    Attributes:
        t_pass: length of a pass, s; nodes are sampled at its end.
        t_aperture: stretch before a sampling instant that can still be felt in it, s.
        fidelity: full: the whole pass; aperture: its last `t_aperture`; op: the states at the
            sampling instant alone.
    """

    t_pass: float
    t_aperture: float
    fidelity: Fidelity

    @property
    def look_back(self) -> float:
        """How long before a sampling instant flips count, s."""
        return {"full": self.t_pass, "aperture": self.t_aperture, "op": 0.0}[self.fidelity]

    def in_full(self) -> "Clock":
        """The same passes, looked at from end to end."""
        return replace(self, fidelity="full")


class NoiseSchedule:
    """Telegraph paths of all junctions, read pass by pass.

    Each junction draws from a generator of its own, so the noise of a pass depends on the seed
    and on the pass's number alone: not on fidelity, batch size or engine.

    Args:
        network: gives the neurons.
        circuit: gives junctions and strings.
        clock: gives the passes' times.
        rng: seeds one generator per junction.
        silent: hold every junction at its mean, so that ν is zero.
    """

    def __init__(
        self,
        network: Network,
        circuit: CircuitParameters,
        clock: Clock,
        rng: np.random.Generator,
        *,
        silent: bool = False,
    ) -> None:
        self._clock = clock
        self._string = circuit.noise_string()
        self._shape = (network.neurons, circuit.noise.n_mtj)
        self._silent = silent
        dwell = circuit.smtj.dwell_times(circuit.temperature)
        children = rng.spawn(network.neurons * circuit.noise.n_mtj)
        self._paths = [Telegraph(dwell, child) for child in children]
        self.drawn = 0

    def held(self, inputs: Array) -> Passes:
        """One pass a sample with the noise held off; the clock stands still meanwhile."""
        count = len(inputs)
        no_flips = (np.empty(0),) * len(self._paths)
        return Passes(
            inputs=inputs,
            states=np.full((count, *self._shape), self._string.held_state),
            flip_ages=(no_flips,) * count,
            noise=np.zeros((count, self._shape[0])),
        )

    def draw(self, inputs: Array, *, clean_first: bool = False) -> Passes:
        """The two passes of each sample, in the order of time.

        Args:
            inputs: V, shape (B, N_0).
            clean_first: hold the noise off in pass 1, as node perturbation asks.

        Returns:
            2 B passes: sample 1 pass 1, sample 1 pass 2, sample 2 pass 1, …
        """
        twice = np.repeat(inputs, 2, axis=0)
        held = self.held(twice)
        if self._silent:
            return held
        drawn = [self._next() for _ in twice]
        states = np.stack([states for states, _ in drawn]).astype(np.float64)
        noise = self._string.node_noise(states.astype(np.uint8))
        ages = [ages for _, ages in drawn]
        if clean_first:
            states[::2], noise[::2], ages[::2] = held.states[::2], 0.0, held.flip_ages[::2]
        return Passes(twice, states, tuple(ages), noise)

    def _next(self) -> tuple[NDArray[np.uint8], tuple[Array, ...]]:
        self.drawn += 1
        instant = self.drawn * self._clock.t_pass
        start = instant - self._clock.look_back
        states = np.empty(len(self._paths), dtype=np.uint8)
        ages = []
        for k, path in enumerate(self._paths):
            before, flips = path.window(start, instant)
            states[k] = (before + len(flips)) % 2
            ages.append(instant - flips)
        return states.reshape(self._shape), tuple(ages)

"""Passes: what is presented to the network, and under which noise, in plain arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netlists.stimulus import NO_STEPS, Steps, Stimulus

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Jumps:
    """What one noise control did before a sampling instant.

    Attributes:
        ages: how long before the instant it jumped, s, oldest first; shape (K,).
        before: its value before each jump, shape (K,).
    """

    ages: Array
    before: Array

    def within(self, duration: float) -> "Jumps":
        """The jumps of the last `duration` s."""
        recent = self.ages < duration
        return Jumps(self.ages[recent], self.before[recent])


NO_JUMPS = Jumps(np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Passes:
    """Passes to run one after the other.

    Attributes:
        inputs: V, shape (P, N_0).
        controls: of the noise at the sampling instant, shape (P, C), neuron by neuron: the state
            of every junction, 0 parallel, 1 antiparallel, values between hold the noise off; or
            the voltage of every other source, V.
        jumps: per pass, per control, as far back as the fidelity looks.
        noise: ν that these make at the sampling instant, V, shape (P, neurons).
        before: inputs before the first pass, V, shape (N_0,); None: they rest at 0 V.
    """

    inputs: Array
    controls: Array
    jumps: tuple[tuple[Jumps, ...], ...]
    noise: Array
    before: Array | None = None

    def __len__(self) -> int:
        """Count the passes."""
        return len(self.inputs)

    def __getitem__(self, index: slice) -> "Passes":
        """Some of the passes, in a slice; before the first of them is what was before it here."""
        start = index.indices(len(self))[0]
        return Passes(
            self.inputs[index],
            self.controls[index],
            self.jumps[index],
            self.noise[index],
            self.previous(start),
        )

    def previous(self, p: int) -> Array:
        """Inputs of the pass before a pass, V, shape (N_0,)."""
        if p > 0:
            return self.inputs[p - 1]
        return np.zeros(self.inputs.shape[1]) if self.before is None else self.before

    def still(self) -> "Passes":
        """The same passes as they stand at the sampling instants, without any jump before."""
        return replace(self, jumps=tuple((NO_JUMPS,) * len(jumps) for jumps in self.jumps))

    def oldest(self, p: int) -> float:
        """Age of the oldest jump in a pass, s; 0 where there is none."""
        return max((float(j.ages[0]) for j in self.jumps[p] if len(j.ages)), default=0.0)

    def youngest(self, p: int) -> float:
        """Age of the youngest jump in a pass, s; inf where there is none."""
        ages = (float(j.ages[-1]) for j in self.jumps[p] if len(j.ages))
        return min(ages, default=math.inf)

    def count_jumps(self) -> int:
        """Jumps seen, over all passes and controls."""
        return sum(len(jumps.ages) for controls in self.jumps for jumps in controls)


def join_passes(parts: Sequence[Passes]) -> Passes:
    """Passes of several parts, one part after the other."""
    return Passes(
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.controls for part in parts]),
        tuple(jumps for part in parts for jumps in part.jumps),
        np.concatenate([part.noise for part in parts]),
        parts[0].before,
    )


def split_layers(per_neuron: Array, layers: tuple[int, ...]) -> tuple[Array, ...]:
    """Cut (P, neurons) into one (P, N_l) array a layer."""
    return tuple(np.split(per_neuron, np.cumsum(layers[1:-1]), axis=1))


def noise_names(layers: tuple[int, ...]) -> tuple[str, ...]:
    """Names of ν in the order of `Passes.noise`: `nu1_2` at neuron 2 of layer 1."""
    counts = enumerate(layers[1:], start=1)
    return tuple(f"nu{layer}_{j}" for layer, count in counts for j in range(1, count + 1))


def pass_stimulus(
    passes: Passes, p: int, duration: float, chosen: Sequence[int] | None = None
) -> Stimulus:
    """The last `duration` s of a pass, with every jump in it.

    Args:
        passes: of them.
        p: which.
        duration: s.
        chosen: controls to take, by number; all by default.
    """
    kept = range(passes.controls.shape[1]) if chosen is None else chosen
    start = passes.controls[p, list(kept)]
    steps = [NO_STEPS] * len(start)
    for k, control in enumerate(kept):
        felt = passes.jumps[p][control].within(duration)
        if len(felt.ages):
            steps[k] = Steps(duration - felt.ages, np.append(felt.before[1:], start[k]))
            start[k] = felt.before[0]
    return Stimulus(duration, passes.inputs[p], start, tuple(steps))

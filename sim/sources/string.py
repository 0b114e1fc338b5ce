"""Strings of junctions as a noise source: telegraph paths read pass by pass."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import FlipPath, NoiseString
from sim.clock import Clock
from sim.passes import NO_JUMPS, Jumps
from sim.sources.source import Array, Drawn, NodeNoise, NoiseSource


class StringNoise(NoiseSource):
    """Strings of junctions, whose states are the controls.

    Args:
        strings: one a neuron.
        paths: one a junction, strings one after the other.
        clock: when passes are sampled.
    """

    def __init__(
        self, strings: Sequence[NoiseString], paths: Sequence[FlipPath], clock: Clock
    ) -> None:
        self._strings = strings
        self._paths = paths
        self._clock = clock
        self._drawn = 0

    @property
    def held(self) -> Array:
        """Every junction between its states, so that the divider rests at its mean."""
        return np.repeat([s.held_state for s in self._strings], len(self._strings[0].junctions))

    def draw(self, pairs: int) -> Drawn:
        """States at the sampling instants, and the flips before them."""
        drawn = [self._next() for _ in range(2 * pairs)]
        states = np.stack([states for states, _ in drawn])
        shaped = states.reshape(len(states), len(self._strings), -1)
        noise = [string.node_noise(shaped[:, j]) for j, string in enumerate(self._strings)]
        return Drawn(
            states.astype(np.float64),
            tuple(jumps for _, jumps in drawn),
            np.stack(noise, axis=1),
        )

    def state(self) -> dict[str, Any]:
        """Passes drawn, and every path from the next one's beginning on."""
        start, _ = self._window(self._drawn + 1)
        return {"drawn": self._drawn, "paths": [path.state(start) for path in self._paths]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Draw on from a state."""
        self._drawn = state["drawn"]
        for path, known in zip(self._paths, state["paths"], strict=True):
            path.restore(known)

    def _window(self, number: int) -> tuple[float, float]:
        """From where on a pass is looked at, and its sampling instant, s; passes count from 1."""
        instant = number * self._clock.t_pass
        return instant - self._clock.look_back, instant

    def _next(self) -> tuple[NDArray[np.uint8], tuple[Jumps, ...]]:
        self._drawn += 1
        start, instant = self._window(self._drawn)
        states = np.empty(len(self._paths), dtype=np.uint8)
        jumps = []
        for k, path in enumerate(self._paths):
            before, flips = path.window(start, instant)
            states[k] = (before + len(flips)) % 2
            jumps.append(_flips(instant - flips, before))
        return states, tuple(jumps)

    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:  # noqa: ARG002  # samples follow pair by pair
        """From the strings' closed forms."""
        laws = {
            string: NodeNoise(
                string.sigma,
                string.distinct_levels,
                float(string.occupancies.mean()),
                string.correlation(self._clock.t_pass),
            )
            for string in set(self._strings)
        }
        return tuple(laws[string] for string in self._strings)


def _flips(ages: Array, before: int) -> Jumps:
    if len(ages) == 0:
        return NO_JUMPS
    return Jumps(ages, ((before + np.arange(len(ages))) % 2).astype(np.float64))

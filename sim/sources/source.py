"""What a noise source is: it says what stands at every node in every pass.

One interface for all, so that twin and circuit meet the same noise whatever it is made of.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.passes import Jumps

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """Noise of consecutive passes; the fields are those of `Passes`."""

    controls: Array
    jumps: tuple[tuple[Jumps, ...], ...]
    noise: Array


@dataclass(frozen=True)
class NodeNoise:
    """What is known of the noise at a node.

    Attributes:
        sigma: standard deviation, V.
        levels: V, ascending; empty where the noise is continuous.
        occupancy: of the higher of two levels, of AP averaged over a string's junctions, or of
            the time that a recording spends above its mean, 1; NaN for other sources.
        correlation: of the two passes of a pair, 1; a batch shorter than planned has more.
        neighbour: correlation of their difference with the next node's, 1.
    """

    sigma: float
    levels: tuple[float, ...]
    occupancy: float
    correlation: float
    neighbour: float = 0.0


class NoiseSource(ABC):
    """Noise at all nodes of a network, drawn pass by pass in the order of time."""

    @property
    @abstractmethod
    def held(self) -> Array:
        """Controls that hold the noise at zero, shape (C,)."""

    @abstractmethod
    def draw(self, pairs: int) -> Drawn:
        """The noise of the next passes: two a sample, one pair after the other."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that further draws depend on: numbers, texts and arrays, in dicts and lists."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Draw on from where a source of the same parameters had its `state` taken.

        What comes is the same bit for bit, in this process or another.
        """

    @abstractmethod
    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:
        """The law of the noise at every neuron, for batches of so many samples."""

"""Numbers drawn afresh for every node and pass: normal ones, coins, sums of coins.

Scoring draws from a generator of its own.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.scale.noise import DrawnNoise, Memory, Nodes
from learning.scale.noise_random import Alias, Words, threshold

Generators: TypeAlias = tuple[torch.Generator, torch.Generator]
"""Of training, and of scoring."""


class FreshNoise(DrawnNoise):
    """A source without memory: its generators are all its state.

    Args:
        nodes: where.
        sigma: standard deviation of ν, V.
        generators: on the device.
    """

    def __init__(
        self,
        nodes: Nodes,
        sigma: float,
        generators: Generators,
    ) -> None:
        super().__init__(sigma)
        self._streams = tuple(
            (Memory(nodes), Words(generator, nodes.device)) for generator in generators
        )

    def _draw(self, passes: Literal[1, 2], batch: int) -> Sequence[Tensor]:
        memory, words = self._streams[2 - passes]
        self._fill(memory.flat(passes, batch), words)
        return memory.blocks(passes, batch)

    @abstractmethod
    def _fill(self, out: Tensor, words: Words) -> None:
        """Write fresh ν, shape (count,), V."""

    def state(self) -> dict[str, Tensor]:
        """Return what both generators are in."""
        training, scoring = (words.generator.get_state() for _, words in self._streams)
        return {"training": training, "scoring": scoring}

    def _go_on(self, state: Mapping[str, Tensor]) -> None:
        for (_, words), name in zip(self._streams, ("training", "scoring"), strict=True):
            words.generator.set_state(state[name].cpu())


class GaussianNoise(FreshNoise):
    """Normal numbers with zero mean; arguments as those of `FreshNoise`."""

    def _fill(self, out: Tensor, words: Words) -> None:
        out.normal_(0.0, self.sigma, generator=words.generator)


class CoinNoise(FreshNoise):
    """Two levels, thrown for every pass.

    Args:
        nodes: where.
        levels: ν of the low and of the high level, V.
        chance: probability of the high level, 1.
        generators: on the device.
    """

    def __init__(
        self,
        nodes: Nodes,
        levels: tuple[float, float],
        chance: float,
        generators: Generators,
    ) -> None:
        low, high = levels
        sigma = (high - low) * float(np.sqrt(chance * (1 - chance)))
        super().__init__(nodes, sigma, generators)
        self._low, self._swing = low, high - low
        self._fair = chance == 0.5
        self._threshold = int(threshold(chance))

    def _fill(self, out: Tensor, words: Words) -> None:
        if self._fair:
            up = words.bits(len(out))
        else:
            up = words.draw(len(out))
            torch.lt(up, self._threshold, out=up)
        torch.mul(up, self._swing, out=out).add_(self._low)


class LevelsNoise(FreshNoise):
    """A level out of several, thrown for every pass.

    Args:
        nodes: where.
        levels: ν, V, shape (S,), S ≥ 2.
        chances: probability of each, shape (S,).
        generators: on the device.
    """

    def __init__(
        self,
        nodes: Nodes,
        levels: NDArray[np.float64],
        chances: NDArray[np.float64],
        generators: Generators,
    ) -> None:
        sigma = float(np.sqrt(chances @ (levels - chances @ levels) ** 2))
        super().__init__(nodes, sigma, generators)
        self._alias = Alias.of(chances[np.newaxis])
        own = np.zeros(1 << self._alias.bits)  # columns beyond the last level are never met
        own[: len(levels)] = levels
        self._cut = nodes.place_whole(self._alias.cut[0])
        self._own = nodes.place(own)
        self._other = nodes.place(levels[self._alias.other[0]])

    def _fill(self, out: Tensor, words: Words) -> None:
        drawn = words.draw(len(out))
        column = self._alias.column(drawn)
        own = drawn < self._cut.index_select(0, column)
        other = self._other.index_select(0, column)
        torch.where(own, self._own.index_select(0, column), other, out=out)

"""A Markov chain of several states a node, taken step by step.

So are strings of many junctions, and of junctions that hold each other.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from learning.scale.noise import Beginning, ClockedNoise, Nodes
from learning.scale.noise_random import Alias

Array = NDArray[np.float64]


class ConfigurationsNoise(ClockedNoise):
    """A chain of S configurations a node; nodes alike share their tables.

    Args:
        nodes: where.
        beginning: order and generators.
        levels: ν of each configuration in each of K kinds of node, V, shape (K, S).
        transitions: probability of each configuration a pass after each, shape (K, S, S).
        stationary: probability of each configuration, shape (K, S).
        kinds: of each node, 0…K − 1, shape (N,).
        sigma: stationary standard deviation of ν, V.
    """

    def __init__(
        self,
        nodes: Nodes,
        beginning: Beginning,
        *,
        levels: Array,
        transitions: Array,
        stationary: Array,
        kinds: NDArray[np.intp],
        sigma: float,
    ) -> None:
        configurations = levels.shape[1]
        first = configurations * kinds
        drawn = beginning.first.random(len(kinds))[:, np.newaxis]
        passed = (drawn >= stationary.cumsum(axis=1)[kinds]).sum(axis=1)
        held = nodes.place_whole(first + np.minimum(passed, configurations - 1))
        super().__init__(nodes, beginning, sigma, held)
        rows = transitions.reshape(-1, configurations)
        self._alias = Alias.of(rows)
        # A configuration is known by its row in the tables of all kinds.
        first_of_row = configurations * (np.arange(len(rows)) // configurations)
        self._cut = nodes.place_whole(self._alias.cut.ravel())
        self._other = nodes.place_whole((self._alias.other + first_of_row[:, np.newaxis]).ravel())
        self._levels = nodes.place(levels.ravel())
        self._first = nodes.place_whole(first)

    def _step(self, passes: Literal[1, 2], batch: int) -> None:
        shape = passes * batch, len(self._held)
        words = self._words.draw(shape[0] * shape[1]).view(shape)
        columns = self._alias.column(words)
        own = columns + self._first
        at = torch.empty_like(own)
        row, width = self._held, 1 << self._alias.bits
        steps = zip(words.unbind(), columns.unbind(), own.unbind(), at.unbind(), strict=True)
        for word, column, stay, out in steps:
            cell = torch.add(column, row, alpha=width)
            below = word < self._cut.index_select(0, cell)
            row = torch.where(below, stay, self._other.index_select(0, cell), out=out)
        self._held.copy_(row)
        noise = self._levels.index_select(0, at.view(-1)).view_as(at)
        for out, values, _ in self._memory.in_time(noise, passes, batch, self._order):
            out.copy_(values)

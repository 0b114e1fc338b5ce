"""Chains of two states read at the steps of a clock: hidden Markov chains and junctions.

A chain goes up with probability u and down with d at a step. Where u + d ≤ 1 that is the same as
this: it is set with probability u, reset with d, and kept otherwise; where u + d > 1, it is set
with 1 − d, reset with 1 − u, and swapped otherwise. So a state is what the latest set or reset left
of it, and one word a step says which it is. All steps are found at once: each set or reset is
numbered by its step, and running maxima, in doubling strides, carry the latest one on.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.scale.noise import Beginning, ClockedNoise, Nodes
from learning.scale.noise_random import Words, threshold

Array = NDArray[np.float64]

_FORGOTTEN = 2.0**-64
"""Chance below which a state's survival over a number of steps is left out: far below the 2⁻³² that
a word resolves."""


class Switches:
    """Independent two-state chains side by side, stationary from the start.

    Args:
        up: probability per step of low → high, shape (C,), 0 to 1.
        down: of high → low, shape (C,).
        held: state before the next step, 0 or 1, int32, shape (C,), which each run changes.

    Raises:
        ValueError: some chains swap (up + down > 1), others do not.
    """

    def __init__(self, up: Array, down: Array, held: Tensor) -> None:
        swaps = up + down > 1
        if swaps.any() != swaps.all():
            raise ValueError("chains: up + down is above 1 for some, below for others")
        self._swaps = bool(swaps.all())
        to_high, to_low = (1 - down, 1 - up) if self._swaps else (up, down)
        self._set = torch.from_numpy(threshold(to_high)).to(held.device)
        self._changed = torch.from_numpy(threshold(to_high + to_low)).to(held.device)
        self._memory = float(np.abs(1 - up - down).max())
        self._held = held
        self._marks = held.new_empty(0, 1)
        self._rooms = [held.new_empty(0) for _ in range(2)]

    def run(self, steps: int, words: Words) -> Tensor:
        """States after each of the next steps.

        Args:
            steps: how many.
            words: to draw from.

        Returns:
            0 or 1, int32, shape (steps, C); the next call overwrites them.
        """
        chains = len(self._held)
        drawn = words.draw(steps * chains).view(steps, chains)
        if self._memory < _FORGOTTEN:
            states = torch.lt(drawn, self._set, out=drawn)
            self._held.copy_(states[-1])
            return states
        marks = self._marked(steps)
        latest, spare = self._cleared(steps + 1, chains)
        latest[0] = self._held
        changes = torch.lt(drawn, self._set, out=latest[1:])
        changes.bitwise_xor_(marks).mul_(torch.lt(drawn, self._changed, out=spare[1:]))
        stride = 1
        while stride <= steps and self._memory**stride >= _FORGOTTEN:
            torch.maximum(latest[stride:], latest[:-stride], out=spare[stride:])
            spare[:stride] = latest[:stride]
            latest, spare = spare, latest
            stride *= 2
        states = latest[1:]
        if self._swaps:
            states.bitwise_xor_(marks)
        states.bitwise_and_(1)
        self._held.copy_(states[-1])
        return states

    def _marked(self, steps: int) -> Tensor:
        """Twice the number of each step; where chains swap, plus 1 at odd ones."""
        if len(self._marks) < steps:
            number = torch.arange(1, steps + 1, dtype=torch.int32, device=self._held.device)
            self._marks = (2 * number + (number % 2 if self._swaps else 0))[:, None]
        return self._marks[:steps]

    def _cleared(self, rows: int, columns: int) -> list[Tensor]:
        if len(self._rooms[0]) < rows * columns:
            self._rooms = [room.new_empty(rows * columns) for room in self._rooms]
        return [room[: rows * columns].view(rows, columns) for room in self._rooms]


def _started(flips: Array, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw states from the stationary law of chains; `flips` is up and down, shape (…, 2, C)."""
    up, down = flips[..., 0, :], flips[..., 1, :]
    return rng.random(up.shape) < up / (up + down)


class TelegraphNoise(ClockedNoise):
    """A two-state chain a node, with or without Gaussian noise on its levels.

    Args:
        nodes: where.
        beginning: order and generators.
        levels: ν of each node's low and high state, V, shape (2, N).
        flips: probability of low → high and of high → low from pass to pass, shape (2, N).
        observation: standard deviation of the noise on the levels, V.
        sigma: stationary standard deviation of ν, V.
    """

    def __init__(
        self,
        nodes: Nodes,
        beginning: Beginning,
        *,
        levels: Array,
        flips: Array,
        observation: float,
        sigma: float,
    ) -> None:
        held = nodes.place_whole(_started(flips, beginning.first))
        super().__init__(nodes, beginning, sigma, held)
        self._low, self._swing = nodes.place(levels[0]), nodes.place(levels[1] - levels[0])
        self._observation = observation
        self._switches = Switches(flips[0], flips[1], held)

    def _step(self, passes: Literal[1, 2], batch: int) -> None:
        states = self._switches.run(passes * batch, self._words)
        if self._observation:
            flat = self._memory.flat(passes, batch)
            flat.normal_(0.0, self._observation, generator=self._words.generator)
        for out, high, columns in self._memory.in_time(states, passes, batch, self._order):
            swing, low = self._swing[columns], self._low[columns]
            if self._observation:
                out.add_(low).addcmul_(high, swing)
            else:
                torch.mul(high, swing, out=out).add_(low)


class JunctionsNoise(ClockedNoise):
    """A string of junctions a node, each flipping on its own.

    Args:
        nodes: where.
        beginning: order and generators.
        levels: ν of each node in every configuration, V, shape (N, S).
        flips: probability of P → AP and of AP → P from pass to pass, shape (n, 2, N).
        weights: what each junction in AP adds to the configuration's number, shape (n,).
        sigma: stationary standard deviation of ν, V.
    """

    def __init__(
        self,
        nodes: Nodes,
        beginning: Beginning,
        *,
        levels: Array,
        flips: Array,
        weights: Sequence[int],
        sigma: float,
    ) -> None:
        held = nodes.place_whole(_started(flips, beginning.first))
        super().__init__(nodes, beginning, sigma, held)
        self._levels = nodes.place(levels.ravel())
        self._first = nodes.place_whole(levels.shape[1] * np.arange(len(levels)))
        self._weights = tuple(weights)
        each = zip(flips, held.unbind(), strict=True)
        self._switches = tuple(Switches(up, down, own) for (up, down), own in each)

    def _step(self, passes: Literal[1, 2], batch: int) -> None:
        steps = passes * batch
        at = self._first.expand(steps, -1)
        for switches, weight in zip(self._switches, self._weights, strict=True):
            at = at.add(switches.run(steps, self._words), alpha=weight)
        noise = self._levels.index_select(0, at.view(-1)).view_as(at)
        for out, values, _ in self._memory.in_time(noise, passes, batch, self._order):
            out.copy_(values)

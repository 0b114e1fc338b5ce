"""Random words, and chances as thresholds on them.

A word is 32 random bits. `word < threshold(p)` holds with probability p rounded to a multiple of
2⁻³², which is as fine as the uniform numbers of single precision and costs a quarter of the time of
`torch.bernoulli` on a CPU.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_LEAST, _MOST = -(1 << 31), (1 << 31) - 1
_WORDS = float(1 << 32)


class Words:
    """Random words in memory that is used again.

    Args:
        generator: on the device, or on the CPU where that is the device.
        device: of the words.
    """

    def __init__(self, generator: torch.Generator, device: torch.device) -> None:
        self.generator = generator
        self._held = torch.empty(0, device=device, dtype=torch.int64)
        self._shifts = torch.arange(8, device=device, dtype=torch.uint8)

    def draw(self, count: int) -> Tensor:
        """Words, int32, shape (count,); the next call overwrites them."""
        return self._drawn(-(-count // 2)).view(torch.int32)[:count]

    def bits(self, count: int) -> Tensor:
        """Fair bits, uint8, shape (count,): 64 from a number."""
        octets = self._drawn(-(-count // 64)).view(torch.uint8)
        bits = torch.bitwise_right_shift(octets[:, None], self._shifts).bitwise_and_(1)
        return bits.view(-1)[:count]

    def _drawn(self, numbers: int) -> Tensor:
        if len(self._held) < numbers:
            self._held = self._held.new_empty(numbers)
        # From −2⁶³ without an end: all 64 bits are random.
        return self._held[:numbers].random_(-(1 << 63), None, generator=self.generator)


def threshold(chance: NDArray[np.float64] | float) -> NDArray[np.int32]:
    """What a word lies below with a given probability.

    Args:
        chance: 0 to 1; 1 becomes 1 − 2⁻³².

    Returns:
        int32, in the shape of `chance`.
    """
    cut = np.rint(np.asarray(chance) * _WORDS) + _LEAST
    return np.clip(cut, _LEAST, _MOST).astype(np.int32)


@dataclass(frozen=True)
class Alias:
    """Tables that draw from distributions with one word each (Walker 1977, Vose 1991).

    The first `bits` bits of a word say which column it falls in; the word then means the column's
    own outcome where it lies below `cut`, `other` beyond.

    Attributes:
        bits: the table has 2^bits columns.
        cut: int32, shape (R, 2^bits).
        other: outcome 0…S − 1, shape (R, 2^bits).
    """

    bits: int
    cut: NDArray[np.int32]
    other: NDArray[np.int32]

    @classmethod
    def of(cls, chances: NDArray[np.float64]) -> "Alias":
        """Build the tables.

        Args:
            chances: of S ≥ 2 outcomes in each of R distributions, shape (R, S).
        """
        rows, outcomes = chances.shape
        bits = (outcomes - 1).bit_length()
        share = np.zeros((rows, 1 << bits))
        share[:, :outcomes] = chances / chances.sum(axis=1, keepdims=True)
        other = np.empty(share.shape, dtype=np.int32)
        kept = np.empty(share.shape)
        for row in range(rows):
            kept[row], other[row] = _paired((share[row] * (1 << bits)).tolist())
        cut = threshold((np.arange(1 << bits) + kept) / (1 << bits))
        return cls(bits, cut, other)

    def column(self, words: Tensor) -> Tensor:
        """Which column each word falls in, int32, in the shape of `words`."""
        return words.bitwise_right_shift(32 - self.bits).add_(1 << (self.bits - 1))


def _paired(share: list[float]) -> tuple[list[float], list[int]]:
    """Fill each column of height 1 from at most two outcomes: share of its own, and the other."""
    kept, other = [1.0] * len(share), list(range(len(share)))
    low = [k for k, value in enumerate(share) if value < 1]
    high = [k for k, value in enumerate(share) if value >= 1]
    while low and high:
        small, large = low.pop(), high[-1]
        kept[small], other[small] = share[small], large
        share[large] -= 1 - share[small]
        if share[large] < 1:
            low.append(high.pop())
    for k in low:  # rounding left these a hair short of 1
        kept[k], other[k] = 1.0, k
    return kept, other


def generator_of(seed: np.random.SeedSequence, device: torch.device) -> torch.Generator:
    """A generator on a device, seeded by a sequence's first 64 bits."""
    generator = torch.Generator(device)
    generator.manual_seed(int(seed.generate_state(1, np.uint64)[0]))
    return generator

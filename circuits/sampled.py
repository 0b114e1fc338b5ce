"""Noise drawn sample by sample, or measured, instead of through a junction's resistance.

Every source gives ν, the noise at a neuron's pre-activation in V, as a node sees it: resistors
around the source are in `scale`. The hidden Markov chain is the paper's model of its measured
series (Koenders et al., arXiv 2412.12783, Appendix A), the Bernoulli source its limit of a slow
clock: samples independent of one another.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import comb

from circuits.quantities import Count, FileName, Parameters, Ratio, Second, Volt

Array = NDArray[np.float64]

LOW, HIGH = 0, 1
_DWELLS = 1024  # drawn at a time
_LONGEST = 1 << 40  # samples; sums of a block of dwells this long stay whole numbers
_OBSERVED = 1024  # samples whose observation noise is drawn at a time
_KEEP = 4096  # samples before the latest window that may still be asked for


class MeasuredParameters(Parameters):
    """A recorded voltage, read in order and wrapped around (`circuits.recording`)."""

    file: FileName | None = Field(
        default=None, description="recording, or folder of parquet chunks"
    )
    column: str | None = Field(
        default=None, description="column of the voltage, by name or number; found where omitted"
    )
    sample_time: Second | None = Field(
        default=None, gt=0, description="time between samples, s; from the recording where omitted"
    )
    scale: Ratio = Field(default=1.0, gt=0, description="V at the node per V recorded, 1")
    remove_mean: bool = Field(default=True, description="take the recording's mean away")
    start: Count = Field(default=0, ge=0, description="number of the first sample read, 0…")
    stride: Count = Field(default=1, ge=1, le=1_000_000, description="read every n-th sample, 1")


class HmmParameters(Parameters):
    """Two levels with flips between samples and Gaussian noise on top.

    Defaults are the paper's fit to its device: Appendix A prints 48.0 and 36.2 mV, 0.0809 and
    1 mV; its code has 42.092104 ± 5.9316154 mV and 0.90841466 mV.
    """

    level_high: Volt = Field(default=48.0237194e-3, description="high level, V")
    level_low: Volt = Field(default=36.1604886e-3, description="low level, V")
    flip_up: Ratio = Field(
        default=0.0809, gt=0, lt=1, description="probability per sample of low → high, 1"
    )
    flip_down: Ratio = Field(
        default=0.0809, gt=0, lt=1, description="probability per sample of high → low, 1"
    )
    observation_noise: Volt = Field(
        default=0.90841466e-3, ge=0, description="standard deviation of noise on the levels, V"
    )
    sample_time: Second = Field(
        default=25e-6, ge=1e-7, description="time between samples, s (paper: 40 kHz)"
    )
    scale: Ratio = Field(default=1.0, gt=0, description="V at the node per V of the levels, 1")
    remove_mean: bool = Field(
        default=True, description="take the levels' mean away (the paper's code: no)"
    )

    @model_validator(mode="after")
    def _check_levels(self) -> Self:
        if self.level_high <= self.level_low:
            raise ValueError(
                f"level_high: wanted more than level_low of {self.level_low:g} V, "
                f"got {self.level_high:g} V"
            )
        return self

    @property
    def occupancy(self) -> float:
        """Stationary probability of the high level."""
        return self.flip_up / (self.flip_up + self.flip_down)

    @property
    def mean_voltage(self) -> float:
        """Stationary mean of the levels, V."""
        return self.level_low + self.occupancy * (self.level_high - self.level_low)

    @property
    def node_levels(self) -> Array:
        """ν of the low and the high level without observation noise, V; shape (2,)."""
        mean = self.mean_voltage if self.remove_mean else 0.0
        return self.scale * (np.array([self.level_low, self.level_high]) - mean)

    @property
    def sigma(self) -> float:
        """Stationary standard deviation of ν, observation noise included, V."""
        p, distance = self.occupancy, self.level_high - self.level_low
        return self.scale * float(np.hypot(np.sqrt(p * (1 - p)) * distance, self.observation_noise))

    @property
    def correlation(self) -> float:
        """Factor by which the levels' autocorrelation falls per sample, 1."""
        return 1 - self.flip_up - self.flip_down

    @property
    def dwell_times(self) -> tuple[float, float]:
        """Mean dwell at the low and at the high level, s."""
        return self.sample_time / self.flip_up, self.sample_time / self.flip_down


class _CoinParameters(Parameters, ABC):
    """Sources of two levels, each sample independent: ν = scale · Σ(b − ½ + offset)."""

    skew: Ratio = Field(
        default=0.0, gt=-0.5, lt=0.5, description="probability of up is ½ + skew, 1"
    )
    offset: Ratio = Field(
        default=0.0, description="added to each source, in distances of its two levels, 1"
    )
    scale: Volt = Field(default=11.8632308e-3, gt=0, description="distance of the two levels, V")

    @property
    @abstractmethod
    def sources(self) -> int:
        """How many add up."""

    @property
    def node_levels(self) -> Array:
        """ν with 0…n sources up, V; shape (n + 1,)."""
        n = self.sources
        up = np.arange(n + 1, dtype=np.float64)
        return self.scale * (up + n * (self.offset - 0.5))

    @property
    def probabilities(self) -> Array:
        """Probability of each level, shape (n + 1,)."""
        n, p = self.sources, 0.5 + self.skew
        k = np.arange(n + 1)
        return comb(n, k) * p**k * (1 - p) ** (n - k)

    @property
    def mean(self) -> float:
        """Mean of ν, V."""
        return self.scale * self.sources * (self.skew + self.offset)

    @property
    def sigma(self) -> float:
        """Standard deviation of ν, V."""
        return self.scale * float(np.sqrt(self.sources * (0.25 - self.skew**2)))

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
        """Independent samples of ν.

        Args:
            rng: generator.
            shape: of the result.

        Returns:
            V.
        """
        return self.node_levels[rng.binomial(self.sources, 0.5 + self.skew, shape)]


class BernoulliParameters(_CoinParameters):
    """One source of two levels, each sample independent: ν = scale · (b − ½ + offset)."""

    @property
    def sources(self) -> int:
        """One."""
        return 1


class BinomialParameters(_CoinParameters):
    """The sum of equal, independent Bernoulli sources: ν = scale · Σ(b_i − ½ + offset)."""

    n_sources: Count = Field(default=4, ge=1, le=1024, description="sources at every node, 1")

    @property
    def sources(self) -> int:
        """As `n_sources` says."""
        return self.n_sources


class GaussianParameters(Parameters):
    """Independent Gaussian samples; the default is as strong as the paper's two levels."""

    sigma: Volt = Field(default=5.9316154e-3, gt=0, description="standard deviation of ν, V")

    def draw(self, rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
        """Independent samples of ν.

        Args:
            rng: generator.
            shape: of the result.

        Returns:
            V.
        """
        return rng.normal(0.0, self.sigma, shape)


class HiddenMarkovChain:
    """ν of one node from sample 0 on, read forward; it starts in the stationary state.

    A sample depends on the generator alone, not on how the reading is cut.

    Args:
        parameters: levels, flips and observation noise.
        rng: generator that this chain alone draws from.
    """

    def __init__(self, parameters: HmmParameters, rng: np.random.Generator) -> None:
        self._levels = parameters.node_levels
        self._flip = np.array([parameters.flip_up, parameters.flip_down])
        self._noise = parameters.scale * parameters.observation_noise
        self._noise_seed = int(rng.integers(1 << 63))
        self._observed = (-1, np.empty(0))  # the latest block: its number and its values in V
        self._rng = rng
        self._state = int(rng.random() < parameters.occupancy)  # before all flips that are held
        self._flips = np.empty(0, dtype=np.int64)  # first samples after flips
        self._held_from = 0
        self._end = 0

    def values(self, first: int, stop: int) -> Array:
        """ν of the samples first … stop − 1, V.

        Args:
            first: number of a sample, at most 4096 before the latest window so far.
            stop: number of a sample, not before `first`.

        Returns:
            Shape (stop − first,).

        Raises:
            ValueError: the window begins where the chain has been let go, or ends before it begins.
        """
        if not self._held_from <= first <= stop:
            raise ValueError(
                f"hidden Markov chain is held from sample {self._held_from}, got {first} to {stop}"
            )
        self._held_from = max(self._held_from, first - _KEEP)
        if self._end < stop:
            self._extend(stop)
        low, high = np.searchsorted(self._flips, (first, stop), side="left")
        # Edges of the runs of one state; a flip at `first` makes the first run empty.
        edges = np.concatenate([[first], self._flips[low:high], [stop]])
        states = (self._state + low + np.arange(len(edges) - 1)) % 2
        values = np.repeat(self._levels[states], np.diff(edges))
        if self._noise:
            for block in range(first // _OBSERVED, -(-stop // _OBSERVED)):
                begin = block * _OBSERVED
                inside = slice(max(first, begin) - first, min(stop, begin + _OBSERVED) - first)
                values[inside] += self._observation(block)[
                    max(first - begin, 0) : min(stop - begin, _OBSERVED)
                ]
        return values

    def state(self, needed_from: int) -> dict[str, Any]:
        """All that samples from one on depend on, for a chain made like this one.

        Args:
            needed_from: number of a sample that is held; none before it will be asked for.
        """
        over = int(np.searchsorted(self._flips, needed_from, side="left"))
        return {
            "from": needed_from,
            "state": (self._state + over) % 2,
            "flips": self._flips[over:].copy(),
            "end": self._end,
            "noise_seed": self._noise_seed,
            "rng": self._rng.bit_generator.state,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another chain had its `state` taken."""
        self._held_from = state["from"]
        self._state = state["state"]
        self._flips = state["flips"]
        self._end = state["end"]
        self._noise_seed = state["noise_seed"]
        self._observed = (-1, np.empty(0))
        self._rng.bit_generator.state = state["rng"]

    def _observation(self, block: int) -> Array:
        if self._observed[0] != block:
            # Seeded by number, so that blocks that nobody reads cost nothing.
            rng = np.random.default_rng((self._noise_seed, block))
            self._observed = block, rng.normal(0.0, self._noise, _OBSERVED)
        return self._observed[1]

    def _extend(self, stop: int) -> None:
        pieces = [self._flips]
        held = len(self._flips)
        while self._end < stop:
            leaving = (self._state + held + np.arange(_DWELLS)) % 2
            dwells = np.minimum(self._rng.geometric(self._flip[leaving]), _LONGEST)
            flips = self._end + np.cumsum(dwells)
            self._end = int(flips[-1])
            if self._end < self._held_from:
                # All of it is over: only the state after it counts.
                self._state = (self._state + held + _DWELLS) % 2
                pieces, held = [], 0
            else:
                pieces.append(flips)
                held += _DWELLS
        flips = np.concatenate(pieces)
        over = int(np.searchsorted(flips, self._held_from, side="right"))
        self._state = (self._state + over) % 2
        self._flips = flips[over:].copy()

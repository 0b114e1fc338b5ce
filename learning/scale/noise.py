"""What a rule asks of the noise at the nodes, and how a step's noise lies in memory.

A step is two passes of a batch. Noise of all layers is drawn when layer 1 is asked for and handed
out layer by layer, so that a step costs a few large operations rather than many small ones.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from learning.scale.noise_random import Words

Order: TypeAlias = Literal["pairs", "passes"]
"""In which order a source with a clock meets the 2B passes of a step: pass 1 and 2 of the first
sample, then of the second, as a circuit runs them; or pass 1 of all samples, then pass 2 of all, as
the authors' code does."""


class Noise(Protocol):
    """ν of every node, drawn on the network's device."""

    @property
    def sigma(self) -> float:
        """Stationary standard deviation of ν at a node, V."""
        ...

    def pair(self, layer: int, batch: int) -> Tensor:
        """Return ν of pass 1 and of pass 2, shape (2, batch, N_layer), V.

        Layers 1..L are asked for in order, once a step. The tensor is not to be written to, and
        the next step may overwrite it.
        """
        ...

    def single(self, layer: int, batch: int) -> Tensor:
        """Return ν of one pass, shape (batch, N_layer), V, as for scoring.

        Layers are asked for in order. Sources that are independent from sample to sample draw
        these numbers apart, so that scoring leaves the noise of training as it is; sources with a
        clock go on. The tensor is as that of `pair`.
        """
        ...

    def state(self) -> dict[str, Tensor]:
        """Return all that what is drawn next depends on."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another had its `state` taken, bit for bit."""
        ...


class DrawnNoise(ABC):
    """A source that draws a whole step at once.

    Args:
        sigma: stationary standard deviation of ν at a node, V.
    """

    def __init__(self, sigma: float) -> None:
        self._sigma = sigma
        self._pair: Sequence[Tensor] = ()
        self._single: Sequence[Tensor] = ()

    @property
    def sigma(self) -> float:
        """Stationary standard deviation of ν at a node, V."""
        return self._sigma

    def pair(self, layer: int, batch: int) -> Tensor:
        """Return ν of pass 1 and of pass 2, shape (2, batch, N_layer), V.

        Raises:
            ValueError: layer 1 was not asked for first, for as large a batch.
        """
        if layer == 1:
            self._pair = self._draw(2, batch)
        return _handed_out(self._pair, layer, batch)

    def single(self, layer: int, batch: int) -> Tensor:
        """Return ν of one pass, shape (batch, N_layer), V.

        Raises:
            ValueError: layer 1 was not asked for first, for as large a batch.
        """
        if layer == 1:
            self._single = self._draw(1, batch)
        return _handed_out(self._single, layer, batch)[0]

    @abstractmethod
    def _draw(self, passes: Literal[1, 2], batch: int) -> Sequence[Tensor]:
        """The next noise of every layer, shape (passes, batch, N_l) each, V."""

    @abstractmethod
    def state(self) -> dict[str, Tensor]:
        """Return all that what is drawn next depends on."""

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another source of the same parameters had its `state` taken.

        Raises:
            ValueError: the state is that of another source.
        """
        own = self.state()
        shapes = {name: tuple(tensor.shape) for name, tensor in own.items()}
        got = {name: tuple(tensor.shape) for name, tensor in state.items()}
        if got != shapes:
            raise ValueError(f"state of the noise: wanted {shapes}, got {got}")
        self._go_on(state)
        self._pair = self._single = ()

    @abstractmethod
    def _go_on(self, state: Mapping[str, Tensor]) -> None:
        """Take a state over, whose names and shapes are right."""


def _handed_out(blocks: Sequence[Tensor], layer: int, batch: int) -> Tensor:
    drawn = blocks[0].shape[1] if blocks else 0
    if not 1 <= layer <= len(blocks) or drawn != batch:
        raise ValueError(
            f"noise of layer {layer}, batch {batch}: drawn are {len(blocks)} layers for a batch of "
            f"{drawn}; ask for layer 1 first"
        )
    return blocks[layer - 1]


@dataclass(frozen=True)
class Nodes:
    """Where noise stands, and what it is written in.

    Attributes:
        units: N_1..N_L.
        batch: samples that memory is reserved for; larger batches take more when they come.
        device: of the numbers.
        dtype: of the numbers.
    """

    units: tuple[int, ...]
    batch: int
    device: torch.device
    dtype: torch.dtype

    @property
    def total(self) -> int:
        """N = N_1 + ... + N_L."""
        return sum(self.units)

    def place(self, values: NDArray[np.float64]) -> Tensor:
        """Copy numbers to the device."""
        return torch.from_numpy(values).to(self.device, self.dtype)

    def place_whole(self, values: NDArray[Any]) -> Tensor:
        """Copy whole numbers to the device as int32."""
        return torch.from_numpy(values.astype(np.int32)).to(self.device)


class Memory:
    """Where a step's noise is written: one run of numbers, cut into a block a layer."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._held = torch.empty(
            2 * nodes.batch * nodes.total, device=nodes.device, dtype=nodes.dtype
        )

    def flat(self, passes: int, batch: int) -> Tensor:
        """Numbers of all layers, one layer after the other, shape (passes · batch · N,)."""
        wanted = passes * batch * self._nodes.total
        if len(self._held) < wanted:
            self._held = self._held.new_empty(wanted)
        return self._held[:wanted]

    def blocks(self, passes: int, batch: int) -> list[Tensor]:
        """The same numbers by layer, shape (passes, batch, N_l) each."""
        units = self._nodes.units
        parts = self.flat(passes, batch).split([passes * batch * count for count in units])
        return [part.view(passes, batch, -1) for part in parts]

    def in_time(
        self, values: Tensor, passes: int, batch: int, order: Order
    ) -> Iterator[tuple[Tensor, Tensor, slice]]:
        """Pair each block with what goes into it.

        Args:
            values: of every node at consecutive instants, shape (passes · batch, N).
            passes: of each sample.
            batch: samples.
            order: of the instants.

        Yields:
            A block in the order of time, the values that belong there in the same shape (…, N_l),
            and the layer's columns.
        """
        pairs = order == "pairs"
        shaped = values.view(*((batch, passes) if pairs else (passes, batch)), self._nodes.total)
        start = 0
        for block in self.blocks(passes, batch):
            columns = slice(start, start + block.shape[-1])
            start = columns.stop
            yield block.transpose(0, 1) if pairs else block, shaped[..., columns], columns


@dataclass(frozen=True)
class Beginning:
    """How a source that remembers begins and goes on.

    Attributes:
        order: of the passes in time.
        first: draws the first states.
        generator: draws all that follows, on the device.
    """

    order: Order
    first: np.random.Generator
    generator: torch.Generator


class ClockedNoise(DrawnNoise):
    """A source that remembers: each node is in a state that steps on from pass to pass.

    Args:
        nodes: where.
        beginning: order and generators.
        sigma: stationary standard deviation of ν at a node, V.
        held: first states.
    """

    def __init__(self, nodes: Nodes, beginning: Beginning, sigma: float, held: Tensor) -> None:
        super().__init__(sigma)
        self._order: Order = beginning.order
        self._words = Words(beginning.generator, nodes.device)
        self._memory = Memory(nodes)
        self._held = held

    def _draw(self, passes: Literal[1, 2], batch: int) -> Sequence[Tensor]:
        self._step(passes, batch)
        return self._memory.blocks(passes, batch)

    @abstractmethod
    def _step(self, passes: Literal[1, 2], batch: int) -> None:
        """Write the next passes' ν into the memory, and the states after them into `_held`."""

    def state(self) -> dict[str, Tensor]:
        """Return the generator's state and the nodes'."""
        held = self._held.to("cpu", copy=True)
        return {"generator": self._words.generator.get_state(), "held": held}

    def _go_on(self, state: Mapping[str, Tensor]) -> None:
        self._words.generator.set_state(state["generator"].cpu())
        self._held.copy_(state["held"])

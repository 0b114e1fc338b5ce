"""Batches of images: bytes on the network's device become its inputs there.

All random choices of an epoch (order, crops, mirrored images) are drawn at its start, where the
generator is, and go to the device at once. With a generator on the CPU an epoch is the same on
every device, and no batch waits for the host.
"""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from learning.datasets.image_set import Images, InputScale
from learning.scale.augment import Crops, crop_flip, draw_crops

Augment: TypeAlias = Literal["none", "crop-flip"]
Batch: TypeAlias = tuple[Tensor, Tensor]
"""Inputs (b, N_0) and one-hot targets (b, classes)."""

_GENERATOR, _DONE = "generator", "done"


class Batches:
    """Batches of an epoch; each iteration is an epoch of its own.

    Attributes:
        samples: S, the number of images.
        inputs: N_0.
        classes: Number of classes.
    """

    def __init__(
        self,
        images: Images,
        *,
        device: torch.device | str,
        dtype: torch.dtype,
        batch: int,
        augment: Augment = "none",
        generator: torch.Generator | None = None,
        shuffle: bool = False,
        scale: InputScale = "paper",
    ) -> None:
        """Put images on a device, where they stay as bytes.

        Args:
            images: One part of a set.
            device: Where batches are made and used.
            dtype: Of inputs and targets: the network's.
            batch: Images a batch; the last one of an epoch may have fewer.
            augment: "crop-flip": crop at random from a border of 4 pixels of grey 0, and mirror.
            generator: Of the order and the crops, and of nothing else: `restore` turns it back.
            shuffle: Draw a new order each epoch.
            scale: How grey becomes an input.

        Raises:
            ValueError: If a choice is unknown or does not fit the others.
        """
        _require(augment, ("none", "crop-flip"), "augment")
        _require(scale, ("paper", "volts"), "scale")
        if batch < 1:
            raise ValueError(f"batch: wanted 1 or more images, got {batch}")
        if not len(images):
            raise ValueError("images: there are none, wanted one or more")
        if generator is None and (shuffle or augment != "none"):
            raise ValueError("generator: wanted one, since order or crops are to be drawn")
        self.samples, self.classes = len(images), images.classes
        self.inputs = images.pixels[0].size
        self._device = torch.device(device)
        self._batch, self._augment, self._shuffle = batch, augment, shuffle
        self._generator = generator
        self._pixels = _tensor(images.pixels).to(self._device)
        self._labels = _tensor(images.labels).to(self._device)
        self._one_hot = torch.eye(images.classes, dtype=dtype, device=self._device)
        self._level, self._mean, self._std = self._scaled(images, scale, dtype)
        self._begun = self._drawn_from()
        self._done = 0  # batches of the epoch under way that were handed out
        self._skip = 0  # of the next iteration: where a restored state stood

    def __len__(self) -> int:
        return ceil(self.samples / self._batch)

    def __iter__(self) -> Iterator[Batch]:
        skip, self._skip = self._skip, 0
        self._begun = self._drawn_from()
        order, crops = self._draw()
        for k in range(skip, len(self)):
            start, end = k * self._batch, min((k + 1) * self._batch, self.samples)
            made = self._make(start, end, order, crops)
            self._done = k + 1
            if self._done == len(self):  # what comes next is another epoch
                self._begun, self._done = self._drawn_from(), 0
            yield made

    def state(self) -> dict[str, Tensor]:
        """Return where the epoch under way is, for `restore`; to be taken between two batches."""
        return {_GENERATOR: self._begun.clone(), _DONE: torch.tensor(self._done)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Have the next iteration go on where a state was taken: with the rest of its epoch."""
        begun = state[_GENERATOR].to("cpu", torch.uint8)
        if self._generator is not None:
            self._generator.set_state(begun)
        self._begun = begun
        self._done = self._skip = int(state[_DONE])

    def _scaled(
        self, images: Images, scale: InputScale, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Level (), mean (N_0,) and, where inputs are divided by it, deviation (N_0,)."""
        grey = images.grey

        def put(values: np.ndarray) -> Tensor:
            return torch.from_numpy(values).to(dtype).to(self._device)

        # A number of the device in place of Python's: division by the latter is a multiplication
        # by its inverse on some devices, and one rounding more.
        level = put(np.array(float(grey.level)))
        if scale == "volts":
            return level, put(grey.pixel_mean.reshape(-1)), None
        each = self.inputs // len(grey.mean)
        return level, put(np.repeat(grey.mean, each)), put(np.repeat(grey.std, each))

    def _draw(self) -> tuple[Tensor | None, Crops | None]:
        """Order of the images and their crops, on the device; None where nothing is drawn."""
        order = crops = None
        if self._generator is not None and self._shuffle:
            where = self._generator.device
            order = torch.randperm(self.samples, generator=self._generator, device=where)
            order = order.to(self._device)
        if self._generator is not None and self._augment != "none":
            crops = draw_crops(self.samples, self._generator).to(self._device)
        return order, crops

    def _make(self, start: int, end: int, order: Tensor | None, crops: Crops | None) -> Batch:
        if order is None:
            pixels, labels = self._pixels[start:end], self._labels[start:end]
        else:
            pixels = self._pixels.index_select(0, order[start:end])
            labels = self._labels.index_select(0, order[start:end])
        if crops is not None:
            pixels = crop_flip(pixels, crops.at(start, end))
        inputs = pixels.reshape(end - start, self.inputs).to(self._mean.dtype)
        inputs.div_(self._level).sub_(self._mean)
        if self._std is not None:
            inputs.div_(self._std)
        return inputs, self._one_hot.index_select(0, labels)

    def _drawn_from(self) -> Tensor:
        """State of the generator; empty where there is none."""
        if self._generator is None:
            return torch.empty(0, dtype=torch.uint8)
        return self._generator.get_state()


def _tensor(values: np.ndarray) -> Tensor:
    """A tensor on the CPU; of a copy where torch cannot take the memory as it is."""
    return torch.from_numpy(np.require(values, requirements=("C", "W")))


def _require(value: str, known: tuple[str, ...], name: str) -> None:
    if value not in known:
        raise ValueError(f"{name}: wanted one of {', '.join(known)}, got {value!r}")

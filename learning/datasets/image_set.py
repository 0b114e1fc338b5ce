"""Images to tell apart, as bytes, with what turns them into inputs of a network."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from learning.arrays import Array

Pixels: TypeAlias = NDArray[np.uint8]
Labels: TypeAlias = NDArray[np.int64]
InputScale: TypeAlias = Literal["paper", "volts"]
"""How grey becomes an input.

paper: (grey / level - mean) / std, mean and standard deviation of each channel (arXiv 2412.12783,
the authors' code). volts: grey / level less the pixel's mean, in V, which is within ±1 V: what the
tasks `digits` and `mnist` give to a circuit.
"""

_PIECE = 1000  # images counted at once


@dataclass(frozen=True, eq=False)
class Grey:
    """What is known of the grey of a set's train images.

    Attributes:
        mean: Of each channel, white 0 and black (or full colour) 1, shape (C,).
        std: Standard deviation of each channel, on the same scale, shape (C,).
        pixel_mean: Of each pixel, on the same scale, shape (C, H, W).
        level: Largest grey value.
    """

    mean: Array
    std: Array
    pixel_mean: Array
    level: int


@dataclass(frozen=True, eq=False)
class Images:
    """Images of one part of a set, to learn from or to score on.

    Attributes:
        pixels: Grey values, shape (S, C, H, W).
        labels: Class of each image, shape (S,).
        classes: Number of classes.
        grey: Of the set's train images, whichever part this is.
    """

    pixels: Pixels
    labels: Labels
    classes: int
    grey: Grey

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Images":
        """Return the first images, at most `count`."""
        return replace(self, pixels=self.pixels[:count], labels=self.labels[:count])


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images to learn from, and others to score on.

    Attributes:
        name: One of `IMAGE_SETS`.
        train_images: Grey values, shape (S, C, H, W).
        train_labels: Shape (S,).
        test_images: Shape (T, C, H, W).
        test_labels: Shape (T,).
        classes: Number of classes.
        grey: Mean and spread of the train images; `mean`, `std`, `level` are its own.
        source: One line: from where, in which form, how many of how many.
    """

    name: str
    train_images: Pixels
    train_labels: Labels
    test_images: Pixels
    test_labels: Labels
    classes: int
    grey: Grey
    source: str

    @property
    def train(self) -> Images:
        """What is learned from."""
        return Images(self.train_images, self.train_labels, self.classes, self.grey)

    @property
    def test(self) -> Images:
        """What is held out."""
        return Images(self.test_images, self.test_labels, self.classes, self.grey)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        channels, rows, columns = self.train_images.shape[1:]
        return channels, rows, columns

    @property
    def inputs(self) -> int:
        """N_0: pixels of an image, all channels."""
        channels, rows, columns = self.shape
        return channels * rows * columns

    @property
    def mean(self) -> Array:
        """Of each channel, shape (C,)."""
        return self.grey.mean

    @property
    def std(self) -> Array:
        """Of each channel, shape (C,)."""
        return self.grey.std

    @property
    def level(self) -> int:
        """Largest grey value."""
        return self.grey.level


def grey_of(
    images: Pixels,
    level: int,
    constants: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
) -> Grey:
    """Return what is to be known of the grey of train images.

    Args:
        images: Shape (S, C, H, W).
        level: Largest grey value.
        constants: Mean and standard deviation of each channel where they are published; None
            computes them from the images.
    """
    # Whole numbers to the last division, so that the order of the images does not matter.
    total = np.zeros(images.shape[1:], dtype=np.int64)
    squares = np.zeros(images.shape[1], dtype=np.int64)
    for start in range(0, len(images), _PIECE):
        piece = images[start : start + _PIECE]
        total += piece.sum(axis=0, dtype=np.int64)
        if constants is None:
            squares += np.square(piece, dtype=np.int64).sum(axis=(0, 2, 3))
    pixel_mean = total / len(images) / level
    if constants is not None:
        return Grey(np.array(constants[0]), np.array(constants[1]), pixel_mean, level)
    count = images[:, 0].size
    mean = total.sum(axis=(1, 2)) / count
    std = np.sqrt(squares / count - mean**2)
    return Grey(mean / level, std / level, pixel_mean, level)

"""MNIST's handwritten digits of 28 × 28 pixels, from its four IDX files, in volts."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learning.arrays import Array
from learning.datasets.idx_folder import CLASSES, SIDE, read_part, require_folder
from learning.datasets.stratified import stratified

PIXELS = SIDE * SIDE
_BLACK = 255.0  # grey value that makes 1 V
_TITLE, _PAGE = "MNIST", "docs/tasks.md"


def mnist_data(
    folder: Path, train: int, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Draw a train set from the train files, and take the test files whole.

    Args:
        folder: Holds `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same two of
            `t10k`; plain or gzipped, with `.gz` or not, and with `.idx` for `-idx` or not.
        train: Size of the train set.
        rng: Source of the draw, in which each digit has its share.

    Returns:
        Train inputs (train, 784), train targets (train, 10), test inputs (T, 784) and test
        targets (T, 10). From white to black is 1 V, less the pixel's mean over *all* images of
        the train file, so that networks trained on different draws take the same inputs; inputs
        are within ±1 V, targets one-hot.

    Raises:
        ValueError: One line that says which file or size is wrong.
    """
    require_folder(folder, f"{_TITLE}'s IDX files")
    images, labels = _read_set(folder, "train")
    if train > len(images):
        raise ValueError(
            f"task mnist: samples must be at most {len(images)}, the train images in {folder}, "
            f"got {train}"
        )
    mean = images.mean(axis=0, dtype=np.float64) / _BLACK
    first = stratified(labels, train, rng)
    inputs, targets = _volts(images[first], mean), np.eye(CLASSES)[labels[first]]
    images, labels = _read_set(folder, "t10k")
    return inputs, targets, _volts(images, mean), np.eye(CLASSES)[labels]


def _volts(images: NDArray[np.uint8], mean: Array) -> Array:
    volts = images / _BLACK
    volts -= mean
    return volts


def _read_set(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images of shape (S, 784) and labels of shape (S,) of one of the two sets."""
    images, labels = read_part(folder, part, title=_TITLE, advice=f"see {_PAGE}")
    return images.reshape(-1, PIXELS), labels

"""Handwritten digits of 8 × 8 pixels (UCI, the test part, as scikit-learn holds it), in volts."""

from typing import Any

import numpy as np

from learning.arrays import Array
from learning.datasets.image_set import Labels, Pixels
from learning.datasets.stratified import stratified

SAMPLES = 1797
PIXELS = 64
LEVELS = 16
"""Steps of grey from white to black."""
_CLASSES = 10


def digits_data(train: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Split the digits into two sets, each digit alike in both.

    Args:
        train: Size of the train set.
        rng: Source of the split.

    Returns:
        Train inputs (train, 64), train targets (train, 10), test inputs (1797 - train, 64) and
        test targets (1797 - train, 10). From white to black is 1 V, less the pixel's mean over the
        train set: inputs within ±1 V, 0 V on average; targets are one-hot.
    """
    images, labels = read_digits()
    grey = images.reshape(-1, PIXELS) / LEVELS
    first, second = split_digits(labels, train, rng)
    inputs = grey - grey[first].mean(axis=0)
    targets = np.eye(_CLASSES)[labels]
    return inputs[first], targets[first], inputs[second], targets[second]


def read_digits() -> tuple[Pixels, Labels]:
    """Return all images, shape (1797, 8, 8), from white 0 to black 16, and labels (1797,)."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import, one task needs it

    bunch: Any = load_digits()
    labels = np.asarray(bunch.target, dtype=np.int64)
    return np.asarray(bunch.images).astype(np.uint8), labels


def split_digits(labels: Labels, train: int, rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Return indices of the train set, in random order, and of all others, in theirs."""
    first = stratified(labels, train, rng)
    return first, np.setdiff1d(np.arange(SAMPLES), first)

"""Handwritten digits of 8 × 8 pixels (UCI, the test part, as scikit-learn holds it), in volts."""

from typing import Any

import numpy as np

from learning.arrays import Array
from learning.datasets.stratified import stratified

SAMPLES = 1797
PIXELS = 64
_LEVELS = 16  # steps of grey from white to black


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
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import, one task needs it

    bunch: Any = load_digits()
    grey = np.asarray(bunch.data, dtype=np.float64) / _LEVELS
    labels = np.asarray(bunch.target, dtype=np.int64)
    first = stratified(labels, train, rng)
    second = np.setdiff1d(np.arange(SAMPLES), first)
    inputs = grey - grey[first].mean(axis=0)
    targets = np.eye(10)[labels]
    return inputs[first], targets[first], inputs[second], targets[second]

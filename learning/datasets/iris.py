"""Fisher's iris, in volts."""

from typing import Any

import numpy as np

from learning.arrays import Array


def iris_data(train: int, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Split Fisher's iris (150 flowers of three kinds) into two sets, each kind alike in both.

    Args:
        train: Size of the train set; the kinds differ by at most one flower.
        rng: Source of the split.

    Returns:
        Train inputs (train, 4), train targets (train, 3), test inputs (150 - train, 4) and test
        targets (150 - train, 3). The train set's range of each feature is mapped to ±1 V, which a
        test flower may leave; targets are one-hot.
    """
    from sklearn.datasets import load_iris  # noqa: PLC0415 - slow to import, one task needs it

    bunch: Any = load_iris()
    features = np.asarray(bunch.data, dtype=np.float64)
    kinds = np.asarray(bunch.target, dtype=np.int64)
    quotas = np.full(3, train // 3)
    quotas[rng.permutation(3)[: train % 3]] += 1
    picked, kept = [], []
    for kind, quota in enumerate(quotas):
        order = rng.permutation(np.flatnonzero(kinds == kind))
        picked.append(order[:quota])
        kept.append(order[quota:])
    first, second = np.concatenate(picked), np.concatenate(kept)
    low, high = features[first].min(axis=0), features[first].max(axis=0)
    # A train set of a few flowers may share one value of a feature, which then stays at -1 V.
    span = np.where(high > low, high - low, 1.0)
    inputs = 2.0 * (features - low) / span - 1.0
    targets = np.eye(3)[kinds]
    return inputs[first], targets[first], inputs[second], targets[second]

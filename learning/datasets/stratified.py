"""Draws that hold every class alike."""

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]


def stratified(labels: Labels, count: int, rng: np.random.Generator) -> Labels:
    """Draw samples so that each class has its share of them, to within one sample.

    Args:
        labels: Class of each sample, shape (S,).
        count: How many to draw, at most S.
        rng: Source of the draw.

    Returns:
        Indices into `labels`, shape (count,), in random order.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    shares = count * sizes / len(labels)
    quotas = np.floor(shares).astype(np.int64)
    # The samples that whole shares leave over go to the largest remainders; ties are drawn.
    ranked = np.lexsort((rng.random(len(classes)), quotas - shares))
    quotas[ranked[: count - quotas.sum()]] += 1
    members = [np.flatnonzero(labels == c) for c in classes]
    picked = [rng.permutation(m)[:quota] for m, quota in zip(members, quotas, strict=True)]
    return rng.permutation(np.concatenate(picked))

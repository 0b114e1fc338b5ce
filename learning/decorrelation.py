"""Decorrelation of a layer's input.

Ahmad et al. (TMLR 2023) learn a matrix that removes the correlations between the inputs of a
layer; arXiv 2412.12783 takes it over as::

    decor <- decor - ε ⟨x̄ x̄ᵀ - diag(x̄²)⟩ decor
"""

import numpy as np

from learning.arrays import Array


def decorrelation_update(decor: Array, decorrelated_inputs: Array) -> Array:
    """Return (C - diag C) decor with C = ⟨x̄ x̄ᵀ⟩ over the batch.

    C itself is never formed: X̄ᵀ(X̄ decor)/B - diag(C) decor costs B d² where the printed form
    costs d³, which matters once a layer is wider than a batch.

    Args:
        decor: Shape (d, d).
        decorrelated_inputs: x̄ of shape (B, d), V, already multiplied by `decor`.

    Returns:
        Shape (d, d), V²; decor moves against it.
    """
    x = decorrelated_inputs
    power = np.mean(x**2, axis=0)
    return x.T @ (x @ decor) / len(x) - power[:, None] * decor

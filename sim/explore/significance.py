"""How sure it is: p-values that hold over a family of tests."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.05
"""Of a family of tests: how often any of them errs where nothing is to be found."""


def holm(p_values: Array) -> Array:
    """P-values after Holm's step-down procedure (Holm 1979, Scand. J. Stat. 6, 65).

    Args:
        p_values: of all tests of the family, (n,); NaN where a test could not be made.
    """
    adjusted = np.full(len(p_values), np.nan)
    made = np.flatnonzero(np.isfinite(p_values))
    order = made[np.argsort(p_values[made], kind="stable")]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else []
    return adjusted

"""How figures that cannot turn negative spread: log-normal factors of mean 1."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def relative(spread: float | Array, deviates: Array) -> Array:
    """Factors `exp(w z − w²/2)` with `w² = ln(1 + s²)`: mean 1, standard deviation s.

    Args:
        spread: s, 1.
        deviates: z, standard normal; shapes broadcast.
    """
    width = np.sqrt(np.log1p(np.square(spread)))
    return np.exp(width * deviates - width**2 / 2)

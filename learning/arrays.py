"""The array type of the package: plain numpy, double precision.

float64 throughout, because node perturbation reads a small difference of two nearly equal losses.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

"""Preferred values of resistors, IEC 60063: E24 is a list of its own, E96 follows a formula."""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from circuits.synapse import OPEN, SynapseParameters

E24 = (
    1.0, 1.1, 1.2, 1.3, 1.5, 1.6, 1.8, 2.0, 2.2, 2.4, 2.7, 3.0,
    3.3, 3.6, 3.9, 4.3, 4.7, 5.1, 5.6, 6.2, 6.8, 7.5, 8.2, 9.1,
)  # fmt: skip
"""A decade; from 2.7 to 4.7 and at 8.2 it is not round(10^(k/24), 1)."""

E96 = tuple(round(10 ** (k / 96), 2) for k in range(96))
"""A decade."""

_DECADES = {"E24": E24, "E96": E96}
_ROUNDING = 1e-12  # a bound that is a value itself is within


def values_within(series: str, synapse: SynapseParameters) -> NDArray[np.float64]:
    """Values of a series from r_min to r_max, Ω, ascending; of an open resistor, to `OPEN`."""
    return _within(series, synapse.r_min, min(synapse.r_max, OPEN))


@lru_cache(maxsize=64)
def _within(series: str, least: float, most: float) -> NDArray[np.float64]:
    decades = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    # Read as decimals, so that 4.7 kΩ is the float that anyone else writes.
    values = np.array(
        [float(f"{value}e{power}") for power in decades for value in _DECADES[series]]
    )
    fits = (values >= least * (1 - _ROUNDING)) & (values <= most * (1 + _ROUNDING))
    found = values[fits]
    found.flags.writeable = False
    return found

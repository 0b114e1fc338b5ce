"""Whether all contenders sampled the same voltages.

A pass is *moving* where a junction flipped so shortly before its sample that amplifiers have not
settled. What differs there comes from the steps that a solver takes, and falls with its tolerance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SAME = 10e-6
"""V; what the fidelities promise each other at default tolerances."""


@dataclass(frozen=True)
class Difference:
    """Of two runs of the same passes with the same weights.

    Attributes:
        one: name of a contender.
        other: of another, or of a reference.
        passes: that both ran, 1.
        still: largest of all nodes in passes that are not moving, V; None where all are.
        moving: in passes that are, V; None where none is.
    """

    one: str
    other: str
    passes: int
    still: float | None
    moving: float | None

    @property
    def largest(self) -> float:
        """Of all passes, V; what is not a number stays so."""
        return float(np.max([v for v in (self.still, self.moving) if v is not None]))

    @property
    def same(self) -> bool:
        """Whether they agree; what is not a number does not."""
        return self.largest <= SAME


def difference(one: tuple[str, Array], other: tuple[str, Array], moving: Mask) -> Difference:
    """Compare the passes that both have, at least one.

    Args:
        one: name, and voltages in V, shape (P, probes).
        other: likewise.
        moving: which passes are, shape (P,) or longer.
    """
    shared = min(len(one[1]), len(other[1]))
    apart = np.max(np.abs(one[1][:shared] - other[1][:shared]), axis=1)
    moves = moving[:shared]
    still, moved = (
        float(part.max()) if len(part) else None for part in (apart[~moves], apart[moves])
    )
    return Difference(one[0], other[0], shared, still, moved)


def differences(voltages: Mapping[str, Array], moving: Mask) -> Iterator[Difference]:
    """Compare everyone with everyone; V by name."""
    for one, other in combinations(voltages.items(), 2):
        yield difference(one, other, moving)

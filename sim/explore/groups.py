"""How much of a figure the parts of one kind explain together, on chips that a fit has not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.explore.ranks import kind_of

Array = NDArray[np.float64]

FEWEST = 25
"""Chips from which on a fit is held against others: five folds of five."""

_FOLDS = 5
_SEED = 0  # of the folds
_PENALTIES = np.logspace(-1, 5, 13)


@dataclass(frozen=True)
class Group:
    """Parts of a kind.

    Attributes:
        kind: of the parts.
        parts: how many.
        r2: share of the variance of ranks that they predict, 1; at most 0 where they predict none.
    """

    kind: str
    parts: int
    r2: float


def groups_of(names: Sequence[str], deviates: Array, response: Array) -> list[Group]:
    """The kinds of parts, that which explains most first; none with too few chips.

    Args:
        names: of the parts.
        deviates: of each chip, (chips, parts).
        response: mean rank of each chip, (chips,).
    """
    there = np.isfinite(response)
    if there.sum() < FEWEST or not np.ptp(response[there]):
        return []
    kinds = np.array([kind_of(name) for name in names])
    found = [
        Group(
            str(kind),
            int((kinds == kind).sum()),
            _r2(deviates[there][:, kinds == kind], response[there]),
        )
        for kind in dict.fromkeys(kinds.tolist())
    ]
    if len(found) > 1:
        found.append(Group("all parts", len(names), _r2(deviates[there], response[there])))
    return sorted(found, key=lambda one: -one.r2)


def _r2(deviates: Array, ranks: Array) -> float:
    """Of ridge regression of ranks on deviates and their magnitudes, cross-validated."""
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415  # a second, where it is needed
    from sklearn.metrics import r2_score  # noqa: PLC0415
    from sklearn.model_selection import KFold, cross_val_predict  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    filled = np.nan_to_num(deviates)  # a part that a chip lacks is at its nominal value
    model = make_pipeline(StandardScaler(), RidgeCV(_PENALTIES))
    folds = KFold(_FOLDS, shuffle=True, random_state=_SEED)
    told = cross_val_predict(model, np.hstack([filled, np.abs(filled)]), ranks, cv=folds)
    return float(r2_score(ranks, told))

"""Energy against loss: the settings of which no other is better in both."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.explore.opened import Sweep
from sim.sweep.measures import DIVERGED, DONE, FAILED

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Design:
    """A setting.

    Attributes:
        label: the setting in words.
        energy: median over its chips and seeds, J.
        loss: likewise; a point that failed or diverged counts as an infinite loss.
        points: that are done.
        broken: points that failed or diverged.
        best: whether no other is better in one and as good in the other.
    """

    label: str
    energy: float
    loss: float
    points: int
    broken: int
    best: bool


def on_front(energy: Array, loss: Array) -> NDArray[np.bool_]:
    """Which of some designs no other dominates; those that are not finite are never among them.

    Args:
        energy: (n,).
        loss: (n,).
    """
    best = np.zeros(len(energy), dtype=bool)
    finite = np.flatnonzero(np.isfinite(energy) & np.isfinite(loss))
    order = finite[np.lexsort((loss[finite], energy[finite]))]
    lowest, at = np.inf, np.nan
    for k in order:
        # Of equal energy the first has the least loss; equals in both are both on the front.
        if loss[k] < lowest or (loss[k] == lowest and energy[k] == at):
            best[k] = True
            lowest, at = loss[k], energy[k]
    return best


def designs_of(sweep: Sweep, energy: str, loss: str) -> list[Design]:
    """All settings that have both figures, in rising energy."""
    joules, losses = sweep.values(energy), sweep.values(loss)
    broken = np.isin(sweep.state, (FAILED, DIVERGED))
    losses = np.where(broken, np.inf, losses)
    x = np.array([_median(one) for one in joules])
    y = np.array([_median(one) for one in losses])
    best = on_front(x, y)
    found = [
        Design(
            sweep.setting(k),
            float(x[k]),
            float(y[k]),
            int((sweep.state[k] == DONE).sum()),
            int(broken[k].sum()),
            bool(best[k]),
        )
        for k in range(sweep.settings)
        if np.isfinite(x[k]) and np.isfinite(y[k])
    ]
    return sorted(found, key=lambda one: (one.energy, one.loss))


def _median(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else np.nan

"""What of a sweep is looked at."""

from dataclasses import dataclass, replace

from sim.errors import UserError
from sim.explore.opened import Sweep

ENERGIES = {"pass": "energy_per_pass", "training": "energy_training"}
"""Measures of energy, by what the command calls them."""

DEVIATION = "deviation"

LOSSES = ("in_loop", "ideal")
"""Measures of loss; the first that any point has is looked at where none is asked for."""


@dataclass(frozen=True)
class Asked:
    """What is looked at.

    Attributes:
        within: a chip learns where its loss is at most this many times the ideal twin's, 1.
        metric: measure whose effects, ranking and front are shown; empty for the loss in the loop,
            or the twin's where no point has one, as in runs by mathematics alone.
        energy: key of `ENERGIES`.
    """

    within: float = 2.0
    metric: str = ""
    energy: str = "pass"


def settled(sweep: Sweep, asked: Asked) -> Asked:
    """What is looked at of this sweep, with a metric that it has.

    Raises:
        UserError: it has no such metric; the line lists those that there are.
    """
    if not asked.metric:
        return replace(asked, metric=next((n for n in LOSSES if sweep.has(n)), LOSSES[0]))
    if asked.metric not in sweep.measures:
        raise UserError(
            f"--metric: wanted a measure of the sweep ({', '.join(sweep.measures)}), "
            f"got {asked.metric!r}"
        )
    return asked

"""How long the points of a sweep took, from its table of points."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError

POINTS = "points.csv"
"""A row for each point of a sweep."""


def times_of(path: Path) -> NDArray[np.float64] | None:
    """Seconds of each point that was computed; None where the sweep's folder has no such table.

    Raises:
        UserError: the table is damaged.
    """
    place = path / POINTS
    if not place.is_file():
        return None
    try:
        with place.open(encoding="utf8", newline="") as file:
            texts = [row.get("seconds") or "nan" for row in csv.DictReader(file)]
        found = np.array([float(text) for text in texts])
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"{place}: is no table of points ({error}); sweep again") from None
    return found[np.isfinite(found)]

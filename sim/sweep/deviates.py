"""The random numbers behind the parts of every chip of a sweep."""

import csv
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sim import chip_file
from sim.sweep.measures import Measured
from sim.sweep.plan import CHIP, Plan, Point
from sim.sweep.store import Store


def deviates_of(
    plan: Plan,
    points: Sequence[Point],
    keys: Sequence[str],
    found: Mapping[str, Measured],
    store: Store,
) -> tuple[NDArray[np.float64], list[str]]:
    """Deviates of every chip, shape (chips, parts), and the parts' names.

    They do not depend on spreads or seeds: at each setting a chip's are those of the first seed
    that left some. They do depend on how many junctions and layers there are. A part whose deviates
    differ between settings of the sweep is NaN for all chips: none of them is its chip's own.

    Args:
        plan: of the sweep, with chips.
        points: all of the plan's, in its order.
        keys: of the points.
        found: what became of them, by key.
        store: that the points are kept in.
    """
    axis = [dimension.name for dimension in plan.dimensions].index(CHIP)
    rows: list[dict[str, float]] = [{} for _ in plan.chips]
    differing: set[str] = set()
    read: set[tuple[int, ...]] = set()
    for point, key in zip(points, keys, strict=True):
        place = point.place[: axis + 1]
        path = store.path_of(key) / chip_file.NAME
        if place in read or key not in found or not path.is_file():
            continue
        read.add(place)
        row = rows[point.place[axis]]
        with path.open(encoding="utf8", newline="") as file:
            for line in csv.DictReader(file):
                name, deviate = f"{line['part']}.{line['quantity']}", float(line["deviate"])
                if row.setdefault(name, deviate) != deviate:
                    differing.add(name)
    parts = list(dict.fromkeys(name for row in rows for name in row))
    values = [
        [np.nan if name in differing else row.get(name, np.nan) for name in parts] for row in rows
    ]
    return np.array(values, float).reshape(len(rows), len(parts)), parts

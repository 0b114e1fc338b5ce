"""A sweep's results as one dataset, with names and units, and as a table of its points."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from learning import LOSSES
from sim.preparation import twin_of
from sim.record import versions
from sim.sweep.deviates import deviates_of
from sim.sweep.labels import labels_of
from sim.sweep.measures import (
    BY_MAIN,
    BY_MATHEMATICS,
    BY_NGSPICE,
    DONE,
    LOSS_UNIT,
    MEASURES,
    MISSING,
    Measured,
)
from sim.sweep.paths import field_of
from sim.sweep.plan import CHIP, CORNER, DRAW, LIST, SEED, Dimension, Plan, Point
from sim.sweep.point import SUMMARY
from sim.sweep.store import Store

if TYPE_CHECKING:
    import xarray as xr

NAME, TABLE = "sweep.nc", "points.csv"

Variables = dict[str, tuple[Any, ...]]

_MAKERS = {"ngspice": BY_NGSPICE, "ideal": BY_MATHEMATICS}
_LARGEST = np.iinfo(np.int32).max  # of whole numbers in a netCDF file of format 3
_ALONG = {
    LIST: "parameters side by side",
    DRAW: "random draw",
    CORNER: "corner",
    CHIP: "chip",
    SEED: "seed",
}


def dataset_of(
    plan: Plan,
    points: Sequence[Point],
    keys: Sequence[str],
    found: Mapping[str, Measured],
    store: Store,
) -> "xr.Dataset":
    """All results of a sweep.

    Args:
        plan: of the sweep.
        points: all of the plan's, in its order.
        keys: of the points.
        found: what became of them, by key; those that are not there are missing.
        store: that the points are kept in.

    Returns:
        Over the plan's dimensions `MEASURES`, `state`, `reason` and `key`; `deviate` over chips and
        parts where chips were drawn, NaN for parts about which settings disagree.
    """
    import xarray as xr  # noqa: PLC0415  # a second, at the end

    names = tuple(dimension.name for dimension in plan.dimensions)
    results = [found.get(key) for key in keys]
    losses = _losses(points, keys, found, store)
    unit = _one(LOSSES[name].unit for name in losses)
    engine = _one(point.config.simulation.engine for point in points)
    main = _one(_MAKERS[point.config.simulation.engine] for point in points)

    def over(values: Sequence[Any], dtype: type) -> NDArray[Any]:
        return np.array(values, dtype).reshape(plan.shape)

    variables: Variables = {}
    for name, one in MEASURES.items():
        values = [result.values.get(name, np.nan) if result else np.nan for result in results]
        units = unit if one.unit == LOSS_UNIT else one.unit
        maker = main if one.engine == BY_MAIN else one.engine
        described = {"units": units, "long_name": one.long_name, "engine": maker}
        variables[name] = names, over(values, float), described
    states = [result.state if result else MISSING for result in results]
    reasons = [result.reason if result else "" for result in results]
    for name, texts, said in (
        ("state", states, "what became of the point"),
        ("reason", reasons, "why it is not done"),
        ("key", list(keys), "its folder in the store, and what it was computed from"),
    ):
        variables[name] = names, over(texts, str), {"long_name": said}
    coordinates: Variables = {}
    for dimension in plan.dimensions:
        coordinates |= _coordinates(dimension, plan)
    if plan.chips:
        deviates, parts = deviates_of(plan, points, keys, found, store)
        if parts:  # a file of format 3 has no empty dimension
            said = "standard normal number behind a part's figure"
            described = {"units": "1", "long_name": said, "engine": BY_MATHEMATICS}
            variables["deviate"] = (CHIP, "part"), deviates, described
            coordinates["part"] = ("part",), parts, {"long_name": "part and figure"}
    return xr.Dataset(
        variables,
        coordinates,
        {
            "title": plan.title or f"sweep of {', '.join(names) or 'one point'}",
            "loss_name": _one(losses),
            "loss_unit": unit,
            "engine": engine,
            "twin": _one(twin_of(point.config) for point in points),
            "versions": json.dumps(_versions(points)),
            "command": "danp-cosim sweep plan.toml",
            "Conventions": "CF-1.11",
        },
    )


def to_netcdf(dataset: "xr.Dataset") -> bytes:
    """The dataset as the bytes of a netCDF file, of the format that every reader knows (3)."""
    return bytes(dataset.to_netcdf(None, engine="scipy"))


def table_of(
    plan: Plan, points: Sequence[Point], keys: Sequence[str], found: Mapping[str, Measured]
) -> str:
    """A line a point, as CSV: its place on every dimension, key, state, reason and seconds."""
    columns = [
        (name, labels_of(values))
        for dimension in plan.dimensions
        for name, values in _values(dimension).items()
    ]
    places = [k for k, dimension in enumerate(plan.dimensions) for _ in _values(dimension)]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*(name for name, _ in columns), "key", "state", "reason", "seconds"])
    for point, key in zip(points, keys, strict=True):
        where = [values[point.place[k]] for (_, values), k in zip(columns, places, strict=True)]
        one = found.get(key)
        ended = [one.state, one.reason, f"{one.seconds:.3f}"] if one else [MISSING, "", ""]
        writer.writerow([*where, key, *ended])
    return text.getvalue()


def _values(dimension: Dimension) -> dict[str, Sequence[Any]]:
    """What stands along a dimension, by column: its labels, and parameters set beside them."""
    found: dict[str, Sequence[Any]] = {dimension.name: dimension.labels}
    if dimension.name in (LIST, DRAW):
        for path in dimension.paths:
            found[path] = [settings[path] for settings in dimension.settings]
    return found


def _coordinates(dimension: Dimension, plan: Plan) -> Variables:
    found: Variables = {}
    for name, values in _values(dimension).items():
        unit = "1"
        if name in _ALONG:
            described = {"long_name": _ALONG[name]}
        else:
            field = field_of(name)
            described = {"long_name": field.description}
            unit = field.unit or unit
        if name == CORNER:
            lines = [f"{one.name}: {one.describe(plan.base)}" for one in plan.corners]
            described["settings"] = "\n".join(lines)
        array = _array(labels_of(values))
        if array.dtype.kind in "fi":  # names have none
            described["units"] = unit
        found[name] = (dimension.name,), array, described
    return found


def _array(values: Sequence[Any]) -> NDArray[Any]:
    array = np.array(values)
    if array.dtype.kind == "i" and np.abs(array).max() > _LARGEST:
        return array.astype(float)
    return array


def _one(values: Any) -> str:
    """What all have, or all that there is."""
    return ", ".join(dict.fromkeys(values))


def _versions(points: Sequence[Point]) -> dict[str, str | None]:
    from sim.libngspice import get_library  # noqa: PLC0415  # only where ngspice takes part

    spice = any(point.config.simulation.engine == "ngspice" for point in points)
    return versions(get_library().version if spice else None)


def _losses(
    points: Sequence[Point], keys: Sequence[str], found: Mapping[str, Measured], store: Store
) -> list[str]:
    """Names of the losses of the points' tasks, of which all but few sweeps have one."""
    names: dict[str, str] = {}
    for point, key in zip(points, keys, strict=True):
        task, result = point.config.task.name, found.get(key)
        if task not in names and result and result.state == DONE:
            path = store.path_of(key) / SUMMARY
            names[task] = json.loads(path.read_text(encoding="utf8"))["loss_name"]
    return list(dict.fromkeys(names.values()))

"""A sweep's folder, opened: its points as arrays over what was varied."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.explore.factors import CHIP, CORNER, DRAW, LIST, SEED, Factor, Kind, factor, side_by_side
from sim.sweep.measures import DIVERGED, DONE, FAILED, LOSS_UNIT

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

SWEEP = "sweep.nc"
"""Results of a sweep's points."""

_TEXTS = ("state", "reason", "key")
_SAID = {
    "ideal": "loss of the ideal twin",
    "transfer": "loss of the transfer",
    "in_loop": "loss in the loop",
    "start_ideal": "loss of the twin at the start",
    "start_in_loop": "loss of the circuit at the start",
    "settling": "settling time",
    "energy_training": "energy of the training",
}
_MAKE = "wanted the folder that danp-cosim sweep wrote"


@dataclass(frozen=True)
class Measure:
    """What was measured at every point.

    Attributes:
        name: of the variable.
        title: in words.
        unit: of its values; `1` for a plain number.
        engine: that made it.
    """

    name: str
    title: str
    unit: str
    engine: str

    @property
    def said(self) -> str:
        """In a sentence."""
        return _SAID.get(self.name, self.name.replace("_", " "))

    @property
    def axis(self) -> str:
        """For an axis: what, in which unit."""
        return f"{self.said} ({self.unit})" if self.unit not in ("", "1") else self.said

    @property
    def told(self) -> str:
        """What, by which engine."""
        return f"{self.said}, {self.engine}" if self.engine else self.said


class Sweep:
    """The points of a sweep.

    Arrays of points have shape (settings, chips, seeds): a setting is a combination of everything
    that is varied but chips and seeds. A sweep without chips or seeds has one of each.

    Args:
        path: the sweep's folder.
        data: its dataset.

    Raises:
        UserError: a variable that every sweep has is missing.
    """

    def __init__(self, path: Path, data: "xr.Dataset") -> None:
        self.path = path
        self.data = data
        for name in _TEXTS:
            if name not in data.variables:
                raise UserError(f"{path / SWEEP}: holds no {name}, {_MAKE}; sweep again")
        self.dimensions = tuple(str(name) for name in data["state"].dims)
        for name in self.dimensions:
            if data.sizes[name] == 0:
                raise UserError(f"{path / SWEEP}: has no value of {name}, {_MAKE}; sweep again")

    @property
    def name(self) -> str:
        """The folder's."""
        return self.path.resolve().name

    @property
    def title(self) -> str:
        """What the sweep is called."""
        return str(self.data.attrs.get("title") or self.name)

    def attribute(self, name: str) -> str:
        """Of the dataset; empty where there is none."""
        return str(self.data.attrs.get(name, ""))

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """What was varied, chips and seeds left out."""
        found: list[Factor] = []
        for name in self._outer:
            columns = [
                self._factor(str(coordinate), name)
                for coordinate in self.data.coords
                if self.data[coordinate].dims == (name,)
            ]
            if name == LIST:
                inside = [one for one in columns if one.name != LIST]
                found += [side_by_side(inside)] if inside else columns
            elif name == DRAW:
                found += [one for one in columns if one.name != DRAW]
            else:
                found += [one for one in columns if one.name == name]
        return tuple(found)

    @cached_property
    def levels(self) -> Mapping[str, NDArray[np.intp]]:
        """By dimension, the place of every setting along it, (settings,)."""
        shape = [self.data.sizes[name] for name in self._outer]
        places = np.indices(shape).reshape(len(shape), -1) if shape else np.empty((0, 1), np.intp)
        return dict(zip(self._outer, places, strict=True))

    @property
    def settings(self) -> int:
        """Combinations of what is varied but chips and seeds."""
        return math.prod(self.data.sizes[name] for name in self._outer)

    @property
    def chips(self) -> int:
        """Chips that were drawn; 0 without Monte Carlo."""
        return self.data.sizes[CHIP] if CHIP in self.dimensions else 0

    @property
    def corners(self) -> tuple[str, ...]:
        """What each corner sets, a line each; none without corners."""
        if CORNER not in self.dimensions:
            return ()
        return tuple(str(self.data[CORNER].attrs.get("settings", "")).splitlines())

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """Seeds; none where the sweep has one alone."""
        if SEED not in self.dimensions:
            return ()
        return tuple(int(seed) for seed in self.data[SEED].to_numpy())

    def setting(self, number: int) -> str:
        """A setting in words: `gbw 1 MHz, tmr 0.5`; empty where nothing is varied."""
        told = []
        for one in self.factors:
            label = one.labels[int(self.levels[one.dimension][number])]
            told.append(label if one.kind in (LIST, CORNER) else f"{one.short} {label}")
        return ", ".join(told)

    def measure(self, name: str) -> Measure:
        """What a variable is."""
        attrs = self.data[name].attrs
        title = str(attrs.get("long_name", name.replace("_", " ")))
        unit = str(attrs.get("units", "1"))
        unit = self.attribute("loss_unit") if unit == LOSS_UNIT else unit
        return Measure(name, title, unit, str(attrs.get("engine", "")))

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """Names of all numbers that were measured at points."""
        return tuple(
            str(name)
            for name, variable in self.data.data_vars.items()
            if tuple(variable.dims) == self.dimensions and variable.dtype.kind in "fiu"
        )

    def values(self, name: str) -> Array:
        """A measured number, shape (settings, chips, seeds); NaN where a point is not done."""
        if name not in self.measures:
            return np.full(self.state.shape, np.nan)
        found = self._arranged(self.data[name].to_numpy().astype(float))
        return np.where(self.state == DONE, found, np.nan)

    def has(self, name: str) -> bool:
        """Whether any point has a number of this."""
        return bool(np.isfinite(self.values(name)).any())

    @cached_property
    def state(self) -> NDArray[np.str_]:
        """State of every point, shape (settings, chips, seeds)."""
        return self.texts("state")

    def texts(self, name: str) -> NDArray[np.str_]:
        """A text of every point, shape (settings, chips, seeds)."""
        return self._arranged(_words(self.data[name].to_numpy()))

    @property
    def _outer(self) -> tuple[str, ...]:
        return tuple(name for name in self.dimensions if name not in (CHIP, SEED))

    def _arranged(self, array: Any) -> Any:
        order = [self.dimensions.index(n) for n in self._outer]
        order += [self.dimensions.index(n) for n in (CHIP, SEED) if n in self.dimensions]
        seeds = self.data.sizes[SEED] if SEED in self.dimensions else 1
        return array.transpose(order).reshape(self.settings, max(self.chips, 1), seeds)

    def _factor(self, name: str, dimension: str) -> Factor:
        coordinate = self.data[name]
        array = coordinate.to_numpy()
        values: Sequence[float | str] = (
            array.astype(float).tolist() if array.dtype.kind in "fiu" else _words(array).tolist()
        )
        kinds: Mapping[str, Kind] = {LIST: LIST, DRAW: DRAW, CORNER: CORNER}
        unit = str(coordinate.attrs.get("units", ""))
        return factor(name, kinds.get(dimension, "grid"), dimension, values, unit)


def _words(array: Any) -> NDArray[np.str_]:
    if array.dtype.kind == "S":
        return np.char.decode(array, "utf8")
    return array.astype(str)


def open_sweep(path: Path) -> Sweep:
    """Open the folder of a sweep.

    Raises:
        UserError: it is none, its results are damaged, or no point of it is done.
    """
    import xarray as xr  # noqa: PLC0415

    if path.is_file():
        raise UserError(f"{path}: is a file, {_MAKE}; did you mean {path.parent}?")
    if not path.is_dir():
        raise UserError(f"{path}: no such folder, {_MAKE}")
    place = path / SWEEP
    if not place.is_file():
        raise UserError(f"{path}: holds no {SWEEP}, {_MAKE}")
    try:
        data = xr.load_dataset(place, engine="scipy")
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        raise UserError(f"{place}: is damaged, {_MAKE}; the same sweep writes it again") from None
    return Sweep(path, data)


def require_done(sweep: Sweep) -> None:
    """Refuse a sweep of which nothing can be said.

    Raises:
        UserError: no point is done; it says why the first one failed.
    """
    if (sweep.state == DONE).any():
        return
    counts = {state: int((sweep.state == state).sum()) for state in (FAILED, DIVERGED)}
    ended = sum(counts.values())
    if not ended:
        raise UserError(
            f"{sweep.path}: none of its {sweep.state.size:,} points is computed; sweep on"
        )
    reasons = sweep.texts("reason")[np.isin(sweep.state, (FAILED, DIVERGED))]
    raise UserError(
        f"{sweep.path}: no point is done: {counts[FAILED]:,} failed, {counts[DIVERGED]:,} diverged "
        f"of {sweep.state.size:,}; the first says: {reasons[0] or 'nothing'}"
    )

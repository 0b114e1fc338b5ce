"""What a sweep asks for: its dimensions, and the configuration of every point."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import tomli_w

from sim.config import RunConfig
from sim.settings import changed
from sim.sweep.axes import drawn
from sim.sweep.corners import Corner

LIST, DRAW, CORNER, CHIP, SEED = "list", "draw", "corner", "chip", "seed"
"""Names of the dimensions that are no single parameter's."""

CHIP_PATH, SEED_PATH = "circuit.mismatch.chip", "seed"


@dataclass(frozen=True)
class Dimension:
    """One dimension of a sweep.

    Attributes:
        name: of the parameter, in full, or what else goes along it.
        labels: a value, number or name a place.
        settings: what is set at each place, by path; nothing where a corner does more than that.
    """

    name: str
    labels: tuple[Any, ...]
    settings: tuple[Mapping[str, Any], ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Parameters that are set along it, in order."""
        return tuple(self.settings[0]) if self.settings else ()


@dataclass(frozen=True)
class Draws:
    """Random draws of parameters.

    Attributes:
        count: how many.
        seed: of all.
        laws: distribution of each parameter, by path, as a table of one.
    """

    count: int
    seed: int
    laws: Mapping[str, Any]

    def dimension(self) -> Dimension:
        """The draws, side by side.

        Raises:
            UserError: a draw is out of its parameter's range.
        """
        values = {
            path: drawn(path, law, self.count, self.seed, f"[draw.parameters] {path}")
            for path, law in self.laws.items()
        }
        return Dimension(DRAW, tuple(range(self.count)), _side_by_side(values))


@dataclass(frozen=True)
class Point:
    """One point of a plan.

    Attributes:
        place: index on every dimension.
        config: what is run there.
    """

    place: tuple[int, ...]
    config: RunConfig


@dataclass(frozen=True)
class Plan:
    """A sweep as it was asked for, whole.

    Attributes:
        base: what every point starts from.
        title: of the sweep; may be empty.
        grid: values by path, each crossed with all else.
        listed: values by path, side by side.
        draws: random ones.
        corners: with `nominal`; none where corners were not asked for.
        taken: the names of those that are built in.
        chips: numbers of the chips drawn; none without a Monte Carlo.
        seeds: of the runs; none: that of the base alone.
        store: where its points are kept; None: beside the sweep.
        notes: what was filled in, to be said.
    """

    base: RunConfig
    title: str = ""
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    listed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    draws: Draws | None = None
    corners: tuple[Corner, ...] = ()
    taken: tuple[str, ...] = ()
    chips: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    store: Path | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """In the order that datasets have."""
        found = [
            Dimension(path, values, tuple({path: value} for value in values))
            for path, values in self.grid.items()
        ]
        if self.listed:
            places = _side_by_side(self.listed)
            found.append(Dimension(LIST, tuple(range(len(places))), places))
        if self.draws:
            found.append(self.draws.dimension())
        if self.corners:
            names = tuple(corner.name for corner in self.corners)
            found.append(Dimension(CORNER, names, tuple({} for _ in names)))
        for name, path, numbers in ((CHIP, CHIP_PATH, self.chips), (SEED, SEED_PATH, self.seeds)):
            if numbers:
                found.append(Dimension(name, numbers, tuple({path: one} for one in numbers)))
        return tuple(found)

    @property
    def shape(self) -> tuple[int, ...]:
        """Places along every dimension."""
        return tuple(len(dimension.labels) for dimension in self.dimensions)

    @property
    def count(self) -> int:
        """Points in all."""
        return prod(self.shape)

    def points(self) -> Iterator[Point]:
        """Every point, the last dimension fastest; each configuration is checked on the way.

        Raises:
            UserError: a configuration will not do.
        """
        for place in itertools.product(*(range(size) for size in self.shape)):
            yield Point(place, self.config_at(place))

    def config_at(self, place: Sequence[int]) -> RunConfig:
        """The configuration at a place.

        Raises:
            UserError: it will not do; says which of the varied parameters does not.
        """
        settings: dict[str, Any] = {}
        corner: Corner | None = None
        for dimension, k in zip(self.dimensions, place, strict=True):
            settings |= dimension.settings[k]
            if dimension.name == CORNER:
                corner = self.corners[k]
        names = {path: f"{path} = {value}" for path, value in settings.items()}
        config = changed(self.base, settings, names) if settings else self.base
        return corner.apply(config) if corner else config

    def to_toml(self) -> str:
        """The whole plan as `plan.toml` holds it, every value spelled out."""
        tree: dict[str, Any] = {"title": self.title} if self.title else {}
        if self.store:
            tree["store"] = str(self.store)
        if self.seeds:
            tree["seeds"] = list(self.seeds)
        if self.chips:
            tree["chips"] = list(self.chips)
        if self.grid:
            tree["grid"] = {path: list(values) for path, values in self.grid.items()}
        if self.listed:
            tree["list"] = {path: list(values) for path, values in self.listed.items()}
        if self.draws:
            tree["draw"] = {
                "count": self.draws.count,
                "seed": self.draws.seed,
                "parameters": dict(self.draws.laws),
            }
        if self.corners:
            own = {one.name: dict(one.values) for one in self.corners if one.name not in self.taken}
            tree["corners"] = {"take": list(self.taken)} | ({"own": own} if own else {})
        tree["base"] = self.base.model_dump(exclude_none=True)
        return tomli_w.dumps(tree, multiline_strings=True)


def _side_by_side(values: Mapping[str, Sequence[Any]]) -> tuple[Mapping[str, Any], ...]:
    paths = tuple(values)
    return tuple(dict(zip(paths, row, strict=True)) for row in zip(*values.values(), strict=True))

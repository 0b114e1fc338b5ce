"""The sheet in files: JSON with every corner, CSV with extremes, a CSV for every curve."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sim.characterize.sheet import Conditions, Figure, Measurement
from sim.config import RunConfig
from sim.record import RunFolder

_COLUMNS = (
    "cell", "key", "name", "unit", "conditions", "engine", "min", "min_at", "typ", "max", "max_at",
    "closed_form", "deviates",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One figure of merit over all corners.

    Attributes:
        figures: at each corner, in their order.
        corners: likewise.
    """

    figures: tuple[Figure, ...]
    corners: tuple[Conditions, ...]

    @property
    def first(self) -> Figure:
        """The typical corner's figure, or else the first's: its names and conditions are shown."""
        return self._typical or self.figures[0]

    @property
    def typical(self) -> float:
        """At the typical corner; NaN where that was not measured."""
        return self._typical.value if self._typical else math.nan

    @property
    def lowest(self) -> tuple[float, Conditions | None]:
        """Smallest value and where; NaN where there is none at any corner."""
        return min(self._finite, key=lambda pair: pair[0], default=(math.nan, None))

    @property
    def highest(self) -> tuple[float, Conditions | None]:
        """Largest value and where; NaN where there is none at any corner."""
        return max(self._finite, key=lambda pair: pair[0], default=(math.nan, None))

    @property
    def deviates(self) -> bool:
        """Whether value and closed form are apart at any corner."""
        return any(figure.deviates for figure in self.figures)

    @property
    def _typical(self) -> Figure | None:
        pairs = zip(self.figures, self.corners, strict=True)
        return next((figure for figure, corner in pairs if corner.typical), None)

    @property
    def _finite(self) -> list[tuple[float, Conditions | None]]:
        pairs = zip(self.figures, self.corners, strict=True)
        return [(f.value, corner) for f, corner in pairs if math.isfinite(f.value)]


@dataclass(frozen=True)
class Sheet:
    """One cell over all corners.

    Attributes:
        name: as on the command line.
        title: what it is.
        corners: in order.
        measurements: at each.
    """

    name: str
    title: str
    corners: tuple[Conditions, ...]
    measurements: tuple[Measurement, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Its figures over the corners, in the order of the first corner's."""
        found = [{f.key: f for f in measured.figures} for measured in self.measurements]
        return tuple(Row(tuple(at[key] for at in found), self.corners) for key in found[0])


def write_sheets(
    folder: RunFolder,
    sheets: Sequence[Sheet],
    config: RunConfig,
    *,
    skipped: dict[str, str],
    versions: dict[str, str | None],
) -> None:
    """Write `datasheet.json`, `datasheet.csv`, `config.toml` and a CSV for every curve.

    Args:
        folder: to write.
        sheets: of every cell.
        config: that was measured.
        skipped: cells left out, and why.
        versions: of everything that a figure depends on.

    Raises:
        UserError: the folder does not take it.
    """
    corners = sheets[0].corners if sheets else ()
    content = {
        "engine": "ngspice",
        "versions": versions,
        "corners": [_corner(corner) | {"typical": corner.typical} for corner in corners],
        "cells": {sheet.name: _described(sheet) for sheet in sheets},
        "skipped": skipped,
        "config": config.model_dump(mode="json"),
    }
    folder.write_json("datasheet.json", content)
    folder.write_text("datasheet.csv", _table([_COLUMNS, *_lines(sheets)]))
    folder.write_text("config.toml", config.to_toml())
    for sheet in sheets:
        for k, curve in enumerate(sheet.measurements[0].curves):
            folder.write_text(f"{sheet.name}-{curve.key}.csv", _table(_points(sheet, k)))


def _corner(corner: Conditions) -> dict[str, Any]:
    return {"temperature_c": corner.temperature, "supply": corner.supply}


def place(corner: Conditions | None) -> str:
    """A corner for people; nothing for none."""
    return f"{corner.temperature:g} °C ×{corner.supply:g}" if corner else ""


def _described(sheet: Sheet) -> dict[str, Any]:
    return {"title": sheet.title, "figures": [_figure(row) for row in sheet.rows]}


def _figure(row: Row) -> dict[str, Any]:
    first = row.first
    return {
        "key": first.key,
        "name": first.name,
        "unit": first.unit,
        "conditions": first.conditions,
        "engine": first.engine,
        "min": row.lowest[0],
        "typ": row.typical,
        "max": row.highest[0],
        "closed_form": first.expected,
        "rtol": first.rtol,
        "atol": first.atol,
        "deviates": row.deviates,
        "corners": [
            _corner(corner)
            | {"value": f.value, "closed_form": f.expected, "deviates": f.deviates}
            | ({"conditions": f.conditions} if f.conditions != first.conditions else {})
            for f, corner in zip(row.figures, row.corners, strict=True)
        ],
    }


def _lines(sheets: Iterable[Sheet]) -> Iterator[Sequence[str]]:
    for sheet in sheets:
        for row in sheet.rows:
            first, (low, low_at), (high, high_at) = row.first, row.lowest, row.highest
            yield (
                sheet.name, first.key, first.name, first.unit, first.conditions, first.engine,
                _number(low), place(low_at), _number(row.typical), _number(high), place(high_at),
                _number(math.nan if first.expected is None else first.expected),
                "yes" if row.deviates else "no",
            )  # fmt: skip


def _points(sheet: Sheet, k: int) -> Iterator[Sequence[str]]:
    curve = sheet.measurements[0].curves[k]
    unit = "" if curve.x_unit == "1" else f" ({curve.x_unit})"
    suffix = "" if curve.y_unit == "1" else f" ({curve.y_unit})"
    heads = [f"{name}{suffix}" for name in curve.y]
    yield ["temperature (°C)", "supply", f"{curve.x_name}{unit}", *heads]
    for corner, measured in zip(sheet.corners, sheet.measurements, strict=True):
        here = measured.curves[k]
        for point in zip(here.x, *here.y.values(), strict=True):
            values = [_number(float(value)) for value in point]
            yield [f"{corner.temperature:g}", f"{corner.supply:g}", *values]


def _number(value: float) -> str:
    return f"{value:.9g}" if math.isfinite(value) else ""


def _table(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()

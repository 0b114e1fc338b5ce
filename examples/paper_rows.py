"""Rows of numbers behind the paper's figures: kept as CSV, read back, shown as Markdown.

Used by `paper_fig2.py` to `paper_fig5.py`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sim.durable import replace_durably
from sim.errors import UserError

PICTURES = Path(__file__).parents[1] / "docs" / "images"
KEPT = Path(__file__).parents[1] / "docs" / "results"
"""The numbers that the documentation shows, a CSV file for each figure."""

DATA = ("mnist", "cifar10", "cifar100", "fashion-mnist", "digits")
"""Names of images, those of the paper first."""

Row = Mapping[str, str]


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """Put a CSV file in the place of the one before; the folder is made where it is missing.

    Raises:
        UserError: the folder does not take it.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be made: {error.strerror}") from None
    replace_durably(path, text.getvalue().encode())


def read_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """The rows of such a file; none where there is no file.

    Args:
        path: the file.
        columns: those that it has to have.

    Raises:
        UserError: it is no CSV of these columns.
    """
    if not path.exists():
        return []
    advice = "it was not written by this script; move it away, or name another folder"
    try:
        with path.open(encoding="utf8", newline="") as file:
            reader = csv.DictReader(file)
            rows: list[Row] = list(reader)
            found = list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}; {advice}") from None
    if found != list(columns):
        raise UserError(
            f"{path}: wanted the columns {','.join(columns)}, got {','.join(found)}; {advice}"
        )
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise UserError(f"{path}: line {number}: wanted {len(columns)} columns; {advice}")
    return rows


def span(values: Sequence[float], form: str = "{:.1f}") -> str:
    """Mean and range of some numbers, as in `92.1 (91.8 to 92.4)`; one number as it is."""
    mean = form.format(sum(values) / len(values))
    if len(values) == 1:
        return mean
    return f"{mean} ({form.format(min(values))} to {form.format(max(values))})"


def counted(number: int, what: str) -> str:
    """As in `1 epoch` and `1,000 epochs`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


class Several(click.ParamType):
    """Numbers between commas, each within bounds.

    Args:
        kind: whole numbers or any.
        least: that one may be.
        most: likewise.
        open_ends: whether the bounds themselves are left out.
    """

    name = "number,…"

    def __init__(
        self, kind: type[int] | type[float], least: float, most: float, *, open_ends: bool = False
    ) -> None:
        self._kind = kind
        self._bounds = least, most
        self._open = open_ends

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read each; none twice."""
        if not isinstance(value, str):
            return value
        try:
            numbers = tuple(self._kind(part) for part in value.split(","))
        except ValueError:
            what = "whole numbers" if self._kind is int else "numbers"
            self.fail(f"wanted {what} between commas, got {value!r}", param, ctx)
        least, most = self._bounds
        for number in numbers:
            ends = number in self._bounds and self._open
            if not least <= number <= most or ends:
                between = "more than" if self._open else "at least"
                self.fail(
                    f"wanted numbers of {between} {least:g} and "
                    f"{'less than' if self._open else 'at most'} {most:g}, got {number:g}",
                    param,
                    ctx,
                )
        return tuple(dict.fromkeys(numbers))

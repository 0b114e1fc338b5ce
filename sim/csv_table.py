"""Text in columns under a header: numbers as they are, labels as words."""

import codecs
import csv
import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError

_MARKS = "\t;,"  # between columns, the first that the header holds
_COMMENT = "#"  # where a line begins so
_LARGEST = 1e100  # further than any unit goes, and its square is a number still
_MOST = 100_000_000  # numbers: 800 MB
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvTable:
    """A file whose header was read.

    Attributes:
        path: of the file.
        names: of its columns.
    """

    path: Path
    names: tuple[str, ...]

    def read(
        self, columns: Sequence[int], label: int | None
    ) -> tuple[NDArray[np.float64], list[str]]:
        """Read the rows.

        Args:
            columns: of numbers, by their places.
            label: place of the column of labels, if any.

        Returns:
            The numbers, of shape (S, columns), and the labels, S or none.

        Raises:
            UserError: the first line and column that does not hold what it should.
        """
        numbers, labels, rows = array("d"), [], 0
        with _opened(self.path) as lines:
            next(lines)  # the header
            for line, row in lines:
                rows += 1
                if len(row) != len(self.names):
                    raise UserError(
                        f"{self.path}: line {line}: wanted {len(self.names)} columns, as in the "
                        f"header, got {len(row)}"
                    )
                numbers.extend(self._number(line, k, row[k]) for k in columns)
                if label is not None:
                    labels.append(self._word(line, label, row[label]))
                if len(numbers) > _MOST:
                    raise UserError(f"{self.path}: holds more than {_MOST:,} numbers")
        return np.array(numbers).reshape(rows, len(columns)), labels

    def _number(self, line: int, column: int, text: str) -> float:
        try:
            value = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if abs(value) <= _LARGEST:  # false for NaN
            return value
        where = f"{self.path}: line {line}, column {self.names[column]!r}"
        if not text:
            raise UserError(f"{where}: is empty, wanted a number; fill it in, or take the row out")
        hint = ""
        if text.replace(",", ".", 1).replace(".", "", 1).lstrip("+-").isdigit():
            hint = "; write decimals with a point"
        elif not text.lower().lstrip("+-").startswith(("nan", "inf")):
            hint = "; name a column of classes with --label, or choose columns with --inputs"
        raise UserError(f"{where}: wanted a finite number, got {text[:40]!r}{hint}")

    def _word(self, line: int, column: int, text: str) -> str:
        if not text:
            raise UserError(
                f"{self.path}: line {line}, column {self.names[column]!r}: is empty, wanted a "
                "class; fill it in, or take the row out"
            )
        return text


def open_csv_table(path: Path) -> CsvTable:
    """Read a file's header.

    Raises:
        UserError: there is no such file, it is no text, or its first line is no header.
    """
    with _opened(path) as lines:
        line, names = next(lines, (0, []))
    if not line:
        raise UserError(f"{path}: is empty, wanted a header and samples")
    if not any(map(_is_word, names)):
        raise UserError(
            f"{path}: line {line}: wanted a header, got numbers; put the columns' names above them"
        )
    if len(names) == 1:
        raise UserError(
            f"{path}: line {line}: wanted two columns or more, parted by commas, semicolons or "
            f"tabs, got one, {names[0][:40]!r}"
        )
    for k, name in enumerate(names, start=1):
        if not name:
            raise UserError(f"{path}: line {line}: column {k} of {len(names)} has no name")
        if names.count(name) > 1:
            raise UserError(
                f"{path}: line {line}: column {name[:40]!r} is there {names.count(name)} times"
            )
    return CsvTable(path, tuple(names))


def _is_word(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return bool(text)
    return False


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """Line numbers and fields of a file, blank lines and comments left out."""
    try:
        with path.open("rb") as raw:
            if raw.read(2) in _UTF16:
                raise UserError(f"{path}: is text in UTF-16; save it as UTF-8 (CSV UTF-8)")
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield _rows(file)
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text; save it as UTF-8 (CSV UTF-8)") from None
    except csv.Error as error:
        raise UserError(f"{path}: is no whole table: {error}") from None


def _rows(file: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    number, within = 0, False

    def lines() -> Iterator[str]:
        """Lines to read; in the middle of a quoted field all of them are."""
        nonlocal number, within
        for text in file:
            number += 1
            if within or (text.strip() and not text.startswith(_COMMENT)):
                within = True
                yield text

    rest = lines()
    header = next(rest, None)
    if header is None:
        return
    mark = next((m for m in _MARKS if m in header), ",")
    reader = csv.reader(chain([header], rest), delimiter=mark, strict=True, skipinitialspace=True)
    for row in reader:
        within = False
        if any(field.strip() for field in row):
            yield number, [field.strip() for field in row]

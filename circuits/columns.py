"""Columns of numbers in files, read in pieces.

Text (`.csv`, `.txt`, `.tsv`), numpy (`.npy`), parquet (`.parquet`, `.pqt`), or a folder of numbered
parquet chunks. pyarrow is imported where text or parquet is read.
"""

import codecs
import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from circuits.errors import UserError

Array = NDArray[np.float64]

TIME_COLUMNS = ("t", "time", "t_s", "time_s", "t (s)", "time (s)")
CHUNK = 1 << 16  # samples held at a time, at most
_TEXT, _NUMPY, _PARQUET = (".csv", ".txt", ".tsv"), (".npy",), (".parquet", ".pqt")
_BUFFER = 1 << 16  # bytes of a file read at a time; text is read some tens of blocks ahead


class Columns(Protocol):
    """Columns of equal length; names are numbers where they have none, `numeric` is a guess."""

    path: Path
    names: list[str]
    numeric: list[bool]

    def pieces(self, columns: Sequence[int], start: int) -> Iterator[list[Array]]:
        """Columns, by number, from a sample on; pieces of at most `CHUNK`, none empty."""
        ...


def is_time(name: str) -> bool:
    """Whether a column of that name holds times in s."""
    return name.strip().lower() in TIME_COLUMNS


def open_columns(path: Path) -> Columns:
    """Open a file or folder.

    Raises:
        UserError: there is none, or of no known kind.
    """
    try:
        if path.is_dir():
            return _Parquet(path, _numbered_chunks(path))
        if not path.is_file():
            raise fault(path, "there is no such file or folder")
        kind = path.suffix.lower()
        if kind not in _TEXT + _NUMPY + _PARQUET:
            wanted = ", ".join(_TEXT + _NUMPY + _PARQUET)
            raise fault(path, f"wanted a file in {wanted} or a folder of parquet, got {kind!r}")
        with path.open("rb") as file:
            if not file.read(1):
                raise fault(path, "is empty, wanted samples")
    except OSError as error:
        raise fault(path, f"cannot read: {error.strerror}") from None
    if kind in _TEXT:
        return _Text(path)
    return _Numpy(path) if kind in _NUMPY else _Parquet(path, [path])


def choose_column(source: Columns, wanted: str | None) -> int:
    """Number of the voltage's column: as wanted, else `V`, else the only one of numbers.

    Raises:
        UserError: there is no such column, or no telling which.
    """
    names = source.names
    if wanted is None and "V" not in names:
        rest = [k for k, name in enumerate(names) if not is_time(name)]
        found = [k for k in rest if source.numeric[k]] or rest
        if len(found) != 1:
            raise fault(
                source.path,
                f"which column is the voltage? pass --column with one of {listed(names)}",
            )
        return found[0]
    wanted = "V" if wanted is None else wanted
    if names.count(wanted) > 1:
        raise fault(source.path, f"column {wanted!r} is there {names.count(wanted)} times")
    if wanted in names:
        return names.index(wanted)
    if re.fullmatch("[0-9]{1,9}", wanted) and int(wanted) < len(names):
        return int(wanted)
    raise fault(source.path, f"no column {wanted!r}; there are {listed(names)}")


class _Text:
    """Text in columns; pyarrow reads it, and Python's csv says what is wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            lines = file.read(_BUFFER).splitlines(keepends=True)
        plain = [line.removeprefix(codecs.BOM_UTF8).strip() for line in lines]
        begin = next((k for k, line in enumerate(plain) if line and line[:1] != b"#"), len(lines))
        try:
            text = [line.decode() for line in plain[begin:] if line][:2]
        except UnicodeDecodeError:
            raise fault(path, "is not UTF-8 text, wanted columns of numbers") from None
        if not text:
            raise fault(path, "holds blank lines and comments alone, wanted samples")
        marks = [mark for mark in "\t;, " if mark in text[-1]]
        self._delimiter = marks[0] if marks else ","
        rows = [self._split(line) for line in text]
        headed = not rows[0][0] or any(name and not _is_number(name) for name in rows[0])
        self.names = rows[0] if headed else [str(k) for k in range(len(rows[0]))]
        self.numeric = [k < len(rows[-1]) and _is_number(rows[-1][k]) for k in range(len(rows[0]))]
        self._has_rows = len(rows) > headed
        self._lines_before = begin + headed
        self._begin = sum(len(line) for line in lines[: self._lines_before])  # bytes

    def _split(self, line: str) -> list[str]:
        try:
            return [field.strip() for field in next(csv.reader([line], delimiter=self._delimiter))]
        except csv.Error as error:
            raise _unreadable(self.path, "text", error) from None

    def pieces(self, columns: Sequence[int], start: int) -> Iterator[list[Array]]:
        import pyarrow as pa  # noqa: PLC0415  # heavy, and most runs read no recording
        from pyarrow.csv import (  # noqa: PLC0415  # likewise
            ConvertOptions,
            ParseOptions,
            ReadOptions,
            open_csv,
        )

        if not self._has_rows:
            return
        labels = [str(k) for k in range(len(self.names))]  # unlike names, never the same twice
        used = [labels[k] for k in columns]
        read = ReadOptions(use_threads=False, block_size=_BUFFER, column_names=labels)
        parse = ParseOptions(delimiter=self._delimiter)
        convert = ConvertOptions(
            column_types=dict.fromkeys(used, pa.float64()),
            include_columns=list(dict.fromkeys(used)),
            null_values=[],
        )
        try:
            with _arrow_file(self.path) as file:
                file.seek(self._begin)
                with open_csv(file, read, parse, convert) as reader:
                    for batch in _after(reader, start):
                        yield [_plain(batch.column(label)) for label in used]
        except (pa.ArrowException, OSError, ValueError) as error:
            found = None if isinstance(error, OSError) else self._explain(columns)
            raise found or _unreadable(self.path, "text", error) from None

    def _explain(self, columns: Sequence[int]) -> UserError | None:
        """What is wrong with the first row that pyarrow will not read."""
        with self.path.open(encoding="utf8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if number <= self._lines_before or line == "\n":
                    continue
                where, fields = f"line {number}", self._split(line)
                if len(fields) != len(self.names):
                    got = f"wanted {len(self.names)} columns, got {len(fields)}"
                    return fault(self.path, f"{where}: {got}")
                for k in columns:
                    if not _is_number(fields[k]):
                        got = f"wanted a number, got {fields[k][:40]!r}"
                        return fault(self.path, f"{where}, column {self.names[k]!r}: {got}")
        return None


class _Numpy:
    """An array in a .npy file, mapped into memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            array = np.lib.format.open_memmap(path, mode="r")
        except (ValueError, TypeError, OSError, EOFError, SyntaxError, TokenError) as error:
            raise _unreadable(path, "npy", error) from None
        if array.ndim == 1:
            self.names = list(array.dtype.names or "0")
            self._columns = [array[name] if array.dtype.names else array for name in self.names]
        elif array.ndim == 2 and not array.dtype.names:
            self.names = [str(k) for k in range(array.shape[1])]
            self._columns = list(array.T)
        else:
            raise fault(path, f"wanted an array of 1 or 2 dimensions, got shape {array.shape}")
        self.numeric = [column.dtype.kind in "iuf" for column in self._columns]

    def pieces(self, columns: Sequence[int], start: int) -> Iterator[list[Array]]:
        chosen = [self._columns[k] for k in columns]
        for k, column in zip(columns, chosen, strict=True):
            _require_numeric(self, k, column.dtype)
        for low in range(start, len(chosen[0]), CHUNK):
            yield [np.array(column[low : low + CHUNK], dtype=np.float64) for column in chosen]


class _Parquet:
    """Parquet files of the same columns, one after the other."""

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        from pyarrow import types  # noqa: PLC0415  # as above

        self.path = path
        self._groups: dict[Path, list[int]] = {}  # rows in each row group of each file
        for file in files:
            with _parquet_table(file) as table:
                schema, metadata = table.schema_arrow, table.metadata
            if len(set(schema.names)) < len(schema.names):
                raise fault(file, f"columns share a name: {listed(schema.names)}")
            if not schema.names:
                raise fault(file, "holds no columns, wanted samples")
            numeric = [types.is_integer(kind) or types.is_floating(kind) for kind in schema.types]
            if not self._groups:
                self.names, self.numeric, self._types = schema.names, numeric, schema.types
            if (schema.names, numeric) != (self.names, self.numeric):
                those = f"those of {files[0].name}: {listed(self.names)}"
                raise fault(file, f"columns {listed(schema.names)} are not like {those}")
            self._groups[file] = [
                metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)
            ]

    def pieces(self, columns: Sequence[int], start: int) -> Iterator[list[Array]]:
        names = [self.names[k] for k in columns]
        for k in columns:
            _require_numeric(self, k, self._types[k])
        for file, rows in self._groups.items():
            first = 0
            while first < len(rows) and start >= rows[first]:
                start -= rows[first]
                first += 1
            if first == len(rows):
                continue
            with _parquet_table(file) as table:
                batches = table.iter_batches(
                    CHUNK, range(first, len(rows)), columns=names, use_threads=False
                )
                for batch in _after(batches, start):
                    yield [_plain(batch.column(name)) for name in names]
            start = 0


@contextmanager
def _parquet_table(path: Path) -> Iterator[Any]:
    import pyarrow as pa  # noqa: PLC0415  # as above
    from pyarrow.parquet import ParquetFile  # noqa: PLC0415  # as above

    try:
        # Through a buffer, a row group is not read whole.
        with (
            _arrow_file(path) as file,
            ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False) as table,
        ):
            yield table
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _unreadable(path, "parquet", error) from None


def _arrow_file(path: Path) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # as above

    return pa.OSFile(os.fsencode(path))


def _numbered_chunks(folder: Path) -> list[Path]:
    """The parquet files of a folder in the order of the number that each name ends in."""
    numbered: list[tuple[int, str, Path]] = []
    prefixes: set[str] = set()
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _PARQUET or path.name.startswith("."):
            continue
        match = re.fullmatch("(.*?)([0-9]+)", path.stem)
        if not match:
            raise fault(path, "wanted a name that ends in its number, as in noise0.pqt")
        prefixes.add(match[1])
        numbered.append((int(match[2]), match[2], path))
    if not numbered:
        raise fault(folder, "is a folder without parquet, wanted noise0.pqt, noise1.pqt, …")
    if len(prefixes) > 1:
        raise fault(folder, f"holds chunks of several recordings: {listed(sorted(prefixes))}")
    numbered.sort()
    width = min(len(digits) for _, digits, _ in numbered)
    # Some count from 1.
    for wanted, (number, _, path) in enumerate(numbered, min(numbered[0][0], 1)):
        if number > wanted:
            missing = f"{min(prefixes)}{wanted:0{width}d}{path.suffix}"
            raise fault(folder, f"{missing} is missing, there is {path.name}")
        if number < wanted:
            raise fault(folder, f"number {number} is there twice, once as {path.name}")
    return [path for _, _, path in numbered]


def _after(batches: Iterator[Any], skipped: int) -> Iterator[Any]:
    """What comes after the first rows, cut to at most `CHUNK`; no empty batches."""
    for batch in batches:
        for low in range(min(skipped, batch.num_rows), batch.num_rows, CHUNK):
            yield batch.slice(low, CHUNK)
        skipped -= min(skipped, batch.num_rows)


def _plain(column: Any) -> Array:
    # A copy, which keeps no buffer of pyarrow alive.
    return np.array(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _require_numeric(source: Columns, column: int, kind: Any) -> None:
    if not source.numeric[column]:
        name = source.names[column]
        raise fault(source.path, f"column {name!r}: wanted numbers, got {kind}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def listed(names: Sequence[str]) -> str:
    """Some names, for a message."""
    text = ", ".join(repr(name) for name in names[:12])
    return f"{text}, … ({len(names)} in all)" if len(names) > 12 else text


def _unreadable(path: Path, kind: str, error: Exception) -> UserError:
    detail = getattr(error, "strerror", None) or str(error)
    return fault(path, f"is no whole {kind} file: {detail[:200]}; copy or record it again")


def fault(path: Path, what: str) -> UserError:
    """What is wrong with a file, in one line."""
    # Paths and messages of other libraries may hold line breaks.
    return UserError(" ".join(f"{path}: {what}".splitlines()))

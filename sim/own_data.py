"""The user's own samples, read from a CSV file with a header or from an archive of numpy's.

What is read is in the file's own units; `learning.table_task` splits it and makes volts of it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning import TABLE, Array, Table
from learning.datasets.table import one_hot
from sim.config import TableConfig, TaskConfig
from sim.csv_table import CsvTable, open_csv_table
from sim.errors import UserError
from sim.npz import read_npz

_TEXT = (".csv", ".tsv", ".txt")
_WHOLE, _SPLIT = (("x", "y"),), (("x_train", "y_train"), ("x_test", "y_test"))
_WANTED = "wanted an archive of numpy's with x and y, or with x_train, y_train, x_test and y_test"
_LISTED = 12  # names in a line
_FEWEST = 2  # samples
_LARGEST = 1e100  # as in CSV


def read_table(task: TaskConfig) -> Table | None:
    """Read the samples that a task names; None for a built-in task.

    Raises:
        UserError: the task takes no file, or the file is not what it should be.
    """
    config = task.table
    if task.name != TABLE:
        if config != TableConfig():
            raise UserError(
                f"task {task.name}: brings its own data, got settings of a table; give "
                f"--task {TABLE}, or leave out --data, --inputs, --targets, --label, --data-scale"
            )
        return None
    if config.file is None:
        raise UserError(
            f"task {TABLE}: wanted the file of your samples; give --data FILE, see "
            "docs/howto/own-data.md"
        )
    if task.data_dir is not None:
        raise UserError(f"task {TABLE}: reads a file, not a folder; give --data, not --data-dir")
    path = Path(config.file)
    try:
        if path.is_dir():
            raise UserError(f"--data: {path}: is a folder, wanted a CSV or .npz file")
    except OSError as error:
        raise UserError(f"--data: {path}: cannot read: {error.strerror}") from None
    kind = path.suffix.lower()
    if kind == ".npz":
        return _from_archive(path, config)
    if kind not in _TEXT:
        wanted = ", ".join((*_TEXT, ".npz"))
        raise UserError(
            f"--data: {path}: wanted a file in {wanted}, got {kind or 'no ending'!r}; export the "
            "samples as CSV"
        )
    return _from_text(open_csv_table(path), config)


def _from_text(table: CsvTable, config: TableConfig) -> Table:
    label = _label(table, config)
    targets = _targets(table, config, label)
    learned = {table.names[k] for k in targets} | (
        {table.names[label]} if label is not None else set()
    )
    inputs = (
        _places(table, config.inputs, "--inputs")
        if config.inputs
        else [k for k, name in enumerate(table.names) if name not in learned]
    )
    if not inputs:
        raise UserError(f"{table.path}: holds no column beside the targets, wanted inputs")
    for k in inputs:
        if table.names[k] in learned:
            raise UserError(f"--inputs: column {table.names[k]!r} is a target; take it out of one")
    numbers, labels = table.read((*inputs, *targets), label)
    _require_samples(table.path, len(numbers))
    names = tuple(table.names[k] for k in inputs)
    values = numbers[:, : len(inputs)]
    if label is None:
        wanted = tuple(table.names[k] for k in targets)
        return Table(values, numbers[:, len(inputs) :], names, wanted, classes=False)
    classes = _in_order(set(labels))
    _require_classes(table.path, classes, len(labels), table.names[label])
    places = {name: k for k, name in enumerate(classes)}
    found = np.array([places[name] for name in labels], dtype=np.int64)
    return Table(values, one_hot(found, len(classes)), names, classes, classes=True)


def _label(table: CsvTable, config: TableConfig) -> int | None:
    if config.label is not None and config.targets is not None:
        raise UserError("--label: names classes and --targets numbers to learn; leave one out")
    if config.label is not None:
        return _places(table, (config.label,), "--label")[0]
    by_name = "label" in table.names and config.targets is None
    return table.names.index("label") if by_name else None


def _targets(table: CsvTable, config: TableConfig, label: int | None) -> list[int]:
    if config.targets is not None:
        return _places(table, config.targets, "--targets")
    if label is not None:
        return []
    found = [k for k, name in enumerate(table.names) if re.fullmatch("[yY][0-9]{0,9}", name)]
    if not found:
        raise UserError(
            f"{table.path}: which column is to be learned? give --targets for numbers or --label "
            f"for classes, of {_listed(table.names)}"
        )
    return found


def _places(table: CsvTable, wanted: Sequence[str], option: str) -> list[int]:
    places: list[int] = []
    for name in wanted:
        if name not in table.names:
            near = get_close_matches(name, table.names, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {_listed(table.names)}"
            raise UserError(f"{option}: {table.path} has no column {name!r}; {hint}")
        if (place := table.names.index(name)) in places:
            raise UserError(f"{option}: column {name!r} is named twice")
        places.append(place)
    return places


def _from_archive(path: Path, config: TableConfig) -> Table:
    if config.inputs or config.targets or config.label:
        raise UserError(
            f"--data: {path}: its arrays have no columns to choose from; leave --inputs, --targets "
            "and --label out"
        )
    where = f"--data: {path}"
    arrays = read_npz(path, where, _WANTED)
    pairs = _SPLIT if any(name in arrays for pair in _SPLIT for name in pair) else _WHOLE
    for name in (name for pair in pairs for name in pair):
        if name not in arrays:
            there = f"there are {_listed(sorted(arrays))}" if arrays else "there is none"
            raise UserError(f"{where}: holds no array {name!r}, {there}; {_WANTED}")
    inputs = {x: _inputs(where, x, arrays[x]) for x, _ in pairs}
    for x, y in pairs:
        if arrays[y].ndim == 0 or len(arrays[y]) != len(inputs[x]):
            raise UserError(
                f"{where}: {y} has shape {arrays[y].shape}, wanted a row for each of the "
                f"{len(inputs[x])} samples of {x}"
            )
    _require_samples(path, len(inputs[pairs[0][0]]))
    classes, targets = _answers(where, path, {y: arrays[y] for _, y in pairs})
    _require_same_width(where, inputs)
    _require_same_width(where, targets)
    (samples, *tested), (answers, *wanted) = inputs.values(), targets.values()
    columns = tuple(f"x{k}" for k in range(1, samples.shape[1] + 1))
    outputs = classes or tuple(f"y{k}" for k in range(1, answers.shape[1] + 1))
    held_out = (tested[0], wanted[0]) if tested else None
    return Table(samples, answers, columns, outputs, bool(classes), held_out)


def _require_same_width(where: str, sets: Mapping[str, Array]) -> None:
    (name, first), *others = sets.items()
    for other, array in others:
        if array.shape[1] != first.shape[1]:
            raise UserError(
                f"{where}: {other} has {array.shape[1]} columns, and {name} {first.shape[1]}; "
                "wanted the same"
            )


def _inputs(where: str, name: str, array: NDArray[Any]) -> Array:
    """Samples by columns; a row of numbers is one column, pictures are laid out in one row each."""
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        raise UserError(
            f"{where}: {name} has type {array.dtype} and shape {array.shape}, wanted numbers, a "
            "row for each sample"
        )
    values = np.asarray(array, dtype=np.float64).reshape(len(array), -1) if len(array) else array
    if not values.size:
        raise UserError(f"{where}: {name} is empty, wanted samples")
    with np.errstate(invalid="ignore"):
        wrong = np.argwhere(~(np.abs(values) <= _LARGEST))
    if len(wrong):
        sample, column = wrong[0]
        raise UserError(
            f"{where}: {name}: sample {sample + 1}, column {column + 1}: wanted a finite number, "
            f"got {values[sample, column]:g} ({len(wrong)} such)"
        )
    return values


def _answers(
    where: str, path: Path, found: Mapping[str, NDArray[Any]]
) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Classes, none for regression, and the targets of each set."""
    first = next(iter(found))
    if not all(y.ndim == 1 and y.dtype.kind in "iubUS" for y in found.values()):
        return (), {name: _inputs(where, name, array) for name, array in found.items()}
    words = {name: [str(v) for v in array.tolist()] for name, array in found.items()}
    classes = _in_order(set(words[first]))
    _require_classes(path, classes, len(words[first]), first)
    places = {name: k for k, name in enumerate(classes)}
    targets: dict[str, Array] = {}
    for name, column in words.items():
        strange = next((word for word in column if word not in places), None)
        if strange is not None:
            raise UserError(f"{where}: {name} holds class {strange[:40]!r}, which {first} has not")
        targets[name] = one_hot(np.array([places[w] for w in column]), len(classes))
    return classes, targets


def _in_order(classes: set[str]) -> tuple[str, ...]:
    """By number where all are finite ones, else by letter; NaN is in no order."""
    try:
        numbers = {name: float(name) for name in classes}
    except ValueError:
        return tuple(sorted(classes))
    if not all(map(math.isfinite, numbers.values())):
        return tuple(sorted(classes))
    return tuple(sorted(classes, key=lambda name: (numbers[name], name)))


def _require_samples(path: Path, count: int) -> None:
    if count < _FEWEST:
        raise UserError(f"{path}: holds {count or 'no'} samples, wanted {_FEWEST} or more")


def _require_classes(path: Path, classes: Sequence[str], samples: int, column: str) -> None:
    if len(classes) == 1:
        raise UserError(
            f"{path}: column {column!r} holds one class, {classes[0][:40]!r}; wanted two or more"
        )
    if 2 * len(classes) > samples:
        raise UserError(
            f"{path}: column {column!r} holds {len(classes)} classes in {samples} samples, wanted "
            "two samples or more of each on average; numbers to learn are --targets"
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in names[:_LISTED])
    return f"{shown}, … ({len(names)} in all)" if len(names) > _LISTED else shown

"""What a run says of the user's own samples, and whether they are still the same."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from circuits import CircuitParameters
from circuits.quantities import format_quantity
from learning import TABLE, Task
from learning.datasets.table import named
from sim.config import TableConfig
from sim.errors import UserError


def require_below_rails(task: Task, circuit: CircuitParameters) -> None:
    """Refuse samples that are taken for volts and lie beyond the circuit's supplies.

    Raises:
        UserError: names the column and how far it goes.
    """
    if task.origin is None or task.origin.scale != "volts":
        return
    named = [(task.origin.inputs, (task.train_inputs, task.test_inputs))]
    if task.origin.targets:
        named.append((task.origin.targets, (task.train_targets, task.test_targets)))
    for columns, sets in named:
        volts = np.concatenate(sets)
        beyond = np.maximum(volts - circuit.v_dd, circuit.v_ss - volts)
        sample, column = np.unravel_index(np.argmax(beyond), beyond.shape)
        if beyond[sample, column] > 0:
            reached = format_quantity(float(volts[sample, column]), "V")
            raise UserError(
                f"task {TABLE}: column {columns.names[column]!r} goes to {reached}, beyond the "
                f"supplies of {circuit.v_ss:g} V and {circuit.v_dd:g} V; leave --data-scale at "
                "unit, or scale the file"
            )


def record(task: Task, config: TableConfig) -> dict[str, Any] | None:
    """What a run's summary says of its own samples; None for a built-in task."""
    if task.origin is None:
        return None
    return {
        "file": config.file,
        "train_samples": len(task.train_inputs),
        "test_samples": len(task.test_inputs),
        "held_out": task.held_out,
        "sha256_volts": _digest(task),
        **task.origin.record(),
    }


def describe(task: Task, config: TableConfig) -> str | None:
    """A line on a run's own samples; None for a built-in task."""
    if task.origin is None:
        return None
    classes = task.origin.class_names
    targets = task.train_targets.shape[1]
    learned = (
        f"{targets} classes, {named(list(classes))}" if classes else _counted(targets, "target")
    )
    tested = f"{len(task.test_inputs):,} held out" if task.held_out else "tested on the same"
    return (
        f"{config.file}: {_counted(task.train_inputs.shape[1], 'input')}, {learned}; "
        f"{len(task.train_inputs):,} samples to learn from, {tested}; scale {task.origin.scale}"
    )


def require_same_data(task: Task, recorded: Mapping[str, Any] | None, config: TableConfig) -> None:
    """Refuse samples that are no longer those of a run.

    Args:
        task: made of the file as it is now.
        recorded: what the run's summary says of them.
        config: names the file.

    Raises:
        UserError: they differ.
    """
    if task.origin is not None and (recorded or {}).get("sha256_volts") != _digest(task):
        raise UserError(
            f"{config.file}: has changed since the run (the SHA-256 of its samples differs); put "
            "back what it was, or run it again"
        )


def _digest(task: Task) -> str:
    found = hashlib.sha256()
    for array in (task.train_inputs, task.train_targets, task.test_inputs, task.test_targets):
        found.update(f"{array.shape} ".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"

"""Where a run's samples come from: a built-in task, a file of the user's own, or arrays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from circuits.network import format_layers
from learning import (
    LOSSES,
    TABLE,
    Activation,
    Task,
    make_task,
    own_defaults,
    table_defaults,
    table_task,
)
from sim.config import RunConfig
from sim.errors import UserError
from sim.own_data import read_table

MakeData: TypeAlias = Callable[[np.random.Generator, Activation], Task]
"""Builds a task from a generator and the teacher's rectifier; ValueError where it does not fit."""


def plan_task(config: RunConfig, given: Task | None = None) -> tuple[RunConfig, MakeData]:
    """Complete a configuration by what its samples ask for.

    Args:
        config: of the run.
        given: a task that was made by hand, in place of the configuration's.

    Returns:
        The configuration, complete, and what builds the task.

    Raises:
        UserError: a file will not do, or the arrays of `given` do not.
    """
    try:
        if given is not None:
            return _by_hand(config, given)
        table = read_table(config.task)
        if table is None:
            config = config.complete()
            return config, lambda rng, straight: _built_in(config, rng, straight)
        config = config.complete(table_defaults(table, config.task.samples))
    except ValueError as error:
        raise UserError(str(error)) from None
    sizes = config.task

    def of_the_table(rng: np.random.Generator, _: Activation) -> Task:
        return table_task(
            table,
            config.network.layers,
            sizes.samples or len(table.inputs),
            rng,
            test_samples=sizes.test_samples,
            scale=sizes.table.scale,
        )

    return config, of_the_table


def _built_in(config: RunConfig, rng: np.random.Generator, straight: Activation) -> Task:
    task = config.task
    return make_task(
        task.name,
        config.network.layers,
        task.samples,
        rng,
        straight,
        test_samples=task.test_samples,
        data_dir=None if task.data_dir is None else Path(task.data_dir),
    )


def _by_hand(config: RunConfig, task: Task) -> tuple[RunConfig, MakeData]:
    _require_arrays(task)
    samples, inputs = task.train_inputs.shape
    found = own_defaults(
        inputs, task.train_targets.shape[1], samples, classes=task.classes is not None
    )
    named = config.task.model_copy(update={"name": TABLE, "samples": samples})
    config = config.model_copy(update={"task": named}).complete(found)
    _require_ends(config.network.layers, found.layers)
    return config, lambda *_: task


def _require_arrays(task: Task) -> None:
    if task.loss_name not in LOSSES:
        raise ValueError(
            f"task {task.name}: no loss {task.loss_name!r}; known: {', '.join(LOSSES)}"
        )
    for part in ("train", "test"):
        shapes = [np.shape(getattr(task, f"{part}_{kind}")) for kind in ("inputs", "targets")]
        if any(len(shape) != 2 or not all(shape) for shape in shapes) or (
            shapes[0][0] != shapes[1][0]
        ):
            raise ValueError(
                f"task {task.name}: {part}_inputs and {part}_targets: wanted shapes (samples, "
                f"inputs) and (samples, targets), got {shapes[0]} and {shapes[1]}"
            )
    arrays = (task.train_inputs, task.train_targets, task.test_inputs, task.test_targets)
    if not all(a.dtype == np.float64 and np.isfinite(a).all() for a in arrays):
        raise ValueError(f"task {task.name}: wanted arrays of finite numbers, of type float64")
    for kind in ("inputs", "targets"):
        one, other = (getattr(task, f"{part}_{kind}").shape[1] for part in ("train", "test"))
        if one != other:
            raise ValueError(
                f"task {task.name}: train_{kind} has {one} columns and test_{kind} {other}"
            )


def _require_ends(layers: Sequence[int], wanted: Sequence[int]) -> None:
    if (layers[0], layers[-1]) != (wanted[0], wanted[-1]):
        raise ValueError(
            f"task.layers: wanted {wanted[0]} inputs and {wanted[-1]} outputs, as the task has, "
            f"got {format_layers(tuple(layers))}"
        )

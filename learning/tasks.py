"""The tasks: data to learn, checked against the layers that are to learn it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from learning.activation import Activation
from learning.arrays import Array
from learning.datasets import digits_data, iris_data, mnist_data, teacher_data, xor_data
from learning.datasets.digits import SAMPLES as ALL_DIGITS
from learning.datasets.stratified import stratified
from learning.datasets.table import Origin, Scale, Table, table_data, train_size
from learning.defaults import DEFAULTS, TABLE, TaskDefaults, own_defaults


@dataclass(frozen=True)
class Task:
    """Data to learn, in volts.

    Attributes:
        name: One of `TASKS`, or whatever a task that was made by hand is called.
        train_inputs: Shape (S, N_0), V.
        train_targets: Shape (S, N_L); V, or one-hot for cross-entropy.
        test_inputs: Shape (T, N_0), V; the train set itself when nothing is held out.
        test_targets: Shape (T, N_L).
        held_out: Whether the test set is apart from the train set.
        loss_name: A key of `learning.losses.LOSSES`.
        classes: Number of classes, None for regression.
        origin: How the volts came about, for the data of a table.
    """

    name: str
    train_inputs: Array
    train_targets: Array
    test_inputs: Array
    test_targets: Array
    held_out: bool
    loss_name: str
    classes: int | None
    origin: Origin | None = None

    def accuracy(self, prediction: Array, target: Array) -> float | None:
        """Return the share of samples classified rightly, None for regression.

        One output decides by its sign (0 V is wrong), several by the largest.

        Args:
            prediction: Shape (B, N_L), V.
            target: Shape (B, N_L).
        """
        if self.classes is None:
            return None
        if target.shape[1] == 1:
            return float(np.mean(prediction * target > 0))
        return float(np.mean(np.argmax(prediction, axis=1) == np.argmax(target, axis=1)))


def make_task(
    name: str,
    layers: Sequence[int] | None,
    samples: int | None,
    rng: np.random.Generator,
    activation: Activation,
    *,
    test_samples: int | None = None,
    data_dir: Path | None = None,
) -> Task:
    """Build a built-in task's data.

    Args:
        name: A key of `DEFAULTS`.
        layers: N_0..N_L of the network that is to learn; None takes the default.
        samples: Size of the train set; None takes the default. "xor" has four.
        rng: Source of everything random in the data.
        activation: Of the teacher's hidden layers. Straight lines: what is to be learned does not
            depend on how a circuit or its twin comes by its outputs.
        test_samples: Size of the test set; None takes the default.
        data_dir: Folder of the files of a task that reads some.

    Raises:
        ValueError: If the name is unknown, layers or samples do not fit the task, or its files are
            missing or not what they should be.
    """
    if name not in DEFAULTS:
        raise ValueError(f"no task {name!r}; known: {', '.join(DEFAULTS)}")
    defaults = DEFAULTS[name]
    layers = defaults.layers if layers is None else tuple(layers)
    samples = defaults.samples if samples is None else samples
    tested = defaults.test_samples if test_samples is None else test_samples
    _require_layers(name, layers, defaults.layers)
    if name != "mnist" and data_dir is not None:
        raise ValueError(f"task {name}: reads no files, got {data_dir}; leave --data-dir out")
    match name:
        case "xor" | "teacher":
            if tested is not None:
                raise ValueError(
                    f"task {name}: is tested on its training samples, got {tested} test samples; "
                    "leave --test-samples out"
                )
            return _without_held_out(name, layers, samples, rng, activation)
        case "iris":
            _require_samples(name, samples, 3, 147)  # each kind of flower once in either set
            return _held_out(name, iris_data(samples, rng), tested, rng)
        case "digits":
            _require_samples(name, samples, 10, ALL_DIGITS - 10)
            return _held_out(name, digits_data(samples, rng), tested, rng)
        case _:
            if data_dir is None:
                raise ValueError(
                    f"task {name}: wanted the folder of MNIST's IDX files; give --data-dir DIR, "
                    "see docs/tasks.md"
                )
            _require_samples(name, samples, 10, None)
            return _held_out(name, mnist_data(data_dir, samples, rng), tested, rng)


def table_defaults(table: Table, samples: int | None = None) -> TaskDefaults:
    """Return the settings of the task that a table makes.

    Args:
        table: The samples.
        samples: Size of the train set; None takes the default.

    Raises:
        ValueError: If the samples are too few to hold some out without being asked to.
    """
    sizes = table.inputs.shape[1], table.targets.shape[1]
    return own_defaults(*sizes, samples or train_size(table), classes=table.classes)


def table_task(
    table: Table,
    layers: Sequence[int],
    samples: int,
    rng: np.random.Generator,
    *,
    test_samples: int | None = None,
    scale: Scale = "unit",
) -> Task:
    """Build the task of a user's own samples.

    Args:
        table: The samples.
        layers: N_0..N_L of the network that is to learn.
        samples: Size of the train set; that of the table holds nothing out, unless a test set came
            along.
        rng: Source of the split.
        test_samples: Size of the test set; None for all that is held out.
        scale: How columns become volts.

    Raises:
        ValueError: If layers or samples do not fit the table, or there is nothing to learn.
    """
    sizes = own_defaults(table.inputs.shape[1], table.targets.shape[1], 1, classes=table.classes)
    _require_layers(TABLE, tuple(layers), sizes.layers)
    least = table.targets.shape[1] if table.classes else 2
    if not least <= samples <= len(table.inputs):
        raise ValueError(
            f"task {TABLE}: samples must be {least} to {len(table.inputs)}, got {samples}; leave "
            "--samples out"
        )
    (inputs, targets, others, answers), origin = table_data(table, samples, scale, rng)
    held_out = others is not inputs
    if test_samples is not None:
        if not held_out:
            raise ValueError(
                f"task {TABLE}: holds nothing out, got {test_samples} test samples; leave "
                "--test-samples out, or give less --samples"
            )
        if test_samples > len(others):
            raise ValueError(
                f"task {TABLE}: test samples must be at most {len(others)}, got {test_samples}; "
                "give another --test-samples"
            )
        kept = (
            stratified(np.argmax(answers, axis=1), test_samples, rng)
            if table.classes
            else rng.permutation(len(others))[:test_samples]
        )
        others, answers = others[kept], answers[kept]
    classes = table.targets.shape[1] if table.classes else None
    return Task(TABLE, inputs, targets, others, answers, held_out, sizes.loss_name, classes, origin)


def _without_held_out(
    name: str,
    layers: Sequence[int],
    samples: int,
    rng: np.random.Generator,
    activation: Activation,
) -> Task:
    loss_name = DEFAULTS[name].loss_name
    if name == "xor":
        _require_samples(name, samples, 4, 4)
        inputs, targets = xor_data()
    else:
        _require_samples(name, samples, 1, None)
        inputs, targets = teacher_data(layers, samples, rng, activation)
    classes = 2 if name == "xor" else None
    return Task(name, inputs, targets, inputs, targets, False, loss_name, classes)


def _held_out(
    name: str,
    data: tuple[Array, Array, Array, Array],
    tested: int | None,
    rng: np.random.Generator,
) -> Task:
    """The task of a train set and a test set, of which `tested` samples are kept, or all."""
    train_inputs, train_targets, inputs, targets = data
    loss_name, classes = DEFAULTS[name].loss_name, targets.shape[1]
    if tested is not None:
        if not classes <= tested <= len(targets):
            raise ValueError(
                f"task {name}: test samples must be {classes} to {len(targets)}, got {tested}; "
                "give another --test-samples"
            )
        kept = stratified(np.argmax(targets, axis=1), tested, rng)
        inputs, targets = inputs[kept], targets[kept]
    return Task(name, train_inputs, train_targets, inputs, targets, True, loss_name, classes)


def _require_layers(name: str, layers: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    got = ",".join(str(n) for n in layers)
    hint = ",".join(str(n) for n in wanted)
    if len(layers) < 2 or min(layers) < 1:
        raise ValueError(
            f"task {name}: layers must be two or more positive numbers, got {got}; "
            f"try --layers {hint}"
        )
    if name != "teacher" and (layers[0], layers[-1]) != (wanted[0], wanted[-1]):
        raise ValueError(
            f"task {name}: layers must start with {wanted[0]} and end with {wanted[-1]}, "
            f"got {got}; try --layers {hint}"
        )


def _require_samples(name: str, samples: int, low: int, high: int | None) -> None:
    if samples < low or (high is not None and samples > high):
        wanted = f"{low} or more" if high is None else f"{low} to {high}"
        raise ValueError(
            f"task {name}: samples must be {wanted}, got {samples}; "
            f"try --samples {DEFAULTS[name].samples}"
        )

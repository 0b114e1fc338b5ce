import re

import numpy as np
import pytest
from sklearn.datasets import load_iris

from learning import DEFAULTS, LOSSES, OPTIMIZERS, Activation, Task, make_task


def build(
    name: str, layers: tuple[int, ...] | None = None, samples: int | None = None, seed: int = 1
) -> Task:
    return make_task(name, layers, samples, np.random.default_rng(seed), Activation())


@pytest.mark.parametrize("name", [name for name in DEFAULTS if name != "mnist"])
def test_defaults_fit_their_task(name: str) -> None:
    task, defaults = build(name), DEFAULTS[name]
    assert task.train_inputs.shape == (defaults.samples, defaults.layers[0])
    assert task.train_targets.shape == (defaults.samples, defaults.layers[-1])
    assert task.loss_name == defaults.loss_name


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_settings_that_there_are(name: str) -> None:
    defaults = DEFAULTS[name]
    assert defaults.loss_name in LOSSES
    assert defaults.optimizer in OPTIMIZERS
    assert defaults.batch <= defaults.samples


@pytest.mark.parametrize("name", ["teacher", "iris", "digits"])
def test_a_seed_is_a_task(name: str) -> None:
    one, two, other = build(name), build(name), build(name, seed=2)
    np.testing.assert_array_equal(one.train_inputs, two.train_inputs)
    np.testing.assert_array_equal(one.train_targets, two.train_targets)
    assert not np.array_equal(one.train_inputs, other.train_inputs)


@pytest.mark.parametrize("name", ["teacher", "xor"])
def test_nothing_held_out_means_the_same_arrays(name: str) -> None:
    task = build(name)
    assert not task.held_out
    assert task.test_inputs is task.train_inputs
    assert task.test_targets is task.train_targets


def test_teacher_fills_the_volt_and_has_the_layers_asked_for() -> None:
    task = build("teacher", (3, 5, 2), 2000)
    assert task.train_targets.shape == (2000, 2)
    assert np.all(np.abs(task.train_inputs) < 1)
    # 6,000 uniform draws: the mean is known to 0.0075, the extremes to 1/3000.
    assert abs(np.mean(task.train_inputs)) < 0.04
    assert np.max(np.abs(task.train_inputs)) > 0.99
    assert np.max(np.abs(task.train_targets)) == 1.0
    assert task.accuracy(task.train_targets, task.train_targets) is None


def test_teacher_is_a_network_of_leaky_units() -> None:
    # Without biases such a network is homogeneous, so a linear fit leaves a clear rest.
    task = build("teacher")
    fit, *_ = np.linalg.lstsq(task.train_inputs, task.train_targets, rcond=None)
    rest = task.train_targets - task.train_inputs @ fit
    assert np.std(rest) > 0.02 * np.std(task.train_targets)
    linear = make_task("teacher", None, None, np.random.default_rng(1), Activation(1.0, 1.0))
    fit, *_ = np.linalg.lstsq(linear.train_inputs, linear.train_targets, rcond=None)
    np.testing.assert_allclose(linear.train_inputs @ fit, linear.train_targets, atol=1e-12)


def test_xor_is_four_points() -> None:
    task = build("xor")
    table = {tuple(x): y.item() for x, y in zip(task.train_inputs, task.train_targets, strict=True)}
    assert table == {(-1, -1): -1, (-1, 1): 1, (1, -1): 1, (1, 1): -1}


@pytest.mark.parametrize(
    ("train", "counts"), [(100, [33, 33, 34]), (99, [33, 33, 33]), (3, [1] * 3)]
)
def test_iris_split_is_disjoint_and_stratified(train: int, counts: list[int]) -> None:
    task = build("iris", samples=train)
    assert task.held_out
    assert sorted(task.train_targets.sum(axis=0).astype(int).tolist()) == counts
    both = task.train_targets.sum(axis=0) + task.test_targets.sum(axis=0)
    np.testing.assert_array_equal(both, [50, 50, 50])
    flowers = np.asarray(load_iris(return_X_y=True)[0])
    scaled = np.concatenate([task.train_inputs, task.test_inputs])
    assert scaled.shape == (150, 4)
    for original, ours in zip(np.sort(flowers, axis=0).T, np.sort(scaled, axis=0).T, strict=True):
        # Scaling is linear and rising: every flower once means the sorted columns on one line.
        line = np.polyfit(original, ours, 1)
        np.testing.assert_allclose(np.polyval(line, original), ours, atol=1e-9)


def test_iris_train_set_spans_one_volt() -> None:
    task = build("iris")
    np.testing.assert_allclose(task.train_inputs.min(axis=0), -1.0, rtol=1e-14)
    np.testing.assert_allclose(task.train_inputs.max(axis=0), 1.0, rtol=1e-14)


def test_accuracy_by_sign_and_by_largest() -> None:
    xor, iris = build("xor"), build("iris")
    target = np.array([[1.0], [1.0], [-1.0], [1.0]])
    assert xor.accuracy(np.array([[0.2], [-0.1], [-3.0], [0.0]]), target) == 0.5
    one_hot = np.eye(3)[[0, 1, 2, 2]]
    logits = np.array([[3.0, 1, 2], [0, 1, 0.5], [5, 1, 2], [-2, -3, -1]])
    assert iris.accuracy(logits, one_hot) == 0.75


@pytest.mark.parametrize(
    ("name", "layers", "samples", "text"),
    [
        ("cats", None, None, "no task 'cats'; known: teacher, xor, iris, digits, mnist"),
        (
            "iris",
            (2, 2, 2, 1),
            None,
            "task iris: layers must start with 4 and end with 3, got 2,2,2,1; try --layers 4,8,3",
        ),
        (
            "xor",
            (2, 2),
            None,
            "task xor: layers must start with 2 and end with 1, got 2,2; try --layers 2,4,1",
        ),
        (
            "teacher",
            (2,),
            None,
            (
                "task teacher: layers must be two or more positive numbers, got 2; "
                "try --layers 2,2,2,1"
            ),
        ),
        ("teacher", None, 0, "task teacher: samples must be 1 or more, got 0; try --samples 100"),
        ("iris", None, 148, "task iris: samples must be 3 to 147, got 148; try --samples 100"),
    ],
)
def test_make_task_refuses_in_one_line(
    name: str, layers: tuple[int, ...] | None, samples: int | None, text: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        build(name, layers, samples)

"""The how-to that changes the project's own files is followed in a copy of the tree.

The other how-tos change nothing there: tests/test_docs_commands.py executes them as they stand.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from documented import ROOT, blocks_of, commands_in

from circuits.activation import ActivationParameters
from learning import Array, Evidence, Model, Rule, Task, Update, loss_gradient
from sim import cosim
from sim.config import RunConfig, SimulationConfig, TaskConfig
from sim.errors import UserError

HOWTO = ROOT / "docs" / "howto"
PAGE = HOWTO / "new-activation-cell.md"
COPIED = ("circuits", "netlists", "sim", "learning")
BESIDE = ("pyproject.toml", "tests/conftest.py", "tests/tolerances.py")
# Appended to what the page says, so that it takes seconds; the later of two options counts.
SMALLER = {
    "sim.run": ("--epochs", "1", "--samples", "8"),
    "sim.attribute": ("--passes", "4"),
    "sim.characterize": ("--typical",),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree in which the page's changes were made."""
    copy = tmp_path_factory.mktemp("tree")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for block in blocks_of(PAGE):
        if block.language == "diff":
            apply(block.text, copy)
        elif block.title:
            (copy / block.title).write_text(block.text, encoding="utf8")
    return copy


def apply(diff: str, tree: Path) -> None:
    """Make the changes of a unified diff of one file; each has to fit at one place alone."""
    head, *hunks = re.split(r"^@@.*\n", diff, flags=re.MULTILINE)
    path = tree / re.findall(r"^\+\+\+ b/(.+)$", head, re.MULTILINE)[0]
    text = path.read_text(encoding="utf8")
    for hunk in hunks:
        lines = [line or " " for line in hunk.splitlines()]
        before, after = (
            "".join(f"{line[1:]}\n" for line in lines if line[0] in kept) for kept in (" -", " +")
        )
        assert text.count(before) == 1, f"{path.name}: the page's change fits nowhere:\n{before}"
        text = text.replace(before, after)
    path.write_text(text, encoding="utf8")


def commands() -> Iterator[tuple[str, ...]]:
    for block in blocks_of(PAGE):
        if block.language == "shell":
            for command in commands_in(block):
                yield command.words


def test_a_new_rectifier_is_made_as_its_page_says(tree: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done: list[str] = []
    for words in commands():
        assert words[:2] == ("python", "-m"), f"{words}: how is this executed?"
        result = subprocess.run(
            [sys.executable, *words[1:], *SMALLER.get(words[2], ())],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        done.append(words[2])
        if words[2] == "pytest":
            assert "8 passed" in result.stdout
    assert done == ["pytest", "sim.run", "sim.attribute", "sim.characterize"]
    deck = (tree / "runs" / "one-diode" / "network.cir").read_text(encoding="utf8")
    assert "Rneg a y {R_NEG} ; conducts always" in deck


def test_the_changes_of_a_page_that_no_longer_fit_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("one\ntwo\n", encoding="utf8")
    apply("--- a/f.py\n+++ b/f.py\n@@\n one\n-two\n+three\n", tmp_path)
    assert (tmp_path / "f.py").read_text(encoding="utf8") == "one\nthree\n"
    with pytest.raises(AssertionError, match="fits nowhere"):
        apply("--- a/f.py\n+++ b/f.py\n@@\n one\n-two\n+three\n", tmp_path)


def test_what_a_passive_rectifier_is_as_a_load_is_said_once() -> None:
    # R_load behind one branch or the other, and R_rect into a virtual ground.
    parts = {"r_load": "10k", "r_positive": "500", "r_negative": "90k", "r_rectifier": "15k"}
    divider = ActivationParameters.model_validate(parts)
    assert divider.heaviest_loads == pytest.approx((10.5e3, 100e3))
    assert ActivationParameters.model_validate(parts | {"kind": "precision"}).heaviest_loads == (
        15e3, 15e3,
    )  # fmt: skip


@pytest.mark.parametrize("page", sorted(HOWTO.glob("*.md")), ids=lambda page: page.name)
def test_files_that_a_how_to_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf8")
    made = {"learning/sign.py", "tests/test_learning_sign.py", "tests/test_one_diode.py"}
    named = set(re.findall(r"`((?:circuits|netlists|sim|learning|tests|docs)/[\w/.-]*)`", text))
    assert [name for name in named - made if not (ROOT / name).exists()] == []


# --- what the pages on rules and tasks rest on ----------------------------------------------------
class Descent:
    """The gradient of the mathematics, read off the targets: an exact answer to compare with."""

    name = "descent"
    clean_first_pass = False
    needs_gradient = False
    decorrelates = False

    def update(self, model: Model, evidence: Evidence) -> Update:
        """As a rule does."""
        assert evidence.target is not None
        setup = cosim.set_up(CONFIG)
        weights, biases = loss_gradient(
            model, evidence.first.inputs, evidence.target, "squared-error", setup.activation
        )
        return Update(weights, biases, tuple(0 * d for d in model.decor))


CONFIG = RunConfig(
    task=TaskConfig(name="xor", epochs=3), simulation=SimulationConfig(engine="ideal")
)


def trained(config: RunConfig, rule: Rule | None, task: Task | None = None) -> cosim.Training:
    setup = cosim.set_up(config, rule=rule, task=task)
    training = cosim.begin(setup, cosim.make_engines(setup))
    cosim.train(training)
    return training


def test_a_rule_given_by_hand_trains_as_one_of_the_tree_does() -> None:
    # Oracle: backpropagation, which is the same descent under its name in the tree.
    learning = CONFIG.learning.model_copy(update={"rule": "bp"})
    named = trained(CONFIG.model_copy(update={"learning": learning}), None)
    given = trained(CONFIG, Descent())
    one, other = (t.learners["ideal"].model for t in (named, given))
    for a, b in zip((*one.weights, *one.biases), (*other.weights, *other.biases), strict=True):
        assert a == pytest.approx(b, rel=1e-12)


def test_a_task_given_by_hand_trains_as_one_of_the_tree_does() -> None:
    setup = cosim.set_up(CONFIG)
    config = RunConfig(
        task=TaskConfig(epochs=3, layers=(2, 4, 1), batch=4),
        learning=setup.config.learning,
        simulation=CONFIG.simulation,
    )
    named, given = trained(CONFIG, None), trained(config, None, setup.task)
    one, other = (t.learners["ideal"].model for t in (named, given))
    for a, b in zip(one.weights, other.weights, strict=True):
        assert (a == b).all()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"loss_name": "hinge"}, "no loss 'hinge'; known: squared-error, cross-entropy"),
        ({"train_inputs": 0}, "train_inputs and train_targets: wanted shapes"),
        ({"test_targets": 1}, "test_inputs and test_targets: wanted shapes"),
        ({"train_inputs": 2}, "wanted arrays of finite numbers, of type float64"),
        ({"train_targets": 3}, "wanted arrays of finite numbers, of type float64"),
        ({"test_inputs": 4}, "train_inputs has 2 columns and test_inputs 1"),
    ],
)
def test_arrays_that_do_not_fit_get_one_line(change: dict[str, str | int], text: str) -> None:
    task = cosim.set_up(CONFIG).task
    parts: dict[str, Any] = {
        name: value if isinstance(value, str) else spoilt(getattr(task, name), value)
        for name, value in change.items()
    }
    with pytest.raises(UserError, match=text):
        cosim.set_up(CONFIG, task=replace(task, **parts))


def spoilt(array: Array, how: int) -> object:
    """Flat, a row short, not finite, of another type, or a column short."""
    return (
        array[:, 0], array[1:], array * float("nan"), array.astype("f4"), array[:, :1],
    )[how]  # fmt: skip


def test_layers_that_a_task_does_not_fit_get_one_line() -> None:
    task = cosim.set_up(CONFIG).task
    config = RunConfig(task=TaskConfig(layers=(3, 1)), simulation=CONFIG.simulation)
    with pytest.raises(UserError, match="wanted 2 inputs and 1 outputs, as the task has, got 3,1"):
        cosim.set_up(config, task=task)

"""The defaults learn: the loop of a co-simulation, on mathematics alone."""

from dataclasses import dataclass

import numpy as np
import pytest

from learning import (
    DEFAULTS,
    LOSSES,
    Activation,
    Array,
    Evidence,
    Model,
    Task,
    apply_update,
    forward,
    init_model,
    make_optimizer,
    make_rule,
    make_task,
)

LEAKY = Activation()
LEVEL = 5.8e-3
"""V; the two levels of a junction's noise are this far from their mean (design, section 3)."""


@dataclass(frozen=True)
class Trained:
    task: Task
    loss_before: float
    loss_after: float
    model: Model


def two_level(model: Model, batch: int, rng: np.random.Generator) -> tuple[Array, ...]:
    levels = np.array([-LEVEL, LEVEL])
    return tuple(levels[rng.integers(0, 2, (batch, n))] for n in model.layers[1:])


def train(name: str, seed: int, rule_name: str = "danp") -> Trained:
    defaults, rng = DEFAULTS[name], np.random.default_rng(seed)
    task = make_task(name, None, None, rng, LEAKY)
    model = init_model(defaults.layers, rng, scale=defaults.init_scale)
    rule = make_rule(rule_name, biases=defaults.biases, sigma=LEVEL, loss_name=task.loss_name)
    optimizer = make_optimizer(defaults.optimizer, defaults.eta)
    state = optimizer.init((*model.weights, *model.biases))
    loss = LOSSES[task.loss_name]

    def score() -> float:
        prediction = forward(model, task.train_inputs, None, LEAKY).prediction
        return float(np.mean(loss.value(prediction, task.train_targets)))

    before = score()
    for _ in range(defaults.epochs):
        order = rng.permutation(len(task.train_inputs))
        for start in range(0, len(order), defaults.batch):
            picked = order[start : start + defaults.batch]
            x, y = task.train_inputs[picked], task.train_targets[picked]
            noise = [two_level(model, len(x), rng) for _ in range(2)]
            first = forward(model, x, None if rule.clean_first_pass else noise[0], LEAKY)
            second = forward(model, x, noise[1], LEAKY)
            one, two = (loss.value(a.prediction, y) for a in (first, second))
            update = rule.update(model, Evidence(first, second, one, two, noise[1], y))
            model, state = apply_update(model, update, optimizer, state, defaults.decor_rate)
    return Trained(task, before, score(), model)


def test_teacher_is_learned() -> None:
    done = [train("teacher", seed) for seed in range(4)]
    # 235 at the median of 30 seeds, six of them below 30 (defaults.py): a median of few seeds.
    assert np.median([d.loss_before / d.loss_after for d in done]) > 30


@pytest.mark.parametrize("rule_name", ["danp", "anp"])
def test_xor_is_learned(rule_name: str) -> None:
    right = 0
    for seed in range(10):
        done = train("xor", seed, rule_name)
        prediction = forward(done.model, done.task.test_inputs, None, LEAKY).prediction
        right += done.task.accuracy(prediction, done.task.test_targets) == 1.0
    assert right >= 9


def test_iris_is_learned_by_flowers_it_has_not_seen() -> None:
    accuracies: list[float] = []
    for seed in range(5):
        done = train("iris", seed)
        prediction = forward(done.model, done.task.test_inputs, None, LEAKY).prediction
        accuracies.append(done.task.accuracy(prediction, done.task.test_targets) or 0.0)
        # Ten is what R_f/R_min realises in the design.
        assert max(np.max(np.abs(w)) for w in done.model.effective_weights()) < 10
    assert np.median(accuracies) >= 0.92  # 0.96 over 40 seeds; one flower of 50 is 0.02


def test_digits_are_learned_that_were_not_seen() -> None:
    for seed in range(3):
        done = train("digits", seed)
        prediction = forward(done.model, done.task.test_inputs, None, LEAKY).prediction
        # 0.954 at the median of 10 seeds and 0.947 at the least (defaults.py); guessing is 0.1.
        assert (done.task.accuracy(prediction, done.task.test_targets) or 0.0) >= 0.93
        assert max(np.max(np.abs(w)) for w in done.model.effective_weights()) < 10

"""Train a circuit in the loop beside its ideal twin, on the same samples and the same noise.

One step of either: write the weights, run a pair of noisy passes per sample, measure, update.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from learning import Activity, Evidence, Model, State, apply_update
from sim.engine import Engine, Readout
from sim.engines import IdealEngine, NgspiceEngine
from sim.errors import UserError
from sim.guards import NO_PASSES, Tally
from sim.passes import Passes, split_layers
from sim.preparation import IDEAL, Setup, circuit_weights, set_up
from sim.sources import Drawn

__all__ = [
    "IDEAL",
    "Epoch",
    "Evaluation",
    "Learner",
    "Setup",
    "Training",
    "begin",
    "effective_weights",
    "evaluate",
    "make_engines",
    "measure",
    "set_up",
    "step",
    "train",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Learner:
    """One network that learns: an engine and what it has learned.

    Attributes:
        engine: runs its passes.
        model: weights, biases and decorrelation.
        memory: of the optimizer.
        skipped: updates skipped because both passes were the same.
        clipped: weights that did not fit the resistors when last written.
        energy: drawn in all training passes so far, J; NaN where it is not known.
        tally: training passes so far, and how they came out.
    """

    engine: Engine
    model: Model
    memory: State
    skipped: int = 0
    clipped: int = 0
    energy: float = 0.0
    tally: Tally = NO_PASSES


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
        number: from 1.
        losses: per-sample loss in pass 1 during the epoch, by learner; shape (S,).
        skipped: updates skipped in the epoch, by learner.
        doubtful: passes of the epoch that are doubtful, by learner.
    """

    number: int
    losses: dict[str, Array]
    skipped: dict[str, int]
    doubtful: dict[str, int]


@dataclass(frozen=True)
class Evaluation:
    """A network's score on a set of samples.

    Attributes:
        loss: mean over the samples.
        accuracy: share classified rightly; None for regression.
        tally: how the passes came out that it is the mean of.
    """

    loss: float
    accuracy: float | None
    tally: Tally


@dataclass
class Training:
    """A training under way: the learners and what their epochs gave."""

    setup: Setup
    learners: dict[str, Learner]
    epochs: list[Epoch] = field(default_factory=list)


def begin(setup: Setup, engines: dict[str, Engine]) -> Training:
    """Learners at the start, one an engine."""
    memory = setup.optimizer.init((*setup.start.weights, *setup.start.biases))
    learners = {
        name: Learner(engine, setup.start, memory)
        for name, engine in engines.items()
        if name == "ideal" or not setup.rule.needs_gradient
    }
    return Training(setup, learners)


def make_engines(setup: Setup, **circuit_options: object) -> dict[str, Engine]:
    """The twin, and the circuit where the configuration asks for it."""
    twin = IdealEngine(setup.network, setup.circuit, setup.activation)
    engines: dict[str, Engine] = {"ideal": twin}
    if setup.config.simulation.engine == "ngspice":
        engines["in_loop"] = NgspiceEngine(
            setup.network,
            setup.circuit,
            setup.clock,
            strings=setup.strings,
            solver=setup.config.simulation.solver(),
            **circuit_options,  # pyright: ignore[reportArgumentType]
        )
    return engines


def train(
    training: Training,
    *,
    after_epoch: Callable[[Epoch], None] = lambda _: None,
    after_step: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    record: Callable[[Drawn], None] = lambda _: None,
) -> bool:
    """Train all learners side by side on the same samples and noise.

    Args:
        training: learners to start from; moved on in place, step by step.
        after_epoch: told of each finished epoch.
        after_step: told how many samples were seen so far.
        stop: asked after each step whether to stop early.
        record: told of all noise that is drawn.

    Returns:
        Whether training ran to its end.

    Raises:
        UserError: a learner diverged; the others stand where they were.
    """
    setup = training.setup
    task, sizes = setup.task, setup.config.task
    silent = setup.config.simulation.noise_off
    schedule = setup.schedule(0, silent=silent, record=record)
    order = setup.order()
    count, seen = len(task.train_inputs), 0
    batch = sizes.batch or 1
    for number in range(1, (sizes.epochs or 0) + 1):
        shuffled = order.permutation(count)
        losses = {name: np.full(count, np.nan) for name in training.learners}
        before = dict(training.learners)
        for begin_at in range(0, count, batch):
            picked = shuffled[begin_at : begin_at + batch]
            inputs, targets = task.train_inputs[picked], task.train_targets[picked]
            passes = schedule.draw(inputs, clean_first=setup.rule.clean_first_pass)
            for name, learner in training.learners.items():
                with np.errstate(over="ignore", invalid="ignore"):  # divergence is looked for next
                    moved, losses[name][picked] = step(setup, learner, passes, targets)
                _require_finite(setup, name, number, moved, losses[name][picked])
                training.learners[name] = moved
            seen += len(picked)
            after_step(seen)
            if stop():
                return False
        after = training.learners.items()
        skipped = {n: learner.skipped - before[n].skipped for n, learner in after}
        doubtful = {n: learner.tally.doubtful - before[n].tally.doubtful for n, learner in after}
        training.epochs.append(Epoch(number, losses, skipped, doubtful))
        after_epoch(training.epochs[-1])
    return True


def step(setup: Setup, learner: Learner, passes: Passes, targets: Array) -> tuple[Learner, Array]:
    """One update from one mini-batch.

    Args:
        setup: rule, loss and optimizer.
        learner: before the step.
        passes: pairs in the order of time, 2 B.
        targets: shape (B, N_L).

    Returns:
        The learner after it, and the per-sample loss of pass 1, shape (B,).
    """
    clipped = learner.engine.write(effective_weights(learner.model, setup))
    readout = learner.engine.run(passes)
    evidence = measure(setup, passes, readout, targets)
    update = setup.rule.update(learner.model, evidence)
    model, memory = apply_update(
        learner.model,
        update,
        setup.optimizer,
        learner.memory,
        setup.config.learning.decor_rate or 0.0,
    )
    moved = replace(
        learner,
        model=model,
        memory=memory,
        skipped=learner.skipped + update.skipped,
        clipped=clipped,
        energy=learner.energy + float(readout.energy.sum()),
        tally=learner.tally + Tally.of(readout.doubts),
    )
    return moved, evidence.loss_first


def _require_finite(setup: Setup, name: str, epoch: int, learner: Learner, losses: Array) -> None:
    arrays = (losses, *learner.model.weights, *learner.model.biases, *learner.model.decor)
    if not all(np.isfinite(array).all() for array in arrays):
        learning = setup.config.learning
        raise UserError(
            f"training of {name.replace('_', ' ')} diverged in epoch {epoch}: a weight or loss is "
            f"no longer finite; try a smaller --eta (now {learning.eta:g}) or --decor-rate "
            f"(now {learning.decor_rate:g})"
        )


def measure(setup: Setup, passes: Passes, readout: Readout, targets: Array) -> Evidence:
    """What the rule is given: activities and losses of both passes of each sample."""
    first = _activity(passes.inputs[::2], readout[::2])
    second = _activity(passes.inputs[1::2], readout[1::2])
    noise = passes.noise[1::2] - passes.noise[::2]
    return Evidence(
        first=first,
        second=second,
        loss_first=setup.loss.value(first.prediction, targets),
        loss_second=setup.loss.value(second.prediction, targets),
        noise=split_layers(noise, setup.network.layers),
        target=targets,
    )


def _activity(inputs: Array, readout: Readout) -> Activity:
    return Activity(inputs, readout.pre, readout.outputs)


def effective_weights(model: Model, setup: Setup) -> tuple[Array, ...]:
    """Weights as the circuit holds them: `W·decor`, biases as a last column over `v_one`."""
    return circuit_weights(model, setup.network, setup.circuit)


def evaluate(setup: Setup, engine: Engine, model: Model) -> Evaluation:
    """Loss and accuracy on the test samples, with the noise held off unless asked otherwise."""
    task = setup.task
    engine.write(effective_weights(model, setup))
    schedule = setup.schedule(1)
    noisy = setup.config.simulation.evaluation_noise and not setup.config.simulation.noise_off
    if noisy:
        readout = engine.run(schedule.draw(task.test_inputs))[::2]
    else:
        readout = engine.run(schedule.held(task.test_inputs))
    prediction = readout.outputs[-1]
    return Evaluation(
        float(np.mean(setup.loss.value(prediction, task.test_targets))),
        task.accuracy(prediction, task.test_targets),
        Tally.of(readout.doubts),
    )

"""Train a circuit in the loop beside its ideal twin, on the same samples and the same noise.

One step of either: write the weights, run a pair of noisy passes per sample, measure, update. The
circuit's passes are worked out by mathematics too, at the weights that were asked of it: their
difference is the deviation during training. What its devices make of these weights is part of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from learning import Activity, Evidence, Model, apply_update
from sim.engine import Engine, Readout
from sim.engines import IdealEngine
from sim.engines.description import EngineDescription
from sim.errors import UserError
from sim.guards import Tally
from sim.passes import Passes, split_layers
from sim.preparation import IDEAL, Setup, circuit_weights, set_up
from sim.programmed import hold
from sim.scoring import Stop, never, run_stoppable
from sim.sources import Drawn
from sim.training import Epoch, Learner, Training, Underway, begin
from sim.workers import Care, Pool, WorkerEngine

__all__ = [
    "IDEAL",
    "Asked",
    "DivergedError",
    "Epoch",
    "Evaluation",
    "Learner",
    "Setup",
    "Training",
    "ask",
    "begin",
    "effective_weights",
    "evaluate",
    "make_engines",
    "measure",
    "set_up",
    "step",
    "train",
    "write",
]

Array = NDArray[np.float64]


class DivergedError(UserError):
    """A weight or a loss is no longer finite."""


@dataclass(frozen=True)
class Evaluation:
    """A network's score on a set of samples.

    Attributes:
        loss: mean over the samples, V² or nat.
        accuracy: share classified rightly, 0 to 1; None for regression.
        tally: how the passes came out that it is the mean of.
    """

    loss: float
    accuracy: float | None
    tally: Tally


def make_engines(setup: Setup, *, keep: Path | None = None, jobs: int = 0) -> dict[str, Engine]:
    """The twin, and the circuit where the configuration asks for it.

    Args:
        setup: what they are made from.
        keep: folder for what is left of a failed simulation; a temporary one by default.
        jobs: worker processes for the circuit; 0: it is simulated in this one.

    Returns:
        Engines by learner: `ideal`, and `in_loop` where there is a circuit.
    """
    twin = IdealEngine(setup.network, setup.circuit, setup.activation)
    engines: dict[str, Engine] = {"ideal": twin}
    simulation = setup.config.simulation
    if simulation.engine == "ngspice":
        description = EngineDescription(
            setup.network,
            setup.circuit,
            setup.clock,
            setup.strings,
            simulation.solver(),
            simulation.reduction,
        )
        if jobs:
            pool = Pool(jobs, Care(simulation.deadline, simulation.attempts))
            engines["in_loop"] = WorkerEngine(description, pool, keep=keep)
        else:
            engines["in_loop"] = description.make(keep)
    return engines


def train(
    training: Training,
    *,
    after_epoch: Callable[[Epoch], None] = lambda _: None,
    after_step: Callable[[int], None] = lambda _: None,
    stop: Stop = never,
    record: Callable[[Drawn], None] = lambda _: None,
) -> bool:
    """Train all learners side by side on the same samples and noise.

    Args:
        training: to go on with from where it stands; moved on in place, step by step.
        after_epoch: told of each finished epoch.
        after_step: told how many samples were seen so far.
        stop: asked after each step, and after what is told of it, whether to stop.
        record: told of all noise that is drawn.

    Returns:
        Whether training ran to its end.

    Raises:
        DivergedError: a learner diverged; the others stand where they were.
        SimulationError: ngspice failed.
    """
    while not training.finished:
        epoch = _advance(training, record)
        after_step(training.seen)
        if epoch:
            after_epoch(epoch)
        if stop():
            return False
    return True


def _advance(training: Training, record: Callable[[Drawn], None]) -> Epoch | None:
    """One step of every learner; returns the epoch that it finished, if any."""
    setup = training.setup
    underway = training.enter_epoch()
    batch = setup.config.task.batch or 1
    picked = underway.order[underway.done : underway.done + batch]
    inputs, targets = setup.task.train_inputs[picked], setup.task.train_targets[picked]
    passes = training.schedule.draw(inputs, clean_first=setup.rule.clean_first_pass, record=record)
    learners = training.learners.items()
    # Workers are asked before the mathematics, which this process works out meanwhile.
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is looked for next
        asked = {name: ask(setup, learner, passes) for name, learner in learners}
    for name, learner in learners:
        with np.errstate(over="ignore", invalid="ignore"):
            given = asked[name]
            wanted = None if name == "ideal" else _by_mathematics(setup, given.weights, passes)
            moved, losses, readout = step(setup, learner, passes, targets, given)
            if wanted:
                _add_deviation(underway, readout, wanted)
        _require_finite(setup, name, len(training.epochs) + 1, moved, losses)
        training.learners[name] = moved
        underway.losses[name][picked] = losses
    underway.done += len(picked)
    return training.leave_epoch()


def _by_mathematics(setup: Setup, weights: Sequence[Array], passes: Passes) -> Readout:
    """What the twin's mathematics makes of a circuit's passes, at the weights asked of it."""
    mathematics = IdealEngine(setup.network, setup.circuit, setup.activation)
    mathematics.write(weights)
    return mathematics.run(passes)


def _add_deviation(underway: Underway, circuit: Readout, mathematics: Readout) -> None:
    for simulated, wanted in zip(circuit.outputs, mathematics.outputs, strict=True):
        difference = (simulated - wanted).ravel()
        underway.squares += float(difference @ difference)
        underway.outputs += difference.size


@dataclass(frozen=True)
class Asked:
    """Passes that an engine was given.

    Attributes:
        weights: that were asked for, as of `effective_weights`.
        model: that the update starts from: the learner's, or without an accumulator what is
            known of its devices.
        clipped: weights that did not fit the resistors.
        wait: for the readout.
    """

    weights: tuple[Array, ...]
    model: Model
    clipped: int
    wait: Callable[[], Readout]


def ask(setup: Setup, learner: Learner, passes: Passes) -> Asked:
    """Write a learner's weights, and give its engine passes; workers begin with them at once.

    Raises:
        DivergedError: what is known of the devices is the weights of no model.
    """
    engine, model = learner.engine, learner.model
    weights = effective_weights(model, setup)
    if learner.synapses is None:
        clipped = engine.write(weights)
    else:
        learner.synapses.write(weights)
        pairs = learner.synapses.read()
        clipped = sum(layer.clipped for layer in pairs)
        hold(engine, pairs)
        if not setup.circuit.write_back.accumulator:
            model = _told_model(setup, model, learner.synapses.told())
    if isinstance(engine, WorkerEngine):
        return Asked(weights, model, clipped, engine.submit(passes))
    return Asked(weights, model, clipped, lambda: engine.run(passes))


def _told_model(setup: Setup, model: Model, told: Sequence[Array]) -> Model:
    """The model of what is known of the devices; its decorrelation stays digital."""
    weights, biases = [], list(model.biases)
    for layer, (array, decor) in enumerate(zip(told, model.decor, strict=True)):
        inputs = len(decor)
        try:
            weights.append(np.linalg.solve(decor.T, array[:, :inputs].T).T)
        except np.linalg.LinAlgError:
            raise DivergedError(
                f"training diverged: no weights behind the decorrelation of layer {layer + 1} make "
                "what the devices were set to; try a smaller --decor-rate "
                f"(now {setup.config.learning.decor_rate:g})"
            ) from None
        if setup.network.biases:
            biases[layer] = array[:, inputs] * setup.circuit.v_one
    return Model(tuple(weights), tuple(biases), model.decor)


def step(
    setup: Setup, learner: Learner, passes: Passes, targets: Array, asked: Asked
) -> tuple[Learner, Array, Readout]:
    """One update from one mini-batch.

    Args:
        setup: rule, loss and optimizer.
        learner: before the step.
        passes: pairs in the order of time, 2 B.
        targets: shape (B, N_L).
        asked: the passes, as given to the engine.

    Returns:
        The learner after it, the per-sample loss of pass 1, shape (B,), and the node voltages of
        all passes.
    """
    readout = asked.wait()
    evidence = measure(setup, passes, readout, targets)
    update = setup.rule.update(asked.model, evidence)
    model, memory = apply_update(
        asked.model,
        update,
        setup.optimizer,
        learner.memory,
        setup.config.learning.decor_rate or 0.0,
    )
    if learner.synapses:
        learner.synapses.wait(len(passes) * setup.clock.t_pass)
    moved = replace(
        learner,
        model=model,
        memory=memory,
        skipped=learner.skipped + update.skipped,
        clipped=asked.clipped,
        energy=learner.energy + float(readout.energy.sum()),
        tally=learner.tally + Tally.of(readout.doubts),
    )
    return moved, evidence.loss_first, readout


def _require_finite(setup: Setup, name: str, epoch: int, learner: Learner, losses: Array) -> None:
    model = learner.model
    arrays = (losses, *model.weights, *model.biases, *model.decor)
    with np.errstate(over="ignore", invalid="ignore"):
        # Bounds of what is written next, whose sums must not be infinities that cancel.
        bounds = [
            np.abs(w).max() * np.abs(decor).max() * len(decor)
            for w, decor in zip(model.weights, model.decor, strict=True)
        ]
    if not all(np.isfinite(array).all() for array in (*arrays, bounds)):
        learning = setup.config.learning
        raise DivergedError(
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
    """Weights that a circuit is to hold: `W·decor`, biases as a last column over `v_one`.

    Args:
        model: weights, biases and decorrelation.
        setup: network and circuit.

    Returns:
        An array a layer, shape (N_l, N_{l-1}), with biases (N_l, N_{l-1} + 1); V/V.
    """
    return circuit_weights(model, setup.network, setup.circuit)


def write(
    setup: Setup, engine: Engine, model: Model, pairs: Sequence[ResistorPairs] | None
) -> None:
    """Have an engine hold a model.

    Args:
        setup: network and circuit.
        engine: mathematics, or a circuit.
        model: whose weights it gets.
        pairs: resistors that hold them; None: those of ideal devices.
    """
    if pairs is None:
        engine.write(effective_weights(model, setup))
    else:
        hold(engine, pairs)


def evaluate(
    setup: Setup,
    engine: Engine,
    model: Model,
    stop: Stop = never,
    *,
    pairs: Sequence[ResistorPairs] | None = None,
) -> Evaluation:
    """Loss and accuracy on the test samples, with the noise held off unless asked otherwise.

    Args:
        setup: task, loss and noise.
        engine: runs the passes.
        model: whose weights it gets.
        stop: asked on the way whether to stop.
        pairs: resistors that hold the model (`sim.programmed`); by default those of ideal devices.

    Raises:
        SimulationError: ngspice failed.
        StoppedError: `stop` said so.
    """
    task = setup.task
    write(setup, engine, model, pairs)
    schedule = setup.schedule(1)
    noisy = setup.config.simulation.evaluation_noise and not setup.config.simulation.noise_off
    if noisy:
        readout = run_stoppable(engine, schedule.draw(task.test_inputs), stop)[::2]
    else:
        readout = run_stoppable(engine, schedule.held(task.test_inputs), stop)
    prediction = readout.outputs[-1]
    return Evaluation(
        float(np.mean(setup.loss.value(prediction, task.test_targets))),
        task.accuracy(prediction, task.test_targets),
        Tally.of(readout.doubts),
    )

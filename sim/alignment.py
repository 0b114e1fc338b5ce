"""The angle between a rule's mean update and the true gradient, before training."""

import math
from dataclasses import dataclass

import numpy as np

from learning import angle_deg, loss_gradient
from sim.engine import Engine
from sim.guards import Tally
from sim.loop import Setup, measure, write
from sim.passes import join_passes
from sim.programmed import at_start
from sim.scoring import Stop, never, run_stoppable

_MOST = 400  # samples that are presented


@dataclass(frozen=True)
class Alignment:
    """Angles in degrees, by learner; None where the update was zero.

    Attributes:
        pairs: pairs of passes that the mean is over.
        degrees: by learner.
        tallies: how their passes came out, by learner.
    """

    pairs: int
    degrees: dict[str, float | None]
    tallies: dict[str, Tally]


def measure_alignment(
    setup: Setup, engines: dict[str, Engine], pairs: int, stop: Stop = never
) -> Alignment:
    """Mean update over the training samples against the gradient, at the start of training.

    A circuit has the resistors that its devices became when the start was written to them first.

    Args:
        setup: rule, task, start.
        engines: by learner; all see the same noise.
        pairs: of passes, at least; every sample gets the same number. Of a large training set some
            hundred samples are taken, for the gradient too.
        stop: asked on the way whether to stop.

    Raises:
        StoppedError: `stop` said so.
    """
    task = setup.task
    # Of many samples some, evenly spaced: they are presented in the circuit, one by one.
    count = len(task.train_inputs)
    some = np.linspace(0, count, min(_MOST, count), endpoint=False).astype(int)
    samples, scored = task.train_inputs[some], task.train_targets[some]
    repeats = max(1, math.ceil(pairs / len(samples)))
    gradient = loss_gradient(setup.start, samples, scored, task.loss_name, setup.activation)
    wanted = [*gradient[0], *(gradient[1] if setup.network.biases else ())]
    inputs, targets = np.repeat(samples, repeats, axis=0), np.repeat(scored, repeats, axis=0)
    schedule = setup.schedule(1, silent=setup.config.simulation.noise_off)
    # In the batches of training: a recording's order depends on them.
    batch = setup.config.task.batch or 1
    passes = join_passes(
        [
            schedule.draw(inputs[k : k + batch], clean_first=setup.rule.clean_first_pass)
            for k in range(0, len(inputs), batch)
        ]
    )
    degrees: dict[str, float | None] = {}
    tallies: dict[str, Tally] = {}
    for name, engine in engines.items():
        resistors = None if name == "ideal" else at_start(setup).pairs
        write(setup, engine, setup.start, resistors)
        readout = run_stoppable(engine, passes, stop)
        tallies[name] = Tally.of(readout.doubts)
        evidence = measure(setup, passes, readout, targets)
        update = setup.rule.update(setup.start, evidence)
        got = [*update.weights, *(update.biases if setup.network.biases else ())]
        zero = not any(np.any(array) for array in got)
        degrees[name] = None if zero else angle_deg(got, wanted)
    return Alignment(len(inputs), degrees, tallies)

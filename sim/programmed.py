"""What circuits hold: resistors that a chip's devices became when weights were written to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from circuits.write_back import SynapseArray
from learning import Model
from sim.engine import Circuit, Engine
from sim.preparation import Setup, circuit_weights
from sim.training import Learner

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Programmed:
    """What became of weights in a chip's devices.

    Attributes:
        pairs: the resistors, as they were read once; a record a layer.
        errors: by layer, what the devices hold minus what was asked for, without read noise, rms,
            V/V.
        writes: devices programmed since the chip was new; pulses of rram-weak-reset.
    """

    pairs: tuple[ResistorPairs, ...]
    errors: tuple[float, ...]
    writes: int


def at_start(setup: Setup) -> Programmed:
    """The chip that learns, as the weights of the start are written to it first."""
    return _written(setup, setup.synapse_array(0), setup.start, 0.0)


def transferred(setup: Setup, model: Model) -> Programmed:
    """The same chip with a model written to it once, after the retention time."""
    array = setup.synapse_array(1)
    return _written(setup, array, model, setup.circuit.write_back.retention)


def as_trained(setup: Setup, learner: Learner) -> Programmed:
    """A learner's chip with what was learned last written to it, after the retention time.

    The learner's own devices stay as they are, so that its training can go on.

    Raises:
        ValueError: it has no devices.
    """
    if learner.synapses is None:
        raise ValueError("wanted a learner with devices, got the twin")
    array = setup.synapse_array(0)
    array.restore(learner.synapses.state())
    return _written(setup, array, learner.model, setup.circuit.write_back.retention)


def hold(engine: Engine, pairs: Sequence[ResistorPairs]) -> None:
    """Set an engine's resistors.

    Raises:
        TypeError: it has none.
    """
    if not isinstance(engine, Circuit):
        raise TypeError(f"wanted an engine with resistors, got {engine.name}")
    engine.set_resistors(pairs)


def _written(setup: Setup, array: SynapseArray, model: Model, retention: float) -> Programmed:
    weights = circuit_weights(model, setup.network, setup.circuit)
    array.write(weights)
    array.wait(retention)
    errors = tuple(
        float(np.sqrt(np.mean((held - w) ** 2)))
        for held, w in zip(array.held(), weights, strict=True)
    )
    return Programmed(array.read(), errors, array.writes)

"""Weights and the resistors that hold them, before training and after."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from circuits.synapse import OPEN
from learning import Model
from sim.errors import UserError
from sim.preparation import circuit_weights
from sim.results import Run

Array = NDArray[np.float64]

_AT = 1e-9  # relative; resistors this close to a limit are at it


@dataclass(frozen=True)
class Held:
    """A layer's weights as the circuit holds them.

    Attributes:
        weights: dimensionless, shape (neurons, inputs), the bias last.
        ohms: R+ and R−, Ω, shape (2, neurons, inputs); (2, 0, 0) without a circuit.
    """

    weights: Array
    ohms: Array = field(default_factory=lambda: np.empty((2, 0, 0)))


@dataclass(frozen=True)
class Layer:
    """A layer's synapses.

    Attributes:
        number: from 1.
        neurons: names of their pre-activations.
        inputs: names of the nodes before them, and `bias`.
        before: at the start.
        after: trained.
    """

    number: int
    neurons: tuple[str, ...]
    inputs: tuple[str, ...]
    before: Held
    after: Held


@dataclass(frozen=True)
class Limits:
    """How many resistors are at an end of their range.

    Attributes:
        count: resistors, R+ and R− of all layers.
        at_min: of them at R_min.
        at_max: at R_max.
        pairs: weights.
        both_max: weights of which both resistors are at R_max: they are zero.
    """

    count: int
    at_min: int
    at_max: int
    pairs: int
    both_max: int


def layers_of(run: Run) -> tuple[Layer, ...]:
    """Read all layers: the circuit's resistors, else what the twin would program into them.

    The weights of a circuit are those of its resistors, `R_f (1/R+ − 1/R−)`.

    Raises:
        UserError: the arrays are missing, or of another network than the configuration.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # of a training that diverged
            layers = _layers(run)
        sound = all(
            held.weights.shape == (len(one.neurons), len(one.inputs)) and (held.ohms > 0).all()
            for one in layers
            for held in (one.before, one.after)
        )
    except (ValueError, TypeError, KeyError):  # shapes and kinds that do not fit
        sound, layers = False, ()
    if not sound:
        raise UserError(
            f"{run.path / 'weights.npz'}: is of another network than config.toml, or damaged; "
            "wanted what the run wrote; run it again"
        )
    return layers


def _layers(run: Run) -> tuple[Layer, ...]:
    network, circuit = run.config.network, run.config.circuit
    if run.has_circuit:
        held = {when: _from_resistors(run, when) for when in ("before", "after")}
    else:
        held = {
            when: [Held(w) for w in circuit_weights(_model(run, learner), network, circuit)]
            for when, learner in (("before", "start"), ("after", "ideal"))
        }
    layers = []
    for k in range(1, len(network.layers)):
        neurons = tuple(f"a{k}_{j}" for j in range(1, network.layers[k] + 1))
        inputs = tuple(f"x{k - 1}_{i}" for i in range(1, network.layers[k - 1] + 1))
        bias = ("bias",) if network.biases else ()
        layers.append(Layer(k, neurons, inputs + bias, held["before"][k - 1], held["after"][k - 1]))
    return tuple(layers)


def limits_of(run: Run, layers: tuple[Layer, ...]) -> Limits:
    """Count the trained resistors at R_min and R_max."""
    synapse = run.config.circuit.synapse
    ohms = np.concatenate([layer.after.ohms.reshape(2, -1) for layer in layers], axis=1)
    top = np.isclose(ohms, min(synapse.r_max, OPEN), rtol=_AT, atol=0)
    return Limits(
        count=ohms.size,
        at_min=int(np.isclose(ohms, synapse.r_min, rtol=_AT, atol=0).sum()),
        at_max=int(top.sum()),
        pairs=ohms.shape[1],
        both_max=int(top.all(axis=0).sum()),
    )


def _from_resistors(run: Run, when: str) -> list[Held]:
    found, feedback = run.resistors[when], run.config.circuit.synapse.r_feedback
    layers = []
    for k in range(1, len(run.config.network.layers)):
        ohms = np.stack([found[f"R_{sign}{k}"].to_numpy() for sign in ("plus", "minus")])
        layers.append(Held(feedback * (1 / ohms[0] - 1 / ohms[1]), ohms))
    return layers


def _model(run: Run, learner: str) -> Model:
    found = run.weights[learner]
    layers = range(1, len(run.config.network.layers))
    weights, biases, decor = (
        tuple(found[f"{kind}{k}"].to_numpy() for k in layers) for kind in ("W", "b", "decor")
    )
    return Model(weights, biases, decor)

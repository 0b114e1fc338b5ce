"""A circuit and what it is asked, and how parts of it are made ideal."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from circuits import CircuitParameters, NoiseString, ResistorPairs
from circuits.synapse import OPEN
from netlists.build import SolverSettings
from sim.clock import Clock
from sim.engine import Array
from sim.passes import Passes


@dataclass(frozen=True)
class Variant:
    """A circuit and what it is asked.

    Attributes:
        circuit: parameters of every part.
        strings: noise string of each neuron; none for another source.
        passes: inputs, and the noise that these strings make of their junctions' states.
        solver: accuracy of the simulator.
        weights: that were asked for, V/V, a layer each.
        pairs: resistors that hold them, a layer each.
    """

    circuit: CircuitParameters
    strings: tuple[NoiseString, ...]
    passes: Passes
    solver: SolverSettings
    weights: tuple[Array, ...] = ()
    pairs: tuple[ResistorPairs, ...] = ()

    @property
    def as_asked(self) -> tuple[ResistorPairs, ...]:
        """The resistors that ideal devices hold the weights with, within their range."""
        return tuple(self.circuit.synapse.program(weights) for weights in self.weights)

    def with_range(self, r_min: float, r_max: float) -> "Variant":
        """Weight resistors of another range, each as far off in conductance as it was.

        A conductance that would be less than none is none.
        """
        limits = {"r_min": r_min, "r_max": r_max}
        other = self.with_circuit(synapse=self.circuit.synapse.model_copy(update=limits))
        layers = zip(self.pairs, self.as_asked, other.as_asked, strict=True)
        pairs = tuple(
            ResistorPairs(
                _as_far_off(now.plus, before.plus, after.plus),
                _as_far_off(now.minus, before.minus, after.minus),
                after.clipped,
            )
            for now, before, after in layers
        )
        return replace(other, pairs=pairs)

    def with_circuit(self, **sections: Any) -> "Variant":
        """Some of the circuit's parameters replaced."""
        return replace(self, circuit=self.circuit.model_copy(update=sections))

    def with_opamps(self, **figures: float) -> "Variant":
        """All op-amps alike in some figures, those that differed in them too."""
        circuit = self.circuit
        alike = {
            name: exception.model_copy(update=dict.fromkeys(figures.keys() & exception.figures))
            for name, exception in circuit.exceptions.items()
        }
        return self.with_circuit(
            opamp=circuit.opamp.model_copy(update=figures),
            exceptions={name: exception for name, exception in alike.items() if exception.figures},
        )

    def with_nominal_parts(self) -> "Variant":
        """All resistors and diodes as the rest are; weight resistors aside."""
        alike = {
            name: exception.model_copy(update={"ratio": None})
            for name, exception in self.circuit.exceptions.items()
        }
        return self.with_circuit(
            exceptions={name: exception for name, exception in alike.items() if exception.figures}
        )

    def with_half_bias(self, v_half: float) -> "Variant":
        """All junctions with a TMR that halves at `v_half` V; their states stay as they are."""
        strings = tuple(
            replace(
                string,
                junctions=tuple(
                    junction.model_copy(update={"v_half": v_half}) for junction in string.junctions
                ),
            )
            for string in self.strings
        )
        states = self.passes.controls.reshape(len(self.passes), len(strings), -1).astype(np.uint8)
        noise = [string.node_noise(states[:, j]) for j, string in enumerate(strings)]
        changed = self.with_circuit(smtj=self.circuit.smtj.model_copy(update={"v_half": v_half}))
        passes = replace(self.passes, noise=np.stack(noise, axis=1))
        return replace(changed, strings=strings, passes=passes)


def _as_far_off(now: Array, before: Array, after: Array) -> Array:
    """Resistors around `after` with the errors in conductance that `now` has around `before`."""
    conductance = np.maximum(1 / after + (1 / now - 1 / before), 1 / OPEN)
    return np.where(now == before, after, 1 / conductance)


@dataclass(frozen=True)
class Case:
    """What is asked about: the circuit as it was run.

    Attributes:
        real: as it was.
        clock: lengths and fidelity of passes.
        clipped: weights that did not fit its resistors.
        hidden: whether there are hidden neurons.
        held_off: whether the noise is.
        calibrated: whether the mathematics has the rectifier's measured curve.
    """

    real: Variant
    clock: Clock
    clipped: int
    hidden: bool
    held_off: bool
    calibrated: bool

    @property
    def circuit(self) -> CircuitParameters:
        """The circuit as it was."""
        return self.real.circuit

    def differing(self, figure: str) -> tuple[str, ...]:
        """Parts that differ from the rest in a figure."""
        exceptions = self.circuit.exceptions
        return tuple(name for name, exception in exceptions.items() if figure in exception.figures)

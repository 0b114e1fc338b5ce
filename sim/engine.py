"""What an engine is: it holds weights, runs passes, and gives plain arrays back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from sim.guards import Tally
from sim.passes import Passes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Readout:
    """Node voltages at the sampling instants.

    Attributes:
        pre: pre-activations a_l, V, one (P, N_l) a layer.
        outputs: outputs x_l, V, likewise; the last layer's are its pre-activations.
        energy: drawn from all supplies during each pass, J, shape (P,); NaN where the op-amps have
            no supply pins, or there is no circuit.
        doubts: what is doubtful about each pass, as `sim.guards.Doubt` flags, shape (P,); 0: ok.
    """

    pre: tuple[Array, ...]
    outputs: tuple[Array, ...]
    energy: Array
    doubts: NDArray[np.uint8]

    def __getitem__(self, index: slice) -> "Readout":
        """Some of the passes, in a slice."""
        return Readout(
            tuple(a[index] for a in self.pre),
            tuple(x[index] for x in self.outputs),
            self.energy[index],
            self.doubts[index],
        )


class Engine(Protocol):
    """Runs passes through a network whose weights were written before."""

    name: str
    tally: Tally
    """Passes run so far, and how they came out."""

    def write(self, weights: Sequence[Array]) -> int:
        """Set the weights.

        Args:
            weights: per layer, shape (N_l, N_{l−1}), with biases one column more.

        Returns:
            How many did not fit and were clipped.
        """
        ...

    def run(self, passes: Passes) -> Readout:
        """Run passes in order and sample every node.

        Raises:
            SimulationError: the simulator failed.
        """
        ...


@runtime_checkable
class Circuit(Engine, Protocol):
    """An engine whose weights are resistors."""

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        """The resistors set last, one record a layer."""
        ...

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        """Set all resistors, one record a layer; they count from the next pass on."""
        ...

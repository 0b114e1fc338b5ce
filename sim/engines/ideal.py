"""The twin: sums are exact, the rectifier is two straight lines or a measured curve."""

from collections.abc import Callable, Sequence

import numpy as np

from circuits import CircuitParameters, Network
from sim.engine import Array, Readout
from sim.guards import Tally
from sim.passes import Passes, split_layers


class IdealEngine:
    """`a = W x + ν`, `x = f(a)`, on the very noise that the circuit sees.

    Args:
        network: layers and biases.
        circuit: gives the voltage that stands for 1.
        activation: f, V to V in the same shape; the circuit's straight lines by default.
    """

    name = "ideal"

    def __init__(
        self,
        network: Network,
        circuit: CircuitParameters,
        activation: Callable[[Array], Array] | None = None,
    ) -> None:
        self._network = network
        self._activation = activation or circuit.activation.ideal_transfer
        self._constant = circuit.v_one
        self._weights: tuple[Array, ...] = ()
        self.tally = Tally()

    def write(self, weights: Sequence[Array]) -> int:
        """Set the weights; mathematics clips none."""
        self._weights = tuple(np.array(w) for w in weights)
        return 0

    def run(self, passes: Passes) -> Readout:
        """Run passes; no energy is drawn, and nothing is doubtful."""
        x = passes.inputs
        pre: list[Array] = []
        outputs: list[Array] = []
        noise = split_layers(passes.noise, self._network.layers)
        for layer, nu in enumerate(noise, start=1):
            a, x = self.layer(layer, x, nu)
            pre.append(a)
            outputs.append(x)
        doubts = np.zeros(len(passes), np.uint8)
        self.tally += Tally.of(doubts)
        return Readout(tuple(pre), tuple(outputs), np.full(len(passes), np.nan), doubts)

    def layer(self, layer: int, inputs: Array, noise: Array) -> tuple[Array, Array]:
        """One layer on its own, whatever it is fed with.

        Args:
            layer: from 1.
            inputs: outputs of the layer before, V, shape (P, N_{l−1}).
            noise: ν at its nodes, V, shape (P, N_l).

        Returns:
            Pre-activations and outputs, V, shape (P, N_l) each.
        """
        if self._network.biases:
            inputs = np.column_stack([inputs, np.full(len(inputs), self._constant)])
        a = inputs @ self._weights[layer - 1].T + noise
        return a, self._activation(a) if layer < len(self._weights) else a

"""The ideal-mathematics twin: sums are exact, the rectifier is two straight lines."""

from collections.abc import Sequence

import numpy as np

from circuits import CircuitParameters, Network
from sim.engine import Array, Readout
from sim.passes import Passes, split_layers


class IdealEngine:
    """`a = W x + ν`, `x = f(a)`, on the very noise that the circuit sees."""

    name = "ideal"

    def __init__(self, network: Network, circuit: CircuitParameters) -> None:
        self._network = network
        self._activation = circuit.activation
        self._constant = circuit.v_one
        self._weights: tuple[Array, ...] = ()
        self.passes = 0

    def write(self, weights: Sequence[Array]) -> int:
        """Set the weights; mathematics clips none."""
        self._weights = tuple(np.array(w) for w in weights)
        return 0

    def run(self, passes: Passes) -> Readout:
        """Run passes; no energy is drawn."""
        x = passes.inputs
        pre: list[Array] = []
        outputs: list[Array] = []
        noise = split_layers(passes.noise, self._network.layers)
        for layer, (w, nu) in enumerate(zip(self._weights, noise, strict=True), start=1):
            if self._network.biases:
                x = np.column_stack([x, np.full(len(x), self._constant)])
            a = x @ w.T + nu
            hidden = layer < len(self._weights)
            x = self._activation.ideal_transfer(a) if hidden else a
            pre.append(a)
            outputs.append(x)
        self.passes += len(passes)
        return Readout(tuple(pre), tuple(outputs), np.full(len(passes), np.nan))

"""Rows of weight resistors as one source and one resistor each, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circuits import Network, ResistorPairs
from sim.engine import Array

Values = dict[str, float]
"""By ngspice's name: Ω of resistors, V or A of sources."""


@dataclass(frozen=True)
class Rows:
    """The rows of a layer, seen from its neurons.

    Attributes:
        plus: conductances of R+ over their sum: the source's share of each input, 1, shape
            (N_l, N_{l−1}), the bias as a last column.
        minus: of R− likewise.
        gains: of the two sources to the pre-activation, 1, shape (2, N_l): R_f times the sums.
        resistors: by neuron, Ω of its `rp`, `rn` and, in a hidden layer, `rload`.
        sums: conductance of the two rows of every neuron, S, shape (2, N_l).
        constant: conductances on the source of biases, S, shape (2, N_l); 0 without biases.
    """

    plus: Array
    minus: Array
    gains: Array
    resistors: tuple[Values, ...]
    sums: Array
    constant: Array

    def sources(self, inputs: Array) -> dict[str, Array]:
        """Voltages of the rows' sources for inputs with biases.

        Args:
            inputs: V, shape (N_{l−1}, …).

        Returns:
            V, shape (N_l, …), of either side.
        """
        return {"p": self.plus @ inputs, "n": self.minus @ inputs}

    def returned(self, summing: Array) -> Array:
        """Current that summing nodes off ground send back into each input, A, shape (N_{l−1},).

        Args:
            summing: voltages of the summing nodes of R+ and of R−, V, shape (2, N_l).
        """
        currents = self.sums * summing
        return currents[0] @ self.plus + currents[1] @ self.minus


def reduce_rows(
    network: Network, pairs: Sequence[ResistorPairs], r_feedback: float
) -> tuple[Rows, ...]:
    """The rows of every layer.

    Args:
        network: gives biases.
        pairs: weight resistors of each layer.
        r_feedback: R_f, Ω.
    """
    conductances = [(1 / pair.plus, 1 / pair.minus) for pair in pairs]
    reduced = []
    for layer, (plus, minus) in enumerate(conductances):
        sums = np.array([plus.sum(axis=1), minus.sum(axis=1)])
        loads: list[float] = []
        if layer + 1 < len(conductances):
            after = conductances[layer + 1]
            loads = (after[0] + after[1]).sum(axis=0)[: len(plus)].tolist()
        resistors = []
        for j, (g, h) in enumerate(sums.T.tolist(), start=1):
            values = {f"rp{j}": 1 / g, f"rn{j}": 1 / h}
            if loads:
                values[f"rload{j}"] = 1 / loads[j - 1]
            resistors.append(values)
        constant = np.array([plus[:, -1], minus[:, -1]]) if network.biases else 0.0 * sums
        reduced.append(
            Rows(
                plus / sums[0][:, None],
                minus / sums[1][:, None],
                r_feedback * sums,
                tuple(resistors),
                sums,
                constant,
            )
        )
    return tuple(reduced)

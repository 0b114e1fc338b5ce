"""A network of characterised cells as an engine: what is run in ngspice can be run in it too."""

from collections.abc import Sequence

import numpy as np
import torch

from sim.engine import Array, Readout
from sim.guards import Tally
from sim.passes import Passes, split_layers
from sim.scale.cell import OpenedCell


class CellEngine:
    """Passes through cells, on the very noise that a circuit sees.

    Args:
        cell: opened in float64, where deviations of nanovolts are looked at.
        first_rails: whether the first amplifiers stop at their rails, as those in a circuit do.
    """

    name = "cell"

    def __init__(self, cell: OpenedCell, *, first_rails: bool = True) -> None:
        self._cell = cell
        self._first_rails = first_rails
        self._weights: tuple[torch.Tensor, ...] = ()
        self.tally = Tally()

    def write(self, weights: Sequence[Array]) -> int:
        """Set the weights, those of biases in a last column where there are any.

        Returns:
            How many do not fit between R_min and R_max.
        """
        self._weights = tuple(torch.tensor(w) for w in weights)
        largest = self._cell.file.resistors.largest
        return sum(int((w.abs() > largest * (1 + 1e-12)).sum()) for w in self._weights)

    @torch.no_grad()
    def run(self, passes: Passes) -> Readout:
        """Run passes; no energy is drawn, and nothing is doubtful."""
        hardware, layers = self._cell.hardware, self._cell.layers
        x = torch.tensor(passes.inputs)
        pre: list[Array] = []
        outputs: list[Array] = []
        noise = split_layers(passes.noise, layers)
        for layer, (written, nu) in enumerate(zip(self._weights, noise, strict=True), start=1):
            fan = layers[layer - 1]
            biases = written[:, fan:].sum(1) * self._cell.file.circuit.v_one
            w, b = hardware.programmed(layer, written[:, :fan], biases)
            a = torch.addmm(b, x, w.T) + torch.tensor(nu)
            a = hardware.summed(layer, a, x if self._first_rails else None)
            x = hardware.rectified(layer, a) if layer < len(layers) - 1 else a
            pre.append(a.numpy())
            outputs.append(x.numpy())
        doubts = np.zeros(len(passes), np.uint8)
        self.tally += Tally.of(doubts)
        return Readout(tuple(pre), tuple(outputs), np.full(len(passes), np.nan), doubts)

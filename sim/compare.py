"""Circuit against mathematics: the same weights, the same noise, node by node.

The weights are those that were asked for: what devices made of them is part of the deviation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from learning import Model
from sim.engine import Engine, Readout
from sim.engines import IdealEngine
from sim.guards import Tally
from sim.loop import IDEAL, Setup, effective_weights, write
from sim.passes import Passes
from sim.scoring import Stop, never, run_stoppable

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Readouts of both engines over the same passes.

    Attributes:
        passes: what was presented.
        ideal: by mathematics, at the weights asked of the circuit.
        circuit: by SPICE, with the resistors that its devices became.
        twin: what the mathematics is, in words.
    """

    passes: Passes
    ideal: Readout
    circuit: Readout
    twin: str = IDEAL

    def deviation(self, layer: int) -> Array:
        """SPICE − ideal of a layer's outputs, V, shape (P, N_l); layers count from 1."""
        return self.circuit.outputs[layer - 1] - self.ideal.outputs[layer - 1]

    @property
    def tally(self) -> Tally:
        """How the circuit's passes came out."""
        return Tally.of(self.circuit.doubts)

    def rms_and_max(self, *, doubtful: bool = True) -> list[tuple[float, float]]:
        """Root mean square and largest magnitude of the deviation, V, layer by layer.

        Args:
            doubtful: count doubtful passes in; without them NaN where none is left.
        """
        taken = np.full(len(self.passes), True) if doubtful else self.circuit.doubts == 0
        if not taken.any():
            return [(np.nan, np.nan)] * len(self.ideal.outputs)
        layers = range(1, len(self.ideal.outputs) + 1)
        deviations = [self.deviation(layer)[taken] for layer in layers]
        return [(float(np.sqrt(np.mean(d**2))), float(np.abs(d).max())) for d in deviations]


def compare(
    setup: Setup,
    engine: Engine,
    model: Model,
    stop: Stop = never,
    *,
    pairs: Sequence[ResistorPairs] | None = None,
) -> Comparison:
    """Run pairs of noisy passes of the test samples through the circuit and the mathematics.

    Args:
        setup: task and noise.
        engine: the circuit.
        model: whose weights both get.
        stop: asked on the way whether to stop.
        pairs: resistors that hold them in the circuit (`sim.programmed`); by default those of ideal
            devices. The mathematics has the model's weights whatever these hold.

    Raises:
        StoppedError: `stop` said so.
    """
    silent = setup.config.simulation.noise_off
    passes = setup.schedule(1, silent=silent).draw(setup.task.test_inputs)
    twin = IdealEngine(setup.network, setup.circuit, setup.activation)
    twin.write(effective_weights(model, setup))
    write(setup, engine, model, pairs)
    circuit = run_stoppable(engine, passes, stop)
    return Comparison(passes, twin.run(passes), circuit, setup.twin)

"""Passes run again, in the circuit as it was and in circuits with less to blame."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learning import ActivationFunction, MeasuredActivation
from sim import activation_curve
from sim.attribute.variant import Case, Variant
from sim.engine import Readout
from sim.engines import IdealEngine
from sim.engines.description import EngineDescription
from sim.finished import FinishedRun
from sim.loop import effective_weights
from sim.passes import split_layers
from sim.preparation import CALIBRATED
from sim.workers import Pool, WorkerEngine

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Replay:
    """The same passes by both engines.

    Attributes:
        circuit: by ngspice.
        mathematics: by the twin.
    """

    circuit: Readout
    mathematics: Readout

    @property
    def deviation(self) -> tuple[Array, ...]:
        """SPICE − mathematics of each layer's outputs, V, shape (P, N_l) each."""
        pairs = zip(self.circuit.outputs, self.mathematics.outputs, strict=True)
        return tuple(ours - theirs for ours, theirs in pairs)


class Replayer:
    """Runs variants of a finished run.

    Args:
        run: gives weights, resistors, clock and passes, which are those of its comparison.
        passes: how many of these; all by default.
        keep: folder for what is left of a failed simulation; a temporary one by default.
        pool: of workers that simulate the circuit; by default this process does.
    """

    def __init__(
        self,
        run: FinishedRun,
        passes: int | None = None,
        keep: Path | None = None,
        pool: Pool | None = None,
    ) -> None:
        setup = run.setup
        silent = setup.config.simulation.noise_off
        drawn = run.passes()
        self.whole = passes is None or passes >= len(drawn)
        self._setup = setup
        self._keep = keep
        self._pool = pool
        self._curves: dict[tuple[float, ...], MeasuredActivation] = {}
        self._weights = effective_weights(run.model, setup)
        real = Variant(
            setup.circuit,
            setup.strings,
            drawn[:passes],
            setup.config.simulation.solver(),
            self._weights,
            run.pairs,
        )
        self.case = Case(
            real=real,
            clock=setup.clock,
            clipped=sum(pairs.clipped for pairs in real.as_asked),
            hidden=len(setup.network.layers) > 2,
            held_off=silent,
            calibrated=setup.twin == CALIBRATED,
        )

    def run(self, variant: Variant) -> Replay:
        """Run a variant.

        Raises:
            SimulationError: names the deck and the log that were kept.
        """
        setup = self._setup
        description = EngineDescription(
            setup.network,
            variant.circuit,
            setup.clock,
            variant.strings,
            variant.solver,
            setup.config.simulation.reduction,
        )
        if self._pool:
            engine = WorkerEngine(description, self._pool, keep=self._keep)
        else:
            engine = description.make(self._keep)
        engine.set_resistors(variant.pairs)
        twin = self._twin(variant)
        return Replay(engine.run(variant.passes), twin.run(variant.passes))

    def made_here(self, replay: Replay) -> tuple[Array, ...]:
        """What each layer of the circuit as it was adds to what its inputs already lack.

        Args:
            replay: of the circuit as it was.

        Returns:
            SPICE − mathematics fed with the circuit's own inputs, V, shape (P, N_l) each.
        """
        real = self.case.real
        twin = self._twin(real)
        inputs = (real.passes.inputs, *replay.circuit.outputs[:-1])
        noise = split_layers(real.passes.noise, self._setup.network.layers)
        layers = enumerate(zip(inputs, noise, replay.circuit.outputs, strict=True), start=1)
        return tuple(x - twin.layer(layer, fed, nu)[1] for layer, (fed, nu, x) in layers)

    def _twin(self, variant: Variant) -> IdealEngine:
        activation = self._activation(variant)
        twin = IdealEngine(self._setup.network, variant.circuit, activation)
        twin.write(self._weights)
        return twin

    def _activation(self, variant: Variant) -> ActivationFunction:
        """The rectifier that the mathematics has.

        A measured curve holds what its op-amps did: where these become ideal, it moves as the curve
        of the cell moves.
        """
        setup, real = self._setup, self.case.real
        if not self.case.calibrated or _static(variant) == _static(real):
            return setup.activation
        before, after = self._measured(real), self._measured(variant)
        given = setup.activation
        points = [before.a, after.a]
        if isinstance(given, MeasuredActivation):
            points.append(given.a)
        a = np.unique(np.concatenate(points))
        return MeasuredActivation(a, given(a) + after(a) - before(a))

    def _measured(self, variant: Variant) -> MeasuredActivation:
        """The curve of a variant's cell; measured once."""
        key = _static(variant)
        if key not in self._curves:
            curve = activation_curve.measure(variant.circuit, variant.solver)
            self._curves[key] = MeasuredActivation(curve.a, curve.x)
        return self._curves[key]


def _static(variant: Variant) -> tuple[float, ...]:
    """What the rectifier's curve depends on, among what mechanisms change."""
    circuit, opamp = variant.circuit, variant.circuit.opamp
    return opamp.open_loop_gain, opamp.v_offset, opamp.r_out, circuit.v_dd, circuit.v_ss

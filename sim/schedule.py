"""From samples to passes: each twice, under a source's noise or with it held off."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseString
from circuits.recording import Recording
from netlists.build import SolverSettings
from sim.clock import Clock
from sim.passes import NO_JUMPS, Passes
from sim.sources import Drawn, NodeNoise, NoiseSource, open_source

Array = NDArray[np.float64]


class NoiseSchedule:
    """Passes in the order of time.

    Args:
        source: of the noise, at its beginning.
        neurons: how many.
        silent: hold the noise off throughout.
    """

    def __init__(self, source: NoiseSource, neurons: int, *, silent: bool = False) -> None:
        self._source = source
        self._held = source.held
        self._neurons = neurons
        self._silent = silent

    def state(self) -> dict[str, Any]:
        """All that further draws depend on."""
        return self._source.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Draw on from where a schedule like this one had its `state` taken."""
        self._source.restore(state)

    def held(self, inputs: Array) -> Passes:
        """One pass a sample with the noise held off; the source stands still meanwhile."""
        count = len(inputs)
        return Passes(
            inputs=inputs,
            controls=np.tile(self._held, (count, 1)),
            jumps=((NO_JUMPS,) * len(self._held),) * count,
            noise=np.zeros((count, self._neurons)),
        )

    def nodes(self, batch: int) -> tuple[NodeNoise, ...]:
        """The law of the noise at every neuron, for batches of so many samples."""
        return self._source.nodes(batch)

    def draw(
        self,
        inputs: Array,
        *,
        clean_first: bool = False,
        record: Callable[[Drawn], None] = lambda _: None,
    ) -> Passes:
        """The two passes of each sample, in the order of time.

        Args:
            inputs: V, shape (B, N_0).
            clean_first: hold the noise off in pass 1, as node perturbation asks.
            record: told of the noise that is met.

        Returns:
            2 B passes: sample 1 pass 1, sample 1 pass 2, sample 2 pass 1, …
        """
        twice = np.repeat(inputs, 2, axis=0)
        held = self.held(twice)
        if self._silent:
            return held
        drawn = self._source.draw(len(inputs))
        if clean_first:
            controls, noise, jumps = drawn.controls.copy(), drawn.noise.copy(), list(drawn.jumps)
            controls[::2], noise[::2], jumps[::2] = held.controls[::2], 0.0, held.jumps[::2]
            drawn = Drawn(controls, tuple(jumps), noise)
        record(drawn)
        return Passes(twice, drawn.controls, drawn.jumps, drawn.noise)


def open_schedule(
    network: Network,
    circuit: CircuitParameters,
    clock: Clock,
    rng: np.random.Generator,
    *,
    strings: Sequence[NoiseString] = (),
    recording: Recording | None = None,
    solver: SolverSettings | None = None,
    silent: bool = False,
) -> NoiseSchedule:
    """Passes under the noise that a circuit's parameters name, from its beginning.

    Args:
        network: gives the neurons.
        circuit: gives the source.
        clock: gives the passes' times.
        rng: of the noise; not of devices.
        strings: of each neuron; all as `circuit` says by default.
        recording: opened, where the source is measured; opened here by default.
        solver: of two-way coupled strings.
        silent: hold the noise off throughout.
    """
    strings = strings or (circuit.noise_string(),) * network.neurons
    source = open_source(
        network, circuit, clock, rng, strings=strings, recording=recording, solver=solver
    )
    return NoiseSchedule(source, network.neurons, silent=silent)

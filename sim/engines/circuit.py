"""What every engine that simulates the circuit is and does alike: cut passes, and sort voltages."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network, NoiseString, ResistorPairs
from netlists.build import SolverSettings, amplifier_paths, probe_names, rail_sources
from netlists.stimulus import EDGE, Stimulus, still
from sim.clock import Clock
from sim.engine import Array, Readout
from sim.guards import Flags, Guards, Tally
from sim.passes import Passes, pass_stimulus

LEAD = 2 * EDGE
"""Stretch simulated at rest before the first flip or a new input, s."""


class CircuitEngine:
    """A circuit whose resistors are written, and what its passes are held against.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        clock: lengths and fidelity of passes.
        strings: noise string of each neuron; all as `circuit` says by default.
        solver: accuracy.
        keep: folder for deck and log of a failed simulation; a temporary one by default.
    """

    tally: Tally

    def __init__(
        self,
        network: Network,
        circuit: CircuitParameters,
        clock: Clock,
        *,
        strings: Sequence[NoiseString] = (),
        solver: SolverSettings | None = None,
        keep: Path | None = None,
    ) -> None:
        self._network = network
        self._circuit = circuit
        self._clock = clock
        self._strings = strings
        self._solver = solver or SolverSettings()
        self._keep = keep
        self._probes = probe_names(network)
        # What an amplifier drives its output stage with shows its limit whatever the load; of a
        # model from a file the cell has there what its inputs are apart.
        limited = circuit.opamp.supplied
        self._drives = tuple(f"{path}.g" for path in amplifier_paths(network, circuit) if limited)
        self._guards = Guards.of(circuit, clock)
        self._supplies = rail_sources(circuit)
        self._pairs = tuple(
            circuit.synapse.program(np.zeros(network.synapse_shape(layer)))
            for layer in range(1, len(network.layers))
        )
        self.tally = Tally()

    @property
    def pairs(self) -> tuple[ResistorPairs, ...]:
        """The resistors set last, one record a layer."""
        return self._pairs

    def set_resistors(self, pairs: Sequence[ResistorPairs]) -> None:
        """Set all resistors, one record a layer; those that moved count from the next pass on."""
        self._pairs = tuple(pairs)

    def write(self, weights: Sequence[Array]) -> int:
        """Set the resistors that ideal devices hold weights with.

        Returns:
            How many weights did not fit and were clipped.
        """
        pairs = tuple(self._circuit.synapse.program(w) for w in weights)
        self.set_resistors(pairs)
        return sum(layer.clipped for layer in pairs)


def pass_stretches(passes: Passes, p: int, clock: Clock) -> tuple[Stimulus, ...]:
    """What is simulated of a pass: its last stretch, sampled at its end.

    Args:
        passes: of them.
        p: which.
        clock: lengths and fidelity.

    Returns:
        One stretch of no duration for an operating point; else the stretches of one transient, of
        which the last is the pass's own.
    """
    oldest = passes.oldest(p)
    if clock.fidelity == "full":
        stretch = pass_stimulus(passes, p, clock.t_pass)
        return still(LEAD, passes.previous(p), stretch.controls), stretch
    if oldest == 0.0:
        return (still(0.0, passes.inputs[p], passes.controls[p]),)
    return (pass_stimulus(passes, p, min(oldest + LEAD, clock.t_aperture)),)


def longest_step(stretches: Sequence[Stimulus], clock: Clock) -> float:
    """Longest time step of a pass's transient, s.

    The same whether a flip is old or new, so that `full` takes the same steps after it.
    """
    if clock.fidelity == "full":
        return sum(stretch.duration for stretch in stretches) / 50
    return clock.t_aperture / 10


def drawn_power(time: Array, power: Array, shown: float) -> float:
    """Mean power over the last `shown` s, W; time and power of shape (T,)."""
    if len(time) == 1:
        return float(power[-1])
    late = time >= time[-1] - shown
    return float(np.trapezoid(power[late], time[late]) / np.ptp(time[late]))


def sort_voltages(
    network: Network,
    circuit: CircuitParameters,
    voltages: Array,
    energy: Array,
    doubts: Flags,
) -> Readout:
    """A readout of sampled voltages.

    Args:
        network: layers.
        circuit: says whether its op-amps have supply pins.
        voltages: V, in the order of `netlists.build.probe_names`, shape (P, probes).
        energy: J, shape (P,).
        doubts: shape (P,).
    """
    layers = network.layers
    pre: list[Array] = []
    outputs: list[Array] = []
    column = 0
    for layer, count in enumerate(layers[1:], start=1):
        pre.append(voltages[:, column : column + count])
        column += count
        if layer == len(layers) - 1:
            outputs.append(pre[-1])
        else:
            outputs.append(voltages[:, column : column + count])
            column += count
    if not circuit.opamp.supplied:
        energy = np.full(len(energy), np.nan)
    return Readout(tuple(pre), tuple(outputs), energy, doubts)

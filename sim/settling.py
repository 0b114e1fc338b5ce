"""How long the circuit takes to settle: measured once, since it sets the aperture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.quantities import format_quantity
from circuits.recording import Recording
from netlists.build import SolverSettings, build_deck, control_names
from netlists.deck import Deck
from netlists.spice import format_for_library, format_number
from netlists.stimulus import Stimulus, still
from sim.errors import SimulationError, UserError
from sim.libngspice import get_library
from sim.lumping import Lumped, lump
from sim.sources import node_sigma

Array = NDArray[np.float64]

WITHIN = 1e-6
"""V; settled means that every node stays this close to where it ends."""

_LEAD = 1e-6  # s, at rest before a jump
_FULL = 8  # inputs that jump, and neurons of a layer with weights in the large jump
_WHOLE = 300  # synapses of a network up to which it is simulated whole, in seconds
_NAMED = 6  # op-amps in a message, at most
_SHORTEST, _LONGEST = 10e-6, 10e-3  # s; windows tried


@dataclass(frozen=True)
class Jump:
    """A worst case: what every input and every noise control does at once.

    Attributes:
        name: for people.
        weights: of each layer.
        inputs: before and after, V; of the first `_FULL`, where others rest at 0 V.
        controls: before and after, states or V.
    """

    name: str
    weights: tuple[Array, ...]
    inputs: tuple[float, float]
    controls: tuple[float, float]


@dataclass(frozen=True)
class JumpResponse:
    """What a jump does.

    Attributes:
        jump: that was made.
        nodes: watched; of neurons that do the same, one.
        time: from the jump on, s, shape (T,); its first points may lie before it.
        waves: V, shape (nodes, T).
        at_rest: whether the nodes have arrived at the end of the window.
    """

    jump: Jump
    nodes: tuple[str, ...]
    time: Array
    waves: Array
    at_rest: bool

    def settled(self, within: float) -> float:
        """Time after which every node stays within so many V of where it ends, s.

        NaN where the window, of 10 ms at most, does not show it.
        """
        moving = np.any(np.abs(self.waves - self.waves[:, -1:]) > within, axis=0)
        time = float(self.time[np.flatnonzero(moving)[-1] + 1]) if moving.any() else 0.0
        return time if self.at_rest and time < self.time[-1] / 2 else math.nan

    def last(self, within: float) -> str:
        """The node that takes longest; the first where none moves so many V."""
        moving = np.abs(self.waves - self.waves[:, -1:]) > within
        after = moving.shape[1] - np.argmax(moving[:, ::-1], axis=1)
        return self.nodes[int(np.argmax(np.where(moving.any(axis=1), after, 0)))]


@dataclass(frozen=True)
class Settling:
    """How long the circuit takes to settle to `WITHIN`.

    Attributes:
        time: from a worst-case jump on, s.
        node: the last to settle.
    """

    time: float
    node: str


def measure_settling(
    network: Network,
    circuit: CircuitParameters,
    solver: SolverSettings,
    *,
    recording: Recording | None = None,
) -> Settling:
    """Settling to a microvolt after the slowest of `worst_jumps`.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        solver: accuracy.
        recording: a measured source's; opened here by default.

    Raises:
        UserError: not settled within 10 ms.
        SimulationError: names the deck and the log that were kept.
    """
    responses = jump_responses(network, circuit, solver, recording=recording)
    settled = slowest(responses, WITHIN)
    if math.isnan(settled):
        raise UserError(
            f"simulation.t_aperture: the circuit does not settle to {WITHIN:g} V within "
            f"{_LONGEST:g} s; look at the op-amps' gbw, "
            f"{format_quantity(circuit.opamp.gbw, 'Hz')}, and slew_rate{_differing(circuit)}, or "
            "set t_aperture and --no-erc"
        )
    last = max(responses, key=lambda response: response.settled(WITHIN))
    return Settling(settled, last.last(WITHIN))


def _differing(circuit: CircuitParameters) -> str:
    speeds = {"gbw", "slew_rate"}
    named = [name for name, one in circuit.exceptions.items() if speeds & one.figures.keys()]
    if not named:
        return ""
    more = f", … {named[-1]}" if len(named) > _NAMED else ""
    return f" (circuit.opamp; those of {', '.join(named[:_NAMED])}{more} differ)"


def slowest(responses: Sequence[JumpResponse], within: float) -> float:
    """Time after which every node stays within so many V of its end, s; NaN for never."""
    return float(np.max([response.settled(within) for response in responses]))


def worst_jumps(
    network: Network, circuit: CircuitParameters, recording: Recording | None = None
) -> tuple[Jump, ...]:
    """The jumps of which the slowest sets the settling time.

    A large one: weights of `heavy_weights`, which load the amplifiers more than trained weights as
    a rule do, inputs and noise from one extreme to the other. And two small ones: all weights 0,
    the noise from one extreme to the other and back, so that each rectifier crosses zero on it
    alone; there a precision rectifier is slowest.
    """
    low, high = noise_extremes(circuit, recording)
    shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
    heavy = tuple(heavy_weights(shape, biases=network.biases) for shape in shapes)
    zeros = tuple(np.zeros(shape) for shape in shapes)
    return (
        Jump("inputs up, weights ±1 in turn", heavy, (-1, 1), (low, high)),
        Jump("noise up, weights 0", zeros, (0, 0), (low, high)),
        Jump("noise down, weights 0", zeros, (0, 0), (high, low)),
    )


def heavy_weights(shape: tuple[int, int], *, biases: bool) -> Array:
    """Weights that load a layer's amplifiers heavily: ±1 in turn.

    ±1 from hundreds of inputs would load an amplifier as no trained row does, and drive it so far
    beyond its rails that it takes milliseconds to come back. So only the first `_FULL` neurons have
    weights, and of these only the first `_FULL` inputs have ±1, and the bias; the inputs beyond
    have ±2/√inputs, twice the spread at the start. These rest near 0 V, so that they load an
    amplifier and do not drive it.

    Args:
        shape: neurons and inputs, the bias counted as one.
        biases: whether the last column is the bias.
    """
    weights = np.where(np.indices(shape).sum(axis=0) % 2, -1.0, 1.0)
    inputs = shape[1] - int(biases)
    weights[:, _FULL:inputs] *= 2.0 / np.sqrt(inputs)
    weights[_FULL:] = 0.0
    return weights


def noise_extremes(
    circuit: CircuitParameters, recording: Recording | None = None
) -> tuple[float, float]:
    """Controls at the noise's extremes: all junctions in P and in AP, or −σ and +σ in V."""
    if circuit.noise.source == "string":
        return 0.0, 1.0
    drive = node_sigma(circuit, recording) * circuit.noise.r_inject / circuit.synapse.r_feedback
    return -drive, drive


def jump_responses(
    network: Network,
    circuit: CircuitParameters,
    solver: SolverSettings,
    *,
    recording: Recording | None = None,
) -> tuple[JumpResponse, ...]:
    """Make the worst-case jumps, one after the other.

    Raises:
        SimulationError: names the deck and the log that were kept.
    """
    return tuple(
        respond(network, circuit, solver, jump) for jump in worst_jumps(network, circuit, recording)
    )


def respond(
    network: Network, circuit: CircuitParameters, solver: SolverSettings, jump: Jump
) -> JumpResponse:
    """Make one jump, and watch it until a microvolt or for 10 ms.

    Raises:
        SimulationError: names the deck and the log that were kept.
    """
    try:
        return _respond(network, circuit, solver, jump)
    except SimulationError as error:
        library = get_library()
        raise SimulationError(
            f"{error}, in the measurement of the settling time; {library.keep(library.deck)}"
        ) from None


def _respond(
    network: Network, circuit: CircuitParameters, solver: SolverSettings, jump: Jump
) -> JumpResponse:
    synapses = [circuit.synapse.program(w) for w in jump.weights]
    whole = sum(pairs.plus.size for pairs in synapses) <= _WHOLE
    every = np.arange(network.layers[0])
    inputs = np.split(every, every[1:] if whole else every[_FULL : _FULL + 1])
    lumped = lump(network, circuit, synapses, inputs, whole=whole)
    levels = np.array([float(group[0] < _FULL) for group in inputs])
    count = len(control_names(lumped.network, circuit.noise))

    def held(length: float, side: int) -> Stimulus:
        return still(length, jump.inputs[side] * levels, np.full(count, jump.controls[side]))

    at_rest = _at_rest(lumped, solver, held(0.0, 1))
    window = _SHORTEST
    while True:
        deck = _deck(lumped, solver, [("low", held(_LEAD, 0)), ("high", held(window, 1))])
        library = get_library()
        library.load(format_for_library(deck))
        step = format_number(window / 100)
        library.command(f"tran {step} {format_number(_LEAD + window)} 0 {step}")
        time = library.vector("time") - _LEAD
        waves = np.array([library.vector(probe) for probe in deck.probes])
        library.command("destroy all")
        # What barely moves within the window may still have all its way to go.
        arrived = bool(np.abs(waves[:, -1] - at_rest).max() <= 10 * WITHIN)
        nodes = tuple(lumped.whole_name(probe) for probe in deck.probes)
        response = JumpResponse(jump, nodes, time, waves, arrived)
        if not math.isnan(response.settled(WITHIN)) or 2 * window > _LONGEST:
            return response
        window *= 2


def _deck(lumped: Lumped, solver: SolverSettings, stretches: list[tuple[str, Stimulus]]) -> Deck:
    network, circuit = lumped.network, lumped.circuit
    return lumped.loaded(build_deck(network, circuit, lumped.synapses, stretches, solver=solver))


def _at_rest(lumped: Lumped, solver: SolverSettings, end: Stimulus) -> Array:
    deck = _deck(lumped, solver, [("end", end)])
    library = get_library()
    library.load(format_for_library(deck))
    library.command("op")
    voltages = np.array([library.vector(probe)[-1] for probe in deck.probes])
    library.command("destroy all")
    return voltages

"""How long the circuit takes to settle: measured once, since it sets the aperture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, ResistorPairs
from circuits.recording import Recording
from netlists.build import SolverSettings, build_deck, control_names
from netlists.spice import format_for_library, format_number
from netlists.stimulus import Stimulus, still
from sim.errors import SimulationError, UserError
from sim.libngspice import get_library
from sim.sources import node_sigma

WITHIN = 1e-6
"""V; settled means that every node stays this close to where it ends."""

_SHORTEST, _LONGEST = 10e-6, 10e-3  # s; windows tried


def settled_after(
    network: Network,
    circuit: CircuitParameters,
    solver: SolverSettings,
    *,
    recording: Recording | None = None,
) -> float:
    """Time from a worst-case jump until every node stays within a microvolt, s.

    Three jumps, the slowest counts. A large one: all weights ±1, which loads the amplifiers more
    than trained weights as a rule do, inputs and noise from one extreme to the other. And two
    small ones: all weights 0, the noise from one extreme to the other and back, so that each
    rectifier crosses zero on it alone; there a precision rectifier is slowest. The extremes are
    all junctions in P and all in AP, or for another source ±σ; `recording` is a measured one's,
    opened here by default.

    Raises:
        UserError: not settled within 10 ms.
        SimulationError: names the deck and the log that were kept.
    """
    low, high = _extremes(circuit, recording)
    shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
    signs = [np.where(np.indices(shape).sum(axis=0) % 2, -1.0, 1.0) for shape in shapes]
    zeros = [np.zeros(shape) for shape in shapes]
    # weights, input before and after, control before and after
    jumps = (
        (signs, (-1, 1), (low, high)),
        (zeros, (0, 0), (low, high)),
        (zeros, (0, 0), (high, low)),
    )
    try:
        return max(
            _settled(network, circuit, solver, weights=weights, inputs=inputs, controls=controls)
            for weights, inputs, controls in jumps
        )
    except SimulationError as error:
        library = get_library()
        raise SimulationError(
            f"{error}, in the measurement of the settling time; {library.keep(library.deck)}"
        ) from None


def _extremes(circuit: CircuitParameters, recording: Recording | None) -> tuple[float, float]:
    if circuit.noise.source == "string":
        return 0.0, 1.0
    drive = node_sigma(circuit, recording) * circuit.noise.r_inject / circuit.synapse.r_feedback
    return -drive, drive


def _settled(
    network: Network,
    circuit: CircuitParameters,
    solver: SolverSettings,
    *,
    weights: Sequence[NDArray[np.float64]],
    inputs: tuple[float, float],
    controls: tuple[float, float],
) -> float:
    pairs = [circuit.synapse.program(w) for w in weights]
    count = len(control_names(network, circuit.noise))
    end = still(0.0, np.full(network.layers[0], inputs[1]), np.full(count, controls[1]))
    at_rest = _at_rest(network, circuit, pairs, solver, end)
    lead = 1e-6
    window = _SHORTEST
    while window <= _LONGEST:
        jump = [
            (label, still(length, np.full(network.layers[0], x), np.full(count, c)))
            for label, length, x, c in zip(
                ("low", "high"), (lead, window), inputs, controls, strict=True
            )
        ]
        deck = build_deck(network, circuit, pairs, jump, solver=solver)
        library = get_library()
        library.load(format_for_library(deck))
        step = format_number(window / 100)
        library.command(f"tran {step} {format_number(lead + window)} 0 {step}")
        time = library.vector("time")
        waves = np.array([library.vector(probe) for probe in deck.probes])
        library.command("destroy all")
        moving = np.any(np.abs(waves - waves[:, -1:]) > WITHIN, axis=0)
        settled = float(time[np.flatnonzero(moving)[-1] + 1] - lead) if moving.any() else 0.0
        # What barely moves within the window may still have all its way to go.
        arrived = np.abs(waves[:, -1] - at_rest).max() <= 10 * WITHIN
        if settled < window / 2 and arrived:
            return settled
        window *= 2
    raise UserError(
        f"simulation.t_aperture: the circuit does not settle to {WITHIN:g} V within "
        f"{_LONGEST:g} s; set t_aperture, or look at the op-amps' gbw and slew_rate"
    )


def _at_rest(
    network: Network,
    circuit: CircuitParameters,
    pairs: Sequence[ResistorPairs],
    solver: SolverSettings,
    end: Stimulus,
) -> NDArray[np.float64]:
    deck = build_deck(network, circuit, pairs, [("end", end)], solver=solver)
    library = get_library()
    library.load(format_for_library(deck))
    library.command("op")
    voltages = np.array([library.vector(probe)[-1] for probe in deck.probes])
    library.command("destroy all")
    return voltages

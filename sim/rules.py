"""The rules at work: the circuit's before any simulation, the clock's once settling is known."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, NoiseString, OpAmpParameters
from circuits.opamp import LACKING
from circuits.quantities import format_quantity
from netlists.build import build_deck, control_names, noise_trace_names
from netlists.rules import Finding, Limits, check
from netlists.stimulus import still
from sim.clock import Clock
from sim.settling import WITHIN, Settling

Array = NDArray[np.float64]


def circuit_findings(
    network: Network,
    circuit: CircuitParameters,
    weights: Sequence[Array],
    strings: Sequence[NoiseString],
) -> tuple[Finding, ...]:
    """What the rules find in the deck of a network at rest.

    Args:
        network: layers and biases.
        circuit: parameters of every part.
        weights: per layer, as `Network.synapse_shape`.
        strings: noise string of each neuron.
    """
    controls = np.zeros(len(control_names(network, circuit.noise)))
    at_rest = still(0.0, np.zeros(network.layers[0]), controls)
    pairs = [circuit.synapse.program(w) for w in weights]
    deck = build_deck(network, circuit, pairs, [("rest", at_rest)], strings=strings)
    return (
        *check(deck, Limits.of(circuit)),
        *_beyond_rails(circuit),
        *_without_effect(circuit.opamp),
        *_without_spread(circuit),
    )


def _beyond_rails(circuit: CircuitParameters) -> Iterator[Finding]:
    """A warning: the circuit works, but ±1 unit is out of its reach."""
    limits = Limits.of(circuit)
    reach, rail = min((limits.high, "v_dd"), (-limits.low, "v_ss"))
    if circuit.opamp.supplied and limits.signal > reach:
        yield Finding(
            "warning",
            "signals beyond the rails",
            "",
            f"circuit.{rail}",
            f"amplifiers reach {format_quantity(reach, 'V')} on that side, and the voltage that "
            f"stands for 1 is {format_quantity(limits.signal, 'V')} (circuit.v_one); take a wider "
            "supply, or smaller signals",
        )


def _without_effect(opamp: OpAmpParameters) -> Iterator[Finding]:
    """Warnings: figures that were set, and that the level of the model does not have."""
    for name in LACKING[opamp.level]:
        if getattr(opamp, name) != type(opamp).model_fields[name].default:
            yield Finding(
                "warning",
                "parameter without effect",
                "",
                f"circuit.opamp.{name}",
                f"is not in the {opamp.level} model; set circuit.opamp.level to macro, or leave "
                "it out",
            )


def _without_spread(circuit: CircuitParameters) -> Iterator[Finding]:
    """A warning: a chip was asked for, and all of its parts are nominal."""
    chip = circuit.mismatch.chip
    junctions = circuit.noise.source == "string" and circuit.smtj.spread
    if chip is not None and not circuit.mismatch.spread and not junctions:
        yield Finding(
            "warning",
            "parameter without effect",
            "",
            "circuit.mismatch.chip",
            f"no part has a spread, so chip {chip} is nominal; set circuit.mismatch.v_offset or "
            "another spread, or leave it out",
        )


def clock_findings(
    clock: Clock,
    settling: Settling,
    network: Network,
    circuit: CircuitParameters,
    strings: Sequence[NoiseString],
    *,
    silent: bool = False,
) -> tuple[Finding, ...]:
    """What does not leave the circuit the time that it takes to settle.

    Args:
        clock: of the passes.
        settling: measured.
        network: layers.
        circuit: gives the noise.
        strings: noise string of each neuron.
        silent: the noise is held off throughout.
    """
    found = list(_sampled_early(clock, settling))
    # At an operating point flips are taken as long over.
    if not silent and clock.fidelity != "op":
        found += _restless(settling, network, circuit, strings)
    return tuple(found)


def _sampled_early(clock: Clock, settling: Settling) -> Iterator[Finding]:
    """Errors: every sample would be of a circuit under way."""
    within, time = format_quantity(WITHIN, "V"), format_quantity(settling.time, "s")
    settles = f"{settling.node} takes {time} to come within {within} of its end"
    wanted = format_quantity(float(f"{2 * settling.time:.2g}"), "s")
    if settling.time > clock.t_pass:
        yield Finding(
            "error",
            "pass shorter than settling",
            settling.node,
            "simulation.t_pass",
            f"a pass of {clock.t_pass:g} s ends before the circuit has settled: {settles}; "
            f"take {wanted} or more, or faster op-amps (circuit.opamp.gbw, slew_rate)",
        )
    elif clock.fidelity == "aperture" and settling.time > clock.t_aperture:
        yield Finding(
            "error",
            "aperture shorter than settling",
            settling.node,
            "simulation.t_aperture",
            f"an aperture of {clock.t_aperture:g} s misses flips that are still felt: {settles}; "
            f"take {wanted}, leave it out, or look at whole passes (--fidelity full)",
        )


def _restless(
    settling: Settling,
    network: Network,
    circuit: CircuitParameters,
    strings: Sequence[NoiseString],
) -> Iterator[Finding]:
    """A warning: the simulation is right, but samples are seldom of a circuit at rest."""
    noise = circuit.noise
    if strings:
        shortest = min(range(len(strings)), key=lambda k: strings[k].shortest_dwell)
        dwell = strings[shortest].shortest_dwell
        z = noise_trace_names(network, noise)[shortest]
        layer, _, node = z.partition(".")
        part, remedy = f"{layer}.x{node}", "raise circuit.smtj.barrier_p and barrier_ap"
        what = f"a junction dwells {format_quantity(dwell, 's')} on average"
    elif noise.source == "hmm":
        dwell = noise.hmm.sample_time
        z = control_names(network, noise)[0]
        part, remedy = "circuit.noise.hmm.sample_time", "lengthen it"
        what = f"at {z} and all others a sample lasts {format_quantity(dwell, 's')}"
    else:
        return  # held through the pass
    if dwell < settling.time:
        yield Finding(
            "warning",
            "dwell shorter than settling",
            z,
            part,
            f"{what}, {settling.node} takes {format_quantity(settling.time, 's')} to settle, so "
            f"that samples are of nodes under way; {remedy}, or take faster op-amps "
            "(circuit.opamp.gbw, slew_rate)",
        )

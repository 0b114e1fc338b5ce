"""The whole circuit, as passes meet it."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from circuits.network import format_layers
from netlists.build import amplifier_paths, build_deck, control_names, input_names
from netlists.elements import VoltageSource
from netlists.stimulus import still
from sim.characterize.analysis import decibels
from sim.characterize.bench import Bench
from sim.characterize.sheet import Conditions, Curve, Figure, Measurement
from sim.clock import Clock
from sim.compare import Comparison
from sim.engines import IdealEngine, NgspiceEngine
from sim.passes import NO_JUMPS, Passes
from sim.settling import WITHIN, JumpResponse, jump_responses, respond, slowest

Array = NDArray[np.float64]

SEED = 0
"""Of weights and inputs."""

SAMPLES = 32
"""Inputs at which the circuit is compared with the twin."""

T_PASS = 1e-3
"""s; length of the pass whose energy is stated."""

_STEP = 2.0  # V, of the inputs in the large jump
_FINE = 10e-6  # V; settling is stated to it, too
_OVERDRIVE = 2.0  # of the supply; what the sums are asked for where the range is looked for
_POINTS = 401  # of the curves
_SHORTEST = 20e-9  # s; what curves show at least: ideal op-amps follow an edge at once
_FLOOR = 1e-9  # V; below it distances are rounding
_NOTHING = math.nan


def measure(conditions: Conditions) -> Measurement:
    """Settling and aperture, deviation from the ideal twin, output range, supply.

    Settling is that of `sim.settling`: the slowest of its worst-case jumps, every node counted;
    to 0.1 % of the 2 V that all inputs jump by, in the large one. To 1 µV it is the figure of which
    a run takes twice as its aperture; beside it stands the same jump of inputs and noise with
    random weights, which may take longer.

    Random weights have mean 0 and variance 1/fan-in, and the inputs at which circuit and twin are
    compared are uniform between −1 V and +1 V; both come from one fixed seed. The noise is held at
    its mean, from which it is trimmed at the corner's own temperature.

    Raises:
        SimulationError: ngspice failed; deck and log are kept.
    """
    circuit, network = conditions.circuit, conditions.network
    rng = np.random.default_rng(SEED)
    shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
    weights = tuple(rng.normal(0, 1 / math.sqrt(shape[1]), shape) for shape in shapes)
    inputs = rng.uniform(-1, 1, (SAMPLES, network.layers[0]))
    worst = jump_responses(network, circuit, conditions.solver)
    usual = respond(network, circuit, conditions.solver, replace(worst[0].jump, **_usual(weights)))
    comparison = _compare(conditions, weights, inputs, slowest(worst, WITHIN))
    figures = (
        *_settling(worst, usual),
        *_deviation(comparison),
        *_range(conditions),
        *_supply(conditions, weights, comparison),
    )
    return Measurement(figures, tuple(_curves((*worst, usual))))


def _usual(weights: tuple[Array, ...]) -> dict[str, Any]:
    return {"name": "inputs up, random weights", "weights": weights}


def _settling(responses: tuple[JumpResponse, ...], usual: JumpResponse) -> list[Figure]:
    aperture = slowest(responses, WITHIN)
    worst = "slowest of three worst-case jumps"
    return [
        Figure(
            "settling_0p1",
            "settling to 0.1 %",
            "s",
            responses[0].settled(1e-3 * _STEP),
            "inputs by 2 V, weights ±1, within 2 mV",
        ),
        Figure("settling_10u", "settling to 10 µV", "s", slowest(responses, _FINE), worst),
        Figure("settling_1u", "settling to 1 µV", "s", aperture, worst),
        Figure(
            "settling_1u_random", "settling to 1 µV", "s", usual.settled(WITHIN), usual.jump.name
        ),
        Figure("aperture", "aperture", "s", 2 * aperture, "twice the settling to 1 µV"),
    ]


def _compare(
    conditions: Conditions, weights: tuple[Array, ...], inputs: Array, settled: float
) -> Comparison:
    network, circuit = conditions.network, conditions.circuit
    controls = _held(network, circuit)
    passes = Passes(
        inputs=inputs,
        controls=np.tile(controls, (len(inputs), 1)),
        jumps=((NO_JUMPS,) * len(controls),) * len(inputs),
        noise=np.zeros((len(inputs), network.neurons)),
    )
    aperture = T_PASS if math.isnan(settled) else min(2 * settled, T_PASS)
    # Nothing jumps, so that at the sampling instant the circuit is at rest.
    clock = Clock(T_PASS, aperture, "op")
    twin = IdealEngine(network, circuit)
    engine = NgspiceEngine(network, circuit, clock, solver=conditions.solver)
    twin.write(weights)
    engine.write(weights)
    return Comparison(passes, twin.run(passes), engine.run(passes))


def _held(network: Network, circuit: CircuitParameters) -> Array:
    """Controls that hold the noise at its mean, shape (C,)."""
    count = len(control_names(network, circuit.noise))
    string = circuit.noise.source == "string"
    return np.full(count, circuit.noise_string().held_state if string else 0.0)


def _deviation(comparison: Comparison) -> Iterator[Figure]:
    words = f"{SAMPLES} random inputs, random weights, noise held"
    for layer, (rms, largest) in enumerate(comparison.rms_and_max(), start=1):
        yield Figure(
            f"deviation_rms_{layer}",
            f"deviation from the twin, layer {layer}, rms",
            "V",
            rms,
            words,
        )
        yield Figure(
            f"deviation_max_{layer}",
            f"deviation from the twin, layer {layer}, largest",
            "V",
            largest,
            words,
        )


def _bench(conditions: Conditions, weights: tuple[Array, ...]) -> Bench:
    """The network's deck, its noise held and its inputs at 0 V, on the bench's own supplies."""
    network, circuit = conditions.network, conditions.circuit
    rest = still(0.0, np.zeros(network.layers[0]), _held(network, circuit))
    pairs = [circuit.synapse.program(w) for w in weights]
    deck = build_deck(network, circuit, pairs, [("rest", rest)], solver=conditions.solver)
    title = f"network {format_layers(network.layers)}"
    bench = Bench(circuit, conditions.solver, deck.subcircuits, (), deck.probes, title)
    elements = tuple(
        element
        for element in deck.elements
        if not (isinstance(element, VoltageSource) and element.name in bench.supplies)
    )
    return replace(bench, elements=elements)


def _range(conditions: Conditions) -> Iterator[Figure]:
    """Extremes of the last layer, all inputs at 1 V and all sums asked for twice the supply.

    Hidden layers are driven up; the last one up and down. Up is through both amplifiers of a
    neuron, where the first one's lower limit counts, too.
    """
    network, circuit = conditions.network, conditions.circuit
    macro = circuit.opamp.level == "macro"
    last = len(network.layers) - 1
    supply = max(circuit.v_dd, -circuit.v_ss)
    highest = dict.fromkeys(input_names(network), 1.0)
    outputs = [f"a{last}_{j}" for j in range(1, network.layers[last] + 1)]
    for name, sign in (("high", 1), ("low", -1)):
        value = _NOTHING
        if macro:
            weights = []
            for layer in range(1, last + 1):
                shape = network.synapse_shape(layer)
                # Hidden outputs come close to the supply themselves.
                asked = _OVERDRIVE * (supply if layer == 1 else 1.0) / shape[1]
                weights.append(np.full(shape, asked * (sign if layer == last else 1)))
            found = _bench(conditions, tuple(weights)).operating_point(highest)
            value = max((found[node] for node in outputs), key=lambda volts: sign * volts)
        yield Figure(
            f"range_{name}", f"{name}est output", "V", value, "sums driven beyond the supplies"
        )


def _supply(
    conditions: Conditions, weights: tuple[Array, ...], comparison: Comparison
) -> list[Figure]:
    """Supply pins are the macromodel's alone."""
    network, circuit = conditions.network, conditions.circuit
    macro = circuit.opamp.level == "macro"
    amplifiers = len(amplifier_paths(network, circuit))
    drawn = _bench(conditions, weights).operating_point()["i(dd)"] if macro else _NOTHING
    # With biases the network does not rest at 0 V; exceptions draw currents of their own.
    plain = macro and not network.biases and not circuit.exceptions
    return [
        Figure(
            "supply_current",
            "supply current",
            "A",
            drawn,
            f"inputs at 0 V, {amplifiers} op-amps",
            amplifiers * circuit.opamp.i_quiescent if plain else None,
        ),
        Figure(
            "pass_energy",
            "energy per pass of 1 ms",
            "J",
            float(comparison.circuit.energy.mean()),
            "mean over the inputs, all supplies",
        ),
    ]


def _curves(responses: tuple[JumpResponse, ...]) -> Iterator[Curve]:
    """First neuron of each layer in the large jump; and how far the furthest node is, by jump.

    Distances are in decibels of a volt. What does not settle is shown for as long as it was
    watched.
    """
    large = responses[0]
    time = _time(2 * large.settled(1e-3 * _STEP), large)
    waves = {
        node: np.interp(time, large.time, wave)
        for node, wave in zip(large.nodes, large.waves, strict=True)
        if node.endswith("_1")
    }
    title = f"first neurons: {large.jump.name}"
    yield Curve("large_jump", title, "time", "s", "V", time, waves)
    time = _time(1.2 * slowest(responses, WITHIN), *responses)
    distances = {}
    for response in responses:
        far = np.abs(response.waves - response.waves[:, -1:]).max(axis=0)
        distances[response.jump.name] = np.interp(
            time, response.time, decibels(np.maximum(far, _FLOOR))
        )
    title = "furthest node from its end"
    yield Curve("settling", title, "time", "s", "dBV", time, distances)


def _time(stop: float, *responses: JumpResponse) -> Array:
    end = max(float(response.time[-1]) for response in responses)
    return np.linspace(0.0, end if math.isnan(stop) else max(stop, _SHORTEST), _POINTS)

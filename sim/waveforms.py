"""Waveforms of one pair of passes, for looking at."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from netlists.build import build_deck, input_names, noise_trace_names, probe_names
from netlists.deck import Deck
from netlists.spice import format_for_library, format_number
from sim.cosim import Setup
from sim.libngspice import get_library
from sim.passes import Passes, pass_stimulus

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Waveforms:
    """Node voltages over time.

    Attributes:
        time: s, shape (T,).
        inputs: by node, V, shape (T,).
        noise: voltage of each neuron's noise source, likewise.
        pre: pre-activations, likewise.
        outputs: outputs of hidden layers, likewise.
        samples: sampling instants, s.
    """

    time: Array
    inputs: dict[str, Array]
    noise: dict[str, Array]
    pre: dict[str, Array]
    outputs: dict[str, Array]
    samples: tuple[float, ...]


def pair_deck(
    setup: Setup,
    synapses: Sequence[ResistorPairs],
    passes: Passes,
    *,
    traces: Sequence[str] = (),
    title: Sequence[str] = (),
) -> Deck:
    """Deck of the first pair of passes, as far back as the fidelity looks."""
    stretches = [(f"p{p + 1}", pass_stimulus(passes, p, setup.clock.look_back)) for p in range(2)]
    return build_deck(
        setup.network,
        setup.circuit,
        synapses,
        stretches,
        strings=setup.strings,
        solver=setup.config.simulation.solver(),
        traces=traces,
        title=title,
    )


def simulate_waveforms(
    setup: Setup, synapses: Sequence[ResistorPairs], passes: Passes
) -> Waveforms:
    """Simulate the first pair of passes in one transient.

    Args:
        setup: circuit and clock; the fidelity must not be `op`, which has no time.
        synapses: weight resistors.
        passes: at least one pair.
    """
    inputs, noise = (
        input_names(setup.network),
        noise_trace_names(setup.network, setup.circuit.noise),
    )
    deck = pair_deck(setup, synapses, passes, traces=(*inputs, *noise))
    stop = 2 * setup.clock.look_back
    library = get_library()
    library.load(format_for_library(deck))
    step = format_number(stop / 1000)
    library.command(f"tran {step} {format_number(stop)} 0 {step}")

    def read(names: Sequence[str]) -> dict[str, Array]:
        return {name: library.vector(name) for name in names}

    probes = probe_names(setup.network)
    hidden = read([name for name in probes if name.startswith("x")])
    waves = Waveforms(
        time=library.vector("time"),
        inputs=read(inputs),
        noise={_short(name): wave for name, wave in read(noise).items()},
        pre=read([name for name in probes if name.startswith("a")]),
        outputs=hidden,
        samples=(stop / 2, stop),
    )
    library.command("destroy all")
    return waves


def _short(trace: str) -> str:
    """`z1_2`, whether a control node or inside a layer: `xlayer1.z2`."""
    layer, dot, z = trace.partition(".")
    return f"z{layer.removeprefix('xlayer')}_{z.removeprefix('z')}" if dot else trace

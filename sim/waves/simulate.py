"""Consecutive passes in one transient, in the deck that has every resistor."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from circuits import ResistorPairs
from netlists.build import build_deck, control_names, input_names, rail_sources
from netlists.deck import Deck
from netlists.spice import format_deck, format_for_library, format_number
from netlists.stimulus import EDGE, Steps, Stimulus, resolved, source_waves, still
from sim.clock import Clock
from sim.engines.ngspice import wants_file
from sim.errors import SimulationError
from sim.libngspice import Ngspice, get_library
from sim.passes import Passes, pass_stimulus
from sim.preparation import Setup
from sim.state_file import state_file
from sim.title import run_title
from sim.waves.nodes import choose, usual_nodes
from sim.waves.waves import Waves

_LEAD = 10 * EDGE
"""Rest before the first whole pass, s: room for the strobe that puts a time point on its end."""

_POINTS = 500
"""Steps a pass, at least, so that curves look smooth."""


def pair_deck(
    setup: Setup,
    synapses: Sequence[ResistorPairs],
    passes: Passes,
    *,
    title: Sequence[str] = (),
) -> Deck:
    """Deck of the first pair of passes, as far back as the fidelity looks.

    Args:
        setup: circuit and clock.
        synapses: weight resistors.
        passes: at least one pair.
        title: lines to open the deck with.
    """
    return _deck(setup, synapses, _own_stretches(setup, passes[:2]), title=title)


def duration(clock: Clock, passes: int) -> float:
    """How long the transient of consecutive passes is, s.

    Args:
        clock: how far back to look in each.
        passes: how many.
    """
    return passes * clock.look_back + (_LEAD if clock.fidelity == "full" else 0.0)


def simulate_waves(
    setup: Setup,
    synapses: Sequence[ResistorPairs],
    passes: Passes,
    *,
    first: int = 1,
    nodes: Sequence[str] | None = None,
    currents: bool = False,
    keep: Path | None = None,
) -> Waves:
    """Simulate passes one after the other in one transient.

    With fidelity full the circuit rests on the inputs of the pass before for 100 ns, then come the
    passes from end to end, as the engine runs them. With aperture, the last stretch of each pass
    follows that of the one before: what settles at its beginning comes from this cut.

    Args:
        setup: circuit and clock; the fidelity must not be `op`, which has no time.
        synapses: weight resistors, a record a layer.
        passes: consecutive ones, P of them.
        first: number of the first.
        nodes: names or patterns as `sim.waves.nodes.choose` takes; by default inputs, states of
            junctions, noise sources, pre-activations and outputs.
        currents: read those of the supplies as well.
        keep: folder for what is left of a failed simulation; a temporary one by default.

    Returns:
        Voltages at ngspice's own time points.

    Raises:
        UserError: a node that is not there.
        SimulationError: names the deck and the log that were kept.
    """
    stretches = _own_stretches(setup, passes)
    lead = 0
    if setup.clock.fidelity == "full":
        stretches = [still(_LEAD, passes.previous(0), stretches[0].controls), *stretches]
        lead = 1
    usual = usual_nodes(setup.network, setup.circuit.noise)
    chosen = tuple(usual)
    if nodes is not None:
        chosen = choose(nodes, _deck(setup, synapses, stretches), chosen)
    library = get_library()
    ends = np.cumsum([stretch.duration for stretch in stretches])
    stop = float(ends[-1])
    step = format_number(setup.clock.look_back / _POINTS)
    try:
        with _loaded(library, setup, synapses, stretches, chosen):
            library.command(f"tran {step} {stop:.15g} 0 {step}")
            time = library.vector("time")
            if abs(time[-1] - stop) > 1e-6 * stop:
                raise SimulationError(  # noqa: TRY301  # ngspice's own failures come out here, too
                    f"ngspice, transient: ended at {time[-1]:g} s of {stop:g} s"
                )
            voltages = {name: library.vector(name) for name in chosen}
            supplies = [f"v{name}" for name in rail_sources(setup.circuit)] if currents else []
            amperes = {name: library.vector(f"{name}#branch") for name in supplies}
            library.command("destroy all")
    except SimulationError as error:
        deck = format_deck(_deck(setup, synapses, stretches))
        raise SimulationError(f"{error}; {library.keep(deck, keep)}") from None
    return Waves(
        time=time,
        voltages=voltages,
        kinds={name: usual.get(name, "other") for name in chosen},
        sampling_instants=tuple(ends[lead:].tolist()),
        passes=tuple(range(first, first + len(passes))),
        engine=f"ngspice {library.version}",
        title=run_title(setup.config, setup.clock.fidelity),
        flips=tuple(sorted(_flips(stretches, control_names(setup.network, setup.circuit.noise)))),
        currents=amperes,
    )


def _own_stretches(setup: Setup, passes: Passes) -> list[Stimulus]:
    return [pass_stimulus(passes, p, setup.clock.look_back) for p in range(len(passes))]


def _deck(
    setup: Setup,
    synapses: Sequence[ResistorPairs],
    stretches: Sequence[Stimulus],
    *,
    traces: Sequence[str] = (),
    title: Sequence[str] = (),
    states: str | None = None,
) -> Deck:
    labelled = [(f"p{p}", stretch) for p, stretch in enumerate(stretches, start=1)]
    return build_deck(
        setup.network,
        setup.circuit,
        synapses,
        labelled,
        strings=setup.strings,
        solver=setup.config.simulation.solver(),
        traces=traces,
        title=title,
        state_file=states,
    )


@contextlib.contextmanager
def _loaded(
    library: Ngspice,
    setup: Setup,
    synapses: Sequence[ResistorPairs],
    stretches: Sequence[Stimulus],
    traces: Sequence[str],
) -> Iterator[None]:
    """The deck in ngspice; with the junctions' states in a file where there are very many flips."""
    noise = setup.circuit.noise
    names = (*input_names(setup.network), *control_names(setup.network, noise))
    if not wants_file(source_waves(stretches, names), setup.network, noise):
        library.load(format_for_library(_deck(setup, synapses, stretches, traces=traces)))
        yield
        return
    with state_file(library, stretches) as name:
        deck = _deck(setup, synapses, stretches, traces=traces, states=name)
        library.load(format_for_library(deck))
        yield


def _flips(stretches: Sequence[Stimulus], names: Sequence[str]) -> Iterator[tuple[float, str]]:
    """Edges of the noise within stretches, where the deck has them: (beginning in s, source)."""
    start = 0.0
    for stretch in stretches:
        begin, end = start + (EDGE if start else 0.0), start + stretch.duration
        for name, level, steps in zip(names, stretch.controls.tolist(), stretch.steps, strict=True):
            moved = Steps(steps.times + start, steps.values)
            for edge, _ in resolved(moved, level, begin, end):
                yield edge, name
        start = end

"""The main job: train twin and circuit, transfer, compare, and leave a run folder behind."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from circuits import ResistorPairs
from circuits.network import format_layers
from netlists.build import control_names
from netlists.deck import Deck
from netlists.rules import Limits, check
from netlists.spice import format_deck
from sim import activation_curve, cosim
from sim.alignment import measure_alignment
from sim.compare import compare
from sim.engine import Engine
from sim.engines import NgspiceEngine
from sim.figures import plot_deviation, plot_losses, plot_waveforms
from sim.interruption import noted_interruptions
from sim.libngspice import get_library
from sim.noise.record import recording_noise
from sim.outcome import Outcome
from sim.passes import Passes
from sim.progress import TrainingProgress
from sim.record import RunFolder
from sim.sources import Drawn
from sim.summary import summarise
from sim.waveforms import pair_deck, simulate_waveforms

_ALIGNMENT_PAIRS = 400  # enough that scatter does not pass for a bad rule
_LOOKED_AT = 32  # junctions up to which waveforms show whole passes


def run_job(setup: cosim.Setup, folder: RunFolder, console: Console, *, quiet: bool) -> Outcome:
    """Run the job and write its folder.

    Args:
        setup: from `cosim.set_up`.
        folder: empty, writable.
        console: where progress goes.
        quiet: no progress.

    Returns:
        What was found; after Ctrl-C what was found so far.

    Raises:
        SimulationError: ngspice failed; what was learned so far is saved.
    """
    started = time.perf_counter()
    config = setup.config
    folder.write_text("config.toml", config.to_toml())
    if setup.curve:
        folder.write_text(activation_curve.NAME, setup.curve.text)
    engines = cosim.make_engines(setup, keep=folder.path)
    library = get_library() if "in_loop" in engines else None
    before = (library.seconds, library.aids) if library else (0.0, 0)
    outcome = Outcome(setup, cosim.begin(setup, engines))
    try:
        with noted_interruptions() as interrupted:
            outcome.initial = {
                name: cosim.evaluate(setup, engine, setup.start) for name, engine in engines.items()
            }
            outcome.nodes = setup.schedule(0).nodes(config.task.batch or 1)
            with _recorder(setup, folder) as record:
                outcome.finished = _train(
                    outcome, console, lambda: bool(interrupted), record, quiet=quiet
                )
            if outcome.finished:
                _score(outcome, engines)
                _plot_circuit(outcome, folder, engines)
    finally:
        outcome.seconds = time.perf_counter() - started
        if library:
            outcome.ngspice_seconds = library.seconds - before[0]
            outcome.aids = library.aids - before[1]
            outcome.tally = engines["in_loop"].tally
        _save(outcome, folder, engines)
    return outcome


def _recorder(
    setup: cosim.Setup, folder: RunFolder
) -> AbstractContextManager[Callable[[Drawn], None]]:
    if not setup.config.simulation.record_noise:
        return nullcontext(lambda _: None)
    return recording_noise(folder.path, setup.network, setup.circuit.noise, setup.clock.t_pass)


def _train(
    outcome: Outcome,
    console: Console,
    stop: Callable[[], bool],
    record: Callable[[Drawn], None],
    *,
    quiet: bool,
) -> bool:
    config = outcome.setup.config
    epochs, samples = config.task.epochs or 0, config.task.samples or 1
    progress = TrainingProgress(console, epochs, samples, quiet=quiet)
    with progress:
        return cosim.train(
            outcome.training,
            after_epoch=progress.epoch,
            after_step=progress.step,
            stop=stop,
            record=record,
        )


def _score(outcome: Outcome, engines: dict[str, Engine]) -> None:
    setup, learners = outcome.setup, outcome.training.learners
    learning = {name: engine for name, engine in engines.items() if name in learners}
    sizes = setup.config.task
    trained = (sizes.epochs or 0) * (sizes.samples or 1)  # not to take longer than training did
    pairs = min(_ALIGNMENT_PAIRS, trained)
    outcome.alignment = measure_alignment(setup, learning, pairs)
    twin = learners["ideal"]
    outcome.ideal = cosim.evaluate(setup, twin.engine, twin.model)
    if "in_loop" not in engines:
        return
    circuit = engines["in_loop"]
    outcome.transfer = cosim.evaluate(setup, circuit, twin.model)
    best = learners.get("in_loop", twin)
    if "in_loop" in learners:
        outcome.in_loop = cosim.evaluate(setup, circuit, best.model)
    outcome.comparison = compare(setup, circuit, best.model)


def _save(outcome: Outcome, folder: RunFolder, engines: dict[str, Engine]) -> None:
    setup, training = outcome.setup, outcome.training
    rows = folder.write_history(training.epochs)
    if rows:
        plot_losses(rows, setup.task.loss_name, title(setup), folder.path / "loss.png")
    synapses = None
    circuit = engines.get("in_loop")
    if isinstance(circuit, NgspiceEngine):
        # A rule that only mathematics can run leaves the circuit with the twin's weights.
        learner = training.learners.get("in_loop", training.learners["ideal"])
        circuit.write(cosim.effective_weights(learner.model, setup))
        synapses = circuit.pairs
        deck = _trained_deck(setup, synapses)
        folder.write_text("network.cir", format_deck(deck))
        if setup.config.simulation.erc:
            known = {breach for finding in setup.findings for breach in finding.breaches}
            found = check(deck, Limits.of(setup.circuit))
            outcome.trained = tuple(f for f in found if not f.breaches <= known)
    models = {name: learner.model for name, learner in training.learners.items()}
    folder.write_weights({"start": setup.start, **models}, synapses)
    folder.write_json("summary.json", summarise(outcome))


def _trained_deck(setup: cosim.Setup, synapses: Sequence[ResistorPairs]) -> Deck:
    return pair_deck(
        setup,
        synapses,
        _first_pair(setup),
        title=(
            f"danp-cosim: {title(setup)}",
            "the circuit as trained, with a pair of noisy passes of the first test sample;",
            "ngspice -b prints v(node) at the end of each (_p1, _p2)",
        ),
    )


def _first_pair(setup: cosim.Setup) -> Passes:
    schedule = setup.schedule(1, silent=setup.config.simulation.noise_off)
    return schedule.draw(setup.task.test_inputs[:1])


def _plot_circuit(outcome: Outcome, folder: RunFolder, engines: dict[str, Engine]) -> None:
    setup, comparison, circuit = outcome.setup, outcome.comparison, engines.get("in_loop")
    if comparison is None or not isinstance(circuit, NgspiceEngine):
        return
    plot_deviation(comparison, folder.path / "deviation.png")
    whole = len(control_names(setup.network, setup.circuit.noise)) <= _LOOKED_AT
    closer = setup.with_clock(setup.clock.in_full()) if whole else setup
    if closer.clock.look_back > 0:
        waves = simulate_waveforms(closer, circuit.pairs, _first_pair(closer))
        extent = "two whole passes" if whole else "the apertures of two passes"
        plot_waveforms(
            waves, f"{title(closer)}\n{extent} of one sample", folder.path / "waveforms.png"
        )


def title(setup: cosim.Setup) -> str:
    """What a figure shows, and which engine made it."""
    config = setup.config
    by = setup.twin
    if config.simulation.engine == "ngspice":
        by = f"ngspice, {setup.clock.fidelity}, {config.circuit.opamp.level} op-amps"
        if setup.twin != cosim.IDEAL:
            by = f"{by}; {setup.twin}"
    return (
        f"{config.task.name} {format_layers(setup.network.layers)}, {config.learning.rule}, "
        f"seed {config.seed} ({by})"
    )

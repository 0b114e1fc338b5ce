"""The main job: train twin and circuit, transfer, compare, and leave a run folder behind."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from rich.console import Console

from circuits import ResistorPairs
from circuits.network import format_layers
from netlists.build import control_names, probe_names
from netlists.deck import Deck
from netlists.spice import format_deck
from sim import cosim
from sim.alignment import Alignment, measure_alignment
from sim.compare import Comparison, compare
from sim.engine import Engine
from sim.engines import NgspiceEngine
from sim.figures import plot_deviation, plot_losses, plot_waveforms
from sim.libngspice import get_library
from sim.noise.record import NAME as NOISE_RECORD
from sim.noise.record import recording_noise
from sim.passes import Passes
from sim.progress import TrainingProgress
from sim.record import RunFolder, versions
from sim.sources import Drawn, NodeNoise
from sim.waveforms import pair_deck, simulate_waveforms

_ALIGNMENT_PAIRS = 400  # enough that scatter does not pass for a bad rule
_LISTED = 64  # levels of a node listed in the summary, at most
_CORRELATED = 0.1  # between the two passes, from which on a run warns
_TIED = 0.5  # between neighbouring nodes, likewise
_LOOKED_AT = 32  # junctions up to which waveforms show whole passes


@dataclass
class Outcome:
    """What a run found; `None` is what was not measured.

    Attributes:
        setup: complete configuration and all that follows from it.
        training: learners and their epochs.
        initial: loss before training, by engine.
        nodes: law of the noise at every neuron.
        alignment: of the rule's mean update with the gradient.
        ideal: the twin, trained.
        transfer: the twin's weights in the circuit.
        in_loop: the circuit trained in the loop.
        comparison: circuit against mathematics at the weights learned in the loop.
        finished: whether training ran to its end.
        seconds: from the first evaluation to the last figure, s.
        ngspice_seconds: inside ngspice, s.
        aids: commands in which ngspice reached for a convergence aid.
    """

    setup: cosim.Setup
    training: cosim.Training
    initial: dict[str, cosim.Evaluation] = field(default_factory=dict)
    nodes: tuple[NodeNoise, ...] = ()
    alignment: Alignment | None = None
    ideal: cosim.Evaluation | None = None
    transfer: cosim.Evaluation | None = None
    in_loop: cosim.Evaluation | None = None
    comparison: Comparison | None = None
    finished: bool = False
    seconds: float = 0.0
    ngspice_seconds: float = 0.0
    aids: int = 0


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
    engines = cosim.make_engines(setup, keep=folder.path)
    library = get_library() if "in_loop" in engines else None
    before = (library.seconds, library.aids) if library else (0.0, 0)
    outcome = Outcome(setup, cosim.begin(setup, engines))
    try:
        with _interruptions() as interrupted:
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


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """Ctrl-C as a note to stop after the step under way; a second one stops at once.

    An exception out of the handler would be lost where it falls into a callback from ngspice.
    """
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, _: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


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
        folder.write_text("network.cir", format_deck(_trained_deck(setup, synapses)))
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
    by = "ideal mathematics"
    if config.simulation.engine == "ngspice":
        by = f"ngspice, {setup.clock.fidelity}, {config.circuit.opamp.level} op-amps"
    return (
        f"{config.task.name} {format_layers(setup.network.layers)}, {config.learning.rule}, "
        f"seed {config.seed} ({by})"
    )


def summarise(outcome: Outcome) -> dict[str, Any]:
    """The contents of `summary.json`; volts, joules and seconds."""
    setup, training = outcome.setup, outcome.training
    config = setup.config
    circuit = training.learners.get("in_loop")
    twin = training.learners["ideal"]
    main = circuit or twin
    engine = "in_loop" if circuit else "ideal"
    spice = config.simulation.engine == "ngspice"
    degrees = outcome.alignment.degrees if outcome.alignment else {}
    rms_max = outcome.comparison.rms_and_max() if outcome.comparison else []
    return {
        "layers": list(setup.network.layers),
        "task": config.task.name,
        "rule": config.learning.rule,
        "seed": config.seed,
        "epochs": len(training.epochs),
        "epochs_asked": config.task.epochs,
        "finished": outcome.finished,
        "samples": config.task.samples,
        "engine": config.simulation.engine,
        "fidelity": config.simulation.fidelity if spice else None,
        "t_aperture_s": setup.clock.t_aperture if spice else None,
        "opamp": config.circuit.opamp.level if spice else None,
        "versions": versions(get_library().version if spice else None),
        "loss_name": setup.task.loss_name,
        "loss": {
            "initial": _loss(outcome.initial.get("ideal")),
            "initial_circuit": _loss(outcome.initial.get("in_loop")),
            "ideal": _loss(outcome.ideal),
            "transfer": _loss(outcome.transfer),
            "in_loop": _loss(outcome.in_loop),
        },
        "accuracy": {
            "initial": _accuracy(outcome.initial.get("ideal")),
            "initial_circuit": _accuracy(outcome.initial.get("in_loop")),
            "ideal": _accuracy(outcome.ideal),
            "transfer": _accuracy(outcome.transfer),
            "in_loop": _accuracy(outcome.in_loop),
        },
        "deviation": {
            "of": "layer outputs, ngspice minus ideal mathematics, same weights and noise",
            "layers": [{"rms_v": rms, "max_v": largest} for rms, largest in rms_max],
        },
        "alignment_deg": degrees.get(engine),
        "alignment": {
            "pairs": outcome.alignment.pairs if outcome.alignment else None,
            "ideal_deg": degrees.get("ideal"),
            "in_loop_deg": degrees.get("in_loop"),
        },
        "skipped_updates": main.skipped,
        "skipped_updates_ideal": twin.skipped,
        "clipped_resistors": main.clipped,
        "energy_per_pass_j": main.energy / main.passes if main.passes else None,
        "convergence_aids": outcome.aids if spice else None,
        "noise": _noise(outcome),
        "warnings": list(warnings(outcome)),
        "time": {
            "total_s": outcome.seconds,
            "ngspice_s": outcome.ngspice_seconds,
            "python_s": outcome.seconds - outcome.ngspice_seconds,
        },
        "passes": main.engine.passes,
    }


def _noise(outcome: Outcome) -> dict[str, Any]:
    setup, simulation = outcome.setup, outcome.setup.config.simulation
    noise = setup.circuit.noise
    probes = [name for name in probe_names(setup.network) if name.startswith("a")]
    return {
        "source": noise.source,
        "held_off": simulation.noise_off,
        "coupling": noise.coupling if noise.source == "string" else None,
        "flips_by": None if noise.source != "string" else "ngspice" if noise.two_way else "drawn",
        "file": noise.measured.file if noise.source == "measured" else None,
        "rounds": _rounds(outcome) or None,
        "recorded": NOISE_RECORD if simulation.record_noise else None,
        "nodes": [
            {
                "node": name,
                "sigma_v": node.sigma,
                "level_count": len(node.levels) or None,
                "levels_v": list(node.levels) if 0 < len(node.levels) <= _LISTED else None,
                "occupancy": node.occupancy,
                "pass_correlation": node.correlation,
                "neighbour_correlation": node.neighbour,
            }
            for name, node in zip(probes, outcome.nodes, strict=False)
        ],
    }


def warnings(outcome: Outcome) -> Iterator[str]:
    """What a run's figures should be read with, a sentence each."""
    setup = outcome.setup
    if setup.config.simulation.noise_off:
        return
    tied = max((node.neighbour for node in outcome.nodes), default=0.0)
    if tied > _TIED:
        yield (
            "neighbouring nodes read neighbouring samples: the differences of their two passes "
            f"are {100 * tied:.0f} % correlated, so that what would move them apart is learned "
            "more slowly; take --batch 1, every n-th sample (circuit.noise.measured.stride), or a "
            "source for each node"
        )
    rounds = _rounds(outcome)
    if rounds > 1:
        yield f"training reads the recording {rounds:.1f} times over: its noise repeats itself"
    worst = max((node.correlation for node in outcome.nodes), default=0.0)
    if worst > _CORRELATED:
        hint = "lengthen --t-pass"
        if setup.circuit.noise.source == "measured":
            hint = "read every n-th sample (circuit.noise.measured.stride)"
        yield (
            f"the two passes share {100 * worst:.0f} % of their noise's variance at a node: their "
            f"difference shrinks, and between levels more of them are the same; {hint}"
        )


def _rounds(outcome: Outcome) -> float:
    """How often training goes through the recording."""
    setup = outcome.setup
    task, recording = setup.config.task, setup.recording
    if recording is None:
        return 0.0
    read = 2 * (task.epochs or 0) * (task.samples or 0) * setup.network.neurons
    return read * setup.circuit.noise.measured.stride / recording.length


def _loss(evaluation: cosim.Evaluation | None) -> float | None:
    return evaluation.loss if evaluation else None


def _accuracy(evaluation: cosim.Evaluation | None) -> float | None:
    return evaluation.accuracy if evaluation else None

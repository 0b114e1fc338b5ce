"""What a run writes into its folder at its end, or where it was stopped."""

import shlex
from collections.abc import Sequence
from itertools import pairwise

from circuits import ResistorPairs
from netlists.build import control_names
from netlists.deck import Deck
from netlists.rules import Limits, check
from netlists.spice import format_deck
from sim import loop, recorded
from sim.errors import UserError
from sim.figures import plot_deviation, plot_losses
from sim.outcome import Outcome
from sim.passes import Passes
from sim.programmed import at_start
from sim.record import REPORT, RunFolder
from sim.results import Run
from sim.summary import summarise
from sim.title import run_title
from sim.waves.figure import plot_waveforms
from sim.waves.files import write_waves
from sim.waves.simulate import pair_deck, simulate_waves

_WHOLE = 32, 500  # junctions and weights up to which waveforms show whole passes
_EXPLICIT = 10_000  # weights; a deck with every resistor takes seconds up to here, minutes beyond


def write_waveforms(outcome: Outcome, folder: RunFolder) -> None:
    """Simulate and write a pair of passes of a circuit that was compared with the mathematics.

    Raises:
        SimulationError: ngspice failed.
        WriteError: the folder takes no more.
        UserError: the network is too large for them to be made unasked.
    """
    setup = outcome.setup
    if outcome.comparison is None:
        return
    weights = sum(a * b for a, b in pairwise(setup.network.layers))
    if weights > _EXPLICIT:
        raise UserError(
            f"they take a deck with every resistor, and {weights:,} weights are many for one; "
            f"danp-cosim waves {shlex.quote(str(folder.path))} --fidelity aperture makes some"
        )
    junctions = len(control_names(setup.network, setup.circuit.noise))
    whole = junctions <= _WHOLE[0] and weights <= _WHOLE[1]
    closer = setup.with_clock(setup.clock.in_full()) if whole else setup
    if closer.clock.look_back > 0:
        pairs = outcome.programmed().pairs
        waves = simulate_waves(closer, pairs, _first_pair(closer), keep=folder.path)
        write_waves(folder, waves)
        extent = "two whole passes" if whole else "the apertures of two passes"
        text = f"{run_title(closer.config, closer.clock.fidelity)}\n{extent} of one sample"
        folder.write_figure("waveforms.png", lambda path: plot_waveforms(waves, text, path))


def write_found(outcome: Outcome, folder: RunFolder, *, figures: bool = True) -> None:
    """Write all that was found; last `summary.json`, which says whether the run is finished.

    Args:
        outcome: of the run.
        folder: of the run.
        figures: draw them, too.

    Raises:
        WriteError: the folder takes no more.
    """
    setup, training = outcome.setup, outcome.training
    rows = folder.write_history(training.epochs)
    if rows and figures:
        title = run_title(setup.config)
        folder.write_figure(
            "loss.png", lambda path: plot_losses(rows, setup.task.loss_name, title, path)
        )
    compared = outcome.comparison
    if compared and figures:
        folder.write_figure("deviation.png", lambda path: plot_deviation(compared, path))
    folder.write_bytes(recorded.NAME, recorded.to_netcdf(recorded.record(outcome)))
    models = {name: learner.model for name, learner in training.learners.items()}
    folder.write_weights({"start": setup.start, **models}, _write_circuit(outcome, folder))
    folder.write_json("summary.json", summarise(outcome))


def write_page(_: Outcome, folder: RunFolder) -> None:
    """Write the report of what the folder holds.

    Raises:
        UserError: the folder takes no more, or holds another page of that name.
    """
    from sim.report.writing import write_report  # noqa: PLC0415  # templates and datasets, at the end

    write_report([Run(folder.path)], folder.path / REPORT)


def _write_circuit(outcome: Outcome, folder: RunFolder) -> dict[str, Sequence[ResistorPairs]]:
    """Write the trained deck, its electrical rules checked again.

    Returns:
        Resistors at the start and as trained; none where there is no circuit.
    """
    setup = outcome.setup
    if setup.config.simulation.engine != "ngspice":
        return {}
    trained = outcome.programmed().pairs
    deck = _trained_deck(setup, trained)
    folder.write_text("network.cir", format_deck(deck))
    if setup.config.simulation.erc:
        known = {breach for finding in setup.findings for breach in finding.breaches}
        found = check(deck, Limits.of(setup.circuit))
        outcome.trained = tuple(f for f in found if not f.breaches <= known)
    return {"start": at_start(setup).pairs, "trained": trained}


def _trained_deck(setup: loop.Setup, synapses: Sequence[ResistorPairs]) -> Deck:
    return pair_deck(
        setup,
        synapses,
        _first_pair(setup),
        title=(
            f"danp-cosim: {run_title(setup.config)}",
            "the circuit as trained, with a pair of noisy passes of the first test sample;",
            "ngspice -b prints v(node) at the end of each (_p1, _p2)",
        ),
    )


def _first_pair(setup: loop.Setup) -> Passes:
    schedule = setup.schedule(1, silent=setup.config.simulation.noise_off)
    return schedule.draw(setup.task.test_inputs[:1])

"""What a run prints at its start and at its end."""

import math
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from circuits.quantities import format_quantity
from learning import ActivityPerturbation
from sim import loop
from sim.compare import Comparison
from sim.config import TaskConfig
from sim.data_record import describe
from sim.outcome import Outcome
from sim.programmed import Programmed
from sim.summary import warnings
from sim.title import devices_in_words


def print_start(console: Console, setup: loop.Setup, jobs: int, *, finished: int = 0) -> None:
    """Print the network, what is simulated, and how long training is; samples of the user's own.

    Args:
        console: where to.
        setup: of the run.
        jobs: worker processes.
        finished: epochs that a run which goes on has behind it.
    """
    sizes = setup.config.task
    data = describe(setup.task, sizes.table)
    if data:
        console.print(data, soft_wrap=True)
    done = f", {finished:,} of them done" if finished else ""
    console.print(
        f"{_layers(setup)} in {_simulated(setup, jobs)}: {_training(sizes)}{done}", soft_wrap=True
    )


def _simulated(setup: loop.Setup, jobs: int) -> str:
    if setup.config.simulation.engine == "ideal":
        flips = setup.circuit.noise.two_way
        return f"{setup.twin}, {'ngspice for flips only' if flips else 'no SPICE'}"
    ngspice = f"ngspice, {setup.clock.fidelity}, {_counted(jobs, 'worker')}"
    if setup.rule.needs_gradient:
        return f"{setup.twin}, then in {ngspice}"
    return ngspice


def print_report(console: Console, outcome: Outcome) -> None:
    """Print losses by engine, facts and warnings."""
    setup = outcome.setup
    spice = setup.config.simulation.engine == "ngspice"
    twin = "mathematics" if setup.twin == loop.IDEAL else setup.twin
    # Without an epoch nothing was trained.
    trained = bool(setup.config.task.epochs)
    scores = [
        ("at the start", outcome.initial.get("ideal"), twin),
        ("at the start", outcome.initial.get("in_loop"), "ngspice"),
        ("ideal twin trained" if trained else "ideal twin", outcome.ideal, twin),
        ("transfer (the twin's weights)", outcome.transfer, "ngspice"),
        (
            "circuit trained in the loop" if trained else "circuit in the loop",
            outcome.in_loop,
            "ngspice",
        ),
    ]
    shown = [(label, score, engine) for label, score, engine in scores if score is not None]
    judged = any(score.accuracy is not None for _, score, _ in shown)
    table = Table(title=_headline(setup), title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("engine")
    table.add_column(f"loss ({setup.task.loss_name})", justify="right")
    if judged:
        table.add_column("accuracy", justify="right")
    if spice:
        table.add_column("doubtful", justify="right")
    for label, score, engine in shown:
        share = [f"{100 * (score.accuracy or 0):.1f} %"] if judged else []
        tally = score.tally
        doubtful = f"{tally.doubtful} of {tally.passes}" if engine == "ngspice" else ""
        table.add_row(label, engine, f"{score.loss:.3g}", *share, doubtful)
    console.print(table, soft_wrap=not console.is_terminal)
    for what, fact in _facts(outcome, spice=spice):
        console.print(f"{what:<26} {fact}", soft_wrap=True)
    for warning in warnings(outcome):
        console.print(f"warning: {warning}", soft_wrap=True)
    if setup.rule.needs_gradient and spice:
        console.print(f"no circuit in the loop: {setup.rule.name} needs the mathematics")


def _headline(setup: loop.Setup) -> str:
    sizes = setup.config.task
    return (
        f"{sizes.name} {_layers(setup)}, {setup.rule.name}, {_training(sizes)}, "
        f"seed {setup.config.seed}"
    )


def _layers(setup: loop.Setup) -> str:
    return "-".join(map(str, setup.network.layers))


def _training(sizes: TaskConfig) -> str:
    return f"{_counted(sizes.epochs or 0, 'epoch')} of {_counted(sizes.samples or 0, 'sample')}"


def _facts(outcome: Outcome, *, spice: bool) -> Iterator[tuple[str, str]]:
    training = outcome.training
    main = training.learners.get("in_loop", training.learners["ideal"])
    if outcome.comparison:
        yield from _deviations(outcome.comparison)
    if outcome.alignment:
        degrees = outcome.alignment.degrees
        angles = [f"{name.replace('_', ' ')} {a:.1f}°" for name, a in degrees.items() if a]
        if angles:
            pairs = _counted(outcome.alignment.pairs, "pair")
            yield "angle to the gradient", f"{', '.join(angles)} (start; mean of {pairs})"
    if outcome.nodes:
        yield "noise at the nodes", _noise(outcome)
    if isinstance(outcome.setup.rule, ActivityPerturbation):  # others take every sample
        yield "skipped updates", f"{main.skipped} (both passes the same)"
    if not spice:
        flips = outcome.setup.circuit.noise.two_way
        yield (
            "time",
            f"{outcome.seconds:.1f} s, {'ngspice for flips only' if flips else 'no SPICE'}",
        )
        return
    yield "passes in ngspice", outcome.tally.in_words()
    if not outcome.setup.config.simulation.erc:
        yield "electrical rules", "not checked (--no-erc)"
    yield "clipped resistors", f"{main.clipped}"
    devices = devices_in_words(outcome.setup.circuit.write_back)
    if devices:
        yield from _devices(devices, outcome.programmed())
    if main.tally.passes and main.energy > 0:
        energy = format_quantity(main.energy / main.tally.passes, "J")
        yield "energy per pass", f"{energy} (ngspice, mean over the training)"
    yield from _spent(outcome)


def _devices(devices: str, held: Programmed) -> Iterator[tuple[str, str]]:
    yield "weights written to", f"{devices}; {_counted(held.writes, 'write')}"
    errors = ", ".join(f"layer {k} {error:.2g}" for k, error in enumerate(held.errors, start=1))
    yield "held minus asked", f"{errors} V/V rms"


def _deviations(comparison: Comparison) -> Iterator[tuple[str, str]]:
    twin = "ideal" if comparison.twin == loop.IDEAL else "twin"
    tally = comparison.tally
    without = comparison.rms_and_max(doubtful=False)
    for layer, (rms, largest) in enumerate(comparison.rms_and_max(), start=1):
        ok = "; every pass is doubtful"
        if tally.ok:
            ok = f"; rms {_volts(without[layer - 1][0])} without doubtful passes"
        yield (
            f"deviation ngspice - {twin}" if layer == 1 else "",
            f"layer {layer}: rms {_volts(rms)}, max {_volts(largest)}"
            + (ok if tally.doubtful else ""),
        )


def _spent(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Workers that were lost, and the time that all took."""
    if outcome.replaced:
        lost = f"{_counted(outcome.replaced, 'worker')} replaced"
        yield "workers", f"{lost}, {_counted(outcome.retried, 'unit')} of passes asked again"
    whole, inside = f"{outcome.seconds:.1f} s", f"ngspice {outcome.ngspice_seconds:.1f} s"
    if outcome.jobs > 1:
        yield "time", f"{whole}: {inside} in {outcome.jobs} workers together"
        return
    python = outcome.seconds - outcome.ngspice_seconds
    yield "time", f"{whole}: {inside}, Python {python:.1f} s"


def _noise(outcome: Outcome) -> str:
    nodes, noise = outcome.nodes, outcome.setup.circuit.noise
    if outcome.setup.config.simulation.noise_off:
        return "held off"
    counts = {len(node.levels) for node in nodes}
    levels = f", {_between(sorted(counts))} levels" if counts != {0} else ""
    coupled = ", two-way in ngspice" if noise.two_way else ""
    correlation = max(node.correlation for node in nodes)
    known = [node.occupancy for node in nodes if math.isfinite(node.occupancy)]
    occupancy = f", occupancy {_between(known)}" if known else ""
    return (
        f"{noise.source}{coupled}: σ {_between([1e3 * n.sigma for n in nodes])} mV{levels}"
        f"{occupancy}, the two passes correlated by {correlation:.2g}"
    )


def _volts(value: float) -> str:
    return format_quantity(value, "V", 3)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _between(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"

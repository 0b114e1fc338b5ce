"""`python -m sim.run`: train an analog network in ngspice beside its ideal twin."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console
from rich.table import Table

from circuits.activation import DIODES, Kind
from circuits.noise import Coupling, SourceKind
from circuits.opamp import Level
from circuits.quantities import format_quantity
from learning import DEFAULTS, OPTIMIZERS, RULES
from netlists.commandline import INTERRUPTED, complain, execute
from sim import cosim
from sim.clock import Fidelity
from sim.config import load_config
from sim.errors import SIMULATION, SimulationError
from sim.job import Outcome, run_job, warnings
from sim.options import with_settings
from sim.record import open_folder


def _per_task(name: str) -> str:
    values = {task: getattr(d, name) for task, d in DEFAULTS.items()}
    if name == "layers":
        values = {task: ",".join(map(str, v)) for task, v in values.items()}
    if len(set(values.values())) == 1:
        return f"  [default: {next(iter(values.values()))}]"
    return f"  [default: {'; '.join(f'{v} for {task}' for task, v in values.items())}]"


# Option, path in the configuration, choices or what it takes, help with unit and default.
OPTIONS: tuple[tuple[str, str, tuple[str, ...] | str, str], ...] = (
    ("--layers", "task.layers", "N,N,…", "Units per layer, inputs first." + _per_task("layers")),
    ("--task", "task.name", tuple(DEFAULTS), "What is learned.  [default: teacher]"),
    (
        "--epochs",
        "task.epochs",
        "N",
        "Times through the training samples." + _per_task("epochs"),
    ),
    ("--samples", "task.samples", "N", "Training samples." + _per_task("samples")),
    ("--batch", "task.batch", "N", "Samples per update." + _per_task("batch")),
    ("--rule", "learning.rule", tuple(RULES), "Learning rule.  [default: danp]"),
    (
        "--eta",
        "learning.eta",
        "NUMBER",
        "Learning rate of the weights, without unit." + _per_task("eta"),
    ),
    (
        "--decor-rate",
        "learning.decor_rate",
        "NUMBER",
        "Learning rate of the decorrelation, without unit." + _per_task("decor_rate"),
    ),
    (
        "--optimizer",
        "learning.optimizer",
        tuple(OPTIMIZERS),
        "What updates go through." + _per_task("optimizer"),
    ),
    ("--seed", "seed", "N", "Seed of everything random.  [default: 0]"),
    (
        "--fidelity",
        "simulation.fidelity",
        get_args(Fidelity),
        (
            "full: whole passes; aperture: what can still be felt at the sampling instant; "
            "op: operating points.  [default: aperture]"
        ),
    ),
    (
        "--engine",
        "simulation.engine",
        ("ngspice", "ideal"),
        "ngspice: circuit and twin; ideal: the twin alone.  [default: ngspice]",
    ),
    ("--t-pass", "simulation.t_pass", "SECONDS", "Length of a pass, s.  [default: 1m]"),
    (
        "--t-aperture",
        "simulation.t_aperture",
        "SECONDS",
        "Aperture, s.  [default: twice the measured settling time]",
    ),
    ("--opamp", "circuit.opamp.level", get_args(Level), "Model of op-amps.  [default: macro]"),
    (
        "--activation",
        "circuit.activation.kind",
        get_args(Kind),
        "Rectifier of hidden neurons.  [default: diode-divider]",
    ),
    (
        "--diode",
        "circuit.activation.diode",
        tuple(DIODES),
        "Diodes of the rectifier.  [default: HSMS-2850; 1N4148 in the precision rectifier]",
    ),
    (
        "--source",
        "circuit.noise.source",
        get_args(SourceKind),
        (
            "Noise at every node: strings of junctions, a recording, or drawn voltages.  "
            "[default: string]"
        ),
    ),
    (
        "--noise-file",
        "circuit.noise.measured.file",
        "FILE",
        "Recording, with --source measured: CSV, .npy, parquet, or a folder of parquet chunks.",
    ),
    (
        "--column",
        "circuit.noise.measured.column",
        "NAME",
        "Column of the recording, by name or number.  [default: V, or the only one]",
    ),
    (
        "--sample-time",
        "circuit.noise.measured.sample_time",
        "SECONDS",
        "Time between its samples, s; passes hold one each.  [default: the recording's own]",
    ),
    ("--n-mtj", "circuit.noise.n_mtj", "N", "Junctions in the string of each node.  [default: 1]"),
    (
        "--coupling",
        "circuit.noise.coupling",
        get_args(Coupling),
        ("two-way: dwell times follow each junction's simulated current.  [default: open-loop]"),
    ),
)
# Switch, path, help.
SWITCHES: tuple[tuple[str, str, str], ...] = (
    (
        "--biases/--no-biases",
        "learning.biases",
        "Give every neuron a bias.  [default: the task's; teacher has none]",
    ),
    ("--noise-off", "simulation.noise_off", "Hold every junction at its mean."),
    (
        "--eval-noise",
        "simulation.evaluation_noise",
        "Leave the noise on where losses are evaluated.",
    ),
    (
        "--record-noise",
        "simulation.record_noise",
        "Write what training drew of the noise to noise.parquet.",
    ),
)


_NAMES = {path: option for option, path, _, _ in OPTIONS} | {
    path: switch.split("/")[0] for switch, path, _ in SWITCHES
}


def _with_options(command: Callable[..., int]) -> Callable[..., int]:
    for switch, path, text in reversed(SWITCHES):
        command = click.option(
            switch, path.replace(".", "__"), default=None, is_flag=True, help=text
        )(command)
    for option, path, takes, text in reversed(OPTIONS):
        kind, metavar = (
            (click.STRING, takes) if isinstance(takes, str) else (click.Choice(takes), None)
        )
        command = click.option(
            option, path.replace(".", "__"), type=kind, metavar=metavar, help=text
        )(command)
    return command


@click.command(context_settings={"max_content_width": 100})
@_with_options
@with_settings("circuit.opamp.gbw=300k", "runs/<time>-<layers>")
def run(
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    **chosen: Any,
) -> int:
    """Train an analog neural network in ngspice, beside its ideal-mathematics twin.

    Both start from the same weights and meet the same samples under the same noise. Afterwards the
    twin's weights are written into the circuit too (transfer). Numbers take engineering notation:
    1m, 2.8M, 100k.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation, 130 stopped by Ctrl-C.
    """
    given = {key.replace("__", "."): value for key, value in chosen.items()}
    config = load_config(config_file, preset, given, _NAMES, assignments)
    console = Console(stderr=False, highlight=False)
    try:
        setup = cosim.set_up(config)
        what = "-".join(map(str, setup.network.layers))
        folder = open_folder(out, what, datetime.now().astimezone())
        outcome = run_job(setup, folder, console, quiet=quiet)
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    if not quiet:
        _report(console, outcome)
        console.print(f"run folder: {folder.path}", soft_wrap=True)
    if not outcome.finished:
        complain(
            f"stopped by Ctrl-C after {len(outcome.training.epochs)} epochs; "
            f"what was learned is in {folder.path / 'weights.npz'}"
        )
        return INTERRUPTED
    return 0


def _report(console: Console, outcome: Outcome) -> None:
    setup = outcome.setup
    spice = setup.config.simulation.engine == "ngspice"
    scores = [
        ("at the start", outcome.initial.get("ideal"), "mathematics"),
        ("at the start", outcome.initial.get("in_loop"), "ngspice"),
        ("ideal twin trained", outcome.ideal, "mathematics"),
        ("transfer (the twin's weights)", outcome.transfer, "ngspice"),
        ("circuit trained in the loop", outcome.in_loop, "ngspice"),
    ]
    shown = [(label, score, engine) for label, score, engine in scores if score is not None]
    judged = any(score.accuracy is not None for _, score, _ in shown)
    table = Table(title=_headline(setup), title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("engine")
    table.add_column(f"loss ({setup.task.loss_name})", justify="right")
    if judged:
        table.add_column("accuracy", justify="right")
    for label, score, engine in shown:
        share = [f"{100 * (score.accuracy or 0):.1f} %"] if judged else []
        table.add_row(label, engine, f"{score.loss:.3g}", *share)
    console.print(table, soft_wrap=not console.is_terminal)
    for what, fact in _facts(outcome, spice=spice):
        console.print(f"{what:<26} {fact}", soft_wrap=True)
    for warning in warnings(outcome):
        console.print(f"warning: {warning}", soft_wrap=True)
    if setup.rule.needs_gradient and spice:
        console.print(f"no circuit in the loop: {setup.rule.name} needs the mathematics")


def _headline(setup: cosim.Setup) -> str:
    sizes = setup.config.task
    layers = "-".join(map(str, setup.network.layers))
    return (
        f"{sizes.name} {layers}, {setup.rule.name}, {sizes.epochs} epochs of {sizes.samples} "
        f"samples, seed {setup.config.seed}"
    )


def _facts(outcome: Outcome, *, spice: bool) -> Iterator[tuple[str, str]]:
    training = outcome.training
    main = training.learners.get("in_loop", training.learners["ideal"])
    if outcome.comparison:
        for layer, (rms, largest) in enumerate(outcome.comparison.rms_and_max(), start=1):
            yield (
                "deviation ngspice - ideal" if layer == 1 else "",
                f"layer {layer}: rms {1e3 * rms:.3g} mV, max {1e3 * largest:.3g} mV",
            )
    if outcome.alignment:
        degrees = outcome.alignment.degrees
        angles = [f"{name.replace('_', ' ')} {a:.1f}°" for name, a in degrees.items() if a]
        if angles:
            pairs = outcome.alignment.pairs
            yield "angle to the gradient", f"{', '.join(angles)} (start; mean of {pairs} pairs)"
    if outcome.nodes:
        yield "noise at the nodes", _noise(outcome)
    yield "skipped updates", f"{main.skipped} (both passes the same)"
    if not spice:
        flips = outcome.setup.circuit.noise.two_way
        yield (
            "time",
            f"{outcome.seconds:.1f} s, {'ngspice for flips only' if flips else 'no SPICE'}",
        )
        return
    yield "clipped resistors", f"{main.clipped}"
    if main.passes and main.energy > 0:
        yield "energy per pass", format_quantity(main.energy / main.passes, "J")
    python = outcome.seconds - outcome.ngspice_seconds
    yield (
        "time",
        f"{outcome.seconds:.1f} s: ngspice {outcome.ngspice_seconds:.1f} s, Python {python:.1f} s",
    )


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


def _between(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(run, arguments, "python -m sim.run")


if __name__ == "__main__":
    sys.exit(main())

"""The command that trains an analog network in ngspice beside its ideal twin."""

from pathlib import Path
from typing import Any, get_args

import click

from circuits.activation import DIODES, Kind
from circuits.noise import Coupling, SourceKind
from circuits.write_back.parameters import DeviceKind
from learning import DEFAULTS, OPTIMIZERS, OWN, RULES, TABLE, TASKS, Scale
from netlists.commandline import INTERRUPTED, complain
from netlists.models import OPAMP, ModelOption
from sim.checkpoint import FREE
from sim.clock import Fidelity, Reduction
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError
from sim.job import StoppedJobError, stopped
from sim.options import names_of, with_jobs, with_parameters, with_settings
from sim.run_report import print_report
from sim.running import begin_run, continue_run
from sim.settings import load_config
from sim.unfinished import require_nothing_else

# What follows from the user's own file.
_OF_THE_TABLE = {"layers": "inputs,8 to 32,targets", "samples": "four fifths"}


def _per_task(name: str) -> str:
    values = {task: getattr(d, name) for task, d in DEFAULTS.items()}
    if name == "layers":
        values = {task: ",".join(map(str, v)) for task, v in values.items()}
    values[TABLE] = _OF_THE_TABLE.get(name) or getattr(OWN, name)
    if len(set(values.values())) == 1:
        return f"  [default: {next(iter(values.values()))}]"
    return f"  [default: {'; '.join(f'{v} for {task}' for task, v in values.items())}]"


# Option, path in the configuration, choices or what it takes, help with unit and default.
OPTIONS: tuple[tuple[str, str, tuple[str, ...] | str | ModelOption, str], ...] = (
    ("--layers", "task.layers", "N,N,…", "Units per layer, inputs first." + _per_task("layers")),
    (
        "--task",
        "task.name",
        TASKS,
        "What is learned; table: samples of your own.  [default: teacher]",
    ),
    (
        "--epochs",
        "task.epochs",
        "N",
        "Times through the training samples." + _per_task("epochs"),
    ),
    ("--samples", "task.samples", "N", "Training samples." + _per_task("samples")),
    ("--batch", "task.batch", "N", "Samples per update." + _per_task("batch")),
    (
        "--test-samples",
        "task.test_samples",
        "N",
        "Held-out samples that networks are scored on.  [default: 500 for mnist; all for others]",
    ),
    (
        "--data-dir",
        "task.data_dir",
        "DIR",
        "Folder of the task's files: MNIST's four IDX files, for mnist.",
    ),
    (
        "--data",
        "task.table.file",
        "FILE",
        "Samples of your own, for table: CSV with a header, or .npz.",
    ),
    (
        "--inputs",
        "task.table.inputs",
        "NAME,…",
        "Columns of --data that are inputs.  [default: all that are no targets]",
    ),
    (
        "--targets",
        "task.table.targets",
        "NAME,…",
        "Columns of --data that hold numbers to learn.  [default: y, y1, y2, …]",
    ),
    (
        "--label",
        "task.table.label",
        "NAME",
        "Column of --data that holds classes to learn.  [default: label]",
    ),
    (
        "--data-scale",
        "task.table.scale",
        get_args(Scale),
        (
            "unit: each column of --data less its mean, its largest deviation 1 V; common: one "
            "factor for all inputs; volts: as they are.  [default: unit]"
        ),
    ),
    (
        "--start",
        "learning.start",
        "FILE",
        (
            "Go on from a run's weights.npz: FILE, or FILE:LEARNER for start, ideal or in_loop.  "
            "[default: weights drawn]"
        ),
    ),
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
        "--reduction",
        "simulation.reduction",
        get_args(Reduction),
        (
            "norton: rows of weight resistors as one source each, exactly; none: every resistor "
            "in one deck.  [default: norton]"
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
    (
        "--checkpoint-every",
        "simulation.checkpoint_every",
        "SECONDS",
        "Time between checkpoints, s; 0: one a step.  [default: 30]",
    ),
    (
        "--opamp",
        "circuit.opamp.level",
        OPAMP,
        "Model of op-amps; FILE:NAME is a subcircuit of a SPICE library.  [default: macro]",
    ),
    (
        "--activation",
        "circuit.activation.kind",
        get_args(Kind),
        "Rectifier of hidden neurons.  [default: diode-divider]",
    ),
    (
        "--diode",
        "circuit.activation.diode",
        ModelOption(tuple(DIODES)),
        (
            "Diodes of the rectifier; FILE:NAME of a SPICE library.  "
            "[default: HSMS-2850; 1N4148 in the precision rectifier]"
        ),
    ),
    (
        "--write-back",
        "circuit.write_back.device",
        get_args(DeviceKind),
        "Devices that weights are written to, with limits of their own.  [default: ideal]",
    ),
    (
        "--activation-curve",
        "simulation.activation_curve",
        "FILE",
        "Measured curve of the rectifier, CSV, for a calibrated twin.  [default: straight lines]",
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
    (
        "--chip",
        "circuit.mismatch.chip",
        "N",
        (
            "Number of the chip drawn, whatever the seed; its parts differ as circuit.mismatch and "
            "the spreads of circuit.smtj say.  [default: drawn from the seed]"
        ),
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
    (
        "--accumulator/--no-accumulator",
        "circuit.write_back.accumulator",
        (
            "Learn in weights of high precision and write them to the devices; without, go on from "
            "what is known of the devices.  [default: accumulator]"
        ),
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
    (
        "--erc/--no-erc",
        "simulation.erc",
        "Check the circuit's electrical rules before any simulation.  [default: erc]",
    ),
)


_NAMES = names_of(OPTIONS, SWITCHES)


@click.command(context_settings={"max_content_width": 100})
@with_parameters(OPTIONS, SWITCHES)
@with_settings("circuit.opamp.gbw=300k", "runs/<time>-<layers>")
@with_jobs
@click.option(
    "--resume",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Go on with the run in DIR that was stopped, from its last checkpoint.",
)
def run(
    *,
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    resume: Path | None,
    jobs: int,
    **chosen: Any,
) -> int:
    """Train an analog neural network in ngspice, beside its ideal-mathematics twin.

    Both start from the same weights and meet the same samples under the same noise. Afterwards the
    twin's weights are written into the circuit too (transfer). Numbers take engineering notation:
    1m, 2.8M, 100k.

    Exit codes: 0 done, 2 a wrong input or a folder that takes no more, 3 a failed simulation, 130
    stopped by Ctrl-C or SIGTERM.
    """
    given = {key.replace("__", "."): value for key, value in chosen.items()}
    console = open_console()
    try:
        if resume is None:
            config = load_config(config_file, preset, given, _NAMES, assignments)
            outcome, folder = begin_run(config, out, console, quiet=quiet, jobs=jobs)
        else:
            others = {"--preset": preset, "--config": config_file, "--out": out}
            require_nothing_else(given, _NAMES, assignments, others, FREE)
            folder = resume
            outcome = continue_run(
                folder, given, _NAMES, assignments, console, quiet=quiet, jobs=jobs
            )
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    except StoppedJobError as error:
        complain(str(error))
        return INTERRUPTED
    except KeyboardInterrupt:  # before there is anything to save
        complain("stopped by Ctrl-C")
        return INTERRUPTED
    if not quiet:
        print_report(console, outcome)
        console.print(f"run folder: {folder}", soft_wrap=True)
    if not outcome.finished:
        complain(stopped(outcome, folder, jobs))
        return INTERRUPTED
    return 0

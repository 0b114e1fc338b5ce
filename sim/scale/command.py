"""The command that trains a network by mathematics alone, at the size of the paper's networks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from circuits.noise import SourceKind
from netlists.commandline import INTERRUPTED, complain
from sim.errors import UserError
from sim.options import names_of, with_parameters, with_settings
from sim.scale import kinds
from sim.scale.config import ScaleConfig
from sim.scale.presets import PRESETS
from sim.scale.settings import configure

# Option, path in the configuration, choices or what it takes, help with unit and default.
OPTIONS: tuple[tuple[str, str, tuple[str, ...] | str, str], ...] = (
    (
        "--data",
        "data.name",
        get_args(kinds.DataName),
        "What is learned; teacher: answers of a random network.  [default: mnist]",
    ),
    ("--data-dir", "data.data_dir", "DIR", "Folder of the images' published files."),
    ("--train-samples", "data.train_samples", "N", "Samples to learn from.  [default: all]"),
    (
        "--test-samples",
        "data.test_samples",
        "N",
        "Held-out samples to score on.  [default: all]",
    ),
    (
        "--augment",
        "data.augment",
        get_args(kinds.Augment),
        "crop-flip: crop at random from 4 pixels more at each side, and mirror.  [default: none]",
    ),
    (
        "--scale",
        "data.scale",
        get_args(kinds.InputScale),
        (
            "Inputs: normalised as in the paper, or volts as circuits take them.  [default: paper; "
            "volts with --cell]"
        ),
    ),
    ("--layers", "network.layers", "N,N,…", "Units per layer, inputs first."),
    (
        "--hidden",
        "network.hidden",
        "N,N,…",
        "Units of hidden layers alone, or none; ends follow from the data.  [default: 500,500,500]",
    ),
    (
        "--leak",
        "network.leak",
        "NUMBER",
        "Slope of hidden units below zero, V/V.  [default: 0.01; the cell's with --cell]",
    ),
    ("--rule", "learning.rule", get_args(kinds.RuleName), "Learning rule.  [default: danp]"),
    (
        "--eta",
        "learning.eta",
        "NUMBER",
        "Learning rate of the weights, without unit.  [default: the preset's for rule and data]",
    ),
    (
        "--decor-rate",
        "learning.decor_rate",
        "NUMBER",
        "Learning rate of the decorrelation, without unit.  [default: likewise]",
    ),
    (
        "--schedule",
        "learning.schedule",
        get_args(kinds.Schedule),
        (
            "η over the epochs: linear: falls from epoch to epoch.  [default: linear; constant for "
            "the paper's presets, digits and teacher]"
        ),
    ),
    (
        "--optimizer",
        "learning.optimizer",
        get_args(kinds.Optimizer),
        "What updates go through.  [default: adam; sgd for teacher]",
    ),
    (
        "--loss",
        "learning.loss",
        get_args(kinds.LossName),
        (
            "Per sample; -5: five logits a volt.  [default: cross-entropy; -5 with --cell; "
            "squared-error for teacher]"
        ),
    ),
    (
        "--batch",
        "learning.batch",
        "N",
        "Samples per update.  [default: 64; 1 for teacher]",
    ),
    (
        "--epochs",
        "learning.epochs",
        "N",
        "Times through the training samples.  [default: 20; 100 for teacher]",
    ),
    (
        "--reduction",
        "learning.reduction",
        get_args(kinds.BatchReduction),
        "Of a batch: mean as the paper prints it, sum as its code does.  [default: mean]",
    ),
    (
        "--demean",
        "learning.demean",
        get_args(kinds.Demean),
        "Take the mean off layers' inputs: batch by batch, or learned.  [default: none]",
    ),
    (
        "--source",
        "circuit.noise.source",
        get_args(SourceKind),
        "Noise at every node.  [default: string]",
    ),
    (
        "--noise-file",
        "circuit.noise.measured.file",
        "FILE",
        "Recording, with --source measured: CSV, .npy, parquet, or a folder of parquet chunks.",
    ),
    (
        "--t-pass",
        "noise.t_pass",
        "SECONDS",
        "Time from one pass to the next, s.  [default: 1m]",
    ),
    (
        "--order",
        "noise.order",
        get_args(kinds.Order),
        "In which clocked noise is read: sample by sample, or pass by pass.  [default: pairs]",
    ),
    ("--noise-gain", "noise.gain", "NUMBER", "Factor on all noise, without unit.  [default: 1]"),
    ("--cell", "cell", "FILE", "cell.json of sim.characterize: a circuit's cells."),
    (
        "--cell-without",
        "cell_without",
        "NAME,…",
        "Imperfections of the cell to leave out.",
    ),
    ("--seed", "seed", "N", "Seed of everything random.  [default: 0]"),
    (
        "--device",
        "device",
        "auto|cpu|cuda",
        "Where tensors are; cuda:1 for the second GPU.  [default: auto]",
    ),
    ("--threads", "threads", "N", "Threads on a CPU.  [default: torch's choice]"),
    (
        "--precision",
        "precision",
        get_args(kinds.Precision),
        "mixed: bfloat16 where that is safe.  [default: float32]",
    ),
    (
        "--checkpoint-every",
        "checkpoint_every",
        "SECONDS",
        "Time between checkpoints, s; 0: one a step.  [default: 60]",
    ),
)
# Switch, path, help.
SWITCHES: tuple[tuple[str, str, str], ...] = (
    ("--download", "data.download", "Fetch the images' files that are not there."),
    (
        "--biases/--no-biases",
        "learning.biases",
        "Give every neuron a bias.  [default: yes; no for teacher]",
    ),
    ("--evaluation-noise", "evaluation.noise", "Leave the noise on where networks are scored."),
    ("--compile", "compiled", "Compile the step with torch.compile."),
)
NAMES = names_of(OPTIONS, SWITCHES)


def _require_noise(config: ScaleConfig, given: Mapping[str, Any], assigned: Sequence[str]) -> None:
    """Refuse noise that was asked for and that nothing would draw.

    Args:
        config: put together.
        given: value by path of every option; None where not given.
        assigned: `PATH=VALUE`.

    Raises:
        UserError: names the first one.
    """
    if config.learning.rule != "bp" or config.evaluation.noise:
        return
    typed = {path: NAMES[path] for path, value in given.items() if value is not None}
    typed |= {path: f"--set {path}" for path in (text.partition("=")[0] for text in assigned)}
    for path, name in typed.items():
        if path.startswith(("noise.", "circuit.noise.")):
            raise UserError(
                f"{name}: rule bp draws no noise, so it would do nothing; leave it out, or give "
                "--evaluation-noise to have networks scored under it"
            )


class _WithPresets(click.Command):
    """A command whose help says what the presets are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of presets, each with its source."""
        with formatter.section("Presets"):
            formatter.write_dl([(name, preset.source) for name, preset in PRESETS.items()])


@click.command(cls=_WithPresets, context_settings={"max_content_width": 100})
@with_parameters(OPTIONS, SWITCHES)
@with_settings("circuit.smtj.diameter=40n", "runs/<time>-<data>-<layers>", PRESETS)
@click.option(
    "--resume",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Go on with the training in DIR that was stopped, from its last checkpoint.",
)
def train(
    *,
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    resume: Path | None,
    **chosen: Any,
) -> int:
    """Train a network by mathematics alone, under a device's noise, at full size.

    Nothing of it is simulated in SPICE: torch computes the equations, on a CPU or a GPU. Learning
    rates that are left out are those of the preset for rule, data and noise; whatever is given
    overrides it.

    Exit codes: 0 done, 2 a wrong input, a folder that takes no more, or a training that diverged,
    130 stopped by Ctrl-C or SIGTERM.
    """
    given = {key.replace("__", "."): value for key, value in chosen.items()}
    config = configure(preset, given, config=config_file, names=NAMES, assignments=assignments)
    _require_noise(config, given, assignments)
    # These import torch, which a wrong option need not wait for.
    from sim.console import open_console  # noqa: PLC0415
    from sim.scale import job  # noqa: PLC0415
    from sim.scale.checkpoint import FREE  # noqa: PLC0415
    from sim.unfinished import require_nothing_else  # noqa: PLC0415

    console = open_console()
    try:
        if resume is None:
            trained = job.begin(config, out, console, quiet=quiet)
        else:
            others = {"--preset": preset, "--config": config_file, "--out": out}
            require_nothing_else(given, NAMES, assignments, others, FREE)
            trained = job.go_on(resume, given, NAMES, assignments, console, quiet=quiet)
    except job.StoppedJobError as error:
        complain(str(error))
        return INTERRUPTED
    except KeyboardInterrupt:  # before there is anything to save
        complain("stopped by Ctrl-C")
        return INTERRUPTED
    if not quiet:
        console.print(f"run folder: {trained.folder}", soft_wrap=True)
    if not trained.finished:
        complain(job.stopped(trained))
        return INTERRUPTED
    return 0

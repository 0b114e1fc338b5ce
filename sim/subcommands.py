"""The sub-commands of `danp-cosim`, each imported when it is asked for."""

import importlib
from dataclasses import dataclass

import click

from netlists.commandline import complain
from sim.interruption import leaving_at_ctrl_c


@dataclass(frozen=True)
class Subcommand:
    """Where a sub-command is.

    Attributes:
        module: its module.
        name: of the command in there.
        summary: first sentence of its help, which the list shows without importing it.
    """

    module: str
    name: str
    summary: str


SUBCOMMANDS = {
    "run": Subcommand(
        "sim.run_command",
        "run",
        "Train an analog neural network in ngspice, beside its ideal-mathematics twin.",
    ),
    "train": Subcommand(
        "sim.scale.command",
        "train",
        "Train a network by mathematics alone, under a device's noise, at full size.",
    ),
    "noise": Subcommand(
        "sim.noise.command",
        "noise",
        "Characterise noise: a source, recorded files, or a simulated node.",
    ),
    "report": Subcommand(
        "sim.report.command",
        "report",
        "Write a page that shows a run, or several side by side.",
    ),
    "characterize": Subcommand(
        "sim.characterize.command", "characterize", "Measure what a data sheet states of the cells."
    ),
    "attribute": Subcommand(
        "sim.attribute.command",
        "attribute",
        "Attribute the deviation from mathematics to the circuit's parts.",
    ),
    "waves": Subcommand(
        "sim.waves.command",
        "waves",
        "Simulate evaluation passes of a finished run again, and keep every waveform.",
    ),
    "conformance": Subcommand(
        "sim.conformance.command",
        "conformance",
        "Ask a second simulator: ngspice and neospice on the same decks.",
    ),
    "sweep": Subcommand(
        "sim.sweep.command",
        "sweep",
        "Run a design at many points: grids, lists, random draws, corners, chips and seeds.",
    ),
    "explore": Subcommand(
        "sim.explore.command",
        "explore",
        "Say what a sweep found: effects, yield, what matters, energy against loss.",
    ),
    "schematic": Subcommand(
        "sim.schematic.command",
        "schematic",
        "Draw the circuit: every part of its deck, with the deck's names and values.",
    ),
    "tune": Subcommand(
        "sim.tune.command",
        "tune",
        "Tune parameters for the least loss or energy.",
    ),
    "build": Subcommand(
        "netlists.export",
        "export",
        "Write a SPICE deck of a network with random weights and one pair of noisy passes.",
    ),
}


class Lazy(click.Group):
    """A group that imports the module of a command when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Names, in the order of the help."""
        return [*SUBCOMMANDS, *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command.

        Raises:
            click.exceptions.Exit: with code 1, its module does not import.
        """
        found = SUBCOMMANDS.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        try:
            with leaving_at_ctrl_c():
                return getattr(importlib.import_module(found.module), found.name)
        except ImportError as error:
            complain(f"{cmd_name}: {error}; danp-cosim doctor says what is missing")
            raise click.exceptions.Exit(1) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands into the help, from their summaries."""
        rows = [(name, one.summary) for name, one in SUBCOMMANDS.items()]
        rows += [(name, command.get_short_help_str(100)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=Lazy, context_settings={"max_content_width": 100})
@click.version_option(package_name="danp-cosim")
def commands() -> None:
    """Train analog neural networks in SPICE, beside an ideal-mathematics twin."""


@commands.command(
    "doctor", add_help_option=False, context_settings={"ignore_unknown_options": True}
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def doctor(arguments: tuple[str, ...]) -> int:
    """Look at everything that runs need, and say what is wrong and how to mend it."""
    from sim.doctor.command import main  # noqa: PLC0415  # as with the others

    return main(arguments, "danp-cosim doctor")

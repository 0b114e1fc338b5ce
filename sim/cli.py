"""`danp-cosim`: the modules' commands as sub-commands."""

import sys
from collections.abc import Sequence

import click

from netlists.commandline import execute
from netlists.export import export
from sim.noise.command import noise
from sim.run import run


@click.group()
@click.version_option(package_name="danp-cosim")
def commands() -> None:
    """Train analog neural networks in SPICE, beside an ideal-mathematics twin."""


commands.add_command(run, "run")
commands.add_command(noise, "noise")
commands.add_command(export, "build")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    return execute(commands, arguments, "danp-cosim")


if __name__ == "__main__":
    sys.exit(main())

"""Options that commands share: where settings come from, and where results go."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from sim.presets import PRESETS, Preset

Command = TypeVar("Command", bound=Callable[..., object])


MOST_JOBS = 1024
"""Worker processes, at most: more than machines have cores."""


class WholeNumber(click.IntRange):
    """A number of things, from `min` on."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read it; what is no such number gets one line."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            most = "" if self.max is None else f" and at most {self.max:,}"
            wanted = f"wanted a whole number of at least {self.min}{most}"
            self.fail(f"{wanted}, got {value!r}", param, ctx)


Options = Sequence[tuple[str, str, tuple[str, ...] | str | click.ParamType, str]]
"""Option, path in the configuration, its choices or what it takes, help with unit and default."""

Switches = Sequence[tuple[str, str, str]]
"""Switch, path in the configuration, help with its default."""


def names_of(options: Options, switches: Switches) -> dict[str, str]:
    """What a user types, by path in the configuration."""
    names = {path: option for option, path, _, _ in options}
    return names | {path: switch.split("/")[0] for switch, path, _ in switches}


def with_parameters(options: Options, switches: Switches) -> Callable[[Command], Command]:
    """Add options that set parameters, handed over by their path with `__` for a dot."""

    def add(command: Command) -> Command:
        for switch, path, text in reversed(switches):
            command = click.option(
                switch, path.replace(".", "__"), default=None, is_flag=True, help=text
            )(command)
        for option, path, takes, text in reversed(options):
            kind, metavar = (click.Choice(takes) if isinstance(takes, tuple) else takes), None
            if isinstance(kind, str):
                kind, metavar = click.STRING, kind
            command = click.option(
                option, path.replace(".", "__"), type=kind, metavar=metavar, help=text
            )(command)
        return command

    return add


def with_jobs(command: Command) -> Command:
    """Add `--jobs`, handed over as `jobs`."""
    return click.option(
        "--jobs",
        type=WholeNumber(1, MOST_JOBS),
        default=1,
        metavar="N",
        help=(
            "Worker processes that simulate the circuit; results are the same for every number.  "
            "[default: 1]"
        ),
    )(command)


def with_settings(
    example: str, folder: str, presets: Mapping[str, Preset] = PRESETS
) -> Callable[[Command], Command]:
    """Add `--set`, `--preset`, `--config`, `--out` and `--quiet`.

    They are handed over as `assignments`, `preset`, `config_file`, `out` and `quiet`.

    Args:
        example: of an assignment, for the help.
        folder: where results go by default, for the help.
        presets: by name.
    """

    def add(command: Command) -> Command:
        for option in (
            click.option("--quiet", is_flag=True, help="Print errors only."),
            click.option(
                "--out",
                type=click.Path(path_type=Path),
                help=f"Folder to write.  [default: {folder}]",
            ),
            click.option(
                "--config",
                "config_file",
                type=click.Path(path_type=Path),
                help="TOML file, such as a run's config.toml; options override it.",
            ),
            click.option(
                "--preset", type=click.Choice(tuple(presets)), help="Settings to start from."
            ),
            click.option(
                "--set",
                "assignments",
                metavar="PATH=VALUE",
                multiple=True,
                help=f"Any parameter by its path, as in {example}; may be repeated.",
            ),
        ):
            command = option(command)
        return command

    return add

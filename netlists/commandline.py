"""Commands end in a line, or one for each thing that is wrong, and an exit code.

0 done, 2 for what the user gave, 130 after Ctrl-C.
"""

import sys
from collections.abc import Sequence

import click

USER, INTERRUPTED = 2, 130


def execute(command: click.Command, arguments: Sequence[str] | None, name: str) -> int:
    """Run a command line.

    Args:
        command: the command, or group of commands.
        arguments: without the program's name; those of the process by default.
        name: what messages and help call the program.

    Returns:
        Exit code.
    """
    try:
        code = command.main(
            args=None if arguments is None else list(arguments),
            prog_name=name,
            standalone_mode=False,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USER
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else name
        complain(f"{' '.join(error.format_message().split())} See {path} --help.")
        return USER
    except OSError as error:
        complain(f"{error.filename or name}: {error.strerror or error}")
        return USER
    except (click.Abort, KeyboardInterrupt):
        complain("stopped by Ctrl-C")
        return INTERRUPTED
    except Exception as error:
        # With the packages that circuits import: half a second that help does without.
        from circuits.errors import UserError  # noqa: PLC0415

        if not isinstance(error, UserError):
            raise
        for line in error.args:
            complain(str(line))
        return USER
    return code if isinstance(code, int) else 0


def complain(line: str) -> None:
    """Print an error as one line."""
    click.echo(f"error: {' '.join(line.split())}", file=sys.stderr)

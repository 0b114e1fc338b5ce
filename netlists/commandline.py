"""Commands end in a line, or one for each thing that is wrong, and an exit code.

0 done, 2 for what the user gave, 130 after Ctrl-C, 141 where nobody reads the output any more.
"""

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

USER, INTERRUPTED, UNREAD = 2, 130, 141
"""Exit codes beside 0; the last two are what a shell says of SIGINT and of SIGPIPE."""

_BEGIN, _END = 700, 300  # characters of a longer line that are shown


def execute(command: click.Command, arguments: Sequence[str] | None, name: str) -> int:
    """Run a command line.

    Args:
        command: the command, or group of commands.
        arguments: without the program's name; those of the process by default.
        name: what messages and help call the program.

    Returns:
        Exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know neither µ nor °
    try:
        code = _executed(command, arguments, name)
        if sys.stdout is not None:  # as it is after `>&-`
            sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        return UNREAD
    except SystemExit as end:
        if end.code != 1:
            raise
        # click and rich end a program so where nobody reads on, as with `| head`; no one else.
        _silence(sys.stdout)
        return UNREAD
    except OSError as error:
        place = error.filename or f"{name}: reading or writing failed"
        complain(f"{place}: {error.strerror or error}")
        _give_up_rest()
        return USER
    except (click.Abort, KeyboardInterrupt) as error:
        # click makes an Abort of a KeyboardInterrupt, which may say how to go on.
        said = error.__cause__ if isinstance(error, click.Abort) else error
        text = said.args[0] if said is not None and said.args else None
        complain(text if isinstance(text, str) else "stopped by Ctrl-C")
        return INTERRUPTED
    return code


def _executed(command: click.Command, arguments: Sequence[str] | None, name: str) -> int:
    """Run a command line; what fails in writing or is stopped goes on to the caller."""
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
        said = " ".join(error.format_message().split())
        complain(f"{said}{'' if said.endswith(('.', '?)')) else '.'} See {path} --help.")
        return USER
    except (OSError, click.Abort):
        raise
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
    """Print an error as one line; what a terminal would obey is shown as its escape."""
    shown = _shown(" ".join(line.split()))
    if len(shown) > _BEGIN + _END:
        shown = f"{shown[:_BEGIN]} … {shown[-_END:]}"
    try:
        click.echo(f"error: {shown}", err=True)
    except OSError:  # the exit code says it all the same
        _silence(sys.stderr)


def _shown(text: Any) -> str:
    """Text with what does not print, as control characters, in the spelling of Python."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def _give_up_rest() -> None:
    """Let go of what standard output does not take, as on a full disk."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _silence(sys.stdout)


def _silence(stream: Any) -> None:
    """Let what is still to be written go nowhere, as Python's own flush at the end would fail."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # no stream, or none of a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

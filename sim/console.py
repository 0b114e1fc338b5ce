"""The console that commands print to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

_WIDTH = 120  # columns of tables in a file or a pipe, which have no width of their own


def open_console() -> Console:
    """Standard output, as wide as the terminal; wide enough for tables where there is none.

    `COLUMNS` of the environment overrides either.
    """
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH
    return console


def live(console: Console) -> bool:
    """Whether what is shown can be drawn again in its place: someone watches a terminal."""
    return console.is_interactive and not console.is_dumb_terminal and console.file.isatty()


@contextmanager
def waiting(console: Console, what: str, *, quiet: bool) -> Iterator[None]:
    """Say what is under way, on a terminal, while the context lasts."""
    if quiet or not live(console):
        yield
        return
    with console.status(what):
        yield

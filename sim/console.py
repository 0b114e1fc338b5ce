"""The console that commands print to."""

import os

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

"""Ctrl-C, and a cluster's SIGTERM, at a moment that suits."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

_NOTED = (signal.SIGINT, signal.SIGTERM)
_EXIT = 130  # what `netlists.commandline` calls INTERRUPTED, which is not to be imported yet
_TOGETHER = 1.0  # s; signals so close are one: timeout(1) sends its own twice


class StoppedError(Exception):
    """Scoring ended before its end, as it was asked to."""


class StoppedAtOnceError(KeyboardInterrupt):
    """A second signal came; `number` is which."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def noted_interruptions(say: str = "") -> Iterator[list[int]]:
    """Ctrl-C or SIGTERM as a note to stop after what is under way; a second one stops at once.

    An exception out of the handler would be lost where it falls into a callback from ngspice. What
    comes within a second of the one before is taken for the same.

    Args:
        say: line on standard error at the first; none by default.

    Raises:
        StoppedAtOnceError: inside the context, at a second.
    """
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked  # signals go to the main thread
        return
    heeded = 0.0
    before = {number: signal.getsignal(number) for number in _NOTED}

    def note(number: int, _: FrameType | None) -> None:
        nonlocal heeded
        now = time.monotonic()
        if asked and now - heeded < _TOGETHER:
            return
        heeded = now
        asked.append(number)
        if len(asked) > 1:
            raise StoppedAtOnceError(number)
        if say:
            _say(say)

    for number in _NOTED:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def leaving_at_ctrl_c() -> Iterator[None]:
    """Ctrl-C ends the process in one line, while it has nothing to lose: during imports.

    An exception would come out of the middle of a module, some of which make another of it.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # ignored, or somebody else's
        return

    def leave(_: int, __: FrameType | None) -> None:
        _say("error: stopped by Ctrl-C")
        os._exit(_EXIT)

    signal.signal(signal.SIGINT, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def signal_name(number: int) -> str:
    """What a message calls it."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def _say(line: str) -> None:
    """Write a line to standard error past its buffer, in which a handler may find a half line."""
    with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or nobody reads it
        number = sys.stderr.fileno()
        begin = "\n" if os.isatty(number) else ""  # behind the terminal's ^C, or a live line
        os.write(number, f"{begin}{line}\n".encode())

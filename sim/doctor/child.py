"""Child processes with a time limit: what may hang or crash does it there."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim.doctor.finding import one_line

MARK = "sim.doctor:"
"""Begins each line of a probe's answers; what libraries print stands beside."""


@dataclass(frozen=True)
class Outcome:
    """How a child ended.

    Attributes:
        stdout: what it printed, whole or up to its end by force.
        stderr: likewise.
        fault: how it ended if not well, in words; "" otherwise.
    """

    stdout: str
    stderr: str
    fault: str


def run(command: Sequence[str], timeout: float, feed: str = "") -> Outcome:
    """Run a command to its end, whatever it does; its own children end with it.

    Args:
        command: program and arguments.
        timeout: s.
        feed: its standard input.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  # ngspice, or this Python
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Outcome("", "", f"does not start: {one_line(error)}")
    try:
        stdout, stderr = process.communicate(feed.encode(), timeout)
    except subprocess.TimeoutExpired as late:
        fault = f"no answer within {timeout:g} s"
        return Outcome(_text(late.stdout), _text(late.stderr), fault)
    finally:
        _end(process)
    return Outcome(_text(stdout), _text(stderr), _fault(process.returncode))


def ask(probe: str, *arguments: str, timeout: float) -> tuple[dict[str, Any], Outcome]:
    """Run one of `sim.doctor.probes` in a Python like this one.

    Returns:
        All that it told, with `done` if it came to its end and `error` if it raised; and how its
        process ended.
    """
    code = f"import sys; sys.path[:] = {sys.path!r}; from sim.doctor.probes import main; main()"
    outcome = run([sys.executable, "-c", code, probe, *arguments], timeout)
    told: dict[str, Any] = {}
    for line in outcome.stdout.splitlines():
        if line.startswith(MARK):
            # A line cut short by the child's death tells nothing.
            with contextlib.suppress(ValueError):
                told |= json.loads(line.removeprefix(MARK))
    return told, outcome


def complaint(told: dict[str, Any], outcome: Outcome) -> str:
    """What went wrong in a probe, in words; "" if nothing did."""
    if "error" in told:
        return str(told["error"])
    if not outcome.fault:
        return "" if told.get("done") else "ended without a word"
    last = outcome.stderr.strip().rpartition("\n")[2]
    return f"{outcome.fault}: {one_line(last)}" if last else outcome.fault


def _fault(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}" if code else ""
    try:
        return f"crashed with {signal.Signals(-code).name}"
    except ValueError:
        return f"crashed with signal {-code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def _text(output: bytes | None) -> str:
    return (output or b"").decode("utf8", "replace")

"""`python -m sim.doctor`: look at all that runs need, say what is wrong and how to mend it."""

import argparse
import io
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn

from sim.doctor.finding import Finding, one_line
from sim.doctor.machine import look_at_machine
from sim.doctor.packages import look_at_options, look_at_python, own_version
from sim.doctor.simulator import look_at_ngspice

WRONG, USER, INTERRUPTED, UNREAD = 1, 2, 130, 141
"""Exit codes beside 0; 2 and 130 are those of every command, 141 is a shell's for a closed pipe."""

_ABOUT = """Look at everything that runs need, and say what is wrong and how to mend it.

A small circuit is really simulated, every package really imported, each in a process of its own
that may crash or hang without harm. A line each: ok; note, for what no run needs; WRONG, with the
remedy below; skipped, where something before it is wrong.

Exit codes: 0 all that is needed is there, 1 something needed is missing or broken, 2 a wrong
input, 130 stopped by Ctrl-C."""
_ENVIRONMENT = (
    "NGSPICE_LIBRARY_PATH",
    "SPICE_LIB_DIR",
    "SPICE_SCRIPTS",
    "OMP_NUM_THREADS",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "PATH",
    "TMPDIR",
)
_LONGEST = 3600.0  # s
_MARKS = {"ok": "ok", "note": "note", "wrong": "WRONG", "skipped": "skipped"}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _WrongInputError(f"{message}. See {self.prog} --help.")


class _WrongInputError(Exception):
    """Of the command line."""


def main(arguments: Sequence[str] | None = None, name: str = "python -m sim.doctor") -> int:
    """Run the command.

    Args:
        arguments: without the program's name; those of the process by default.
        name: what messages and help call the program.

    Returns:
        Exit code.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold anything
    try:
        given = _parse(arguments, name)
        code = _report_as_json(given.timeout) if given.json else _report(given.timeout)
        sys.stdout.flush()
    except _WrongInputError as error:
        _complain(one_line(error))
        return USER
    except SystemExit as end:  # after --help
        return int(end.code or 0)
    except KeyboardInterrupt:
        _complain("stopped by Ctrl-C")
        return INTERRUPTED
    except BrokenPipeError:  # as from `| head`: nobody reads on, and Python's own flush would fail
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    return code


def examine(timeout: float) -> Iterator[tuple[str, Finding]]:
    """All findings, as they come, each with the name of its group.

    Args:
        timeout: of each trial in a process of its own, s.
    """
    groups: dict[str, Callable[[], Iterator[Finding]]] = {
        "Python": lambda: look_at_python(timeout),
        "ngspice": lambda: look_at_ngspice(timeout),
        "machine": look_at_machine,
        "optional": lambda: look_at_options(timeout),
    }
    for group, look in groups.items():
        findings = look()
        while True:
            try:
                finding = next(findings, None)
            except Exception as error:  # noqa: BLE001  # what is broken must not end the report
                finding = Finding(
                    "the rest", "wrong", f"cannot be looked at: {type(error).__name__}: {error}"
                )
            if finding is None:
                break
            yield group, finding


def _parse(arguments: Sequence[str] | None, name: str) -> argparse.Namespace:
    parser = _Parser(
        prog=name, description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON, as for a bug report")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="for each trial, s (default: 120)",
    )
    return parser.parse_args(arguments)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= _LONGEST:
        raise argparse.ArgumentTypeError(f"wanted more than 0 s to {_LONGEST:g} s, got {text!r}")
    return value


def _report(timeout: float) -> int:
    wrong: list[str] = []
    last = ""
    for group, finding in examine(timeout):
        if group != last:
            _say(group)
            last = group
        _say(f"  {_MARKS[finding.state]:<8} {finding.what:<16} {one_line(finding.found)}")
        for remedy in finding.remedies:
            _say(f"{'':<28}mend: {remedy}")
        if finding.state == "wrong":
            wrong.append(finding.what)
    _say(f"wrong: {', '.join(wrong)}" if wrong else "all that runs need is there")
    return WRONG if wrong else 0


def _report_as_json(timeout: float) -> int:
    started = time.perf_counter()
    found = list(examine(timeout))
    right = all(finding.state != "wrong" for _, finding in found)
    report = {
        "danp_cosim": own_version(),
        "ok": right,
        "platform": platform.platform(),
        "python": sys.version,
        "environment": {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        "seconds": round(time.perf_counter() - started, 2),
        "findings": [
            {
                "group": group,
                "what": finding.what,
                "state": finding.state,
                "found": one_line(finding.found),
                "remedies": list(finding.remedies),
            }
            for group, finding in found
        ],
    }
    _say(json.dumps(report, indent=2))
    return 0 if right else WRONG


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # no package is needed for it


def _complain(line: str) -> None:
    print(f"error: {line}", file=sys.stderr)  # noqa: T201  # likewise

"""Surroundings that do not do: libraries, streams and folders, each in a process of its own."""

import _ctypes
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TALK = "-m sim.run --layers 2,1 --epochs 0 --engine ideal --out out"
WRONG = "-m sim.run --epochs x"
HELP = "-m sim.run --help"
FULL = "No space left on device"
DECK = "-m netlists.build --layers 2,1"


@dataclass(frozen=True)
class Surroundings:
    """What a command meets.

    Attributes:
        name: what is wrong, for the test's name.
        arguments: of Python.
        expected: part of the line on standard error; empty where there is nothing to say.
        code: exit code.
        environment: what differs from this process's.
        redirect: of the shell, behind the command.
        folder: working folder; an empty one of its own by default.
        finishes: whether results are written all the same.
    """

    name: str
    arguments: str
    expected: str
    code: int = 2
    environment: Mapping[str, str] = field(default_factory=dict)
    redirect: str = ""
    folder: str | None = None
    finishes: bool = False


CASES = (
    *(
        Surroundings(what, "-m sim.conformance x", said, environment={"NGSPICE_LIBRARY_PATH": path})
        for what, path, said in (
            ("no such library", "/no/such.so", "there is no file /no/such.so"),
            ("a folder for a library", "/", "ngspice: / does not load"),
            ("text for a library", __file__, "environment.py does not load"),
            ("another library", _ctypes.__file__, "is not ngspice's shared library"),
        )
    ),
    Surroundings(
        "no ngspice program",
        "-m sim.conformance given",
        "ngspice: no such program; install it",
        environment={"PATH": "/nowhere"},
    ),
    Surroundings(
        "a folder that takes no files",
        TALK.partition(" --out")[0],
        "cannot write in runs/",
        folder="/proc",
    ),
    Surroundings("full output", TALK, FULL, redirect="> /dev/full", finishes=True),
    Surroundings("full output for help", HELP, FULL, redirect="> /dev/full"),
    Surroundings("full standard error", WRONG, "", redirect="2> /dev/full"),
    Surroundings("closed standard error", WRONG, "", redirect="2>&-"),
    Surroundings("closed output", DECK, "", code=0, redirect=">&-"),
    Surroundings("nobody reads the help", HELP, "", code=141, redirect="pipe"),
    Surroundings("nobody reads the report", TALK, "", code=141, redirect="pipe", finishes=True),
    Surroundings(
        "a terminal of ASCII", TALK, "", code=0, environment={"PYTHONIOENCODING": "ascii"}
    ),
)


def execute(case: Surroundings, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in such surroundings, in `folder` or the case's own."""
    command = [sys.executable, *shlex.split(case.arguments)]
    here = case.folder or folder
    environment = os.environ | dict(case.environment)
    if case.redirect == "pipe":
        unread, out = os.pipe()
        os.close(unread)
        try:
            return subprocess.run(
                command,
                cwd=here,
                env=environment,
                stdout=out,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        finally:
            os.close(out)
    return subprocess.run(
        ["/bin/sh", "-c", f"exec {shlex.join(command)} {case.redirect}"],
        cwd=here,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

"""ngspice as a program of its own: what `ngspice -b` prints of a deck."""

import functools
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sim.errors import SimulationError, UserError

_PRINTED = re.compile(r"^(\w+) = (\S+)$", re.MULTILINE)
_FAULT = re.compile(r"^.*(?:error|aborted|unknown subckt).*$", re.MULTILINE | re.IGNORECASE)
_PATIENCE = 600  # s; the largest deck of the suite takes a tenth


def run_bare(deck: str) -> dict[str, float]:
    """Run a deck by itself and return the numbers it prints, by name.

    Raises:
        UserError: there is no ngspice program.
        SimulationError: ngspice found fault with the deck; carries its line.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "deck.cir").write_text(deck, encoding="utf8")
        said = _run("-b", "deck.cir", folder=folder)
    fault = _FAULT.search(said)
    if fault is not None:
        # "Error on line 7 or its substitute:" leaves the reason to the lines that follow.
        after = said[fault.start() :].splitlines()
        told = after[:3] if fault[0].rstrip().endswith(":") else after[:1]
        raise SimulationError(f"ngspice -b: {' '.join(' '.join(told).split())}")
    return {name.lower(): float(value) for name, value in _PRINTED.findall(said)}


@functools.cache
def bare_version() -> str:
    """Version of the program, as in `39`.

    Raises:
        UserError: there is no ngspice program.
    """
    found = re.search(r"ngspice-(\S+)", _run("--version"))
    return found[1] if found else "unknown"


def _run(*arguments: str, folder: str | None = None) -> str:
    program = shutil.which("ngspice")
    if program is None:
        raise UserError(
            "ngspice: no such program; install it (Debian, Ubuntu: apt install ngspice; "
            "macOS: brew install ngspice)"
        )
    try:
        done = subprocess.run(  # noqa: S603  # ngspice, on a file written here
            [program, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SimulationError(f"ngspice -b: not done after {_PATIENCE} s") from None
    return done.stdout + done.stderr

"""ngspice: its program, its shared library, and whether both simulate."""

import ctypes.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sim.doctor.child import ask, complaint, run
from sim.doctor.finding import Finding, one_line
from sim.doctor.probes import DIVIDER
from sim.doctor.remedies import system_package

VOLTS = 2.0
"""At the divider's output: 3 V · 2 kΩ/(1 kΩ + 2 kΩ)."""

WITHIN = 1e-6
"""V; ngspice adds 1e-12 S here and there, and prints seven digits."""

_VARIABLE = "NGSPICE_LIBRARY_PATH"
_SCRIPTS = ("SPICE_LIB_DIR", "SPICE_SCRIPTS")  # where ngspice looks for spinit, if they are set
_PROGRAM_FOR = "runs do without; `ngspice -b network.cir`, an example and the tests need it"
_STATES_FOR = "transients of hundreds of flips a junction read their states by it"
_USUAL_PLACES = (
    "usr/lib*/libngspice.so*",
    "usr/lib/*/libngspice.so*",
    "usr/local/lib*/libngspice.so*",
    "opt/homebrew/lib/libngspice*.dylib",
    "usr/local/lib/libngspice*.dylib",
)


def look_at_ngspice(timeout: float) -> Iterator[Finding]:
    """Program, shared library, OpenMP, a circuit by the binding, code models.

    Args:
        timeout: of each trial, s.
    """
    yield _look_at_program(timeout)
    path = locate()
    if path is None:
        yield _no_library()
    else:
        told, outcome = ask("load", path, timeout=timeout)
        fault = complaint(told, outcome)
        if not fault and not told.get("missing"):
            yield Finding("shared library", "ok", f"{told['path']}, loads")
            yield _look_at_openmp(str(told["openmp"]), listed=bool(told["listed"]))
            yield from _simulate(timeout)
            return
        lacking = ", ".join(told.get("missing", ()))
        why = fault or f"is no ngspice: it lacks {lacking}"
        yield Finding("shared library", "wrong", f"{path}: {why}", _mend_library())
    for what in ("OpenMP", "circuit", "code models"):
        yield Finding(what, "skipped", "the shared library does not load")


def locate() -> str | None:
    """Path or name of the shared library, by the rules of `sim.libngspice.find_library`."""
    given = os.environ.get(_VARIABLE)
    if given:
        return given if Path(given).exists() else None
    return ctypes.util.find_library("ngspice")


def _look_at_program(timeout: float) -> Finding:
    path = shutil.which("ngspice")
    if path is None:
        remedies = system_package("program")
        return Finding("program", "note", f"none on PATH; {_PROGRAM_FOR}", remedies)
    commands = (".control", "op", "print v(out)", "quit", ".endc", ".end", "")
    outcome = run([path, "-b", "/dev/stdin"], timeout, "\n".join([*DIVIDER, *commands]))
    printed = re.search(r"^v\(out\) = (\S+)$", outcome.stdout, re.MULTILINE)
    version = re.search(r"ngspice-(\S+) done", outcome.stdout)
    named = f"{path}, version {version[1] if version else 'unknown'}"
    if printed and _is_right(printed[1]):
        return Finding("program", "ok", f"{named}; a divider gives {float(printed[1]):g} V")
    said = outcome.fault or (f"v(out) = {printed[1]}" if printed else one_line(outcome.stderr))
    why = f"does not simulate a divider: {said or 'it prints no voltage'}"
    remedies = (f"take {path} off PATH, or", *system_package("program", again=True))
    return Finding("program", "note", f"{named}; {why}; {_PROGRAM_FOR}", remedies)


def _is_right(volts: str) -> bool:
    try:
        return abs(float(volts) - VOLTS) <= WITHIN
    except ValueError:
        return False


def _no_library() -> Finding:
    given = os.environ.get(_VARIABLE)
    if given:
        return Finding(
            "shared library", "wrong", f"{_VARIABLE}: there is no file {given}", _mend_library()
        )
    return Finding("shared library", "wrong", "none found", _mend_library())


def _mend_library() -> tuple[str, ...]:
    if os.environ.get(_VARIABLE):
        system = ctypes.util.find_library("ngspice")
        if system is not None:
            return (f"unset {_VARIABLE}  (the system has {system})",)
        return (f"unset {_VARIABLE}", *system_package("library"))
    if locate() is not None:
        return system_package("library", again=True)
    for pattern in _USUAL_PLACES:
        for path in sorted(Path("/").glob(pattern)):
            return (f"export {_VARIABLE}={path}",)
    return system_package("library")


def _look_at_openmp(runtime: str, *, listed: bool) -> Finding:
    threads = os.environ.get("OMP_NUM_THREADS")
    if not runtime:
        found = "none comes with ngspice" if listed else "not known on this system"
        return Finding("OpenMP", "ok", f"{found}; runs take one core either way")
    if threads is None or threads == "1":
        who = "OMP_NUM_THREADS is 1" if threads else "danp-cosim sets OMP_NUM_THREADS to 1"
        return Finding("OpenMP", "ok", f"{runtime}; {who}, since more threads slow ngspice")
    slow = f"{runtime}; OMP_NUM_THREADS is {threads!r}: ngspice spins on every core it may take"
    return Finding("OpenMP", "note", slow, ("export OMP_NUM_THREADS=1",))


def _simulate(timeout: float) -> Iterator[Finding]:
    told, outcome = ask("simulate", timeout=timeout)
    fault = complaint(told, outcome)
    if fault:
        why = f"ngspice does not answer through PySpice: {fault}"
        by_package = fault.startswith(("ImportError", "ModuleNotFoundError"))
        remedies = ("mend the packages above first",) if by_package else _mend_library()
        yield Finding("circuit", "wrong", why, remedies)
        yield Finding("code models", "skipped", "ngspice does not simulate")
        return
    volts, version = float(told["volts"]), told["version"]
    by = f"ngspice {version} through PySpice: a divider gives {volts:.9g} V"
    if abs(volts - VOLTS) > WITHIN:
        yield Finding("circuit", "wrong", f"{by}, wanted {VOLTS:g} V", _mend_library())
    else:
        yield Finding("circuit", "ok", f"{by}, as Ohm's law has it")
    yield _look_at_code_models(timeout)


def _look_at_code_models(timeout: float) -> Finding:
    told, outcome = ask("read-states", timeout=timeout)
    fault = complaint(told, outcome)
    if not fault:
        levels = told["before"], told["after"]
        if levels == (0.0, 1.0):
            found = "d_source and dac_bridge read a junction's states from a file"
            return Finding("code models", "ok", found)
        fault = f"a state file of 0 V and 1 V gives {levels[0]} V and {levels[1]} V"
    astray = tuple(f"unset {name}" for name in _SCRIPTS if os.environ.get(name))
    remedies = astray or system_package("code models")
    return Finding("code models", "wrong", f"{fault}; {_STATES_FOR}", remedies)

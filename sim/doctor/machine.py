"""The machine: system, folders that take files, cores, memory."""

import os
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sim.doctor.finding import Finding, one_line

ROOM = 0.5
"""GiB that a run of default size takes, packages included."""

_GROUPS = Path("/sys/fs/cgroup")  # limits of the container, if there is one


def look_at_machine() -> Iterator[Finding]:
    """System, folder of the runs, folder of temporary files, cores, memory."""
    yield Finding("system", "ok", _system())
    yield _look_at_runs()
    yield _look_at_temporary()
    yield _look_at_cores()
    yield _look_at_memory()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"macOS {platform.mac_ver()[0]}" if platform.mac_ver()[0] else platform.system()
    return f"{name}, {platform.release()}, {platform.machine()}"


def _look_at_runs() -> Finding:
    remedies = ("go to a folder that takes files, or give one: --out FOLDER",)
    runs = Path("runs")
    there = os.path.lexists(runs)
    try:
        shown = Path.cwd() / runs
        with tempfile.TemporaryDirectory(prefix=".write-test-", dir=runs if there else "."):
            pass
    except OSError as error:
        why = one_line(error.strerror or error)
        return Finding("folder of runs", "wrong", f"cannot write in runs: {why}", remedies)
    made = "" if there else ", which the first run makes"
    return Finding("folder of runs", "ok", f"{shown}{made}")


def _look_at_temporary() -> Finding:
    remedies = ("export TMPDIR=a folder that takes files",)
    try:
        folder = tempfile.gettempdir()
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        why = one_line(error.strerror or error)
        return Finding("temporary files", "wrong", f"no folder takes them: {why}", remedies)
    given = os.environ.get("TMPDIR")
    if given and Path(given).absolute() != Path(folder).absolute():
        other = f"{folder}, since TMPDIR={given} takes none"
        return Finding("temporary files", "note", other, remedies)
    return Finding("temporary files", "ok", folder)


def _look_at_cores() -> Finding:
    count = os.cpu_count() or 1
    # Not on macOS.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    quota = _read("cpu.max").split()
    share = f", for the time of {_share(quota)}" if quota and quota[0] != "max" else ""
    return Finding("cores", "ok", f"{count}, {usable} of them for this process{share}")


def _share(quota: list[str]) -> str:
    return f"{int(quota[0]) / int(quota[1]):g}"


def _look_at_memory() -> Finding:
    total, free = _memory()
    limit = _read("memory.max")
    if limit.isdigit():
        left = int(limit) - int(_read("memory.current") or 0)
        total, free = min(total, int(limit)), min(free, left)
    found = f"{_gib(total):.1f} GiB, {_gib(free):.1f} GiB free"
    if _gib(free) < ROOM:
        return Finding("memory", "note", f"{found}; a small run takes {ROOM:g} GiB")
    return Finding("memory", "ok", found)


def _memory() -> tuple[int, int]:
    """Bytes in all, and free; where the system does not tell, all of them."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    path = Path("/proc/meminfo")
    if not path.exists():
        return total, total
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return total, int(line.split()[1]) * 1024
    return total, total


def _read(name: str) -> str:
    path = _GROUPS / name
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def _gib(count: int) -> float:
    return count / 2**30

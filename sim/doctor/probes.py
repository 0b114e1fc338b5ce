"""What runs in child processes, one probe each: `sim.doctor.child.ask` starts them."""

import ctypes
import importlib
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from sim.doctor.child import MARK
from sim.doctor.finding import one_line

SYMBOLS = (
    "ngSpice_Init",
    "ngSpice_Init_Sync",
    "ngSpice_Circ",
    "ngSpice_Command",
    "ngSpice_running",
    "ngGet_Vec_Info",
)
"""Of ngspice's shared library, as far as the binding calls them."""

DIVIDER = ("* 3 V over 1 kOhm and 2 kOhm", "V1 in 0 3", "R1 in out 1000", "R2 out 0 2000")
"""2 V at `out`, by Ohm's law."""

_OPENMP = re.compile(r"lib(gomp|omp|iomp5)\b")


def tell(**facts: object) -> None:
    """Hand facts to the process that asks."""
    print(f"\n{MARK}{json.dumps(facts)}", flush=True)  # noqa: T201  # read by the parent


def load(path: str) -> None:
    """Load a shared library: where it lies, what it lacks, which OpenMP came with it."""
    before = set(_images())
    library = ctypes.CDLL(path)
    images = [image for image in _images() if image not in before]
    named = (image for image in images if "ngspice" in Path(image).name)
    tell(
        path=path if "/" in path else next(named, path),
        missing=[symbol for symbol in SYMBOLS if not hasattr(library, symbol)],
        openmp=next((image for image in images if _OPENMP.match(Path(image).name)), ""),
        listed=bool(images),
    )


def simulate() -> None:
    """Run the divider in ngspice, by the binding that runs use."""
    from sim.libngspice import get_library  # noqa: PLC0415  # may be broken: that is the question

    library = get_library()
    tell(version=library.version)
    library.load("\n".join([*DIVIDER, ".end", ""]))
    library.command("op")
    tell(volts=float(library.vector("out")[0]))


def read_states() -> None:
    """Let ngspice read a junction's states from a file: 0 V, then 1 V from 1 µs on."""
    import numpy as np  # noqa: PLC0415  # may be broken, like those below

    from netlists.elements import StateTable  # noqa: PLC0415
    from netlists.spice import format_element  # noqa: PLC0415
    from netlists.stimulus import EDGE, Steps, Stimulus  # noqa: PLC0415
    from sim.libngspice import get_library  # noqa: PLC0415
    from sim.state_file import state_file  # noqa: PLC0415

    library = get_library()
    flip = Steps(np.array([1e-6]), np.array([1.0]))
    with state_file(library, [Stimulus(2e-6, np.empty(0), np.array([0.0]), (flip,))]) as name:
        table = format_element(StateTable("states", ("out",), name, EDGE))
        library.load(f"* states from a file\n{table}\nR1 out 0 1000\n.end\n")
        library.command("tran 1e-8 2e-6 0 1e-8")
    found = library.vector("out")
    tell(before=float(found[0]), after=float(found[-1]))


def load_packages(*names: str) -> None:
    """Import packages one after the other, and tell what each raised."""
    for name in names:
        tell(importing=name)
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001  # SystemExit, too
            tell(**{name: _describe(error)})
        else:
            tell(**{name: ""})


PROBES: dict[str, Callable[..., None]] = {
    "load": load,
    "simulate": simulate,
    "read-states": read_states,
    "load-packages": load_packages,
}


def main() -> None:
    """Run the probe that the command line names."""
    probe, *arguments = sys.argv[1:]
    try:
        PROBES[probe](*arguments)
        tell(done=True)
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is the answer
        tell(error=_describe(error))


def _describe(error: BaseException) -> str:
    own = type(error).__name__ in ("UserError", "SimulationError")  # they speak for themselves
    return one_line(error) if own else f"{type(error).__name__}: {one_line(error)}"


def _images() -> list[str]:
    """Paths of all shared libraries in this process; none where the system does not tell."""
    if sys.platform == "darwin":
        system = ctypes.CDLL(None)
        system._dyld_get_image_name.restype = ctypes.c_char_p  # noqa: SLF001  # Apple's name
        names = (system._dyld_get_image_name(k) for k in range(system._dyld_image_count()))  # noqa: SLF001
        return [name.decode() for name in names if name]
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return []
    lines = maps.read_text(encoding="utf8", errors="replace").splitlines()
    columns = (line.split(maxsplit=5) for line in lines)
    return sorted({column[5] for column in columns if len(column) == 6})

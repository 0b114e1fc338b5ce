"""The control section of a deck read back: what a bare run of it does and prints.

Only what `netlists.spice.format_deck` writes is understood, so that a simulator without ngspice's
command language can do the same.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from circuits.errors import UserError
from netlists.deck import OperatingPoints, Transient

ROUNDING = 5e-13
"""s; a time point this much before a sampling instant is the one."""

_NUMBER = r"([-+\d.e]+)"
_TRAN = re.compile(rf"tran {_NUMBER} {_NUMBER} 0 {_NUMBER}")
_WHILE = re.compile(rf"while time\[k\] < {_NUMBER}")
_LET = re.compile(r"let (\w+) = v\(([\w.]+)\)(\[k\])?")
_ALTER = re.compile(rf"alter v(\S+) = {_NUMBER}")
_SILENT = re.compile(r"set numdgt=9|let k = 0|let k = k \+ 1|end|print \w+|quit|\*.*")


@dataclass(frozen=True)
class BareRun:
    """A deck taken apart; `name(node, label)` is what a bare run prints for each pair of these.

    Attributes:
        circuit: the deck without its control section.
        analysis: as a `Deck` has it.
        probes: nodes that are printed.
    """

    circuit: str
    analysis: Transient | OperatingPoints
    probes: tuple[str, ...]


@dataclass
class _Point:
    """A sampling instant in s, or an operating point's sources, and the nodes printed there."""

    instant: float = 0.0
    settings: list[tuple[str, float]] = field(default_factory=list)
    label: str = ""
    nodes: list[str] = field(default_factory=list)


def printed_name(node: str, label: str) -> str:
    """What a bare run calls the voltage of a node at a sampling instant."""
    return f"{node}_{label}"


def read_control(text: str) -> BareRun:
    """Take a deck apart.

    Args:
        text: as `netlists.spice.format_deck` writes it; its circuit may have been edited since.

    Raises:
        UserError: no control section, or a command in it that decks of this project do not have.
    """
    lines = text.splitlines()
    lowered = [line.strip().lower() for line in lines]
    if lowered.count(".control") != 1 or lowered.count(".endc") != 1:
        raise UserError(
            "wanted one control section, .control to .endc, as `python -m netlists.build` "
            f"writes it, got {lowered.count('.control')}"
        )
    start, end = lowered.index(".control"), lowered.index(".endc")
    commands = [command for command in lowered[start + 1 : end] if command]
    transient = [found for command in commands if (found := _TRAN.fullmatch(command))]
    points = list(_points(commands))
    if len(transient) > 1 or not points or any(p.nodes != points[0].nodes for p in points):
        raise UserError(
            "control section: wanted one tran, or an op a point, and the same nodes printed each "
            "time, as `python -m netlists.build` writes it"
        )
    circuit = "\n".join([*lines[:start], *lines[end + 1 :], ""])
    probes = tuple(points[0].nodes)
    if transient:
        stop, step = float(transient[0][2]), float(transient[0][3])
        samples = tuple((point.label, point.instant + ROUNDING) for point in points)
        return BareRun(circuit, Transient(stop, step, samples), probes)
    settings = tuple((point.label, tuple(point.settings)) for point in points)
    return BareRun(circuit, OperatingPoints(settings), probes)


def _points(commands: Sequence[str]) -> Iterator[_Point]:
    point = _Point()
    settings: list[tuple[str, float]] = []
    for command in commands:
        if found := _ALTER.fullmatch(command):
            settings.append((found[1], float(found[2])))
        elif (found := _WHILE.fullmatch(command)) or command == "op":
            if point.nodes:
                yield point
            point = _Point(float(found[1]) if found else 0.0, settings)
            settings = []
        elif found := _LET.fullmatch(command):
            point.nodes.append(found[2])
            point.label = found[1].removeprefix(f"{found[2].replace('.', '_')}_")
        elif not (_SILENT.fullmatch(command) or _TRAN.fullmatch(command)):
            raise UserError(
                f"control section: {command!r} is no command of a deck that `python -m "
                "netlists.build` writes"
            )
    if point.nodes:
        yield point

"""The rectifier's measured curve: taken in ngspice, kept as a table, read back for the twin.

The twin that computes with it in place of two straight lines is a *calibrated* one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters
from netlists import cells
from netlists.build import SolverSettings
from netlists.elements import Instance, Resistor, VoltageSource
from netlists.models import require_built_in
from sim import curve_circuit
from sim.characterize.bench import Bench
from sim.errors import UserError
from sim.libngspice import get_library

Array = NDArray[np.float64]

WITHIN = 2e-6
"""V; straight lines between the points of a measured curve stay this close to the cell's own.

As a DC sweep gives it. There ngspice's `time` is the swept voltage before, so that the macromodel's
input stages limit as in a transient; in an operating point they do not, which is worth 2 µV more
where an op-amp inside the cell saturates."""

HEADER = "a_v,x_v"

NAME = "activation-curve.csv"
"""The file's name in a folder of `sim.characterize`, and of the copy that a run keeps."""

_HALF = 1024  # steps of the first sweep on either side of zero
_FINER = 8  # times, where a step bends too much
_FINEST = 2e-6  # V; a kink between two points so close is off by half of that at most
_RELTOL = 1e-9  # of Newton's method: 2.5 nV of the rails, so that bends are the cell's own
_FLAT = 1.0  # V; length of the flat ends, which any length would do
_LARGEST = 1e9  # V; no voltage lies beyond it
_STEEPEST = 1e30  # V/V; beyond it two a are closer than doubles of millivolts are


@dataclass(frozen=True, eq=False)
class ActivationCurve:
    """Straight lines between measured points; beyond them the first and the last line go on.

    Attributes:
        a: pre-activation, V, ascending, from below to above zero, shape (K,), K > 1.
        x: output of the rectifier, V, shape (K,).

    Raises:
        ValueError: the points make no such curve.
    """

    a: Array
    x: Array

    def __post_init__(self) -> None:
        if self.a.ndim != 1 or self.a.shape != self.x.shape:
            raise ValueError(f"wanted as many x as a, got shapes {self.x.shape} and {self.a.shape}")
        if len(self.a) < 2:
            raise ValueError(f"wanted at least 2 points, got {len(self.a)}")
        for k, point in enumerate(zip(self.a.tolist(), self.x.tolist(), strict=True), start=1):
            if not all(abs(volts) <= _LARGEST for volts in point):  # so written that NaN fails
                raise ValueError(f"point {k}: wanted finite voltages, got {_shown(point)}")
        for k, (one, other) in enumerate(pairwise(self.a.tolist()), start=1):
            if not one < other:
                raise ValueError(
                    f"point {k + 1}: wanted a in ascending order, got {other:.9g} V after "
                    f"{one:.9g} V; sort the points, and keep one for each a"
                )
        if not self.a[0] < 0 < self.a[-1]:
            raise ValueError(
                f"wanted points on both sides of a = 0 V, got {self.a[0]:.4g} to {self.a[-1]:.4g} V"
            )
        self._require_slopes()

    def _require_slopes(self) -> None:
        with np.errstate(over="ignore"):  # what overflows is refused next
            slopes = np.diff(self.x) / np.diff(self.a)
        steep = np.flatnonzero(~(np.abs(slopes) <= _STEEPEST))
        if len(steep):
            k = int(steep[0])
            one, other = (_shown((float(self.a[i]), float(self.x[i]))) for i in (k, k + 1))
            raise ValueError(
                f"points {k + 1} and {k + 2}: wanted a slope of {_STEEPEST:g} V/V at most, got "
                f"{slopes[k]:g} V/V from {one} to {other}; keep one of them"
            )


@dataclass(frozen=True, eq=False)
class CurveFile:
    """A curve as read from a file.

    Attributes:
        path: the file.
        text: all of it, without a byte order mark.
        curve: its points.
        circuit: what it says of the circuit it was measured of, by name; None for a curve that
            says nothing of it, as one measured on a bench.
    """

    path: Path
    text: str
    curve: ActivationCurve
    circuit: Mapping[str, Any] | None

    def differences(self, circuit: CircuitParameters) -> tuple[str, ...]:
        """Where a circuit differs from the one that the curve says it is of; see `curve_circuit`.

        None for a curve that says nothing of it.
        """
        if self.circuit is None:
            return ()
        return tuple(curve_circuit.differences(self.circuit, circuit))


def measure(circuit: CircuitParameters, solver: SolverSettings) -> ActivationCurve:
    """Sweep the activation cell in ngspice, as finely as it bends, from one end to the other.

    An ideal source drives it between the voltages at which the amplifier before it stops, which
    an op-amp of level `macro` does: there the curve ends in a flat piece, as no pre-activation gets
    further in the circuit. Where op-amps know no rails it ends at the supplies, and its last lines
    go on. The cell is that of the neurons whose op-amps are no exceptions.

    Args:
        circuit: parameters of every part, the temperature too.
        solver: its options; the tolerance of Newton's method is 1e-9 or as given, if tighter.

    Returns:
        As few points as keep straight lines within `WITHIN` of the cell's own curve.

    Raises:
        UserError: the amplifier before the cell does not reach both signs, or there are models
            from files.
        SimulationError: names the deck and the log that were kept.
    """
    require_built_in(circuit, "a measured curve", "states the circuit that it is of by figures")
    exact = replace(solver, reltol=min(solver.reltol, _RELTOL))
    low, high = _reach(circuit, exact)
    if not low < 0 < high:
        raise UserError(
            f"circuit: pre-activations from {low:.4g} to {high:.4g} V leave out one sign; look at "
            "v_dd, v_ss and opamp.headroom"
        )
    bench = _bench(circuit, exact, (VoltageSource("a", "a", "0", 0.0),))
    # Zero is a point of its own: there ideal diodes bend.
    swept = [_sweep(bench, low, 0.0, _HALF), _sweep(bench, 0.0, high, _HALF)]
    a, first = np.unique(np.concatenate([a for a, _ in swept]), return_index=True)
    x = np.concatenate([x for _, x in swept])[first]
    kept = _thinned(a, x, WITHIN / 2)
    a, x = a[kept], x[kept]
    if circuit.opamp.level == "macro":
        a = np.concatenate([[low - _FLAT], a, [high + _FLAT]])
        x = np.concatenate([x[:1], x, x[-1:]])
    return ActivationCurve(a, x)


def describe(circuit: CircuitParameters) -> tuple[str, ...]:
    """What a measured curve is of, line by line, for the head of its file."""
    activation, opamp = circuit.activation, circuit.opamp
    ends = (
        "the flat ends: the amplifier before the rectifier gets no further"
        if opamp.level == "macro"
        else "beyond the ends the first and the last line go on"
    )
    parts = f"{activation.kind}, diode {activation.rectifier.name}"
    return (
        "danp-cosim: output x of the rectifier over its input a, V",
        f"circuit: {parts}, {opamp.part} op-amps ({opamp.level})",
        f"supplies: {circuit.v_ss:g} and {circuit.v_dd:g} V",
        f"temperature: {circuit.temperature:g} °C",
        f"engine: ngspice {get_library().version}",
        f"straight lines between the points are within {1e6 * WITHIN:g} µV; {ends}",
        curve_circuit.statement(circuit),
    )


def write(path: Path, curve: ActivationCurve, notes: Sequence[str]) -> None:
    """Write a curve as CSV, with every digit.

    Args:
        path: file to write.
        curve: its points.
        notes: lines for its head, as of `describe`.

    Raises:
        UserError: the file cannot be written.
    """
    points = zip(curve.a.tolist(), curve.x.tolist(), strict=True)
    lines = [*(f"# {note}" for note in notes), HEADER, *(f"{a!r},{x!r}" for a, x in points), ""]
    try:
        path.write_text("\n".join(lines), encoding="utf8")
    except OSError as error:
        raise UserError(f"{path}: cannot write: {error.strerror}") from None


def read(path: Path) -> CurveFile:
    """Read a curve from CSV: a header `a_v,x_v`, then a point a line; `#` begins a comment.

    A comment as `describe` writes it last says which circuit the curve was measured of.

    Raises:
        UserError: there is no such file, or it holds no such curve; one line says what is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot read the activation curve: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text, wanted CSV with columns {HEADER}") from None
    try:
        points = np.array(list(_points(text)), dtype=np.float64).reshape(-1, 2)
        curve = ActivationCurve(points[:, 0].copy(), points[:, 1].copy())
        return CurveFile(path, text, curve, curve_circuit.find_statement(text))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def _points(text: str) -> Iterator[tuple[float, float]]:
    rows = [
        (number, line.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    head = rows[0][1] if rows else ""
    if "".join(head.split()).lower() != HEADER:
        raise ValueError(f"wanted a header {HEADER}, which are volts, got {head[:60]!r}")
    for number, row in rows[1:]:
        try:
            a, x = map(float, row.split(","))
        except ValueError:
            raise ValueError(f"line {number}: wanted two numbers, got {row[:60]!r}") from None
        yield a, x


def _shown(point: tuple[float, float]) -> str:
    return ",".join(f"{volts:g}" for volts in point)


def _bench(
    circuit: CircuitParameters,
    solver: SolverSettings,
    drive: tuple[VoltageSource | Resistor | Instance, ...],
) -> Bench:
    cell = Instance("act", ("a", "x", "vdd", "vss"), "activation")
    return Bench(
        circuit,
        solver,
        (cells.opamp_cell(circuit.opamp), cells.activation_cell(circuit)),
        (*drive, cell),
        ("a", "x"),
        "activation curve",
    )


def _reach(circuit: CircuitParameters, solver: SolverSettings) -> tuple[float, float]:
    """Lowest and highest voltage at which the summing amplifier holds the rectifier, V.

    Asked for the supplies it stops short of them by its headroom, and by what the rectifier's
    current drops across its output resistance. Op-amps without rails get there.
    """
    if circuit.opamp.level != "macro":
        return circuit.v_ss, circuit.v_dd
    amplifier = (
        VoltageSource("in", "in", "0", 0.0),
        Resistor("in", "in", "sn", "R_F"),
        Instance("b", ("0", "sn", "a", "vdd", "vss"), "opamp", "as amplifier B of a neuron"),
        Resistor("f", "sn", "a", "R_F"),
    )
    bench = _bench(circuit, solver, amplifier)
    asked = (circuit.v_ss, circuit.v_dd)
    low, high = (bench.operating_point({"in": -volts})["a"] for volts in asked)
    return low, high


def _sweep(bench: Bench, low: float, high: float, steps: int) -> tuple[Array, Array]:
    """Points of the curve, swept again more finely around steps in which it bends too much.

    Twice the second difference's quarter bounds what a straight line misses of one kink in a step;
    of a smooth bend it is four times that.
    """
    found = bench.sweep("a", np.linspace(low, high, steps + 1))
    a, x = found["a"], found["x"]
    if (high - low) / steps <= _FINEST:
        return a, x
    bends = np.abs(np.diff(x, 2)) / 2 > WITHIN / 2
    rough = np.convolve(bends, (1, 1, 1, 1)) > 0  # either step of the bend, and its neighbours
    rough = rough[1:-1]
    edges = np.flatnonzero(np.diff(rough, prepend=False, append=False))
    parts = [
        _sweep(bench, float(a[begin]), float(a[end]), _FINER * int(end - begin))
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
    ]
    return (
        np.concatenate([a, *(part for part, _ in parts)]),
        np.concatenate([x, *(part for _, part in parts)]),
    )


def _thinned(a: Array, x: Array, within: float) -> NDArray[np.intp]:
    """Indices of points between which straight lines pass all others within so many V.

    Divides at the point furthest off, as Ramer (1972) and Douglas and Peucker (1973) do.
    """
    kept = {0, len(a) - 1}
    stretches = [(0, len(a) - 1)]
    while stretches:
        begin, end = stretches.pop()
        inside = slice(begin + 1, end)
        line = x[begin] + (x[end] - x[begin]) / (a[end] - a[begin]) * (a[inside] - a[begin])
        off = np.abs(x[inside] - line)
        if len(off) and off.max() > within:
            middle = begin + 1 + int(off.argmax())
            kept.add(middle)
            stretches += [(begin, middle), (middle, end)]
    return np.array(sorted(kept))

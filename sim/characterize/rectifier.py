"""The rectifier on the bench: driven by an ideal source, its measured curve, its closed form."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters
from netlists import cells
from netlists.elements import Instance, VoltageSource
from sim import activation_curve
from sim.characterize.bench import Bench
from sim.characterize.sheet import Conditions

Array = NDArray[np.float64]

UNIT = 1.0
"""V; the unit of the mathematics, to which signals are scaled."""

LEVELS = (-2 * UNIT, -UNIT, 0.0, UNIT, 2 * UNIT)
"""V; where slopes are stated."""

_DIODE = 5e-6
"""V; closed form of the diodes against ngspice's: its gmin, its older k and q."""


@dataclass(frozen=True)
class Rectifier:
    """The activation cell at one corner, without a load."""

    conditions: Conditions

    @property
    def circuit(self) -> CircuitParameters:
        """At the corner."""
        return self.conditions.circuit

    @property
    def divider(self) -> bool:
        """Whether it is passive behind a buffer; else it is the precision rectifier."""
        return self.circuit.activation.passive

    @property
    def macro(self) -> bool:
        """Whether its op-amps have rails, slew, offset and supply pins."""
        return self.circuit.opamp.level == "macro"

    @property
    def poles(self) -> bool:
        """Whether its op-amps have a bandwidth."""
        return self.circuit.opamp.level != "ideal"

    def bench(self, volts: float) -> Bench:
        """With its source `a` at rest at so many volts."""
        return Bench(
            circuit=self.circuit,
            solver=self.conditions.solver,
            cells=(cells.opamp_cell(self.circuit.opamp), cells.activation_cell(self.circuit)),
            elements=(
                VoltageSource("a", "a", "0", volts),
                Instance("act", ("a", "x", "vdd", "vss"), "activation"),
            ),
            probes=("a", "x", "xact.y" if self.divider else "xact.n1"),
            title=f"activation, {self.circuit.activation.kind}",
        )

    @cached_property
    def points(self) -> tuple[Array, Array]:
        """Measured a and x, V, shape (K,) each.

        They are those of `sim.activation_curve`, without the flat ends beyond what the amplifier
        before the rectifier reaches.
        """
        curve = activation_curve.measure(self.circuit, self.conditions.solver)
        inner = slice(1, -1) if self.macro else slice(None)
        return curve.a[inner], curve.x[inner]

    @cached_property
    def responses(self) -> dict[float, tuple[Array, NDArray[np.complex128]]]:
        """Frequency in Hz and gain x/a in V/V at those of `LEVELS` that are reached."""
        gbw = self.circuit.opamp.gbw
        found = {}
        for a in filter(self.reaches, LEVELS):
            f, gains = self.bench(a).response("a", 1e-6 * gbw, 1e3 * gbw, 20)
            found[a] = f, gains["x"]
        return found

    def reaches(self, volts: float) -> bool:
        """Whether the amplifier before the rectifier gets to so many volts."""
        a, _ = self.points
        return bool(a[0] <= volts <= a[-1])

    def output(self, a: Array) -> Array:
        """Measured x, V; straight lines between points."""
        return np.interp(a, *self.points)

    def slope(self, a: float) -> float:
        """Small-signal gain x/a at low frequency at one of `LEVELS` that is reached, V/V."""
        _, gain = self.responses[a]
        return float(gain[0].real)

    def input_current(self, a: float) -> float:
        """What the amplifier before has to deliver, A, from what crosses a resistor inside."""
        activation = self.circuit.activation
        found = self.bench(a).operating_point()
        if self.divider:
            return found["xact.y"] / activation.r_load
        return (a - found["xact.n1"]) / activation.r_rectifier

    # --- closed forms ---------------------------------------------------------------------------

    @property
    def offset(self) -> float:
        """Of every op-amp, V."""
        return self.circuit.opamp.v_offset if self.macro else 0.0

    def closed_output(self, a: Array) -> Array:
        """Output by Kirchhoff's law, V, shape of a.

        `(f(a) + V_os)/(1 + 1/A)` of the divider with its buffer, `V_os + f(a − V_os)` of the
        precision rectifier, with f from `ActivationParameters.transfer`.
        """
        activation, temperature = self.circuit.activation, self.circuit.temperature
        if self.divider:
            y = activation.transfer(a, temperature)
            return (y + self.offset) / (1 + 1 / self.circuit.opamp.gain)
        return self.offset + activation.transfer(a - self.offset, temperature)

    def has_closed_slope(self, a: float) -> bool:
        """Not at a kink, nor where the precision rectifier meets rails or lacks gain."""
        if a == 0:
            return self.divider and not self.circuit.activation.rectifier.ideal
        return self.reaches(a) and (self.divider or abs(a) == UNIT)

    def closed_slope(self, a: float) -> float:
        """Derivative of the closed form, V/V."""
        h = 1e-5
        low, high = self.closed_output(np.array([a - h, a + h])).tolist()
        return (high - low) / (2 * h)

    def closed_input_current(self, a: float) -> float:
        """The divider's runs into its load, the precision rectifier's into virtual ground, A."""
        activation = self.circuit.activation
        if self.divider:
            y = activation.transfer(np.array([a]), self.circuit.temperature)
            return float(y[0]) / activation.r_load
        return (a - self.offset) / activation.r_rectifier

    @property
    def tolerance(self) -> float:
        """How far the closed form may be off, V: the points', the diodes', the gain's."""
        return activation_curve.WITHIN + _DIODE + self.gain_tolerance * UNIT

    @property
    def gain_tolerance(self) -> float:
        """How far a closed slope may be off, V/V, for taking an infinite gain.

        The precision rectifier's two amplifiers have noise gains of 2 and 3, and less gain for what
        their diodes and loads take; the divider's buffer is in the closed form.
        """
        return 0.0 if self.divider else 10 / self.circuit.opamp.gain

"""A summing amplifier on the bench, and what it should do in closed form."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists import cells
from netlists.elements import Instance, Resistor, VoltageSource
from sim.characterize.bench import Bench
from sim.characterize.loops import Loop, limited_slew, loop_of, reach
from sim.characterize.sheet import Conditions
from sim.characterize.step import StepResponse, step_response

_STEP = 2.0  # V at the output


@dataclass(frozen=True)
class SummingStage:
    """One input driven, all others of the widest neuron at ground, all weights alike.

    The summing node carries what it does in the perceptron: a resistor R for each input of the
    widest neuron, R_z, with strings R_o as it was trimmed, and R_f to the output; the output drives
    R_f into the next virtual ground.

    Attributes:
        conditions: the corner.
        weight: of every input, 1.
    """

    conditions: Conditions
    weight: float

    @property
    def label(self) -> str:
        """Of its curves."""
        return f"w = {self.weight:g}"

    @property
    def words(self) -> str:
        """What holds, for the sheet."""
        return f"{self.label}, {self.inputs} input{'s' if self.inputs > 1 else ''}"

    @property
    def inputs(self) -> int:
        """Of the widest neuron, its bias included."""
        network = self.conditions.network
        return max(network.synapse_shape(k)[1] for k in range(1, len(network.layers)))

    @property
    def resistor(self) -> float:
        """R of every weight, Ω."""
        synapse = self.conditions.circuit.synapse
        return float(synapse.program(np.array([self.weight])).plus[0])

    @property
    def injection(self) -> tuple[float, ...]:
        """R_z, and R_o where there is one, as it was trimmed: Ω."""
        nominal = self.conditions.nominal
        string = nominal.noise.source == "string"
        return (nominal.noise.r_inject, *((nominal.noise_string().r_trim,) if string else ()))

    @property
    def conductance(self) -> float:
        """ΣG at the summing node without R_f, S."""
        return self.inputs / self.resistor + sum(1 / ohms for ohms in self.injection)

    @property
    def noise_gain(self) -> float:
        """N = 1 + R_f ΣG."""
        return 1 + self.r_feedback * self.conductance

    @property
    def r_feedback(self) -> float:
        """R_f, Ω."""
        return self.conditions.circuit.synapse.r_feedback

    @property
    def load(self) -> float:
        """What the output drives: the next R_f, and its own with the summing node behind it, Ω."""
        return 1 / (1 / self.r_feedback + 1 / (self.r_feedback + 1 / self.conductance))

    @property
    def bench(self) -> Bench:
        """With its input `in`, summing node `n` and output `out`."""
        circuit = self.conditions.circuit
        inputs = (
            Resistor(f"p{k}", "in" if k == 1 else "0", "n", self.resistor)
            for k in range(1, self.inputs + 1)
        )
        injection = (
            Resistor(name, "0", "n", ohms)
            for name, ohms in zip(("z", "o"), self.injection, strict=False)
        )
        return Bench(
            circuit=circuit,
            solver=self.conditions.solver,
            cells=(cells.opamp_cell(circuit.opamp),),
            elements=(
                VoltageSource("in", "in", "0", 0.0),
                *inputs,
                *injection,
                Resistor("f", "n", "out", self.r_feedback),
                Instance("amp", ("0", "n", "out", "vdd", "vss"), "opamp"),
                Resistor("load", "out", "0", self.r_feedback),
            ),
            probes=("in", "n", "out"),
            title=f"summing amplifier of {self.inputs} inputs",
        )

    def response(
        self, low: float, high: float
    ) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex128]]:
        """Frequency in Hz, closed-loop gain in V/V, loop gain `−v(out)/v(n)/N`.

        Args:
            low: first frequency, Hz.
            high: last frequency, Hz.
        """
        frequency, found = self.bench.response("in", low, high)
        return frequency, found["out"], -found["out"] / found["n"] / self.noise_gain

    def step(self) -> StepResponse | None:
        """From one end to the other of ±1 V at the output; None for an ideal op-amp."""
        if not self.loop:
            return None
        half = self.output_step / 2 / self.ideal_gain
        return step_response(self.bench, "in", "out", -half, half)

    @property
    def output_step(self) -> float:
        """Height of the step, V.

        Raises:
            UserError: the supplies leave out one sign.
        """
        return min(_STEP, 2 * reach(self.conditions.circuit, self.load))

    @property
    def ideal_gain(self) -> float:
        """−R_f/R."""
        return -self.r_feedback / self.resistor

    @property
    def loop(self) -> Loop | None:
        """None for an ideal op-amp."""
        opamp = self.conditions.circuit.opamp
        if opamp.level == "ideal":
            return None
        return loop_of(opamp, self.noise_gain, self.load)

    @property
    def gain_error(self) -> float:
        """`1/(1 + N/A) − 1`, 1."""
        if self.loop:
            return self.loop.gain_error
        k = self.noise_gain / self.conditions.circuit.opamp.gain
        return -k / (1 + k)

    @property
    def slope(self) -> float | None:
        """Of a step from 10 % to 90 %, V/s: of the limiter, or of a lone pole's exponential."""
        circuit, opamp = self.conditions.circuit, self.conditions.circuit.opamp
        if opamp.level == "macro":
            limit = circuit.v_dd - opamp.headroom  # `step` lets the output rise
            return limited_slew(opamp, self.output_step, self.noise_gain, self.load, limit)
        if not self.loop:
            return None
        return 0.8 * self.output_step * 2 * math.pi * self.loop.bandwidth / math.log(9)

    def clipped(self, limit: float, volts: float) -> float:
        """Output with the macromodel at its limit: no loop, a plain resistor network, V.

        Args:
            limit: behind r_out, V.
            volts: at the input.
        """
        # The summing node as a source behind a resistor.
        behind = volts / self.resistor / self.conductance
        through = 1 / (self.r_feedback + 1 / self.conductance)
        r_out = self.conditions.circuit.opamp.r_out
        total = 1 / r_out + 1 / self.r_feedback + through
        return (limit / r_out + behind * through) / total

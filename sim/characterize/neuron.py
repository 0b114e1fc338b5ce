"""A hidden neuron on the bench, and its closed forms.

With `N± = 1 + R_f ΣG±` the noise gains of its two summing amplifiers (ΣG+ holds the weights, the
noise source behind R_z, and R_o; ΣG− the weights and the R_f from the first), `A±` their open-loop
gains under load and `k± = 1/(1 + N±/A±)`, an input i with the resistors R+ and R− makes

    a = (R_f/R+ · k+ − R_f/R−) k− · x_i

which at A → ∞ is its weight. Over frequency, and with r_out, k is `(T − δ)/(1 + T)` of the loop
gain T = A/N, where `δ = r_out/(R_f N)` gets past the amplifier to its output (the asymptotic gain
formula, S. Rosenstark, IEEE Trans. Educ. 17, 192, 1974). The rectifier loads the second
amplifier with what it is to small signals around the pre-activation at rest. From the noise
source's own voltage on, which is held then, that source's resistance does not count in N+.

With offsets V_os both summing nodes rest there. So a string's R_z leads to V_os in place of ground,
which by Norton's theorem is the string at a bias of `V_B + V_os R_s/R_z`. With V_z what it makes
then and N what the other resistors make, op rests at
`(N V_os − R_f ((V_z − V_os)/R_z − V_ref/R_o)) k+` and a at `(N− V_os − op) k−`.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from circuits import CircuitParameters, NoiseString
from netlists import cells
from netlists.elements import Element, Instance, Resistor, Subcircuit, VoltageSource
from sim.characterize.bench import Bench
from sim.characterize.loops import load_share, loop_of, reach
from sim.characterize.sheet import Conditions
from sim.settling import noise_extremes

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

UNIT = 1.0
"""V; up to which sums are to be linear, where the supplies allow."""


@dataclass(frozen=True)
class Neuron:
    """A hidden neuron, all of whose weights are one number; its first input is driven.

    Attributes:
        conditions: of the corner. The trim resistor is that of the nominal circuit.
        weight: of every input.
    """

    conditions: Conditions
    weight: float

    @property
    def circuit(self) -> CircuitParameters:
        """At the corner."""
        return self.conditions.circuit

    @property
    def inputs(self) -> int:
        """Of the widest hidden neuron, its bias included; of the widest where none is hidden."""
        network = self.conditions.network
        last = len(network.layers) - 1
        return max(network.synapse_shape(k)[1] for k in range(1, max(2, last)))

    @property
    def words(self) -> str:
        """What holds, for the sheet."""
        others = f", {self.inputs - 1} more at 0 V" if self.inputs > 1 else ""
        return f"w = {self.weight:+g}{others}" if self.weight else f"w = 0{others}"

    @cached_property
    def string(self) -> NoiseString | None:
        """Of junctions, at the corner."""
        return self.circuit.noise_string() if self.circuit.noise.source == "string" else None

    @cached_property
    def trim(self) -> float | None:
        """R_o in Ω, as chosen for the nominal circuit."""
        return self.conditions.nominal.noise_string().r_trim if self.string else None

    @cached_property
    def resistors(self) -> tuple[float, float]:
        """R+ and R− of every input, Ω."""
        pair = self.circuit.synapse.program(np.array([self.weight]))
        return float(pair.plus[0]), float(pair.minus[0])

    # --- on the bench ---------------------------------------------------------------------------

    @property
    def controls(self) -> tuple[str, ...]:
        """Sources that hold the noise: states of junctions, or a voltage."""
        return cells.control_nodes(1, 1, self.circuit.noise)

    @property
    def divider(self) -> str:
        """Node of the noise source's voltage."""
        return "z" if self.string else self.controls[0]

    @property
    def injector(self) -> str:
        """Source from which a small signal reaches `divider`: the string's bias, or its own."""
        return "b" if self.string else self.controls[0]

    def settings(self, control: float) -> dict[str, float]:
        """The noise held at one value of all its controls."""
        return dict.fromkeys(self.controls, control)

    @cached_property
    def held(self) -> dict[str, float]:
        """The noise held at its mean."""
        return self.settings(self.string.held_state if self.string else 0.0)

    @property
    def controls_at_extremes(self) -> tuple[float, float]:
        """All controls with the noise at its lowest and at its highest."""
        return noise_extremes(self.circuit)

    @cached_property
    def bench(self) -> Bench:
        """With the input `u`, summing nodes `sp` and `sn`, pre-activation `a` and output `x`."""
        circuit, noise = self.circuit, self.circuit.noise
        supplies = [rail for rail in cells.rails(noise) if rail != "vb"]
        plus, minus = self.resistors
        elements: list[Element] = [VoltageSource("u", "u", "0", 0.0)]
        for k in range(1, self.inputs + 1):
            node = "u" if k == 1 else "0"
            elements += [
                Resistor(f"p{k}", node, "sp", plus),
                Resistor(f"n{k}", node, "sn", minus),
            ]
        elements += [VoltageSource(name, name, "0", volts) for name, volts in self.held.items()]
        if self.string:
            elements.append(cells.noise_string("z", "z", self.controls, self.string, unequal=False))
        elements.append(
            Instance(
                "n",
                ("sp", "sn", self.divider, "a", "x", *supplies),
                "hidden_perceptron",
                parameters=(("RO", self.trim),) if self.trim else (),
            )
        )
        return Bench(
            circuit=circuit,
            solver=self.conditions.solver,
            cells=(
                *self._string_cells(),
                cells.opamp_cell(circuit.opamp),
                cells.activation_cell(circuit),
                cells.perceptron_cell(noise, hidden=True, unequal=True),
            ),
            elements=tuple(elements),
            probes=("a", "x", self.divider),
            title=f"perceptron of {self.inputs} inputs",
        )

    def _string_cells(self) -> tuple[Subcircuit, ...]:
        if not self.string:
            return ()
        return (
            cells.smtj_cell(unequal=False),
            cells.noise_string_cell(self.circuit.noise, unequal=False),
        )

    # --- closed forms ---------------------------------------------------------------------------

    @cached_property
    def noise_gains(self) -> tuple[float, float]:
        """N+ and N−, with the junctions at their mean."""
        noise, source = self.circuit.noise, 0.0
        if self.string:
            v = self.string.mean_voltage
            # The junctions' slope resistance is taken as their chord.
            current = (noise.v_bias - v) / noise.r_series - v / noise.r_inject
            source = 1 / (1 / noise.r_series + current / v)
        plus, minus = self._noise_gains_without_source
        return plus + self.circuit.synapse.r_feedback / (noise.r_inject + source), minus

    @property
    def _noise_gains_without_source(self) -> tuple[float, float]:
        r_f = self.circuit.synapse.r_feedback
        plus, minus = (self.inputs / ohms for ohms in self.resistors)
        plus += 1 / self.trim if self.trim else 0.0
        return 1 + r_f * plus, 1 + r_f * (minus + 1 / r_f)

    @property
    def noise_gains_from_source(self) -> tuple[float, float]:
        """N+ and N− with the noise source's voltage held: R_z alone is at the summing node."""
        plus, minus = self._noise_gains_without_source
        return plus + self.circuit.synapse.r_feedback / self.circuit.noise.r_inject, minus

    @cached_property
    def loads(self) -> tuple[float, float]:
        """What both amplifiers drive besides what is behind their own R_f, Ω.

        The first: R_f to the second's virtual ground; the second: the rectifier.
        """
        return self._behind(0, self.circuit.synapse.r_feedback), self._second_loads[0]

    @property
    def doubt(self) -> float:
        """By which share the second amplifier's gain may be larger than under `loads`, 1.

        Not zero where the rectifier is not one load: an ideal diode at its kink, and the precision
        rectifier over frequency.
        """
        heavy, light = (load_share(self.circuit.opamp, load) for load in self._second_loads)
        return light / heavy - 1

    @cached_property
    def _second_loads(self) -> tuple[float, float]:
        """With the rectifier around the pre-activation at rest, at its heaviest and lightest."""
        circuit = self.circuit
        # Finite gain moves it by a share of itself that no slope resistance notices.
        at_rest = self._offset_with((1.0, 1.0))
        low, high = circuit.activation.input_resistances(at_rest, circuit.temperature)
        return self._behind(1, low), self._behind(1, high)

    def _behind(self, amplifier: int, load: float) -> float:
        """A load beside the amplifier's own R_f, which leads on through ΣG: `R_f N/(N − 1)`, Ω."""
        n = self.noise_gains[amplifier]
        return 1 / (1 / load + (n - 1) / n / self.circuit.synapse.r_feedback)

    @property
    def reach(self) -> float:
        """Sums up to which both amplifiers keep off their rails, 1 V at most, V.

        Raises:
            UserError: the supplies leave out one sign.
        """
        activation = self.circuit.activation
        # Either output's own R_f counts as if it led to ground, so that every weight has one reach.
        heaviest = min(*activation.heaviest_loads, self.circuit.synapse.r_feedback)
        load = 1 / (1 / heaviest + 1 / self.circuit.synapse.r_feedback)
        return min(UNIT, reach(self.circuit, load))

    @cached_property
    def losses(self) -> tuple[float, float]:
        """k+ and k− at DC: what finite gain leaves, 1."""
        return self._losses_at(self.noise_gains)

    def _losses_at(self, noise_gains: tuple[float, float]) -> tuple[float, float]:
        gain = self.circuit.opamp.gain
        one, two = (
            1 - (1 + past) / (1 + gain * left / n) for n, left, past in self._stages(noise_gains)
        )
        return one, two

    def _stages(self, noise_gains: tuple[float, float]) -> Iterator[tuple[float, float, float]]:
        """N of both stages, what their loads leave of the gain, and what gets past the amplifier.

        That is `r_out/(R_f N)` of the ideal output, with the load beside r_out.
        """
        opamp, r_f = self.circuit.opamp, self.circuit.synapse.r_feedback
        for n, load in zip(noise_gains, self.loads, strict=True):
            left = load_share(opamp, load)
            r_out = opamp.r_out * left if opamp.level == "macro" else 0.0
            yield n, left, r_out / (r_f * n)

    @property
    def gain(self) -> float:
        """Input to pre-activation at DC, V/V."""
        plus, minus = self._ratios
        one, two = self.losses
        return (plus * one - minus) * two

    @property
    def injection(self) -> float:
        """Noise source's voltage to pre-activation at DC, V/V."""
        one, two = self._losses_at(self.noise_gains_from_source)
        return self.circuit.synapse.r_feedback / self.circuit.noise.r_inject * one * two

    @property
    def offset(self) -> float:
        """Pre-activation with all inputs at 0 V and the noise at its mean, V.

        Besides the amplifiers' offsets it holds what the trim resistor, chosen once, leaves of the
        mean, `R_f (V_z/R_z − V_ref/R_o)`.
        """
        return self._offset_with(self.losses)

    def _offset_with(self, losses: tuple[float, float]) -> float:
        noise, v_os = self.circuit.noise, self._v_offset
        plus, minus = self._noise_gains_without_source
        injected = -v_os / noise.r_inject
        if self.string and self.trim:
            mean = self._string_voltage(self.string.held_state)
            injected = (mean - v_os) / noise.r_inject - noise.v_trim / self.trim
        one, two = losses
        first = (plus * v_os - self.circuit.synapse.r_feedback * injected) * one
        return (minus * v_os - first) * two

    @property
    def _v_offset(self) -> float:
        opamp = self.circuit.opamp
        return opamp.v_offset if opamp.level == "macro" else 0.0

    def _string_voltage(self, state: float) -> float:
        """V_z with all junctions between P and AP, its load R_z leading to V_os, V."""
        string = self.string
        if string is None:
            raise ValueError("a neuron without a string has no junctions")
        noise = string.parameters
        bias = noise.v_bias + self._v_offset * noise.r_series / noise.r_inject
        raised = replace(string, parameters=noise.model_copy(update={"v_bias": bias}))
        return float(raised.divider_voltage(np.full(len(string.junctions), state)))

    @property
    def extremes(self) -> tuple[float, float]:
        """Noise at the pre-activation with all junctions in P and in AP, or at −σ and σ, V."""
        one, two = self.losses
        low, high = self.controls_at_extremes
        if self.string:
            mean = self._string_voltage(self.string.held_state)
            low, high = (self._string_voltage(state) - mean for state in (low, high))
        ratio = self.circuit.synapse.r_feedback / self.circuit.noise.r_inject * one * two
        return ratio * low, ratio * high

    def response(self, frequency: Array) -> tuple[Complex, Complex]:
        """Input and noise source's voltage to pre-activation, V/V; for op-amps with poles.

        Args:
            frequency: Hz, shape (F,).

        Returns:
            Shape (F,) each.
        """
        one, two = self._losses_over(frequency, self.noise_gains)
        from_source, _ = self._losses_over(frequency, self.noise_gains_from_source)
        plus, minus = self._ratios
        ratio = self.circuit.synapse.r_feedback / self.circuit.noise.r_inject
        return (plus * one - minus) * two, ratio * from_source * two

    def _losses_over(
        self, frequency: Array, noise_gains: tuple[float, float]
    ) -> tuple[Complex, Complex]:
        loop = loop_of(self.circuit.opamp, 1.0)
        poles = (1 + 1j * frequency / loop.first) * (1 + 1j * frequency / loop.second)
        one, two = (
            1 - (1 + past) / (1 + loop.gain * left / n / poles)
            for n, left, past in self._stages(noise_gains)
        )
        return one, two

    @property
    def _ratios(self) -> tuple[float, float]:
        r_f = self.circuit.synapse.r_feedback
        return r_f / self.resistors[0], r_f / self.resistors[1]

    @property
    def string_power(self) -> float:
        """What bias and trim reference deliver with the noise at its mean, W."""
        noise = self.circuit.noise
        if not self.string or not self.trim:
            return 0.0
        bias = noise.v_bias * (noise.v_bias - self.string.mean_voltage) / noise.r_series
        return bias + noise.v_trim**2 / self.trim

    @property
    def quiescent(self) -> float:
        """Supply current of all its op-amps without load, A; NaN where they have no supply pins."""
        opamp = self.circuit.opamp
        if opamp.level != "macro":
            return math.nan
        return (2 + len(self.circuit.activation.amplifiers)) * opamp.i_quiescent

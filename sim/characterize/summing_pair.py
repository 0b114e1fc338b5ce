"""Both summing amplifiers of a neuron on the bench, for every conductance that weights may come to.

What matters of the weights is their total conductance at either summing node, so that one resistor
stands for all that lead to 0 V.
"""

from dataclasses import dataclass, replace

from netlists import cells
from netlists.elements import Element, Instance, Resistor, VoltageSource
from sim.characterize.bench import Bench
from sim.characterize.cell_file import Rails
from sim.characterize.neuron import Neuron
from sim.characterize.sheet import Conditions

OVERDRIVE = 1.5
"""Of the further supply, which outputs are asked for where they stop."""

RELTOL = 1e-9
"""Of operating points: nanovolts."""

_NEAR_DC = 1e-6  # Hz; below the first pole of any op-amp that the parameters allow


@dataclass(frozen=True)
class SummingPair:
    """Both summing amplifiers of a neuron, with every input of theirs a source of its own.

    Attributes:
        conditions: the corner.
        sums: R_f ΣG+ and R_f ΣG−.
        injected: R_f times what the noise source is at the first summing node.
        hidden: whether a rectifier is behind them.
    """

    conditions: Conditions
    sums: tuple[float, float]
    injected: float
    hidden: bool = True

    @property
    def weight(self) -> float:
        """Of the driven inputs: one, or the largest."""
        return min(1.0, self.conditions.circuit.synapse.largest_weight, *self.sums)

    @property
    def noise_gains(self) -> tuple[float, float]:
        """N+ and N−."""
        plus, minus = self.sums
        return 1 + plus + self.injected, 2 + minus

    @property
    def bench(self) -> Bench:
        """Inputs `up` and `un`, offsets `oa` and `ob`; outputs `op` and `a`."""
        circuit = self.conditions.circuit
        r_f = circuit.synapse.r_feedback
        plus, minus = (total - self.weight for total in self.sums)
        elements: list[Element] = [
            VoltageSource(name, name, "0", 0.0) for name in ("up", "un", "oa", "ob")
        ]
        elements += [
            Resistor("up", "up", "sp", r_f / self.weight),
            Resistor("un", "un", "sn", r_f / self.weight),
            *(_rest("rp", "sp", r_f, plus + self.injected)),
            *(_rest("rn", "sn", r_f, minus)),
            Instance("a", ("oa", "sp", "op", "vdd", "vss"), "opamp"),
            Resistor("f1", "sp", "op", r_f),
            Resistor("f2", "op", "sn", r_f),
            Instance("b", ("ob", "sn", "a", "vdd", "vss"), "opamp"),
            Resistor("f3", "sn", "a", r_f),
        ]
        if self.hidden:
            elements.append(Instance("act", ("a", "x", "vdd", "vss"), "activation"))
        return Bench(
            circuit=circuit,
            solver=replace(self.conditions.solver, reltol=RELTOL),
            cells=(cells.opamp_cell(circuit.opamp), cells.activation_cell(circuit)),
            elements=tuple(elements),
            probes=("op", "a"),
            title="summing amplifiers of a neuron",
        )

    def slope(self, source: str) -> float:
        """Pre-activation over a source, V/V: a small-signal solution, exact to rounding."""
        _, found = self.bench.response(source, _NEAR_DC, 10 * _NEAR_DC)
        return float(found["a"][0].real)

    def at_rails(self, source: str, probe: str) -> Rails:
        """Lowest and highest voltage of an output, asked for more than the supplies, V."""
        circuit = self.conditions.circuit
        asked = OVERDRIVE * max(circuit.v_dd, -circuit.v_ss) / self.weight
        low, high = sorted(
            self.bench.operating_point({source: sign * asked})[probe] for sign in (-1, 1)
        )
        return low, high


def _rest(name: str, node: str, r_f: float, total: float) -> tuple[Resistor, ...]:
    """One resistor for all that leads to 0 V; none where nothing does."""
    return (Resistor(name, node, "0", r_f / total),) if total > 0 else ()


def injected_at(conditions: Conditions) -> float:
    """R_f times the conductance of the noise source at the first summing node."""
    neuron = Neuron(conditions, 0.0)
    r_f = conditions.circuit.synapse.r_feedback
    return neuron.noise_gains[0] - 1 - r_f * neuron.inputs / neuron.resistors[0]

"""A chip drawn: which figures every one of its parts has.

Each deviate is a standard normal number that no spread has a say in. So the spreads scale a chip
without drawing another one, and a spread that is switched on leaves the others' deviates as they
are. They come from:

- op-amps, diodes, and resistors of neurons: a stream each, named by part and figure;
- weight resistors: a stream a neuron, named by its layer and number, all R+ before all R−; another
  number of inputs makes another draw;
- junctions: a stream each, by number, counted through the network; another `n_mtj` or other layers
  make another draw.

Relative spreads are log-normal of mean 1 (`circuits.spread`): no part turns negative. An offset is
normal around that of the rest. The saturation current of a diode is log-normal of median 1:
`diode_is` is the standard deviation of its logarithm, of which one is a step of N V_T in forward
voltage.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from circuits.errors import UserError
from circuits.exceptions import Kind, PartException, named_parts, neuron_names
from circuits.network import Network
from circuits.spread import relative
from circuits.string import NoiseString

if TYPE_CHECKING:
    from circuits.circuit import CircuitParameters

Array = NDArray[np.float64]
Law = Callable[[Array], Array]


@dataclass(frozen=True)
class ChipRow:
    """One figure of one part as it was drawn.

    Attributes:
        part: its name, as in `n1_2_a`; `chip` for what all resistors share.
        quantity: which figure.
        unit: of nominal and value.
        nominal: of the rest.
        value: of this part.
        deviate: the standard normal number behind it, which depends on no spread.
    """

    part: str
    quantity: str
    unit: str
    nominal: float
    value: float
    deviate: float


@dataclass(frozen=True, eq=False)
class Chip:
    """What was drawn.

    Attributes:
        exceptions: parts that differ, by name; figures that the circuit has exceptions for are not
            drawn.
        plus: factors on the R+ of each layer's weights, shape `Network.synapse_shape`.
        minus: on the R−, likewise.
        strings: noise string of each neuron, none for another source.
        rows: every figure that was drawn.
    """

    exceptions: Mapping[str, PartException]
    plus: tuple[Array, ...]
    minus: tuple[Array, ...]
    strings: tuple[NoiseString, ...]
    rows: tuple[ChipRow, ...]

    def applied(self, circuit: "CircuitParameters") -> "CircuitParameters":
        """The circuit that this chip was drawn for, with its parts in the exceptions."""
        merged = dict(circuit.exceptions)
        for name, drawn in self.exceptions.items():
            mine = merged.get(name)
            merged[name] = drawn.model_copy(update=mine.figures) if mine else drawn
        return circuit.model_copy(update={"exceptions": merged})


def built_strings(
    strings: Sequence[NoiseString], circuit: "CircuitParameters", network: Network
) -> tuple[NoiseString, ...]:
    """Strings with the resistors that their neurons have, as `circuit.exceptions` says.

    Args:
        strings: one a neuron, with the resistors that they are designed for.
        circuit: parameters of every part.
        network: gives the neurons.
    """
    fields = {"rs": "r_series", "rz": "r_inject"}
    found = []
    for neuron, string in zip(neuron_names(network), strings, strict=True):
        named = {field: circuit.exceptions.get(f"{neuron}_{r}") for r, field in fields.items()}
        own = {
            field: getattr(string.parameters, field) * (exception.ratio or 1.0)
            for field, exception in named.items()
            if exception
        }
        parameters = string.parameters.model_copy(update=own)
        found.append(replace(string, parameters=parameters) if own else string)
    return tuple(found)


def draw_chip(circuit: "CircuitParameters", network: Network, rng: np.random.Generator) -> Chip:
    """Draw every part of a chip.

    Args:
        circuit: its spreads, in `mismatch` and `smtj`, and what parts are nominally.
        network: gives the neurons and weights.
        rng: fresh, as of `chip_generator`; junction k of the network is drawn from its k-th child.

    Raises:
        ValueError: strings of more unequal junctions than are solved.
        UserError: a part was drawn that no simulation takes.
    """
    draw = _Draw(circuit, network, rng)
    shared = draw.shared_factor()
    exceptions = {name: _exception(name, figures) for name, figures in draw.parts(shared)}
    plus, minus = draw.weight_resistors(shared)
    return Chip(exceptions, plus, minus, draw.strings(), tuple(draw.rows))


def _exception(part: str, figures: Mapping[str, float]) -> PartException:
    try:
        return PartException.model_validate(figures)
    except ValidationError as error:
        what = error.errors()[0]
        raise UserError(
            f"circuit.mismatch: {part} was drawn with {what['loc'][0]} {what['input']:g}, but "
            f"{what['msg'][0].lower()}{what['msg'][1:]}; take a smaller spread"
        ) from None


class _Draw:
    """A chip being drawn; `rows` grows with every figure."""

    def __init__(
        self, circuit: "CircuitParameters", network: Network, rng: np.random.Generator
    ) -> None:
        self._circuit = circuit
        self._network = network
        self._rng = rng
        self._root = rng.integers(2**63, size=2).tolist()
        self.rows: list[ChipRow] = []

    def _deviates(self, name: str, shape: tuple[int, ...] = ()) -> Array:
        digest = int.from_bytes(sha256(name.encode()).digest()[:8], "big")
        stream = np.random.default_rng(np.random.SeedSequence([*self._root, digest]))
        return np.asarray(stream.standard_normal(shape))

    def _figure(self, part: str, quantity: str, unit: str, nominal: float, law: Law) -> float:
        """A figure of a part, which a law makes of a standard normal number."""
        z = self._deviates(f"{part}.{quantity}")
        value = float(law(z))
        self.rows.append(ChipRow(part, quantity, unit, nominal, value, float(z)))
        return value

    def shared_factor(self) -> float:
        """What all resistors of the chip have in common."""
        spread = self._circuit.mismatch.resistor_tolerance
        if not spread:
            return 1.0
        return self._figure("chip", "resistors", "1", 1.0, partial(relative, spread))

    def parts(self, shared: float) -> Iterator[tuple[str, dict[str, float]]]:
        """Parts that differ, with the figures in which they do; what the circuit gives is left out.

        Args:
            shared: factor of all resistors.
        """
        circuit, spreads = self._circuit, self._circuit.mismatch
        rest, laws = circuit.opamp, defaultdict[Kind, dict[str, tuple[str, float, Law]]](dict)
        if spreads.v_offset:
            laws["op-amp"]["v_offset"] = (
                "V", rest.v_offset, lambda z: rest.v_offset + spreads.v_offset * z
            )  # fmt: skip
        if spreads.gbw:
            laws["op-amp"]["gbw"] = "Hz", rest.gbw, lambda z: rest.gbw * relative(spreads.gbw, z)
        if spreads.resistors:
            laws["resistor"]["ratio"] = (
                "1", 1.0, lambda z: shared * relative(spreads.resistor_tracking, z)
            )  # fmt: skip
        if spreads.diode_is:
            laws["diode"]["ratio"] = "1", 1.0, lambda z: np.exp(spreads.diode_is * z)
        for name, kind in named_parts(self._network, circuit.activation, circuit.noise):
            given = circuit.exceptions[name].figures if name in circuit.exceptions else {}
            figures = {
                quantity: self._figure(name, quantity, *law)
                for quantity, law in laws[kind].items()
                if quantity not in given
            }
            if figures:
                yield name, figures

    def weight_resistors(self, shared: float) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Factors on R+ and R− of each layer; `shared` is in all of them."""
        spreads = self._circuit.mismatch
        plus, minus = [], []
        for layer in range(1, len(self._network.layers)):
            rows, columns = self._network.synapse_shape(layer)
            factors = np.ones((rows, 2, columns))
            for j in range(rows if spreads.resistors else 0):
                name = f"w{layer}_{j + 1}"
                z = self._deviates(name, (2, columns))
                factors[j] = shared * relative(spreads.resistor_tracking, z)
                self._note_weights(name, layer, factors[j], z)
            plus.append(factors[:, 0].copy())
            minus.append(factors[:, 1].copy())
        return tuple(plus), tuple(minus)

    def _note_weights(self, name: str, layer: int, factors: Array, deviates: Array) -> None:
        """Rows of a neuron's weight resistors, R+ and R−: shape (2, inputs)."""
        sources = self._network.layers[layer - 1]
        for sign, values, z in zip("pn", factors.tolist(), deviates.tolist(), strict=True):
            for i, (value, deviate) in enumerate(zip(values, z, strict=True)):
                part = f"{name}_{'b' if i == sources else i + 1}_{sign}"
                self.rows.append(ChipRow(part, "ratio", "1", 1.0, value, deviate))

    def strings(self) -> tuple[NoiseString, ...]:
        """Noise string of each neuron, with the junctions that the circuit itself would draw."""
        circuit, n = self._circuit, self._circuit.noise.n_mtj
        smtj, neurons = circuit.smtj, neuron_names(self._network)
        if circuit.noise.source != "string" or not smtj.spread:
            return circuit.noise_strings(len(neurons), self._rng)
        deviates = [child.standard_normal(3) for child in self._rng.spawn(len(neurons) * n)]
        devices = [smtj.deviating(z) for z in deviates]
        names = [f"{neuron}_j{k}" for neuron in neurons for k in range(1, n + 1)]
        for name, device, (z_r, z_tmr, z_barrier) in zip(names, devices, deviates, strict=True):
            rows = (
                ChipRow(name, "r_p", "Ω", smtj.resistance_p, device.resistance_p, float(z_r)),
                ChipRow(name, "tmr", "1", smtj.tmr, device.tmr, float(z_tmr)),
                ChipRow(name, "barrier", "eV", smtj.barrier_p, device.barrier_p, float(z_barrier)),
            )
            spreads = (smtj.spread_resistance, smtj.spread_tmr, smtj.spread_barrier)
            self.rows += [row for row, spread in zip(rows, spreads, strict=True) if spread]
        return circuit.strings_of(devices)

"""All weight devices of one chip: written, read, and left to time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from circuits.network import Network
from circuits.synapse import ResistorPairs
from circuits.write_back.choice import draw_law
from circuits.write_back.law import MINUS, PLUS, Array, Held, Law, weights_of
from circuits.write_back.reading import Drift, noisy

if TYPE_CHECKING:
    from circuits.circuit import CircuitParameters


@dataclass
class _Layer:
    """Devices of one layer, each array of shape (2, neurons, inputs), R+ first."""

    law: Law
    drift: Drift
    setting: Array
    programmed: Array  # Ω, as the last write left it
    age: Array  # s since then
    clipped: int = 0

    def now(self) -> Array:
        """Resistance after what time did to it, Ω."""
        return self.drift.after(self.programmed, self.age)


class SynapseArray:
    """Every weight device of a chip, and the programming that weights are written by.

    Args:
        circuit: its `synapse` and `write_back`.
        network: which weights there are.
        plus: the chip's factors on every R+, a layer each, shape `Network.synapse_shape`; None: 1.
        minus: those on every R−.
        devices: what differs from device to device is drawn from it, once.
        cycles: what differs from write to write and from read to read is drawn from it.
    """

    def __init__(
        self,
        circuit: "CircuitParameters",
        network: Network,
        *,
        plus: Sequence[Array] | None,
        minus: Sequence[Array] | None,
        devices: np.random.Generator,
        cycles: np.random.Generator,
    ) -> None:
        self._synapse = circuit.synapse
        self._parameters = circuit.write_back
        self._cycles = cycles
        self.writes = 0
        """Devices programmed so far; pulses of rram-weak-reset."""
        shapes = [network.synapse_shape(layer) for layer in range(1, len(network.layers))]
        children = iter(devices.spawn(2 * len(shapes)))
        self._layers: list[_Layer] = []
        for k, shape in enumerate(shapes):
            factors = np.stack(
                [np.ones(shape) if given is None else given[k] for given in (plus, minus)]
            )
            unwritten = np.full(factors.shape, np.nan)
            self._layers.append(
                _Layer(
                    law=draw_law(circuit, factors, next(children)),
                    drift=Drift.draw(circuit.write_back, factors.shape, next(children)),
                    setting=unwritten,
                    programmed=unwritten,
                    age=np.zeros(factors.shape),
                )
            )

    def write(self, weights: Sequence[Array]) -> None:
        """Program the devices towards weights.

        Args:
            weights: effective ones, V/V, a layer each, shape (neurons, inputs) with biases as the
                last column.

        Raises:
            ValueError: other shapes, or a weight that is not a number.
        """
        for layer, wanted in zip(self._layers, weights, strict=True):
            if wanted.shape != layer.setting.shape[1:]:
                raise ValueError(
                    f"weights: wanted shape {layer.setting.shape[1:]}, got {wanted.shape}"
                )
            if np.isnan(wanted).any():
                raise ValueError("weights: wanted numbers, got NaN, which no device can be set to")
        for layer, wanted in zip(self._layers, weights, strict=True):
            written = layer.law.write(wanted, Held(layer.setting, layer.now()), self._cycles)
            touched = written.pulses > 0
            layer.setting = written.setting
            layer.programmed = np.where(touched, written.resistance, layer.programmed)
            layer.age = np.where(touched, 0.0, layer.age)
            layer.clipped = layer.law.synapse.program(wanted).clipped
            self.writes += int(written.pulses.sum())

    def read(self) -> tuple[ResistorPairs, ...]:
        """Resistors as the next passes see them, drift and a new read noise in them."""
        return tuple(
            _pairs(noisy(now, self._parameters.read_noise, self._cycles), layer.clipped)
            for layer, now in zip(self._layers, self._now(), strict=True)
        )

    def held(self) -> tuple[NDArray[np.float64], ...]:
        """Weights that the devices hold, V/V, a layer each; without read noise."""
        return tuple(weights_of(self._synapse, now) for now in self._now())

    def told(self) -> tuple[NDArray[np.float64], ...]:
        """Weights by what the controller knows of the devices, V/V, a layer each.

        By the settings that it made, nominal or calibrated; of rram-weak-reset, whose devices it
        looks at, what they hold. To write them changes nothing.
        """
        return tuple(
            layer.law.told(Held(layer.setting, now))
            for layer, now in zip(self._layers, self._now(), strict=True)
        )

    def wait(self, seconds: float) -> None:
        """Let time pass, s."""
        for layer in self._layers:
            layer.age = layer.age + seconds

    def state(self) -> dict[str, Any]:
        """All that changes, for an array made of the same arguments to go on from."""
        return {
            "cycles": self._cycles.bit_generator.state,
            "writes": self.writes,
            "layers": [
                {
                    "setting": layer.setting.copy(),
                    "programmed": layer.programmed.copy(),
                    "age": layer.age.copy(),
                    "clipped": layer.clipped,
                }
                for layer in self._layers
            ],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another array made of the same arguments had its `state` taken."""
        self._cycles.bit_generator.state = state["cycles"]
        self.writes = state["writes"]
        for layer, then in zip(self._layers, state["layers"], strict=True):
            layer.setting, layer.programmed = then["setting"].copy(), then["programmed"].copy()
            layer.age, layer.clipped = then["age"].copy(), then["clipped"]

    def _now(self) -> list[Array]:
        now = [layer.now() for layer in self._layers]
        if any(np.isnan(resistance).any() for resistance in now):
            raise RuntimeError("the devices hold nothing yet: write weights first")
        return now


def _pairs(resistance: Array, clipped: int) -> ResistorPairs:
    return ResistorPairs(plus=resistance[PLUS], minus=resistance[MINUS], clipped=clipped)

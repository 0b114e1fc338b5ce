"""The law that a configuration names, with its devices drawn."""

from typing import TYPE_CHECKING

import numpy as np

from circuits.write_back.digipot import Digipot
from circuits.write_back.domain_wall import DomainWall
from circuits.write_back.e_series import ESeries
from circuits.write_back.ideal import Ideal
from circuits.write_back.law import Array, Law
from circuits.write_back.levels import Levels
from circuits.write_back.rram import Rram

if TYPE_CHECKING:
    from circuits.circuit import CircuitParameters


def draw_law(circuit: "CircuitParameters", factors: Array, devices: np.random.Generator) -> Law:
    """Devices of one layer.

    Args:
        circuit: its `synapse` and `write_back`.
        factors: of the chip on every resistor, shape (2, neurons, inputs).
        devices: what differs from device to device is drawn from it.
    """
    synapse, chosen = circuit.synapse, circuit.write_back
    match chosen.device:
        case "ideal":
            return Ideal(synapse, factors)
        case "e-series":
            return ESeries(synapse, factors, chosen.e_series.series)
        case "levels":
            return Levels(synapse, factors, chosen.levels)
        case "digipot":
            return Digipot.draw(synapse, factors, chosen.digipot, devices)
        case "domain-wall":
            return DomainWall(synapse, factors, chosen.domain_wall)
        case "rram-weak-reset":
            return Rram.draw(synapse, factors, chosen.rram, devices)

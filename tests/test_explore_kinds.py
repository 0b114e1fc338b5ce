"""Kinds of parts, by the names that a chip's file gives them."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from circuits import Network
from circuits.chip import draw_chip
from circuits.mismatch import TYPICAL, chip_generator
from sim.explore.ranks import kind_of
from sim.settings import load_config

OWN = {
    "n1_2_a.v_offset": "op-amp offset",
    "n1_2_a.gbw": "op-amp GBW",
    "n1_2_rf1.ratio": "resistor",
    "n1_2_dpos.ratio": "diode",
    "n1_2_j1.r_p": "junction",
    "n1_2_j1.tmr": "junction",
    "n1_2_j1.barrier": "junction",
    "w1_2_1_p.ratio": "weight resistor",
    "w1_2_b_n.ratio": "weight resistor",
    "chip.resistors": "resistor tolerance common to the chip",
}


@pytest.mark.parametrize("rectifier", ["diode-divider", "precision"])
def test_every_figure_of_a_typical_chip_has_its_kind(rectifier: str) -> None:
    """Counted by hand for 2-2-1 with biases and a junction at each of the three neurons."""
    settings: dict[str, Any] = {**TYPICAL, "circuit.activation.kind": rectifier}
    settings |= {"circuit.mismatch.chip": 1, "circuit.noise.n_mtj": 1}
    circuit, seed = load_config(None, None, settings).circuit, np.random.SeedSequence(0)
    network = Network((2, 2, 1), biases=True)
    chip = draw_chip(circuit, network, chip_generator(circuit, seed))
    names = [f"{row.part}.{row.quantity}" for row in chip.rows]
    kinds = {name: kind_of(name) for name in names}
    assert {name: kinds[name] for name in OWN} == OWN
    # In each neuron a and b; in the two hidden ones the buffer, or rect and sum.
    amplifiers = 6 + 2 * (1 if rectifier == "diode-divider" else 2)
    # rz, rs, ro, rf1 to rf3; in the two hidden ones three of the divider, six of the other.
    resistors = 3 * 6 + 2 * (3 if rectifier == "diode-divider" else 6)
    assert Counter(kinds.values()) == {
        "op-amp offset": amplifiers,
        "op-amp GBW": amplifiers,
        "resistor": resistors,
        "diode": 4,
        "junction": 3 * 3,
        "weight resistor": 2 * 3 * 3,
        "resistor tolerance common to the chip": 1,
    }


def test_what_is_no_part_of_a_neuron_is_called_other() -> None:
    assert kind_of("n1_1_q7.beta") == "other part"

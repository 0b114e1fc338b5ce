"""The deck and its PySpice circuit are one circuit: both are simulated."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from circuits import CircuitParameters, Network
from netlists.deck import Deck
from netlists.export import random_deck
from netlists.pyspice import to_pyspice
from netlists.spice import format_for_library
from sim.libngspice import get_library

# PySpice has its own, process-wide hold of ngspice: it gets a process of its own.
SCRIPT = """
import logging, sys
from PySpice.Spice.NgSpice.Shared import NgSpiceShared
from netlists.export import random_deck
from netlists.pyspice import to_pyspice
from circuits import CircuitParameters, Network
from sim.libngspice import find_library
logging.disable(logging.CRITICAL)
NgSpiceShared.LIBRARY_PATH = find_library()
circuit = CircuitParameters.model_validate_json(sys.argv[1])
deck = random_deck(Network((2, 3, 2), biases=True), circuit, 0.0, 7)
analysis = to_pyspice(deck).simulator(temperature=27, nominal_temperature=27).operating_point()
for node in deck.probes:
    print(node, repr(float(analysis[node][0])))
"""


def simulated_by_pyspice(circuit: CircuitParameters) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, circuit.model_dump_json(exclude_none=True)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def simulated_here(deck: Deck) -> dict[str, float]:
    library = get_library()
    library.load(format_for_library(deck))
    library.command("op")
    voltages = {node: float(library.vector(node)[0]) for node in deck.probes}
    library.command("destroy all")
    return voltages


@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
@pytest.mark.parametrize("level", ["ideal", "macro"])
def test_pyspice_circuit_has_the_decks_voltages(level: str, kind: str) -> None:
    circuit = CircuitParameters.model_validate(
        {"opamp": {"level": level}, "activation": {"kind": kind}, "noise": {"n_mtj": 2}}
    )
    here = simulated_here(random_deck(Network((2, 3, 2), biases=True), circuit, 0.0, 7))
    there = simulated_by_pyspice(circuit)
    assert there.keys() == here.keys()
    # Nine digits of a number in the deck, all of them in PySpice's: parts in a billion of volts.
    np.testing.assert_allclose(list(there.values()), list(here.values()), rtol=1e-6, atol=1e-8)
    assert np.ptp(list(here.values())) > 0.1  # a dead circuit would agree as well


def test_pyspice_text_holds_every_cell_once() -> None:
    deck = random_deck(Network((2, 2, 1)), CircuitParameters(), 10e-6, 0)
    text = str(to_pyspice(deck))
    for cell in deck.subcircuits:
        assert text.count(f".subckt {cell.name} ") == 1
    assert "PWL(" in text

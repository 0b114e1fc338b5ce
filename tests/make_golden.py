"""`make golden`: write the golden decks and the voltages that ngspice reads on them.

Small decks that stand for what decks are made of: both rectifiers, junctions in parallel, drawn
noise, biases, transients and operating points. `tests/test_golden.py` holds today's decks and
voltages against them. Every sample is taken long after the last jump, where voltages do not depend
on the time steps that a version of ngspice chooses.
"""

import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from circuits import CircuitParameters, Network
from netlists.build import build_deck
from netlists.deck import Deck
from netlists.spice import format_deck
from netlists.stimulus import NO_STEPS, Steps, Stimulus, still
from sim.bare import bare_version, run_bare

FOLDER = Path(__file__).parent / "golden"


def _steps(times: Sequence[float], values: Sequence[float]) -> Steps:
    return Steps(np.array(times), np.array(values))


def _pair(
    network: Network,
    circuit: CircuitParameters,
    weights: Sequence[Sequence[Sequence[float]]],
    first: Stimulus,
    second: Stimulus,
) -> Deck:
    pairs = [circuit.synapse.program(np.array(w)) for w in weights]
    return build_deck(network, circuit, pairs, [("p1", first), ("p2", second)])


def _divider() -> Deck:
    """A hidden and an output neuron, biases, flips in each pass."""
    inputs = np.array([0.5, -0.5])
    there_and_back = _steps([2e-6, 3e-6], [0.0, 1.0])
    return _pair(
        Network((2, 1, 1), biases=True),
        CircuitParameters(),
        [[[0.5, -0.25, 0.125]], [[-1.0, 2.0]]],
        Stimulus(10e-6, inputs, np.array([0.0, 1.0]), (_steps([4e-6], [1.0]), NO_STEPS)),
        Stimulus(10e-6, inputs, np.array([1.0, 1.0]), (NO_STEPS, there_and_back)),
    )


def _precision() -> Deck:
    """The precision rectifier on either side of zero."""
    flips = (_steps([5e-6], [1.0]), NO_STEPS, NO_STEPS)
    return _pair(
        Network((2, 2, 1)),
        CircuitParameters.model_validate({"activation": {"kind": "precision"}}),
        [[[0.75, -0.5], [-0.25, 1.0]], [[1.5, -0.5]]],
        Stimulus(50e-6, np.array([0.8, -0.4]), np.zeros(3), flips),
        still(50e-6, np.array([-0.6, 0.3]), np.array([0.0, 1.0, 1.0])),
    )


def _parallel() -> Deck:
    """Two junctions in parallel at an output neuron of single-pole op-amps."""
    circuit = CircuitParameters.model_validate(
        {"noise": {"n_mtj": 2, "arrangement": "parallel"}, "opamp": {"level": "single-pole"}}
    )
    return _pair(
        Network((1, 1)),
        circuit,
        [[[-0.75]]],
        Stimulus(10e-6, np.array([0.4]), np.zeros(2), (_steps([2e-6], [1.0]), NO_STEPS)),
        still(10e-6, np.array([0.4]), np.ones(2)),
    )


def _gaussian() -> Deck:
    """Drawn voltages in place of junctions."""
    inputs = np.array([0.3, -0.7])
    return _pair(
        Network((2, 2, 1)),
        CircuitParameters.model_validate({"noise": {"source": "gaussian"}}),
        [[[1.0, 0.5], [-0.5, 0.25]], [[0.5, -1.5]]],
        still(20e-6, inputs, np.array([0.05, -0.12, 0.02])),
        still(20e-6, inputs, np.array([-0.08, 0.01, 0.1])),
    )


def _at_rest() -> Deck:
    """Operating points of a network with biases and ideal op-amps."""
    return _pair(
        Network((2, 2, 2), biases=True),
        CircuitParameters.model_validate({"opamp": {"level": "ideal"}}),
        [
            [[0.5, -1.0, 0.25], [1.25, 0.75, -0.5]],
            [[-0.5, 1.0, 0.125], [2.0, -0.25, 0.5]],
        ],
        still(0.0, np.array([0.9, 0.2]), np.zeros(4)),
        still(0.0, np.array([0.9, 0.2]), np.array([1.0, 0.0, 0.0, 1.0])),
    )


def golden_decks() -> dict[str, Deck]:
    """Every golden deck, by the name of its files."""
    return {
        "deck_2_1_1": _divider(),
        "precision_2_2_1": _precision(),
        "parallel_1_1": _parallel(),
        "gaussian_2_2_1": _gaussian(),
        "at_rest_2_2_2": _at_rest(),
    }


def main() -> None:
    """Write a deck and its voltages for each."""
    FOLDER.mkdir(exist_ok=True)
    made_by = {
        "ngspice": bare_version(),
        "danp_cosim": version("danp-cosim"),
        "platform": f"{platform.system()} {platform.machine()}",
    }
    for name, deck in golden_decks().items():
        text = format_deck(deck)
        reference = {"made_by": made_by, "voltages": run_bare(text)}
        (FOLDER / f"{name}.cir").write_text(text, encoding="ascii")
        (FOLDER / f"{name}.json").write_text(json.dumps(reference, indent=2) + "\n", "ascii")
        sys.stdout.write(f"{name}: {len(reference['voltages'])} voltages\n")
    sys.stdout.write(f"made by ngspice {made_by['ngspice']}; look at what changed\n")


if __name__ == "__main__":
    main()

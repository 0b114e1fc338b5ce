"""The electrical rules find nothing in decks as they are built."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conftest import Weights

from circuits import CircuitParameters, Network
from netlists.build import build_deck, control_names
from netlists.deck import Deck
from netlists.elements import External, VoltageSource
from netlists.rules import Limits, check
from netlists.stimulus import flips, still


def built(
    network: Network, parameters: dict[str, Any], draw: Weights, **options: Any
) -> tuple[Deck, Limits]:
    circuit = CircuitParameters.model_validate(parameters)
    controls = np.zeros(len(control_names(network, circuit.noise)))
    stretch = still(10e-6, np.linspace(-1, 1, network.layers[0]), controls)
    if circuit.noise.source == "string":
        moved = tuple(flips(np.array([3e-6]), 0) for _ in controls)
        stretch = replace(stretch, steps=moved)
    deck = build_deck(
        network,
        circuit,
        [circuit.synapse.program(w) for w in draw(network, 3)],
        [("p1", stretch), ("p2", stretch)],
        strings=circuit.noise_strings(network.neurons, np.random.default_rng(2)),
        **options,
    )
    return deck, Limits.of(circuit)


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize(
    "layers",
    [(1, 1), (2, 1), (2, 2, 1), (2, 2, 2, 1), (3, 3, 3, 3), (8, 8, 4), (1, 5, 1), (64, 64, 10)],
)
def test_networks_of_every_shape(layers: tuple[int, ...], biases: bool, weights: Weights) -> None:
    assert check(*built(Network(layers, biases), {}, weights)) == ()


@pytest.mark.parametrize(
    "parameters",
    [
        *({"noise": {"n_mtj": n}} for n in (1, 2, 8)),
        *({"noise": {"n_mtj": n, "arrangement": "parallel"}} for n in (1, 2, 8)),
        *({"noise": {"source": s}} for s in ("hmm", "bernoulli", "binomial", "gaussian")),
        {"noise": {"source": "measured", "measured": {"file": "never-opened.npy"}}},
        {"noise": {"n_mtj": 2, "coupling": "two-way"}},
        {"smtj": {"spread_resistance": 0.2, "spread_tmr": 0.1}, "noise": {"n_mtj": 2}},
        {"synapse": {"r_max": float("inf")}},
        {"synapse": {"r_max": "100k", "r_feedback": "33k"}},
        {"v_dd": 1.4, "v_ss": -3.6},
        {"opamp": {"v_offset": 2e-3, "headroom": 0.3}},
        {"exceptions": {"n1_2_b": {"v_offset": 5e-3}, "n2_1_a": {"gbw": 28e3}}},
    ],
    ids=str,
)
def test_circuits_of_every_kind(parameters: dict[str, Any], weights: Weights) -> None:
    assert check(*built(Network((2, 2, 1), biases=True), parameters, weights)) == ()


@pytest.mark.parametrize("level", ["ideal", "single-pole", "macro"])
@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
@pytest.mark.parametrize("diode", ["HSMS-2850", "1N4148", "ideal"])
def test_amplifiers_and_rectifiers_of_every_kind(
    level: str, kind: str, diode: str, weights: Weights
) -> None:
    parameters = {"opamp": {"level": level}, "activation": {"kind": kind, "diode": diode}}
    assert check(*built(Network((2, 3, 2)), parameters, weights)) == ()


def test_states_from_a_file(weights: Weights) -> None:
    assert check(*built(Network((2, 2, 1)), {}, weights, state_file="states.txt")) == ()


def test_sources_driven_from_outside(weights: Weights) -> None:
    deck, limits = built(Network((2, 2, 1)), {}, weights)
    driven = tuple(
        replace(e, wave=External()) if isinstance(e, VoltageSource) and e.name == "s1_2" else e
        for e in deck.elements
    )
    assert check(replace(deck, elements=driven), limits) == ()

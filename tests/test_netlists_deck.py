"""Decks as data and as text."""

import re
from itertools import pairwise

import numpy as np
import pytest
import tolerances
from conftest import Weights
from hypothesis import given
from hypothesis import strategies as st

from circuits import CircuitParameters, Network, NoiseParameters, ResistorPairs
from netlists import stimulus
from netlists.build import build_deck
from netlists.elements import Instance
from netlists.spice import format_deck, format_for_library, format_number
from netlists.stimulus import EDGE, Steps, Stimulus, source_waves, still
from sim.libngspice import get_library


def rest(network: Network, n_mtj: int = 1, duration: float = 10e-6) -> Stimulus:
    inputs = np.linspace(-0.5, 0.5, network.layers[0])
    return still(duration, inputs, np.zeros(network.neurons * n_mtj))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_have_no_suffix_and_nine_digits(value: float) -> None:
    text = format_number(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", text)
    assert float(text) == pytest.approx(value, rel=tolerances.NINE_DIGITS, abs=tolerances.SUBNORMAL)


def programmed(network: Network, circuit: CircuitParameters, draw: Weights) -> list[ResistorPairs]:
    return [circuit.synapse.program(w) for w in draw(network, 4)]


@pytest.mark.parametrize("biases", [False, True])
def test_every_weight_is_a_pair_of_resistors_that_names_it(weights: Weights, biases: bool) -> None:
    network, circuit = Network((3, 4, 2), biases), CircuitParameters()
    pairs = programmed(network, circuit, weights)
    text = format_deck(build_deck(network, circuit, pairs, [("p1", rest(network))]))
    for layer, w in enumerate(weights(network, 4), start=1):
        cell = re.search(rf"\.subckt layer{layer} (.*?)\.ends", text, re.DOTALL)
        assert cell is not None
        found = re.findall(
            r"^Rp(\d+)_(\d+|b) (\S+) sp(\d+) (\S+) ; w = (\S+)\nRn\1_\2 \3 sn\4 (\S+)$",
            cell[1],
            re.MULTILINE,
        )
        assert len(found) == w.size
        assert len(re.findall(r"^R", cell[1], re.MULTILINE)) == 2 * w.size
        for neuron, source, node, into, plus, comment, minus in found:
            column = w.shape[1] - 1 if source == "b" else int(source) - 1
            wanted = w[int(neuron) - 1, column]
            assert into == neuron
            assert node == ("one" if source == "b" else f"x{layer - 1}_{source}")
            assert float(comment) == pytest.approx(wanted, abs=tolerances.SIX_DECIMALS)
            assert 100e3 * (1 / float(plus) - 1 / float(minus)) == pytest.approx(
                wanted, abs=tolerances.NINE_DIGIT_RESISTORS
            )


def test_every_layer_is_one_subcircuit_and_comes_once(weights: Weights) -> None:
    network, circuit = Network((3, 4, 5, 2)), CircuitParameters(noise=NoiseParameters(n_mtj=2))
    deck = build_deck(
        network, circuit, programmed(network, circuit, weights), [("p1", rest(network, 2))]
    )
    layers = [cell for cell in deck.subcircuits if cell.name.startswith("layer")]
    assert [cell.name for cell in layers] == ["layer1", "layer2", "layer3"]
    for layer, cell in enumerate(layers, start=1):
        used = [e for e in deck.elements if isinstance(e, Instance) and e.subcircuit == cell.name]
        assert len(used) == 1
        assert used[0].nodes == cell.ports
        kinds = [e.subcircuit for e in cell.elements if isinstance(e, Instance)]
        kind = "output_perceptron" if layer == 3 else "hidden_perceptron"
        assert kinds == ["noise_string", kind] * network.layers[layer]


def test_a_wide_layer_is_read_by_ngspice_and_solved(weights: Weights) -> None:
    network, circuit = Network((64, 64, 3), biases=True), CircuitParameters()
    deck = build_deck(
        network,
        circuit,
        programmed(network, circuit, weights),
        [("p1", rest(network, duration=0.0))],
    )
    text = format_for_library(deck)
    library = get_library()
    library.load(text)
    library.command("op")
    first = np.append(rest(network).inputs, 1.0) @ weights(network, 4)[0].T
    got = [library.vector(f"a1_{j}")[0] for j in range(1, 65)]
    # Junctions are all parallel: every pre-activation lacks the same few millivolts.
    np.testing.assert_allclose(
        got, first + circuit.noise_string().node_levels[0], atol=tolerances.WIDE_ROW
    )
    library.command("destroy all")


@given(
    flips=st.lists(st.floats(0, 10e-6), max_size=8).map(sorted),
    state=st.sampled_from([0.0, 1.0]),
)
def test_waves_run_forward_and_meet_the_state_after_every_flip_at_the_sample(
    flips: list[float], state: float
) -> None:
    steps = (stimulus.flips(np.array(flips), int(state)),)
    quiet = Stimulus(10e-6, np.empty(0), np.array([state]), steps)
    for stretches in ([quiet], [quiet, quiet]):
        wave = source_waves(stretches, ["s"])["s"]
        times = np.array([t for t, _ in wave.points])
        assert (np.diff(times) > EDGE / 20).all()
        assert {v for _, v in wave.points} <= {0.0, 1.0}
        for k in range(1, len(stretches) + 1):
            at_sample = np.interp(k * 10e-6, times, [v for _, v in wave.points])
            assert at_sample == (state + len(flips)) % 2


def test_waves_change_at_the_flips_within_an_edge() -> None:
    flips = np.array([1e-6, 4e-6, 4.1e-6, 9.5e-6])
    steps = (Steps(flips, np.array([0.0, 1.0, 0.0, 1.0])),)
    stretch = Stimulus(10e-6, np.array([0.3]), np.array([1.0]), steps)
    waves = source_waves([stretch, stretch], ["x", "s"])
    assert waves["x"].points[0][1] == waves["x"].points[-1][1] == pytest.approx(0.3)
    rises = [(low[0], high[0]) for low, high in pairwise(waves["s"].points) if low[1] != high[1]]
    wanted = np.concatenate([flips, flips + 10e-6])
    np.testing.assert_allclose(
        rises, np.column_stack([wanted, wanted + EDGE]), atol=tolerances.FEMTOSECOND
    )

"""Settling of wide networks: one neuron for all that do the same, held equal to all of them."""

from dataclasses import replace

import numpy as np
import pytest

from circuits import CircuitParameters, Network
from circuits.exceptions import PartException
from netlists.build import SolverSettings
from sim import settling
from sim.lumping import lump
from sim.settling import WITHIN, Jump, heavy_weights, measure_settling, respond, worst_jumps

SOLVER = SolverSettings(reltol=1e-6)
SAME_TIME = 0.03
"""Of a settling time. Lumped loads end at ground, not at summing nodes, which swing while
amplifiers slew, and integrators step elsewhere: the last microvolt is passed 2 % apart at most."""

SAME_END = 0.1e-6
"""V; at rest summing nodes are grounds to within microvolts, of which buffers pass on 1e-6."""


def both(
    network: Network, circuit: CircuitParameters, jump: Jump, monkeypatch: pytest.MonkeyPatch
) -> list[settling.JumpResponse]:
    """The response of the lumped network, and of the whole one."""
    found = []
    for most in (0, 10_000):
        monkeypatch.setattr(settling, "_WHOLE", most)
        found.append(respond(network, circuit, SOLVER, jump))
    return found


@pytest.mark.parametrize(
    ("network", "settings"),
    [
        (Network((2, 2, 2, 1)), {}),
        (Network((4, 8, 3), biases=True), {}),
        (Network((12, 10, 2), biases=True), {}),
        (Network((3, 4, 2), biases=True), {"activation.kind": "precision"}),
    ],
    ids=["2-2-2-1", "4-8-3", "12-10-2", "precision"],
)
def test_lumped_is_whole(
    network: Network, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit = CircuitParameters()
    if "activation.kind" in settings:
        activation = circuit.activation.model_copy(update={"kind": settings["activation.kind"]})
        circuit = circuit.model_copy(update={"activation": activation})
    for jump in worst_jumps(network, circuit):
        lumped, whole = both(network, circuit, jump, monkeypatch)
        assert len(lumped.nodes) < len(whole.nodes)
        assert lumped.settled(WITHIN) == pytest.approx(whole.settled(WITHIN), rel=SAME_TIME)
        ends = dict(zip(whole.nodes, whole.waves[:, -1].tolist(), strict=True))
        for node, end in zip(lumped.nodes, lumped.waves[:, -1].tolist(), strict=True):
            assert end == pytest.approx(ends[node], rel=0, abs=SAME_END + 2 * WITHIN), node


def test_an_exception_stays_apart_and_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network((3, 6, 2), biases=True)
    slow = {"n1_5_b": PartException(gbw=0.5e6)}
    circuit = CircuitParameters(exceptions=slow)
    jump = worst_jumps(network, circuit)[0]
    lumped, whole = both(network, circuit, jump, monkeypatch)
    assert "a1_5" in lumped.nodes
    assert "a1_4" not in lumped.nodes
    assert lumped.settled(WITHIN) == pytest.approx(whole.settled(WITHIN), rel=SAME_TIME)
    plain = respond(network, CircuitParameters(), SOLVER, jump)
    assert lumped.settled(WITHIN) > 1.5 * plain.settled(WITHIN)


def test_sums_and_loads_are_those_of_the_whole_network() -> None:
    # By hand: 2 inputs, hidden neurons of weights (1, 2), (1, 2), (3, 0), one output of weights
    # 1, 2, 4. The first two do the same; the second drives more and stands for both.
    circuit = CircuitParameters()
    weights = [np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 0.0]]), np.array([[1.0, 2.0, 4.0]])]
    found = lump(
        Network((2, 3, 1)),
        circuit,
        [circuit.synapse.program(w) for w in weights],
        [np.array([0]), np.array([1])],
    )
    assert found.network.layers == (2, 2, 1)
    assert found.neurons == ((1, 2), (2, 3), (1,))
    assert found.whole_name("x1_1") == "x1_2"
    back = [circuit.synapse.weights(pairs) for pairs in found.synapses]
    np.testing.assert_allclose(back[0], [[1, 2], [3, 0]], atol=1e-12)
    np.testing.assert_allclose(back[1], [[3, 4]], atol=1e-12)
    # In the whole network the second neuron drives w = 2, here 1 + 2 and a pair of R_max more.
    siemens = -1.0 / circuit.synapse.r_feedback - 2.0 / circuit.synapse.r_max
    np.testing.assert_allclose(found.loads[0], [siemens, 0.0], rtol=1e-9)


def test_heavy_weights_are_heavier_than_trained_ones_and_drive_no_further() -> None:
    # Rows of trained digits and MNIST networks add up to 13 of 64 and 32 inputs, and to 40 of 784.
    for inputs, least in ((64, 13), (784, 40)):
        weights = heavy_weights((32, inputs + 1), biases=True)
        assert np.abs(weights[0]).sum() > least
        assert np.abs(weights[0, :8]).sum() == 8
        assert not weights[8:].any()
    np.testing.assert_array_equal(heavy_weights((2, 3), biases=False), [[1, -1, 1], [-1, 1, -1]])


def test_the_widest_network_settles_in_what_its_rows_load_allows() -> None:
    # A summing amplifier closes its loop at GBW/(1 + R_F ΣG): exponential to 1 µV in
    # ln(1 V/1 µV) time constants, and slewing and layers in a row add to that.
    network, circuit = Network((784, 500, 500, 500, 10), biases=True), CircuitParameters()
    found = measure_settling(network, circuit, SolverSettings())
    row = np.abs(heavy_weights((500, 785), biases=True)[0]).sum() / 2 + 785 * 0.01
    constant = (1 + row) / (2 * np.pi * circuit.opamp.gbw)
    assert np.log(1e6) * constant < found.time < 4 * np.log(1e6) * constant


def test_a_jump_of_unlike_weights_is_simulated_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    network, rng = Network((3, 4, 2)), np.random.default_rng(4)
    circuit = CircuitParameters()
    drawn = tuple(rng.normal(0, 0.5, network.synapse_shape(k)) for k in (1, 2))
    jump = replace(worst_jumps(network, circuit)[0], weights=drawn)
    lumped, whole = both(network, circuit, jump, monkeypatch)
    assert lumped.nodes == whole.nodes
    assert lumped.settled(WITHIN) == pytest.approx(whole.settled(WITHIN), rel=SAME_TIME)

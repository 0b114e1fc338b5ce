"""The hidden neuron's data sheet against closed forms, on parts unlike the defaults."""

import functools
import math

import numpy as np
import pytest
import tolerances
from scipy.optimize import root_scalar

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings
from sim.characterize.cells import perceptron
from sim.characterize.neuron import Neuron
from sim.characterize.sheet import Conditions, Figure, Measurement

PARTS = {
    "v_dd": 2.9,
    "v_ss": -2.3,
    "opamp": {
        "v_offset": -1.2e-3, "gbw": 1.3e6, "open_loop_gain": 72, "slew_rate": 0.9e6,
        "phase_margin": 62, "i_quiescent": 110e-6, "r_out": 300,
    },
    "synapse": {"r_feedback": 82e3, "r_max": 3e6},
    "noise": {"r_inject": 560e3, "r_series": 68e3, "v_bias": 2.7, "v_trim": 1.9, "n_mtj": 2},
    "smtj": {"barrier_p": 0.31, "barrier_ap": 0.33},
}  # fmt: skip

SHARE_OF_LOAD = 5e-3
"""Of a gain error: the rectifier loads the second amplifier, on top of what is counted here."""


def conditions(
    temperature: float = 27.0, network: Network | None = None, **changes: object
) -> Conditions:
    nominal = CircuitParameters.model_validate(PARTS | changes)
    circuit = nominal.model_copy(update={"temperature": temperature})
    wide = network or Network((2, 3, 2, 1), biases=True)
    return Conditions(circuit, nominal, wide, SolverSettings(), temperature, 1.0)


@functools.cache
def measured() -> Measurement:
    """At 27 °C, with the parts above."""
    return perceptron.measure(conditions())


def figures(found: Measurement) -> dict[str, Figure]:
    by_key = {figure.key: figure for figure in found.figures}
    assert len(by_key) == len(found.figures)
    return by_key


@pytest.mark.parametrize("temperature", [-40.0, 85.0])
@pytest.mark.parametrize("kind", ["diode-divider", "precision"])
def test_every_figure_with_a_closed_form_meets_it(kind: str, temperature: float) -> None:
    found = figures(perceptron.measure(conditions(temperature, activation={"kind": kind})))
    assert not [figure for figure in found.values() if figure.deviates]
    judged = {key for key, figure in found.items() if figure.expected is not None}
    assert judged == {
        *(
            f"{name}_{sign}"
            for sign in ("plus", "minus")
            for name in (
                "mac_gain", "mac_gain_error", "mac_offset", "mac_nonlinearity", "bandwidth",
            )
        ),
        "mac_cancellation", "mac_feedthrough", "noise_gain", "noise_low", "noise_high",
        "noise_bandwidth", "supply_current", "rest_energy",
    }  # fmt: skip


def test_gains_are_those_of_finite_open_loop_gain() -> None:
    """−(R_f/R)/(1 + (1 + R_f ΣG)/A), once for w = −1 and twice in a row for w = +1."""
    c = conditions(opamp=PARTS["opamp"] | {"r_out": 1e-3})
    string = c.circuit.noise_string()
    r_f, r_max, gain = 82e3, 3e6, 10 ** (72 / 20)
    r_one = 1 / (1 / r_f + 1 / r_max)
    # The widest hidden neuron has three inputs and a bias.
    trim = 1.9 * 560e3 / string.mean_voltage
    # R_s in parallel with two junctions in series of some 5 to 11 kΩ each.
    source = 1 / (1 / 68e3 + 1 / 15e3)
    at_plus = 4 / r_one + 1 / (560e3 + source) + 1 / trim
    first = 1 / (1 + (1 + r_f * at_plus) / gain)
    second = 1 / (1 + (1 + r_f * (4 / r_max + 1 / r_f)) / gain)
    found = figures(perceptron.measure(c))
    plus = (r_f / r_one * first - r_f / r_max) * second
    assert found["mac_gain_plus"].value == pytest.approx(plus, abs=SHARE_OF_LOAD * (1 - plus))
    found_error = found["mac_gain_error_plus"].value
    assert found_error == pytest.approx(1e6 * (plus - 1), rel=SHARE_OF_LOAD)
    at_minus = 4 / r_one + 1 / r_f
    first = 1 / (1 + (1 + r_f * (at_plus - 4 / r_one + 4 / r_max)) / gain)
    second = 1 / (1 + (1 + r_f * at_minus) / gain)
    minus = (r_f / r_max * first - r_f / r_one) * second
    assert found["mac_gain_minus"].value == pytest.approx(minus, abs=SHARE_OF_LOAD * (1 + minus))
    injected = found["noise_gain"].value
    first = 1 / (1 + (1 + r_f * at_plus) / gain)
    second = 1 / (1 + (1 + r_f * (4 / r_max + 1 / r_f)) / gain)
    assert injected == pytest.approx(r_f / 560e3 * first * second, rel=SHARE_OF_LOAD / 100)


def test_a_lone_poles_bandwidth_is_gbw_over_the_noise_gain() -> None:
    c = conditions(opamp={"level": "single-pole", "gbw": 1.3e6})
    found = figures(perceptron.measure(c))
    # R_f ΣG of w = −1: four times 1 + R_f/R_max, and the R_f from the first amplifier.
    noise_gain = 1 + 4 * (1 + 82e3 / 3e6) + 1
    # R_f/R_max of the input comes the other way round; it is 3 % of a slower signal.
    assert found["bandwidth_minus"].value == pytest.approx(1.3e6 / noise_gain, rel=0.03)
    assert found["bandwidth_minus"].value == pytest.approx(
        found["bandwidth_minus"].expected, rel=tolerances.AC_SWEEP
    )
    for key in ("range_a_high_plus", "range_x_low_minus", "supply_current", "rest_energy"):
        assert math.isnan(found[key].value)
    assert found["mac_offset_plus"].value == pytest.approx(0.0, abs=1e-9)  # no offset, trimmed


def test_the_noise_at_the_node_has_the_strings_levels() -> None:
    c = conditions(opamp={"level": "ideal"})
    levels = c.circuit.noise_string().node_levels
    found = figures(perceptron.measure(c))
    assert found["noise_low"].value == pytest.approx(levels[0], abs=tolerances.SAME_DECK)
    assert found["noise_high"].value == pytest.approx(levels[-1], abs=tolerances.SAME_DECK)
    assert levels[0] < -5e-3
    for key in ("bandwidth_plus", "noise_bandwidth", "slew_plus_up", "settling_10u_x"):
        assert math.isnan(found[key].value)
        assert found[key].expected is None


def test_the_trim_is_the_nominal_one_and_leaves_a_mean_where_occupancy_moves() -> None:
    """Barriers that differ by 20 meV: their occupancy, and with it the mean, goes with 1/T."""
    c = conditions(-40.0, opamp={"level": "ideal"})
    cold, nominal = c.circuit.noise_string(), c.nominal.noise_string()
    left = 82e3 / 560e3 * (cold.mean_voltage - nominal.mean_voltage)
    assert abs(left) > 100e-6
    found = figures(perceptron.measure(c))
    assert found["mac_offset_plus"].value == pytest.approx(left, abs=tolerances.SAME_DECK)


def test_offsets_go_through_both_amplifiers() -> None:
    """(N− V_os − N+ V_os) of amplifiers without gain error: N as in the bandwidths."""
    opamp = {"v_offset": 2e-3, "open_loop_gain": 140, "r_out": 1e-3}
    noise = {"source": "gaussian", "r_inject": 560e3}
    found = figures(perceptron.measure(conditions(opamp=opamp, noise=noise)))
    heavy, light = 4 * (1 + 82e3 / 3e6), 4 * 82e3 / 3e6
    injection = 82e3 / 560e3
    for sign, plus, minus in (("plus", heavy, light), ("minus", light, heavy)):
        wanted = 2e-3 * ((1 + minus + 1) - (1 + plus + injection))
        assert found[f"mac_offset_{sign}"].value == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("source", ["gaussian", "bernoulli", "hmm"])
def test_other_noise_sources_are_injected_as_they_are(source: str) -> None:
    sigma = CircuitParameters.model_validate({"noise": {"source": source}})
    found = figures(perceptron.measure(conditions(noise={"source": source, "r_inject": 330e3})))
    assert not [figure for figure in found.values() if figure.deviates]
    law = getattr(sigma.noise, source)
    assert found["noise_gain"].value == pytest.approx(82e3 / 330e3, rel=0.01)  # of finite gain
    assert found["noise_high"].value == pytest.approx(law.sigma, rel=0.01)
    assert found["noise_low"].value == pytest.approx(-law.sigma, rel=0.01)


def test_steps_reach_their_ends_and_outputs_keep_off_the_rails() -> None:
    found = figures(measured())
    for direction in ("up", "down"):
        for sign in ("plus", "minus"):
            assert 0.3e6 < found[f"slew_{sign}_{direction}"].value < 0.9e6
        step = next(one for one in measured().curves if one.key == f"step_{direction}")
        end = found["mac_gain_plus"].value * (1 if direction == "up" else -1)
        assert step.y["a"][-1] == pytest.approx(end + found["mac_offset_plus"].value, abs=2e-3)
    for node in ("a", "x"):
        assert 0 < found[f"settling_0p1_{node}"].value < found[f"settling_10u_{node}"].value
    # 20 mV of headroom, and what some 100 µA drop over 300 Ω. Through the first amplifier, which
    # gets to its lower rail, the pre-activation cannot get near the upper one.
    ends = {"high_minus": 2.88, "low_minus": -2.28, "high_plus": 2.28, "low_plus": -2.28}
    for key, end in ends.items():
        reached = abs(found[f"range_a_{key}"].value)
        assert abs(end) - 0.1 < reached < abs(end) + tolerances.RAIL_CLAMP
    assert found["range_x_high_minus"].value < found["range_a_high_minus"].value


def test_the_widest_hidden_neuron_is_measured() -> None:
    assert figures(measured())["mac_gain_plus"].conditions == "w = +1, 3 more at 0 V"
    assert Neuron(conditions(network=Network((5, 1))), -1.0).words == "w = -1, 4 more at 0 V"
    assert Neuron(conditions(network=Network((1, 1, 9, 1))), 0.0).words == "w = 0"
    # What feeds the output layer is no hidden neuron's.
    assert Neuron(conditions(network=Network((2, 9, 1))), 1.0).inputs == 2


def test_pairs_at_zero_cancel_at_rest_and_let_through_what_the_first_amplifier_delays() -> None:
    found = figures(measured())
    assert abs(found["mac_cancellation"].value) < 1e-4
    # R_f/R_max, at most, were the first path gone altogether.
    assert 1e-3 < found["mac_feedthrough"].value < 82e3 / 3e6
    magnitude = next(one for one in measured().curves if one.key == "magnitude")
    largest = 20 * np.log10(found["mac_feedthrough"].value)
    assert magnitude.y["w = 0"].max() == pytest.approx(largest)


@pytest.mark.parametrize(
    ("activation", "opamp", "others"),
    [
        ({"r_load": 1e3, "r_positive": 1.0}, {}, {}),
        ({}, {"r_out": 2e3}, {}),
        ({"diode": "ideal"}, {"r_out": 2e3, "v_offset": -3e-3}, {}),
        ({"diode": "ideal"}, {"r_out": 2e3}, {}),
        ({"kind": "precision"}, {"r_out": 2e3}, {}),
        ({}, {"v_offset": 20e-3}, {"noise": {"r_inject": 50e3}}),
        ({}, {}, {"v_dd": 1.2, "v_ss": -0.8}),
    ],
    ids=[
        "little load", "soft output", "ideal diodes on one side", "ideal diodes at their kink",
        "precision", "a string into an offset", "low supplies",
    ],
)  # fmt: skip
def test_closed_forms_hold_far_from_the_defaults(
    activation: dict[str, object], opamp: dict[str, object], others: dict[str, object]
) -> None:
    nominal = CircuitParameters.model_validate({"activation": activation, "opamp": opamp, **others})
    network = Network((2, 2, 2, 1))
    found = perceptron.measure(Conditions(nominal, nominal, network, SolverSettings(), 27.0, 1.0))
    assert not [figure for figure in found.figures if figure.deviates]
    # Only where the rectifier is no one resistance does the sheet allow for it.
    rtol = figures(found)["bandwidth_minus"].rtol
    assert (rtol == 0.02) == (activation.get("kind") is None and not _at_kink(activation, opamp))


def _at_kink(activation: dict[str, object], opamp: dict[str, object]) -> bool:
    return activation.get("diode") == "ideal" and "v_offset" not in opamp


def test_a_diode_that_does_not_conduct_is_the_load_that_it_is_at_rest() -> None:
    """N V_T/I_S and R_S in both branches side by side: 9.7 kΩ with R_load of 1 kΩ."""
    parts = {"activation": {"r_load": 1e3, "r_positive": 1.0}, "synapse": {"r_feedback": 82e3}}
    nominal = CircuitParameters.model_validate(parts)
    c = Conditions(nominal, nominal, Network((2, 2, 2, 1)), SolverSettings(), 27.0, 1.0)
    slope = 1.06 * 0.025865 / 3e-6 + 25
    rectifier = 1e3 + 1 / (1 / (slope + 1) + 1 / (slope + 180e3))
    neuron = Neuron(c, -1.0)
    behind = 82e3 * neuron.noise_gains[1] / (neuron.noise_gains[1] - 1)
    assert neuron.loads[1] == pytest.approx(1 / (1 / rectifier + 1 / behind), rel=1e-4)


def test_levels_of_a_string_are_those_of_one_whose_load_leads_to_the_offset() -> None:
    """Kirchhoff's law of one junction, solved anew for a summing node at V_os."""
    v_os = 20e-3
    parts = {"opamp": {"v_offset": v_os, "open_loop_gain": 160}, "noise": {"r_inject": 50e3}}
    nominal = CircuitParameters.model_validate(parts)
    c = Conditions(nominal, nominal, Network((2, 2, 2, 1)), SolverSettings(), 27.0, 1.0)
    string, noise = nominal.noise_string(), nominal.noise
    (junction,) = string.junctions
    through = []
    for state in (0.0, string.held_state, 1.0):

        def surplus(v: float, state: float = state) -> float:
            lost = v / junction.resistance(state, v) + (v - v_os) / 50e3
            return (noise.v_bias - v) / noise.r_series - lost

        root = root_scalar(surplus, bracket=(0, noise.v_bias), xtol=1e-15).root
        through.append((root - v_os) / 50e3)
    low, mean, high = through
    r_f = nominal.synapse.r_feedback
    wanted = (r_f * (low - mean), r_f * (high - mean))
    assert Neuron(c, 1.0).extremes == pytest.approx(wanted, rel=1e-6)
    # Against a load to ground, as in the string's own levels, it is 0.9 % more.
    assert wanted[0] / float(string.node_levels[0]) == pytest.approx(1.009, abs=2e-3)
    found = figures(perceptron.measure(c))
    assert found["noise_low"].value == pytest.approx(wanted[0], rel=1e-5)


def test_low_supplies_are_asked_for_what_they_reach() -> None:
    """0.8 of what 0.02 V of headroom leave of 0.8 V, behind 125 Ω into 20.2 kΩ beside 100 kΩ."""
    nominal = CircuitParameters.model_validate({"v_dd": 1.2, "v_ss": -0.8})
    c = Conditions(nominal, nominal, Network((2, 2, 2, 1)), SolverSettings(), 27.0, 1.0)
    found = figures(perceptron.measure(c))
    for sign in ("plus", "minus"):
        figure = found[f"mac_nonlinearity_{sign}"]
        assert figure.conditions == f"w = {'+' if sign == 'plus' else '-'}1, input up to 0.6194 V"
        assert figure.value < 1e-6

"""The network's data sheet: settling, deviation from the twin, range and supply."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
import tolerances

from circuits import CircuitParameters, Network
from netlists.build import SolverSettings
from sim.characterize.cells import network as cell
from sim.characterize.sheet import Conditions, Figure, Measurement
from sim.clock import Clock
from sim.engines import IdealEngine, NgspiceEngine
from sim.schedule import open_schedule
from sim.settling import measure_settling

PARTS: dict[str, object] = {
    "v_dd": 2.8,
    "v_ss": -2.3,
    "opamp": {"gbw": 1.6e6, "slew_rate": 1.1e6, "v_offset": 0.8e-3, "i_quiescent": 150e-6},
    "activation": {"diode": "HSMS-2860", "r_load": 15e3},
    "smtj": {"barrier_p": 0.31, "barrier_ap": 0.33},
}


def conditions(
    network: Network, temperature: float = 27.0, parts: Mapping[str, object] | None = None
) -> Conditions:
    nominal = CircuitParameters.model_validate(parts if parts is not None else PARTS)
    circuit = nominal.model_copy(update={"temperature": temperature})
    return Conditions(circuit, nominal, network, SolverSettings(), temperature, 1.0)


def figures(measured: Measurement) -> dict[str, Figure]:
    by_key = {figure.key: figure for figure in measured.figures}
    assert len(by_key) == len(measured.figures)
    return by_key


@pytest.mark.parametrize("temperature", [27.0, 85.0])
def test_the_settling_time_is_the_one_that_the_aperture_takes(temperature: float) -> None:
    c = conditions(Network((2, 3, 1), biases=True), temperature)
    found = figures(cell.measure(c))
    settled = measure_settling(c.network, c.circuit, c.solver).time
    assert found["settling_1u"].value == settled
    assert found["aperture"].value == 2 * settled
    assert 0 < found["settling_0p1"].value < found["settling_10u"].value < settled


def test_deviations_are_those_of_an_engine_under_held_noise() -> None:
    c = conditions(Network((3, 2, 2, 1)))
    found = figures(cell.measure(c))
    rng = np.random.default_rng(cell.SEED)
    shapes = [c.network.synapse_shape(k) for k in (1, 2, 3)]
    weights = [rng.normal(0, 1 / math.sqrt(shape[1]), shape) for shape in shapes]
    inputs = rng.uniform(-1, 1, (cell.SAMPLES, 3))
    clock = Clock(1e-3, 20e-6, "aperture")
    engine = NgspiceEngine(c.network, c.circuit, clock, solver=c.solver)
    twin = IdealEngine(c.network, c.circuit)
    for one in (engine, twin):
        one.write(weights)
    passes = open_schedule(c.network, c.circuit, clock, rng).held(inputs)
    spice, ideal = engine.run(passes), twin.run(passes)
    for layer in (1, 2, 3):
        off = spice.outputs[layer - 1] - ideal.outputs[layer - 1]
        rms = float(np.sqrt(np.mean(off**2)))
        assert found[f"deviation_rms_{layer}"].value == pytest.approx(rms, abs=tolerances.SAME_DECK)
        assert found[f"deviation_max_{layer}"].value == pytest.approx(
            np.abs(off).max(), abs=tolerances.SAME_DECK
        )
        assert rms > 10e-3  # the diodes' drop
    assert found["pass_energy"].value == pytest.approx(
        spice.energy.mean(), rel=tolerances.FIVE_DIGITS
    )


def test_ideal_parts_deviate_by_next_to_nothing_and_lack_what_they_lack() -> None:
    parts = {"opamp": {"level": "ideal"}, "activation": {"diode": "ideal"}}
    found = figures(cell.measure(conditions(Network((2, 2, 1)), parts=parts)))
    for layer in (1, 2):
        assert found[f"deviation_max_{layer}"].value < tolerances.IDEAL_PARTS
    for key in ("range_high", "range_low", "supply_current", "pass_energy"):
        assert math.isnan(found[key].value)
        assert found[key].expected is None


def test_supply_current_is_every_op_amps_and_the_range_ends_at_the_rails() -> None:
    c = conditions(Network((2, 2, 1)), parts=PARTS | {"opamp": {"i_quiescent": 150e-6}})
    found = figures(cell.measure(c))
    # Two hidden neurons of three op-amps, an output neuron of two.
    assert found["supply_current"].expected == pytest.approx(8 * 150e-6)
    assert not found["supply_current"].deviates
    energy = (2.8 + 2.3) * 8 * 150e-6 * 1e-3
    assert found["pass_energy"].value > energy
    # 20 mV of headroom, and some 100 µA through 125 Ω; up by a first amplifier at its lower rail.
    for key in ("high", "low"):
        assert 2.28 - 0.1 < abs(found[f"range_{key}"].value) < 2.28 + tolerances.RAIL_CLAMP


@pytest.mark.parametrize("source", ["gaussian", "binomial"])
def test_sources_without_junctions_are_held_at_zero(source: str) -> None:
    c = conditions(Network((2, 2, 1)), parts=PARTS | {"noise": {"source": source}})
    found = figures(cell.measure(c))
    assert found["settling_1u"].value == measure_settling(c.network, c.circuit, c.solver).time
    string = figures(cell.measure(conditions(Network((2, 2, 1)))))
    # The trim resistor makes 1 % more of the offset's noise gain: tens of microvolts.
    assert found["deviation_rms_2"].value == pytest.approx(
        string["deviation_rms_2"].value, abs=200e-6
    )


def test_the_settling_curve_crosses_a_microvolt_where_the_figure_says() -> None:
    measured = cell.measure(conditions(Network((2, 2, 1))))
    settled = figures(measured)["settling_1u"].value
    curve = next(one for one in measured.curves if one.key == "settling")
    worst = np.max([values for name, values in curve.y.items() if "random" not in name], axis=0)
    late = curve.x > settled + np.diff(curve.x)[0]
    assert worst[late].max() < -119.9  # dB of a volt
    assert worst[~late].max() > -60


def test_a_network_that_does_not_settle_says_so() -> None:
    opamp = {"gbw": 100.0, "slew_rate": 100.0}
    found = figures(cell.measure(conditions(Network((1, 1)), parts={"opamp": opamp})))
    for key in ("settling_0p1", "settling_10u", "settling_1u", "aperture"):
        assert math.isnan(found[key].value)
    assert not math.isnan(found["deviation_rms_1"].value)

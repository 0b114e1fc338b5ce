"""All weight devices of a chip: ideal ones exactly, what time and reading do, state, refusals."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import stats

from circuits import CircuitParameters, Network, ResistorPairs, SynapseArray
from circuits.synapse import OPEN
from sim.archive import pack, unpack

Array = NDArray[np.float64]

CHANCE = 1e-4
DEVICES = ("ideal", "e-series", "levels", "digipot", "domain-wall", "rram-weak-reset")
NETWORK = Network((2, 2, 1), biases=True)
WEIGHTS = (np.array([[0.5, -1.2, 0.0], [2.0, 0.1, -0.3]]), np.array([[1.5, -0.7, 0.25]]))
BIG, PLENTY = Network((100, 100)), (np.full((100, 100), 1.5),)


def circuit(synapse: dict[str, Any] | None = None, **write_back: Any) -> CircuitParameters:
    return CircuitParameters.model_validate({"synapse": synapse or {}, "write_back": write_back})


def array_of(
    parameters: CircuitParameters,
    network: Network = NETWORK,
    factors: tuple[tuple[Array, ...], tuple[Array, ...]] | None = None,
    devices: int = 1,
    cycles: int = 2,
) -> SynapseArray:
    plus, minus = factors or (None, None)
    return SynapseArray(
        parameters,
        network,
        plus=plus,
        minus=minus,
        devices=np.random.default_rng(devices),
        cycles=np.random.default_rng(cycles),
    )


def same(one: tuple[ResistorPairs, ...], other: tuple[ResistorPairs, ...]) -> bool:
    return all(
        np.array_equal(a.plus, b.plus)
        and np.array_equal(a.minus, b.minus)
        and a.clipped == b.clipped
        for a, b in zip(one, other, strict=True)
    )


def uncorrelated(one: Array, other: Array) -> bool:
    """Whether the correlation of independent numbers, normal with variance 1/N, may be that far."""
    r = float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
    return abs(r) * np.sqrt(one.size) < stats.norm.isf(CHANCE / 2)


# --- ideal devices -----------------------------------------------------------------------------


@settings(max_examples=25)
@given(
    first=arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6)),
    second=arrays(np.float64, (1, 3), elements=st.floats(-12, 12)),
    r_max=st.sampled_from(["10M", "220k", "inf"]),
)
def test_ideal_devices_are_the_resistors_of_the_program_bit_for_bit(
    first: Array, second: Array, r_max: str
) -> None:
    parameters = circuit({"r_max": r_max})
    array = array_of(parameters)
    array.write((first, second))
    assert same(array.read(), tuple(parameters.synapse.program(w) for w in (first, second)))


def test_factors_of_the_chip_multiply_the_resistors() -> None:
    rng = np.random.default_rng(0)
    plus, minus = (tuple(rng.uniform(0.9, 1.1, w.shape) for w in WEIGHTS) for _ in range(2))
    array = array_of(circuit(), factors=(plus, minus))
    array.write(WEIGHTS)
    for layer, (pairs, weights) in enumerate(zip(array.read(), WEIGHTS, strict=True)):
        ideal = circuit().synapse.program(weights)
        np.testing.assert_array_equal(pairs.plus, ideal.plus * plus[layer])
        np.testing.assert_array_equal(pairs.minus, ideal.minus * minus[layer])


def test_what_is_held_is_w_of_the_pairs() -> None:
    array = array_of(circuit())
    array.write(WEIGHTS)
    for held, weights in zip(array.held(), WEIGHTS, strict=True):
        np.testing.assert_allclose(held, weights, rtol=0, atol=1e-14)


@pytest.mark.parametrize("device", DEVICES)
def test_weights_that_do_not_fit_are_counted_at_each_layer(device: str) -> None:
    array = array_of(circuit(device=device))
    array.write((np.array([[20.0, -20, 1], [1, 0, 9.995]]), WEIGHTS[1]))
    # A rheostat from 10,075 to 110,075 Ω makes 9.02 at most, the others 9.99.
    assert [pairs.clipped for pairs in array.read()] == [3, 0]
    array.write((np.array([[20.0, 1, 1], [1, 0, 9.5]]), WEIGHTS[1]))
    assert [pairs.clipped for pairs in array.read()] == [2 if device == "digipot" else 1, 0]


def test_writes_count_the_devices_that_were_set_anew() -> None:
    array = array_of(circuit())
    array.write(WEIGHTS)
    assert array.writes == 2 * (6 + 3)
    array.write(WEIGHTS)
    assert array.writes == 18
    changed = WEIGHTS[0].copy()
    changed[0] = [0.6, 1.2, 0.0]  # one side, both sides, none
    array.write((changed, WEIGHTS[1]))
    assert array.writes == 18 + 1 + 2


# --- reading -----------------------------------------------------------------------------------


def test_read_noise_has_its_mean_and_spread_and_is_new_each_time() -> None:
    array = array_of(circuit(read_noise=0.1), BIG)
    array.write(PLENTY)
    quiet = circuit().synapse.program(PLENTY[0])
    first, second = (quiet.plus / array.read()[0].plus for _ in range(2))
    width = np.sqrt(np.log(1 + 0.1**2))
    law = stats.lognorm(width, scale=np.exp(-(width**2) / 2))  # mean 1, relative std 0.1
    assert law.mean() == pytest.approx(1)
    assert law.std() == pytest.approx(0.1)
    assert stats.kstest(first.ravel(), law.cdf).pvalue > CHANCE
    assert uncorrelated(first, second)
    np.testing.assert_allclose(array.held()[0], PLENTY[0], rtol=1e-12)
    assert array.writes == 2 * 100 * 100


def test_open_places_have_no_noise_and_no_drift() -> None:
    array = array_of(circuit({"r_max": "inf"}, read_noise=0.3, drift=0.5), BIG)
    array.write(PLENTY)
    array.wait(1e3)
    np.testing.assert_allclose(array.read()[0].minus, OPEN, rtol=1e-9)


@pytest.mark.parametrize("device", DEVICES)
def test_conductances_drift_by_the_power_law(device: str) -> None:
    parameters = circuit(device=device, drift=0.05, drift_time=10.0)
    array = array_of(parameters)
    array.write(WEIGHTS)
    start = array.held()
    for seconds in (990.0, 9000.0):
        array.wait(seconds)
    for held, before in zip(array.held(), start, strict=True):
        np.testing.assert_allclose(held, before * 1000**-0.05, rtol=1e-12, atol=1e-15)


def test_exponents_are_spread_from_device_to_device() -> None:
    array = array_of(circuit(drift=0.05, drift_spread=0.4), BIG)
    array.write(PLENTY)
    before = array.read()[0]
    array.wait(99.0)
    after = array.read()[0]
    found = np.log(after.plus / before.plus) / np.log(100)
    width = np.sqrt(np.log(1 + 0.4**2))
    law = stats.lognorm(width, scale=0.05 * np.exp(-(width**2) / 2))
    assert stats.kstest(found.ravel(), law.cdf).pvalue > CHANCE
    other = np.log(after.minus / before.minus) / np.log(100)
    assert uncorrelated(found, other)


def test_a_write_ends_the_drift_of_what_it_sets_anew() -> None:
    array = array_of(circuit(drift=0.1))
    array.write(WEIGHTS)
    array.wait(99.0)
    changed = WEIGHTS[0].copy()
    changed[0, 0] = 0.9
    array.write((changed, WEIGHTS[1]))
    held = array.held()[0]
    # G− of that pair was not touched: its 0.1 µS (0.01 of weight) stays drifted.
    assert held[0, 0] == pytest.approx(0.9 + 0.01 - 0.01 * 100**-0.1, rel=1e-12)
    assert held[1, 0] == pytest.approx(2.0 * 100**-0.1, rel=1e-12)


# --- streams and state -------------------------------------------------------------------------

SPREAD: dict[str, Any] = {"read_noise": 0.05, "drift": 0.02, "drift_spread": 0.3}


@pytest.mark.parametrize("device", DEVICES)
def test_the_same_streams_make_the_same_resistors(device: str) -> None:
    parameters = circuit(device=device, **SPREAD)
    arrays_ = [array_of(parameters) for _ in range(2)]
    for array in arrays_:
        array.write(WEIGHTS)
        array.wait(1.0)
    assert same(arrays_[0].read(), arrays_[1].read())


def test_devices_and_cycles_are_streams_of_their_own() -> None:
    """A chip has its packages whatever is drawn from write to write, and the other way round."""
    digipot = circuit(device="digipot")
    resistors = {}
    for devices, cycles in ((1, 2), (1, 3), (4, 2)):
        array = array_of(digipot, devices=devices, cycles=cycles)
        array.write(WEIGHTS)
        resistors[devices, cycles] = array.read()
    assert same(resistors[1, 2], resistors[1, 3])
    assert not same(resistors[1, 2], resistors[4, 2])


@pytest.mark.parametrize("device", DEVICES)
def test_it_goes_on_bit_for_bit_where_its_state_was_taken(device: str) -> None:
    parameters = circuit(device=device, **SPREAD)
    rng = np.random.default_rng(9)
    steps = [tuple(rng.uniform(-2, 2, w.shape) for w in WEIGHTS) for _ in range(6)]
    whole = array_of(parameters)
    for weights in steps[:3]:
        whole.write(weights)
        whole.read()
        whole.wait(0.1)
    state = unpack(pack({"synapses": whole.state()}))["synapses"]  # as a checkpoint holds it
    resumed = array_of(parameters, cycles=77)
    resumed.restore(state)
    for weights in steps[3:]:
        for array in (whole, resumed):
            array.write(weights)
            array.wait(0.1)
        assert same(whole.read(), resumed.read())
    assert whole.writes == resumed.writes


def test_a_state_stays_as_it_was_taken() -> None:
    array = array_of(circuit(device="rram-weak-reset"))
    array.write(WEIGHTS)
    state, held = array.state(), array.held()
    array.write(tuple(-w for w in WEIGHTS))
    array.restore(state)
    for now, then in zip(array.held(), held, strict=True):
        np.testing.assert_array_equal(now, then)


# --- refusals ----------------------------------------------------------------------------------


def test_what_is_no_weight_is_refused() -> None:
    array = array_of(circuit(device="levels"))
    with pytest.raises(ValueError, match=r"weights: wanted shape \(2, 3\), got \(1, 3\)"):
        array.write((WEIGHTS[1], WEIGHTS[1]))
    with pytest.raises(ValueError, match="NaN, which no device can be set to"):
        array.write((np.full((2, 3), np.nan), WEIGHTS[1]))
    with pytest.raises(RuntimeError, match="hold nothing yet"):
        array.read()


@pytest.mark.parametrize(
    ("synapse", "write_back", "told"),
    [
        ({}, {"device": "flash"}, "device"),
        ({}, {"domain_wall": {"states": 4}}, "wanted 2, 3 or 5 states, got 4"),
        ({}, {"domain_wall": {"states": True}}, "wanted a whole number"),
        ({}, {"domain_wall": {"position_spread": 1.5}}, "less than or equal to 1"),
        ({}, {"domain_wall": {"margin": -0.1}}, "greater than or equal to 0"),
        ({}, {"digipot": {"taps": 1}}, "greater than or equal to 2"),
        ({}, {"digipot": {"r_ab": "10 V"}}, "wanted a number in Ω"),
        ({}, {"digipot": {"r_fixed": 0, "r_wiper": 0}}, "make 0 Ω at tap 0"),
        ({}, {"digipot": {"tolerance": 1}}, "less than or equal to 0.9"),
        ({}, {"levels": {"count": 1}}, "greater than or equal to 2"),
        ({}, {"levels": {"count": 2.5}}, "valid integer"),
        ({}, {"levels": {"spacing": "square"}}, "spacing"),
        ({}, {"e_series": {"series": "E12"}}, "series"),
        ({}, {"rram": {"rate": 0}}, "greater than 0"),
        ({}, {"rram": {"max_pulses": 0}}, "greater than or equal to 1"),
        ({}, {"read_noise": -0.1}, "greater than or equal to 0"),
        ({}, {"drift_time": 0}, "greater than 0"),
        ({}, {"retention": "inf"}, "finite"),
        ({}, {"wiper": 75}, "Extra inputs"),
        (
            {"r_max": "inf"},
            {"device": "levels", "levels": {"spacing": "log"}},
            "levels.spacing log: wanted a finite synapse.r_max",
        ),
        (
            {"r_min": "10.1k", "r_max": "10.15k"},
            {"device": "e-series"},
            "E96 has no value within synapse.r_min and r_max, 10100 to 10150 Ω; widen them",
        ),
        (
            {"r_max": "150k"},
            {"device": "rram-weak-reset"},
            "rram.r_refresh: wanted between synapse.r_min and r_max, 10000 to 150000 Ω, got 200000",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    synapse: dict[str, Any], write_back: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValidationError, match=told.replace(".", r"\.")):
        circuit(synapse, **write_back)


def test_figures_of_devices_that_are_not_chosen_do_not_matter() -> None:
    circuit({"r_max": "inf"}, device="ideal", levels={"spacing": "log"}, rram={"r_refresh": "1k"})

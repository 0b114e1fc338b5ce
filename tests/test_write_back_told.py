"""What a controller knows of its devices, and that to write just this moves none of them.

Oracles: pencil arithmetic with nominal parts; the property that a learner which asks for nothing
new leaves a chip as it is, whatever its parts are off by.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_devices import circuit

from circuits import CircuitParameters, Network, SynapseArray
from sim import loop
from sim.preparation import Setup
from sim.settings import load_config

DEVICES: dict[str, dict[str, Any]] = {
    "ideal": {"device": "ideal"},
    "E24": {"device": "e-series", "e_series": {"series": "E24"}},
    "E96": {"device": "e-series"},
    "linear": {"device": "levels", "levels": {"count": 7}},
    "log": {"device": "levels", "levels": {"count": 9, "spacing": "log"}},
    "data sheet": {"device": "digipot"},
    "calibrated": {"device": "digipot", "digipot": {"calibrated": True}},
    "walls": {"device": "domain-wall", "domain_wall": {"position_spread": 0.3}},
    "half a state": {"device": "domain-wall", "domain_wall": {"margin": 0.5}},
    "two states": {"device": "domain-wall", "domain_wall": {"states": 3, "margin": 1.5}},
}
"""Devices with errors that stay; those of margins are where a pair is written at both sides."""

RRAM = {"device": "rram-weak-reset"}
NETWORK, SHAPE = Network((20, 15)), (15, 20)
MOST_OF_TAPS = 100e3 * (1 / 10_075 - 1 / 110_075)

R_MAX = st.sampled_from(["10M", "9.7M", "220k", "inf"])


SEEDS = st.integers(0, 9999)


def written(array: SynapseArray, most: float, seed: int) -> SynapseArray:
    """Devices with a past: of weights large and small, within the range and beyond, and of
    whole quarters of the range, where walls of five states are at the ends of their margins.
    """
    rng = np.random.default_rng(seed)
    for _ in range(3):
        even = rng.uniform(-1.2, 1.2, SHAPE)
        kinds = (even, even * 10 ** rng.uniform(-5, 0, SHAPE), rng.integers(-4, 5, SHAPE) / 4)
        array.write([most * np.choose(rng.integers(0, 3, SHAPE), kinds)])
    return array


def array_of(
    write_back: dict[str, Any], r_max: str = "10M", seed: int = 1, shared: float = 1.08
) -> SynapseArray:
    """A chip whose resistors are off together, and each on its own by 5 %."""
    given = {**write_back}
    if given.get("levels", {}).get("spacing") == "log" and r_max == "inf":
        r_max = "10M"  # these need an end to begin at
    parameters: CircuitParameters = circuit(given.pop("device"), synapse={"r_max": r_max}, **given)
    rng = np.random.default_rng(seed)
    plus, minus = (shared * np.exp(0.05 * rng.standard_normal(SHAPE)) for _ in range(2))
    return SynapseArray(
        parameters, NETWORK, plus=(plus,), minus=(minus,), devices=rng.spawn(1)[0], cycles=rng
    )


@pytest.mark.parametrize("device", DEVICES)
@settings(max_examples=20)
@given(r_max=R_MAX, seed=SEEDS)
def test_what_is_told_moves_nothing_however_often_it_is_written(
    device: str, r_max: str, seed: int
) -> None:
    most = 10 - 100e3 / {"10M": 10e6, "9.7M": 9.7e6, "220k": 220e3, "inf": np.inf}[r_max]
    array = written(array_of(DEVICES[device], r_max, seed), most, seed)
    (held,), (told,), count = array.held(), array.told(), array.writes
    for _ in range(50):
        array.write(array.told())
    np.testing.assert_array_equal(array.held()[0], held)
    np.testing.assert_array_equal(array.told()[0], told)
    assert array.writes == count


@settings(max_examples=20)
@given(seed=SEEDS)
def test_rram_told_of_moves_only_where_it_holds_more_than_the_range(seed: int) -> None:
    """A SET may go beyond 1/r_min; such a weight is taken back into the range, and stays there."""
    most = 100e3 * (1 / 10e3 - 1 / 10e6)
    array = written(array_of(RRAM, seed=seed), most, seed)
    (held,) = array.held()
    for _ in range(50):
        array.write(array.told())
    (after,) = array.held()
    fits = np.abs(held) <= most
    assert 0 < fits.sum() < fits.size
    np.testing.assert_array_equal(after[fits], held[fits])
    assert (np.abs(after[~fits]) <= np.abs(held[~fits])).all()
    # Half a mean pulse of G is where a write ends; G of that side is 1.3 times the top at most.
    assert (np.abs(after) <= most + 0.025 * 13).all()


@pytest.mark.parametrize(
    ("device", "asked", "told"),
    [
        # Any weight is what it was asked to be, those beyond the range the largest.
        ("ideal", (0.3, -2.0, 20.0), (0.3, -2.0, 9.99)),
        # 200 kΩ, 51 kΩ, 10 kΩ, each beside 10 MΩ.
        ("E24", (0.5, -2.0, 20.0), (0.49, 0.01 - 100 / 51, 9.99)),
        # A level is 9.99/6.
        ("linear", (1.0, -2.0, 6.0), (9.99 / 6, -9.99 / 6, 4 * 9.99 / 6)),
        # 110,075 Ω at the last tap, 10,075 Ω at the first.
        ("data sheet", (0.0, 20.0, -20.0), (0.0, MOST_OF_TAPS, -MOST_OF_TAPS)),
        # A state is 9.99/4.
        ("walls", (1.0, 2.0, -6.0), (0.0, 9.99 / 4, -9.99 / 2)),
    ],
)  # fmt: skip
def test_what_is_told_are_the_nominal_settings(
    device: str, asked: tuple[float, ...], told: tuple[float, ...]
) -> None:
    """Neither the chip's factors nor packages, walls, drift or reading are in it."""
    array = array_of({**DEVICES[device], "read_noise": 0.2, "drift": 0.1, "drift_spread": 0.5})
    array.write([np.resize(asked, SHAPE)])
    array.wait(10.0)
    array.read()
    np.testing.assert_allclose(array.told()[0], np.resize(told, SHAPE), rtol=1e-12, atol=1e-12)
    assert np.abs(array.held()[0] - array.told()[0]).max() > 0.01


def test_what_was_measured_is_told() -> None:
    for device in (DEVICES["calibrated"], RRAM):
        array = array_of({**device, "read_noise": 0.2})
        array.write([np.linspace(-3, 3, 300).reshape(SHAPE)])
        np.testing.assert_allclose(array.told()[0], array.held()[0], rtol=1e-12)


def test_a_look_at_rram_sees_its_drift() -> None:
    array = array_of({**RRAM, "drift": 0.1})
    array.write([np.full(SHAPE, 2.0)])
    before, count = array.told()[0], array.writes
    array.wait(99.0)
    np.testing.assert_allclose(array.told()[0], before * 100**-0.1, rtol=1e-12)
    array.write(array.told())
    assert array.writes == count


def test_before_a_write_nothing_is_told() -> None:
    with pytest.raises(RuntimeError, match="hold nothing yet"):
        array_of(RRAM).told()


# --- a learner ---------------------------------------------------------------------------------


def still(device: str) -> Setup:
    """A learner without an accumulator, on a chip with mismatch, that updates by nothing."""
    circuit_ = {
        "write_back.device": DEVICES[device]["device"],
        "write_back.accumulator": False,
        "mismatch.chip": 3,
        "mismatch.resistor_tracking": 0.05,
        "mismatch.resistor_tolerance": 0.1,
    }
    config = {
        **{f"circuit.{path}": value for path, value in circuit_.items()},
        "simulation.fidelity": "op",
        "simulation.erc": False,
        "task.layers": "2,2,1",
        "task.samples": 50,
        "task.epochs": 1,
        "learning.biases": True,
        "learning.eta": 1e-200,
        "learning.decor_rate": 0.0,
    }
    return loop.set_up(load_config(None, None, config))


@pytest.mark.parametrize("device", ["ideal", "E96", "data sheet", "walls"])
def test_a_learner_that_updates_by_nothing_leaves_its_chip_as_it_was(device: str) -> None:
    """Where it went on from what is held, 50 writes would raise each factor to the power of 51."""
    setup = still(device)
    first = setup.synapse_array(0)
    first.write(loop.effective_weights(setup.start, setup))
    training = loop.begin(setup, loop.make_engines(setup))
    loop.train(training)
    learner = training.learners["in_loop"]
    assert learner.synapses is not None
    for after, before in zip(learner.synapses.held(), first.held(), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-12, atol=1e-13)  # rounding of ideal ones
    for model, told in zip(loop.effective_weights(learner.model, setup), first.told(), strict=True):
        np.testing.assert_allclose(model, told, rtol=1e-12, atol=1e-13)

"""The deviation during training: the circuit against mathematics, on the passes that it learns by.

Oracles: the closed form of an op-amp's offset, `sim.compare` over the very same passes, and what is
known of ideal parts.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import loop
from sim.archive import pack, unpack
from sim.compare import compare
from sim.preparation import Setup
from sim.settings import load_config
from sim.training import Training
from sim.workers import WorkerEngine

STILL = {"learning.eta": 1e-200, "learning.decor_rate": 0.0}
"""No weight feels a step of that length."""

R_F, R_MAX = 100e3, 10e6

IDEAL_PARTS = 0.5e-6
"""V; 0.2 µV is what gains of 1e9 and diodes of 1 mΩ leave on most networks."""

FINITE_GAIN = 1e-3
"""Of the offset's 80 mV: a gain of 115 dB takes some 20 µV off every output."""


def set_up(given: Mapping[str, Any], preset: str | None = None) -> Setup:
    settings = {"simulation.fidelity": "op", "simulation.erc": False, "task.epochs": 2}
    return loop.set_up(load_config(None, preset, {**settings, **given}))


def begin(setup: Setup, jobs: int = 0) -> Training:
    return loop.begin(setup, loop.make_engines(setup, jobs=jobs))


def test_ideal_parts_hardly_deviate_while_they_learn() -> None:
    training = begin(set_up({"task.samples": 20}, "ideal-parts"))
    assert loop.train(training)
    for epoch in training.epochs:
        assert 0 < epoch.deviation < IDEAL_PARTS


def test_an_offset_deviates_as_its_closed_form_says() -> None:
    """`V_os (1 + R_f ΣG−)` at the one output that has it (docs/circuit.md), none at the other."""
    offset = 5e-3
    exceptions = {"circuit.exceptions": {"n1_2_b": {"v_offset": offset}}}
    setup = set_up({"task.layers": "3,2", "task.samples": 5, **STILL, **exceptions})
    training = begin(setup)
    loop.train(training)
    row = loop.effective_weights(setup.start, setup)[0][1]
    conductance = np.sum(1 / R_MAX + np.maximum(-row, 0) / R_F) + 1 / R_F
    wanted = offset * (1 + R_F * conductance) / math.sqrt(2)  # rms over two outputs
    for epoch in training.epochs:
        assert epoch.deviation == pytest.approx(wanted, rel=FINITE_GAIN)


def test_without_learning_it_is_what_a_comparison_of_the_same_passes_gives() -> None:
    sizes = {"task.samples": 12, "task.batch": 12, "task.epochs": 1}
    setup = set_up({"task.layers": "2,3,1", "simulation.fidelity": "aperture", **sizes, **STILL})
    training = begin(setup)
    loop.train(training)
    order = setup.order().permutation(12)
    # The noise of training on the samples of training, in their order.
    task = replace(setup.task, test_inputs=setup.task.train_inputs[order])
    same = replace(setup, task=task, keys=(setup.keys[0],) * 3)
    compared = compare(same, training.learners["in_loop"].engine, setup.start)
    rms = [layer for layer, _ in compared.rms_and_max()]
    wanted = math.sqrt((3 * rms[0] ** 2 + rms[1] ** 2) / 4)
    assert wanted > 0.01
    assert training.epochs[0].deviation == pytest.approx(wanted, rel=1e-12)


def test_it_goes_on_bit_for_bit_in_workers_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup = set_up({"task.layers": "2,2,1", "task.samples": 7, "task.batch": 2, "task.epochs": 3})
    whole = begin(setup)
    loop.train(whole)
    found = [epoch.deviation for epoch in whole.epochs]
    assert len({*found}) == 3
    assert min(found) > 0
    stopped = begin(setup)
    loop.train(stopped, stop=lambda: stopped.seen == 11)
    assert stopped.underway
    state = unpack(pack(stopped.state()))
    resumed = begin(setup, jobs=2)
    workers = resumed.learners["in_loop"].engine
    assert isinstance(workers, WorkerEngine)
    with workers:
        resumed.restore(state)
        assert resumed.underway
        assert resumed.underway.deviation == stopped.underway.deviation
        loop.train(resumed)
    assert [epoch.deviation for epoch in resumed.epochs] == found
    monkeypatch.setattr(loop, "_by_mathematics", lambda *_: None)
    without = begin(setup)
    loop.train(without)
    assert all(math.isnan(epoch.deviation) for epoch in without.epochs)
    for one, other in zip(without.epochs, whole.epochs, strict=True):
        for name, losses in one.losses.items():
            assert losses.tobytes() == other.losses[name].tobytes()
    for name, learner in without.learners.items():
        for one, other in zip(
            learner.model.weights, whole.learners[name].model.weights, strict=True
        ):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("given", [{"simulation.engine": "ideal"}, {"learning.rule": "bp"}])
def test_there_is_none_where_no_circuit_learns(given: dict[str, Any]) -> None:
    training = begin(set_up({"task.samples": 3, **given}))
    loop.train(training)
    assert all(math.isnan(epoch.deviation) for epoch in training.epochs)

"""The noise of a pass depends on the seed and the pass alone, and the states are the path's."""

import numpy as np
import pytest
from conftest import assert_same

from circuits import CircuitParameters, Network, NoiseParameters, SmtjParameters
from sim.clock import Clock, Fidelity
from sim.passes import join_passes, pass_stimulus
from sim.schedule import NoiseSchedule, open_schedule

NETWORK = Network((2, 3, 2))
CIRCUIT = CircuitParameters(
    noise=NoiseParameters(n_mtj=2), smtj=SmtjParameters(barrier_p=0.27, barrier_ap=0.28)
)
INPUTS = np.random.default_rng(0).uniform(-1, 1, (12, 2))


def schedule(fidelity: Fidelity, *, silent: bool = False) -> NoiseSchedule:
    clock = Clock(200e-6, 30e-6, fidelity)
    return open_schedule(NETWORK, CIRCUIT, clock, np.random.default_rng(4), silent=silent)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_noise_is_the_same_in_any_batch_size(size: int) -> None:
    split = schedule("aperture")
    parts = [split.draw(INPUTS[k : k + size]) for k in range(0, len(INPUTS), size)]
    assert_same(join_passes(parts), schedule("aperture").draw(INPUTS), within=1.0)


def test_noise_is_the_same_in_every_fidelity() -> None:
    full, aperture, op = (schedule(f).draw(INPUTS) for f in ("full", "aperture", "op"))
    assert_same(full, aperture, within=30e-6)
    assert_same(full, op, within=0.0)
    assert full.count_jumps() > aperture.count_jumps() > op.count_jumps() == 0


def test_looking_at_held_passes_in_between_does_not_advance_the_clock() -> None:
    looked = schedule("aperture")
    first = looked.draw(INPUTS[:6])
    looked.held(INPUTS)
    assert_same(
        join_passes([first, looked.draw(INPUTS[6:])]), schedule("aperture").draw(INPUTS), within=1.0
    )


def test_noise_is_the_level_of_the_string_in_its_states() -> None:
    passes = schedule("full").draw(INPUTS)
    levels = CIRCUIT.noise_string().node_levels
    states = passes.controls.reshape(len(passes), NETWORK.neurons, 2)
    np.testing.assert_array_equal(passes.noise, levels[states.sum(axis=2).astype(int)])
    assert len(np.unique(passes.noise)) == 3
    np.testing.assert_array_equal(passes.inputs, np.repeat(INPUTS, 2, axis=0))


def test_flips_lead_from_the_state_before_to_the_state_at_the_sample() -> None:
    passes = schedule("full").draw(INPUTS)
    for p in range(1, len(passes)):
        stimulus = pass_stimulus(passes, p, 200e-6)
        np.testing.assert_array_equal(stimulus.controls, passes.controls[p - 1])


def test_clean_and_silent_passes_are_held_at_the_mean() -> None:
    clean = schedule("full").draw(INPUTS, clean_first=True)
    noisy = schedule("full").draw(INPUTS)
    held = CIRCUIT.noise_string().held_state
    assert (clean.controls[::2] == held).all()
    assert (clean.noise[::2] == 0).all()
    assert not any(len(j.ages) for jumps in clean.jumps[::2] for j in jumps)
    np.testing.assert_array_equal(clean.controls[1::2], noisy.controls[1::2])
    silent = schedule("full", silent=True).draw(INPUTS)
    assert (silent.controls == held).all()
    assert (silent.noise == 0).all()
    assert silent.count_jumps() == 0

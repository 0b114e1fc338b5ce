"""Domain walls by closed forms and statistics."""

import numpy as np
import pytest
from made_devices import CHANCE, EXACT, MANY, Array, circuit, law_of, row, write
from scipy import stats

from circuits import SynapseParameters
from circuits.write_back.law import MINUS, PLUS, Held, Written

LOW, HIGH = 1e-7, 1e-4
"""Conductances at the track's ends, S: 10 MΩ and 10 kΩ."""


def positions(written: Written) -> Array:
    return (1 / written.resistance - LOW) / (HIGH - LOW)


@pytest.mark.parametrize("states", [2, 3, 5])
def test_walls_without_spread_stop_at_even_places(states: int) -> None:
    parameters = circuit("domain-wall", domain_wall={"states": states, "position_spread": 0})
    ramp = np.linspace(0, SynapseParameters().largest_weight, 501)[None, :]
    found = np.unique(positions(write(law_of(parameters, ramp.shape), ramp))[PLUS].round(9))
    np.testing.assert_allclose(found, np.arange(states) / (states - 1), rtol=0, atol=1e-9)


def test_walls_stop_normally_spread_around_their_places() -> None:
    parameters = circuit("domain-wall", domain_wall={"position_spread": 0.05})
    middle = SynapseParameters().largest_weight / 2
    written = write(law_of(parameters, MANY), np.full(MANY, middle))
    # The ends are 10 standard deviations away, so that nothing is clipped.
    found = positions(written)[PLUS].ravel()
    assert stats.kstest(found, stats.norm(0.5, 0.05).cdf).pvalue > CHANCE
    # At the end, half of the walls are stopped by it, the rest are half a normal number inside.
    off = positions(written)[MINUS].ravel()
    at_end = off < 1e-9
    assert stats.binomtest(int(at_end.sum()), at_end.size, 0.5).pvalue > CHANCE
    assert stats.kstest(off[~at_end], stats.halfnorm(0, 0.05).cdf).pvalue > CHANCE


def test_walls_stay_on_the_track() -> None:
    parameters = circuit("domain-wall", domain_wall={"position_spread": 1.0})
    found = positions(write(law_of(parameters, MANY), np.full(MANY, 5.0)))
    assert found.min() >= -EXACT
    assert found.max() <= 1 + EXACT


@pytest.mark.parametrize(("margin", "moves_at"), [(0.0, 0.5), (0.25, 0.75), (1.0, 1.5)])
def test_a_wall_is_moved_past_half_a_state_and_the_margin(margin: float, moves_at: float) -> None:
    parameters = circuit("domain-wall", domain_wall={"margin": margin, "position_spread": 0.2})
    law = law_of(parameters, (1, 2))
    step = SynapseParameters().largest_weight / 4
    before = write(law, row(2 * step, 2 * step))
    held = Held(before.setting, before.resistance)
    after = write(law, row((2 + 0.99 * moves_at) * step, (2 + 1.01 * moves_at) * step), held)
    np.testing.assert_array_equal(after.pulses, [[[0, 1]], [[0, 0]]])
    np.testing.assert_array_equal(after.setting[PLUS, 0], [2, np.rint(2 + 1.01 * moves_at)])


def test_a_rewritten_wall_stops_elsewhere() -> None:
    law = law_of(circuit("domain-wall", domain_wall={"states": 3}), (1, 1))
    middle = SynapseParameters().largest_weight / 2
    found = {float(write(law, row(middle), seed=s).resistance[PLUS, 0, 0]) for s in range(5)}
    assert len(found) == 5

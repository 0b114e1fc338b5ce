import numpy as np
import pytest
import tolerances
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from circuits import SynapseParameters
from circuits.synapse import OPEN

SYNAPSES = [
    SynapseParameters(),
    SynapseParameters(r_max=float("inf")),
    SynapseParameters(r_feedback=47e3, r_min=4.7e3, r_max=220e3),
]


@pytest.mark.parametrize("synapse", SYNAPSES)
@given(share=arrays(np.float64, (3, 2), elements=st.floats(-1, 1)))
def test_weights_within_range_survive_the_resistors(
    synapse: SynapseParameters, share: np.ndarray
) -> None:
    weights = share * synapse.largest_weight
    pairs = synapse.program(weights)
    assert pairs.clipped == 0
    np.testing.assert_allclose(
        synapse.weights(pairs), weights, rtol=0, atol=tolerances.WEIGHT * synapse.largest_weight
    )


@pytest.mark.parametrize("synapse", SYNAPSES)
@given(weights=arrays(np.float64, (2, 3), elements=st.floats(allow_nan=False)))
def test_resistors_stay_within_their_range_and_one_of_each_pair_is_the_largest(
    synapse: SynapseParameters, weights: np.ndarray
) -> None:
    pairs = synapse.program(weights)
    low = synapse.r_min * (1 - tolerances.ROUNDING)
    high = min(synapse.r_max, OPEN) * (1 + tolerances.ROUNDING)
    for r in (pairs.plus, pairs.minus):
        assert ((r >= low) & (r <= high)).all()
    np.testing.assert_allclose(
        np.maximum(pairs.plus, pairs.minus), min(synapse.r_max, OPEN), rtol=tolerances.ROUNDING
    )
    made = synapse.weights(pairs)
    assert (made * np.sign(weights) >= 0).all()
    over = np.abs(weights) / synapse.largest_weight
    assert np.count_nonzero(over > 1 + tolerances.WEIGHT) <= pairs.clipped
    assert pairs.clipped <= np.count_nonzero(over > 1)


def test_clipping_is_counted_at_both_ends_and_gives_the_largest_weight() -> None:
    synapse = SynapseParameters()
    top = synapse.largest_weight
    pairs = synapse.program(np.array([[top, -top, 1.01 * top], [-1.01 * top, 50.0, 0.0]]))
    assert pairs.clipped == 3
    np.testing.assert_allclose(
        synapse.weights(pairs),
        [[top, -top, top], [-top, top, 0.0]],
        rtol=tolerances.WEIGHT,
    )


def test_pair_by_hand() -> None:
    # w = -0.5 with R_f = 100 kΩ: G- = 1/10 MΩ + 0.5/100 kΩ = 5.1 µS, G+ = 0.1 µS.
    pairs = SynapseParameters().program(np.array([-0.5]))
    np.testing.assert_allclose(pairs.plus, [10e6], rtol=tolerances.ROUNDING)
    np.testing.assert_allclose(pairs.minus, [1 / 5.1e-6], rtol=tolerances.ROUNDING)


def test_an_empty_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="r_min must be below r_max"):
        SynapseParameters(r_min=1e6, r_max=1e6)

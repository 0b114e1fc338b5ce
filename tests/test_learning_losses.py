import numpy as np
import pytest
from scipy.special import log_softmax

from learning import LOSSES, Array

RNG_SEED = 11


def draw(loss_name: str) -> tuple[Array, Array]:
    """Return predictions and targets of shape (6, 3)."""
    rng = np.random.default_rng(RNG_SEED)
    target = rng.normal(size=(6, 3))
    if loss_name == "cross-entropy":
        target = np.eye(3)[rng.integers(0, 3, 6)]
    return rng.normal(size=(6, 3)), target


def test_squared_error_by_hand() -> None:
    # (1 - 0.5)² + (-1 - 1)² = 0.25 + 4
    got = LOSSES["squared-error"].value(np.array([[0.5, 1.0]]), np.array([[1.0, -1.0]]))
    np.testing.assert_allclose(got, [4.25], rtol=1e-15)


def test_cross_entropy_equals_scipy() -> None:
    prediction, target = draw("cross-entropy")
    got = LOSSES["cross-entropy"].value(prediction, target)
    np.testing.assert_allclose(got, -np.sum(target * log_softmax(prediction, axis=1), axis=1))


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_equals_finite_differences(name: str) -> None:
    prediction, target = draw(name)
    loss, step = LOSSES[name], 1e-5
    got = loss.gradient(prediction, target)
    for j in range(3):
        shift = np.zeros(3)
        shift[j] = step
        high, low = (loss.value(prediction + s, target) for s in (shift, -shift))
        # Central differences: error step² of the third derivative, plus 1e-16/step of rounding.
        np.testing.assert_allclose(got[:, j], (high - low) / (2 * step), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_one_value_a_sample(name: str) -> None:
    prediction, target = draw(name)
    whole = LOSSES[name].value(prediction, target)
    assert whole.shape == (6,)
    np.testing.assert_array_equal(LOSSES[name].value(prediction[2:3], target[2:3]), whole[2:3])


def test_cross_entropy_of_huge_logits_is_finite() -> None:
    prediction, target = np.array([[1000.0, 0.0, -1000.0]]), np.array([[0.0, 1.0, 0.0]])
    loss = LOSSES["cross-entropy"]
    np.testing.assert_allclose(loss.value(prediction, target), [1000.0])
    np.testing.assert_allclose(loss.gradient(prediction, target), [[1.0, -1.0, 0.0]])

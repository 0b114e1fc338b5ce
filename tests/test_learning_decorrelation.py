import numpy as np
import pytest

from learning import decorrelation_update


@pytest.mark.parametrize(("batch", "width"), [(1, 2), (5, 4), (4, 20)])
def test_cheap_form_equals_the_printed_one(batch: int, width: int) -> None:
    rng = np.random.default_rng(batch)
    decor = np.eye(width) + rng.normal(0, 0.3, (width, width))
    x = rng.normal(size=(batch, width))
    correlation = np.mean([np.outer(row, row) for row in x], axis=0)
    printed = (correlation - np.diag(np.diag(correlation))) @ decor
    # Same sums in another order, of numbers near 1.
    np.testing.assert_allclose(decorrelation_update(decor, x), printed, rtol=0, atol=1e-12)


def test_uncorrelated_inputs_are_left_alone() -> None:
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    decor = np.array([[1.0, 0.3], [-0.2, 0.9]])
    np.testing.assert_allclose(decorrelation_update(decor, x), 0.0, atol=1e-15)


def test_iterating_it_decorrelates() -> None:
    rng = np.random.default_rng(2)
    mix = np.array([[1.0, 0.8, 0.3], [0.0, 0.7, -0.5], [0.0, 0.0, 0.6]])
    x = rng.normal(size=(200, 3)) @ mix
    decor = np.eye(3)

    def off_diagonal() -> float:
        xbar = x @ decor.T
        c = xbar.T @ xbar / len(x)
        return float(np.max(np.abs(c - np.diag(np.diag(c)))))

    before = off_diagonal()
    for _ in range(500):
        decor = decor - 0.05 * decorrelation_update(decor, x @ decor.T)
    assert before > 0.5
    # Linear convergence at about 1 - 0.05 * (smallest power, 0.3) a step, so e^-7 and below.
    assert off_diagonal() < 1e-3 * before
    assert np.min(np.diag(decor)) > 0.1  # not by shrinking the inputs away

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learning import (
    Activation,
    ActivityPerturbation,
    Array,
    Evidence,
    Model,
    SquaredError,
    Update,
    forward,
    init_model,
)

LOSS = SquaredError()


def asymmetric_model(seed: int = 3) -> Model:
    """Return a 3-4-2 network whose every matrix is its own, so that a transpose shows."""
    rng = np.random.default_rng(seed)
    start = init_model((3, 4, 2), rng)
    return Model(
        weights=start.weights,
        biases=tuple(rng.normal(0, 0.3, b.shape) for b in start.biases),
        decor=tuple(d + rng.normal(0, 0.2, d.shape) for d in start.decor),
    )


def two_level(model: Model, batch: int, rng: np.random.Generator) -> tuple[Array, ...]:
    levels = np.array([-5.8e-3, 5.8e-3])
    return tuple(levels[rng.integers(0, 2, (batch, n))] for n in model.layers[1:])


def observe(
    model: Model,
    inputs: Array,
    target: Array,
    noise: tuple[tuple[Array, ...], tuple[Array, ...]],
) -> Evidence:
    first, second = (forward(model, inputs, n, Activation()) for n in noise)
    return Evidence(
        first, second, LOSS.value(first.prediction, target), LOSS.value(second.prediction, target)
    )


def draw(seed: int, batch: int, *, frozen: tuple[int, ...] = ()) -> tuple[Model, Evidence]:
    """Return a random case; the samples in `frozen` see the same noise twice."""
    model, rng = asymmetric_model(), np.random.default_rng(seed)
    inputs, target = rng.uniform(-1, 1, (batch, 3)), rng.uniform(-1, 1, (batch, 2))
    one, two = (two_level(model, batch, rng) for _ in range(2))
    for a, b in zip(one, two, strict=True):
        b[:, 0] = -a[:, 0]  # every other sample sees a difference
        b[list(frozen)] = a[list(frozen)]
    return model, observe(model, inputs, target, (one, two))


def by_loops(model: Model, evidence: Evidence) -> Update:
    """Return the mean update, sample by sample and unit by unit as the equations are printed."""
    batch = len(evidence.loss_first)
    weights = [np.zeros_like(w) for w in model.weights]
    biases = [np.zeros_like(b) for b in model.biases]
    correlation = [np.zeros_like(d) for d in model.decor]
    skipped = 0
    for n in range(batch):
        xbar = [
            [sum(row[j] * x[n][j] for j in range(len(row))) for row in d]
            for d, x in zip(model.decor, evidence.first.layer_inputs(), strict=True)
        ]
        for c, x in zip(correlation, xbar, strict=True):
            for i, j in permutations(range(len(x)), 2):
                c[i, j] += x[i] * x[j] / batch
        shift = [
            [float(p - q) for p, q in zip(a[n], b[n], strict=True)]
            for a, b in zip(evidence.first.pre, evidence.second.pre, strict=True)
        ]
        norm = sum(s**2 for layer in shift for s in layer)
        if norm == 0:
            skipped += 1
            continue
        change = evidence.loss_first[n] - evidence.loss_second[n]
        for layer, unit in ((k, u) for k in range(len(shift)) for u in range(len(shift[k]))):
            signal = model.units * change * shift[layer][unit] / norm / batch
            biases[layer][unit] += signal
            for j, value in enumerate(xbar[layer]):
                weights[layer][unit, j] += signal * value
    decor = tuple(c @ d for c, d in zip(correlation, model.decor, strict=True))
    return Update(tuple(weights), tuple(biases), decor, skipped)


def assert_same(one: Update, two: Update, tolerance: float) -> None:
    for kind in ("weights", "biases", "decor"):
        for a, b in zip(getattr(one, kind), getattr(two, kind), strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    assert one.skipped == two.skipped


def test_hand_computed_two_inputs_one_output() -> None:
    decor = np.array([[1.0, 0.5], [0.0, 1.0]])
    model = Model((np.array([[0.5, -0.25]]),), (np.zeros(1),), (decor,))
    noise = ((np.array([[0.01]]),), (np.array([[-0.02]]),))
    evidence = observe(model, np.array([[0.8, -0.4]]), np.array([[1.0]]), noise)
    # x̄ = (0.8 - 0.5*0.4, -0.4) = (0.6, -0.4);  W x̄ = 0.3 + 0.1 = 0.4
    # a(1) = 0.41, a(2) = 0.38, δa = 0.03, ‖δa‖² = 0.0009
    # L(1) = 0.59² = 0.3481, L(2) = 0.62² = 0.3844, δL = -0.0363
    # N = 1:  N δL δa/‖δa‖² = -0.0363/0.03 = -1.21
    # ΔW = -1.21 (0.6, -0.4) = (-0.726, 0.484),  Δb = -1.21
    # C - diag C = ((0, -0.24), (-0.24, 0));  times decor: ((0, -0.24), (-0.24, -0.12))
    got = ActivityPerturbation(biases=True).update(model, evidence)
    np.testing.assert_allclose(got.weights[0], [[-0.726, 0.484]], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.biases[0], [-1.21], rtol=0, atol=1e-12)
    np.testing.assert_allclose(got.decor[0], [[0, -0.24], [-0.24, -0.12]], rtol=0, atol=1e-12)
    assert got.skipped == 0


@pytest.mark.parametrize("frozen", [(), (1,), (0, 3)])
def test_asymmetric_network_equals_explicit_loops(frozen: tuple[int, ...]) -> None:
    model, evidence = draw(1, 5, frozen=frozen)
    got = ActivityPerturbation(biases=True).update(model, evidence)
    assert got.skipped == len(frozen)
    # Same sums in another order, amplified by nothing: δa is taken from the same arrays.
    assert_same(got, by_loops(model, evidence), 1e-12)


def test_same_noise_twice_is_skipped_and_still_decorrelates() -> None:
    model, evidence = draw(1, 2, frozen=(0, 1))
    got = ActivityPerturbation(biases=True).update(model, evidence)
    assert got.skipped == 2
    assert not any(np.any(w) for w in (*got.weights, *got.biases))
    assert np.any(got.decor[0])


def test_a_skipped_sample_dilutes_the_mean_and_not_the_sum() -> None:
    model, whole = draw(1, 4, frozen=(3,))
    first, second = (
        type(p)(p.inputs[:3], tuple(a[:3] for a in p.pre), tuple(x[:3] for x in p.outputs))
        for p in (whole.first, whole.second)
    )
    part = Evidence(first, second, whole.loss_first[:3], whole.loss_second[:3])
    for reduction, share in (("mean", 3 / 4), ("sum", 1.0)):
        rule = ActivityPerturbation(reduction)  # pyright: ignore[reportArgumentType]
        a, b = rule.update(model, whole), rule.update(model, part)
        for x, y in zip(a.weights, b.weights, strict=True):
            np.testing.assert_allclose(x, share * y, rtol=1e-12, atol=1e-14)


def test_sum_is_batch_times_mean() -> None:
    model, evidence = draw(4, 6)
    mean = ActivityPerturbation("mean", biases=True).update(model, evidence)
    total = ActivityPerturbation("sum", biases=True).update(model, evidence)
    for a, b in zip((*mean.weights, *mean.biases), (*total.weights, *total.biases), strict=True):
        np.testing.assert_allclose(6 * a, b, rtol=1e-13)
    for a, b in zip(mean.decor, total.decor, strict=True):
        np.testing.assert_array_equal(a, b)


def test_anp_is_danp_without_decor() -> None:
    model, evidence = draw(4, 6)
    danp = ActivityPerturbation(biases=True).update(model, evidence)
    anp = ActivityPerturbation(decorrelate=False, biases=True).update(model, evidence)
    still = tuple(np.zeros_like(d) for d in model.decor)
    assert_same(anp, Update(danp.weights, danp.biases, still), 0.0)


def test_biases_off_leaves_them_at_zero() -> None:
    model, evidence = draw(4, 6)
    got = ActivityPerturbation(biases=False).update(model, evidence)
    assert [b.shape for b in got.biases] == [(4,), (2,)]
    assert not any(np.any(b) for b in got.biases)


def test_demeaned_update_is_a_step_of_the_demeaned_network() -> None:
    model, evidence = draw(5, 8)
    plain = ActivityPerturbation(biases=True).update(model, evidence)
    got = ActivityPerturbation(biases=True, demean_inputs=True).update(model, evidence)
    for i, x in enumerate(evidence.first.layer_inputs()):
        xbar = model.decorrelated(i, x)
        mean = xbar.mean(axis=0)
        # ⟨u (x̄ - m)ᵀ⟩ = ⟨u x̄ᵀ⟩ - ⟨u⟩ mᵀ
        weight = plain.weights[i] - np.outer(plain.biases[i], mean)
        np.testing.assert_allclose(got.weights[i], weight, rtol=0, atol=1e-12)
        # W (x̄ - m) + (b + W m) is the same network, whose own bias moves by ⟨u⟩.
        np.testing.assert_allclose(
            got.biases[i] + got.weights[i] @ mean, plain.biases[i], rtol=0, atol=1e-12
        )
        c = np.cov(xbar.T, bias=True)
        decor = (c - np.diag(np.diag(c))) @ model.decor[i]
        np.testing.assert_allclose(got.decor[i], decor, rtol=0, atol=1e-12)


def test_demeaning_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match=r"rule danp: demean_inputs needs biases .* try biases=T"):
        ActivityPerturbation(demean_inputs=True)
    model, evidence = draw(5, 1)
    with pytest.raises(ValueError, match="got 1 sample; try a batch of 2 or more"):
        ActivityPerturbation(biases=True, demean_inputs=True).update(model, evidence)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), batch=st.integers(1, 6), data=st.data())
def test_any_batch_gives_finite_updates_that_ignore_the_order(
    seed: int, batch: int, data: st.DataObject
) -> None:
    frozen = tuple(data.draw(st.sets(st.integers(0, batch - 1))))
    model, evidence = draw(seed, batch, frozen=frozen)
    rule = ActivityPerturbation(biases=True)
    got = rule.update(model, evidence)
    assert got.skipped == len(frozen)
    for kind in ("weights", "biases", "decor"):
        for a, b in zip(getattr(got, kind), getattr(model, kind), strict=True):
            assert a.shape == b.shape
            assert np.all(np.isfinite(a))
    order = data.draw(st.permutations(range(batch)))
    first, second = (
        type(p)(p.inputs[order], tuple(a[order] for a in p.pre), tuple(x[order] for x in p.outputs))
        for p in (evidence.first, evidence.second)
    )
    shuffled = Evidence(first, second, evidence.loss_first[order], evidence.loss_second[order])
    assert_same(rule.update(model, shuffled), got, 1e-11)  # the sum's order, nothing else

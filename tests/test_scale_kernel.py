"""The rules on tensors against the same rules on arrays, and against arithmetic by hand."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from learning import (
    LOSSES,
    OPTIMIZERS,
    Activation,
    Array,
    Evidence,
    Model,
    Update,
    apply_update,
    forward,
    init_model,
    make_optimizer,
    make_rule,
)
from learning.scale import Forward, TensorNetwork, init_network, make_learner, score

LAYERS = (5, 7, 6, 3)
LEAK = 0.01
# The promise is agreement with the arrays' kernel to 1e-6 of the largest entry. In doubles it is
# met a thousandfold: both have the same operations in another order, so there are a few ulps of
# sums of some dozen terms of order 1, times 1/‖δa‖² of order 1e4.
DOUBLES = 1e-9
# In single precision, which trainings have, it cannot be held to: a number carries 6e-8, and δL, a
# difference of two losses of order 1 that are 1e-2 apart, loses two digits of that; so does δa.
SINGLES = 1e-4


class Given:
    """Noise that a test has drawn."""

    def __init__(self, pairs: list[Array], dtype: torch.dtype = torch.float64) -> None:
        self._pairs = [torch.tensor(p, dtype=dtype) for p in pairs]
        self.sigma = 5.8e-3

    def pair(self, layer: int, batch: int) -> Tensor:
        return self._pairs[layer - 1][:, :batch].clone()

    def single(self, layer: int, batch: int) -> Tensor:
        return self._pairs[layer - 1][0, :batch].clone()

    def state(self) -> dict[str, Tensor]:
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        raise NotImplementedError


def a_model(rng: np.random.Generator) -> Model:
    """A network whose every matrix is its own, so that a transpose shows."""
    start = init_model(LAYERS, rng)
    return Model(
        start.weights,
        tuple(rng.normal(0, 0.3, b.shape) for b in start.biases),
        tuple(d + rng.normal(0, 0.2, d.shape) for d in start.decor),
    )


def two_levels(rng: np.random.Generator, batch: int) -> list[Array]:
    return [5.8e-3 * rng.choice([-1.0, 1.0], (2, batch, n)) for n in LAYERS[1:]]


def evidence(
    model: Model, rule: str, inputs: Array, targets: Array, noise: list[Array], *, loss: str
) -> Evidence:
    kept = [n * (0 if rule == "np" else 1) for n in (pair[0] for pair in noise)]
    first = forward(model, inputs, tuple(kept), Activation(1.0, LEAK))
    second = forward(model, inputs, tuple(pair[1] for pair in noise), Activation(1.0, LEAK))
    value = LOSSES[loss].value
    injected = tuple(pair[1] for pair in noise)
    return Evidence(
        first,
        second,
        value(first.prediction, targets),
        value(second.prediction, targets),
        injected,
        targets,
    )


def a_case(seed: int, batch: int = 9) -> tuple[Model, Array, Array, list[Array]]:
    rng = np.random.default_rng(seed)
    model = a_model(rng)
    targets = np.eye(LAYERS[-1])[rng.integers(0, LAYERS[-1], batch)]
    return model, rng.uniform(-1, 1, (batch, LAYERS[0])), targets, two_levels(rng, batch)


def moved(model: Model, network: TensorNetwork) -> Update:
    """By how much a network has moved from a model: Update of rates of 1."""
    after = network.to_model()
    return Update(
        tuple(a - b for a, b in zip(model.weights, after.weights, strict=True)),
        tuple(a - b for a, b in zip(model.biases, after.biases, strict=True)),
        tuple(a - b for a, b in zip(model.decor, after.decor, strict=True)),
    )


def apart(one: Update, other: Update) -> float:
    """Largest difference of two updates, by kind and layer over the largest entry, or 1e-3."""
    worst = 0.0
    for kind in ("weights", "biases", "decor"):
        for a, b in zip(getattr(one, kind), getattr(other, kind), strict=True):
            worst = max(worst, np.abs(a - b).max() / max(np.abs(b).max(), 1e-3))
    return float(worst)


CASES: list[dict[str, Any]] = [
    {"rule": "danp"},
    {"rule": "danp", "reduction": "sum"},
    {"rule": "danp", "biases": False},
    {"rule": "danp", "demean": "batch"},
    {"rule": "danp", "loss": "cross-entropy-5"},
    {"rule": "danp", "loss": "squared-error"},
    {"rule": "anp"},
    {"rule": "anp", "demean": "batch", "reduction": "sum"},
    {"rule": "np"},
    {"rule": "np", "reduction": "sum", "loss": "squared-error"},
    {"rule": "bp"},
    {"rule": "bp", "reduction": "sum", "biases": False},
]


def by_arrays(case: dict[str, Any], model: Model, found: Evidence) -> Update:
    settings = {"biases": True, "loss": "cross-entropy"} | case
    rule = make_rule(
        settings["rule"],
        reduction=settings.get("reduction", "mean"),
        biases=settings["biases"],
        sigma=5.8e-3,
        loss_name=settings["loss"],
        activation=Activation(1.0, LEAK),
        demean_inputs=settings.get("demean") == "batch",
    )
    return rule.update(model, found)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("case", CASES, ids=lambda c: "-".join(map(str, c.values())))
def test_a_step_on_tensors_is_the_step_on_arrays(case: dict[str, Any], dtype: torch.dtype) -> None:
    settings: dict[str, Any] = {"loss": "cross-entropy"} | case
    for seed in range(5):
        model, inputs, targets, noise = a_case(seed)
        network = TensorNetwork.from_model(model, dtype=dtype)
        learner = make_learner(
            network,
            **settings,
            optimizer="sgd",
            eta=1.0,
            decor_rate=1.0,
            noise=Given(noise, dtype),
            leak=LEAK,
        )
        learner.step(torch.tensor(inputs, dtype=dtype), torch.tensor(targets, dtype=dtype))
        known = evidence(model, case["rule"], inputs, targets, noise, loss=settings["loss"])
        wanted = by_arrays(case, model, known)
        limit = DOUBLES if dtype is torch.float64 else SINGLES
        assert apart(moved(model, network), wanted) < limit
        totals = learner.totals()
        if case["rule"] != "bp":
            np.testing.assert_allclose(totals.loss, known.loss_first.mean(), rtol=1e-5)
        assert (totals.samples, totals.skipped) == (9, 0)


def test_samples_whose_passes_are_the_same_are_skipped_and_counted() -> None:
    model, inputs, targets, noise = a_case(3)
    for pair in noise:
        pair[1, [2, 5]] = pair[0, [2, 5]]
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    learner = make_learner(
        network, rule="danp", loss="cross-entropy", optimizer="sgd", eta=1.0, decor_rate=1.0,
        noise=Given(noise), leak=LEAK,
    )  # fmt: skip
    learner.step(torch.tensor(inputs), torch.tensor(targets))
    wanted = by_arrays(
        {"rule": "danp"},
        model,
        evidence(model, "danp", inputs, targets, noise, loss="cross-entropy"),
    )
    assert wanted.skipped == learner.totals().skipped == 2
    assert apart(moved(model, network), wanted) < DOUBLES


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_many_steps_go_the_same_way(name: Any) -> None:
    model, _, _, _ = a_case(0)
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    optimizer = make_optimizer(name, 1e-2)
    state = optimizer.init((*model.weights, *model.biases))
    given = Given(a_case(0)[3])
    learner = make_learner(
        network, rule="danp", loss="cross-entropy", optimizer=name, eta=1e-2, decor_rate=1e-2,
        noise=given, leak=LEAK,
    )  # fmt: skip
    for seed in range(20):
        _, inputs, targets, noise = a_case(seed)
        given._pairs = Given(noise)._pairs
        learner.step(torch.tensor(inputs), torch.tensor(targets))
        known = evidence(model, "danp", inputs, targets, noise, loss="cross-entropy")
        update = by_arrays({"rule": "danp"}, model, known)
        model, state = apply_update(model, update, optimizer, state, 1e-2)
    gap = moved(model, network)
    # Twenty steps multiply what one leaves, and Adam divides by roots of small squares.
    assert max(np.abs(a).max() for a in (*gap.weights, *gap.biases, *gap.decor)) < 1e-9


def test_a_learned_offset_follows_the_mean_of_the_decorrelated_inputs() -> None:
    model, inputs, targets, noise = a_case(1)
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    c = np.random.default_rng(5).normal(0, 0.1, LAYERS[0])
    network.offsets[0].copy_(torch.tensor(c))
    learner = make_learner(
        network, rule="danp", loss="cross-entropy", optimizer="sgd", eta=1e-9, decor_rate=0.01,
        noise=Given(noise), leak=LEAK, demean="learned",
    )  # fmt: skip
    learner.step(torch.tensor(inputs), torch.tensor(targets))
    x_bar = inputs @ model.decor[0].T + c
    np.testing.assert_allclose(network.offsets[0], c - 0.01 * x_bar.sum(0), atol=1e-12)
    power = (x_bar**2).mean(0)
    product = x_bar.T @ x_bar / len(x_bar) - np.diag(power)
    np.testing.assert_allclose(
        network.decor[0], model.decor[0] - 0.01 * product @ model.decor[0], atol=1e-12
    )


# 2-1-1, leak 1/2, squared error, one sample. Pass 1 and pass 2 by hand, in fractions:
#   x = (1, 2)   decor = [[1, 1/2], [0, 1]]   x̄ = (1 + 1, 2) = (2, 2)
#   W1 = (1/2, -1/4), b1 = 1/4: W1 x̄ + b1 = 1 - 1/2 + 1/4 = 3/4
#   ν1 = ±1/4: a1(1) = 1, a1(2) = 1/2; both above zero, so x1 = a1
#   decor2 = (2): x̄1 = 2, 1;  W2 = (1/2), b2 = 0: 1, 1/2;  ν2 = ±1/8: a2 = 9/8, 3/8
#   target 1: L(1) = 1/64, L(2) = 25/64, δL = -24/64 = -3/8
#   δa1 = 1/2, δa2 = 3/4, ‖δa‖² = 1/4 + 9/16 = 13/16, N = 2
#   N δL/‖δa‖² = 2 · (-3/8) · 16/13 = -12/13
#   ΔW1 = -12/13 · 1/2 · (2, 2) = (-12/13, -12/13), Δb1 = -6/13
#   ΔW2 = -12/13 · 3/4 · 2 = -18/13,  Δb2 = -9/13
#   (C - diag C) = [[0, 4], [4, 0]]; times decor: [[0, 4], [4, 2]];  of one input: 0
BY_HAND = Update(
    weights=(
        np.array([[float(Fraction(-12, 13)), float(Fraction(-12, 13))]]),
        np.array([[float(Fraction(-18, 13))]]),
    ),
    biases=(np.array([float(Fraction(-6, 13))]), np.array([float(Fraction(-9, 13))])),
    decor=(np.array([[0.0, 4.0], [4.0, 2.0]]), np.array([[0.0]])),
)


def hand_case() -> tuple[Model, Array, Array, list[Array]]:
    model = Model(
        (np.array([[0.5, -0.25]]), np.array([[0.5]])),
        (np.array([0.25]), np.array([0.0])),
        (np.array([[1.0, 0.5], [0.0, 1.0]]), np.array([[2.0]])),
    )
    noise = [np.array([[[0.25]], [[-0.25]]]), np.array([[[0.125]], [[-0.125]]])]
    return model, np.array([[1.0, 2.0]]), np.array([[1.0]]), noise


def test_both_kernels_give_the_update_worked_out_by_hand() -> None:
    model, inputs, targets, noise = hand_case()
    line = Activation(1.0, 0.5)
    first, second = (forward(model, inputs, tuple(n[k] for n in noise), line) for k in (0, 1))
    value = LOSSES["squared-error"].value
    known = Evidence(
        first, second, value(first.prediction, targets), value(second.prediction, targets)
    )
    assert apart(make_rule("danp", biases=True).update(model, known), BY_HAND) < 1e-14
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    learner = make_learner(
        network, rule="danp", loss="squared-error", optimizer="sgd", eta=1.0, decor_rate=1.0,
        noise=Given(noise), leak=0.5,
    )  # fmt: skip
    learner.step(torch.tensor(inputs), torch.tensor(targets))
    assert apart(moved(model, network), BY_HAND) < 1e-13


def test_a_learner_goes_on_where_another_stopped() -> None:
    model, inputs, targets, noise = a_case(2)

    def made(network: TensorNetwork) -> Any:
        return make_learner(
            network, rule="danp", loss="cross-entropy", optimizer="adam", eta=1e-2,
            decor_rate=1e-2, noise=Given(noise), leak=LEAK,
        )  # fmt: skip

    batch = torch.tensor(inputs), torch.tensor(targets)
    whole = TensorNetwork.from_model(model, dtype=torch.float64)
    learner = made(whole)
    for _ in range(3):
        learner.step(*batch)
    other = TensorNetwork.from_model(model, dtype=torch.float64)
    other.restore(whole.tensors())
    second = made(other)
    second.restore(learner.state())
    for one in (learner, second):
        one.step(*batch)
    assert all(torch.equal(t, other.tensors()[name]) for name, t in whole.tensors().items())
    assert second.totals() == learner.totals()


def test_a_smaller_last_batch_is_its_own_mean() -> None:
    model, inputs, targets, noise = a_case(4)
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    learner = make_learner(
        network, rule="anp", loss="cross-entropy", optimizer="sgd", eta=1.0,
        noise=Given(noise), leak=LEAK,
    )  # fmt: skip
    learner.step(torch.tensor(inputs[:4]), torch.tensor(targets[:4]))
    cut = [n[:, :4] for n in noise]
    known = evidence(model, "anp", inputs[:4], targets[:4], cut, loss="cross-entropy")
    assert apart(moved(model, network), by_arrays({"rule": "anp"}, model, known)) < DOUBLES


def test_mixed_precision_bends_the_decorrelation_alone() -> None:
    model, inputs, targets, noise = a_case(6)
    after = []
    for mixed in (False, True):
        network = TensorNetwork.from_model(model)
        learner = make_learner(
            network, rule="danp", loss="cross-entropy", optimizer="sgd", eta=1.0, decor_rate=1e-3,
            noise=Given(noise, torch.float32), leak=LEAK, mixed=mixed,
        )  # fmt: skip
        learner.step(torch.tensor(inputs).float(), torch.tensor(targets).float())
        after.append(network)
    plain, low = after
    assert all(torch.equal(a, b) for a, b in zip(plain.weights, low.weights, strict=True))
    for before, a, b in zip(model.decor, plain.decor, low.decor, strict=True):
        # bfloat16 rounds each factor to 2⁻⁹: three of them, and the sum of nine samples.
        step = (a - torch.tensor(before).float()).abs().max()
        assert 0 < (a - b).abs().max() < 0.02 * step


@pytest.mark.parametrize("scheme", ["uniform", "normal"])
def test_networks_are_drawn_as_they_say(scheme: Any) -> None:
    network = init_network((400, 300, 10), np.random.default_rng(0), scheme=scheme, scale=0.5)
    w = network.weights[0]
    wanted = 0.5 / 400**0.5 / (3**0.5 if scheme == "uniform" else 1)
    # Standard error of the deviation of 120,000 draws: below 0.3 %.
    assert abs(w.std().item() / wanted - 1) < 0.01
    assert (network.biases[0].abs().max() > 0) == (scheme == "uniform")
    assert not network.decorrelates()
    again = init_network((400, 300, 10), np.random.default_rng(0), scheme=scheme, scale=0.5)
    assert torch.equal(w, again.weights[0])


def test_a_score_is_the_mean_over_all_samples() -> None:
    model, inputs, targets, noise = a_case(8)
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    line = Forward(network, LEAK)
    batches = [(torch.tensor(inputs[k]), torch.tensor(targets[k])) for k in (slice(5), slice(5, 9))]
    found = score(network, line, batches, LOSSES["cross-entropy"])
    clean = forward(model, inputs, None, Activation(1.0, LEAK)).prediction
    np.testing.assert_allclose(found.loss, LOSSES["cross-entropy"].value(clean, targets).mean())
    assert found.accuracy == np.mean(clean.argmax(1) == targets.argmax(1))
    assert found.samples == 9
    noisy = score(network, line, batches[:1], LOSSES["cross-entropy"], Given(noise))
    seen = forward(model, inputs[:5], tuple(n[0, :5] for n in noise), Activation(1.0, LEAK))
    wanted = LOSSES["cross-entropy"].value(seen.prediction, targets[:5]).mean()
    np.testing.assert_allclose(noisy.loss, wanted)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rule": "dnp"}, "no rule 'dnp'; known: danp, anp, np, bp"),
        ({"rule": "bp", "demean": "batch"}, "demean batch is for danp and anp"),
        ({"rule": "anp", "demean": "learned"}, "demean learned is for danp"),
        ({"rule": "danp", "noise": None}, "learns from noise, got none"),
        ({"rule": "danp", "loss": "hinge"}, "no loss 'hinge'"),
    ],
)
def test_what_does_not_fit_is_refused(settings: Any, said: str) -> None:
    model, _, _, noise = a_case(0)
    given: Any = {"loss": "cross-entropy", "noise": Given(noise)} | settings
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    with pytest.raises(ValueError, match=said):
        make_learner(network, **given, optimizer="sgd", eta=1.0)


def test_a_mean_of_one_sample_is_refused_as_by_the_arrays_rule() -> None:
    model, inputs, targets, noise = a_case(0)
    network = TensorNetwork.from_model(model, dtype=torch.float64)
    learner = make_learner(
        network, rule="danp", loss="cross-entropy", optimizer="sgd", eta=1.0, noise=Given(noise),
        demean="batch",
    )  # fmt: skip
    with pytest.raises(ValueError, match="demean batch takes the mean of a batch, got 1 sample"):
        learner.step(torch.tensor(inputs[:1]), torch.tensor(targets[:1]))


class Shapes(Given):
    """Noise of the meta device: shapes without numbers."""

    def __init__(self) -> None:
        super().__init__([])

    def pair(self, layer: int, batch: int) -> Tensor:
        return torch.empty(2, batch, LAYERS[layer], device="meta")


@pytest.mark.parametrize(
    ("rule", "mixed"),
    [("danp", False), ("danp", True), ("anp", False), ("np", False), ("bp", False)],
)
def test_a_step_stays_on_its_device_and_waits_for_nothing(
    monkeypatch: pytest.MonkeyPatch, rule: Any, mixed: bool
) -> None:
    # On the meta device a tensor of the host among the others is an error, and so is any number
    # that is asked for. It has no fused optimizers, nor anything to compare with an identity.
    monkeypatch.setattr(
        "learning.scale.learners.make_optimizer",
        lambda net, _, eta: torch.optim.SGD([*net.weights, *net.biases], lr=eta),
    )
    monkeypatch.setattr(TensorNetwork, "decorrelates", lambda _: False)
    network = TensorNetwork.from_model(a_case(0)[0], device="meta")
    learner = make_learner(
        network, rule=rule, loss="cross-entropy", optimizer="sgd", eta=1.0, decor_rate=1e-3,
        noise=Shapes(), mixed=mixed,
    )  # fmt: skip
    inputs = torch.empty(4, LAYERS[0], device="meta")
    learner.step(inputs, torch.empty(4, LAYERS[-1], device="meta"))
    with pytest.raises(RuntimeError):
        learner.totals()


def test_noise_is_lent_and_not_written_to() -> None:
    # A recording is read where it lies: what a rule overwrites there is gone for the next round.
    model, inputs, targets, noise = a_case(3)
    lent = [torch.tensor(pair) for pair in noise]

    class Lent(Given):
        def pair(self, layer: int, batch: int) -> Tensor:
            return lent[layer - 1][:, :batch]

    for rule in ("danp", "anp", "np"):
        network = TensorNetwork.from_model(model, "cpu", torch.float64)
        learner = make_learner(
            network, rule=rule, loss="cross-entropy", optimizer="sgd", eta=0.1, noise=Lent(noise)
        )
        learner.step(torch.tensor(inputs), torch.tensor(targets))
        for left, drawn in zip(lent, noise, strict=True):
            np.testing.assert_array_equal(left.numpy(), drawn)

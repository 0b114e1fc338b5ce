from typing import Literal

import numpy as np
import pytest
import torch

from learning import (
    LOSSES,
    Activation,
    Array,
    Evidence,
    Model,
    angle_deg,
    expected_angle_deg,
    forward,
    init_model,
    loss_gradient,
    make_rule,
    node_gradient,
)

torch.set_num_threads(1)  # the machine is shared, and the arrays are small

LEAKY = Activation()
SIGMA = 1e-4
"""V; small, so that the loss difference is linear in the noise to 1e-4."""


def draw_model(layers: tuple[int, ...], seed: int) -> Model:
    rng = np.random.default_rng(seed)
    start = init_model(layers, rng)
    return Model(
        weights=start.weights,
        biases=tuple(rng.normal(0, 0.3, b.shape) for b in start.biases),
        decor=tuple(d + rng.normal(0, 0.2, d.shape) for d in start.decor),
    )


def draw_data(layers: tuple[int, ...], batch: int, loss_name: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(17)
    target = rng.uniform(-1, 1, (batch, layers[-1]))
    if loss_name == "cross-entropy":
        target = np.eye(layers[-1])[rng.integers(0, layers[-1], batch)]
    return rng.uniform(-1, 1, (batch, layers[0])), target


def mean_update(
    rule_name: str, model: Model, data: tuple[Array, Array], draws: int, rng: np.random.Generator
) -> tuple[Array, ...]:
    """Return a rule's weight update, averaged over Gaussian noise draws of every sample."""
    rule, loss = make_rule(rule_name, sigma=SIGMA), LOSSES["squared-error"]
    inputs, target = (np.tile(a, (draws, 1)) for a in data)
    noise = [
        tuple(rng.normal(0, SIGMA, (len(inputs), n)) for n in model.layers[1:]) for _ in range(2)
    ]
    first = forward(model, inputs, None if rule.clean_first_pass else noise[0], LEAKY)
    second = forward(model, inputs, noise[1], LEAKY)
    scores = (loss.value(a.prediction, target) for a in (first, second))
    return rule.update(model, Evidence(first, second, *scores, noise=noise[1])).weights


@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_gradient_equals_finite_differences(loss_name: str, reduction: str) -> None:
    model = draw_model((3, 4, 2), 1)
    inputs, target = draw_data((3, 4, 2), 5, loss_name)
    weights, biases = loss_gradient(
        model,
        inputs,
        target,
        loss_name,
        LEAKY,
        reduction=reduction,  # pyright: ignore[reportArgumentType]
    )
    step = 1e-6

    def total() -> float:
        losses = LOSSES[loss_name].value(forward(model, inputs, None, LEAKY).prediction, target)
        return float(np.mean(losses) if reduction == "mean" else np.sum(losses))

    found = (*weights, *biases)
    for array, gradient in zip((*model.weights, *model.biases), found, strict=True):
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + step
            high = total()
            array[index] = kept - step
            low = total()
            array[index] = kept
            # 1e-16/step of rounding on losses of order 1 to 10; the kinks are further than step.
            assert gradient[index] == pytest.approx((high - low) / (2 * step), abs=2e-8)


def test_node_gradient_gives_the_weight_gradient() -> None:
    model = draw_model((3, 4, 2), 1)
    inputs, target = draw_data((3, 4, 2), 5, "squared-error")
    weights, biases = loss_gradient(model, inputs, target, "squared-error", LEAKY)
    nodes = node_gradient(model, inputs, target, "squared-error", LEAKY)
    layer_inputs = forward(model, inputs, None, LEAKY).layer_inputs()
    for i, (node, x) in enumerate(zip(nodes, layer_inputs, strict=True)):
        np.testing.assert_allclose(node.T @ model.decorrelated(i, x) / 5, weights[i], atol=1e-14)
        np.testing.assert_allclose(node.mean(axis=0), biases[i], atol=1e-14)


@pytest.mark.parametrize("biases", [False, True])
def test_backpropagation_is_the_gradient(biases: bool) -> None:
    model = draw_model((3, 4, 2), 1)
    inputs, target = draw_data((3, 4, 2), 5, "cross-entropy")
    first = forward(model, inputs, None, LEAKY)
    rule = make_rule("bp", loss_name="cross-entropy", biases=biases)
    evidence = Evidence(first, first, np.zeros(5), np.zeros(5), target=target)
    got = rule.update(model, evidence)
    weights, bias_gradient = loss_gradient(model, inputs, target, "cross-entropy", LEAKY)
    for a, b in zip(got.weights, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(got.biases, bias_gradient, strict=True):
        np.testing.assert_array_equal(a, b * biases)
    assert not any(np.any(d) for d in got.decor)


def test_node_perturbation_by_hand() -> None:
    model = Model((np.array([[0.5, -0.25]]),), (np.zeros(1),), (np.eye(2),))
    inputs, noise = np.array([[0.8, -0.4]]), (np.array([[0.1]]),)
    first, second = (forward(model, inputs, n, LEAKY) for n in (None, noise))
    # a = 0.4 + 0.1 = 0.5 clean, 0.6 noisy; target 1: L = 0.25 and 0.16, δL = -0.09
    # σ⁻² δL ε = -0.09 * 0.1 / 0.04 = -0.225;  times x: (-0.18, 0.09)
    evidence = Evidence(first, second, np.array([0.25]), np.array([0.16]), noise=noise)
    got = make_rule("np", sigma=0.2, biases=True).update(model, evidence)
    np.testing.assert_allclose(got.weights[0], [[-0.18, 0.09]], rtol=1e-13)
    np.testing.assert_allclose(got.biases[0], [-0.225], rtol=1e-13)


@pytest.mark.parametrize(
    ("rule", "layers"), [("anp", (3, 6)), ("np", (3, 6)), ("np", (3, 4, 2))], ids=str
)
@pytest.mark.parametrize(("draws", "repeats"), [(100, 400), (10_000, 60)])
def test_angle_to_the_gradient_shrinks_as_theory_says(
    rule: Literal["anp", "np"], layers: tuple[int, ...], draws: int, repeats: int
) -> None:
    model = draw_model(layers, 2)
    inputs, target = draw_data(layers, 2, "squared-error")
    gradient, _ = loss_gradient(model, inputs, target, "squared-error", LEAKY)
    nodes = node_gradient(model, inputs, target, "squared-error", LEAKY)
    seen = forward(model, inputs, None, LEAKY).layer_inputs()
    xbar = [model.decorrelated(i, x) for i, x in enumerate(seen)]
    expected = expected_angle_deg(nodes, xbar, draws, rule=rule)
    rng = np.random.default_rng(23)
    angles = [
        angle_deg(mean_update(rule, model, (inputs, target), draws, rng), gradient)
        for _ in range(repeats)
    ]
    measured = np.degrees(np.arctan(np.sqrt(np.mean(np.tan(np.radians(angles)) ** 2))))
    # The squared part across spreads over 5 or more directions: one angle's square is known to
    # √(2/5), the root of the mean of 60 to 4 %, of 400 to 1.6 %. At 100 draws the part along
    # scatters as well, which the ratio of means leaves out: another few percent.
    assert measured == pytest.approx(expected, rel=0.15 if draws == 10_000 else 0.10)


def test_expected_angle_of_one_sample_and_one_layer() -> None:
    node, x = np.array([[0.3, -1.0, 2.0, 0.5]]), np.array([[1.0, -0.2]])
    rules: tuple[tuple[Literal["anp", "np"], float], ...] = (("anp", 4 / 6), ("np", 1.0))
    for rule, factor in rules:
        got = expected_angle_deg([node], [x], 50, rule=rule)
        # tan² = N (N-1)/((N+2) K) for ANP and (N-1)/K for NP, whatever the gradient
        assert np.tan(np.radians(got)) ** 2 == pytest.approx(factor * 3 / 50, rel=1e-12)


def test_expected_angle_of_many_samples_equals_quadrature() -> None:
    rng = np.random.default_rng(5)
    nodes = [rng.normal(size=(3, 1)), rng.normal(size=(3, 1))]
    xbar = [rng.normal(size=(3, 2)), rng.normal(size=(3, 1))]
    # Two units in all, so a draw is a direction on the circle: average over it instead of drawing.
    phi = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    s = np.stack([np.cos(phi), np.sin(phi)])
    means, scatter = [], np.zeros((3, 3))
    for n in range(3):
        g = np.array([nodes[0][n, 0], nodes[1][n, 0]])
        u = 2 * (g @ s) * s
        updates = np.concatenate([u[:1] * xbar[0][n][:, None], u[1:] * xbar[1][n][:, None]])
        means.append(updates.mean(axis=1))
        scatter += np.cov(updates, bias=True)
    gradient = np.mean(means, axis=0)
    unit = gradient / np.linalg.norm(gradient)
    across = (np.trace(scatter) - unit @ scatter @ unit) / (9 * 40)
    expected = np.degrees(np.arctan(np.sqrt(across) / np.linalg.norm(gradient)))
    # Trigonometric polynomials of degree 4: 64 equal steps integrate them exactly.
    assert expected_angle_deg(nodes, xbar, 40) == pytest.approx(expected, rel=1e-12)


def test_deep_anp_keeps_a_bias_that_quadrature_foretells() -> None:
    w1, w2, x = 0.7, 1.5, 0.9
    model = Model((np.array([[w1]]), np.array([[w2]])), (np.zeros(1),) * 2, (np.eye(1), np.eye(1)))
    inputs, target = np.array([[x]]), np.array([[0.2]])
    # One unit a layer: δa = (ε1, w2 ε1 + ε2), δL = g·ε with g = 2 (y - y*) (w2, 1). The mean of
    # N δL δa/‖δa‖² depends on the direction of ε alone, which is uniform on the circle.
    phi = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    e1, e2 = np.cos(phi), np.sin(phi)
    slope = 2 * (w2 * w1 * x - 0.2)
    shift = np.array([e1, w2 * e1 + e2])
    mean = np.mean(2 * slope * (w2 * e1 + e2) * shift / np.sum(shift**2, axis=0), axis=1)
    expected = (mean[0] * x, mean[1] * w1 * x)
    got = mean_update("anp", model, (inputs, target), 100_000, np.random.default_rng(3))
    # 1e5 draws of relative scatter about 1: 0.3 %; 1.5 % is five of that.
    np.testing.assert_allclose([g.item() for g in got], expected, rtol=0.015)
    gradient, _ = loss_gradient(model, inputs, target, "squared-error", LEAKY)
    assert angle_deg(got, gradient) > 10.0


def test_angle_deg_of_known_angles() -> None:
    east, north = [np.array([[1.0], [0.0]])], [np.array([[0.0], [2.0]])]
    assert angle_deg(east, east) == 0.0
    assert angle_deg(east, north) == pytest.approx(90.0, rel=1e-14)
    assert angle_deg(east, [-east[0]]) == pytest.approx(180.0, rel=1e-14)
    # Far below what arccos of the cosine resolves, about 1e-6 degrees.
    tiny = [np.array([[1.0], [1e-10]])]
    assert angle_deg(east, tiny) == pytest.approx(np.degrees(1e-10), rel=1e-6)


def test_angle_deg_counts_every_array() -> None:
    one = [np.array([1.0]), np.array([0.0, 0.0])]
    two = [np.array([1.0]), np.array([1.0, 1.0])]
    assert angle_deg(one, two) == pytest.approx(np.degrees(np.arctan(np.sqrt(2))), rel=1e-12)


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ([0.0, 0.0], [1.0, 0.0], "angle: first update is zero and has no direction"),
        ([1.0, 0.0], [np.nan, 0.0], "angle: second update holds a value that is not finite"),
        ([1.0], [1.0, 0.0], "angle: both updates must have one size, got 1 and 2"),
    ],
)
def test_angle_deg_refuses(first: list[float], second: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        angle_deg([np.array(first)], [np.array(second)])


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("dnap", {}, "no rule 'dnap'; known: danp, anp, np, bp"),
        ("np", {}, "rule np: sigma is missing"),
        ("np", {"sigma": 0.0}, "rule np: sigma must be a positive voltage, got 0.0"),
        ("bp", {"loss_name": "l1"}, "rule bp: no loss 'l1'; known: squared-error, cross-entropy"),
        ("bp", {"demean_inputs": True}, "rule bp: demean_inputs is for danp and anp"),
        ("anp", {"reduction": "max"}, "rule anp: reduction must be mean or sum, got 'max'"),
    ],
)
def test_make_rule_refuses(name: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make_rule(name, **options)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("name", "clean", "gradient", "decorrelates"),
    [
        ("danp", False, False, True),
        ("anp", False, False, False),
        ("np", True, False, False),
        ("bp", False, True, False),
    ],
)
def test_what_a_rule_asks_for(name: str, clean: bool, gradient: bool, decorrelates: bool) -> None:
    rule = make_rule(name, sigma=1.0)
    assert rule.name == name
    assert (rule.clean_first_pass, rule.needs_gradient, rule.decorrelates) == (
        clean,
        gradient,
        decorrelates,
    )


@pytest.mark.parametrize(("name", "text"), [("np", "evidence.noise"), ("bp", "evidence.target")])
def test_rules_name_missing_evidence(name: str, text: str) -> None:
    model = draw_model((2, 1), 0)
    seen = forward(model, np.zeros((1, 2)), None, LEAKY)
    with pytest.raises(ValueError, match=text):
        make_rule(name, sigma=1.0).update(model, Evidence(seen, seen, np.zeros(1), np.zeros(1)))

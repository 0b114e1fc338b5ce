import subprocess
import sys

import numpy as np
import pytest

from learning import Activation, Model, forward, init_model


def asymmetric_model(seed: int = 3) -> Model:
    """Return a 3-4-2 network whose every matrix is its own, so that a transpose shows."""
    rng = np.random.default_rng(seed)
    start = init_model((3, 4, 2), rng)
    return Model(
        weights=start.weights,
        biases=tuple(rng.normal(0, 0.3, b.shape) for b in start.biases),
        decor=tuple(d + rng.normal(0, 0.2, d.shape) for d in start.decor),
    )


def test_forward_by_hand() -> None:
    model = Model(
        weights=(np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[3.0, 10.0]])),
        biases=(np.array([0.1, 0.0]), np.array([-0.2])),
        decor=(np.array([[1.0, 0.5], [0.0, 1.0]]), np.eye(2)),
    )
    noise = (np.array([[0.01, -0.02]]), np.array([[0.03]]))
    # x̄_0 = (0.4 + 0.5*0.2, 0.2) = (0.5, 0.2)
    # a_1 = (0.5 + 0.4 + 0.1 + 0.01, -0.5 + 0.1 + 0 - 0.02) = (1.01, -0.42)
    # x_1 = (1.01, -0.042);  a_2 = 3.03 - 0.42 - 0.2 + 0.03 = 2.44
    got = forward(model, np.array([[0.4, 0.2]]), noise, Activation())
    np.testing.assert_allclose(got.pre[0], [[1.01, -0.42]], rtol=1e-13)
    np.testing.assert_allclose(got.outputs[0], [[1.01, -0.042]], rtol=1e-13)
    np.testing.assert_allclose(got.prediction, [[2.44]], rtol=1e-13)


def test_output_layer_is_linear() -> None:
    model = Model((np.array([[1.0]]),), (np.zeros(1),), (np.eye(1),))
    got = forward(model, np.array([[-1.0]]), None, Activation())
    assert got.prediction.item() == -1.0


def test_layer_inputs_are_the_inputs_and_the_hidden_outputs() -> None:
    model = asymmetric_model()
    inputs = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    got = forward(model, inputs, None, Activation())
    first, second = got.layer_inputs()
    assert first is inputs
    assert second is got.outputs[0]


def test_decor_folds_into_the_weights() -> None:
    model = asymmetric_model()
    folded = Model(model.effective_weights(), model.biases, tuple(np.eye(n) for n in (3, 4)))
    inputs = np.random.default_rng(0).uniform(-1, 1, (7, 3))
    one = forward(model, inputs, None, Activation())
    two = forward(folded, inputs, None, Activation())
    for a, b in zip(one.pre, two.pre, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)  # a few additions in another order
    bare = Model(model.weights, model.biases, folded.decor)
    assert not np.allclose(forward(bare, inputs, None, Activation()).prediction, one.prediction)


def test_layers_and_units() -> None:
    model = asymmetric_model()
    assert model.layers == (3, 4, 2)
    assert model.units == 6


def test_init_model_is_reproducible_and_scaled() -> None:
    one, two = (init_model((400, 300, 1), np.random.default_rng(5), scale=2.0) for _ in range(2))
    for a, b in zip(one.weights, two.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    # 120,000 draws: the standard deviation is known to 0.2 %, 1 % is five times that.
    assert np.std(one.weights[0]) == pytest.approx(2.0 / np.sqrt(400), rel=0.01)
    assert not np.any(np.concatenate(one.biases))
    np.testing.assert_array_equal(one.decor[1], np.eye(300))


@pytest.mark.parametrize(("layers", "text"), [((2,), "got 2;"), ((2, 0, 1), "got 2,0,1;")])
def test_init_model_refuses_layers(layers: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        init_model(layers, np.random.default_rng(0))


@pytest.mark.parametrize("slope", [0.1, 0.01])
def test_activation_slopes(slope: float) -> None:
    got = Activation(0.9, slope)(np.array([-2.0, 0.0, 2.0]))
    np.testing.assert_allclose(got, [-2.0 * slope, 0.0, 1.8])


def test_import_stays_light() -> None:
    code = (
        "import sys, learning\n"
        "heavy = {'torch', 'sklearn', 'circuits', 'netlists', 'sim'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

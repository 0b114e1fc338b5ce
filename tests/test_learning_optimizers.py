import numpy as np
import pytest
import torch

from learning import Adam, Array, State, Update, apply_update, init_model, make_optimizer

torch.set_num_threads(1)  # the machine is shared, and the arrays are small


def arrays_and_gradients() -> tuple[tuple[Array, ...], list[tuple[Array, ...]]]:
    rng = np.random.default_rng(9)
    shapes = ((3, 2), (4,))
    arrays = tuple(rng.normal(size=s) for s in shapes)
    return arrays, [tuple(rng.normal(size=s) for s in shapes) for _ in range(50)]


@pytest.mark.parametrize(
    ("name", "reference"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)]
)
def test_fifty_steps_equal_torch(name: str, reference: type[torch.optim.Optimizer]) -> None:
    arrays, gradients = arrays_and_gradients()
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    theirs = reference(tensors, lr=0.03)  # pyright: ignore[reportCallIssue]
    ours = make_optimizer(name, 0.03)
    state = ours.init(arrays)
    for step in gradients:
        state, arrays = ours.step(state, arrays, step)
        for tensor, g in zip(tensors, step, strict=True):
            tensor.grad = torch.tensor(g)
        theirs.step()
    assert state.steps == 50
    for a, t in zip(arrays, tensors, strict=True):
        # Values near 1, 50 steps of rounding at 1e-16 each.
        np.testing.assert_allclose(a, t.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_a_restored_state_continues_alike(name: str) -> None:
    arrays, gradients = arrays_and_gradients()
    optimizer = make_optimizer(name, 0.01)
    state = optimizer.init(arrays)
    for step in gradients[:20]:
        state, arrays = optimizer.step(state, arrays, step)
    named = {key: np.copy(value) for key, value in state.arrays().items()}
    restored = State.from_arrays(named)
    _, one = optimizer.step(state, arrays, gradients[20])
    _, two = optimizer.step(restored, arrays, gradients[20])
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_state_arrays_are_named() -> None:
    arrays, _ = arrays_and_gradients()
    assert list(make_optimizer("sgd", 1.0).init(arrays).arrays()) == ["steps"]
    named = Adam(1.0).init(arrays).arrays()
    assert list(named) == ["steps", "first-0", "first-1", "second-0", "second-1"]
    assert named["second-0"].shape == (3, 2)


def test_a_step_leaves_its_arguments_alone() -> None:
    arrays, gradients = arrays_and_gradients()
    kept = [np.copy(a) for a in arrays]
    optimizer = Adam(0.1)
    state = optimizer.init(arrays)
    optimizer.step(state, arrays, gradients[0])
    for a, b in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.any(state.first[0])


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_apply_update_moves_decor_by_its_own_rate(name: str) -> None:
    model = init_model((2, 3, 1), np.random.default_rng(0))
    update = Update(
        weights=tuple(np.ones_like(w) for w in model.weights),
        biases=tuple(np.zeros_like(b) for b in model.biases),
        decor=tuple(np.full_like(d, 2.0) for d in model.decor),
    )
    optimizer = make_optimizer(name, 0.5)
    state = optimizer.init((*model.weights, *model.biases))
    moved, state = apply_update(model, update, optimizer, state, decor_rate=0.01)
    for old, new in zip(model.weights, moved.weights, strict=True):
        # Adam's first step is eta times the sign, up to epsilon = 1e-8.
        np.testing.assert_allclose(new, old - 0.5, rtol=0, atol=1e-7)
    for old, new in zip(model.decor, moved.decor, strict=True):
        np.testing.assert_allclose(new, old - 0.02, rtol=0, atol=1e-15)
    assert not any(np.any(b) for b in moved.biases)
    assert moved.layers == (2, 3, 1)
    assert state.steps == 1


@pytest.mark.parametrize(
    ("name", "eta", "text"),
    [
        ("rmsprop", 0.1, "no optimizer 'rmsprop'; known: sgd, adam"),
        ("sgd", 0.0, "optimizer sgd: eta must be a positive number, got 0.0"),
        ("adam", float("nan"), "optimizer adam: eta must be a positive number, got nan"),
    ],
)
def test_make_optimizer_refuses(name: str, eta: float, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make_optimizer(name, eta)

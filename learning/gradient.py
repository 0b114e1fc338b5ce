"""The true gradient, by torch autograd; torch is imported when first asked for."""

from typing import TYPE_CHECKING

import numpy as np

from learning.activation import ActivationFunction
from learning.arrays import Array
from learning.losses import LOSSES, Loss
from learning.model import Model
from learning.rule import Reduction

if TYPE_CHECKING:
    import torch


def loss_gradient(
    model: Model,
    inputs: Array,
    target: Array,
    loss_name: str,
    activation: ActivationFunction,
    *,
    reduction: Reduction = "mean",
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """Differentiate the loss of a clean pass by weights and biases.

    Args:
        model: The network; decor counts as a constant.
        inputs: Shape (B, N_0), V.
        target: Shape (B, N_L).
        loss_name: A key of `learning.losses.LOSSES`.
        activation: Of the hidden layers.
        reduction: Of the per-sample losses.

    Returns:
        Gradients by W_l, shapes (N_l, N_{l-1}), and by b_l, shapes (N_l,).

    Raises:
        ValueError: If the loss is unknown.
    """
    import torch  # noqa: PLC0415 - two seconds and 200 MB that most callers do not need

    weights = [torch.tensor(w, requires_grad=True) for w in model.weights]
    biases = [torch.tensor(b, requires_grad=True) for b in model.biases]
    prediction, _ = _torch_forward(model, weights, biases, inputs, activation)
    losses = _loss(loss_name).of_tensor(prediction, torch.tensor(target))
    total = losses.mean() if reduction == "mean" else losses.sum()
    found = torch.autograd.grad(total, [*weights, *biases])
    arrays = tuple(np.asarray(g.numpy(), dtype=np.float64) for g in found)
    return arrays[: len(weights)], arrays[len(weights) :]


def node_gradient(
    model: Model,
    inputs: Array,
    target: Array,
    loss_name: str,
    activation: ActivationFunction,
) -> tuple[Array, ...]:
    """Return ∂L/∂a_l of every sample's own loss, shapes (B, N_l): what perturbation estimates."""
    import torch  # noqa: PLC0415 - as above

    weights = [torch.tensor(w) for w in model.weights]
    biases = [torch.tensor(b, requires_grad=True) for b in model.biases]
    prediction, pre = _torch_forward(model, weights, biases, inputs, activation)
    losses = _loss(loss_name).of_tensor(prediction, torch.tensor(target))
    found = torch.autograd.grad(losses.sum(), pre)
    return tuple(np.asarray(g.numpy(), dtype=np.float64) for g in found)


def _torch_forward(
    model: Model,
    weights: "list[torch.Tensor]",
    biases: "list[torch.Tensor]",
    inputs: Array,
    activation: ActivationFunction,
) -> "tuple[torch.Tensor, list[torch.Tensor]]":
    import torch  # noqa: PLC0415 - as above

    x = torch.tensor(inputs)
    pre: list[torch.Tensor] = []
    for w, b, d in zip(weights, biases, model.decor, strict=True):
        if pre:
            x = activation.of_tensor(pre[-1])
        pre.append(x @ torch.tensor(d).T @ w.T + b)
    return pre[-1], pre


def _loss(name: str) -> Loss:
    if name not in LOSSES:
        raise ValueError(f"gradient: no loss {name!r}; known: {', '.join(LOSSES)}")
    return LOSSES[name]

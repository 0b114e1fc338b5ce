"""Backpropagation on tensors, by torch's autograd."""

import torch
from torch import Tensor

from learning.losses import Loss
from learning.rule import Reduction
from learning.scale.learner import Learner, Stepper
from learning.scale.network import TensorNetwork
from learning.scale.passes import Forward


class Backpropagation(Learner):
    """Descent along the gradient of a clean pass.

    Args:
        network: That learns; decor counts as a constant.
        forward: Passes through a network of the same tensors.
        loss: Of each sample.
        optimizer: Of weights and biases.
        reduction: Of the batch.
        biases: Whether biases are learned.
        mixed: Whether autocast multiplies in bfloat16.
    """

    def __init__(
        self,
        network: TensorNetwork,
        forward: Forward,
        loss: Loss,
        optimizer: Stepper,
        *,
        reduction: Reduction,
        biases: bool,
        mixed: bool,
    ) -> None:
        super().__init__(network, optimizer)
        self._forward = forward
        self._loss = loss
        self._reduction = reduction
        self._biases = biases
        self._mixed = mixed

    def _learn(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        depth = len(self._network.weights)
        leaves = self._parameters if self._biases else self._parameters[:depth]
        with torch.enable_grad():
            for leaf in leaves:
                leaf.requires_grad_(True)
            prediction = self._predict(inputs)
            losses = self._loss.of_tensor(prediction, targets)
            total = losses.mean() if self._reduction == "mean" else losses.sum()
            found = torch.autograd.grad(total, leaves)
        with torch.no_grad():
            for leaf, gradient, value in zip(leaves, self.gradients, found, strict=False):
                leaf.requires_grad_(False)
                gradient.copy_(value)
            self._optimizer.step()
            return losses.detach().sum(), losses.new_zeros((), dtype=torch.int64)

    def _predict(self, inputs: Tensor) -> Tensor:
        if not self._mixed:
            return self._forward.single(inputs)
        with torch.autocast(inputs.device.type, torch.bfloat16):
            return self._forward.single(inputs).to(inputs.dtype)

"""One rule at work on one network: what every rule shares."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from learning.scale.network import TensorNetwork

Stepper: TypeAlias = torch.optim.Optimizer
OptimizerName: TypeAlias = Literal["adam", "sgd"]


@dataclass(frozen=True)
class Totals:
    """What learning went by since it was asked last.

    Attributes:
        loss: Mean over the samples, of the pass that the rule takes the inputs from; NaN for none.
        samples: How many.
        skipped: How many of them gave no update.
    """

    loss: float
    samples: int
    skipped: int


class Learner(ABC):
    """A rule that changes a network in place, batch after batch.

    Args:
        network: That learns.
        optimizer: Over its weights and then its biases.

    Attributes:
        gradients: What the optimizer steps against, in the same order.
    """

    def __init__(self, network: TensorNetwork, optimizer: Stepper) -> None:
        self._network = network
        self._optimizer = optimizer
        self._parameters = optimizer.param_groups[0]["params"]
        self.gradients = [torch.zeros_like(p) for p in self._parameters]
        for parameter, gradient in zip(self._parameters, self.gradients, strict=True):
            parameter.grad = gradient
        self._loss_sum = torch.zeros((), device=network.device, dtype=torch.float64)
        self._skipped_sum = torch.zeros((), device=network.device, dtype=torch.int64)
        self._samples_seen = 0

    @abstractmethod
    def _learn(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Make one update; return the sum of the losses and the number of skipped samples."""

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Make one update, without waiting for the device.

        Args:
            inputs: Shape (b, N_0), V.
            targets: Shape (b, N_L); one-hot for classes.
        """
        loss, skipped = self._learn(inputs, targets)
        self._loss_sum += loss
        self._skipped_sum += skipped
        self._samples_seen += len(inputs)

    def set_rate(self, eta: float) -> None:
        """Go on with another learning rate η."""
        for group in self._optimizer.param_groups:
            group["lr"] = eta

    def totals(self) -> Totals:
        """Return what has come together since the last call; waits for the device."""
        samples = self._samples_seen
        mean = self._loss_sum.item() / samples if samples else float("nan")
        found = Totals(mean, samples, int(self._skipped_sum.item()))
        self._loss_sum.zero_()
        self._skipped_sum.zero_()
        self._samples_seen = 0
        return found

    def state(self) -> dict[str, Tensor]:
        """Return what the optimizer remembers, and the totals, as named tensors."""
        named = {"loss": self._loss_sum, "skipped": self._skipped_sum}
        named["samples"] = torch.tensor(self._samples_seen)
        for k, parameter in enumerate(self._parameters):
            known = self._optimizer.state.get(parameter, {})
            named |= {f"{name}-{k}": value for name, value in known.items() if value is not None}
        return {name: tensor.clone() for name, tensor in named.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where another learner had its `state` taken."""
        self._loss_sum.copy_(state["loss"])
        self._skipped_sum.copy_(state["skipped"])
        self._samples_seen = int(state["samples"])
        for k, parameter in enumerate(self._parameters):
            suffix = f"-{k}"
            self._optimizer.state[parameter] = {
                name.removesuffix(suffix): tensor.clone()
                for name, tensor in state.items()
                if name.endswith(suffix)
            }


def make_optimizer(network: TensorNetwork, name: OptimizerName, eta: float) -> Stepper:
    """Build torch's Adam, with the constants of arXiv 2412.12783, Appendix A, or plain descent.

    Args:
        network: Whose weights and biases it steps.
        name: "adam" or "sgd".
        eta: Learning rate η.
    """
    parameters = [*network.weights, *network.biases]
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=eta, fused=True)
    return torch.optim.Adam(parameters, lr=eta, betas=(0.9, 0.999), eps=1e-8, fused=True)

"""How well a network does on samples it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from learning.losses import Loss
from learning.scale.network import TensorNetwork
from learning.scale.noise import Noise
from learning.scale.passes import Forward


@dataclass(frozen=True)
class Score:
    """Of a set of samples.

    Attributes:
        loss: Mean over the samples.
        accuracy: Share of samples whose largest output is that of their class.
        samples: How many there were.
    """

    loss: float
    accuracy: float
    samples: int


@torch.no_grad()
def score(
    network: TensorNetwork,
    forward: Forward,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss: Loss,
    noise: Noise | None = None,
) -> Score:
    """Run one pass of every sample.

    Args:
        network: That is scored.
        forward: Its passes.
        batches: Inputs (b, N_0), V, and targets (b, N_L), one-hot for classes.
        loss: Of each sample.
        noise: Of each node; None for clean passes.

    Returns:
        NaN twice where there is no sample.
    """
    losses = torch.zeros((), device=network.device, dtype=torch.float64)
    right = torch.zeros((), device=network.device, dtype=torch.int64)
    samples, depth = 0, len(network.weights)
    for inputs, targets in batches:
        count = len(inputs)
        nu = None if noise is None else [noise.single(k, count) for k in range(1, depth + 1)]
        prediction = forward.single(inputs, nu)
        losses += loss.of_tensor(prediction, targets).sum()
        right += (prediction.argmax(1) == targets.argmax(1)).sum()
        samples += count
    if not samples:
        return Score(float("nan"), float("nan"), 0)
    return Score(losses.item() / samples, right.item() / samples, samples)

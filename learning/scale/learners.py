"""The rules by name, at work on tensors."""

from typing import Literal, TypeAlias

import torch

from learning.losses import LOSSES
from learning.rule import Reduction
from learning.rules import RULES
from learning.scale.backpropagation import Backpropagation
from learning.scale.hardware import Hardware
from learning.scale.learner import Learner, OptimizerName, make_optimizer
from learning.scale.network import TensorNetwork
from learning.scale.noise import Noise
from learning.scale.passes import Forward
from learning.scale.perturbation import Demean, Perturbation

RuleName: TypeAlias = Literal["danp", "anp", "np", "bp"]


def make_learner(
    network: TensorNetwork,
    *,
    rule: RuleName,
    loss: str,
    optimizer: OptimizerName,
    eta: float,
    decor_rate: float = 0.0,
    noise: Noise | None = None,
    leak: float = 0.01,
    reduction: Reduction = "mean",
    biases: bool = True,
    demean: Demean = "none",
    resolution: float = 0.0,
    hardware: Hardware | None = None,
    mixed: bool = False,
    compiled: bool = False,
) -> Learner:
    """Build what changes a network in place.

    Args:
        network: That learns.
        rule: A key of `learning.RULES`.
        loss: A key of `learning.LOSSES`.
        optimizer: Of weights and biases.
        eta: Learning rate η of these.
        decor_rate: ε of the decorrelation, for "danp".
        noise: Of each node; every rule but "bp" needs it.
        leak: Slope of hidden layers below zero, V/V; where there is hardware, that has its own.
        reduction: Of the batch, "mean" or "sum".
        biases: Whether biases are learned.
        demean: How the mean of a layer's input is taken away; "batch" is for "danp" and "anp" and
            needs biases, "learned" is for "danp".
        resolution: ‖δa‖ up to which two passes count as the same, V.
        hardware: What stands in for the mathematics of a neuron.
        mixed: Multiply in bfloat16 where that is safe: all of backpropagation, and of the others
            the decorrelation.
        compiled: Let torch.compile fuse the passes.

    Raises:
        ValueError: If a name is unknown, or the arguments do not fit together.
    """
    if rule not in RULES:
        raise ValueError(f"no rule {rule!r}; known: {', '.join(RULES)}")
    if loss not in LOSSES:
        raise ValueError(f"rule {rule}: no loss {loss!r}; known: {', '.join(LOSSES)}")
    if demean == "batch" and (rule in ("np", "bp") or not biases):
        raise ValueError(
            f"rule {rule}: demean batch is for danp and anp with biases; take demean none"
        )
    if demean == "learned" and rule != "danp":
        raise ValueError(f"rule {rule}: demean learned is for danp; take demean none")
    if rule != "bp" and noise is None:
        raise ValueError(f"rule {rule}: learns from noise, got none")
    learns_decor = rule == "danp" and decor_rate > 0
    forward = Forward(network, leak, hardware, decorrelated=learns_decor or network.decorrelates())
    if compiled:
        forward.pair = torch.compile(forward.pair, dynamic=False)
        forward.single = torch.compile(forward.single, dynamic=False)
    stepper = make_optimizer(network, optimizer, eta)
    if rule == "bp":
        return Backpropagation(
            network,
            forward,
            LOSSES[loss],
            stepper,
            reduction=reduction,
            biases=biases,
            mixed=mixed,
        )
    assert noise is not None  # noqa: S101 - refused above
    return Perturbation(
        network,
        forward,
        LOSSES[loss],
        noise,
        stepper,
        rule=rule,
        decor_rate=decor_rate,
        reduction=reduction,
        biases=biases,
        demean=demean,
        resolution=resolution,
        mixed=mixed,
    )

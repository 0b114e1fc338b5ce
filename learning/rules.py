"""The rules by name."""

from collections.abc import Mapping
from types import MappingProxyType

from learning.activation import Activation, ActivationFunction
from learning.baselines import Backpropagation, NodePerturbation
from learning.danp import ActivityPerturbation
from learning.losses import LOSSES
from learning.rule import Reduction, Rule

RULES: Mapping[str, str] = MappingProxyType(
    {
        "danp": "decorrelated activity-based node perturbation: two noisy passes",
        "anp": "activity-based node perturbation: two noisy passes, no decorrelation",
        "np": "node perturbation: a clean and a noisy pass, noise known",
        "bp": "backpropagation: gradient of the ideal mathematics",
    }
)


def make_rule(
    name: str,
    *,
    reduction: Reduction = "mean",
    biases: bool = False,
    sigma: float | None = None,
    loss_name: str = "squared-error",
    activation: ActivationFunction | None = None,
    demean_inputs: bool = False,
    resolution: float = 0.0,
) -> Rule:
    """Build a rule.

    Args:
        name: A key of `RULES`.
        reduction: Of the batch, "mean" or "sum".
        biases: Whether biases are learned.
        sigma: Standard deviation of the injected noise, V; "np" needs it.
        loss_name: For "bp".
        activation: For "bp"; the default activation when None.
        demean_inputs: For "danp" and "anp".
        resolution: For "danp" and "anp": ‖δa‖ up to which two passes count as the same, V.

    Raises:
        ValueError: If the name, the reduction or the loss is unknown, or an argument does not fit
            the rule.
    """
    if reduction not in ("mean", "sum"):
        raise ValueError(f"rule {name}: reduction must be mean or sum, got {reduction!r}")
    if demean_inputs and name in ("np", "bp"):
        raise ValueError(f"rule {name}: demean_inputs is for danp and anp; leave it off")
    match name:
        case "danp" | "anp":
            return ActivityPerturbation(
                reduction, name == "danp", biases, demean_inputs, resolution
            )
        case "np":
            if sigma is None:
                raise ValueError(
                    "rule np: sigma is missing; "
                    "give the standard deviation of the injected noise in V"
                )
            return NodePerturbation(sigma, reduction, biases)
        case "bp":
            if loss_name not in LOSSES:
                raise ValueError(f"rule bp: no loss {loss_name!r}; known: {', '.join(LOSSES)}")
            return Backpropagation(loss_name, activation or Activation(), reduction, biases)
        case _:
            raise ValueError(f"no rule {name!r}; known: {', '.join(RULES)}")

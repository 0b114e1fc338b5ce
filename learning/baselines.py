"""The rules DANP is measured against: node perturbation and backpropagation."""

from dataclasses import dataclass, field

import numpy as np

from learning.activation import Activation, ActivationFunction
from learning.gradient import loss_gradient
from learning.model import Model
from learning.rule import Evidence, Reduction, Update


@dataclass(frozen=True)
class NodePerturbation:
    """Node perturbation (NP): a clean pass, then one with known noise.

    arXiv 2412.12783, Eq. 3, with the σ⁻² of its later version::

        δL = L(noisy) - L(clean)        ΔW_l = σ⁻² ⟨δL ε_l x̄_{l-1}ᵀ⟩

    x̄ is that of the clean first pass.

    Attributes:
        sigma: Standard deviation of the injected noise of a node, V.
        reduction: Over the batch.
        biases: Whether biases are learned.
    """

    sigma: float
    reduction: Reduction = "mean"
    biases: bool = False

    def __post_init__(self) -> None:
        if not (np.isfinite(self.sigma) and self.sigma > 0):
            raise ValueError(
                f"rule np: sigma must be a positive voltage, got {self.sigma}; "
                "give the standard deviation of the injected noise in V"
            )

    @property
    def name(self) -> str:
        """The key "np"."""
        return "np"

    @property
    def clean_first_pass(self) -> bool:
        """True: the noise of pass 1 is off."""
        return True

    @property
    def needs_gradient(self) -> bool:
        """False."""
        return False

    @property
    def decorrelates(self) -> bool:
        """False."""
        return False

    def update(self, model: Model, evidence: Evidence) -> Update:
        """Return the change direction for one batch.

        Raises:
            ValueError: If the evidence lacks the injected noise.
        """
        if evidence.noise is None:
            raise ValueError(
                "rule np: evidence.noise must hold the injected noise, got None; "
                "record it, or use anp or danp, which do not need it"
            )
        change = evidence.loss_second - evidence.loss_first
        share = 1.0 / len(change) if self.reduction == "mean" else 1.0
        signals = [share * change[:, None] * e / self.sigma**2 for e in evidence.noise]
        inputs = [model.decorrelated(i, x) for i, x in enumerate(evidence.first.layer_inputs())]
        return Update(
            weights=tuple(s.T @ x for s, x in zip(signals, inputs, strict=True)),
            biases=tuple(np.sum(s, axis=0) * self.biases for s in signals),
            decor=tuple(np.zeros_like(d) for d in model.decor),
        )


@dataclass(frozen=True)
class Backpropagation:
    """Gradient descent (BP) on the ideal mathematics; arXiv 2412.12783, Eq. 1.

    It reads the inputs of pass 1 and the targets, and nothing that was measured.

    Attributes:
        loss_name: A key of `learning.losses.LOSSES`.
        activation: Of the hidden layers.
        reduction: Over the batch.
        biases: Whether biases are learned.
    """

    loss_name: str
    activation: ActivationFunction = field(default_factory=Activation)
    reduction: Reduction = "mean"
    biases: bool = False

    @property
    def name(self) -> str:
        """The key "bp"."""
        return "bp"

    @property
    def clean_first_pass(self) -> bool:
        """False: no pass is read at all."""
        return False

    @property
    def needs_gradient(self) -> bool:
        """True: only mathematics can be differentiated."""
        return True

    @property
    def decorrelates(self) -> bool:
        """False."""
        return False

    def update(self, model: Model, evidence: Evidence) -> Update:
        """Return the gradient of one batch.

        Raises:
            ValueError: If the evidence lacks the targets.
        """
        if evidence.target is None:
            raise ValueError("rule bp: evidence.target must hold the targets, got None")
        weights, biases = loss_gradient(
            model,
            evidence.first.inputs,
            evidence.target,
            self.loss_name,
            self.activation,
            reduction=self.reduction,
        )
        return Update(
            weights=weights,
            biases=tuple(b * self.biases for b in biases),
            decor=tuple(np.zeros_like(d) for d in model.decor),
        )

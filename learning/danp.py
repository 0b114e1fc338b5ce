"""Activity-based node perturbation, plain (ANP) and decorrelated (DANP).

Dalm et al., arXiv 2310.00965; arXiv 2412.12783, Eq. 4. Two noisy passes of the same sample, no
clean pass, and no knowledge of the noise::

    δL = L(1) - L(2)            δa_l = a_l(1) - a_l(2)        N = Σ N_l
    ΔW_l = N ⟨δL δa_l / ‖δa‖² x̄_{l-1}(1)ᵀ⟩        Δb_l = N ⟨δL δa_l / ‖δa‖²⟩

with ‖δa‖² summed over all layers, sample by sample.
"""

from dataclasses import dataclass

import numpy as np

from learning.arrays import Array
from learning.decorrelation import decorrelation_update
from learning.model import Model
from learning.rule import Evidence, Reduction, Update


@dataclass(frozen=True)
class ActivityPerturbation:
    """ANP, or DANP when it also learns to decorrelate.

    The mean runs over all samples of the batch. A sample whose two passes saw exactly the same
    activities, or some that `resolution` cannot tell apart, has no direction. Two-level noise makes
    this happen. The sample is skipped, contributes zero to the mean, and is counted in
    `Update.skipped`. Its inputs still decorrelate.

    Attributes:
        reduction: "mean" as printed in the paper, "sum" as in its code. It scales weights and
            biases; the decorrelation is always a mean.
        decorrelate: False gives ANP, with a zero update of decor.
        biases: Whether Δb_l is learned or zero.
        demean_inputs: Take the batch mean m of x̄ away, so that C is a covariance and
            ΔW_l = N ⟨δL δa_l/‖δa‖² (x̄ - m)ᵀ⟩. The bias absorbs W m, hence
            Δb_l <- Δb_l - ΔW_l m. (The paper's code learns a running offset instead.)
        resolution: ‖δa‖ up to which two passes count as the same, V. Zero for mathematics; for
            measured voltages what the measurement cannot tell apart.
    """

    reduction: Reduction = "mean"
    decorrelate: bool = True
    biases: bool = False
    demean_inputs: bool = False
    resolution: float = 0.0

    def __post_init__(self) -> None:
        if self.demean_inputs and not self.biases:
            raise ValueError(
                f"rule {self.name}: demean_inputs needs biases to absorb the mean, "
                "got biases=False; try biases=True"
            )

    @property
    def name(self) -> str:
        """The key "danp" or "anp"."""
        return "danp" if self.decorrelate else "anp"

    @property
    def clean_first_pass(self) -> bool:
        """False: both passes are noisy."""
        return False

    @property
    def needs_gradient(self) -> bool:
        """False: two losses and the node voltages suffice."""
        return False

    @property
    def decorrelates(self) -> bool:
        """Whether decor learns."""
        return self.decorrelate

    def update(self, model: Model, evidence: Evidence) -> Update:
        """Return the change direction for one batch.

        Raises:
            ValueError: If inputs are to be demeaned over a batch of one sample.
        """
        batch = len(evidence.loss_first)
        if self.demean_inputs and batch < 2:
            raise ValueError(
                f"rule {self.name}: demean_inputs takes the mean of a batch, got 1 sample; "
                "try a batch of 2 or more"
            )
        signals, skipped = activity_signals(model, evidence, self.resolution)
        share = 1.0 / batch if self.reduction == "mean" else 1.0
        weights: list[Array] = []
        biases: list[Array] = []
        decor: list[Array] = []
        for i, (signal, x) in enumerate(zip(signals, evidence.first.layer_inputs(), strict=True)):
            inputs = model.decorrelated(i, x)
            mean = np.mean(inputs, axis=0) if self.demean_inputs else np.zeros(inputs.shape[1])
            inputs = inputs - mean
            weight = share * signal.T @ inputs
            bias = share * np.sum(signal, axis=0) - weight @ mean
            weights.append(weight)
            biases.append(bias if self.biases else np.zeros_like(bias))
            decor.append(
                decorrelation_update(model.decor[i], inputs)
                if self.decorrelate
                else np.zeros_like(model.decor[i])
            )
        return Update(tuple(weights), tuple(biases), tuple(decor), skipped)


def activity_signals(
    model: Model, evidence: Evidence, resolution: float = 0.0
) -> tuple[tuple[Array, ...], int]:
    """Return N δL δa_l/‖δa‖² of every sample, the estimate of ∂L/∂a_l.

    Returns:
        Shapes (B, N_l), and the number of samples whose ‖δa‖ is at most `resolution` (their rows
        are 0).
    """
    change = evidence.loss_first - evidence.loss_second
    shifts = [a - b for a, b in zip(evidence.first.pre, evidence.second.pre, strict=True)]
    norm = sum((np.sum(s**2, axis=1) for s in shifts), np.zeros(len(change)))
    seen = norm > resolution**2
    factor = np.zeros_like(norm)
    factor[seen] = model.units * change[seen] / norm[seen]
    return tuple(factor[:, None] * s for s in shifts), int(np.sum(~seen))

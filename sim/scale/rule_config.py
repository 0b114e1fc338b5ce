"""How a network is learned at scale: one section of the configuration."""

from pydantic import Field

from circuits.quantities import Count, Parameters, Ratio, Volt
from sim.scale.kinds import BatchReduction, Demean, LossName, Optimizer, RuleName, Schedule


class RuleConfig(Parameters):
    """How it is learned. What is left out follows from preset, data and rule."""

    rule: RuleName = Field(default="danp", description="learning rule")
    eta: Ratio | None = Field(default=None, gt=0, description="learning rate η of the weights, 1")
    decor_rate: Ratio | None = Field(
        default=None, ge=0, description="learning rate ε of the decorrelation, 1; danp has one"
    )
    schedule: Schedule | None = Field(
        default=None,
        description=(
            "η over the epochs: constant, or linear: falling from epoch to epoch, the last one's "
            "the first one's over their number; left out: linear; constant for the paper's "
            "presets, digits and teacher"
        ),
    )
    optimizer: Optimizer | None = Field(
        default=None, description="what updates go through; left out: adam; sgd for teacher"
    )
    loss: LossName | None = Field(
        default=None,
        description=(
            "cross-entropy of logits of 1 V, or of 5 a volt; squared-error: summed over outputs; "
            "left out: cross-entropy, with a cell cross-entropy-5; squared-error for teacher"
        ),
    )
    batch: Count | None = Field(
        default=None, ge=1, le=65_536, description="samples per update, 1; left out: 64"
    )
    epochs: Count | None = Field(
        default=None, ge=0, description="times through the training samples, 1; left out: 20"
    )
    biases: bool | None = Field(
        default=None, description="give every neuron a bias; left out: yes; no for teacher"
    )
    reduction: BatchReduction = Field(
        default="mean", description="of a batch: mean as the paper prints it, sum as its code does"
    )
    demean: Demean | None = Field(
        default=None,
        description=(
            "mean of the layers' inputs: none: left in; batch: taken off batch by batch; learned: "
            "as an offset beside the decorrelation (the paper's code); left out: none"
        ),
    )
    resolution: Volt = Field(
        default=0.0,
        ge=0,
        description="difference of two passes up to which an update is skipped, V",
    )

    def require_consistent(self) -> None:
        """Refuse what the rule does not do, by paths from the top of a configuration.

        Raises:
            ValueError: says what, and what to take.
        """
        if self.rule != "danp" and self.decor_rate:
            raise ValueError(
                f"learning.decor_rate: rule {self.rule} does not decorrelate, so "
                f"{self.decor_rate:g} would do nothing; give --decor-rate 0, or leave it out, or "
                "take --rule danp"
            )
        if self.demean == "learned" and self.rule != "danp":
            raise ValueError(
                "learning.demean: the offset is learned beside the decorrelation, which rule "
                f"{self.rule} has not; take none, or --rule danp"
            )
        if self.demean != "batch":
            return
        if self.rule in ("np", "bp"):
            raise ValueError(
                f"learning.demean: batch is for danp and anp, got rule {self.rule}; take none"
            )
        if self.biases is False:
            raise ValueError(
                "learning.demean: batch moves the mean of the inputs into biases, and there are "
                "none; take none, or give --biases"
            )
        if self.batch == 1:
            raise ValueError(
                "learning.batch: --demean batch takes the mean of a batch away, which is all of 1 "
                "sample; take --batch 2 or more, or --demean none"
            )

"""What a learning rule is given and what it answers."""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from learning.arrays import Array
from learning.model import Activity, Model

Reduction: TypeAlias = Literal["mean", "sum"]
"""How a batch becomes one update: arXiv 2412.12783 prints the mean, its code takes the sum."""


@dataclass(frozen=True)
class Update:
    """The direction of a change: parameter <- parameter - rate * update.

    Attributes:
        weights: ΔW_l, shape (N_l, N_{l-1}).
        biases: Δb_l, shape (N_l,); zero where biases are not learned.
        decor: Δdecor_{l-1}, shape (N_{l-1}, N_{l-1}); zero where a rule does not decorrelate.
        skipped: Number of samples of the batch that gave no weight update.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    decor: tuple[Array, ...]
    skipped: int = 0


@dataclass(frozen=True)
class Evidence:
    """Two passes of the same inputs under different noise, and how they scored.

    Attributes:
        first: Activity of pass 1; its layer inputs enter the update.
        second: Activity of pass 2.
        loss_first: Shape (B,).
        loss_second: Shape (B,).
        noise: Injected noise of pass 2 minus that of pass 1, shapes (B, N_l), V; only node
            perturbation has to know it.
        target: Shape (B, N_L); only backpropagation asks for it.
    """

    first: Activity
    second: Activity
    loss_first: Array
    loss_second: Array
    noise: tuple[Array, ...] | None = None
    target: Array | None = None


class Rule(Protocol):
    """A learning rule: from evidence to an update."""

    @property
    def name(self) -> str:
        """Short name, a key of `learning.rules.RULES`."""
        ...

    @property
    def clean_first_pass(self) -> bool:
        """Whether pass 1 has to run with the noise off."""
        ...

    @property
    def needs_gradient(self) -> bool:
        """Whether the rule differentiates the mathematics, so that no circuit can run it."""
        ...

    @property
    def decorrelates(self) -> bool:
        """Whether the update changes decor."""
        ...

    def update(self, model: Model, evidence: Evidence) -> Update:
        """Return the change direction for one batch."""
        ...

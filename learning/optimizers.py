"""From an update to new parameters: plain descent and Adam, with explicit state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from learning.arrays import Array
from learning.model import Model
from learning.rule import Update


@dataclass(frozen=True)
class State:
    """What an optimizer remembers between steps.

    Attributes:
        steps: Number of steps taken.
        first: Running mean of each gradient; empty for plain descent.
        second: Running mean of each squared gradient; empty for plain descent.
    """

    steps: int = 0
    first: tuple[Array, ...] = ()
    second: tuple[Array, ...] = ()

    def arrays(self) -> dict[str, Array]:
        """Return the state as named arrays for a checkpoint."""
        named = {"steps": np.array(float(self.steps))}
        named |= {f"first-{i}": a for i, a in enumerate(self.first)}
        return named | {f"second-{i}": a for i, a in enumerate(self.second)}

    @classmethod
    def from_arrays(cls, named: Mapping[str, Array]) -> "State":
        """Return the state that `arrays` wrote; names it does not know are ignored."""

        def moments(kind: str) -> tuple[Array, ...]:
            count = sum(1 for key in named if key.startswith(f"{kind}-"))
            return tuple(named[f"{kind}-{i}"] for i in range(count))

        return cls(int(named["steps"]), moments("first"), moments("second"))


class Optimizer(Protocol):
    """A step rule on a sequence of arrays."""

    def init(self, arrays: Sequence[Array]) -> State:
        """Return the state before the first step."""
        ...

    def step(
        self, state: State, arrays: Sequence[Array], gradients: Sequence[Array]
    ) -> tuple[State, tuple[Array, ...]]:
        """Return the state and the arrays after one step against the gradients."""
        ...


@dataclass(frozen=True)
class Sgd:
    """θ <- θ - η g.

    Attributes:
        eta: Learning rate η.
    """

    eta: float

    def init(self, arrays: Sequence[Array]) -> State:  # noqa: ARG002 - the protocol's shape
        """Return the empty state: plain descent remembers only how often it stepped."""
        return State()

    def step(
        self, state: State, arrays: Sequence[Array], gradients: Sequence[Array]
    ) -> tuple[State, tuple[Array, ...]]:
        """Return the state and the arrays after one step."""
        moved = tuple(a - self.eta * g for a, g in zip(arrays, gradients, strict=True))
        return State(state.steps + 1), moved


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980), with the paper's code's constants.

    Attributes:
        eta: Learning rate η.
        beta1: Decay of the running mean.
        beta2: Decay of the running mean square.
        epsilon: Added to the root of the mean square.
    """

    eta: float
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def init(self, arrays: Sequence[Array]) -> State:
        """Return zero moments in the shapes of the arrays."""
        zeros = tuple(np.zeros_like(a) for a in arrays)
        return State(0, zeros, zeros)

    def step(
        self, state: State, arrays: Sequence[Array], gradients: Sequence[Array]
    ) -> tuple[State, tuple[Array, ...]]:
        """Return the state and the arrays after one step."""
        n = state.steps + 1
        b1, b2 = self.beta1, self.beta2
        first = tuple(b1 * m + (1 - b1) * g for m, g in zip(state.first, gradients, strict=True))
        second = tuple(
            b2 * v + (1 - b2) * g**2 for v, g in zip(state.second, gradients, strict=True)
        )
        moved = tuple(
            a - self.eta * (m / (1 - b1**n)) / (np.sqrt(v / (1 - b2**n)) + self.epsilon)
            for a, m, v in zip(arrays, first, second, strict=True)
        )
        return State(n, first, second), moved


OPTIMIZERS: Mapping[str, type[Sgd] | type[Adam]] = MappingProxyType({"sgd": Sgd, "adam": Adam})


def make_optimizer(name: str, eta: float) -> Optimizer:
    """Build an optimizer.

    Raises:
        ValueError: If the name is unknown or the rate is not a positive number.
    """
    if name not in OPTIMIZERS:
        raise ValueError(f"no optimizer {name!r}; known: {', '.join(OPTIMIZERS)}")
    if not (np.isfinite(eta) and eta > 0):
        raise ValueError(f"optimizer {name}: eta must be a positive number, got {eta}")
    return OPTIMIZERS[name](eta)


def apply_update(
    model: Model, update: Update, optimizer: Optimizer, state: State, decor_rate: float
) -> tuple[Model, State]:
    """Move a model: weights and biases through the optimizer, decor by plain descent.

    Args:
        model: Before the step.
        update: From a rule.
        optimizer: With `state` started by `optimizer.init((*model.weights, *model.biases))`.
        state: Before the step.
        decor_rate: ε of the decorrelation.
    """
    depth = len(model.weights)
    state, moved = optimizer.step(
        state, (*model.weights, *model.biases), (*update.weights, *update.biases)
    )
    decor = tuple(d - decor_rate * u for d, u in zip(model.decor, update.decor, strict=True))
    return Model(moved[:depth], moved[depth:], decor), state

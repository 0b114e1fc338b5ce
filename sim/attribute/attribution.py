"""How a deviation divides among mechanisms.

With d the deviation of the circuit as it was, a vector over passes and nodes, and c the change that
a mechanism makes to it, its share is `⟨c, d⟩/|d|`, per node rms. It is what the mechanism takes off
the length of d to first order, and it adds up: the shares of changes that lead from d to a rest r
sum to `rms(d) − ⟨r, d⟩/|d|`, whatever the changes are. A negative share belongs to a mechanism that
makes up for others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.attribute.mechanisms import MECHANISMS, Mechanism
from sim.attribute.replay import Replay, Replayer
from sim.attribute.variant import Case

Array = NDArray[np.float64]
Vectors = tuple[Array, ...]
"""One a scope: each layer's outputs, shape (P, N_l), then those of all, shape (P, neurons)."""

ALL = "all nodes"


@dataclass(frozen=True)
class Effect:
    """What a mechanism does; figures one a scope, V.

    Attributes:
        mechanism: that is taken away.
        missing: why the circuit does not have it; None where it has.
        alone: share of its change to the circuit as it was.
        moves: rms of that change.
        mended: rms of the deviation that this leaves.
        then: share of its change after all mechanisms before it were taken away.
        nodes: where that change is largest; none where the circuit lacks the mechanism.
    """

    mechanism: Mechanism
    missing: str | None
    alone: tuple[float, ...]
    moves: tuple[float, ...]
    mended: tuple[float, ...]
    then: tuple[float, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Attribution:
    """Where a deviation comes from; figures one a scope, V.

    Attributes:
        case: what was asked about.
        scopes: `layer 1`, …, `all nodes`.
        passes: replayed.
        total: rms of the deviation.
        effects: in causal order.
        left: share that is left when all mechanisms are taken away.
        left_rms: rms of what is left then.
        made_here: share that a layer adds itself, one a layer; the rest is inherited.
        noise_moved: rms by which the noise itself changes without the TMR's dependence on bias,
            V; 0 where that is missing.
        real: the replay of the circuit as it was.
    """

    case: Case
    scopes: tuple[str, ...]
    passes: int
    total: tuple[float, ...]
    effects: tuple[Effect, ...]
    left: tuple[float, ...]
    left_rms: tuple[float, ...]
    made_here: tuple[float, ...]
    noise_moved: float
    real: Replay

    @property
    def interaction(self) -> tuple[float, ...]:
        """What mechanisms do together.

        What the shares of mechanisms on their own, and what is left over, miss of the total, or
        have too much.
        """
        sums = np.sum([effect.alone for effect in self.effects], axis=0)
        return tuple((np.array(self.total) - self.left - sums).tolist())


def attribution_of(replayer: Replayer, told: Callable[[str], None] = lambda _: None) -> Attribution:
    """Take the mechanisms away, each on its own and one after the other.

    Args:
        replayer: of a finished run.
        told: what is being simulated, before each replay; what it raises ends the work.

    Raises:
        SimulationError: ngspice failed on a variant.
    """
    case = replayer.case
    told("the circuit as it was")
    replay = replayer.run(case.real)
    real = scoped(replay.deviation)
    nodes = node_names(replay.deviation)
    variant, deviation = case.real, real
    effects = []
    noise_moved = 0.0
    for mechanism in MECHANISMS:
        missing = mechanism.missing(case)
        if missing is not None:
            none = (0.0,) * len(real)
            whole = tuple(rms(d) for d in real)
            effects.append(Effect(mechanism, missing, none, none, whole, none, ()))
            continue
        told(f"{mechanism.title}: alone")
        own = mechanism.ideal(case.real)
        alone = scoped(replayer.run(own).deviation)
        noise_moved += rms(own.passes.noise - case.real.passes.noise)
        first = variant is case.real
        variant = mechanism.ideal(variant)
        if first:
            after = alone
        else:
            told(f"{mechanism.title}: after those before it")
            after = scoped(replayer.run(variant).deviation)
        change = changed(deviation, after)
        effects.append(
            Effect(
                mechanism,
                None,
                alone=shares(changed(real, alone), real),
                moves=tuple(rms(c) for c in changed(real, alone)),
                mended=tuple(rms(d) for d in alone),
                then=shares(change, real),
                nodes=tuple(_most(c, names) for c, names in zip(change, nodes, strict=True)),
            )
        )
        deviation = after
    return Attribution(
        case=case,
        scopes=(*(f"layer {k}" for k in range(1, len(real))), ALL),
        passes=len(case.real.passes),
        total=tuple(rms(d) for d in real),
        effects=tuple(effects),
        left=shares(deviation, real),
        left_rms=tuple(rms(d) for d in deviation),
        made_here=shares(replayer.made_here(replay), real[:-1]),
        noise_moved=noise_moved,
        real=replay,
    )


def scoped(layers: Sequence[Array]) -> Vectors:
    """Each layer, and all of them side by side."""
    return (*layers, np.hstack(layers))


def changed(before: Vectors, after: Vectors) -> Vectors:
    """What was taken off."""
    return tuple(b - a for b, a in zip(before, after, strict=True))


def shares(change: Sequence[Array], deviation: Sequence[Array]) -> tuple[float, ...]:
    """`⟨c, d⟩/|d|` of each scope, per node rms, V; 0 where there is no deviation."""
    return tuple(share(c, d) for c, d in zip(change, deviation, strict=True))


def share(change: Array, deviation: Array) -> float:
    """`⟨c, d⟩/|d|`, per node rms, V; 0 where there is no deviation."""
    length = float(np.linalg.norm(deviation))
    if length == 0.0:
        return 0.0
    return float(np.sum(change * deviation)) / length / float(np.sqrt(deviation.size))


def rms(values: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(values**2)))


def node_names(layers: Sequence[Array]) -> tuple[tuple[str, ...], ...]:
    """Nodes of each scope: a layer's outputs, which for the last are its pre-activations."""
    last = len(layers)
    names = [
        tuple(f"{'a' if layer == last else 'x'}{layer}_{j}" for j in range(1, values.shape[1] + 1))
        for layer, values in enumerate(layers, start=1)
    ]
    return (*names, tuple(name for layer in names for name in layer))


def _most(change: Array, names: Sequence[str]) -> str:
    return names[int(np.argmax((change**2).sum(axis=0)))]

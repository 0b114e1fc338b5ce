"""Whether the fast update is the plain one: all of them on the same noise, held together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.scale.arrays import array_update
from benchmarks.scale.plain import PlainDanp
from benchmarks.scale.workload import LEAK, SIGMA, Workload
from learning.scale import TensorNetwork, make_learner

TOLERANCES: Mapping[str, float] = {"float64": 1e-10, "float32": 1e-2, "mixed": 0.3}
"""Differences that are rounding, by precision.

δL is a difference of two losses of some 2 nat that millivolts of noise move by 1e-3, so three
decimals are gone of 16, or of 7, before sums over hundreds of inputs are rounded, each library in
its own order. Mixed precision multiplies for decor in bfloat16 and keeps 8 bits, of C's diagonal
too, which is to cancel and is some ten times as large as what is beside it.
"""

_FAR = 1e4  # rates under which what is learned drowns the start: one step is then the update


@dataclass(frozen=True)
class Directions:
    """What an update changes, layer by layer."""

    weights: Sequence[Tensor]
    decor: Sequence[Tensor]


@dataclass(frozen=True)
class Difference:
    """Between two updates from the same network, batch and noise.

    Attributes:
        one: the first, in words.
        other: the second.
        precision: of the first.
        weights: largest difference of ΔW over all layers, in units of the layer's largest |ΔW|.
        decor: likewise of decor.
    """

    one: str
    other: str
    precision: str
    weights: float
    decor: float

    @property
    def same(self) -> bool:
        """Whether it is rounding; False where one is not finite."""
        most = TOLERANCES[self.precision]
        return self.weights <= most and self.decor <= most


class Replay:
    """Noise that was drawn before.

    Args:
        drawn: of every layer, shape (2, B, N_l), V.
    """

    sigma = SIGMA

    def __init__(self, drawn: Sequence[Tensor]) -> None:
        self._drawn = drawn

    def pair(self, layer: int, batch: int) -> Tensor:
        """Both passes of a layer, a copy."""
        return self._drawn[layer - 1][:, :batch].clone()

    def single(self, layer: int, batch: int) -> Tensor:
        """Pass 1 of a layer, a copy."""
        return self._drawn[layer - 1][0, :batch].clone()

    def state(self) -> dict[str, Tensor]:
        """Nothing moves on."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing to go back to."""


def compare(workload: Workload) -> list[Difference]:
    """Plain torch in float64 against everyone else, on one batch."""
    doubles, singles = torch.float64, torch.float32
    exact = _plain(workload, doubles)
    others = [
        ("this project", "float64", _fast(workload, doubles)),
        ("learning.danp in numpy", "float64", _arrays(workload)),
        ("this project", "float32", _fast(workload, singles)),
        ("plain torch", "float32", _plain(workload, singles)),
        ("this project, mixed precision", "mixed", _fast(workload, singles, mixed=True)),
    ]
    return [
        Difference(
            f"{name}, {'float32' if precision == 'mixed' else precision}",
            "plain torch, float64",
            precision,
            _largest(found.weights, exact.weights),
            _largest(found.decor, exact.decor),
        )
        for name, precision, found in others
    ]


def _largest(found: Sequence[Tensor], exact: Sequence[Tensor]) -> float:
    gaps = [
        float((a.double() - b).abs().max() / b.abs().max())
        for a, b in zip(found, exact, strict=True)
    ]
    return float(torch.tensor(gaps).max())  # unlike max(), it lets a NaN through


def _draw(workload: Workload, dtype: torch.dtype) -> list[Tensor]:
    """Gaussian noise, rounded to float32 once, so that all precisions see the same."""
    generator = torch.Generator().manual_seed(workload.seed)
    return [
        torch.normal(0.0, SIGMA, (2, workload.batch, n), generator=generator).to(
            workload.device, dtype
        )
        for n in workload.layers[1:]
    ]


def _start(workload: Workload, dtype: torch.dtype) -> tuple[TensorNetwork, Tensor, Tensor]:
    """Network and batch, rounded likewise."""
    rounded = workload.network(torch.float32)
    network = TensorNetwork(
        *(
            [t.to(dtype) for t in tensors]
            for tensors in (rounded.weights, rounded.biases, rounded.decor, rounded.offsets)
        )
    )
    inputs, targets = next(workload.batches(torch.float32))
    return network, inputs.to(dtype), targets.to(dtype)


def _fast(workload: Workload, dtype: torch.dtype, *, mixed: bool = False) -> Directions:
    network, inputs, targets = _start(workload, dtype)
    before = {name: tensor.clone() for name, tensor in network.tensors().items()}
    learner = make_learner(
        network,
        rule="danp",
        loss="cross-entropy",
        optimizer="sgd",
        eta=_FAR,
        decor_rate=_FAR,
        noise=Replay(_draw(workload, dtype)),
        leak=LEAK,
        mixed=mixed,
    )
    learner.step(inputs, targets)
    moved = {
        name: (before[name] - tensor).double() / _FAR for name, tensor in network.tensors().items()
    }
    depth = range(1, len(network.weights) + 1)
    return Directions([moved[f"weights-{k}"] for k in depth], [moved[f"decor-{k}"] for k in depth])


def _plain(workload: Workload, dtype: torch.dtype) -> Directions:
    network, inputs, targets = _start(workload, dtype)
    noise = _draw(workload, dtype)
    plain = PlainDanp(
        network,
        eta=_FAR,
        decor_rate=_FAR,
        leak=LEAK,
        draw=lambda layer, number, batch: noise[layer - 1][number - 1, :batch],
    )
    update = plain.update(inputs, targets)
    return Directions(update.weights, update.decor)


def _arrays(workload: Workload) -> Directions:
    network, inputs, targets = _start(workload, torch.float64)
    noise = [nu.cpu().numpy() for nu in _draw(workload, torch.float64)]
    update = array_update(
        network.to_model(),
        inputs.cpu().numpy(),
        targets.cpu().numpy(),
        tuple(nu[0] for nu in noise),
        tuple(nu[1] for nu in noise),
    )
    device = workload.device
    return Directions(
        [torch.as_tensor(a, device=device) for a in update.weights],
        [torch.as_tensor(a, device=device) for a in update.decor],
    )

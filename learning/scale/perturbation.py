"""NP, ANP and DANP on tensors, in place and for wide layers.

The equations are those of `learning.danp`, `learning.baselines` and `learning.decorrelation`.
C is never formed: with X̄ of shape (b, d), decor ← (1 + ε diag C) decor − (ε/b) X̄ᵀ (X̄ decor), which
costs b d² multiplications where (C − diag C) decor costs d³.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from learning.losses import Loss
from learning.rule import Reduction
from learning.scale.learner import Learner, Stepper
from learning.scale.network import TensorNetwork
from learning.scale.noise import Noise
from learning.scale.passes import Forward, Pair
from learning.scale.products import affine, subtract_outer, summed_outer

_ROUNDING = 1e-3
"""Of σ. Two passes that saw the same noise differ by rounding, since a row of a matrix product may
depend on its place; two that did not differ by a step of the noise in one node at least.

This is more than rounding for devices' noise, of millivolts. Float32 rounds sums of some volts by
10 nV and more, so for a σ below some 10 µV rounding alone may pass for a difference; `resolution`
is for that."""

Demean: TypeAlias = Literal["none", "batch", "learned"]
"""How the mean of a layer's input is taken away: not at all, that of each batch, or by an offset
that is learned beside decor, as in the authors' code of arXiv 2412.12783."""


class Perturbation(Learner):
    """Learning from two passes under different noise.

    Args:
        network: That learns.
        forward: Its passes.
        loss: Of each sample.
        noise: Of each node.
        optimizer: Of weights and biases.
        rule: "danp", "anp" or "np".
        decor_rate: ε of the decorrelation.
        reduction: Of the batch; the decorrelation is always a mean.
        biases: Whether biases are learned.
        demean: Of the layers' inputs.
        resolution: ‖δa‖ up to which two passes count as the same, V; never below a thousandth of
            the noise's σ.
        mixed: Whether the decorrelation multiplies in bfloat16. The passes never do: what noise
            changes would be lost in rounding.
    """

    def __init__(
        self,
        network: TensorNetwork,
        forward: Forward,
        loss: Loss,
        noise: Noise,
        optimizer: Stepper,
        *,
        rule: Literal["danp", "anp", "np"],
        decor_rate: float,
        reduction: Reduction,
        biases: bool,
        demean: Demean,
        resolution: float,
        mixed: bool,
    ) -> None:
        super().__init__(network, optimizer)
        self._forward = forward
        self._loss = loss
        self._noise = noise
        self._rule = rule
        self._decor_rate = decor_rate if rule == "danp" else 0.0
        self._reduction = reduction
        self._biases = biases
        self._demean = demean
        self._resolution = max(resolution, _ROUNDING * noise.sigma)
        self._low = torch.bfloat16 if mixed else network.dtype

    @torch.no_grad()
    def _learn(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        batch = len(inputs)
        if self._demean == "batch" and batch < 2:
            raise ValueError(
                f"rule {self._rule}: demean batch takes the mean of a batch, got 1 sample; "
                "try a batch of 2 or more"
            )
        noise = [self._noise.pair(k, batch) for k in range(1, len(self._network.weights) + 1)]
        if self._rule == "np":
            # Sources lend their noise: a recording is not to be written to.
            noise = [torch.stack((torch.zeros_like(nu[1]), nu[1])) for nu in noise]
        pair = self._forward.pair(inputs, noise)
        losses = self._loss.of_tensor(pair.prediction, targets.repeat(2, 1))
        change = losses[:batch] - losses[batch:]
        if self._rule == "np":
            factor = change / -(self._noise.sigma**2)
            skipped = change.new_zeros((), dtype=torch.int64)
            signals = [nu[1] for nu in noise]
        else:
            factor, skipped = self._factor(change, pair.shifts)
            signals = pair.shifts
        factor = factor[:, None] / (batch if self._reduction == "mean" else 1)
        self._set_gradients([signal.mul_(factor) for signal in signals], pair)
        self._optimizer.step()
        if self._decor_rate:
            self._decorrelate(pair.inputs)
        return losses[:batch].sum(), skipped

    def _factor(self, change: Tensor, shifts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """N δL/‖δa‖² of every sample, zero where there is no direction; and how many those are."""
        norm = torch.stack([torch.linalg.vecdot(s, s) for s in shifts]).sum(0)
        seen = norm > self._resolution**2
        factor = torch.where(seen, self._network.units * change / norm, 0.0)
        return factor, (~seen).sum()

    def _set_gradients(self, signals: Sequence[Tensor], pair: Pair) -> None:
        """ΔW and Δb from each sample's share of ∂L/∂a, shapes (b, N_l)."""
        net = self._network
        for k, signal in enumerate(signals):
            bias = self.gradients[len(net.weights) + k]
            mean = None
            if self._demean == "batch":
                mean = pair.inputs[k].mean(0)
                pair.inputs[k] = pair.inputs[k] - mean
            weight = summed_outer(signal, pair.inputs[k], self.gradients[k])
            self.gradients[k] = self._parameters[k].grad = weight
            if self._biases:
                torch.sum(signal, 0, out=bias)
                if mean is not None:
                    bias.addmv_(weight, mean, alpha=-1)

    def _decorrelate(self, inputs: Sequence[Tensor]) -> None:
        rate = self._decor_rate
        for decor, offset, x_bar in zip(
            self._network.decor, self._network.offsets, inputs, strict=True
        ):
            power = torch.linalg.vecdot(x_bar, x_bar, dim=0).mul_(rate / len(x_bar))
            x = x_bar.to(self._low)
            product = affine(x, decor.to(self._low).T)
            decor.mul_(power.add_(1.0)[:, None])
            subtract_outer(decor, x, product, rate / len(x))
            if self._demean == "learned":
                offset.sub_(x_bar.sum(0), alpha=rate)

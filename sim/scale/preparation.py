"""What a training at scale is made of, drawn from its configuration."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from circuits.network import format_layers
from learning import LOSSES, Loss, Model
from learning.scale import Forward, Learner, TensorNetwork, init_network, make_learner
from learning.scale.noise import Noise
from sim.errors import UserError
from sim.scale.cell import OpenedCell, open_cell
from sim.scale.config import ScaleConfig
from sim.scale.data import Data, Seeds, open_data
from sim.scale.device import describe_device, find_device
from sim.scale.noise import open_noise
from sim.scale.settings import complete
from sim.settings import changed
from sim.sources import has_mean


@dataclass(frozen=True)
class Setup:
    """What a training consists of.

    Attributes:
        config: complete, layers included; where there is a cell, with the circuit of that.
        data: on the device.
        network: that learns.
        start: what it was before.
        noise: at its nodes; None where neither rule nor scores ask for any.
        cell: of a circuit, in the mathematics' place; None for ideal ones.
        forward: passes through the network.
        learner: the rule at work on it.
        loss: per sample.
    """

    config: ScaleConfig
    data: Data
    network: TensorNetwork
    start: Model
    noise: Noise | None
    cell: OpenedCell | None
    forward: Forward
    learner: Learner
    loss: Loss

    @property
    def device(self) -> torch.device:
        """Where all of it is."""
        return self.network.device

    @property
    def about_device(self) -> dict[str, Any]:
        """What figures depend on of it."""
        return describe_device(self.device)


def set_up(config: ScaleConfig, tell: Callable[[str], None] = lambda _: None) -> Setup:
    """Read the data and draw network and noise.

    Seeds are spawned as `sim.preparation` spawns them: with the same seed and sizes, a teacher, a
    split of the digits and normal weights are those of `sim.run`.

    Args:
        config: what is left out is filled in.
        tell: is given a line on every file that is fetched.

    Raises:
        UserError: something of the configuration cannot be had, or does not fit.
    """
    config = complete(config)
    device = find_device(config.device)
    task_seed, start_seed, noise_seed, scoring_seed, order_seed, devices_seed = (
        np.random.SeedSequence(config.seed).spawn(6)
    )
    learning, evaluation = config.learning, config.evaluation
    try:
        data, layers = open_data(config, device, Seeds(task_seed, order_seed, scoring_seed), tell)
        _require_means(config, data.train.samples)
        config = changed(config, {"network.layers": format_layers(layers)})
        network = init_network(
            layers,
            np.random.default_rng(start_seed),
            scheme=config.network.init or "uniform",
            scale=config.network.init_scale,
            biases=bool(learning.biases),
            device=device,
        )
        cell = open_cell(config, layers, device, devices_seed) if config.cell else None
        noise = None
        _require_zero_mean(config)
        if learning.rule != "bp" or evaluation.noise:
            noise = open_noise(
                config.circuit,
                layers,
                t_pass=config.noise.t_pass,
                order=config.noise.order,
                gain=config.noise.gain,
                batch=learning.batch or 1,
                device=device,
                dtype=network.dtype,
                seed=noise_seed,
            )
        learner = make_learner(
            network,
            rule=learning.rule,
            loss=learning.loss or "cross-entropy",
            optimizer=learning.optimizer or "adam",
            eta=learning.eta or 0.0,
            decor_rate=learning.decor_rate or 0.0,
            noise=noise,
            leak=config.network.leak or 0.0,
            reduction=learning.reduction,
            biases=bool(learning.biases),
            demean=learning.demean or "none",
            resolution=learning.resolution,
            hardware=cell.hardware if cell else None,
            mixed=config.precision == "mixed",
            compiled=config.compiled,
        )
    except ValueError as error:
        raise UserError(str(error)) from None
    forward = Forward(
        network,
        config.network.leak or 0.0,
        cell.hardware if cell else None,
        decorrelated=learning.rule == "danp",
    )
    loss = LOSSES[learning.loss or "cross-entropy"]
    start = network.to_model()
    return Setup(config, data, network, start, noise, cell, forward, learner, loss)


def _require_means(config: ScaleConfig, samples: int) -> None:
    """Refuse a batch of one sample whose mean is taken away: nothing is left to learn from."""
    batch = config.learning.batch or 1
    if config.learning.demean == "batch" and samples % batch == 1:
        raise UserError(
            f"--demean batch: {samples:,} samples in batches of {batch:,} leave one of 1 sample, "
            "whose mean is all of it; give another --batch or --train-samples, or take "
            "--demean none"
        )


def _require_zero_mean(config: ScaleConfig) -> None:
    """Refuse noise with a mean where a rule takes the noise itself for zero on average."""
    if config.learning.rule == "np" and has_mean(config.circuit):
        raise UserError(
            f"--rule np: it takes the noise itself for zero on average, and source "
            f"{config.circuit.noise.source} as set has a mean: leave its skew and offset at 0, or "
            "remove_mean on"
        )

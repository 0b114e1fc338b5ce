"""Lines that say what a training is, and which engine made its figures."""

import torch

from learning.datasets.digits import SAMPLES
from learning.datasets.images import DIGITS_TRAIN
from learning.datasets.published import DIGITS, PUBLISHED
from sim.scale.config import ScaleConfig
from sim.scale.device import engine
from sim.scale.preparation import Setup


def layers_of(config: ScaleConfig) -> str:
    """Units per layer as people write them: 784-500-10."""
    return "-".join(map(str, config.network.layers or ()))


def part_of(setup: Setup) -> str:
    """How many of the images a training learns from, where these are not all that it might."""
    data, samples = setup.config.data, setup.data.train.samples
    if data.name == DIGITS:
        whole, all_of_them = SAMPLES, DIGITS_TRAIN
    elif data.name in PUBLISHED:
        whole = all_of_them = PUBLISHED[data.name].train
    else:
        return ""
    return "" if samples == all_of_them else f", {samples:,} of {whole:,} images"


def noise_of(setup: Setup) -> str:
    """Rule and noise in a few words."""
    rule, noise = setup.config.learning.rule, setup.noise
    if noise is None:
        return f"{rule}, no noise"
    source = setup.config.circuit.noise.source
    scored = ", scored under it" if setup.config.evaluation.noise else ""
    return f"{rule}, {source} noise of {1e3 * noise.sigma:.3g} mV rms{scored}"


def start_line(setup: Setup, *, finished: int) -> str:
    """What is trained on what, by which rule and noise, with what.

    Args:
        setup: of the training.
        finished: epochs that a training which goes on has behind it.
    """
    config, data = setup.config, setup.data
    about = setup.about_device
    threads = f", {counted(about['threads'], 'thread')}" if about["threads"] else ""
    done = f", {finished:,} of them done" if finished else ""
    by = "a circuit's cells in mathematics" if setup.cell else "mathematics"
    return (
        f"{layers_of(config)} on {config.data.name}{part_of(setup)} ({data.source}): "
        f"{noise_of(setup)}, {counted(config.learning.epochs or 0, 'epoch')} in batches of "
        f"{config.learning.batch}{done}; by {by} on {about['kind']}{threads}, "
        f"torch {torch.__version__}; no SPICE"
    )


def figure_title(setup: Setup, epochs: int) -> str:
    """What a figure shows, and which engine made it."""
    config = setup.config
    return (
        f"{config.data.name} {layers_of(config)}{part_of(setup)}: {noise_of(setup)}\n"
        f"{counted(epochs, 'epoch')} of {config.learning.epochs or 0:,}, seed {config.seed}, "
        f"{'cells of a circuit, ' if setup.cell else ''}{engine(setup.device)}"
    )


def counted(count: int, what: str) -> str:
    """A number of things: 1 epoch, 2 epochs."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"

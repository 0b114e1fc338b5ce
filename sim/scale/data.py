"""The data of a training, on its device: images of the published sets, or a teacher's answers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from circuits.network import format_layers
from learning import DEFAULTS, Activation, make_task
from learning.datasets.image_set import Images, ImageSet
from learning.datasets.images import load_images
from learning.scale.batches import Batches
from sim.errors import UserError
from sim.same import digest_of_arrays
from sim.scale.config import ScaleConfig
from sim.scale.kinds import TEACHER

Batch = tuple[Tensor, Tensor]

_HIDDEN = (500, 500, 500)  # the paper's
_SCORED = 1000  # samples scored at once
_ORDER, _DONE = "order", "done"


class Epochs(Protocol):
    """Batches of an epoch, anew at every iteration; a restored one goes on where it stood."""

    samples: int

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Batch]: ...

    def state(self) -> dict[str, Tensor]:
        """Where the epoch under way is, between two batches."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Have the next iteration go on where a state was taken."""
        ...


@dataclass(frozen=True)
class Data:
    """What is learned from, and what is scored on.

    Attributes:
        train: batches to learn from, in an order drawn anew each epoch.
        scored_train: training samples to score on.
        test: held-out samples; None: there are none.
        classes: number of classes; None where targets are numbers.
        source: one line on where they are from.
        digest: SHA-256 of all of it.
    """

    train: Epochs
    scored_train: Epochs
    test: Epochs | None
    classes: int | None
    source: str
    digest: str


@dataclass(frozen=True)
class Seeds:
    """Where what is drawn of the data comes from."""

    task: np.random.SeedSequence
    order: np.random.SeedSequence
    scoring: np.random.SeedSequence


class Samples:
    """Batches of samples that are numbers, all on the device.

    Args:
        inputs: shape (S, N_0), V.
        targets: shape (S, N_L), V.
        batch: samples a batch; the last one of an epoch may have fewer.
        generator: of the order, on the CPU; None keeps them in theirs.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, batch: int, generator: torch.Generator | None = None
    ) -> None:
        self.samples = len(inputs)
        self._inputs, self._targets = inputs, targets
        self._batch = batch
        self._generator = generator
        self._begun = self._drawn_from()
        self._done = 0

    def __len__(self) -> int:
        return (self.samples + self._batch - 1) // self._batch

    def __iter__(self) -> Iterator[Batch]:
        self._begun = self._drawn_from()
        order = None
        if self._generator is not None:
            order = torch.randperm(self.samples, generator=self._generator)
            order = order.to(self._inputs.device)
        for k in range(self._done, len(self)):
            place = slice(k * self._batch, (k + 1) * self._batch)
            self._done = k + 1
            if self._done == len(self):
                self._begun, self._done = self._drawn_from(), 0
            chosen = place if order is None else order[place]
            yield self._inputs[chosen], self._targets[chosen]

    def state(self) -> dict[str, Tensor]:
        """Where the epoch under way is, between two batches."""
        return {_ORDER: self._begun.clone(), _DONE: torch.tensor(self._done)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Have the next iteration go on where a state was taken."""
        if self._generator is not None:
            self._generator.set_state(state[_ORDER])
        self._begun, self._done = state[_ORDER], int(state[_DONE])

    def _drawn_from(self) -> Tensor:
        if self._generator is None:
            return torch.empty(0, dtype=torch.uint8)
        return self._generator.get_state()


def open_data(
    config: ScaleConfig, device: torch.device, seeds: Seeds, tell: Callable[[str], None]
) -> tuple[Data, tuple[int, ...]]:
    """Read or draw the data, and find the layers that are to learn it.

    Args:
        config: complete but for the layers.
        device: where they go.
        seeds: of what is drawn.
        tell: is given a line on every file that is fetched.

    Returns:
        The data, and N_0..N_L.

    Raises:
        ValueError: the files, the sizes or the layers will not do.
    """
    if config.data.name == TEACHER:
        return _teacher(config, device, seeds)
    images = load_images(
        config.data.name,
        None if config.data.data_dir is None else Path(config.data.data_dir),
        download=config.data.download,
        train_samples=config.data.train_samples,
        test_samples=config.data.test_samples,
        rng=np.random.default_rng(seeds.task),
        tell=tell,
    )
    layers = _layers(config, (images.inputs, images.classes))
    return _of_images(config, images, device, seeds), layers


def _of_images(config: ScaleConfig, images: ImageSet, device: torch.device, seeds: Seeds) -> Data:
    data, scoring = config.data, config.evaluation
    train, test = images.train, images.test

    def batches(
        part: Images, batch: int, augment: bool, seed: np.random.SeedSequence | None
    ) -> Batches:
        return Batches(
            part,
            device=device,
            dtype=torch.float32,
            batch=batch,
            augment="crop-flip" if augment else "none",
            generator=None if seed is None else _generator(seed),
            shuffle=seed is seeds.order,
            scale=data.scale or "paper",
        )

    scored = _scored_at_once(config)
    return Data(
        train=batches(train, config.learning.batch or 1, data.augment == "crop-flip", seeds.order),
        scored_train=batches(
            train.first(scoring.train_samples),
            scored,
            scoring.augment,
            seeds.scoring if scoring.augment else None,
        ),
        test=batches(test, scored, False, None),
        classes=images.classes,
        source=images.source,
        digest=digest_of_arrays(train.pixels, train.labels, test.pixels, test.labels),
    )


def _teacher(
    config: ScaleConfig, device: torch.device, seeds: Seeds
) -> tuple[Data, tuple[int, ...]]:
    known = DEFAULTS[TEACHER].layers
    layers = config.network.layers or _between(known, config.network.hidden, known[1:-1])
    task = make_task(
        TEACHER,
        layers,
        config.data.train_samples,
        np.random.default_rng(seeds.task),
        Activation(negative_slope=config.network.leak or 0.0),
    )
    inputs, targets = (
        torch.tensor(array, device=device, dtype=torch.float32)
        for array in (task.train_inputs, task.train_targets)
    )
    data = Data(
        train=Samples(inputs, targets, config.learning.batch or 1, _generator(seeds.order)),
        scored_train=Samples(inputs, targets, _scored_at_once(config)),
        test=None,
        classes=None,
        source=f"{len(inputs):,} answers of a random {format_layers(layers)}, drawn",
        digest=digest_of_arrays(task.train_inputs, task.train_targets),
    )
    return data, layers


def _layers(config: ScaleConfig, ends: tuple[int, int]) -> tuple[int, ...]:
    """N_0..N_L, their ends those of the data."""
    given = config.network.layers
    if given is None:
        return _between(ends, config.network.hidden, _HIDDEN)
    if (given[0], given[-1]) != ends:
        wanted = format_layers(_between(ends, given[1:-1], ()))
        raise UserError(
            f"--layers: {config.data.name} has {ends[0]} inputs and {ends[1]} classes, got "
            f"{format_layers(given)}; wanted {wanted}, or --hidden alone"
        )
    return given


def _between(
    ends: tuple[int, ...], hidden: tuple[int, ...] | None, default: tuple[int, ...]
) -> tuple[int, ...]:
    return (ends[0], *(default if hidden is None else hidden), ends[-1])


def _scored_at_once(config: ScaleConfig) -> int:
    """A batch of the scores; under noise that of the training, which the sources are made for."""
    return (config.learning.batch or 1) if config.evaluation.noise else _SCORED


def _generator(seed: np.random.SeedSequence) -> torch.Generator:
    # On the CPU, so that an epoch is the same on every device.
    return torch.Generator().manual_seed(int(seed.generate_state(1, np.uint64)[0] >> 1))

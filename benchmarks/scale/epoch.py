"""An epoch: every image of a set once, drawn, normalised and learned from."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.scale.clock import wait
from benchmarks.scale.contenders import Contender
from benchmarks.scale.workload import Workload
from learning.scale.batches import Batches


@dataclass(frozen=True)
class Epoch:
    """One epoch of one contender.

    Attributes:
        title: of the contender.
        workload: in words.
        threads: of the processor.
        images: that were learned from.
        seconds: that it took.
        making: seconds of making its batches alone, in a pass of its own.
    """

    title: str
    workload: str
    threads: int
    images: int
    seconds: float
    making: float


def time_epoch(workload: Workload, contender: Contender, *, threads: int, images: int) -> Epoch:
    """Learn from so many images, in batches that are made on the device as in a training."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(workload.seed)
    batches = Batches(
        workload.images(images),
        device=workload.device,
        dtype=torch.float32,
        batch=workload.batch,
        generator=generator,
        shuffle=True,
    )
    learn = contender.learner(workload)
    learn(*next(workload.batches()))  # whatever is made once
    return Epoch(
        contender.title,
        workload.name,
        threads,
        images,
        _seconds(batches, learn, workload.device),
        _seconds(batches, lambda *_: None, workload.device),
    )


def _seconds(
    batches: Iterable[tuple[Tensor, Tensor]],
    learn: Callable[[Tensor, Tensor], object],
    device: torch.device,
) -> float:
    wait(device)
    begun = time.perf_counter()
    for inputs, targets in batches:
        learn(inputs, targets)
    wait(device)
    return time.perf_counter() - begun

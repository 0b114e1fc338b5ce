"""The device that tensors are on, and what a figure says of it."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sim.errors import UserError


def find_device(asked: str) -> torch.device:
    """The device that was asked for.

    Args:
        asked: auto, cpu, cuda or cuda:N.

    Raises:
        UserError: there is no such device.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "auto":
        return torch.device("cuda", 0) if there else torch.device("cpu")
    device = torch.device(asked)
    if device.type == "cuda":
        if not there:
            raise UserError(
                f"--device {asked}: torch {torch.__version__} finds no CUDA device here; take "
                "--device cpu, or install a build of torch for CUDA and its driver"
            )
        if (device.index or 0) >= there:
            raise UserError(
                f"--device {asked}: there are {there}, the last one is cuda:{there - 1}"
            )
        return torch.device("cuda", device.index or 0)
    return device


def describe_device(device: torch.device) -> dict[str, Any]:
    """What a figure depends on: kind and name, and threads of a CPU."""
    if device.type == "cuda":
        return {"kind": str(device), "name": torch.cuda.get_device_name(device), "threads": None}
    name = platform.processor() or platform.machine()
    return {
        "kind": "cpu",
        "name": name,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
    }


def engine(device: torch.device) -> str:
    """The engine as figures name it."""
    return f"mathematics (torch, {device.type})"


@contextmanager
def working_with(threads: int | None) -> Iterator[None]:
    """Let torch use so many threads on a CPU while the context lasts; none: as it is."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if threads is not None:
            torch.set_num_threads(before)

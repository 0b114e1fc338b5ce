"""What the machine can do at best, measured in the same run: bandwidth and rate of products.

Copy and triad after J. D. McCalpin's STREAM (1995): b ← a moves two arrays, c ← a + s b three.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.scale.clock import time_steps

_REPEATS = 15
_FAR = 1 << 26  # elements, 256 MB: beyond every cache
_SQUARE = 1024  # side of the product


@dataclass(frozen=True)
class Limits:
    """The best of some repeats.

    Attributes:
        threads: of the processor.
        copy: GB/s, of arrays far larger than caches.
        triad: likewise.
        near: GB/s of a triad on arrays that together are as large as what a step works on.
        product: GFLOP/s of a float32 product of two 1,024 × 1,024 matrices by `torch.mm`.
    """

    threads: int
    copy: float
    triad: float
    near: float
    product: float


def measure_limits(device: torch.device, threads: int, working_set: int) -> Limits:
    """Measure them.

    Args:
        device: of the network.
        threads: of the processor.
        working_set: bytes that a step works on.
    """
    torch.set_num_threads(threads)
    copy, triad = _stream(device, _FAR)
    _, near = _stream(device, max(working_set // 12, 1))
    a, b = (torch.rand(_SQUARE, _SQUARE, device=device) for _ in range(2))
    out = torch.empty_like(a)
    product = 2 * _SQUARE**3 / _best(lambda: torch.mm(a, b, out=out), device)
    return Limits(threads, copy / 1e9, triad / 1e9, near / 1e9, product / 1e9)


def _stream(device: torch.device, elements: int) -> tuple[float, float]:
    """Bytes a second of copy and triad."""
    a, b = (torch.ones(elements, device=device) for _ in range(2))
    c = torch.empty_like(a)
    size = a.numel() * a.element_size()
    copy = 2 * size / _best(lambda: b.copy_(a), device)
    return copy, 3 * size / _best(lambda: torch.add(a, b, alpha=3.0, out=c), device)


def _best(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of the fastest of some calls."""
    return min(time_steps(call, 1, device)[0] for _ in range(_REPEATS)) / 1e3

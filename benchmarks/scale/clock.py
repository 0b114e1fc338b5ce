"""Wall and processor time of steps, on a processor and on a GPU."""

import time
from collections.abc import Callable

import torch


def time_steps(step: Callable[[], object], steps: int, device: torch.device) -> tuple[float, float]:
    """Wall and processor time of a step, ms, mean of several.

    On a GPU the wall time is that between two of its own events, around all steps.
    """
    events = None
    if device.type == "cuda":
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    wait(device)
    cpu, wall = time.process_time(), time.perf_counter()
    if events:
        events[0].record()
    for _ in range(steps):
        step()
    if events:
        events[1].record()
    wait(device)
    seconds = time.perf_counter() - wall
    spent = time.process_time() - cpu
    ms = events[0].elapsed_time(events[1]) if events else 1e3 * seconds
    return ms / steps, 1e3 * spent / steps


def wait(device: torch.device) -> None:
    """Until a device has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)

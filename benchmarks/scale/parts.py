"""Where the time of a step goes: by function of `learning.scale`, and by operation."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

import torch
from torch.profiler import ProfilerActivity, profile

import learning

_ROOT = Path(learning.__file__).parent
_MOST = 12  # operations shown


@dataclass(frozen=True)
class Part:
    """A share of a step.

    Attributes:
        name: of a function, as `scale/perturbation.py: _decorrelate`, or of an operation.
        ms: a step.
        share: of all that was seen.
        calls: a step.
    """

    name: str
    ms: float
    share: float
    calls: float


def by_function(step: Callable[[], object], steps: int) -> list[Part]:
    """Time of each function of `learning` with all that it calls outside of it; longest first.

    Watching costs some microseconds a call. Only for processors: a GPU is not waited for.
    """
    watch = _Watch()
    sys.setprofile(watch)
    try:
        for _ in range(steps):
            step()
    finally:
        sys.setprofile(None)
    return _parts(watch.found, steps)


def by_operation(step: Callable[[], object], steps: int, device: torch.device) -> list[Part]:
    """Time of each operation of torch, on the processor or on the GPU; longest first."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as profiler:
        for _ in range(steps):
            step()
    found: dict[str, tuple[float, float]] = {}
    for event in profiler.key_averages():
        us = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        if us > 0:
            found[event.key] = us / 1e6, event.count
    return _parts(found, steps)[:_MOST]


class _Watch:
    """What `sys.setprofile` tells: the clock runs for the innermost function of the project."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float]] = {}
        self._names: dict[CodeType, str | None] = {}
        self._stack: list[str] = []
        self._since = 0.0

    def __call__(self, frame: FrameType, event: str, arg: object) -> None:  # noqa: ARG002 - given
        if event not in ("call", "return"):
            return
        name = self._name(frame.f_code)
        if name is None:
            return
        now = time.perf_counter()
        if self._stack:
            seconds, calls = self.found[self._stack[-1]]
            self.found[self._stack[-1]] = seconds + now - self._since, calls
        if event == "call":
            seconds, calls = self.found.get(name, (0.0, 0.0))
            self.found[name] = seconds, calls + 1
            self._stack.append(name)
        elif self._stack:
            self._stack.pop()
        self._since = time.perf_counter()

    def _name(self, code: CodeType) -> str | None:
        """File and function; None outside of the project."""
        if code not in self._names:
            path = Path(code.co_filename)
            # A comprehension is part of the function that it stands in.
            ours = path.is_relative_to(_ROOT) and not code.co_name.startswith("<")
            name = f"{path.relative_to(_ROOT).as_posix()}: {code.co_name}" if ours else None
            self._names[code] = name
        return self._names[code]


def _parts(found: dict[str, tuple[float, float]], steps: int) -> list[Part]:
    total = sum(seconds for seconds, _ in found.values())
    parts = [
        Part(name, 1e3 * seconds / steps, seconds / total, calls / steps)
        for name, (seconds, calls) in found.items()
    ]
    return sorted(parts, key=lambda part: -part.ms)

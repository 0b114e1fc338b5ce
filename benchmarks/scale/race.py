"""All contenders on one workload, round by round: each makes a few steps, then the next does."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from threadpoolctl import threadpool_limits

from benchmarks.scale.clock import time_steps, wait
from benchmarks.scale.contenders import BASELINE, Contender, Step
from benchmarks.scale.counts import Counts, count
from benchmarks.scale.statistics import Spread, spread
from benchmarks.scale.workload import Workload


@dataclass(frozen=True)
class Timed:
    """A contender on a workload.

    Attributes:
        name: of the contender.
        title: likewise, in words.
        workload: in words.
        threads: of the processor that it was given.
        wall: ms a step, over rounds.
        cpu: ms of processor time a step, over rounds; of all threads.
        times: plain torch's time over its own, round by round; None for the baseline, and where
            it did not run.
        times_cpu: likewise of processor time.
        counts: operations and bytes of a step.
        start: s until the first step had ended.
    """

    name: str
    title: str
    workload: str
    threads: int
    wall: Spread
    cpu: Spread
    times: Spread | None
    times_cpu: Spread | None
    counts: Counts | None
    start: float

    @property
    def setting(self) -> str:
        """Workload and threads, in words."""
        return f"{self.workload}, {in_words(self.threads)}"

    @property
    def rate(self) -> float | None:
        """GFLOP/s of its matrix products, over the whole step."""
        return None if self.counts is None else self.counts.operations / self.wall.median / 1e6

    @property
    def bandwidth(self) -> float | None:
        """GB/s of its operands."""
        return None if self.counts is None else self.counts.moved / self.wall.median / 1e6


def in_words(threads: int) -> str:
    """1 thread, 2 threads."""
    return f"{threads} thread{'s' * (threads > 1)}"


def run_race(
    workload: Workload,
    contenders: Sequence[Contender],
    *,
    threads: int,
    rounds: int,
    steps: int,
    say: Callable[[str], None],
) -> list[Timed]:
    """Time everyone.

    Every round goes through all contenders in an order of its own, so that what else the machine
    does falls on all of them alike; ratios are taken within a round.

    Args:
        workload: what.
        contenders: who.
        threads: of the processor.
        rounds: how often everyone has a turn.
        steps: of a turn; a tenth of them, at least one, for who takes long.
        say: told what is going on.
    """
    torch.set_num_threads(threads)
    opened: dict[str, Step] = {}
    starts: dict[str, float] = {}
    counts: dict[str, Counts | None] = {}
    for one in contenders:
        say(f"{workload.name}, {in_words(threads)}: starting {one.name}")
        counts[one.name] = count(one.open(workload)) if one.counted else None
        begun = time.perf_counter()
        opened[one.name] = step = one.open(workload)
        step()
        wait(workload.device)
        starts[one.name] = time.perf_counter() - begun
        step()
    walls: dict[str, list[float]] = {name: [] for name in opened}
    cpus: dict[str, list[float]] = {name: [] for name in opened}
    order = list(opened)
    turns = random.Random(workload.seed)  # noqa: S311 - an order, no secret
    with threadpool_limits(threads, user_api="blas"):  # numpy's, which torch does not set
        for k in range(rounds):
            say(f"{workload.name}, {in_words(threads)}: round {k + 1} of {rounds}")
            turns.shuffle(order)
            for name in order:
                wall, cpu = time_steps(opened[name], _turn(name, steps), workload.device)
                walls[name].append(wall)
                cpus[name].append(cpu)
    return [
        Timed(
            one.name,
            one.title,
            workload.name,
            threads,
            spread(walls[one.name]),
            spread(cpus[one.name]),
            _ratios(walls, one.name),
            _ratios(cpus, one.name),
            counts[one.name],
            starts[one.name],
        )
        for one in contenders
    ]


def _turn(name: str, steps: int) -> int:
    return max(steps // 10, 1) if name in _SLOW else steps


_SLOW = ("plain-tensor", "arrays")  # a tenth of a second a step and more


def _ratios(found: Mapping[str, Sequence[float]], name: str) -> Spread | None:
    if name == BASELINE or BASELINE not in found:
        return None
    return spread([a / b for a, b in zip(found[BASELINE], found[name], strict=True)])

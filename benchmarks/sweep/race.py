"""All ways through all points, round after round, and what their times say together."""

import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.scale.statistics import Spread, spread
from benchmarks.sweep.agreement import Traces, differing, trace
from benchmarks.sweep.ways import BARE, SWEEP, WAYS, Turn, take_turn
from benchmarks.sweep.workload import Workload


@dataclass(frozen=True)
class Timed:
    """One way with one number of workers, over rounds.

    Attributes:
        way: of `WAYS`.
        workers: processes that compute.
        wall: s for all points.
        start: s until every worker was ready.
        busy: share of the workers' time that went into points.
        efficiency: T₁ / (k T_k) of this way, round by round; None where one worker had no turn.
        overhead: s a point more than the bare processes of as many workers; None for these.
        doubtful: rounds that did not end with every point done.
    """

    way: str
    workers: int
    wall: Spread
    start: Spread
    busy: Spread
    efficiency: Spread | None
    overhead: Spread | None
    doubtful: int

    @property
    def title(self) -> str:
        """In words."""
        return f"{WAYS[self.way]}, {self.workers}"


@dataclass(frozen=True)
class Race:
    """All that was measured.

    Attributes:
        workload: the points.
        rounds: how often everyone had a turn.
        turns: all, in the order in which they were taken.
        timed: the same, over rounds.
        differing: keys of points that some way found otherwise than the first turn did.
    """

    workload: Workload
    rounds: int
    turns: Sequence[Turn]
    timed: Sequence[Timed]
    differing: Sequence[str]

    @property
    def sound(self) -> bool:
        """Whether every way computed every point, and all found the same."""
        return not self.differing and not any(one.doubtful for one in self.timed)


def run_race(
    workload: Workload, workers: Sequence[int], rounds: int, say: Callable[[str], None]
) -> Race:
    """Give every way a turn in each round, in an order of its own, and compare what they find.

    Args:
        workload: the points.
        workers: numbers of workers.
        rounds: how often.
        say: told what is going on.
    """
    order = [(way, k) for k in workers for way in WAYS]
    shuffled = random.Random(0)  # noqa: S311  # an order, no secret
    turns: list[Turn] = []
    first: Traces = {}
    wrong: dict[str, None] = {}
    for number in range(rounds):
        shuffled.shuffle(order)
        for way, k in order:
            say(f"round {number + 1} of {rounds}: {WAYS[way]}, {k}")
            with tempfile.TemporaryDirectory() as scratch:
                turn = take_turn(way, k, workload, Path(scratch))
                traces = trace(turn.found, Path(scratch))
            turns.append(turn)
            first = first or traces
            wrong |= dict.fromkeys(differing(first, traces))
    return Race(workload, rounds, turns, evaluate(workload, turns), list(wrong))


def evaluate(workload: Workload, turns: Sequence[Turn]) -> list[Timed]:
    """Medians over rounds; ratios and differences are taken within a round.

    Args:
        workload: the points.
        turns: round after round, each way with each number of workers once a round.
    """
    by_kind: dict[tuple[str, int], list[Turn]] = {}
    for turn in turns:
        by_kind.setdefault((turn.way, turn.workers), []).append(turn)
    return [
        Timed(
            way,
            k,
            spread([turn.wall for turn in mine]),
            spread([turn.start for turn in mine]),
            spread([turn.busy for turn in mine]),
            _efficiency(mine, by_kind.get((way, 1))),
            _overhead(mine, by_kind[BARE, k], workload.points) if way == SWEEP else None,
            sum(any(one.state != "done" for one in turn.found.values()) for turn in mine),
        )
        for (way, k), mine in sorted(by_kind.items())
    ]


def _efficiency(mine: Sequence[Turn], alone: Sequence[Turn] | None) -> Spread | None:
    if alone is None:
        return None
    pairs = zip(alone, mine, strict=True)
    return spread([one.wall / (turn.workers * turn.wall) for one, turn in pairs])


def _overhead(mine: Sequence[Turn], bare: Sequence[Turn], points: int) -> Spread:
    """What is added to the time of a worker, a point."""
    pairs = zip(bare, mine, strict=True)
    return spread([turn.workers * (turn.wall - one.wall) / points for one, turn in pairs])

"""The benchmark of sweeps: what it computes of times, that it notices what differs, and a run."""

import csv
import pickle
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks are no installed package

from conftest import sketched
from tune_bowl import cluster_here

from benchmarks.sweep import race as racing
from benchmarks.sweep import ways
from benchmarks.sweep.__main__ import main, read_options
from benchmarks.sweep.agreement import differing, trace
from benchmarks.sweep.race import evaluate
from benchmarks.sweep.ways import BARE, SWEEP, Turn
from benchmarks.sweep.workload import Workload
from sim.sweep import running
from sim.sweep.measures import Measured
from sim.sweep.store import Store

WORKLOAD = Workload("2,1,1", 4, 1, 2)


def turn(way: str, workers: int, wall: float, points: int = 4) -> Turn:
    each = 0.9 * workers * wall / points
    found = {f"{k:064x}": Measured("done", "", {"in_loop": 0.1 * k}, each) for k in range(points)}
    return Turn(way, workers, 2.0, wall, found)


def test_efficiency_and_overhead_are_taken_within_a_round() -> None:
    walls = {(BARE, 1): (8.0, 16.0), (SWEEP, 1): (8.8, 16.8), (BARE, 2): (4.0, 8.0),
             (SWEEP, 2): (5.5, 10.5)}  # fmt: skip
    turns = [turn(*kind, both[k]) for k in range(2) for kind, both in walls.items()]
    found = {(one.way, one.workers): one for one in evaluate(WORKLOAD, turns)}
    # T₁ / (2 T₂) = 8.8 / 11 and 16.8 / 21; the machine itself being half as fast in one round
    # must not show.
    efficiency = found[SWEEP, 2].efficiency
    assert efficiency
    assert (efficiency.low, efficiency.high) == pytest.approx((0.8, 0.8))
    bare = found[BARE, 2].efficiency
    assert bare
    assert bare.median == pytest.approx(1.0)
    # (8.8 − 8) / 4 points, and two workers × (5.5 − 4) / 4 points, × (10.5 − 8) / 4.
    one, two = found[SWEEP, 1].overhead, found[SWEEP, 2].overhead
    assert one
    assert two
    assert (one.low, one.high) == pytest.approx((0.2, 0.2))
    assert (two.low, two.high) == pytest.approx((0.75, 1.25))
    assert found[BARE, 1].overhead is None
    assert found[SWEEP, 2].busy.median == pytest.approx(0.9)


def test_without_one_worker_there_is_no_efficiency() -> None:
    found = evaluate(WORKLOAD, [turn(BARE, 2, 4.0), turn(SWEEP, 2, 5.0)])
    assert [one.efficiency for one in found] == [None, None]


def test_traces_are_the_same_but_for_times(tmp_path: Path) -> None:
    key = "ab" * 32
    found = {key: Measured("done", "", {"in_loop": 0.1}, 3.0)}

    def left(folder: str, measured: Measured, weights: bytes, summary: bytes) -> dict[str, str]:
        store = Store(tmp_path / folder)
        store.write(key, measured, {"weights.npz": weights, "summary.json": summary})
        return trace({key: measured}, tmp_path / folder)

    first = left("first", found[key], b"w", b"3 s")
    assert not differing(first, left("slower", replace(found[key], seconds=9.0), b"w", b"9 s"))
    assert differing(first, left("other", found[key], b"W", b"3 s")) == [key]
    last_bit = replace(found[key], values={"in_loop": 0.1 + 2e-17})
    assert differing(first, left("bit", last_bit, b"w", b"3 s")) == [key]
    assert differing(first, {}) == [key]


@pytest.fixture
def raced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], int]:
    """The whole program on turns that take no time, of which two workers may err."""

    def run(error: str) -> int:
        def take_turn(way: str, workers: int, workload: Workload, folder: Path) -> Turn:
            one = turn(way, workers, 8.0 / workers, workload.points)
            found = dict(one.found)
            if error and (way, workers) == (SWEEP, 2):
                key = next(iter(found))
                found[key] = Measured(error, "said", {"in_loop": 0.7}, 1.0)
            for key, measured in found.items():
                Store(folder).write(key, measured, {})
            return replace(one, found=found)

        monkeypatch.setattr(racing, "take_turn", take_turn)
        files = ["--csv", str(tmp_path / "s.csv"), "--figure", str(tmp_path / "s.png")]
        return main(["--rounds", "3", "--points", "4", *files])

    return run


def test_turns_are_written_and_drawn(
    raced: Callable[[str], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raced("") == 0
    rows = list(csv.DictReader((tmp_path / "s.csv").read_text(encoding="utf8").splitlines()))
    assert [row["round"] for row in rows] == [n for n in "123" for _ in range(4)]
    assert {(row["way"], row["workers"]) for row in rows[:4]} == {
        (way, k) for way in (BARE, SWEEP) for k in "12"
    }
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "efficiency 100 % (100 to 100 %)" in printed
    assert "the same, byte by byte, in all 12 turns" in printed


@pytest.mark.parametrize("error", ["done", "failed"])
def test_a_way_that_finds_something_else_is_noticed(
    raced: Callable[[str], int], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with sketched():
        assert raced(error) == 1
    printed = capsys.readouterr().out
    assert "Results: different." in printed
    assert "results differ at 1 points" in printed


@pytest.mark.parametrize(
    "words", [["--workers", "1,x"], ["--workers", "0"], ["--points", "0"], ["--layers", "2"]]
)
def test_wrong_options_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        read_options(words)
    assert stopped.value.code == 2
    assert words[0] in capsys.readouterr().err


def copied(what: Any) -> Any:
    """What another process gets of it."""
    return pickle.loads(pickle.dumps(what))  # noqa: S301  # its own


class Here(Executor):
    """This process in the place of another; what goes in and comes out is pickled all the same."""

    def __init__(self, *_: Any) -> None:
        pass

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        function, given = copied((function, given))
        found: Future[Any] = Future()
        found.set_result(copied(function(*given, **named)))
        return found


def test_a_sweep_finds_what_a_bare_loop_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the bare loop, and by dask; both compute in this process, which imports all but once."""
    monkeypatch.setattr(ways, "ProcessPoolExecutor", Here)
    monkeypatch.setattr(running, "_local", lambda _: cluster_here())
    words = ["--points", "2", "--rounds", "1", "--workers", "1", "--layers", "2,1,1"]
    words += ["--epochs", "1", "--samples", "2"]
    words += ["--csv", str(tmp_path / "s.csv"), "--figure", str(tmp_path / "s.png")]
    with sketched():
        assert main(words) == 0
    captured = capsys.readouterr()
    assert not captured.err
    assert "the same, byte by byte, in all 2 turns" in captured.out

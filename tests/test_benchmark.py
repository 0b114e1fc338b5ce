"""The benchmark of passes: what it counts, that it notices what differs, and a run of it."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks are no installed package

from conftest import assert_same

from benchmarks.cosim import race
from benchmarks.cosim.__main__ import main, read_options
from benchmarks.cosim.agreement import difference, differences
from benchmarks.cosim.cell import Cell, _wait
from benchmarks.cosim.contenders import CONTENDERS, WIDE, Contender, sum_of_weights
from benchmarks.cosim.entry import Task, read_task
from benchmarks.cosim.measured import Measured, in_rounds
from benchmarks.cosim.memory import growth
from benchmarks.cosim.workload import PAIRS, how_many_pairs, prepare, read_passes
from circuits import Network

ROOT = Path(__file__).parents[1]
TIME_ROUNDING = 1e-15
"""s; ages are differences of instants up to 0.1 s, in doubles of 1e-17 s."""


def test_memory_grows_by_the_slope_of_a_line_and_warm_up_does_not_count() -> None:
    line = [(n, 10_000 * (n < 20) + 1_000_000 + 660 * n) for n in range(2, 202, 2)]
    found = growth(line)
    assert found is not None
    # Integers far below 2**53, and a well-conditioned fit.
    assert found == pytest.approx(660, rel=1e-9)
    assert growth(line[:24]) is None  # 40 passes are left
    assert growth(line[::20]) is None  # 4 points are left


def test_rounds_are_means_of_consecutive_calls() -> None:
    seconds = [1.0, 3.0, 2.0, 2.0, 5.0, 5.0, 0.0, 2.0, 4.0, 4.0]
    assert in_rounds(seconds, 2) == pytest.approx((1000, 1000, 2500, 500, 2000), rel=1e-12)
    assert in_rounds([0.5], 200) == pytest.approx((2.5,), rel=1e-12)


def test_voltages_that_differ_are_noticed_wherever_they_are() -> None:
    a = np.zeros((4, 3))
    b = a.copy()
    b[2, 1] = 10.5e-6
    rest, third = np.zeros(100, bool), np.arange(100) == 2
    assert not difference(("a", a), ("b", b), rest).same
    late = difference(("a", a), ("b", b), third)
    assert (late.same, late.still, late.moving) == (False, 0.0, 10.5e-6)
    both = difference(("a", a), ("b", b[:2]), third)  # the passes that both ran
    assert (both.same, both.passes, both.still, both.moving) == (True, 2, 0.0, None)
    assert difference(("a", a), ("b", 0.9 * b), rest).same
    assert not difference(("a", a), ("b", b * np.nan), rest).same
    found = differences({"a": a, "b": b, "c": a}, rest)
    assert [one.same for one in found] == [False, True, False]


def test_wide_networks_get_few_passes_and_no_deck_of_every_resistor() -> None:
    wide, small = Network((784, 500, 500, 500, 10)), Network((2, 2, 2, 1))
    assert sum_of_weights(wide) == 784 * 500 + 500 * 500 * 2 + 500 * 10 > WIDE
    assert how_many_pairs(small) == PAIRS > how_many_pairs(wide) > 1
    reduced = Contender("x", "x", settings={"reduction": "norton"})
    assert reduced.fits(wide)
    explicit = replace(reduced, settings={})
    assert not explicit.fits(wide)
    assert not replace(reduced, batch=100).fits(wide)
    resting = [one for one in CONTENDERS if one.settings.get("fidelity") == "op"]
    others = [one for one in CONTENDERS if one not in resting]
    assert all(contender.fits(small) for contender in (reduced, explicit, *others))
    assert resting
    assert all(one.fits(wide) and not one.fits(small) for one in resting)


def test_passes_are_those_that_a_run_draws_cut_to_what_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "passes.npz"
    workload = prepare(Network((2, 2, 1)), 3, path)
    for name in ("none", "none-full"):
        contender = next(one for one in CONTENDERS if one.name == name)
        setup = workload.setup(contender)
        look_back = setup.clock.look_back
        drawn = setup.schedule(0).draw(setup.task.train_inputs)
        read = read_passes(path, look_back)
        assert len(read) == 2 * PAIRS
        assert read.count_jumps() > 0
        assert all(np.all(j.ages < look_back) for row in read.jumps for j in row)
        assert_same(read, drawn, look_back, ages=TIME_ROUNDING)
    task = Task(CONTENDERS[0], workload, path, tmp_path, 1.0, 10)
    assert read_task(task.write()) == task


def test_a_call_that_outlasts_the_budget_is_given_up(tmp_path: Path) -> None:
    workload = prepare(Network((1, 1)), 0, tmp_path / "passes.npz")
    task = Task(CONTENDERS[0], workload, tmp_path / "passes.npz", tmp_path, 0.1, 10)
    (tmp_path / "ready").touch()
    endless = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        began = time.monotonic()
        assert _wait(endless, task) == "did not finish one sample within 0.1 s"
        assert time.monotonic() - began > 0.1
        assert endless.poll() is None
    finally:
        endless.kill()
        endless.communicate()


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.cosim", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_tells_what_was_measured_in_every_way(tmp_path: Path) -> None:
    out, figure, table = (tmp_path / name for name in ("found.json", "found.png", "found.md"))
    names = ("pyspice", "reload", "bare", "none", "none-batch")
    done = bench(
        *("--layers", "2-1", "--budget", "5", "--passes", "20", "--soak", "80"),
        *("--out", str(out), "--figure", str(figure), "--markdown", str(table)),
        *("--contenders", *names),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(out.read_text(encoding="utf8"))
    assert {"processor", "cores", "memory", "system"} <= found["machine"].keys()
    assert found["versions"]["ngspice"]
    assert found["networks"]["2-1"]["weights"] == 2
    assert found["networks"]["2-1"]["reference"].startswith("explicit, full, reltol 1e-7")
    assert found["sound"]
    assert found["failures"] == []

    rows = {row["contender"]: row for row in found["rows"]}
    assert tuple(rows) == names
    baseline = rows["pyspice"]["ms"]
    for row in rows.values():
        measured = row["measured"]
        assert row["state"] == "done"
        assert 0 < row["least"] <= row["ms"] <= row["most"]
        assert row["ratio"] == pytest.approx(baseline / row["ms"], rel=1e-12)
        assert row["ns"] == pytest.approx(1e6 * row["ms"] / 2, rel=1e-12)
        assert 0 < measured["inside"] <= 1
        assert measured["made_by"].startswith("ngspice")
        assert measured["points"] >= 1
        assert measured["passes"] > 0
        assert row["error"]["passes"] >= 2
    points = {name: row["measured"]["points"] for name, row in rows.items()}
    # One transient of the same circuit takes the same steps, however it is asked for.
    assert points["pyspice"] == points["reload"] == points["bare"] > 50 > points["none"]

    compared = {(d["one"], d["other"]) for d in found["differences"]}
    assert {("pyspice", "reload"), ("reload", "bare"), ("bare", "none")} <= compared
    assert ("none", "none-batch") not in compared  # other weights, other voltages
    assert all(d["same"] for d in found["differences"])
    assert found["soaks"]["none"]["passes"] >= 78
    assert figure.read_bytes().startswith(b"\x89PNG")
    text = table.read_text(encoding="utf8")
    assert all(row["title"] in text for row in rows.values())


def test_what_differs_fails_or_takes_long_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_cell(task: Task) -> Cell:
        """Stands for the processes: one is 11 µV off, one fails, one is too slow."""
        name = task.contender.name
        if name == "bare":
            return Cell("failed", "exit code 3: no")
        if name == "reload":
            return Cell("slow", "did not finish one sample within 8 s")
        off = 11e-6 if name == "pyspice" else 0.0
        figures = Measured("ngspice", 4, (1.0, 2.0), 1.0, 0.5, 9.0, None, 1, (), None, 1.0)
        return Cell("done", "", figures, np.full((4, 1), off))

    monkeypatch.setattr(race, "run_cell", run_cell)
    out, figure = tmp_path / "found.json", tmp_path / "found.png"
    arguments = ("--layers", "1-1", "--budget", "8", "--out", str(out), "--figure", str(figure))
    names = ("pyspice", "reload", "bare", "none")
    assert main([*arguments, "--contenders", *names]) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "voltages differ: pyspice and none, " in shown
    assert "voltages differ: pyspice and explicit, full, reltol 1e-7, " in shown
    assert "differ: none" not in shown
    assert "failed: 1-1, bare: exit code 3: no" in shown
    assert "1-1, (b) deck reloaded, full: did not finish one sample within 8 s" in shown
    found = json.loads(out.read_text(encoding="utf8"))
    apart = {max(d["still"] or 0, d["moving"] or 0) for d in found["differences"]}
    assert apart == {0.0, 11e-6}
    slow = next(row for row in found["rows"] if row["contender"] == "reload")
    assert (slow["state"], slow["ms"], slow["beyond"]) == ("slow", None, 4000)  # a pass of two
    assert not found["sound"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--contenders", "none"]) == 0
    assert main([*arguments, "--contenders", "bare"]) == 1


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("--layers 2", "wanted inputs and at least one layer of neurons"),
        ("--layers a-b", "wanted whole numbers parted by commas"),
        ("--budget 0", "wanted a positive number, got 0"),
        ("--passes 1", "wanted at least 2, got 1"),
        ("--contenders nobody", "invalid choice: 'nobody'"),
        ("--out no-such-folder/x.json", "--out: no such folder to write in: no-such-folder"),
    ],
)
def test_wrong_options_get_exit_code_2(
    typed: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read_options(typed.split())
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err

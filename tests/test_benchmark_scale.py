"""The benchmark of updates: what it counts, that it notices what differs, and a run of it."""

import json
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import binom

sys.path.insert(0, str(Path(__file__).parents[1]))  # benchmarks are no installed package

from benchmarks.scale import agreement
from benchmarks.scale.__main__ import main, read_options
from benchmarks.scale.agreement import Difference, compare
from benchmarks.scale.aims import WANTED, judge
from benchmarks.scale.contenders import BASELINE, CONTENDERS, OURS, SOURCES
from benchmarks.scale.counts import count
from benchmarks.scale.epoch import time_epoch
from benchmarks.scale.limits import measure_limits
from benchmarks.scale.parts import by_function
from benchmarks.scale.plain import PlainDanp
from benchmarks.scale.race import run_race
from benchmarks.scale.statistics import spread
from benchmarks.scale.workload import Workload, write_recording

LAYERS, BATCH = (12, 8, 6, 3), 5
BY_NAME = {one.name: one for one in CONTENDERS}


@pytest.fixture
def workload() -> Workload:
    return Workload(LAYERS, BATCH, torch.device("cpu"), seed=1)


@pytest.fixture
def quick_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.scale.limits._FAR", 1 << 16)
    monkeypatch.setattr("benchmarks.scale.limits._SQUARE", 64)


def test_everyone_makes_the_same_update(workload: Workload) -> None:
    for several in (compare(workload), compare(replace(workload, layers=(300, 70, 4), batch=64))):
        assert [one.precision for one in several] == ["float64"] * 2 + ["float32"] * 2 + ["mixed"]
        assert all(one.same for one in several), several


def test_another_update_is_noticed(workload: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_diagonal(self: PlainDanp, x: torch.Tensor, decor: torch.Tensor) -> torch.Tensor:
        return self._mean(x, x) @ decor

    monkeypatch.setattr(PlainDanp, "_decorrelation", with_diagonal)
    *others, plain, _ = compare(workload)
    assert plain.one == "plain torch, float32"
    assert plain.same
    assert not any(one.same for one in others)
    assert all(one.weights <= agreement.TOLERANCES["float32"] for one in others)
    assert not Difference("a", "b", "float64", float("nan"), 0.0).same
    assert not Difference("a", "b", "mixed", 0.0, 1.0).same


def test_an_update_of_outer_products_is_that_of_contracted_ones(workload: Workload) -> None:
    network = workload.network(torch.float64)
    inputs, targets = next(workload.batches(torch.float64))
    drawn = [torch.randn(2, BATCH, n, dtype=torch.float64) for n in LAYERS[1:]]
    one, other = (
        PlainDanp(
            network,
            eta=1.0,
            decor_rate=1.0,
            leak=0.01,
            draw=lambda layer, number, batch: drawn[layer - 1][number - 1, :batch],
            outer=outer,
        ).update(inputs, targets)
        for outer in ("einsum", "tensor")
    )
    for kind in ("weights", "biases", "decor"):
        for a, b in zip(getattr(one, kind), getattr(other, kind), strict=True):
            # Sums of 5 products in doubles, in another order.
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12 * float(b.abs().max()))


def test_operations_are_those_of_the_equations(workload: Workload) -> None:
    squares = [d * d for d in LAYERS[:-1]]
    weights = [n * d for d, n in pairwise(LAYERS)]
    # The first layer is the same in both passes; decor learns by two products of b rows.
    ours = 2 * BATCH * (2 * sum(weights[1:]) + weights[0] + 2 * sum(squares[1:]) + squares[0])
    ours += 2 * BATCH * (sum(weights) + 2 * sum(squares))
    assert count(BY_NAME[OURS].open(workload)).operations == ours
    # Two passes, C and gradients as outer products, and C decor.
    plain = 2 * BATCH * (2 * sum(weights) + 2 * sum(squares) + sum(weights) + sum(squares))
    plain += 2 * sum(d**3 for d in LAYERS[:-1])
    found = count(BY_NAME[BASELINE].open(workload))
    assert found.operations == plain
    assert found.calls > 20
    a, b = torch.ones(30, 20), torch.ones(20, 40)
    product = count(lambda: torch.mm(a, b.T.contiguous().T))  # the copy counts, views do not
    assert (product.operations, product.calls) == (2 * 30 * 20 * 40, 2)
    assert product.moved == 4 * (600 + 800 + 1200 + 2 * 800)


def test_medians_come_with_an_interval_that_holds_them_19_times_in_20() -> None:
    found = spread([float(k) for k in range(15)])
    # Of 15 values, the 4th and the 12th: P(Bin(15, 1/2) <= 3) = 0.0176, and 0.0592 for <= 4.
    assert (found.least, found.low, found.median, found.high) == (0, 3, 7, 11)
    assert spread([3.0, 1.0]) == spread([1.0, 3.0])
    assert (spread([3.0, 1.0]).low, spread([3.0, 1.0]).high) == (1, 3)
    rng = np.random.default_rng(0)
    held = [
        (s := spread(rng.exponential(size=15).tolist())).low < np.log(2) < s.high
        for _ in range(2000)
    ]
    wanted = 1 - 2 * float(binom.cdf(3, 15, 0.5))
    four_errors = 4 * (wanted * (1 - wanted) / 2000) ** 0.5
    assert np.mean(held) == pytest.approx(wanted, abs=four_errors)
    with pytest.raises(ValueError, match="wanted one value or more"):
        spread([])


def test_time_is_that_of_the_function_that_spends_it(workload: Workload) -> None:
    step = BY_NAME[OURS].open(workload)
    parts = by_function(step, 3)
    assert sys.getprofile() is None
    assert sum(part.share for part in parts) == pytest.approx(1, rel=1e-9)  # rounding of few terms
    named = {part.name: part for part in parts}
    assert named["scale/learner.py: step"].calls == 1
    assert named["scale/passes.py: _summed"].calls == len(LAYERS) - 1
    began = time.perf_counter()
    by_function(step, 3)
    # Outside of the project's functions there is only the benchmark's own loop.
    assert 3 * sum(part.ms for part in by_function(step, 3)) < 1e3 * (time.perf_counter() - began)


def test_every_source_and_rule_learns(tmp_path: Path, workload: Workload) -> None:
    named = {one.source for one in CONTENDERS}
    assert named == {"gaussian", *SOURCES}
    noisy = replace(workload, recording=write_recording(tmp_path, 0))
    before = torch.get_num_threads()
    timed = run_race(noisy, CONTENDERS, threads=1, rounds=2, steps=1, say=lambda _: None)
    torch.set_num_threads(before)
    assert [one.name for one in timed] == list(BY_NAME)
    for one in timed:
        assert 0 < one.wall.least <= one.wall.median
        assert (one.times is None) == (one.name == BASELINE)
        assert (one.counts is None) == (one.name == "arrays")
    (aim,) = judge(timed)
    assert aim.met == (aim.measured >= WANTED)
    epoch = time_epoch(workload, BY_NAME[OURS], threads=1, images=2 * BATCH + 1)
    assert epoch.seconds > 0
    assert epoch.images == 2 * BATCH + 1


@pytest.mark.usefixtures("quick_limits")
def test_the_machines_limits_are_measured() -> None:
    found = measure_limits(torch.device("cpu"), 1, 1 << 16)
    assert min(found.copy, found.triad, found.near, found.product) > 0


@pytest.mark.usefixtures("quick_limits")
def test_a_run_of_it(tmp_path: Path) -> None:
    out, figure, text = tmp_path / "x.json", tmp_path / "x.png", tmp_path / "x.md"
    threads = torch.get_num_threads()
    code = main(
        [
            *("--layers", "12-8-3", "--batch", "4", "8", "--threads", "1", "--rounds", "2"),
            *("--steps", "1", "--images", "9", "--contenders", OURS, BASELINE, "bp"),
            *("--out", str(out), "--figure", str(figure), "--markdown", str(text)),
        ]
    )
    assert code == 0
    assert torch.get_num_threads() == threads
    found = json.loads(out.read_text(encoding="utf8"))
    assert [one["name"] for one in found["timed"]] == [OURS, BASELINE, "bp"] * 2
    assert list(found["differences"]) == ["12-8-3, batch 4", "12-8-3, batch 8"]
    assert len(found["epochs"]) == len(found["aims"]) == 2
    assert "mathematics (torch" in found["made_by"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "| DANP, plain torch |" in text.read_text(encoding="utf8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--layers", "784"], "layers"),
        (["--layers", "784-x"], "784,x"),
        (["--batch", "0"], "wanted a whole number from 1 on, got '0'"),
        (["--rounds", "many"], "wanted a whole number from 1 on, got 'many'"),
        (["--images", "-1"], "wanted a whole number from 0 on"),
        (["--contenders", "fast"], "invalid choice: 'fast'"),
        (["--out", "nowhere/x.json"], "no such folder to write in: nowhere"),
        (["--device", "cuda"], "finds no GPU; try --device cpu"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit) as stopped:
        read_options(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]

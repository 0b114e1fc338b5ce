"""The Monte Carlo, the study of devices, the page on clusters: what they compute, that they run."""

import csv
import math
import os
import re
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import sketched
from documented import blocks_of
from made_sweeps import dataset
from scipy.stats import norm
from tune_bowl import InProcess, cluster_here

from netlists.commandline import INTERRUPTED, execute
from sim import score
from sim.config import RunConfig
from sim.explore.opened import Sweep
from sim.settings import changed
from sim.sweep import sweeping
from sim.sweep.__main__ import main
from sim.sweep.measures import FAILED, Measured
from sim.sweep.planning import plan_of
from sim.sweep.point import run_point

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
MODULES = (
    "monte_carlo",
    "monte_carlo_picture",
    "write_back_study",
    "write_back_picture",
    "paper_rows",
)


@pytest.fixture(scope="module", autouse=True)
def examples() -> Iterator[None]:
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))
    for name in MODULES:
        sys.modules.pop(name, None)


def load(name: str) -> Any:
    return __import__(name)


def rows_in(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf8").splitlines()))


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, Sequence[str]], str]:
    """Runs an example's command, a smaller network at each point and no worker beside it."""

    def smaller(config: RunConfig) -> tuple[Measured, dict[str, bytes]]:
        return run_point(changed(config, {"task.layers": "1,1"}))

    def call(name: str, words: Sequence[str]) -> str:
        with sketched():
            assert execute(load(name).command, words, name) == 0
        captured = capsys.readouterr()
        assert not captured.err
        return captured.out

    # Torch, which alone knows the gradient, takes seconds to import; no row holds the angle to it.
    monkeypatch.setattr(score, "measure_alignment", lambda *_: None)
    here = InProcess(smaller)
    monkeypatch.setattr(sweeping, "open_runner", lambda *_: nullcontext(here))
    return call


# Monte Carlo


def rows(in_loop: Sequence[Sequence[float]], ideal: Sequence[float], **chip: str) -> list[Any]:
    """Of chips whose transfer ends four times higher, after one of nominal parts: 1.5 × its twin.

    Args:
        in_loop: losses by chip and seed.
        ideal: the twin's, by seed.
        chip: states other than done, by `c` and the chip's number.
    """
    nominal = [1.5 * twin for twin in ideal]
    return [
        {
            "chip": name, "seed": str(seed), "state": chip.get(f"c{name}", "done"),
            "start_in_loop": str(30 * loss), "ideal": str(twin), "in_loop": str(loss),
            "transfer": str(4 * loss), "engine": "ngspice",
        }
        for name, losses in [("nominal", nominal), *((str(k), c) for k, c in enumerate(in_loop))]
        for seed, (loss, twin) in enumerate(zip(losses, ideal, strict=True))
    ]  # fmt: skip


def test_yield_is_the_share_of_chips_within_twice_the_twin(tmp_path: Path) -> None:
    script = load("monte_carlo")
    # Twin 1, nominal chip 1.5. Ratios 1, 2, 2.5, 10, and two chips that did not end well.
    losses = [[1.0], [2.0], [2.5], [10.0], [np.nan], [1.0]]
    points = rows(losses, [1.0], c4="failed", c5="diverged")
    found = script.evaluate(points)
    with_twin = found.yield_of("in_loop", script.TWIN, 2.0)
    assert (with_twin.learning, with_twin.chips) == (2, 6)
    assert found.yield_of("in_loop", script.NOMINAL, 2.0).learning == 3  # 2.5 is within 3, too
    assert found.yield_of("transfer", script.TWIN, 2.0).learning == 0  # four times all of them
    assert found.yield_of("in_loop", script.TWIN, 10.0).learning == 4
    assert found.not_done == 2
    assert found.fall == pytest.approx(30)
    # Wilson 1927: (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n)
    n, p, z = 6, 2 / 6, norm.ppf(0.975)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    ends = [(p + z**2 / (2 * n) + sign * half) / (1 + z**2 / n) for sign in (-1, 1)]
    assert (with_twin.low, with_twin.high) == pytest.approx(ends)
    assert "| trained in the loop | ideal twin | 2 × | 2 of 6 | 33.3 % |" in script.report(
        found, ""
    )
    script.draw(points, tmp_path / "chips.png")
    assert (tmp_path / "chips.png").read_bytes().startswith(b"\x89PNG")


def test_of_several_seeds_the_median_counts() -> None:
    script = load("monte_carlo")
    # One chip learns with two seeds of three, the other with one; each seed has a twin of its own.
    found = script.evaluate(rows([[1.0, 20.0, 900.0], [1.0, 90.0, 900.0]], [1.0, 10.0, 100.0]))
    assert found.ratios["in_loop", script.TWIN].tolist() == [2, 9]
    assert found.ratios["in_loop", script.NOMINAL].tolist() == pytest.approx([2 / 1.5, 6])


def test_rows_of_a_sweep_stand_for_its_points() -> None:
    script = load("monte_carlo")
    sizes = {"chip": 2, "seed": 2}
    along = {"chip": ("chip", [5, 6]), "seed": ("seed", [3, 20])}
    losses = np.array([[1.0, 2.0], [np.nan, 4.0]])
    state = np.where(np.isnan(losses), "failed", "done")
    values = {"in_loop": losses, "transfer": 8.0, "ideal": 0.5, "start_in_loop": 9.0}
    found = Sweep(Path("chips"), dataset(sizes, values, along, state=state))
    kept = {(r["chip"], r["seed"]): r for r in script.rows_of(found, (3, 20))}
    assert kept["5", "20"]["in_loop"] == "2"
    assert kept["6", "3"]["state"] == "failed"
    assert kept["6", "20"] == {
        "chip": "6", "seed": "20", "state": "done", "start_in_loop": "9", "ideal": "0.5",
        "in_loop": "4", "transfer": "8", "engine": kept["5", "3"]["engine"],
    }  # fmt: skip
    del sizes["chip"], along["chip"]
    nominal = Sweep(Path("nominal"), dataset(sizes, {**values, "in_loop": 1.0}, along))
    assert [r["chip"] for r in script.rows_of(nominal, (3, 20))] == [script.AS_DESIGNED] * 2


def test_a_monte_carlo_goes_on_where_it_was(
    tmp_path: Path, run: Callable[[str, Sequence[str]], str]
) -> None:
    words = ["--epochs", "1", "--samples", "2", "--jobs", "1", "--out", str(tmp_path / "mc")]
    first = run("monte_carlo", [*words, "--chips", "1"])
    assert "resistor_tolerance" in first  # typical spreads, said aloud
    assert "| trained in the loop | ideal twin | 2 × | " in first
    second = run("monte_carlo", [*words, "--chips", "2"])
    assert "2 chips × 1 seed): 1 known, 1 to compute" in second  # the new chip alone
    kept = rows_in(tmp_path / "mc" / "monte-carlo.csv")
    assert [row["chip"] for row in kept] == ["nominal", "0", "1"]
    assert {row["engine"] for row in kept} == {"ngspice"}
    assert (tmp_path / "mc" / "monte-carlo.png").read_bytes().startswith(b"\x89PNG")


def test_a_script_that_is_stopped_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: RunConfig) -> tuple[Measured, dict[str, bytes]]:
        os.kill(os.getpid(), signal.SIGINT)
        return Measured(FAILED, "timestep too small", {}, 0.0), {}

    here = InProcess(interrupted)
    monkeypatch.setattr(sweeping, "open_runner", lambda *_: nullcontext(here))
    out = tmp_path / "mc"
    words = ["--seeds", "3,20", "--chips", "1", "--out", str(out)]
    assert execute(load("monte_carlo").command, words, "monte_carlo.py") == INTERRUPTED
    assert len(here.computed) == 1
    (said,) = capsys.readouterr().err.split("\n")[-2:-1]
    assert said.startswith("error: stopped by Ctrl-C, 1 point")
    assert said.endswith(f"go on with: danp-cosim sweep {out / 'nominal'}")


# Devices


def test_every_device_is_in_the_plan_as_it_is_called() -> None:
    script = load("write_back_study")
    tried = script.devices((2, 16))
    plan = plan_of(script.Effort(seeds=(3, 20)).plan(tried, (True, False), 50e3), "study")
    points = list(plan.points())
    assert len(points) == 2 * len(tried) * 2
    default = RunConfig().circuit.write_back
    for point in points:
        accumulator, device, seed = point.place
        one, config = tried[device], point.config
        held = config.circuit.write_back
        assert held.accumulator is (accumulator == 0)
        assert config.seed == (3, 20)[seed]
        assert config.circuit.synapse.largest_weight == pytest.approx(2, abs=0.02)
        assert held.device == one.kind
        levels = {"levels": held.levels.count, "digipot": held.digipot.taps,
                  "domain-wall": held.domain_wall.states}  # fmt: skip
        assert levels.get(one.kind) == one.levels
        if one.kind == "levels":
            assert one.name == f"{held.levels.count} levels, {held.levels.spacing}"
        else:
            assert held.levels == default.levels  # what a device does not have stays as it is
        if one.kind == "e-series":
            assert held.e_series.series == one.name


def study(in_loop: Any, state: Any) -> list[dict[str, str]]:
    script = load("write_back_study")
    tried = [script.devices((2,))[0], script.of_levels(2, "linear"), script.of_levels(8, "linear")]
    sizes = {"circuit.write_back.accumulator": 2, "list": 3, "seed": 2}
    along = {name: (name, range(size)) for name, size in sizes.items()}
    values = {"in_loop": in_loop, "transfer": 0.5, "start_in_loop": 0.9, "ideal": 0.1}
    found = Sweep(Path("fitted"), dataset(sizes, values, along, state=state))
    return list(script.rows_of(found, tried, (True, False), script.FITTED, (3, 20)))


def test_rows_stand_for_their_points(tmp_path: Path) -> None:
    losses = np.array([[[1, 2], [30, 40], [1.5, 3]], [[1, 2], [50, np.nan], [7, 8]]])
    state = np.where(np.isnan(losses), "diverged", "done")
    rows = study(losses, state)
    place = {(r["accumulator"], r["device"], r["seed"]): r for r in rows}
    assert place["yes", "2 levels, linear", "20"]["in_loop"] == "40"
    assert place["no", "8 levels, linear", "3"]["in_loop"] == "7"
    assert place["no", "2 levels, linear", "20"]["state"] == "diverged"
    script = load("write_back_study")
    told = script.report(rows)
    # Medians over seeds: ratios (1.5, 1.5) with an accumulator, (50, inf) without.
    assert (
        "| 8 levels, linear | yes | 50 kΩ | 2.2 (1.5 to 3) | 0.5 (0.5 to 0.5) | 1.5 | yes | 0 |"
        in told
    )
    assert re.search(r"2 levels, linear \| no \| .* \| inf \| no \| 1 \|", told)
    script.draw(rows, tmp_path / "devices.png")
    assert (tmp_path / "devices.png").read_bytes().startswith(b"\x89PNG")


def test_all_devices_can_be_studied(
    tmp_path: Path, run: Callable[[str, Sequence[str]], str]
) -> None:
    words = ["--levels", "2", "--seeds", "3", "--epochs", "0", "--samples", "1", "--jobs", "1"]
    printed = run("write_back_study", [*words, "--out", str(tmp_path)])
    assert "| RRAM | no |" in printed
    rows = rows_in(tmp_path / "write-back-study.csv")
    assert len(rows) == 2 * len(load("write_back_study").devices((2,))) + 1
    assert {row["state"] for row in rows} == {"done"}
    assert (tmp_path / "write-back-study.png").is_file()


# The cluster's page


def test_the_commands_of_the_page_compute_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Dask takes the words for scheduler and worker, and the sweep those for itself."""
    shown = {block.title or "": block.text for block in blocks_of(ROOT / "docs" / "cluster.md")}
    scheduler, worker, sweep = (
        shlex.split(next(text for title, text in shown.items() if title.startswith(start)))
        for start in ("terminal 1:", "terminals 2 and 3:", "terminal 4:")
    )
    address = "tcp://{host}:{port}".format(**understood(scheduler))
    assert understood(worker)["scheduler"] == address
    monkeypatch.chdir(tmp_path)
    tiny = ("engine=ideal", "task.layers=1,1", "task.epochs=1", "task.samples=2")
    small = ["--seeds", "1", "--quiet", *(word for one in tiny for word in ("--set", one))]
    with cluster_here(protocol="tcp") as cluster:
        place = cluster.scheduler_address
        python, option, module, *asked = [place if word == address else word for word in sweep]
        assert place in asked
        assert (python, option, module) == ("python", "-m", "sim.sweep")
        assert main([*asked, *small]) == 0, capsys.readouterr().err
    rows = rows_in(tmp_path / "runs" / "sweeps" / "gbw" / "points.csv")
    assert [row["state"] for row in rows] == ["done"] * 3


def understood(words: Sequence[str]) -> dict[str, Any]:
    """What a command of dask's makes of its options, without doing it."""
    program, name, *options = words
    assert program == "dask"
    (command,) = entry_points(group="dask_cli", name=name)
    return command.load().make_context(name, options).params

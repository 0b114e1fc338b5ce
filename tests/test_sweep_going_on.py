"""Sweeps that go on: stopped, from another folder, by the same command."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sweep_stand_ins import TINY, Inline, answer

from sim.cli import main
from sim.sweep import dataset, sweeping, task
from sim.sweep.keys import key_of
from sim.sweep.measures import DONE, FAILED, Measured
from sim.sweep.planning import plan_of
from sim.sweep.running import Runner
from sim.sweep.store import Store


def test_what_is_not_reached_again_is_what_the_store_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of({"seeds": 4, "set": TINY | {"simulation.engine": "ideal"}}, "it")
    store = Store(tmp_path / "points")
    keys = [key_of(point.config) for point in plan.points()]
    for key in keys[:3]:
        store.write(key, Measured(FAILED, "as before", {}, 1.0), {})

    def interrupted(given: dict[str, Any]) -> dict[str, Any]:
        signal.raise_signal(signal.SIGINT)
        files = {"summary.json": json.dumps({"loss_name": "squared-error"}).encode()}
        return answer(given) | {"files": files}

    @contextmanager
    def opened(*_: Any) -> Iterator[Runner]:
        yield Runner(Inline(interrupted), "here")  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(sweeping, "open_runner", opened)
    with pytest.raises(sweeping.StoppedSweepError, match="3 points left"):
        sweeping.sweep(plan, tmp_path / "s", again=(FAILED,))
    lines = (tmp_path / "s" / "points.csv").read_text(encoding="utf8").splitlines()[1:]
    said = ["done,", "failed,as before", "failed,as before", "missing,"]
    assert [line.split(",", 2)[2].rpartition(",")[0] for line in lines] == said


def test_what_no_dataset_takes_ends_a_sweep_before_its_first_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise TypeError("no such coordinate")

    monkeypatch.setattr(dataset, "labels_of", broken)
    monkeypatch.setattr(sweeping, "open_runner", lambda *_: pytest.fail("workers were started"))
    with pytest.raises(TypeError):
        sweeping.sweep(plan_of({"seeds": 2}, "it"), tmp_path / "s")
    assert not (tmp_path / "points").exists()


def test_a_sweep_goes_on_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def opened(*_: Any) -> Iterator[Runner]:
        def computed(given: dict[str, Any]) -> dict[str, Any]:
            assert task.unfit(given) == ""
            files = {"summary.json": json.dumps({"loss_name": "squared-error"}).encode()}
            return answer(given) | {"files": files}

        yield Runner(Inline(computed), "here")  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(sweeping, "open_runner", opened)
    (tmp_path / "a").mkdir()
    curve = tmp_path / "a" / "c.csv"
    curve.write_text("a_v,x_v\n-1,-0.1\n1,0.9\n", encoding="utf8")
    words = ["sweep", "--seeds", "2", "--set", "activation_curve=c.csv", "--out"]
    monkeypatch.chdir(tmp_path / "a")
    assert main([*words, str(tmp_path / "s")]) == 0
    whole = (tmp_path / "s" / "sweep.nc").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", "s"]) == 0
    assert "2 known, 0 to compute" in capsys.readouterr().out
    assert (tmp_path / "s" / "sweep.nc").read_bytes() == whole
    curve.unlink()
    assert main(["sweep", "s"]) == 2
    said = f"error: simulation.activation_curve: cannot read {curve}: No such file or directory\n"
    assert capsys.readouterr().err == said
    assert (tmp_path / "s" / "sweep.nc").read_bytes() == whole


def test_the_default_folder_is_the_same_for_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Path] = []

    def noted(_: Any, out: Path, *__: Any, **___: Any) -> Any:
        asked.append(out)
        return SimpleNamespace(stopped=None, found={"": Measured(DONE, "", {}, 1.0)})

    monkeypatch.setattr(sweeping, "run_sweep", noted)
    (tmp_path / "yield.toml").write_text("seeds = 2\n", encoding="utf8")
    for words in (["--seeds", "2"], ["--seeds", "2"], ["--seeds", "3"], ["yield.toml"]):
        assert main(["sweep", *words, "--quiet"]) == 0
    first, second, third, named = asked
    assert first == second != third
    assert first.parent == Path("runs")
    assert named == Path("runs/yield-sweep")

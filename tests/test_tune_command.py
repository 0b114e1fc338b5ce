"""The command: stopped by Ctrl-C with dask at work, gone on with, and its end."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from tune_bowl import InProcess, bowl, cluster_here

from netlists.commandline import INTERRUPTED
from sim.errors import SIMULATION
from sim.sweep import running
from sim.tune import tuning
from sim.tune.command import main
from sim.tune.score import Score
from sim.tune.study import JOURNAL, Proposals

SETTINGS = (
    ("task.layers", "2,2,1"),
    ("task.epochs", "1"),
    ("task.samples", "4"),
    ("engine", "ideal"),  # any ending, as of --over
)
ASKED = [
    *("--over", "eta=1e-3..1:log", "--seeds", "1", "--held-out", "1", "--trials", "12"),
    *(word for path, value in SETTINGS for word in ("--set", f"{path}={value}")),
]


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn in the tests of studies; what draws takes two seconds to import."""
    figure = SimpleNamespace(plot_tuned=lambda _, path: path.write_bytes(b""))
    monkeypatch.setitem(sys.modules, "sim.tune.figure", figure)


def by_closed_form(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have no more workers started; returns how many are asked for, study by study."""
    jobs: list[int] = []

    def stand_in(count: int, _: str | None) -> AbstractContextManager[InProcess]:
        jobs.append(count)
        return nullcontext(InProcess(bowl))

    monkeypatch.setattr(tuning, "open_runner", stand_in)
    return jobs


def test_stopped_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, take = tmp_path / "s", Proposals.take

    def then_interrupted(proposals: Proposals, scores: Sequence[Score]) -> None:
        take(proposals, scores)
        os.kill(os.getpid(), signal.SIGINT)  # two batches of three are still to come

    with monkeypatch.context() as patch:
        patch.setattr(running, "_local", lambda _: cluster_here())
        patch.setattr(Proposals, "take", then_interrupted)
        assert main([*ASKED, "--out", str(folder), "--quiet"]) == INTERRUPTED
    again = f"go on with: python -m sim.tune {folder}"
    assert capsys.readouterr().err == f"error: stopped; what is finished is kept; {again}\n"
    first = (folder / JOURNAL).read_text()
    assert first.count('"params"') == 4
    assert not (folder / "trials.csv").exists()
    jobs = by_closed_form(monkeypatch)
    assert main([str(folder), "--jobs", "2"]) == 0
    assert jobs == [2]
    said = " ".join(capsys.readouterr().out.split())
    assert "12 trials in mathematics" in said
    assert "one seed says nothing of its spread" in said
    assert (folder / JOURNAL).read_text().startswith(first)
    assert len((folder / "trials.csv").read_text().splitlines()) == 13
    assert (folder / "best.toml").exists()


def test_no_trial_that_can_be_finished_is_exit_code_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    by_closed_form(monkeypatch)
    wild = ["eta=1e200..1e300:log" if word.startswith("eta=") else word for word in ASKED]
    assert main([*wild, "--trials", "2", "--out", str(tmp_path / "s")]) == SIMULATION
    assert "error: none of 2 trials could be finished: most often" in capsys.readouterr().err

"""Studies: what they find, and that they find the same however they are interrupted.

Where a closed form stands in for the runs, the right answer is known: a bowl over decades of η.
"""

import contextlib
import json
import math
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tune_bowl import BEST_ETA, InProcess, bowl

from sim.config import RunConfig
from sim.errors import SimulationError, UserError
from sim.settings import changed
from sim.sweep.measures import DONE
from sim.tune import figure, tune, tuning
from sim.tune.plan import Plan, make_plan
from sim.tune.ranges import parse_over
from sim.tune.study import JOURNAL
from sim.tune.trying import StoppedStudyError

TINY = changed(
    RunConfig(),
    {"task.layers": "2,2,1", "task.epochs": 1, "task.samples": 4},
)
DRAW = figure.plot_tuned
FILES = ("trials.csv", "best.toml", "result.json", "plan.toml", "start.toml")


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second each, and drawn in one test."""
    monkeypatch.setattr(figure, "plot_tuned", lambda _, path: path.write_bytes(b""))


def study(*over: str, config: RunConfig = TINY, **others: Any) -> Plan:
    options: dict[str, Any] = {"stage": "spice", "seeds": (0, 1), "held_out": 2} | others
    return make_plan(config, [parse_over(text) for text in over], **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def proposed(folder: Path) -> list[object]:
    """Trials of the journal, without the times of their making."""
    rows = [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]
    return [[row["params"], row["user_attrs"], row.get("value")] for row in rows if "params" in row]


def test_it_finds_the_bottom_of_a_bowl_over_decades(tmp_path: Path) -> None:
    # 30 proposals over six decades: those at random alone come within a fifth of a decade of the
    # bottom 87 times in 100, and the search goes on from the best.
    tuned = tune(study("eta=1e-5..10:log", trials=30), tmp_path / "s", runner=InProcess(bowl))
    assert abs(math.log10(tuned.best.values["learning.eta"] / BEST_ETA)) < 0.2
    assert tuned.trials[0].values == {"learning.eta": 0.05}  # what it starts from
    start, best = tuned.held_out
    assert start.state == best.state == DONE
    # The bowl at the start, seed by seed: η = 0.05 is log10 2 of a decade off.
    decades = math.log10(0.5) ** 2
    assert start.losses == pytest.approx([1e-3 * 10 ** (decades + 0.1 * s) for s in (2, 3)])
    config = tomllib.loads((tmp_path / "s" / "best.toml").read_text())
    assert config["learning"]["eta"] == tuned.best.values["learning.eta"]
    assert config["simulation"]["engine"] == "ngspice"


def test_no_figure_comes_from_the_seeds_that_were_tuned_on(tmp_path: Path) -> None:
    tuned = tune(study("eta=1e-3..1:log", trials=4), tmp_path / "s", runner=InProcess(bowl))
    assert tuned.plan.seeds == (0, 1)
    assert tuned.plan.held_out == (2, 3)
    result = json.loads((tmp_path / "s" / "result.json").read_text())
    assert result["on_held_out_seeds"]["best"]["loss_by_seed"] == list(tuned.held_out[1].losses)


def test_the_mean_is_of_logarithms(tmp_path: Path) -> None:
    tuned = tune(study("eta=1e-3..1:log", trials=1), tmp_path / "s", runner=InProcess(bowl))
    losses = tuned.trials[0].score.losses
    assert tuned.trials[0].score.loss == pytest.approx(math.sqrt(losses[0] * losses[1]))


KILLED = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, {tests!r})
from test_tune import study
from tune_bowl import InProcess, bowl
from sim.tune import figure, tune, tuning
tune(study(*{over!r}, trials=18, **{others!r}), Path({out!r}), runner=InProcess(bowl, {after}))
"""


# Killed in the first batch, and later between two of them (of 4 trials with 2 seeds) or in one.
@pytest.mark.parametrize(("goal", "kills"), [("loss", (5, 11)), ("both", (19,))])
def test_killed_in_the_middle_it_goes_on_to_the_same_end(
    tmp_path: Path, goal: str, kills: tuple[int, ...]
) -> None:
    over = ["eta=1e-4..100:log", "opamp.gbw=0.3M..3M:log"]
    others: dict[str, Any] = {"goal": goal}
    plan = study(*over, trials=18, **others)
    whole = InProcess(bowl)
    tune(plan, tmp_path / "whole", runner=whole)
    out = tmp_path / "killed"
    for after in kills:
        script = KILLED.format(
            tests=str(Path(__file__).parent), over=over, others=others, out=str(out), after=after
        )
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert ended.returncode == -9, ended.stderr.decode()
    rest = InProcess(bowl)
    tune(plan, out, runner=rest)
    assert len(rest.computed) == len(whole.computed) - sum(kills)  # none is computed again
    assert contents(out) == contents(tmp_path / "whole")
    assert proposed(out) == proposed(tmp_path / "whole")


def test_a_line_cut_off_and_a_lock_left_behind_are_mended(tmp_path: Path) -> None:
    plan, out = study("eta=1e-3..1:log", trials=10), tmp_path / "s"
    tune(plan, out, runner=InProcess(bowl))
    before, journal = contents(out), out / JOURNAL
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-3]) + lines[-3][:40])
    (out / f"{JOURNAL}.lock").symlink_to(journal)
    again = InProcess(bowl)
    tune(plan, out, runner=again)
    assert again.computed == []
    assert contents(out) == before
    assert len(proposed(out)) == 10


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    plan, out = study("eta=1e-3..1:log", trials=5), tmp_path / "s"
    tune(plan, out, runner=InProcess(bowl))
    journal = out / JOURNAL
    journal.write_bytes(b"nonsense\n" + journal.read_bytes())
    with pytest.raises(UserError, match=r"study\.log: is damaged"):
        tune(plan, out, runner=InProcess(bowl))


def test_more_trials_go_on_from_those_that_are_there(tmp_path: Path) -> None:
    few, many = (study("eta=1e-3..1:log", trials=n) for n in (6, 13))
    tune(many, tmp_path / "at-once", runner=InProcess(bowl))
    tune(few, tmp_path / "s", runner=InProcess(bowl))
    tune(many, tmp_path / "s", runner=InProcess(bowl))
    assert contents(tmp_path / "s") == contents(tmp_path / "at-once")


def test_what_diverges_or_fails_is_kept_with_its_reason(tmp_path: Path) -> None:
    tuned = tune(study("eta=1e-7,0.1,100", trials=8), tmp_path / "s", runner=InProcess(bowl))
    reasons = {trial.score.state: trial.score.reason for trial in tuned.trials}
    assert reasons["diverged"] == "seed 0: the loss became infinite in epoch 2"
    assert reasons["failed"] == "seed 0: timestep too small"
    assert "timestep too small" in (tmp_path / "s" / "trials.csv").read_text()


def test_without_any_finished_trial_it_says_why(tmp_path: Path) -> None:
    plan = study("eta=100..1000:log", trials=4)
    with pytest.raises(SimulationError, match="none of 4 trials could be finished: most often"):
        tune(plan, tmp_path / "s", runner=InProcess(bowl))


def test_values_that_make_no_configuration_are_a_trial_without_a_result(tmp_path: Path) -> None:
    # Rails that leave no swing beyond the headroom: a law of the whole circuit.
    plan = study("v_dd=0.1..0.9", config=changed(TINY, {"circuit.opamp.headroom": 1}), trials=4)
    config = changed(plan.config, {"circuit.v_ss": -1.5})
    plan = study("v_dd=0.1..0.9", config=config, trials=4)
    tuned = tune(plan, tmp_path / "s", runner=InProcess(bowl))
    states = {trial.score.state for trial in tuned.trials}
    assert states == {"done", "failed"}
    assert any("leaves no swing" in trial.score.reason for trial in tuned.trials)


def test_a_front_holds_what_no_other_beats(tmp_path: Path) -> None:
    plan = study("eta=1e-3..1:log", "opamp.gbw=0.1M..10M:log", goal="both", trials=24)
    tuned = tune(plan, tmp_path / "s", runner=InProcess(bowl))
    done = [t.score for t in tuned.trials if t.score.state == DONE]
    for trial in tuned.front:
        one = trial.score
        assert not any(
            other.energy <= one.energy and other.log_loss < one.log_loss for other in done
        )
    inside = [t for t in tuned.front if t.score.energy <= tuned.start.energy]
    assert tuned.best == inside[-1]
    assert (tmp_path / "s" / f"front-{len(tuned.front)}.toml").exists()


def test_a_signal_leaves_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(tuning, "noted_interruptions", lambda _: contextlib.nullcontext(asked))
    plan, out = study("eta=1e-3..1:log", trials=9), tmp_path / "s"

    def interrupted(config: RunConfig):  # noqa: ANN202  # as `bowl`
        asked.extend([2] * (len(runner.computed) == 10))
        return bowl(config)

    runner = InProcess(interrupted)
    with pytest.raises(StoppedStudyError):
        tune(plan, out, runner=runner)
    assert len(runner.computed) == 11
    asked.clear()
    rest = InProcess(bowl)
    tune(plan, out, runner=rest)
    tune(plan, tmp_path / "whole", runner=InProcess(bowl))
    assert not set(rest.computed) & set(runner.computed)
    assert contents(out) == contents(tmp_path / "whole")


def test_between_learning_nothing_and_diverging_lies_the_best(tmp_path: Path) -> None:
    # Real runs by mathematics. Oracle: at η = 1e-7 the weights hardly move, and at 100 they do not
    # stay finite or end worse than they began.
    config = changed(TINY, {"simulation.engine": "ideal", "task.epochs": 4, "task.samples": 30})
    plan = study("eta=1e-7..100:log", config=config, stage=None, trials=12, seeds=(0,), held_out=1)
    assert plan.stage == "mathematics"
    tuned = tune(plan, tmp_path / "s", runner=InProcess())
    assert 1e-4 < tuned.best.values["learning.eta"] < 1
    assert tuned.judge == "mathematics"


def test_the_twin_chooses_and_ngspice_judges(tmp_path: Path) -> None:
    plan = study(
        "eta=1e-3..1:log", "r_load=10k..40k", stage="twin-first", trials=3, seeds=(0,), held_out=1,
        finalists=1,
    )  # fmt: skip
    tuned = tune(plan, tmp_path / "s", runner=InProcess())
    assert {trial.score.engine for trial in tuned.trials} == {"mathematics"}
    assert [trial.number for trial in tuned.finalists] == [-1, tuned.best.number]
    assert tuned.best.score.engine == tuned.held_out[0].engine == "ngspice"
    curves = list((tmp_path / "s" / "curves").iterdir())
    assert len(curves) == 3  # one for each R_load
    assert "ngspice" in curves[0].read_text()
    best = tomllib.loads((tmp_path / "s" / "best.toml").read_text())
    # Its twin is the one that chose, which did not diverge.
    assert Path(best["simulation"]["activation_curve"]) in [one.absolute() for one in curves]
    assert (tmp_path / "s" / "finalists.csv").read_text().count("ngspice") == 2


@pytest.mark.parametrize("goal", ["loss", "energy", "both"])
def test_a_picture_of_every_kind(tmp_path: Path, goal: str) -> None:
    over = ("eta=1e-3..9:log", "opamp.gbw=0.1M..10M", "epochs=1..9", "optimizer=sgd,adam")
    tuned = tune(study(*over, goal=goal, trials=16), tmp_path / "s", runner=InProcess(bowl))
    DRAW(tuned, tmp_path / "tune.png")
    assert (tmp_path / "tune.png").read_bytes().startswith(b"\x89PNG")
    # The bowl is steep in η and shallow in the bandwidth; energy is of the bandwidth alone.
    shares = figure.importances(tuned)
    assert max(shares, key=lambda path: shares[path]) == (
        "circuit.opamp.gbw" if goal == "energy" else "learning.eta"
    )
    assert sum(shares.values()) == pytest.approx(1)

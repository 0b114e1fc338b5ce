"""What a study is asked: ranges, plans, and every wrong one of them in one line."""

from pathlib import Path
from typing import Any

import pytest
from tune_bowl import InProcess, bowl

from netlists.commandline import USER
from sim.config import RunConfig
from sim.errors import UserError
from sim.settings import changed
from sim.tune import figure, tune
from sim.tune.command import _plan, main
from sim.tune.plan import make_plan
from sim.tune.ranges import Range, parse_over
from sim.tune.table import improvement
from sim.tune.visible import unseen


@pytest.fixture(autouse=True)
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "plot_tuned", lambda _, path: path.write_bytes(b""))


NONE: dict[str, Any] = {"config_file": None, "preset": None, "assignments": ()}


def test_a_range_of_numbers_in_engineering_notation() -> None:
    found = parse_over("opamp.gbw=300k..2.8M:log")
    assert found == Range("circuit.opamp.gbw", "Hz", 300e3, 2.8e6, log=True)
    assert parse_over("t_aperture=10u..100us").high == pytest.approx(100e-6)


def test_whole_numbers_stay_whole() -> None:
    assert parse_over("epochs=5..50").whole
    assert not parse_over("eta=1..2").whole


def test_choices() -> None:
    assert parse_over("optimizer=sgd,adam").choices == ("sgd", "adam")
    assert parse_over("layers=2,2,1;2,4,1").choices == ("2,2,1", "2,4,1")
    assert parse_over("noise.source=string,gaussian").holds("gaussian")
    assert not parse_over("noise.source=string,gaussian").holds("hmm")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "wanted PATH=LOW..HIGH"),
        ("learning.eta", "wanted PATH=LOW..HIGH"),
        ("learning.eta=", "wanted PATH=LOW..HIGH"),
        ("eta=1..0.1", "the range from 1 to 0.1 is empty; wanted the lower end first"),
        ("eta=0.1..0.1", "is empty"),
        ("decor_rate=0..1:log", "a logarithmic range starts above 0, got 0"),
        ("eta=0..1", "greater than 0"),
        ("eta=0.1..1:loog", "wanted log or linear behind the colon, got 'loog'"),
        ("eta=0.1..V", "wanted a plain number, got 'V'"),
        ("eta=..1", "wanted a plain number, got ''"),
        ("opamp.gbw=1V..2V", "got one in V"),
        ("opamp.gbw=1M..1e14", "less than or equal to"),
        ("r_max=1k..inf", "wanted finite ends"),
        ("eta=0.1", "wanted two values or more, got 0.1"),
        ("eta=0.1,0.1", "a value stands there twice: 0.1, 0.1"),
        ("rule=danp,dap", "wanted one of danp, anp, np, bp, got 'dap'"),
        ("optimizer=a..b", "is no number; wanted values to choose from, as in sgd,adam"),
        ("epochs=1.5..3", "valid integer"),
        ("etta=1..2", "etta: no such parameter; did you mean learning.eta?"),
        ("opamp=1..2", "opamp: is a section; wanted one parameter"),
        ("noise.scale=1..2", "no such parameter"),
        ("seed=0..9", "seed: is not tuned: a study takes the mean over seeds"),
        ("task.name=teacher,mnist", "the losses of two tasks do not compare"),
        ("simulation.engine=ngspice,ideal", "for --stage to say"),
    ],
)
def test_no_range(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_over(text)
    assert said in str(caught.value)


def plan_of(*over: str, settings: dict[str, Any] | None = None, **others: Any):  # noqa: ANN201
    config = changed(RunConfig(), settings or {})
    return make_plan(config, [parse_over(text) for text in over], **others)


def test_the_stage_that_suits() -> None:
    assert plan_of("eta=0.1..1").stage == "twin-first"
    assert plan_of("eta=0.1..1", "t_aperture=1u..10u").stage == "spice"
    assert plan_of("eta=0.1..1", goal="energy").stage == "spice"
    ideal = plan_of("eta=0.1..1", settings={"simulation.engine": "ideal"})
    assert ideal.stage == "mathematics"
    own = {"simulation.activation_curve": "curve.csv"}
    assert plan_of("r_load=10k..20k", settings=own).stage == "spice"
    assert plan_of("eta=0.1..1", settings=own).stage == "twin-first"


def test_held_out_seeds_follow_those_tuned_on() -> None:
    assert plan_of("eta=0.1..1").held_out == (3, 4, 5, 6, 7)
    assert plan_of("eta=0.1..1", seeds=(2, 9), held_out=2).held_out == (10, 11)


def test_what_mathematics_sees() -> None:
    seen = ("learning.eta", "circuit.noise.r_inject", "circuit.activation.r_load", "circuit.v_dd")
    hidden = ("circuit.opamp.gbw", "simulation.t_aperture", "circuit.synapse.r_min")
    assert unseen(seen + hidden) == hidden


@pytest.mark.parametrize(
    ("over", "settings", "others", "said"),
    [
        ((), {}, {}, "--over: nothing to tune"),
        (("eta=1..2", "learning.eta=1..3"), {}, {}, "learning.eta: stands there twice"),
        (
            ("t_aperture=1u..9u", "gbw=1M..2M"),
            {},
            {"stage": "twin-first"},
            "circuit.opamp.gbw, simulation.t_aperture: makes no difference to mathematics",
        ),
        (("eta=1..2",), {}, {"stage": "twin-first", "goal": "energy"}, "take --stage spice"),
        (("eta=1..2",), {"circuit.opamp.level": "ideal"}, {"goal": "both"}, "draw nothing from"),
        (("eta=1..2",), {"simulation.engine": "ideal"}, {"stage": "spice"}, "engine is ideal"),
        (("eta=1..2",), {"learning.rule": "bp"}, {}, "take one of danp, anp, np, or"),
        (
            ("r_load=1k..2k",),
            {"simulation.activation_curve": "own.csv"},
            {"stage": "twin-first"},
            "holds that to own.csv",
        ),
        (("eta=1..2",), {}, {"held_out": (2, 5)}, "held_out: seed 2 is among those tuned on"),
    ],
)
def test_no_plan(
    over: tuple[str, ...], settings: dict[str, Any], others: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        plan_of(*[text.replace("gbw=", "opamp.gbw=") for text in over], settings=settings, **others)
    assert said in str(caught.value)


FILE = """
for = "loss"
trials = 7
seeds = [4, 6]
[set]
"task.epochs" = 3
learning.decor_rate = 0.5
[over]
learning.eta = { from = 1e-3, to = 1.0, scale = "log" }
"learning.optimizer" = ["sgd", "adam"]
"""


def test_a_file_says_it_all_and_options_override_it(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    plan = _plan(path, (), {}, NONE)
    assert (plan.trials, plan.seeds, plan.held_out[0]) == (7, (4, 6), 7)
    assert (plan.config.task.epochs, plan.config.learning.decor_rate) == (3, 0.5)
    assert plan.paths == ("learning.eta", "learning.optimizer")
    other = _plan(path, ("eta=2..3",), {"trials": 9, "seeds": 1}, NONE)
    assert (other.trials, other.seeds) == (9, (0,))
    assert other.over[0] == Range("learning.eta", "1", 2.0, 3.0)


def test_a_study_writes_its_plan_so_that_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(FILE)
    plan = _plan(path, (), {"trials": 1}, NONE)
    tune(plan, tmp_path / "s", runner=InProcess(bowl))
    assert _plan(tmp_path / "s", (), {}, NONE) == plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("trials = 0", "trials: wanted at least 1, got 0"),
        ("trials = true", "trials: wanted a whole number, got True"),
        ("trial = 5", "trial: no such key; there are title, config"),
        ('for = "speed"', "for: wanted one of loss, energy, both, got 'speed'"),
        ('stage = "ngspice"', "stage: wanted one of spice, twin-first, mathematics"),
        ("seeds = [1, 1]", "seeds: wanted whole numbers from 0 on, each once"),
        ("seeds = [-1]", "seeds: wanted whole numbers from 0 on"),
        ("held_out = 0", "held_out: wanted at least 1, got 0"),
        ("over = 3", "over: wanted a table, got 3"),
        ("[over]\neta = { from = 1 }", "wanted a list of values or { from"),
        ("[over]\neta = { from = 1, to = 2, step = 1 }", "wanted a list of values or { from"),
        ('[set]\n"opamp.gbv" = 3', "opamp.gbv: no such parameter; did you mean circuit.opamp.gbw"),
        ('config = "none.toml"', "cannot read"),
        ("= 3", "is not TOML"),
    ],
)
def test_no_file_of_a_study(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert main([str(path), "--out", str(tmp_path / "s")]) == USER
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--over: nothing to tune"),
        (["none.toml"], "none.toml: no such file; wanted a TOML file, or the folder of a study"),
        (["."], "no such file; wanted a TOML file, or the folder of a study"),
        (["--over", "eta=1..2", "--for", "speed"], "'speed' is not one of"),
        (["--over", "eta=1..2", "--trials", "0"], "wanted a whole number of at least 1"),
        (["--over", "eta=1..2", "--jobs", "x"], "wanted a whole number of at least 1"),
        (
            ["--over", "eta=1..2", "--set", "opamp.gbv=3"],
            "--set opamp.gbv: no such parameter; did you mean circuit.opamp.gbw",
        ),
        (["--over", "eta=1..2", "--set", "epochs"], "--set: wanted PATH=VALUE"),
    ],
)
def test_no_command(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == USER
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    config = changed(RunConfig(), {"simulation.engine": "ideal"})
    plan = make_plan(config, [parse_over("eta=0.01..1:log")], trials=1)
    out = tmp_path / "s"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"is not empty, and no study of sim\.tune \(notes\.txt\)"):
        tune(plan, out, runner=InProcess(bowl))
    with pytest.raises(UserError, match="is a file; name a folder"):
        tune(plan, out / "notes.txt", runner=InProcess(bowl))
    assert [one.name for one in out.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"goal": "loss", "seeds": (0,)}, "seeds was "),
        ({"over": "eta=0.01..2:log"}, "over was "),
        ({"sampler_seed": 5}, "sampler_seed was 0 and is 5 here"),
        ({"batch": 2}, "batch was 4 and is 2 here"),
        ({"trials": 1}, "the study was asked for 2 trials, and is for 1 here"),
        ({"epochs": 3}, r"task\.epochs is 3, and 100 in start\.toml"),
    ],
)
def test_another_study_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    def plan(over: str = "eta=0.01..1:log", epochs: int = 100, **others: Any):  # noqa: ANN202
        settings = {"simulation.engine": "ideal", "task.epochs": epochs}
        options: dict[str, Any] = {"trials": 2} | others
        return make_plan(changed(RunConfig(), settings), [parse_over(over)], **options)

    tune(plan(), tmp_path, runner=InProcess(bowl))
    with pytest.raises(UserError, match=said):
        tune(plan(**change), tmp_path, runner=InProcess(bowl))


def test_an_improvement_is_compared_seed_by_seed() -> None:
    # Ratios 2, 2 and 2 have no spread, however the figures do; Student's t of ln 1, ln 2, ln 4:
    # mean ln 2, standard deviation ln 2, t(0.975, 2) = 4.302653 (tables of the distribution).
    alike = improvement((2.0, 20.0, 200.0), (1.0, 10.0, 100.0))
    assert (alike.value, alike.low, alike.high) == pytest.approx((2, 2, 2))
    ratio = improvement((1.0, 2.0, 4.0), (1.0, 1.0, 1.0))
    assert ratio.value == pytest.approx(2)
    assert ratio.high == pytest.approx(2 * 2 ** (4.302653 / 3**0.5), rel=1e-6)
    assert ratio.low * ratio.high == pytest.approx(4)

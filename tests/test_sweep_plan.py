"""Plans of sweeps: values, distributions, corners, points, and what is refused before a run."""

import math
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from circuits.mismatch import TYPICAL
from sim.cli import main
from sim.config import RunConfig
from sim.errors import UserError
from sim.settings import changed
from sim.sweep.axes import drawn, parse_axis, values_of
from sim.sweep.corners import built_in
from sim.sweep.paths import value_of
from sim.sweep.plan import Plan
from sim.sweep.planning import plan_of

GBW = "circuit.opamp.gbw"
RESISTORS = ("circuit.mismatch.resistor_tolerance", "circuit.mismatch.resistor_tracking")


def plan(text: str) -> Plan:
    return plan_of(tomllib.loads(text), "it")


@pytest.mark.parametrize(
    ("typed", "path", "values"),
    [
        ("300k,1M,2.8e6", GBW, (3e5, 1e6, 2.8e6)),
        ("0.1..0.5:5", "learning.eta", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("10k..1M:3:log", GBW, (1e4, 1e5, 1e6)),
        ("1..4:4", "circuit.noise.n_mtj", (1, 2, 3, 4)),
        ("1..100:3:log", "task.epochs", (1, 10, 100)),
        ("2,2,1;2,4,1", "task.layers", ("2,2,1", "2,4,1")),
        ("1MV/s..2MV/s:2", "circuit.opamp.slew_rate", (1e6, 2e6)),
        ("-40..85:2", "circuit.temperature", (-40.0, 85.0)),
        ("danp,anp", "learning.rule", ("danp", "anp")),
        ("../a/x.npz,../b/y.npz", "learning.start", ("../a/x.npz", "../b/y.npz")),
    ],
)
def test_values_are_those_that_were_typed(typed: str, path: str, values: tuple[Any, ...]) -> None:
    """Ranges to 12 digits: 0.3, not 0.30000000000000004, or the point would have another key."""
    assert values_of(path, parse_axis(typed, "x"), "x") == values


@pytest.mark.parametrize(
    ("law", "cdf"),
    [
        ({"uniform": ["1k", "3k"]}, stats.uniform(1e3, 2e3).cdf),
        ({"log-uniform": [1e3, 1e5]}, stats.loguniform(1e3, 1e5).cdf),
        ({"normal": [1e6, "100k"]}, stats.norm(1e6, 1e5).cdf),
        ({"lognormal": ["1M", 0.3]}, stats.lognorm(0.3, scale=1e6).cdf),
    ],
)
def test_draws_follow_their_law(law: dict[str, Any], cdf: Any) -> None:
    """Kolmogorov and Smirnov's test; a right law fails it once in a thousand, the seed is fixed."""
    found = drawn("circuit.noise.r_inject", law, 2000, 1, "x")
    assert stats.kstest(np.array(found), cdf).pvalue > 1e-3


def test_choices_are_drawn_evenly() -> None:
    found = drawn("learning.rule", {"choice": ["danp", "anp", "np"]}, 900, 0, "x")
    counts = [found.count(name) for name in ("danp", "anp", "np")]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_draws_of_a_parameter_do_not_depend_on_others_or_on_how_many() -> None:
    law = {"uniform": [1, 2]}
    many, few = (drawn("learning.eta", law, count, 5, "x") for count in (20, 7))
    assert many[:7] == few
    assert drawn("learning.decor_rate", law, 7, 5, "x") != few
    assert drawn("learning.eta", law, 7, 6, "x") != few


def test_points_are_the_product_of_all_dimensions() -> None:
    made = plan(
        """
        seeds = [3, 5]
        chips = 2
        [set]
        "task.epochs" = 1
        [grid]
        "opamp.gbw" = [0.3e6, "1M"]
        [list]
        "learning.eta" = [0.1, 0.05]
        "decor_rate" = [0.01, 0.02]
        [corners]
        take = ["hot"]
        """
    )
    names = [dimension.name for dimension in made.dimensions]
    assert names == [GBW, "list", "corner", "chip", "seed"]
    points = list(made.points())
    assert len(points) == made.count == 2**5
    wanted = product((3e5, 1e6), ((0.1, 0.01), (0.05, 0.02)), (27, 85), (0, 1), (3, 5))
    for point, (gbw, rates, temperature, chip, seed) in zip(points, wanted, strict=True):
        config = point.config
        assert config.circuit.opamp.gbw == gbw
        assert (config.learning.eta, config.learning.decor_rate) == rates
        assert config.circuit.temperature == temperature
        assert config.circuit.mismatch.chip == chip
        assert (config.seed, config.task.epochs) == (seed, 1)


def test_a_plan_is_whole_in_its_file() -> None:
    text = """
        title = "whole"
        preset = "ideal-parts"
        seeds = 3
        [grid]
        "circuit.smtj.tmr" = { from = 0.5, to = 1.5, steps = 3 }
        [draw]
        count = 2
        [draw.parameters]
        "noise.r_inject" = { normal = ["1M", "100k"] }
        [corners]
        take = ["parts"]
        [corners.own]
        "my corner" = { "circuit.v_dd" = 2.3 }
    """
    made = plan(text)
    again = plan(made.to_toml())
    assert again.to_toml() == made.to_toml()
    assert list(again.points()) == list(made.points())


def test_a_monte_carlo_without_spreads_takes_typical_ones_and_says_so() -> None:
    made = plan("chips = 2")
    for path, value in TYPICAL.items():
        _, section, name = path.split(".")
        assert getattr(getattr(made.base.circuit, section), name) == value
        assert path in made.notes[0]
    own = plan('chips = 2\n[set]\n"mismatch.v_offset" = "1m"')
    assert own.notes == ()
    assert own.base.circuit.mismatch.gbw == 0
    swept = plan('chips = 2\n[grid]\n"mismatch.v_offset" = [0, "1m"]')
    assert swept.notes == ()


def test_corners_are_what_they_are_called() -> None:
    """Relative to what a point has, and against each other where they are ends of one thing."""
    config = RunConfig()
    of = {one.name: one.apply(config) for one in built_in(("temperature", "supply", "parts"), "x")}
    assert of["nominal"] == config
    assert (of["cold"].circuit.temperature, of["hot"].circuit.temperature) == (-40, 85)
    assert of["low"].circuit.v_dd == pytest.approx(0.9 * 2.5)
    assert of["high"].circuit.v_ss == pytest.approx(-1.1 * 2.5)
    slow, fast = of["slow"].circuit, of["fast"].circuit
    assert slow.opamp.gbw == pytest.approx(0.7 * 2.8e6)  # 3 standard deviations of 10 %
    assert slow.opamp.gbw < 2.8e6 < fast.opamp.gbw
    assert slow.synapse.r_feedback > 100e3 > fast.synapse.r_feedback
    assert slow.activation.rectifier.i_s < fast.activation.rectifier.i_s
    nominal = config.circuit.activation.rectifier.i_s
    assert math.log(fast.activation.rectifier.i_s / nominal) == pytest.approx(3 * 0.13)
    assert slow.smtj.resistance_p > config.circuit.smtj.resistance_p > fast.smtj.resistance_p
    assert slow.smtj.tmr < fast.smtj.tmr
    assert slow.smtj.barrier_p > fast.smtj.barrier_p


@pytest.mark.parametrize(
    ("device", "resistances"),
    [
        ("digipot", {"digipot.r_ab": 1e5, "digipot.r_fixed": 5e3}),
        ("rram-weak-reset", {"rram.r_refresh": 2e5}),
        ("e-series", {}),
    ],
)
def test_resistances_behind_the_weights_are_parts(
    device: str, resistances: dict[str, float]
) -> None:
    """By as much as the resistors; preferred values are those of the series and no others."""
    settings = {"circuit.write_back.device": device, "circuit.write_back.digipot.r_fixed": 5e3}
    config = changed(RunConfig(), settings)
    slow = built_in(("slow",), "x")[1].apply(config)
    factor = slow.circuit.synapse.r_feedback / config.circuit.synapse.r_feedback
    assert factor == pytest.approx(1 + 3 * math.hypot(*(TYPICAL[name] for name in RESISTORS)))
    wanted = {f"circuit.write_back.{name}": factor * r for name, r in resistances.items()}
    assert {path: value_of(slow, path) for path in wanted} == pytest.approx(wanted)
    others = changed(slow, {path: value_of(config, path) for path in wanted})
    assert others.circuit.write_back == config.circuit.write_back


def test_files_are_named_from_the_root_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = plan(
        """
        [set]
        "activation_curve" = "c.csv"
        "opamp.level" = "x.lib:FAST"
        [grid]
        "learning.start" = ["w/a.npz", "w/b.npz:ideal"]
        "circuit.activation.diode" = ["BAT54", "d.lib:D1", { name = "own", i_s = 1e-9 }]
        [draw]
        count = 2
        [draw.parameters]
        "measured.file" = { choice = ["r.csv"] }
        [corners.own]
        mine = { "task.data_dir" = "here" }
        """
    )
    assert made.base.simulation.activation_curve == str(tmp_path / "c.csv")
    assert made.base.circuit.opamp.model is not None
    assert made.base.circuit.opamp.model.file == str(tmp_path / "x.lib")
    starts = (str(tmp_path / "w" / "a.npz"), str(tmp_path / "w" / "b.npz:ideal"))
    assert made.grid["learning.start"] == starts
    diodes = ("BAT54", f"{tmp_path}/d.lib:D1", {"name": "own", "i_s": 1e-9})
    assert made.grid["circuit.activation.diode"] == diodes
    assert made.draws is not None
    laws = {"circuit.noise.measured.file": {"choice": [str(tmp_path / "r.csv")]}}
    assert made.draws.laws == laws
    assert made.corners[-1].values == {"task.data_dir": str(tmp_path / "here")}
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert plan(made.to_toml()).to_toml() == made.to_toml()


def test_parts_that_a_circuit_lacks_are_left_alone() -> None:
    made = plan(
        '[set]\n"opamp.level" = "ideal"\n"noise.source" = "gaussian"\n[corners]\ntake = ["slow"]'
    )
    slow = list(made.points())[-1].config.circuit
    assert slow.opamp == made.base.circuit.opamp
    assert slow.smtj == made.base.circuit.smtj
    assert slow.synapse.r_feedback > made.base.circuit.synapse.r_feedback


def test_a_corner_is_relative_to_the_grid() -> None:
    made = plan('[grid]\n"opamp.gbw" = [1e6, 2e6]\n[corners]\ntake = ["slow"]')
    found = [point.config.circuit.opamp.gbw for point in made.points()]
    assert found == pytest.approx([1e6, 0.7e6, 2e6, 1.4e6])


BAD = [
    ("seeds = 0", "it: seeds: wanted a number from 1 to 100,000, got 0"),
    ("seeds = [1, 1]", "it: seeds: has a number twice"),
    ("chips = 1.5", "it: chips: wanted how many, or a list of whole numbers, got 1.5"),
    ("sedes = 3", "it: no such key: sedes; there are title, config"),
    ("grid = 3", "it: grid: wanted a table, got 3"),
    ("title = 3", "it: title: wanted text, got 3"),
    ('config = "none.toml"', "it: config: cannot read none.toml: No such file"),
    ('preset = "paper"', "--preset: wanted one of paper-fig5"),
    ('[set]\n"opamp.gwb" = 1', "it: [set]: opamp.gwb: no such parameter; did you mean"),
    ('[set]\n"opamp.gbw" = -1', "circuit.opamp.gbw: input should be greater than or equal to 1"),
    ('[grid]\n"opamp.gbw" = []', "it: [grid] opamp.gbw: wanted one value or more, got none"),
    ('[grid]\n"opamp.gbw" = 3', "it: [grid] opamp.gbw: wanted a list of values or a range, got 3"),
    ('[grid]\n"opamp.gbw" = ["1M", 1e6]', "it: [grid] opamp.gbw: has 1000000.0 twice"),
    ('[grid]\n"opamp.gbw" = ["1 V"]', "it: [grid] opamp.gbw: circuit.opamp.gbw: wanted a number"),
    ('[grid]\n"gbw" = [1e6]', "it: [grid]: gbw: matches circuit.opamp.gbw, circuit."),
    (
        '[grid]\n"opamp.gbw" = [1e6]\n"circuit.opamp.gbw" = [2e6]',
        "gbw is there twice",
    ),
    ('[grid]\n"eta" = { from = 0, to = 1, steps = 3, scale = "log" }', "takes ends above 0"),
    ('[grid]\n"eta" = { from = 1, to = 1, steps = 3 }', "wanted two different ends, got 1 twice"),
    ('[grid]\n"eta" = { from = 1, to = 2, steps = 1 }', "wanted a whole number from 2 to"),
    ('[grid]\n"eta" = { from = 1, to = 2, steps = 3, scale = "dB" }', "wanted linear or log"),
    ('[grid]\n"eta" = { from = 1, to = 2, step = 3 }', "a range has from, to, steps and scale"),
    ('[grid]\n"n_mtj" = { from = 1, to = 3, steps = 9 }', "no 9 different whole numbers"),
    ('[grid]\n"rule" = { from = 1, to = 3, steps = 2 }', "learning.rule is no number"),
    ('[list]\n"eta" = [0.1]\n"decor_rate" = [0.1, 0.2]', "wanted as many values of each parameter"),
    ("[draw]\ncount = 3", "it: [draw]: wanted parameters with distributions, got none"),
    ('[draw.parameters]\n"eta" = { normal = [1, 0.1] }', "wanted count, how many draws"),
    ('[draw]\ncount = 3\n[draw.parameters]\n"eta" = { gauss = [1, 2] }', "no distribution 'gauss'"),
    ('[draw]\ncount = 3\n[draw.parameters]\n"eta" = { normal = [1] }', "wanted mean and standard"),
    ('[draw]\ncount = 3\n[draw.parameters]\n"eta" = { uniform = [2, 1] }', "lowest below highest"),
    ('[draw]\ncount = 3\n[draw.parameters]\n"eta" = { lognormal = [-1, 1] }', "median above 0"),
    ('[draw]\ncount = 3\n[draw.parameters]\n"rule" = { normal = [0, 1] }', "is no number"),
    ('[draw]\ncount = 9\n[draw.parameters]\n"eta" = { normal = [0, 1] }', "draw "),
    ('[corners]\ntake = ["warm"]', "no corner 'warm'; there are temperature, supply, parts"),
    ('[corners]\ntake = "hot"', "wanted a list of names, got 'hot'"),
    ("[corners]\n[corners.own]\nhot = 3", "it: [corners.own] hot: wanted settings by path"),
    ('[corners]\ntake = ["hot"]\n[corners.own]\nhot = { "v_dd" = 2 }', "has that name"),
    ('[set]\n"eta" = 1\n[grid]\n"eta" = [1, 2]', "learning.eta is set by [set] and by [grid]"),
    ('seeds = 2\n[grid]\n"seed" = [1, 2]', "seed is set by [grid] and by seeds"),
    ('chips = 2\n[set]\n"mismatch.chip" = 2', "circuit.mismatch.chip is set by [set] and by chips"),
    ('[grid]\n"v_dd" = [0.01, 2.5]\n"v_ss" = [-0.01, -2.5]', "leaves no swing"),
    (
        '[grid]\n"temperature" = [85, 150]',
        "circuit.temperature = 150.0: activation.diode",
    ),
    ('[corners.own]\nodd = { "v_dd" = 0.01, "v_ss" = -0.01 }', "leaves no swing"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_makes_no_sense_is_refused_before_any_run(text: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        list(plan(text).points())
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


COMMANDS = [
    ("", "nothing is varied; wanted FILE.toml, or --vary PATH=VALUES"),
    ("--vary gbw", "--vary: wanted PATH=VALUES"),
    ("--vary opamp.gbw=", "wanted one value or more, got none"),
    ("--vary opamp.gbw=1..2", "wanted from..to:steps or from..to:steps:log, got '1..2'"),
    ("--vary opamp.gbw=1..2:x", "steps: wanted a whole number"),
    ("--vary eta=normal(1,2)", "wanted count, how many draws (option --draws)"),
    ("bare.toml", "bare.toml: nothing is varied; wanted [grid], [list], [draw]"),
    ("--seeds 1 --store bad.toml", "--store: bad.toml is a file; name a folder"),
    ("--seeds 1 --store bad.toml/points", "--store: bad.toml is a file; name a folder"),
    ("--seeds 1 --scheduler tcp://127.0.0.1:1 --jobs 2", "--jobs: starts workers here, and"),
    ("--seeds 1 --scheduler nonsense", "--scheduler: wanted the address that `dask scheduler`"),
    ("--seeds 1 --scheduler foo://127.0.0.1:1", "such as tcp://127.0.0.1:8786, got 'foo://127"),
    ("--seeds 1 --scheduler tcp://127.0.0.1", "--scheduler: wanted the address"),
    ("--seeds 1 --scheduler tcp://:8786x", "--scheduler: wanted the address"),
    ("--vary learning.eta=-1,2", "error: --vary learning.eta: input should be greater than 0"),
    ("--vary etta=1,2", "error: --vary: etta: no such parameter; did you mean learning.eta"),
    ("--seeds 1 --set etta=1", "error: --set: etta: no such parameter; did you mean learning.eta"),
    ("--vary eta=1,2 --set eta=1", "learning.eta is set by --set and by --vary; leave one"),
    ("--seeds 2 --config none.toml", "error: --config: cannot read none.toml: No such file"),
    ("--vary eta=x..3:5", "eta: from: wanted a plain number, got 'x'"),
    (
        "--vary learning.start=../a/x.npz,../b/y.npz --set task.epochs=1",
        "learning.start: cannot read",
    ),
    ("--vary eta=1,2 --vary eta=3", "--vary: eta is there twice"),
    ("--seeds 0", "wanted a whole number of at least 1, got '0'"),
    ("--mc x", "wanted a whole number of at least 1, got 'x'"),
    ("--seeds 200 --mc 100", "20,000 points (100 chips × 200 seeds) are many; give --yes"),
    ("--corners hot,tepid", "no corner 'tepid'"),
    ("none.toml", "none.toml: cannot read: No such file"),
    ("bad.toml", "bad.toml: is not TOML"),
    ("empty", "empty: holds no plan.toml; wanted the folder of a sweep, or a TOML file"),
    ("old --seeds 3", "old: a sweep that goes on is as it was; leave out --seeds"),
    ("--seeds 2 --out bad.toml", "--out: bad.toml is a file; name a folder"),
    ("--seeds 2 --out full", "--out: full is not empty and no sweep's"),
    ("--seeds 2 --set task.epochs=2 --out old", "old/plan.toml: holds another plan: seeds is"),
    ("--seeds 1 --jobs 0", "wanted a whole number of at least 1"),
    ("--seeds 1 --set task.epochs=1 --again done", "'done' is not one of"),
]


@pytest.mark.parametrize(("typed", "said"), COMMANDS)
def test_a_wrong_command_gets_one_line(
    typed: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note.txt").touch()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "plan.toml").write_text("seeds = [4]\n[base]\n", encoding="utf8")
    (tmp_path / "bare.toml").write_text("[set]\neta = 0.1\n[grid]\n", encoding="utf8")
    (tmp_path / "bad.toml").write_text("seeds = = 3\n", encoding="utf8")
    assert main(["sweep", *typed.split()]) == 2
    told = capsys.readouterr()
    assert said in told.err, told.err
    assert told.err.count("\n") <= 4  # click's own have its usage before them
    assert "Traceback" not in told.err

"""What `cell.json` says of a circuit's cells, against hand calculation; and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from circuits import CircuitParameters
from sim import activation_curve
from sim.characterize.cell_file import IMPERFECTIONS, CellFile, read_cell
from sim.characterize.command import main
from sim.characterize.corners import typical_corner
from sim.characterize.neuron_cell import measure_cell
from sim.config import RunConfig
from sim.errors import UserError

SMALL_SIGNAL = 1e-6
"""Of a gain: an AC solution is exact to rounding, behind an operating point of nanovolts."""

LOADED = 1e-3
"""Of an open-loop gain: the load's own slope resistance, taken by hand for small signals."""

RAIL = 3e-3
"""V; what reaches a stopped output through R_f, r_out/R_f of a few volts."""


def describe(circuit: dict[str, Any], spread: float = 0.0, steps: int | None = None) -> CellFile:
    config = RunConfig.model_validate({"circuit": circuit})
    corner = typical_corner(config)[0]
    curve = activation_curve.measure(config.circuit, corner.solver)
    return measure_cell(corner, curve, {}, spread=spread, steps=steps)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cell") / "sheet"
    arguments = "--cell activation --typical --offset-spread 0.67m --steps 256 --quiet"
    assert main([*arguments.split(), "--out", str(out)]) == 0
    return out


def test_the_command_writes_a_file_that_any_reader_of_json_takes(written: Path) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(f"{constant} is no JSON")

    text = (written / "cell.json").read_text(encoding="utf8")
    tree = json.loads(text, parse_constant=refuse)
    cell = read_cell(written / "cell.json")
    assert cell.to_json() == text
    assert cell.circuit == CircuitParameters()
    assert (cell.resistors.steps, cell.offsets.spread_v) == (256, 0.67e-3)
    parts = ("rectifier", "summing", "outputs", "offsets", "resistors", "noise")
    assert all(tree[part]["engine"] and tree[part]["conditions"] for part in parts)
    assert tree["summing"]["engine"].startswith("ngspice ")
    curve = activation_curve.read(written / "activation-curve.csv").curve
    np.testing.assert_array_equal(cell.rectifier.curve.a, curve.a)
    np.testing.assert_array_equal(cell.rectifier.curve.x, curve.x)


def test_an_open_r_max_comes_back_from_the_file(tmp_path: Path) -> None:
    cell = describe({"synapse": {"r_max": "inf"}})
    (tmp_path / "cell.json").write_text(cell.to_json(), encoding="utf8")
    assert "Infinity" not in cell.to_json()
    assert read_cell(tmp_path / "cell.json").resistors.floor == 0
    assert read_cell(tmp_path / "cell.json").circuit == cell.circuit


def test_gains_and_offsets_are_those_of_finite_gain() -> None:
    # A voltage as the noise source and op-amps without output resistance: A is 1000, whatever
    # they drive, and R_z is all there is at the first summing node besides weights and R_f.
    cell = describe(
        {
            "opamp": {"level": "single-pole", "open_loop_gain": 60},
            "noise": {"source": "gaussian", "r_inject": 330e3},
            "synapse": {"r_feedback": 47e3},
        }
    )
    summing = cell.summing
    assert summing.injected == pytest.approx(47 / 330, rel=SMALL_SIGNAL)
    assert summing.open_loop_gain_first == pytest.approx(1e3, rel=SMALL_SIGNAL)
    assert summing.open_loop_gain_second == pytest.approx(1e3, rel=SMALL_SIGNAL)
    assert len({(p.sum_plus, p.sum_minus) for p in summing.points}) >= 4
    for point in summing.points:
        first, second = 1 + point.sum_plus + 47 / 330, 2 + point.sum_minus
        one, two = 1 / (1 + first / 1e3), 1 / (1 + second / 1e3)
        assert point.gain_plus == pytest.approx(one * two, rel=SMALL_SIGNAL)
        assert point.gain_minus == pytest.approx(-two, rel=SMALL_SIGNAL)
        assert point.offset_first == pytest.approx(-first * one * two, rel=SMALL_SIGNAL)
        assert point.offset_second == pytest.approx(second * two, rel=SMALL_SIGNAL)
    assert cell.outputs.hidden_v is None
    assert cell.offsets.followed == {}


def test_the_macromodel_has_rails_and_a_gain_under_load() -> None:
    cell = describe({})
    gain = 10 ** (115 / 20)
    # R_f to the next virtual ground, and R_f to its own.
    assert cell.summing.open_loop_gain_first == pytest.approx(gain / (1 + 125 / 50e3), rel=LOADED)
    # The rectifier at rest is R_load behind two branches of some 9 kΩ (docs/characterize.md).
    assert gain / (1 + 125 / 20e3) < cell.summing.open_loop_gain_second * (1 + LOADED) < gain
    for point in cell.summing.points:
        for name in ("gain_plus", "gain_minus", "offset_first", "offset_second"):
            closed = getattr(point, f"{name}_closed")
            assert getattr(point, name) == pytest.approx(closed, rel=SMALL_SIGNAL), name
    reach = 2.48  # V_DD − headroom, behind r_out
    into = {
        "first_v": (50e3, 50e3),
        "hidden_v": (1 / (1 / 100e3 + 1 / 200e3), 1 / (1 / 100e3 + 1 / 20.2e3)),
        "output_v": (100e3, 100e3),
    }
    for name, (below, above) in into.items():
        low, high = getattr(cell.outputs, name)
        assert low == pytest.approx(-reach / (1 + 125 / below), abs=RAIL), name
        assert high == pytest.approx(reach / (1 + 125 / above), abs=RAIL), name
    assert cell.offsets.followed["buf"] == pytest.approx((1.0, 1.0), rel=1e-5)


def test_offsets_inside_the_precision_rectifier_go_by_the_side_that_conducts() -> None:
    cell = describe({"activation": {"kind": "precision"}, "opamp": {"v_offset": 1e-3}})
    positive, negative = 20 / 20.2, 0.1
    followed = cell.offsets.followed
    # Kirchhoff: the half that does not conduct lies between both virtual grounds, as R in series
    # with R/slope, and what it carries from one to the other has to come from the half that does.
    for k, (on, off) in enumerate(((positive, negative), (negative, positive))):
        idle = off / (1 + off)
        assert followed["rect"][k] == pytest.approx(-on * (2 + idle) - idle, abs=1e-4)
        assert followed["sum"][k] == pytest.approx((1 + on) * (1 + idle), abs=1e-4)
    assert cell.offsets.mean_v == 1e-3


def test_the_noise_is_that_of_the_source() -> None:
    circuit = CircuitParameters()
    string = circuit.noise_string()
    noise = describe({}).noise
    assert noise.sigma_v == string.sigma
    assert noise.levels_v == string.distinct_levels
    assert sum(noise.shares) == pytest.approx(1)
    assert noise.dwell_times_s == pytest.approx(tuple(string.dwell_times[0]))
    # Finite gain takes parts in 10^5.
    assert (noise.lowest_v, noise.highest_v) == pytest.approx(string.distinct_levels, rel=1e-4)
    drawn = describe({"noise": {"source": "gaussian", "gaussian": {"sigma": 8e-3}}}).noise
    assert drawn.source == "gaussian"
    assert drawn.sigma_v == pytest.approx(8e-3, rel=1e-4)


def test_several_junctions_share_their_levels() -> None:
    noise = describe({"noise": {"n_mtj": 2}}).noise
    assert noise.shares == pytest.approx((0.25, 0.5, 0.25), abs=1e-3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--offset-spread x", "--offset-spread: wanted a number in V"),
        ("--offset-spread=-1m", "--offset-spread: wanted 0 to 0.1 V, such as 0.67m, got '-1m'"),
        ("--offset-spread nan", "--offset-spread: wanted 0 to 0.1 V"),
        ("--offset-spread 1", "--offset-spread: wanted 0 to 0.1 V"),
        ("--steps 1", "wanted a whole number of at least 2"),
        ("--steps many", "wanted a whole number of at least 2"),
        (
            "--offset-spread 1m --set circuit.opamp.level=ideal",
            "--offset-spread: op-amps of level ideal have no offset; set circuit.opamp.level to",
        ),
        (
            "--cell opamp --steps 16",
            "--steps: is for cell.json, which comes with --cell activation; add it",
        ),
    ],
)
def test_wrong_options_get_one_line(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    given = ["--cell", "activation"] * ("--cell" not in arguments) + arguments.split()
    assert main([*given, "--typical", "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not out.exists()


def test_a_circuit_of_unequal_op_amps_has_no_one_cell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    exception = "circuit.exceptions.n1_1_a.v_offset=1m"
    arguments = ["--cell", "activation", "--typical", "--set", exception, "--out", str(out)]
    assert main(arguments) == 0
    assert not (out / "cell.json").exists()
    said = capsys.readouterr().out
    assert "no cell.json: circuit.exceptions name single parts (n1_1_a)" in said


def _damaged(tree: dict[str, Any], path: str, value: Any) -> str:
    *folders, leaf = path.split(".")
    place = tree
    for folder in folders:
        place = place[folder]
    if value is None:
        del place[leaf]
    else:
        place[leaf] = value
    return json.dumps(tree)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("version", 2, "is of version 2, wanted 1; make it again with"),
        ("kind", "something", "is something else, wanted a cell.json"),
        ("summing.injected", None, "summing.injected: field required; make it again"),
        ("summing.injected", "much", "summing.injected: wanted a plain number, got 'much'"),
        ("summing.points", [], "summing.points: "),
        ("outputs.first_v", [1.0, 2.0], "first_v: wanted a voltage below and one above 0"),
        ("outputs.more", 1, "outputs.more: extra inputs are not permitted"),
        ("rectifier.a_v", [0.0, 1.0], "rectifier: wanted as many x as a"),
        ("resistors.r_min_ohm", 1e9, "resistors: wanted r_min_ohm below r_max_ohm"),
        ("resistors.steps", 1, "resistors.steps: input should be greater than or equal to 2"),
        ("offsets.spread_v", -1e-3, "offsets.spread_v: input should be greater than or equal"),
        ("without", ["friction"], "wanted one or more of activation, gain"),
        ("circuit.v_dd", -1, "circuit.v_dd: "),
    ],
)
def test_a_damaged_file_gets_one_line(
    written: Path, tmp_path: Path, path: str, value: Any, said: str
) -> None:
    tree = json.loads((written / "cell.json").read_text(encoding="utf8"))
    file = tmp_path / "cell.json"
    file.write_text(_damaged(tree, path, value), encoding="utf8")
    with pytest.raises(UserError) as caught:
        read_cell(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_of_something_else_get_one_line(written: Path, tmp_path: Path) -> None:
    cases: dict[Path, str] = {
        tmp_path / "none.json": "cannot read the cell: No such file or directory",
        tmp_path: "cannot read the cell: Is a directory",
        written / "activation-curve.csv": "is not JSON, wanted a cell.json of sim.characterize",
        written / "activation.png": "is not JSON",
        written / "datasheet.json": "is a data sheet, wanted a cell.json, which sim.characterize",
    }
    for number, text in enumerate(("", "[1]", "null", "[" * 100_000)):
        file = tmp_path / f"{number}.json"
        file.write_text(text)
        cases[file] = "is not JSON" if number in (0, 3) else "is something else"
    for file, said in cases.items():
        with pytest.raises(UserError) as caught:
            read_cell(file)
        assert str(caught.value).startswith(f"{file}: {said}"), file


def test_imperfections_are_left_out_by_name(written: Path) -> None:
    cell = read_cell(written / "cell.json")
    some = cell.leaving_out(["offset", "gain"]).leaving_out(["gain", "rails"])
    assert some.without == ("gain", "offset", "rails")
    assert cell.leaving_out(IMPERFECTIONS).without == IMPERFECTIONS
    with pytest.raises(ValueError, match=r"one or more of activation, .* got 'ofset'"):
        cell.leaving_out(["ofset"])

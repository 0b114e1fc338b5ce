"""Attribution: planted faults are found, and figures add up."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import tolerances
from rich.console import Console

from learning import Model
from netlists.build import SolverSettings
from sim import activation_curve, preparation
from sim.attribute.attribution import Attribution, Effect, attribution_of, rms, share
from sim.attribute.command import REPEATS
from sim.attribute.command import main as attribute
from sim.attribute.mechanisms import MECHANISMS
from sim.attribute.replay import Replayer
from sim.attribute.table import print_attribution
from sim.attribute.variant import Variant
from sim.attribute.verdict import LEFT, headline, largest, notes, unexplained, verdict
from sim.config import RunConfig
from sim.errors import SimulationError
from sim.finished import FinishedRun, read_run
from sim.preparation import set_up
from sim.programmed import at_start
from sim.run import main as run
from sim.settings import load_config
from sim.workers import WorkerEngine

PRECISION = "circuit.activation.kind=precision"
SMALL = "learning.init_scale=0.5"
"""Weights that keep a healthy circuit clear of the rails, which the precision rectifier meets from
1.8 V on: else rails dominate, planted fault or not, and are named (see docs/attribution.md)."""

AT_REST = ("simulation.fidelity=op", "simulation.t_aperture=10u", "simulation.erc=false")
"""What is said of settled voltages does not need transients."""

EXACT = 1e-9
"""Of the total: sums and projections of a few hundred doubles."""


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The default rectifier's measured curve, for a calibrated twin."""
    circuit = RunConfig().circuit
    path = tmp_path_factory.mktemp("curve") / "activation-curve.csv"
    measured = activation_curve.measure(circuit, SolverSettings())
    activation_curve.write(path, measured, activation_curve.describe(circuit))
    return f"simulation.activation_curve={path}"


def untrained(*settings: str, seed: int = 0) -> FinishedRun:
    """A run of no epochs: its weights are those at the start."""
    setup = set_up(load_config(None, None, {"seed": seed}, assignments=settings))
    pairs = at_start(setup).pairs
    return FinishedRun(Path("nowhere"), setup, setup.start, pairs, "ideal", (), "", checked=True)


def explained(*settings: str, seed: int = 0, passes: int = 20) -> Attribution:
    return attribution_of(Replayer(untrained(*settings, seed=seed), passes))


def effects(found: Attribution) -> Mapping[str, Effect]:
    return {effect.mechanism.key: effect for effect in found.effects}


def named(found: Attribution) -> str:
    """The mechanism that is named, once the rest has been checked."""
    total = np.array(found.total)
    sums = np.sum([effect.then for effect in found.effects], axis=0) + found.left
    np.testing.assert_allclose(sums, total, rtol=0, atol=EXACT * total.max())
    assert max(found.left_rms) < LEFT
    most = largest(found)
    assert most is not None
    return most.mechanism.key


# --- planted faults ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("layers", ["2,2,2,1", "3,4,2"])
@pytest.mark.parametrize("amplifier", ["n1_2_b", "n1_1_a"])
def test_an_op_amp_with_an_offset_is_found(amplifier: str, layers: str, seed: int) -> None:
    fault = f"circuit.exceptions.{amplifier}.v_offset=5m"
    found = explained(
        PRECISION, SMALL, fault, f"task.layers={layers}", *AT_REST, seed=seed, passes=10
    )
    assert named(found) == "offset"
    assert f"trim the offset of {amplifier} (5 mV)." in verdict(found)
    neuron = amplifier.split("_")[1]
    assert effects(found)["offset"].nodes[0] == f"x1_{neuron}"


@pytest.mark.parametrize("seed", [0, 1])
def test_an_offset_is_found_beside_a_calibrated_twin_and_flips(curve: str, seed: int) -> None:
    fault = "circuit.exceptions.n1_2_b.v_offset=5m"
    found = explained(curve, SMALL, fault, "task.layers=2,2,1", seed=seed, passes=10)
    assert found.case.real.passes.count_jumps() > 0
    assert named(found) == "offset"
    assert effects(found)["diode"].missing == "the calibrated twin has the rectifier's curve"


SLOW = ("circuit.opamp.gbw=28k", "task.layers=2,1,1", SMALL)


@pytest.mark.parametrize("seed", [0, 1])
def test_slow_op_amps_are_found_beside_a_calibrated_twin(curve: str, seed: int) -> None:
    found = explained(curve, *SLOW, seed=seed, passes=4)
    assert named(found) == "bandwidth"
    assert "take op-amps with more circuit.opamp.gbw (now 28 kHz)" in verdict(found)
    # The flips show it as well; their cause stands before them.
    both = effects(found)
    assert both["flips"].alone[-1] == pytest.approx(both["bandwidth"].alone[-1], rel=0.1)
    assert abs(both["flips"].then[-1]) < LEFT


def test_slow_op_amps_are_found_in_precision_rectifiers() -> None:
    # They take 1.6 ms to settle: a pass of 1 ms is refused.
    found = explained(PRECISION, *SLOW, "simulation.t_pass=2m", seed=1, passes=2)
    assert named(found) == "bandwidth"


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("layers", ["2,2,2,1", "3,4,2"])
def test_a_silicon_diode_in_the_divider_is_found(layers: str, seed: int) -> None:
    fault = "circuit.activation.diode=1N4148"
    found = explained(fault, f"task.layers={layers}", *AT_REST, seed=seed, passes=10)
    assert named(found) == "diode"
    assert "take --activation precision" in verdict(found)
    better = explained(f"task.layers={layers}", *AT_REST, seed=seed, passes=10)
    shares = [effects(f)["diode"].then[-1] for f in (found, better)]
    assert shares[0] > 2 * shares[1]


LEAKING = (PRECISION, SMALL, "circuit.synapse.r_max=100k", *AT_REST)


@pytest.mark.parametrize(
    ("layers", "seed"), [("6,3,1", 0), ("6,3,1", 1), ("6,3,1", 2), ("8,4,2", 0), ("8,4,2", 1)]
)
def test_leaking_weight_resistors_are_found_in_wide_rows(layers: str, seed: int) -> None:
    """R_f/R_max is 1: the first amplifier sums all inputs on top, and meets its rail."""
    found = explained(*LEAKING, f"task.layers={layers}", seed=seed, passes=60)
    assert named(found) == "resistors"
    assert "take a larger circuit.synapse.r_max (now 100 kΩ)" in verdict(found)


def test_leaking_weight_resistors_are_found_in_a_classifier() -> None:
    found = explained(*LEAKING, "task.name=iris", passes=20)
    assert named(found) == "resistors"


def test_leaking_weight_resistors_cancel_while_no_amplifier_is_at_its_rail() -> None:
    """G+ − G− keeps to the weight, whatever both leak: then there is nothing to find."""
    found = explained(*LEAKING, "task.layers=2,2,2,1", seed=3)
    healthy = explained(*(s for s in LEAKING if "r_max" not in s), "task.layers=2,2,2,1", seed=3)
    leaks = effects(found)["resistors"]
    assert max(leaks.moves) < tolerances.IDEAL_PARTS
    assert found.total[-1] == pytest.approx(healthy.total[-1], rel=0.1)
    assert named(found) == named(healthy) == "diode"


# --- figures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        ("task.layers=2,2,1", "simulation.fidelity=full", "simulation.t_pass=40u"),
        ("task.layers=3,2,2", PRECISION, "learning.biases=true"),
        ("task.layers=2,2,1", "circuit.noise.n_mtj=2", "circuit.smtj.spread_resistance=0.05"),
        ("task.layers=2,2,1", "circuit.noise.source=gaussian"),
        ("task.layers=2,2,1", "circuit.opamp.level=single-pole"),
        ("task.layers=2,1,1", "circuit.noise.coupling=two-way", "simulation.erc=false"),
    ],
    ids=" ".join,
)
def test_ideal_parts_leave_nothing_and_shares_add_up(settings: tuple[str, ...]) -> None:
    found = explained(
        *settings, "circuit.exceptions.n1_1_a.gbw=1M", "simulation.t_aperture=30u", passes=4
    )
    assert named(found)
    for k, total in enumerate(found.total):
        alone = sum(effect.alone[k] for effect in found.effects)
        assert found.interaction[k] + alone + found.left[k] == pytest.approx(total, rel=EXACT)
        assert all(effect.alone[k] <= effect.moves[k] + EXACT for effect in found.effects)


def test_a_share_is_a_projection() -> None:
    """By hand: d = (3, 4), c = (3, 0): ⟨c, d⟩/|d| = 9/5, of two nodes √2 less rms."""
    deviation, change = np.array([[3.0, 4.0]]), np.array([[3.0, 0.0]])
    assert share(change, deviation) == pytest.approx(9 / 5 / np.sqrt(2), rel=tolerances.ROUNDING)
    assert share(deviation, deviation) == pytest.approx(rms(deviation), rel=tolerances.ROUNDING)
    assert share(-change, deviation) == -share(change, deviation)
    assert share(change, 0 * deviation) == 0.0


def test_layers_say_what_they_make_and_what_they_inherit() -> None:
    """A diode in layer 1 is inherited by a linear output: through its weight, and nothing else."""
    finished = untrained("task.layers=2,1,1", SMALL, *AT_REST)
    replayer = Replayer(finished, 12)
    found = attribution_of(replayer)
    here = replayer.made_here(found.real)
    first, last = found.real.deviation
    np.testing.assert_array_equal(here[0], first)
    assert np.abs(here[1]).max() < tolerances.REAL_AMPLIFIERS
    weight = finished.setup.start.weights[1]
    np.testing.assert_allclose(last - here[1], first @ weight.T, rtol=0, atol=tolerances.ROUNDING)
    assert found.made_here[0] == pytest.approx(found.total[0], rel=EXACT)
    assert abs(found.made_here[1]) < 0.01 * found.total[1]


MISSING = [
    ({"rails", "loading", "offset", "gain", "bandwidth", "slew"}, "circuit.opamp.level=ideal"),
    ({"rails", "loading", "offset", "slew"}, "circuit.opamp.level=single-pole"),
    ({"bandwidth", "slew", "flips", "offset"}, "simulation.fidelity=op"),
    ({"bandwidth", "slew", "flips", "offset", "tmr"}, "circuit.noise.source=gaussian"),
    ({"bandwidth", "slew", "flips", "offset", "tmr"}, "simulation.noise_off=true"),
    ({"diode", "offset"}, "task.layers=2,2"),
    ({"diode", "offset"}, "circuit.activation.diode=ideal"),
    ({"resistors", "offset"}, "circuit.synapse.r_max=inf"),
]


@pytest.mark.parametrize(("keys", "setting"), MISSING, ids=[case for _, case in MISSING])
def test_what_a_circuit_lacks_is_said_and_not_simulated(keys: set[str], setting: str) -> None:
    told: list[str] = []
    settings = ("task.layers=2,1,1", "simulation.t_aperture=10u", "simulation.erc=false", setting)
    found = attribution_of(Replayer(untrained(*settings), 30), told.append)
    lacking = {key: effect for key, effect in effects(found).items() if effect.missing}
    keys = keys | {"write-back", "tolerance"}  # of which none has any
    assert lacking.keys() == keys
    for effect in lacking.values():
        assert not any((*effect.alone, *effect.moves, *effect.then))
        assert not any(effect.mechanism.title in doing for doing in told)
    # The first of the others is the same alone as one after the other.
    assert len(told) == 1 + 2 * (len(MECHANISMS) - len(keys)) - 1


def test_nothing_stands_out_between_ideal_parts() -> None:
    found = attribution_of(Replayer(untrained_preset("ideal-parts"), 12))
    assert largest(found) is None
    assert verdict(found).startswith("Nothing stands out: the deviation is ")
    assert found.total[-1] < tolerances.IDEAL_PARTS


def untrained_preset(preset: str) -> FinishedRun:
    setup = set_up(load_config(None, preset, {}))
    pairs = at_start(setup).pairs
    return FinishedRun(Path("nowhere"), setup, setup.start, pairs, "ideal", (), "", checked=True)


def test_mechanisms_come_in_causal_order() -> None:
    assert [mechanism.key for mechanism in MECHANISMS] == [
        "write-back", "resistors", "tolerance", "gain", "offset", "loading", "rails", "diode",
        "bandwidth", "slew", "flips", "tmr", "solver",
    ]  # fmt: skip


def test_rails_that_diodes_drive_into_name_the_other_remedy() -> None:
    found = explained(PRECISION, "task.layers=2,2,2,1", *AT_REST, seed=0)
    assert named(found) == "rails"
    assert "diode knee and drop (" in "".join(notes(found))


def test_junctions_without_bias_dependence_make_other_noise_that_the_twin_knows() -> None:
    """At 0 V across it a junction has all its TMR: with V_h → ∞ it has it at every voltage."""
    replayer = Replayer(untrained("task.layers=2,2,1", SMALL, *AT_REST), 12)
    real = replayer.case.real
    other = real.with_half_bias(1e6)
    string = real.strings[0]
    r_p, tmr = string.junctions[0].resistance_p, string.junctions[0].tmr
    noise = real.circuit.noise
    low, high = (
        noise.v_bias / (1 + noise.r_series * (1 / r + 1 / noise.r_inject))
        for r in (r_p, r_p * (1 + tmr))
    )
    swing = real.circuit.synapse.r_feedback / noise.r_inject * (high - low)
    assert np.ptp(other.passes.noise) == pytest.approx(swing, rel=tolerances.ROOT)
    assert np.ptp(real.passes.noise) < 0.9 * swing
    changed, before = replayer.run(other), replayer.run(real)
    # In the first layer the sums are linear: the mathematics follows the circuit's noise.
    moved = changed.circuit.pre[0] - changed.mathematics.pre[0]
    np.testing.assert_allclose(
        moved, before.circuit.pre[0] - before.mathematics.pre[0], rtol=0, atol=LEFT
    )
    assert np.abs(changed.circuit.pre[0] - before.circuit.pre[0]).max() > 1e-3


def test_an_ideal_figure_reaches_the_op_amps_that_differ() -> None:
    settings = (
        "circuit.exceptions.n1_1_a.v_offset=1m",
        "circuit.exceptions.n1_1_a.gbw=1M",
        "circuit.exceptions.n2_1_b.v_offset=2m",
    )
    circuit = load_config(None, None, {}, assignments=settings).circuit
    passes = Replayer(untrained(*AT_REST), 2).case.real.passes
    ideal = Variant(circuit, (), passes, SolverSettings()).with_opamps(v_offset=0.0)
    figures = {name: e.figures for name, e in ideal.circuit.exceptions.items()}
    assert figures == {"n1_1_a": {"gbw": 1e6}}


# --- words -------------------------------------------------------------------------------------


def test_a_curve_of_another_circuit_is_no_mechanism(curve: str) -> None:
    """The cause is in the mathematics: none of the mechanisms can take it away."""
    found = explained(
        curve, SMALL, "circuit.activation.diode=1N4148", "task.layers=2,2,1", *AT_REST
    )
    assert unexplained(found)
    assert largest(found) is None
    assert found.left[-1] == pytest.approx(found.total[-1], rel=0.1)
    assert abs(found.interaction[-1]) < 0.1 * found.total[-1]
    said = verdict(found)
    assert said.startswith("No mechanism explains ")
    assert "is the activation curve this circuit's?" in said
    assert not any("activation curve" in note for note in notes(found))


def made_up(
    total: tuple[float, float],
    left: float = 0.0,
    **effects: tuple[tuple[float, float], tuple[float, float]],
) -> Attribution:
    """Figures by hand of one layer and all nodes: by mechanism, share and what it leaves alone."""
    real = Replayer(untrained("task.layers=2,1", *AT_REST), 1)
    none = (0.0, 0.0)
    found = []
    for mechanism in MECHANISMS:
        share_of, mended = effects.get(mechanism.key, (none, total))
        found.append(Effect(mechanism, None, share_of, none, mended, share_of, ("a1_1", "a1_1")))
    return Attribution(
        case=real.case,
        scopes=("layer 1", "all nodes"),
        passes=1,
        total=total,
        effects=tuple(found),
        left=(left, left),
        left_rms=(left, left),
        made_here=total[:1],
        noise_moved=0.0,
        real=real.run(real.case.real),
    )


def test_a_remedy_that_does_not_help_on_its_own_is_said() -> None:
    total, share_of = (44.6e-3, 52.8e-3), (40e-3, 51e-3)
    rails = ((4e-3, 1e-3), total)
    alone = made_up(total, diode=(share_of, (47.4e-3, 21.7e-3)))
    assert (
        "On its own that leaves 21.7 of 52.8 mV over all nodes, but 47.4 in place of 44.6 mV, "
        in (verdict(alone))
    )
    assert (
        "mend the others with it, for what they do together: the interaction there is"
        in verdict(alone)
    )
    both = made_up(total, diode=(share_of, (30e-3, 21.7e-3)), rails=rails)
    assert verdict(both).endswith("but 30.0 of 44.6 mV in the output layer: mend with it rails.")
    helps = made_up(total, diode=(share_of, (20e-3, 21.7e-3)), rails=rails)
    assert verdict(helps).endswith("On its own that leaves 21.7 of 52.8 mV over all nodes.")


def test_what_is_left_alone_is_the_deviation_without_the_mechanism() -> None:
    finished = untrained("task.layers=2,2,1", SMALL, *AT_REST)
    replayer = Replayer(finished, 6)
    found = attribution_of(replayer)
    ideal = effects(found)["diode"].mechanism.ideal(replayer.case.real)
    mended = [rms(d) for d in replayer.run(ideal).deviation]
    np.testing.assert_allclose(effects(found)["diode"].mended[:-1], mended, rtol=0, atol=REPEATS)
    assert effects(found)["offset"].mended == found.total


@pytest.mark.parametrize(
    ("total", "left", "alarm"),
    [(294e-3, 19.8e-6, False), (294e-3, 30e-6, True), (10e-3, 4e-6, False), (10e-3, 6e-6, True)],
)
def test_what_ideal_parts_may_leave_grows_with_the_deviation(
    total: float, left: float, alarm: bool
) -> None:
    """5 µV, or 1e-4 of the deviation."""
    found = made_up((total, total), left, diode=((total, total), (0.0, 0.0)))
    assert ("the cause is not among these" in "".join(notes(found))) == alarm


def test_one_unit_and_no_part_above_the_whole() -> None:
    more = made_up((60.28e-3, 60.28e-3), diode=((60.49e-3, 60.49e-3), (0.0, 0.0)))
    assert headline(more) == (
        "The largest is diode knee and drop: more than the whole 60.3 mV rms over all nodes "
        "(others make up for it)"
    )
    small = made_up((79.2e-6, 79.2e-6), diode=((56.2e-6, 56.2e-6), (23e-6, 23e-6)))
    said = " ".join([verdict(small), *notes(small)])
    assert "56.2 of 79.2 µV rms over all nodes (71 %)" in said
    assert " mV" not in said


@pytest.mark.parametrize(("width", "tables"), [(50, 3), (80, 2), (100, 1)])
def test_as_many_scopes_abreast_as_fit(width: int, tables: int) -> None:
    found = explained("task.layers=2,1,1", *AT_REST, passes=3)
    text = StringIO()
    console = Console(file=text, width=width)
    print_attribution(console, found)
    assert text.getvalue().count("R_max leakage") == tables


# --- a run's folder ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    options = "--layers 2,1,1 --samples 8 --epochs 1 --seed 3 --quiet --out"
    assert run([*options.split(), str(path)]) == 0
    return path


def test_a_replay_is_the_runs_deviation(folder: Path) -> None:
    finished = read_run(folder)
    assert finished.learner == "in_loop"
    assert finished.setup.clock.t_aperture > 0
    replayer = Replayer(finished)
    assert replayer.whole
    replayed = [rms(d) for d in replayer.run(replayer.case.real).deviation]
    np.testing.assert_allclose(replayed, finished.deviation, rtol=0, atol=REPEATS)
    assert max(finished.deviation) > 1e3 * REPEATS


@pytest.mark.parametrize("options", ["--opamp ideal", "--preset ideal-parts"])
def test_a_run_with_ideal_op_amps_is_replayed_on_its_own_aperture(
    options: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They settle within a flip's edge: the aperture is shorter than one that can be asked for."""
    path = tmp_path / "run"
    sizes = "--layers 2,2,1 --epochs 1 --samples 3 --quiet --out"
    assert run([*options.split(), *sizes.split(), str(path)]) == 0
    summary = json.loads((path / "summary.json").read_text(encoding="utf8"))
    assert summary["t_aperture_s"] < 1e-7
    assert attribute([str(path)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "the replay's deviation is the run's, within " in captured.out
    assert read_run(path).setup.clock.t_aperture == summary["t_aperture_s"]


def test_a_replay_does_not_measure_the_aperture_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(preparation, "measure_settling", fail)
    assert read_run(folder).setup.clock.t_aperture > 0


def test_a_replay_takes_the_curve_that_the_run_kept(
    tmp_path: Path, curve: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    there.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(there)
    Path("cur.csv").write_bytes(Path(curve.partition("=")[2]).read_bytes())
    options = "--layers 2,1,1 --samples 3 --epochs 1 --fidelity op --activation-curve cur.csv"
    assert run([*options.split(), "--quiet", "--out", "rel"]) == 0
    assert 'activation_curve = "cur.csv"' in Path("rel/config.toml").read_text(encoding="utf8")
    Path("cur.csv").write_text("a_v,x_v\n-1,-0.5\n1,0.5\n", encoding="utf8")  # another one
    monkeypatch.chdir(elsewhere)
    finished = read_run(there / "rel")
    replayer = Replayer(finished)
    replayed = [rms(d) for d in replayer.run(replayer.case.real).deviation]
    np.testing.assert_allclose(replayed, finished.deviation, rtol=0, atol=REPEATS)
    (there / "rel" / "activation-curve.csv").unlink()
    assert attribute([str(there / "rel")]) == 2
    assert capsys.readouterr().err == (
        f"error: {there / 'rel'}: holds no activation-curve.csv, the run's copy of cur.csv; copy "
        "that file there, if it is unchanged, or run it again\n"
    )


def test_the_command_leaves_table_figure_and_record(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert attribute([str(folder), "--passes", "10", "--out", str(tmp_path / "a")]) == 0
    said = capsys.readouterr().out
    assert "replayed 10 passes: " in said
    assert "not held against the run's own deviation" in said
    assert "diode knee and drop" in said
    assert "no input offset: every offset is 0 V" in said
    assert "The largest is " in said
    assert (tmp_path / "a" / "waterfall.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / "a" / "attribution.json").read_text(encoding="utf8"))
    assert record["engine"] == "ngspice"
    assert record["replay"]["checked"] is False
    assert record["verdict"] in " ".join(said.split())
    keys = [mechanism.key for mechanism in MECHANISMS]
    assert [entry["mechanism"] for entry in record["mechanisms"]] == keys
    scopes = ["layer 1", "layer 2", "all nodes"]
    assert list(record["deviation_v"]) == scopes
    for scope in scopes:
        parts = [entry["then_v"][scope] for entry in record["mechanisms"]]
        total = record["deviation_v"][scope]
        assert sum(parts) + record["left_over_v"][scope] == pytest.approx(total, rel=EXACT)
    table = (tmp_path / "a" / "attribution.csv").read_text(encoding="utf8")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["mechanism"] for row in rows] == 3 * [
        *keys,
        "left_over",
        "interaction",
        "deviation",
    ]
    for scope in scopes:
        for column in ("alone_v", "then_v"):
            *parts, total = (float(row[column]) for row in rows if row["scope"] == scope)
            assert sum(parts) == pytest.approx(total, rel=1e-8)
    diode = next(row for row in rows if row["title"] == "diode knee and drop")
    recorded = next(e for e in record["mechanisms"] if e["mechanism"] == diode["mechanism"])
    assert float(diode["then_v"]) == pytest.approx(recorded["then_v"]["layer 1"], rel=1e-8)


def test_ctrl_c_stops_after_the_replay_under_way(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a"
    script = (
        "import sys, time\n"
        "from sim.attribute import command\n"
        "from sim.workers import WorkerEngine\n"
        "run = WorkerEngine.run\n"
        "def told(self, passes):\n"
        "    print('replaying', flush=True)\n"
        "    time.sleep(0.5)\n"  # during which the signal comes
        "    found = run(self, passes)\n"
        "    print('replayed', flush=True)\n"
        "    return found\n"
        "WorkerEngine.run = told\n"
        f"sys.exit(command.main([{str(folder)!r}, '--out', {str(out)!r}]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "replaying\n"
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=120)
    assert process.returncode == 130
    assert complaint.strip() == "error: stopped by Ctrl-C"
    assert said == "replayed\n"
    assert not out.exists()


def test_a_run_without_rules_and_too_many_passes_are_said(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copied(folder, tmp_path / "other")
    spoilt(other, "config.toml", b"erc = true", b"erc = false")
    assert attribute([str(other), "--passes", "500"]) == 0
    said = capsys.readouterr().out
    assert "electrical rules were not checked (--no-erc)" in said
    assert "--passes 500, but the run has 16: all were replayed" in said


def test_the_command_says_whether_the_replay_agrees(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copied(folder, tmp_path / "other")
    config = (other / "config.toml").read_text(encoding="utf8")
    changed = config.replace('"aperture"', '"op"').replace("r_load = 20000.0", "r_load = 19000.0")
    (other / "config.toml").write_text(changed, encoding="utf8")
    assert attribute([str(other)]) == 0
    said = capsys.readouterr().out
    record = json.loads((other / "attribution" / "attribution.json").read_text(encoding="utf8"))
    assert record["replay"]["checked"]
    assert record["replay"]["agrees"] == ("warning: the replay's deviation is" not in said)
    assert not record["replay"]["agrees"]
    assert "were the run's files changed" in said
    assert attribute([str(other)]) == 2
    assert capsys.readouterr().err == (
        f"error: {other / 'attribution'}: is not empty, and without --out it is the folder to "
        "write; remove it, or name another one with --out\n"
    )


def test_a_failed_simulation_ends_with_exit_code_3(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SimulationError("ngspice, op: singular matrix; deck and log kept as here")

    monkeypatch.setattr(WorkerEngine, "run", fail)
    assert attribute([str(folder)]) == 3
    assert capsys.readouterr().err == (
        "error: ngspice, op: singular matrix; deck and log kept as here\n"
    )
    assert not (folder / "attribution").exists()


def copied(folder: Path, to: Path) -> Path:
    to.mkdir()
    for name in ("config.toml", "summary.json", "weights.npz"):
        (to / name).write_bytes((folder / name).read_bytes())
    return to


def spoilt(folder: Path, name: str, before: bytes, after: bytes) -> None:
    content = (folder / name).read_bytes()
    assert before in content
    (folder / name).write_bytes(content.replace(before, after))


DAMAGE = [
    ("summary.json", None, "holds no summary.json; wanted the folder of a run that came to its en"),
    ("weights.npz", None, "holds no weights.npz"),
    ("config.toml", None, "holds no config.toml"),
    ("config.toml", (b"[task]", b"[task"), "config.toml: is not TOML"),
    ("config.toml", (b"[circuit.opamp]", b"[circuit.oppamp]"), "oppamp: no such parameter"),
    ("config.toml", (b'engine = "ngspice"', b'engine = "ideal"'), "has no circuit in ngspice"),
    ("config.toml", (b'"2,1,1"', b'"2,2,1"'), "weights.npz: in_loop_W1: wanted (2, 2) finite"),
    ("summary.json", (b'"finished": true', b'"finished": false'), "before its end; go on with"),
    ("summary.json", (b'"finished": true', b'"finished": 1'), "summary.json: is damaged"),
    ("summary.json", (b'"rms_v"', b'"rms"'), "summary.json: is damaged"),
    ("summary.json", (b'"t_aperture_s": ', b'"t_aperture_s": -'), "summary.json: is damaged"),
    ("summary.json", (b'"t_aperture_s": ', b'"t_aperture_s": 999'), "is longer than a pass of"),
    ("summary.json", (b"{", b"["), "summary.json: is damaged"),
    ("weights.npz", (b"PK", b"XX"), "weights.npz: is damaged"),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=[text for *_, text in DAMAGE])
def test_what_is_no_finished_run_is_refused(
    damage: tuple[str, tuple[bytes, bytes] | None, str],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, change, expected = damage
    other = copied(folder, tmp_path / "other")
    if change is None:
        (other / name).unlink()
    else:
        spoilt(other, name, *change)
    assert attribute([str(other)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint
    assert not (other / "attribution").exists()


def test_weights_that_are_no_numbers_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = copied(folder, tmp_path / "other")
    arrays = dict(np.load(other / "weights.npz"))
    arrays["in_loop_W2"] = np.full_like(arrays["in_loop_W2"], np.nan)
    np.savez(other / "weights.npz", allow_pickle=False, **arrays)
    assert attribute([str(other)]) == 2
    assert "in_loop_W2: wanted (1, 1) finite numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere"], "nowhere: no such folder; wanted one that a run wrote"),
        ([], "Missing argument 'RUN_DIR'"),
        (["nowhere", "--passes", "0"], "wanted a whole number of at least 1, got '0'"),
        (["nowhere", "--passes", "abc"], "wanted a whole number of at least 1, got 'abc'"),
        ([__file__], f"{__file__}: is a file, wanted the folder that a run wrote; did you mean "),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert attribute(arguments) == 2
    assert expected in capsys.readouterr().err


def test_the_twins_weights_serve_where_the_rule_needs_mathematics(tmp_path: Path) -> None:
    path = tmp_path / "bp"
    options = "--layers 2,1,1 --samples 4 --epochs 1 --rule bp --fidelity op --quiet --out"
    assert run([*options.split(), str(path)]) == 0
    finished = read_run(path)
    assert finished.learner == "ideal"
    assert isinstance(finished.model, Model)
    replayer = Replayer(finished)
    replayed = [rms(d) for d in replayer.run(replayer.case.real).deviation]
    np.testing.assert_allclose(replayed, finished.deviation, rtol=0, atol=REPEATS)

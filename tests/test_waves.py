"""Waveforms: what is simulated again is what was measured, and files say it to the last bit."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from rich.console import Console
from spicelib import RawRead

from netlists.build import probe_names
from netlists.stimulus import EDGE
from sim.attribute.command import main as attribute
from sim.cli import main as danp_cosim
from sim.engines import IdealEngine
from sim.engines import ngspice as engine_module
from sim.engines.ngspice import NgspiceEngine
from sim.errors import SimulationError, UserError
from sim.finished import read_run
from sim.guards import Doubt
from sim.libngspice import get_library
from sim.loop import effective_weights
from sim.passes import Passes
from sim.preparation import Setup, set_up
from sim.programmed import at_start
from sim.results import Run
from sim.run import main as run
from sim.settings import load_config
from sim.waves.command import main as waves
from sim.waves.figure import plot_waveforms
from sim.waves.files import read_waves, to_csv, to_netcdf, to_raw
from sim.waves.nodes import choose, usual_nodes
from sim.waves.numbers import consecutive, passes_asked
from sim.waves.replay import Held, hold, wave_clock, waves_of, waves_of_run
from sim.waves.replay import measured as measured_by_run
from sim.waves.simulate import duration, pair_deck, simulate_waves
from sim.waves.table import ALIKE, print_held
from sim.waves.waves import Waves

Array = NDArray[np.float64]

SMALL = ("task.layers=2,2,1", "simulation.t_pass=200u", "simulation.erc=false")
"""Passes as long as eight apertures: flips, and all that follows, in a fifth of the time."""

EDGE_TIME = 1e-13
"""s; ngspice reads the corners of waves to a femtosecond, and an edge is straight."""

VENDOR = """.SUBCKT AMP 1 2 3 4 5
G1 0 6 1 2 1.2M
R6 6 0 1E9
C6 6 0 100P
E1 5 0 6 0 1
.ENDS
"""


def setup_of(*settings: str, seed: int = 1) -> Setup:
    return set_up(load_config(None, None, {"seed": seed}, assignments=(*SMALL, *settings)))


def whole(setup: Setup) -> Setup:
    return setup.with_clock(setup.clock.in_full())


def drawn(setup: Setup, samples: int = 3) -> Passes:
    return setup.schedule(1).draw(setup.task.test_inputs[:samples])


def simulated(setup: Setup, passes: Passes, **options: Any) -> Waves:
    return simulate_waves(setup, at_start(setup).pairs, passes, **options)


def measured(setup: Setup, passes: Passes) -> Array:
    """By the engine that has every resistor, V, shape (P, probes)."""
    engine = NgspiceEngine(
        setup.network,
        setup.circuit,
        setup.clock,
        strings=setup.strings,
        solver=setup.config.simulation.solver(),
    )
    engine.write(effective_weights(setup.start, setup))
    readout = engine.run(passes)
    *hidden, last = zip(readout.pre, readout.outputs, strict=True)
    return np.concatenate([one for pair in hidden for one in pair] + [last[0]], axis=1)


def sampled(setup: Setup, found: Waves) -> Array:
    return np.stack([found.sampled(name) for name in probe_names(setup.network)], axis=1)


def fail_transients(monkeypatch: pytest.MonkeyPatch) -> None:
    command = get_library().command

    def failing(text: str) -> None:
        if text.startswith("tran"):
            raise SimulationError("ngspice: out of order")
        command(text)

    monkeypatch.setattr(get_library(), "command", failing)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return whole(setup_of())


@pytest.fixture(scope="module")
def pair(setup: Setup) -> Waves:
    """Passes 3 and 4, the second pair."""
    return simulated(setup, drawn(setup)[2:4], first=3, currents=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    options = "--layers 2,1,1 --samples 8 --epochs 1 --seed 3 --t-pass 200u --quiet --out"
    assert run([*options.split(), str(path)]) == 0
    return path


# --- what is simulated -------------------------------------------------------------------------


def test_nodes_are_at_the_instants_what_mathematics_says_of_ideal_parts() -> None:
    """The oracle is the twin: a = W·x + b + ν, x = f(a), which ideal parts promise to keep to."""
    config = load_config(None, "ideal-parts", {"seed": 2}, assignments=SMALL)
    setup = whole(set_up(config))
    passes = drawn(setup, 2)
    twin = IdealEngine(setup.network, setup.circuit, setup.activation)
    twin.write(effective_weights(setup.start, setup))
    wanted = twin.run(passes)
    found = simulated(setup, passes)
    for layer, (pre, outputs) in enumerate(zip(wanted.pre, wanted.outputs, strict=True), start=1):
        for j in range(pre.shape[1]):
            a = found.sampled(f"a{layer}_{j + 1}")
            np.testing.assert_allclose(a, pre[:, j], rtol=0, atol=tolerances.IDEAL_PARTS)
            if layer < len(wanted.pre):
                x = found.sampled(f"x{layer}_{j + 1}")
                np.testing.assert_allclose(x, outputs[:, j], rtol=0, atol=tolerances.IDEAL_PARTS)


OTHER_CIRCUITS = (
    (),
    ("circuit.activation.kind=precision",),
    ("circuit.noise.source=gaussian",),
    ("circuit.noise.source=hmm", "circuit.noise.hmm.sample_time=50u"),
    ("circuit.noise.n_mtj=2",),
    ("circuit.noise.coupling=two-way",),
    ("learning.biases=true",),
)


@pytest.mark.parametrize("settings", OTHER_CIRCUITS, ids=lambda s: "".join(s) or "default")
def test_any_circuit_is_at_the_instants_where_the_engine_has_it(settings: tuple[str, ...]) -> None:
    """Also from the third pass on, which begins on the inputs of the second sample's partner."""
    setup = whole(setup_of(*settings))
    passes = drawn(setup)
    found = simulated(setup, passes[2:5], first=3)
    assert found.passes == (3, 4, 5)
    wanted = measured(setup, passes)[2:5]
    np.testing.assert_allclose(sampled(setup, found), wanted, rtol=0, atol=tolerances.SAME_SAMPLE)
    assert np.ptp(wanted, axis=0).max() > 1e3 * tolerances.SAME_SAMPLE  # passes are told apart


def test_a_model_from_a_file_is_simulated(tmp_path: Path) -> None:
    library = tmp_path / "vendor.lib"
    library.write_text(VENDOR, encoding="utf8")
    setup = whole(setup_of("circuit.opamp.level=file", f"circuit.opamp.model={library}:AMP"))
    passes = drawn(setup, 1)
    found = simulated(setup, passes)
    wanted = measured(setup, passes)
    np.testing.assert_allclose(sampled(setup, found), wanted, rtol=0, atol=tolerances.SAME_SAMPLE)


def test_apertures_follow_each_other(setup: Setup) -> None:
    near = setup.with_clock(setup_of().clock)
    assert near.clock.fidelity == "aperture"
    passes = drawn(near)
    found = simulated(near, passes)
    instants = near.clock.t_aperture * np.arange(1, len(passes) + 1)
    np.testing.assert_allclose(found.sampling_instants, instants, rtol=1e-12)
    np.testing.assert_allclose(
        sampled(near, found), measured(near, passes), rtol=0, atol=tolerances.SAME_SAMPLE
    )


def test_the_circuit_rests_on_the_inputs_of_the_pass_before(setup: Setup, pair: Waves) -> None:
    passes = drawn(setup)
    for k, name in enumerate(("x0_1", "x0_2")):
        assert pair.voltages[name][0] == pytest.approx(passes.inputs[1, k], rel=1e-8)
        assert pair.voltages[name][-1] == pytest.approx(passes.inputs[3, k], rel=1e-8)
    first = simulated(setup, passes[:1], nodes=["x0_*"])
    assert first.voltages["x0_1"][0] == 0.0


def test_flips_are_where_the_passes_have_them_and_states_cross(setup: Setup, pair: Waves) -> None:
    passes = drawn(setup)[2:4]
    wanted = sorted(
        (instant - age, f"s{node}")
        for instant, controls in zip(pair.sampling_instants, passes.jumps, strict=True)
        for node, jumps in zip(("1_1", "1_2", "2_1"), controls, strict=True)
        for age in jumps.ages
    )
    assert len(wanted) > 3
    assert [name for _, name in pair.flips] == [name for _, name in wanted]
    np.testing.assert_allclose(
        [t for t, _ in pair.flips], [t for t, _ in wanted], rtol=0, atol=EDGE_TIME
    )
    for name, state in pair.of_kind("state").items():
        up = state > 0.5
        k = np.flatnonzero(up[1:] != up[:-1])
        slope = (state[k + 1] - state[k]) / (pair.time[k + 1] - pair.time[k])
        crossings = pair.time[k] + (0.5 - state[k]) / slope
        edges = [time + EDGE / 2 for time, source in pair.flips if source == name]
        np.testing.assert_allclose(crossings, edges, rtol=0, atol=EDGE_TIME)


def test_a_divider_answers_its_junction_and_no_other(pair: Waves) -> None:
    """V_z has one level a state (equal strings): a flip of s1_2 moves z1_2 alone."""
    state, divider = pair.voltages["s1_2"], pair.voltages["xlayer1.z2"]
    settled = (state == 0.0) | (state == 1.0)
    levels = [divider[settled & (state == value)] for value in (0.0, 1.0)]
    assert abs(np.median(levels[0]) - np.median(levels[1])) > 0.05
    assert max(np.quantile(np.abs(v - np.median(v)), 0.9) for v in levels) < 1e-3


def test_currents_balance(pair: Waves) -> None:
    """The op-amps draw one current from V_DD to V_SS; what else flows is of the strings."""
    assert set(pair.currents) == {"vdd", "vss", "vb", "vref", "vone"}
    assert pair.currents["vdd"].max() < 0 < pair.currents["vss"].min()


def test_very_many_flips_come_from_a_file(
    setup: Setup, pair: Waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "LONGEST_WAVE", 3)
    decks: list[str] = []
    load = get_library().load
    monkeypatch.setattr(get_library(), "load", lambda text: (decks.append(text), load(text)))
    again = simulated(setup, drawn(setup)[2:4], first=3)
    assert "d_source" in decks[0]
    assert again.flips == pair.flips
    np.testing.assert_allclose(
        sampled(setup, again), sampled(setup, pair), rtol=0, atol=tolerances.SAME_SAMPLE
    )


def test_a_failed_simulation_keeps_its_deck(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail_transients(monkeypatch)
    with pytest.raises(SimulationError, match=r"out of order; deck and log kept as .*failed\.cir"):
        simulated(setup, drawn(setup)[:1], keep=tmp_path)
    assert "Vs1_1" in (tmp_path / "failed.cir").read_text(encoding="utf8")


def test_the_deck_of_a_pair_prints_its_probes(setup: Setup) -> None:
    deck = pair_deck(setup, at_start(setup).pairs, drawn(setup), title=("mine",))
    assert deck.title[0] == "mine"
    assert [label for label, _ in deck.analysis.samples] == ["p1", "p2"]  # type: ignore[union-attr]


# --- files -------------------------------------------------------------------------------------


def test_a_dataset_comes_back_identical(pair: Waves, tmp_path: Path) -> None:
    path = tmp_path / "waves.nc"
    path.write_bytes(to_netcdf(pair))
    again = read_waves(path)
    wanted = pair.to_dataset()
    assert again.to_dataset().identical(wanted)
    assert again.flips == pair.flips
    assert again.currents.keys() == pair.currents.keys()
    assert wanted["a1_1"].attrs == {"units": "V", "kind": "pre", "long_name": "pre-activation"}
    assert wanted["xlayer1.z2"].attrs["kind"] == "noise"
    assert wanted["s1_2"].attrs["units"] == "1"
    assert wanted["i(vdd)"].attrs["units"] == "A"
    assert wanted.attrs["passes"].tolist() == [3, 4]
    assert wanted.attrs["engine"].startswith("ngspice ")


def test_one_still_pass_comes_back_identical(setup: Setup, tmp_path: Path) -> None:
    """One instant and no flip, which netCDF would take for a number and for no text."""
    passes = setup.schedule(1, silent=True).draw(setup.task.test_inputs[:1])[:1]
    one = simulated(setup, passes, nodes=["xlayer1.xn2.op"])
    assert one.flips == ()
    path = tmp_path / "waves.nc"
    path.write_bytes(to_netcdf(one))
    assert read_waves(path).to_dataset().identical(one.to_dataset())
    assert set(read_waves(path).kinds.values()) == {"other"}


@pytest.mark.parametrize("content", [b"", b"CDF\x01 and more", b"words", None])
def test_what_is_no_dataset_of_waveforms_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "waves.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"waves\.nc: (wanted a netCDF|cannot read)"):
        read_waves(path)


def test_a_dataset_of_other_things_is_refused(folder: Path) -> None:
    with pytest.raises(UserError, match="wanted a netCDF file of waveforms"):
        read_waves(folder / "results.nc")


def columns(found: Waves) -> dict[str, Array]:
    return {
        "time": found.time,
        **{f"v({name})": volts for name, volts in found.voltages.items()},
        **{f"i({name})": amperes for name, amperes in found.currents.items()},
    }


def require_raw(path: Path, wanted: dict[str, Array], dialect: str) -> None:
    raw = RawRead(path, dialect=dialect, verbose=False)
    assert set(raw.get_trace_names()) == set(wanted)
    for name, values in wanted.items():
        np.testing.assert_array_equal(raw.get_trace(name).get_wave(), values)


@pytest.mark.parametrize("dialect", ["ngspice", "ltspice"])
def test_a_raw_file_is_read_to_the_last_bit(dialect: str, pair: Waves, tmp_path: Path) -> None:
    path = tmp_path / "waves.raw"
    path.write_bytes(to_raw(pair))
    require_raw(path, columns(pair), dialect)


def bare(folder: Path, commands: Iterable[str]) -> str:
    deck = ["* waves", ".control", *commands, "quit", ".endc", ".end", ""]
    (folder / "look.cir").write_text("\n".join(deck), encoding="ascii")
    done = subprocess.run(
        ["ngspice", "-b", "look.cir"],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_ngspice_reads_a_raw_file_to_the_last_bit(pair: Waves, tmp_path: Path) -> None:
    """It loads the file, and what it then writes holds the same numbers."""
    (tmp_path / "waves.raw").write_bytes(to_raw(pair))
    names = " ".join(columns(pair))
    said = bare(
        tmp_path,
        ["load waves.raw", "display", "print v(xlayer1.z2)[100]", f"write again.raw {names}"],
    )
    assert "Name: tran1 (Transient Analysis)" in said
    assert "Title: danp-cosim: teacher 2,2,1" in said
    assert f"v(xlayer1.z2)       : voltage, real, {len(pair.time)} long" in said
    assert f"v(xlayer1.z2)[100] = {pair.voltages['xlayer1.z2'][100]:.6e}" in said
    complaints = [line for line in said.splitlines() if "arning" in line or "rror" in line]
    assert complaints == ["Warning: unknown flag double"]
    assert "no such command" not in said
    require_raw(tmp_path / "again.raw", columns(pair), "ngspice")


def test_a_table_holds_every_digit(pair: Waves) -> None:
    lines = to_csv(pair).decode("ascii").splitlines()
    assert lines[0].split(",")[:3] == ["time", "x0_1", "x0_2"]
    values = np.array([[float(v) for v in line.split(",")] for line in lines[1:]])
    np.testing.assert_array_equal(values, np.stack(list(columns(pair).values()), axis=1))


def test_a_window_keeps_the_passes_sampled_in_it(pair: Waves) -> None:
    first, second = pair.sampling_instants
    late = pair.between(first + 1e-6, second)
    assert late.passes == (4,)
    assert late.sampled("a1_1") == pytest.approx(pair.sampled("a1_1")[1:], abs=1e-12)
    assert all(time > first for time, _ in late.flips)
    with pytest.raises(ValueError, match="window that holds two time points"):
        pair.between(1.0, 2.0)


# --- figures -----------------------------------------------------------------------------------


def test_figures_of_few_and_of_all_nodes(setup: Setup, pair: Waves, tmp_path: Path) -> None:
    plot_waveforms(pair, "all", tmp_path / "all.png")
    middle = pair.between(5e-6, pair.sampling_instants[0] - 5e-6)  # no sampling instant
    plot_waveforms(middle, "between", tmp_path / "between.png")
    every = simulated(setup, drawn(setup)[:1], nodes=["*"])
    plot_waveforms(every, "every node", tmp_path / "every.png")
    for name in ("all", "between", "every"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


# --- names and numbers -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (("a1_1",), ("a1_1",)),
        (("A1_1", "v(a1_1)", " a1_1 "), ("a1_1",)),
        (("a1_*",), ("a1_1", "a1_2")),
        (("a[12]_1", "x0_2"), ("a1_1", "a2_1", "x0_2")),
        (("z1_2",), ("xlayer1.z2",)),
        (("xlayer1.xn2.op",), ("xlayer1.xn2.op",)),
        (("xlayer1.xn?.op",), ("xlayer1.xn1.op", "xlayer1.xn2.op")),
    ],
)
def test_names_and_patterns(asked: tuple[str, ...], found: tuple[str, ...], setup: Setup) -> None:
    deck = pair_deck(setup, at_start(setup).pairs, drawn(setup))
    assert set(choose(asked, deck, ())) == set(found)


def test_ngspice_has_every_node_that_patterns_find(setup: Setup) -> None:
    found = simulated(setup, drawn(setup)[:1], nodes=["*"])
    assert len(found.voltages) > 2 * len(usual_nodes(setup.network, setup.circuit.noise))
    assert {"0", "gnd"}.isdisjoint(found.voltages)
    assert found.kinds["a2_1"] == "pre"
    assert found.kinds["xlayer1.xn2.op"] == "other"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("a2_9", "--node a2_9: a node that is not there; did you mean a2_1"),
        ("xlayer1.xn2.opp", "did you mean xlayer1.xn2.op,"),
        ("q*", "--node q*: a pattern that fits no node; there are x0_1, x0_2"),
        ("", "--node : a node that is not there"),
    ],
)
def test_unknown_nodes_are_answered_with_near_ones(asked: str, said: str, setup: Setup) -> None:
    with pytest.raises(UserError) as caught:
        simulated(setup, drawn(setup)[:1], nodes=[asked])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("passes", "pairs", "found"),
    [
        ((), (), [1, 2]),
        (("12",), (), [12]),
        (("11-13", "12"), ("1",), [1, 2, 11, 12, 13]),
        (("3,7:8",), (), [3, 7, 8]),
        ((), ("6",), [11, 12]),
    ],
)
def test_numbers_of_passes(
    passes: tuple[str, ...], pairs: tuple[str, ...], found: list[int]
) -> None:
    assert passes_asked(passes, pairs, 16) == found


@pytest.mark.parametrize(
    "text", ["0", "17", "5-4", "x", "", "-1", "1-", "1.5", "1,", "٣", "9" * 20]
)
def test_numbers_that_are_no_passes(text: str) -> None:
    with pytest.raises(UserError, match="--pass"):
        passes_asked((text,), (), 16)


def test_no_more_passes_than_can_be_looked_at() -> None:
    with pytest.raises(UserError, match="at most 200 passes at once, got 999"):
        passes_asked(("1-999",), (), 999)
    assert consecutive([1, 2, 5, 7, 8]) == [(1, 2), (5, 5), (7, 8)]


# --- the command -------------------------------------------------------------------------------


@pytest.mark.parametrize("fidelity", ["full", "aperture"])
def test_passes_of_a_run_are_where_the_run_measured_them(folder: Path, fidelity: str) -> None:
    """The oracle is the run's own recording, of another engine's solution (reduction norton)."""
    finished = read_run(folder)
    clock = wave_clock(finished, fidelity)
    passes = finished.passes(clock)
    found = waves_of(finished, clock, passes, 3, 10)
    assert found.time[-1] == pytest.approx(duration(clock, 8), rel=1e-12)
    results = measured_by_run(finished, len(passes))
    assert results is not None
    held = hold(results, found)
    assert {one.number for one in held} == set(range(3, 11))
    assert {one.node for one in held} == {"a1_1", "x1_1", "a2_1"}
    assert max(one.apart for one in held) < tolerances.SAME_SAMPLE
    shifted = waves_of(finished, clock, passes[1:], 3, 10)  # each pass in the place of another
    assert max(one.apart for one in hold(results, shifted)) > 100 * tolerances.SAME_SAMPLE


def test_the_command_writes_what_it_says(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    asked = "--pass 12 --node a2_1 --node xlayer1.xn1.op --format raw,nc,csv,png --current --out"
    assert danp_cosim(["waves", str(folder), *asked.split(), str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("pass 12: 2 nodes, ")
    assert "at the sampling instant of pass 12: a2_1 = " in said
    assert "the run measured" in said
    assert sorted(p.name for p in out.iterdir()) == [
        f"pass-12.{suffix}" for suffix in ("csv", "nc", "png", "raw")
    ]
    found = read_waves(out / "pass-12.nc")
    assert found.passes == (12,)
    assert list(found.voltages) == ["a2_1", "xlayer1.xn1.op"]
    require_raw(out / "pass-12.raw", columns(found), "ngspice")
    again = waves_of_run(folder, 12, ["a2_1"])
    np.testing.assert_allclose(
        again.sampled("a2_1"), found.sampled("a2_1"), rtol=0, atol=tolerances.SAME_SAMPLE
    )


def test_passes_apart_make_files_of_their_own(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "--pair 1 --pass 4 --format nc --from 10u --to 1 --out"
    assert waves([str(folder), *asked.split(), str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pass-1-2.nc", "pass-4.nc"]
    assert "passes 1 to 2: " in capsys.readouterr().out
    found = read_waves(tmp_path / "pass-1-2.nc")
    assert found.passes == (1, 2)
    assert found.time[0] >= 10e-6


def test_other_weights_are_other_waves(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = {}
    for whose in ("in_loop", "ideal", "start"):
        asked = f"--pass 2 --weights {whose} --format nc --node a2_1 --out {tmp_path}"
        assert waves([str(folder), *asked.split()]) == 0
        ends[whose] = float(read_waves(tmp_path / "pass-2.nc").sampled("a2_1")[0])
    assert len(set(ends.values())) == 3
    assert "nothing to hold these against" in capsys.readouterr().out


def test_quiet_is_quiet(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--fidelity", "aperture", "--quiet", "--out", str(tmp_path)]
    assert waves([str(folder), *asked]) == 0
    assert capsys.readouterr() == ("", "")


BAD = (
    ("--pass 99", "--pass 99: the run has evaluation passes 1 to 16"),
    ("--pair 9", "--pair 9: the run has pairs of evaluation passes 1 to 8"),
    ("--pass one", "--pass one: wanted a number from 1 to 16"),
    ("--node a9_1", "--node a9_1: a node that is not there; did you mean"),
    ("--format raw,pdf", "--format raw,pdf: wanted one or more of raw, nc, csv, png, got 'pdf'"),
    ("--format ,", "--format ,: wanted one or more of"),
    ("--from 2m --to 1m", "--from 0.002: wanted a time before --to 0.001"),
    (
        "--from 401u",
        "--from 0.000401: wanted a window within 0 and 0.0004001 s, the time of passes 1",
    ),
    ("--pass 1-2,4 --from 201u", "wanted a window within 0 and 0.0002001 s, the time of pass 4"),
    ("--pass ٣", "--pass ٣: wanted a number from 1 to 16"),
    ("--to 0", "--to 0: wanted a window within 0 and"),
    ("--from nan", "--from nan: wanted a window within 0 and"),
    ("--from soon", "wanted a number in s"),
    ("--weights best", "best"),
    ("--fidelity op", "op"),
    ("--out {folder}/config.toml", "config.toml is a file; name a folder"),
    ("--out {folder}/config.toml/in", "config.toml is a file; name a folder"),
)


@pytest.mark.parametrize(("asked", "said"), BAD)
def test_a_wrong_input_is_one_line_and_leaves_nothing(
    asked: str,
    said: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is refused before anything is simulated, which would be exit code 3 here."""
    fail_transients(monkeypatch)
    before = sorted(folder.rglob("*"))
    assert waves([str(folder), *asked.format(folder=folder).split()]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert said in complaint
    assert sorted(folder.rglob("*")) == before


def test_a_window_between_two_time_points_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = "--pass 1 --from 150u --to 150.0000001u --out"
    assert waves([str(folder), *asked.split(), str(tmp_path)]) == 2
    assert "wanted a window that holds two time points" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused_before_anything_is_simulated(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail_transients(monkeypatch)
    (tmp_path / "pass-4.nc").mkdir()
    assert waves([str(folder), "--pass", "1-2,4", "--out", str(tmp_path)]) == 2
    assert "pass-4.nc is a folder, wanted a file" in capsys.readouterr().err


def damaged(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "damaged"))


DAMAGES = (
    ("weights.npz", None, "holds no weights.npz"),
    ("results.nc", b"x", "results.nc: is damaged"),
    ("weights.npz", b"x", "weights.npz: is damaged"),
    ("summary.json", b"{}", "summary.json: is damaged"),
    ("config.toml", None, "holds no config.toml"),
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage[2])
def test_a_damaged_run_is_one_line(
    damage: tuple[str, bytes | None, str],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail_transients(monkeypatch)
    name, content, said = damage
    run_dir = damaged(folder, tmp_path)
    (run_dir / name).unlink()
    if content is not None:
        (run_dir / name).write_bytes(content)
    assert waves([str(run_dir), "--fidelity", "aperture"]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1
    assert not (run_dir / "waves").exists()


def test_results_of_another_run_are_refused(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail_transients(monkeypatch)
    run_dir = damaged(folder, tmp_path)
    fewer = Run(folder).results.isel({"pass": slice(4)}).drop_encoding()
    (run_dir / "results.nc").write_bytes(bytes(fewer.to_netcdf(None, engine="scipy")))
    assert waves([str(run_dir), "--pass", "12"]) == 2
    assert "results.nc: is damaged, wanted the 16 evaluation passes" in capsys.readouterr().err


def test_a_run_without_results_is_simulated_all_the_same(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = damaged(folder, tmp_path)
    (run_dir / "results.nc").unlink()
    assert waves([str(run_dir), "--fidelity", "aperture"]) == 0
    said = capsys.readouterr().out
    assert "holds no results.nc, as runs of older versions, so there is nothing to hold" in said
    assert sorted(p.name for p in (run_dir / "waves").iterdir()) == ["pass-1-2.nc", "pass-1-2.raw"]
    assert waves([str(folder), "--fidelity", "aperture", "--out", str(tmp_path)]) == 0
    wanted = read_waves(tmp_path / "pass-1-2.nc").to_dataset()
    assert read_waves(run_dir / "waves" / "pass-1-2.nc").to_dataset().equals(wanted)


def test_the_help_needs_no_simulator() -> None:
    heavy = {"scipy", "networkx", "matplotlib", "xarray", "spicelib", "circuits", "sim.libngspice"}
    code = (
        "import sys\nfrom sim.cli import main\nassert main(['waves', '--help']) == 0\n"
        f"print('imported:', *sorted({heavy} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "junctions' states" in " ".join(done.stdout.split())
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_a_run_that_was_stopped_is_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = damaged(folder, tmp_path)
    path = run_dir / "summary.json"
    summary = json.loads(path.read_text(encoding="utf8"))
    path.write_text(json.dumps(summary | {"finished": False}), encoding="utf8")
    assert waves([str(run_dir)]) == 2
    assert "was stopped before its end; go on with" in capsys.readouterr().err


def test_a_failed_simulation_is_exit_code_3(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_transients(monkeypatch)
    assert waves([str(folder)]) == 3
    assert "ngspice: out of order; deck and log kept as" in capsys.readouterr().err
    assert not (folder / "waves").exists()


def test_operating_points_and_models_from_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of operating points knows no aperture; one with a maker's model can be looked at."""
    library = tmp_path / "vendor.lib"
    library.write_text(VENDOR, encoding="utf8")
    path = tmp_path / "run"
    options = f"--layers 2,1,1 --samples 3 --epochs 1 --fidelity op --opamp {library}:AMP --out"
    assert run([*options.split(), str(path), "--quiet"]) == 0
    assert waves([str(path), "--fidelity", "aperture"]) == 2
    assert "knows no aperture; take full" in capsys.readouterr().err
    assert waves([str(path), "--pass", "1"]) == 0
    assert "at the sampling instant of pass 1: a1_1" in capsys.readouterr().out
    assert attribute([str(path)]) == 2
    assert "AMP is a model of" in capsys.readouterr().err


def test_what_is_far_apart_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished = read_run(folder)
    far = [Held(7, "a1_1", 0.1, 0.1 + 2 * ALIKE, doubt) for doubt in (Doubt(0), Doubt.MOVING)]
    print_held(Console(width=400), finished, far[:1])
    assert "warning: pass 7: further apart than the same circuit is" in capsys.readouterr().out
    print_held(Console(width=400), finished, far[1:])
    said = capsys.readouterr().out
    assert "pass 7: still moving at the sampling instant" in said
    assert "warning" not in said
    print_held(Console(width=400), finished, [])
    assert "none of these nodes is one that the run measured" in capsys.readouterr().out

"""`python -m sim.noise`: what it finds, what it writes, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from circuits import CircuitParameters
from circuits.sampled import HiddenMarkovChain, HmmParameters
from netlists.build import SolverSettings
from sim.noise.command import main
from sim.noise.in_circuit import in_circuit

BANDWIDTH = 0.02
"""The loop's second-order shape moves a 3 dB corner by per cents of per cents; the rest is the
measured closed loop's noise gain, taken from the drawn weights."""

WITHIN = 3.0
"""Half a 95 % interval is two standard errors: a value off by six misses by chance once in 1e9."""


def look(out: Path, *arguments: str) -> list[dict[str, Any]]:
    assert main([*arguments, "--quiet", "--out", str(out)]) == 0
    return json.loads((out / "noise.json").read_text(encoding="utf8"))["specimens"]


def agrees(estimate: dict[str, float], wanted: float) -> bool:
    half = (estimate["high"] - estimate["low"]) / 2
    return abs(estimate["value"] - wanted) < WITHIN * half


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The paper's chain, with its mean, as .npy."""
    chain = HiddenMarkovChain(HmmParameters(), np.random.default_rng(3))
    path = tmp_path_factory.mktemp("recording") / "paper.npy"
    np.save(path, chain.values(0, 60_000) + HmmParameters().mean_voltage)
    return path


def test_three_fields_are_three_specimens_that_follow_the_law(tmp_path: Path) -> None:
    found = look(tmp_path / "n", "--field=-3m,0,3m", "--samples", "60000")
    # By hand: 0.327 eV (1 ± 3/70)² at 27 °C.
    wanted = [(0.8973, 107.2e-6, 936.1e-6), (0.5, 309.5e-6, 309.5e-6), (0.1027, 936.1e-6, 107.2e-6)]
    assert [f["label"] for f in found] == ["string at -3 mT", "string at 0 T", "string at 3 mT"]
    for one, (occupancy, low, high) in zip(found, wanted, strict=True):
        assert one["made_by"] == "drawn"
        assert one["law"]["occupancy"] == pytest.approx(occupancy, abs=1e-4)
        assert agrees(one["found"]["occupancy"], occupancy)
        assert agrees(one["found"]["dwells"][0]["mean_s"], low)
        assert agrees(one["found"]["dwells"][1]["mean_s"], high)
    assert found[0]["found"]["occupancy"] != found[2]["found"]["occupancy"]
    assert (tmp_path / "n" / "noise.png").read_bytes().startswith(b"\x89PNG")


def test_a_recording_gives_back_the_papers_figures(recording: Path, tmp_path: Path) -> None:
    (one,) = look(tmp_path / "n", str(recording), "--sample-time", "25u")
    found = one["found"]
    assert one["made_by"] == "recording"
    assert found["count"] == 60_000
    assert [k["voltage_v"] for k in found["levels"]] == pytest.approx(
        [36.16e-3, 48.02e-3], abs=30e-6
    )
    assert agrees(found["hmm"]["flip_low_high"], 0.0809)
    assert agrees(found["hmm"]["flip_high_low"], 0.0809)
    assert found["hmm"]["noise_v"] == pytest.approx(0.908e-3, rel=0.02)
    assert found["dwells"][0]["observed_s"] == pytest.approx(309e-6, rel=0.05)


def test_a_converters_steps_are_no_levels(recording: Path, tmp_path: Path) -> None:
    path = tmp_path / "rounded.npy"
    np.save(path, np.round(np.load(recording), 3))
    (one,) = look(tmp_path / "n", str(path), "--sample-time", "25u")
    voltages = [k["voltage_v"] for k in one["found"]["levels"]]
    assert voltages == pytest.approx([36.16e-3, 48.02e-3], abs=50e-6)
    assert agrees(one["found"]["hmm"]["flip_low_high"], 0.0809)
    assert not one["warnings"]


def telegraph(rng: np.random.Generator, dwell: Callable[[int], Any], count: int) -> Any:
    """±6 mV with the dwells drawn, sampled every 25 µs, under 0.5 mV of noise."""
    flips = np.cumsum(dwell(count // 4))
    states = np.searchsorted(flips, np.arange(count) * 25e-6) % 2
    return 12e-3 * states + rng.normal(0, 0.5e-3, count)


def test_figures_that_would_mislead_come_with_a_warning(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    count = 40_000
    exponential = telegraph(rng, lambda n: rng.exponential(300e-6, n), count)
    records = {
        "good": (exponential, None),
        "few flips": (np.where(np.arange(count) < 9_000, 0, 12e-3), "1 flips alone"),
        "drift": (exponential + np.linspace(0, 50e-3, count), "the mean drifts"),
        "regular": (
            telegraph(rng, lambda n: rng.gamma(20, 15e-6, n), count),
            "dwells are not exponential",
        ),
        "slow": (exponential[::200][: count // 200], "sampled too slowly"),
    }
    for name, (samples, line) in records.items():
        np.save(tmp_path / f"{name}.npy", samples + rng.normal(0, 10e-6, len(samples)))
        (one,) = look(
            tmp_path / name, str(tmp_path / f"{name}.npy"), "--sample-time", "25u", "--levels", "2"
        )
        if line is None:
            assert not one["warnings"]
        else:
            assert any(line in warning for warning in one["warnings"]), one["warnings"]


def test_what_was_looked_at_is_in_the_configuration_it_leaves(tmp_path: Path) -> None:
    tuned = look(tmp_path / "a", "--dwell", "100u", "--occupancy", "0.8", "--samples", "2000")
    again = look(
        tmp_path / "b", "--config", str(tmp_path / "a" / "config.toml"), "--samples", "2000"
    )
    assert again[0]["law"]["levels_v"] == tuned[0]["law"]["levels_v"]
    assert again[0]["law"]["dwell_low_s"] == tuned[0]["law"]["dwell_low_s"]
    assert again[0]["found"]["mean_v"] == tuned[0]["found"]["mean_v"]


def test_a_recording_is_played_to_a_neuron(recording: Path, tmp_path: Path) -> None:
    arguments = (str(recording), "--sample-time", "25u", "--in-circuit", "--samples", "2000")
    (one,) = look(tmp_path / "n", *arguments)
    assert one["made_by"] == "ngspice"
    assert one["found"]["sample_time_s"] == pytest.approx(25e-6)
    head = np.load(recording)[:2000]
    wanted = head.mean() - np.load(recording).mean()
    assert one["found"]["mean_v"] == pytest.approx(wanted, abs=20e-6)
    assert one["found"]["sigma_v"] == pytest.approx(head.std(), rel=1e-3)


def test_the_wanted_dwell_and_occupancy_are_found(tmp_path: Path) -> None:
    arguments = ("--dwell", "100u", "--occupancy", "0.8", "--samples", "60000")
    (one,) = look(tmp_path / "n", *arguments)
    assert one["law"]["dwell_low_s"] == pytest.approx(40e-6)
    assert one["law"]["dwell_high_s"] == pytest.approx(160e-6)
    assert agrees(one["found"]["occupancy"], 0.8)
    assert agrees(one["found"]["dwells"][1]["mean_s"], 160e-6)


@pytest.mark.parametrize(
    ("arguments", "levels"),
    [
        (("--n-mtj", "2"), 3),
        (("--n-mtj", "2", "--arrangement", "parallel"), 3),
        (("--n-mtj", "2", "--set", "circuit.smtj.spread_tmr=0.3"), 4),
        (("--source", "binomial", "--set", "circuit.noise.binomial.n_sources=3"), 4),
        (("--source", "gaussian"), 1),
        (("--source", "bernoulli"), 2),
        (("--preset", "paper-hmm"), 2),
    ],
)
def test_every_source_shows_the_levels_of_its_law(
    arguments: tuple[str, ...], levels: int, tmp_path: Path
) -> None:
    (one,) = look(tmp_path / "n", *arguments, "--samples", "20000")
    assert len(one["found"]["levels"]) == levels
    found = [k["voltage_v"] for k in one["found"]["levels"]]
    if levels > 1:
        assert found == pytest.approx(one["law"]["levels_v"], abs=0.1e-3)
    assert one["found"]["sigma_v"] == pytest.approx(one["law"]["sigma_v"], rel=0.06)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--n-mtj", "2", "--arrangement", "parallel"),
        ("--coupling", "two-way", "--set", "circuit.smtj.critical_current=-2m"),
        ("--preset", "paper-hmm"),
    ],
    ids=["string", "parallel", "two-way", "hmm"],
)
def test_the_amplifiers_leave_the_noise_as_it_is(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    (one,) = look(tmp_path / "n", "--in-circuit", "--samples", "4000", *arguments)
    assert one["made_by"] == "ngspice"
    circuit = one["in_circuit"]
    levels, law = [k["voltage_v"] for k in one["found"]["levels"]], one["law"]["levels_v"]
    noisy = "hmm" in arguments[-1] if arguments else False
    # Gain 115 dB in loops of some tens: microvolts. The chain's levels are means of few samples.
    assert levels == pytest.approx(law, abs=0.15e-3 if noisy else 20e-6)
    amplitude = (max(law) - min(law)) / 2
    assert circuit["amplitude_v"] == pytest.approx(amplitude, rel=0.02 if noisy else 2e-3)
    assert 0.5e6 < circuit["bandwidth_hz"] < 2.8e6


def test_the_bandwidth_is_that_of_the_closed_loops() -> None:
    """Single-pole amplifiers in closed form: two poles at GBW over each noise gain."""
    settings = {"opamp": {"level": "single-pole"}}
    circuit = CircuitParameters.model_validate(settings)
    string = circuit.noise_string()
    rng = np.random.default_rng(5)
    weights = np.random.default_rng(5).normal(0, 1 / np.sqrt(2), (1, 2))
    _, found = in_circuit(
        circuit,
        string,
        rng,
        inputs=2,
        label="x",
        sample_time=None,
        count=200,
        solver=SolverSettings(),
    )
    pairs = circuit.synapse.program(weights)
    r_f, noise = circuit.synapse.r_feedback, circuit.noise
    plus = (1 / pairs.plus).sum() + 1 / noise.r_inject + 1 / string.r_trim
    minus = (1 / pairs.minus).sum() + 1 / r_f
    poles = [circuit.opamp.gbw / (1 + r_f * g) for g in (plus, minus)]
    grid = np.geomspace(1e3, 1e8, 200_001)
    gain = 1 / np.prod([np.hypot(1, grid / pole) for pole in poles], axis=0)
    corner = grid[np.argmax(gain < np.sqrt(0.5))]
    assert found.bandwidth == pytest.approx(corner, rel=BANDWIDTH)


def test_what_a_run_drew_is_a_recording_of_the_law(tmp_path: Path) -> None:
    from sim.run import main as run  # noqa: PLC0415

    out = tmp_path / "run"
    arguments = ["--epochs", "3", "--samples", "40", "--engine", "ideal", "--quiet"]
    assert run([*arguments, "--record-noise", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["noise"]["recorded"] == "noise.parquet"
    table = parquet.read_table(out / "noise.parquet")
    assert table.num_rows == 2 * 3 * 40
    names = ["time", *(f"nu{k}" for k in ("1_1", "1_2", "2_1", "2_2", "3_1"))]
    assert table.column_names == [*names, "s1_1", "s1_2", "s2_1", "s2_2", "s3_1"]
    levels = CircuitParameters().noise_string().node_levels
    state = table["s2_1"].to_numpy().astype(int)
    np.testing.assert_array_equal(table["nu2_1"].to_numpy(), levels[state])
    assert not list(out.glob(".*"))
    (one,) = look(tmp_path / "n", str(out / "noise.parquet"), "--column", "nu1_2")
    assert one["found"]["sample_time_s"] == pytest.approx(1e-3)
    assert [k["voltage_v"] for k in one["found"]["levels"]] == pytest.approx(levels.tolist())


def test_a_runs_summary_states_the_noise_and_warns_of_short_passes(tmp_path: Path) -> None:
    from sim.run import main as run  # noqa: PLC0415

    arguments = ["--epochs", "1", "--samples", "4", "--engine", "ideal", "--quiet"]
    for t_pass, correlation in (("1m", 0.00156), ("100u", 0.524)):
        out = tmp_path / t_pass
        assert run([*arguments, "--t-pass", t_pass, "--out", str(out)]) == 0
        summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
        assert len(summary["noise"]["nodes"]) == 5
        for node in summary["noise"]["nodes"]:
            assert node["sigma_v"] == pytest.approx(5.7126e-3, rel=1e-4)
            assert node["level_count"] == 2
            assert node["occupancy"] == pytest.approx(0.5)
            # By hand: exp(−t (1/309.5 µs + 1/309.5 µs)).
            assert node["pass_correlation"] == pytest.approx(correlation, rel=0.01)
        assert bool(summary["warnings"]) == (correlation > 0.1)


def test_two_way_coupled_noise_trains_circuit_and_twin_alike(tmp_path: Path) -> None:
    from sim.run import main as run  # noqa: PLC0415

    arguments = ["--epochs", "1", "--samples", "6", "--quiet", "--preset", "ideal-parts"]
    coupled = ["--coupling", "two-way", "--set", "circuit.smtj.critical_current=-400u"]
    out = tmp_path / "run"
    assert run([*arguments, *coupled, "--record-noise", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text(encoding="utf8"))
    assert summary["noise"]["flips_by"] == "ngspice"
    # Ideal parts under the very same noise: the twin's voltages, so the twin's loss.
    assert summary["loss"]["in_loop"] == pytest.approx(summary["loss"]["ideal"], rel=1e-3)


BAD = [
    ("nothing.npy", "nothing.npy: there is no such file or folder"),
    ("--field 80m", "--field: wanted less than the anisotropy field of 0.07 T"),
    ("--field 1kHz", "'--field': wanted a number in T"),
    ("--field=-3m,,3m", "'--field': wanted a number in T, such as '4.7k', got ''"),
    ("--dwell 300u --occupancy 1.2", "--occupancy: wanted between 0 and 1, got 1.2"),
    (
        "--dwell 1n",
        "--dwell: wanted both states' dwells finite and above the attempt time of 1e-09 s",
    ),
    ("--source gaussian --field 1m", "--field tunes junctions; source gaussian has none"),
    ("--source gaussian --dwell 1m", "--dwell and --occupancy tune junctions; source gaussian"),
    ("--n-mtj 0", "--n-mtj: input should be greater than or equal to 1"),
    ("--n-mtj 20 --set circuit.smtj.spread_tmr=0.1", "strings of unequal junctions are solved up"),
    ("--source measured", "the measured source needs a recording; name a CSV, .npy or parquet"),
    ("x.npy --n-mtj 2", "a recording is named: --source, --n-mtj, --arrangement"),
    ("x.npy --occupancy 0", "a recording is named: --source, --n-mtj, --arrangement"),
    ("--field 0 --occupancy 0.8", "--field and --dwell or --occupancy both set the field"),
    (
        "--dwell 100u --set circuit.smtj.critical_current=1m",
        "--dwell and --occupancy tune barrier and field of junctions without torque",
    ),
    ("--dwell 1e30", "--dwell: barrier_p: Input should be less than or equal to 2"),
    ("--source hmm --set circuit.noise.hmm.sample_time=1f", "circuit.noise.hmm.sample_time"),
    (
        "--coupling two-way --n-mtj 4 --arrangement parallel --in-circuit "  # noqa: ISC004
        "--set circuit.noise.r_series=51.7k --set circuit.smtj.critical_current=-21u",
        "passes the junction's critical current of -21 µA",
    ),
    ("--set circuit.smtj.barrier_p=0.1", "a mean dwell of 4.78e-08 s is not resolved by flips"),
    ("--set circuit.smtj.critical_current=20u", "passes the junction's critical current of 20 µA"),
    ("--samples 3", "'--samples'"),
    ("--sample-time inf", "'--sample-time': wanted a finite number, got 'inf'"),
    ("--sample-time=-1u", "'--sample-time': wanted more than 0 s, got '-1u'"),
]


@pytest.mark.parametrize(("arguments", "line"), BAD)
def test_bad_input_gets_one_line(
    arguments: str, line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([*arguments.split(), "--out", str(tmp_path / "n")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert line in said
    assert not (tmp_path / "n").exists()


BAD_RECORDINGS = {
    "nan": (np.array([0.1, np.nan] * 100), "NaN"),
    "one level": (np.full(200, 0.1), "all 200 samples are 0.1 V, wanted noise"),
    "empty": (np.empty(0), "wanted"),
    "short": (np.linspace(0, 1, 50), "wanted at least 100 samples, got 50"),
}


@pytest.mark.parametrize("name", BAD_RECORDINGS)
def test_bad_recordings_get_one_line(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    samples, word = BAD_RECORDINGS[name]
    path = tmp_path / "bad.npy"
    np.save(path, samples)
    assert main([str(path), "--sample-time", "25u", "--out", str(tmp_path / "n")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bad.npy" in said
    assert word.lower() in said.lower()


def test_a_missing_sample_time_and_a_cut_off_parquet_get_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "cut.pqt"
    parquet.write_table(pa.table({"V": np.random.default_rng(0).normal(size=1000)}), path)
    assert main([str(path), "--out", str(tmp_path / "n")]) == 2
    assert "sample time missing" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:-100])
    assert main([str(path), "--sample-time", "1m", "--out", str(tmp_path / "n")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "cut.pqt" in said

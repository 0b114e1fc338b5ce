"""What a run leaves behind, and that it can be run again."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.rule import Rule

from sim import cosim
from sim.console import open_console
from sim.figures import COLOURS, MARKERS, QUANTILES, plot_losses
from sim.run import main
from sim.run_report import print_start
from sim.settings import load_config

SUMMARY = {
    *("layers", "task", "rule", "seed", "epochs", "samples", "fidelity", "versions", "loss"),
    *("deviation", "alignment_deg", "skipped_updates", "clipped_resistors"),
    *("energy_per_pass_j", "time", "passes"),
}
FILES = (
    *("config.toml", "network.cir", "weights.npz", "history.csv", "summary.json"),
    *("loss.png", "deviation.png", "waveforms.png"),
    *("results.nc", "waveforms.nc", "waveforms.raw", "report.html"),
)
SHORT = ("--epochs", "2", "--samples", "12", "--quiet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "a"
    assert main([*SHORT, "--layers", "2,3,1", "--biases", "--out", str(out)]) == 0
    return out


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text(encoding="utf8"))


def test_folder_holds_every_file(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (folder / name).stat().st_size > 100, name
        if name.endswith(".png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG"), name


def test_summary_says_what_was_measured_and_by_which_engine(folder: Path) -> None:
    summary = summary_of(folder)
    assert set(summary) >= SUMMARY
    assert set(summary["versions"]) >= {"python", "ngspice", "pyspice", "numpy", "danp_cosim"}
    assert set(summary["loss"]) >= {"initial", "ideal", "transfer", "in_loop"}
    assert all(summary["loss"][k] > 0 for k in ("initial", "ideal", "transfer", "in_loop"))
    assert [set(layer) for layer in summary["deviation"]["layers"]] == [
        {"rms_v", "max_v", "rms_ok_v"}
    ] * 2
    assert (summary["layers"], summary["epochs"], summary["samples"]) == ([2, 3, 1], 2, 12)
    assert (summary["engine"], summary["fidelity"]) == ("ngspice", "aperture")
    times = summary["time"]
    assert times["total_s"] == pytest.approx(times["ngspice_s"] + times["python_s"])
    # 2 epochs of 12 pairs, 3 evaluations of 12, 2 pairs a sample for the angle, 12 compared.
    assert summary["passes"] == 2 * 24 + 3 * 12 + 2 * 24 + 24
    # 11 amplifiers of 230 µA at 5 V for 1 ms are 12.65 µJ; the dividers and loads add to that.
    assert 12.65e-6 < summary["energy_per_pass_j"] < 15e-6


def test_history_has_a_row_an_epoch_with_ordered_quantiles(folder: Path) -> None:
    with (folder / "history.csv").open(encoding="utf8") as file:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert [row["epoch"] for row in rows] == [1, 2]
    for row in rows:
        for learner in ("ideal", "in_loop"):
            spread = [
                row[f"{learner}_{q}"] for q in ("min", "q05", "q25", "q50", "q75", "q95", "max")
            ]
            assert spread == sorted(spread)
            assert spread[0] < spread[-1]


def test_weights_and_resistors_agree(folder: Path) -> None:
    with np.load(folder / "weights.npz", allow_pickle=False) as saved:
        for layer in (1, 2):
            folded = saved[f"in_loop_W{layer}"] @ saved[f"in_loop_decor{layer}"]
            made = 100e3 * (1 / saved[f"r_plus{layer}"] - 1 / saved[f"r_minus{layer}"])
            np.testing.assert_allclose(made[:, :-1], folded, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(made[:, -1], saved[f"in_loop_b{layer}"], atol=1e-12)
            assert not np.array_equal(saved[f"start_W{layer}"], saved[f"in_loop_W{layer}"])
            assert not np.array_equal(saved[f"ideal_W{layer}"], saved[f"in_loop_W{layer}"])


def test_config_reruns_to_the_same_figures(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["--config", str(folder / "config.toml"), "--out", str(again), "--quiet"]) == 0
    first, second = summary_of(folder), summary_of(again)
    for key in first.keys() - {"time"}:
        assert first[key] == second[key], key
    assert (folder / "history.csv").read_text() == (again / "history.csv").read_text()
    assert (folder / "network.cir").read_text() == (again / "network.cir").read_text()
    assert (folder / "config.toml").read_text() == (again / "config.toml").read_text()


def test_trained_circuit_runs_in_bare_ngspice(folder: Path) -> None:
    done = subprocess.run(
        ["ngspice", "-b", str(folder / "network.cir")],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    printed = dict(re.findall(r"^(\w+_p[12]) = (\S+)$", done.stdout, re.MULTILINE))
    nodes = [f"a1_{j}" for j in (1, 2, 3)] + [f"x1_{j}" for j in (1, 2, 3)] + ["a2_1"]
    assert set(printed) == {f"{node}_p{p}" for node in nodes for p in (1, 2)}


@pytest.mark.parametrize(
    ("options", "in_loop"),
    [
        (("--rule", "np"), True),
        (("--rule", "anp", "--optimizer", "adam", "--eta", "0.01"), True),
        (("--rule", "bp"), False),
        (("--engine", "ideal"), False),
        (("--fidelity", "op", "--n-mtj", "3", "--opamp", "single-pole"), True),
        (("--activation", "precision", "--eval-noise"), True),
        (("--batch", "5", "--set", "learning.reduction=sum"), True),
        (("--preset", "ideal-parts"), True),
        (("--epochs", "0"), True),
    ],
)
def test_every_switch_runs_to_its_end(
    options: tuple[str, ...], in_loop: bool, tmp_path: Path
) -> None:
    assert main([*SHORT, *options, "--out", str(tmp_path / "run")]) == 0
    summary = summary_of(tmp_path / "run")
    assert (summary["loss"]["in_loop"] is not None) is in_loop
    assert summary["loss"]["ideal"] > 0
    transferred = "ideal" not in options
    assert (summary["loss"]["transfer"] is not None) is transferred


def test_without_noise_every_update_is_skipped_and_no_weight_moves(tmp_path: Path) -> None:
    assert main([*SHORT, "--noise-off", "--out", str(tmp_path / "run")]) == 0
    summary = summary_of(tmp_path / "run")
    assert summary["skipped_updates"] == summary["skipped_updates_ideal"] == 24
    with np.load(tmp_path / "run" / "weights.npz", allow_pickle=False) as saved:
        for layer in (1, 2, 3):
            np.testing.assert_array_equal(saved[f"in_loop_W{layer}"], saved[f"start_W{layer}"])


# --- what is printed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said", "unsaid"),
    [
        ("--epochs 1 --samples 1", "1 epoch of 1 sample, seed 0", "epochs"),
        ("--epochs 1 --samples 2", "skipped updates", "circuit"),
        ("--epochs 1 --samples 2 --rule bp", "ideal twin trained", "skipped"),
        ("--epochs 1 --samples 2 --rule np --source gaussian", "ideal twin trained", "skipped"),
        ("--epochs 0", "0 epochs of", "trained"),
    ],
)
def test_the_report_says_what_was_done(
    options: str, said: str, unsaid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*options.split(), "--engine", "ideal", "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert unsaid not in printed


def test_a_circuit_without_an_epoch_is_not_called_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--epochs", "0", "--samples", "2", "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert "circuit in the loop " in printed
    assert "trained" not in printed


@pytest.mark.parametrize(
    ("settings", "jobs", "finished", "said"),
    [
        ({"task.epochs": "1"}, 1, 0, "in ngspice, op, 1 worker: 1 epoch of"),
        ({"task.epochs": "9"}, 2, 3, "in ngspice, op, 2 workers: 9 epochs of"),
        ({"learning.rule": "bp"}, 1, 0, "in ideal mathematics, then in ngspice, op, 1 worker: "),
        ({"simulation.engine": "ideal"}, 1, 0, "in ideal mathematics, no SPICE: "),
    ],
)
def test_a_run_begins_with_what_it_is_going_to_do(
    settings: dict[str, str],
    jobs: int,
    finished: int,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sizes = {"task.layers": "2,3,1", "task.samples": "1437", "simulation.fidelity": "op"}
    config = load_config(None, None, {**sizes, **settings}, {}, ())
    print_start(open_console(), cosim.set_up(config), jobs, finished=finished)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"2-3-1 {said}")
    assert line.endswith("of 1,437 samples" + (", 3 of them done" if finished else ""))


@pytest.mark.parametrize(("columns", "width"), [(None, 120), ("93", 93)])
def test_a_pipe_is_as_wide_as_tables_need(
    columns: str | None,
    width: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    console = open_console()
    assert console.width == width
    console.print(Rule())
    assert len(capsys.readouterr().out.rstrip("\n")) == width


# --- what is drawn -------------------------------------------------------------------------------


def test_looks_of_units_repeat_after_56_only() -> None:
    looks = [(COLOURS[j % len(COLOURS)], MARKERS[j % len(MARKERS)]) for j in range(57)]
    assert len(set(looks[:56])) == 56
    assert looks[56] == looks[0]


@pytest.mark.parametrize(
    ("low", "high", "labels"), [(1.9, 2.8, {"2", "2.4", "2.8"}), (2e-4, 3.1, {"0.001", "0.1", "1"})]
)
def test_losses_are_labelled_in_plain_numbers_below_their_legend(
    low: float, high: float, labels: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: drawn.append(self))
    spread = zip(QUANTILES, np.geomspace(low, high, 5), strict=True)
    row = {f"{name}_{q}": float(v) for q, v in spread for name in ("ideal", "in_loop")}
    plot_losses([{"epoch": 1, **row}], "cross-entropy-5", "a title", tmp_path / "loss.png")
    (figure,) = drawn
    figure.canvas.draw()
    (axes,) = figure.axes
    ticks = axes.get_yticklabels() + axes.get_yticklabels(minor=True)
    written = {tick.get_text() for tick in ticks} - {""}
    assert written >= labels
    assert all(re.fullmatch(r"\d+(\.\d+)?", text) for text in written)
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= axes.get_window_extent().y1


# --- stopped -------------------------------------------------------------------------------------


def test_ctrl_c_saves_what_was_learned(tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "sim.run", "--out", str(out), "--fidelity", "op"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        assert any(line.startswith("epoch 1/") for line in process.stdout)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=120)
    assert process.returncode == 130
    wanted = (
        r"stopping after the step under way; once more stops at once\n"
        r"error: stopped by Ctrl-C after \d+ epochs and \d+ samples; go on with: .* --resume .*\n"
    )
    assert re.fullmatch(wanted, complaint)
    summary = summary_of(out)
    assert not summary["finished"]
    assert 1 <= summary["epochs"] < 100
    with np.load(out / "weights.npz", allow_pickle=False) as saved:
        assert not np.array_equal(saved["start_W1"], saved["in_loop_W1"])
    assert (out / "network.cir").exists()

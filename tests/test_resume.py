"""A run that was stopped, at whatever moment and however often, ends as if it had not been.

Oracle: the run that nothing stopped, byte for byte. A run killed right after a checkpoint leaves
what is in its folder at that moment; copies of the folder stand for as many kills, and real ones
(SIGKILL) are dealt to processes besides.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import checkpoint, interruption, record, scoring, written
from sim.archive import pack, unpack
from sim.durable import replace_durably
from sim.engine import Readout
from sim.errors import SimulationError
from sim.lock import locked
from sim.passes import Passes
from sim.progress import TrainingProgress
from sim.run import main
from sim.workers import WorkerEngine

ROOT = Path(__file__).parents[1]
SAME = ("history.csv", "weights.npz", "loss.png", "config.toml", "results.nc")
IDEAL = ("--engine", "ideal", "--quiet", "--samples", "10", "--epochs", "4")
SPICE = (
    *("--quiet", "--layers", "2,2,1", "--samples", "10", "--epochs", "4"),
    *("--t-aperture", "10u", "--no-erc"),
)
RUNS: dict[str, tuple[str, ...]] = {
    "strings, recorded": ("--n-mtj", "2", "--record-noise", "--t-pass", "200u"),
    "adam, part of a batch left over": (
        *("--optimizer", "adam", "--eta", "0.01", "--batch", "4", "--biases"),
        *("--source", "hmm", "--eval-noise"),
    ),
    "clean first pass": ("--rule", "np", "--source", "gaussian"),
    "gradient": ("--rule", "bp", "--task", "iris", "--samples", "20", "--batch", "8"),
    "flips from ngspice": (
        *("--coupling", "two-way", "--set", "circuit.smtj.critical_current=1m"),
        *("--layers", "1,1"),
    ),
}


@pytest.fixture(autouse=True)
def _figures_as_text(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A figure of losses takes longer than the run; what it is made of says as much."""
    if "circuit" not in request.node.name:

        def write(rows: object, *text: str | Path) -> None:
            Path(text[-1]).write_text(f"{rows} {text[:-1]}")

        monkeypatch.setattr(written, "plot_losses", write)


def resume(folder: Path, *options: str) -> int:
    return main(["--resume", str(folder), "--quiet", *options])


def require_same(whole: Path, resumed: Path, *more: str) -> None:
    for name in (*SAME, *more):
        assert (whole / name).read_bytes() == (resumed / name).read_bytes(), name
    one, other = (json.loads((each / "summary.json").read_text()) for each in (whole, resumed))
    assert other["finished"]
    for summary in (one, other):
        del summary["time"]
    assert one == other
    names = [sorted(path.name for path in each.iterdir()) for each in (whole, resumed)]
    assert names[0] == names[1]


def finished(folder: Path) -> bool:
    summary = folder / "summary.json"
    return summary.exists() and json.loads(summary.read_text())["finished"]


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# --- killed ------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", RUNS)
def test_killed_before_or_after_any_file_a_run_ends_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (*IDEAL, *RUNS[name], "--checkpoint-every", "0")
    whole, copies = tmp_path / "whole", tmp_path / "copies"
    copies.mkdir()
    count = 0

    def replace(target: Path, content: bytes) -> None:
        nonlocal count
        for write in (None, replace_durably):
            if write:
                write(target, content)
            if (whole / "config.toml").exists() and not finished(whole):
                shutil.copytree(whole, copies / str(count))
                count += 1

    with monkeypatch.context() as patch:
        for module in (checkpoint, record):
            patch.setattr(module, "replace_durably", replace)
        assert main([*options, "--out", str(whole)]) == 0
    more = ("noise.parquet",) if "--record-noise" in options else ()
    # In the first place the start is not even scored, in the last all but the summary is written.
    picked = np.random.default_rng(len(name)).choice(count - 2, 2, replace=False) + 1
    for k in (0, *picked.tolist(), count - 1):
        assert resume(copies / str(k)) == 0, k
        require_same(whole, copies / str(k), *more)


KILLED = """
import signal, sys
from sim.checkpoint import Checkpoints
from sim.run import main

save = Checkpoints.save
def save_and_set_the_alarm(checkpoints):
    save(checkpoints)
    if signal.getitimer(signal.ITIMER_REAL)[0] == 0:
        signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))

Checkpoints.save = save_and_set_the_alarm
sys.exit(main(sys.argv[2:]))
"""
"""Nobody handles SIGALRM, so it ends the process wherever that is, as SIGKILL does; it comes a
while after the process's first checkpoint."""


def test_killed_again_and_again_a_circuit_learns_the_same(tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = (*SPICE, "--checkpoint-every", "0", "--out")
    for delay in np.random.default_rng(20).uniform(0.01, 0.15, 3).tolist():
        how = ("--resume",) if killed.exists() else arguments
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(delay), *how, str(killed)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGALRM, done.stderr
    state = unpack((killed / checkpoint.NAME).read_bytes())["training"]
    assert state["finished_epochs"] < 4
    assert state["finished_epochs"] or state["underway"]["done"] >= 2
    assert resume(killed) == 0
    assert main([*arguments, str(whole)]) == 0
    require_same(whole, killed, "network.cir", "deviation.png", "waveforms.png")


# --- stopped -----------------------------------------------------------------------------------
def at_sample(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], Any]) -> None:
    """Have something happen while a training runs."""

    def step(_: TrainingProgress, seen: int) -> None:
        if seen == number:
            act()

    monkeypatch.setattr(TrainingProgress, "step", step)


@pytest.mark.parametrize(
    ("number", "name"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")]
)
def test_a_signal_ends_the_sample_saves_and_says_how_to_go_on(
    number: signal.Signals,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stop ped"
    options = (*IDEAL, "--record-noise")
    assert main([*options, "--out", str(whole)]) == 0
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        at_sample(patch, 23, lambda: signal.raise_signal(number))
        assert main([*options, "--out", str(stopped)]) == 130
        assert capsys.readouterr().err == (
            f"error: stopped by {name} after 2 epochs and 3 samples; go on with: "
            f"python -m sim.run --resume '{stopped}'\n"
        )
        summary = json.loads((stopped / "summary.json").read_text())
        assert (summary["finished"], summary["epochs"]) == (False, 2)
        assert (stopped / "noise.parquet").exists()
        at_sample(patch, 31, lambda: signal.raise_signal(number))
        assert resume(stopped) == 130
        assert "after 3 epochs and 1 samples" in capsys.readouterr().err
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert resume(stopped) == 0
    require_same(whole, stopped, "noise.parquet")


def test_a_second_signal_stops_at_once_unless_it_comes_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    assert main([*IDEAL, "--out", str(whole)]) == 0
    now = 100.0
    going_on = f"go on with: python -m sim.run --resume {stopped} --jobs 2\n"

    def twice(apart: float) -> None:
        nonlocal now
        signal.raise_signal(signal.SIGTERM)
        now += apart
        signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(interruption.time, "monotonic", lambda: now)
        at_sample(patch, 13, lambda: twice(0.9))  # as timeout(1) does
        assert main([*IDEAL, "--jobs", "2", "--out", str(stopped)]) == 130
        assert capsys.readouterr().err == (
            f"error: stopped by SIGTERM after 1 epochs and 3 samples; {going_on}"
        )
        before = digests(stopped)
        at_sample(patch, 27, lambda: twice(1.1))
        assert main(["--resume", str(stopped), "--jobs", "2"]) == 130
        printed = capsys.readouterr()
        assert "going on after 1 epochs and 3 samples\n" in printed.out
        assert printed.err == f"error: stopped at once by SIGTERM; {going_on}"
        assert digests(stopped) == before
    assert resume(stopped) == 0
    require_same(whole, stopped)


def test_a_signal_while_a_circuit_is_scored_stops_within_some_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = tmp_path / "whole"
    sizes = ("--samples", "20", "--epochs", "2", "--eval-noise")
    options = ("--layers", "2,2,1", "--t-aperture", "10u", "--no-erc", *sizes)
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "_UNITS", 10**6)  # all passes of a score at once
        assert main([*options, "--quiet", "--out", str(whole)]) == 0
    run, runs, stop_at = WorkerEngine.run, 0, 0

    def run_and_count(engine: WorkerEngine, passes: Passes) -> Readout:
        nonlocal runs
        runs += 1  # training submits its passes
        if runs == stop_at:
            signal.raise_signal(signal.SIGINT)
        return run(engine, passes)

    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(WorkerEngine, "run", run_and_count)
        for stop_at, learned in ((1, 0), (4, 2), (11, 2)):
            out, runs = tmp_path / str(stop_at), 0
            assert main([*options, "--out", str(out)]) == 130
            assert runs == stop_at
            printed = capsys.readouterr()
            assert f"after {learned} epochs and 0 samples; go on with" in printed.err
            assert ("scoring after training\n" in printed.out) is (learned > 0)
            summary = json.loads((out / "summary.json").read_text())
            assert (summary["finished"], summary["epochs"]) == (False, learned)
            if learned:
                require_history_and_weights(whole, out)
        stop_at = runs = 0
        assert resume(tmp_path / "11") == 0
        assert runs == 9, "of four scores in parts; the last stop was in the last part"
    assert resume(tmp_path / "1") == 0
    for number in ("1", "11"):
        require_same(whole, tmp_path / number, "network.cir", "deviation.png")


def test_a_failed_simulation_goes_on_from_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, failed = tmp_path / "whole", tmp_path / "failed"
    assert main([*IDEAL, "--out", str(whole)]) == 0

    def fail() -> None:
        raise SimulationError("ngspice: out of sorts")

    with monkeypatch.context() as patch:
        at_sample(patch, 17, fail)
        assert main([*IDEAL, "--checkpoint-every", "0", "--out", str(failed)]) == 3
    assert capsys.readouterr().err == (
        "error: ngspice: out of sorts; to try again from the last checkpoint: python -m sim.run "
        f"--resume {failed}\n"
    )
    for name in ("failed.cir", "failed.log", "failed-passes.npz"):  # as an engine would leave
        (failed / name).write_text("of the failure")
    assert main([*IDEAL, "--out", str(failed)]) == 2
    assert f"go on with: python -m sim.run --resume {failed}; or name" in capsys.readouterr().err
    assert resume(failed) == 0
    require_history_and_weights(whole, failed)
    assert not list(failed.glob("failed*"))


def require_history_and_weights(whole: Path, other: Path) -> None:
    for name in ("history.csv", "weights.npz"):
        assert (whole / name).read_bytes() == (other / name).read_bytes(), name


def test_checkpoints_come_as_often_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, saved = 0.0, list[float]()

    def note(target: Path, content: bytes) -> None:
        saved.append(now)
        replace_durably(target, content)

    def pass_time(_: TrainingProgress, __: int) -> None:
        nonlocal now
        now += 0.5

    monkeypatch.setattr(checkpoint, "replace_durably", note)
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now)
    monkeypatch.setattr(TrainingProgress, "step", pass_time)
    assert main([*IDEAL, "--checkpoint-every", "1.75", "--out", str(tmp_path / "run")]) == 0
    # Steps of 0.5 s, in epochs of 5 s: every fourth step, the end of an epoch unless the one before
    # is less than 1 s old, and the end of the training.
    assert saved == [0, 2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19, 20, 20]


# --- no more room ------------------------------------------------------------------------------
def test_a_disk_that_takes_no_more_is_one_line_and_the_checkpoint_stands(tmp_path: Path) -> None:
    whole, full = tmp_path / "whole", tmp_path / "full"
    sizes = ("--samples", "100", "--batch", "50", "--epochs", "40")
    options = ("--engine", "ideal", "--quiet", *sizes)
    assert main([*options, "--out", str(whole)]) == 0
    # A file may have 20 KiB: more than the first checkpoint, less than the last.
    limited = 'ulimit -f 20; exec "$0" -m sim.run --checkpoint-every 0 "$@"'
    done = subprocess.run(
        ["bash", "-c", limited, sys.executable, *options, "--out", str(full)],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"error: {full / checkpoint.NAME}: cannot write: File too large; free some space; once "
        f"that is mended, go on with: python -m sim.run --resume {full}\n"
    )
    assert sorted(path.name for path in full.iterdir()) == [checkpoint.NAME, "config.toml"]
    assert unpack((full / checkpoint.NAME).read_bytes())["training"]["finished_epochs"] > 0
    free = ("--checkpoint-every", "1k", "--set", "simulation.deadline=1k")
    assert resume(full, *free, "--set", "simulation.attempts=1") == 0
    require_history_and_weights(whole, full)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_nothing_is_overwritten_where_writing_fails(
    number: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    left: dict[str, bytes] = {}

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    def fail_from_now_on() -> None:
        left.update(digests(out))
        monkeypatch.setattr(os, "fsync", refuse)

    at_sample(monkeypatch, 12, fail_from_now_on)
    options = (*IDEAL, "--checkpoint-every", "0", "--record-noise", "--out", str(out))
    assert main(options) == 2
    complaint = capsys.readouterr().err
    assert re.fullmatch(
        rf"error: {out}/\S+: cannot write: {os.strerror(number)}.*; once that is mended, .*\n",
        complaint,
    )
    assert complaint.count("\n") == 1
    after = digests(out)
    rows = ".noise.rows"  # appended to, and cut back to the checkpoint later
    assert after.pop(rows).startswith(left.pop(rows))
    assert {name: after[name] for name in left if name != ".lock"} == {
        name: content for name, content in left.items() if name != ".lock"
    }


@pytest.mark.parametrize("every", ["0", "1k"])
@pytest.mark.parametrize("instead", [False, True])
def test_a_vanished_folder_is_one_line_and_does_not_come_back(
    instead: bool,
    every: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"

    def move() -> None:
        out.rename(elsewhere)
        if instead:
            out.mkdir()

    at_sample(monkeypatch, 12, move)
    assert main([*IDEAL, "--checkpoint-every", every, "--out", str(out)]) == 2
    how = "was replaced" if instead else "is gone: it was deleted or moved"
    assert capsys.readouterr().err == (
        f"error: {out} {how} while the run was at work; if its folder is elsewhere now, go on "
        "there with --resume, else start the run again\n"
    )
    assert list(out.iterdir()) == [] if instead else not out.exists()
    monkeypatch.undo()
    assert resume(elsewhere) == 0


# --- what cannot go on -------------------------------------------------------------------------
@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stopped")
    recording, curve = folder / "noise.npy", folder / "curve.csv"
    np.save(recording, np.random.default_rng(1).normal(0, 1e-3, 500))
    curve.write_text("a_v,x_v\n-1,-0.1\n0,0\n1,1\n")
    with pytest.MonkeyPatch.context() as patch:
        at_sample(patch, 13, lambda: signal.raise_signal(signal.SIGINT))
        options = (
            *("--source", "measured", "--noise-file", str(recording), "--record-noise"),
            *("--activation-curve", str(curve), "--out", str(folder / "run")),
        )
        assert main([*IDEAL, *options]) == 130
    return folder


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """A checkpoint whose content differs, its SHA-256 right."""
    path = folder / checkpoint.NAME
    tree = unpack(path.read_bytes())
    change(tree)
    path.write_bytes(pack(tree))


def edited(folder: Path, old: str, new: str) -> None:
    path = folder / "config.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def shortened(path: Path, by: int) -> None:
    path.write_bytes(path.read_bytes()[:-by])


def flipped(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 16
    path.write_bytes(content)


def signed(path: Path, content: bytes) -> None:
    """Some content with its right SHA-256."""
    path.write_bytes(content + hashlib.sha256(content).hexdigest().encode())


CHECKPOINT = checkpoint.NAME
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "no checkpoint": (
        lambda run: (run / CHECKPOINT).unlink(),
        "holds no checkpoint.npz to go on from; start the run again, in a folder of its own",
    ),
    "empty": (lambda run: (run / CHECKPOINT).write_bytes(b""), "is no checkpoint of danp-cosim"),
    "a text": (
        lambda run: (run / CHECKPOINT).write_text("x" * 999),
        "is no checkpoint of danp-cosim",
    ),
    "a folder": (
        lambda run: ((run / CHECKPOINT).unlink(), (run / CHECKPOINT).mkdir()),
        "checkpoint.npz: cannot read: Is a directory",
    ),
    "truncated": (lambda run: shortened(run / CHECKPOINT, 1), "is damaged: its SHA-256 is not"),
    "half": (lambda run: shortened(run / CHECKPOINT, 5000), "is damaged: its SHA-256 is not"),
    "a bit in the middle": (lambda run: flipped(run / CHECKPOINT, 4000), "is damaged: its SHA"),
    "a bit at the end": (lambda run: flipped(run / CHECKPOINT, -1), "is damaged: its SHA-256"),
    "weights": (
        lambda run: shutil.copy(run / "weights.npz", run / CHECKPOINT),
        "is no checkpoint of danp-cosim",
    ),
    "another package": (
        lambda run: rewritten(run, lambda tree: tree["versions"].update(danp_cosim="0.0.1")),
        "was taken with danp_cosim 0.0.1, here is ",
    ),
    "another numpy": (
        lambda run: rewritten(run, lambda tree: tree["versions"].update(numpy="1.0")),
        "was taken with numpy 1.0, here is ",
    ),
    "another ngspice": (
        lambda run: rewritten(run, lambda tree: tree["versions"].update(ngspice="26")),
        "was taken with ngspice 26, here is ",
    ),
    "a tree of nothing": (
        lambda run: (run / CHECKPOINT).write_bytes(pack({})),
        "'versions' in it is not what a checkpoint of this version holds; start the run again",
    ),
    "no versions": (
        lambda run: rewritten(run, lambda tree: tree.pop("versions")),
        "'versions' in it is not what a checkpoint of this version holds",
    ),
    "versions of something else": (
        lambda run: rewritten(run, lambda tree: tree["versions"].update(octave="9")),
        "'versions' in it is not what a checkpoint of this version holds",
    ),
    "a time less": (
        lambda run: rewritten(run, lambda tree: tree["clock"].pop("t_pass")),
        "'clock' in it is not what a checkpoint",
    ),
    "no state": (
        lambda run: rewritten(run, lambda tree: tree.pop("training")),
        "'training' in it is not what a checkpoint",
    ),
    "a state without deviations": (
        lambda run: rewritten(run, lambda tree: tree["training"].pop("deviations")),
        "'training' in it is not what a checkpoint of this version holds; start the run again",
    ),
    "no archive": (
        lambda run: signed(run / CHECKPOINT, b"weights"),
        "is no checkpoint of danp-cosim, though its SHA-256 is right",
    ),
    "an empty archive": (
        lambda run: signed(run / CHECKPOINT, b"PK\5\6danp-cosim format     2 "),
        "is no checkpoint of danp-cosim, though its SHA-256 is right",
    ),
    "another clock": (
        lambda run: rewritten(run, lambda tree: tree["clock"].update(t_aperture=1e-5)),
        "t_aperture comes out as 0.001 here, and is 1e-05 in the checkpoint",
    ),
    "other data": (
        lambda run: rewritten(
            run, lambda tree: tree["outside"].update({"task.name: the data of teacher": "0"})
        ),
        "task.name: the data of teacher: has changed since the checkpoint was taken",
    ),
    "parameter changed": (
        lambda run: edited(run, "epochs = 4", "epochs = 5"),
        "config.toml: task.epochs is 5, and 4 in the checkpoint; put it back, or start another",
    ),
    "parameter added": (
        lambda run: edited(run, "[simulation]", "[simulation]\nt_aperture = 1e-5"),
        "simulation.t_aperture is 1e-05, and left out in the checkpoint",
    ),
    "parameter unknown": (
        lambda run: edited(run, "[simulation]", "[simulation]\nspeed = 9"),
        "config.toml: simulation.speed: no such parameter",
    ),
    "no configuration": (
        lambda run: (run / "config.toml").unlink(),
        "holds no config.toml; wanted the folder of a run that was stopped",
    ),
    "recording changed": (
        lambda run: flipped(run.parent / "noise.npy", 200),
        "circuit.noise.measured.file: ",
    ),
    "recording gone": (lambda run: (run.parent / "noise.npy").unlink(), "noise.npy"),
    "curve changed": (
        lambda run: (run.parent / "curve.csv").write_text("a_v,x_v\n-1,-0.2\n0,0\n1,1\n"),
        "simulation.activation_curve: ",
    ),
    "recorded noise short": (
        lambda run: shortened(run / ".noise.rows", 8),
        ".noise.rows: does not hold the noise that was recorded up to the checkpoint",
    ),
    "finished": (
        lambda run: (run / "summary.json").write_text(
            '{"finished": true, "epochs": 4, "epochs_asked": 4}'
        ),
        "the run is finished, with 4 of 4 epochs; there is nothing to go on with",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_go_on_is_one_line_and_nothing_is_overwritten(
    fault: str, stopped_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, expected = FAULTS[fault]
    shutil.copytree(stopped_run, tmp_path, dirs_exist_ok=True)
    run = tmp_path / "run"
    config = (run / "config.toml").read_text().replace(str(stopped_run), str(tmp_path))
    (run / "config.toml").write_text(config)

    def move(tree: dict[str, Any]) -> None:
        tree["config"]["circuit"]["noise"]["measured"]["file"] = str(tmp_path / "noise.npy")
        tree["config"]["simulation"]["activation_curve"] = str(tmp_path / "curve.csv")
        tree["outside"] = {
            name.replace(str(stopped_run), str(tmp_path)): digest
            for name, digest in tree["outside"].items()
        }

    rewritten(run, move)
    change(run)
    before = digests(run)
    assert resume(run) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
    assert expected in complaint
    assert digests(run) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--epochs", "9"), "leave out --epochs, or start another run"),
        (("--no-biases", "--seed", "0"), "leave out --biases, --seed, or"),
        (("--set", "simulation.attempts=1", "--set", "seed=1"), "leave out --set seed, or"),
        (("--out", "x", "--config", "y", "--preset", "ideal-parts"), "--preset, --config, --out"),
    ],
)
def test_options_that_make_another_run_are_refused(
    options: tuple[str, ...], expected: str, stopped_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = digests(stopped_run / "run")
    assert resume(stopped_run / "run", *options) == 2
    complaint = capsys.readouterr().err
    assert expected in complaint
    assert complaint.count("\n") == 1
    assert digests(stopped_run / "run") == before


def test_a_run_that_is_at_work_is_left_alone(
    stopped_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, expected in (
        (tmp_path / "none", "no such folder"),
        (tmp_path, "holds no config.toml"),
        (stopped_run / "noise.npy", "is a file"),
    ):
        assert resume(folder) == 2
        assert f"--resume: {folder}: {expected}" in capsys.readouterr().err
    with locked(stopped_run / "run"):
        before = digests(stopped_run / "run")
        assert resume(stopped_run / "run") == 2
        assert digests(stopped_run / "run") == before
    assert f"another process (number {os.getpid()}) is at work" in capsys.readouterr().err

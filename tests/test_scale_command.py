"""`python -m learning.train`: what is typed, what is printed, and what is refused in one line."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from documented_folder import pictures
from pydantic import BaseModel

from learning.train import main
from sim.cli import main as danp_cosim
from sim.run import main as run
from sim.scale.command import NAMES, OPTIONS, SWITCHES, train
from sim.scale.config import ScaleConfig
from sim.scale.presets import PRESETS
from sim.scale.progress import ScaleProgress

ROOT = Path(__file__).parents[1]
TINY = ("--data", "digits", "--hidden", "4", "--epochs", "2", "--seed", "1")


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure takes longer than these trainings."""
    monkeypatch.setattr("sim.scale.figure.plot_curves", lambda *given, **_: given[3].touch())


def parameters(section: BaseModel, above: str = "") -> dict[str, str]:
    """Description of every parameter by its path, the circuit's left out."""
    found: dict[str, str] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if name == "circuit":
            continue
        if isinstance(value, BaseModel):
            found |= parameters(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = field.description or ""
    return found


def test_options_are_parameters() -> None:
    known = {*parameters(ScaleConfig()), "circuit.noise.source", "circuit.noise.measured.file"}
    assert set(NAMES) <= known
    assert len(NAMES) == len(OPTIONS) + len(SWITCHES)


def test_every_parameter_is_described() -> None:
    assert all(parameters(ScaleConfig()).values())


def test_the_page_tells_every_parameter_option_and_preset() -> None:
    page = (ROOT / "docs" / "train.md").read_text(encoding="utf8")
    wanted = [f"| `{path}` |" for path in parameters(ScaleConfig())]
    wanted += [f"`{name}`" for name in PRESETS]
    options = {one for p in train.params for one in (*p.opts, *p.secondary_opts)} - {"--help"}
    missing = [text for text in wanted if text not in page]
    missing += [o for o in options if not re.search(rf"(?<![\w-]){o}(?![\w-])", page)]
    assert not missing


def test_the_help_names_presets_with_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, preset in PRESETS.items():
        assert f"{name} {preset.source}".replace("- ", "-") in shown.replace("- ", "-")


def test_a_training_says_what_it_is_and_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert danp_cosim(["train", *TINY, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    first, *lines = shown.splitlines()
    assert first.startswith("64-4-10 on digits (scikit-learn's digits")
    assert "danp, string noise of 5.71 mV rms, 2 epochs in batches of 64; by mathematics" in first
    assert first.endswith("; no SPICE")
    assert [line.split("  ")[0] for line in lines[:3]] == ["epoch 0/2", "epoch 1/2", "epoch 2/2"]
    assert re.search(
        r"test \d+\.\d\d %  train \d+\.\d\d %  test loss .* noisy loss .* skipped 0", lines[2]
    )
    assert "mathematics (torch, cpu)" in shown
    assert "skipped updates  0 (both passes the same)" in shown
    assert lines[-1] == f"run folder: {tmp_path / 'run'}"


def test_backpropagation_skips_nothing_and_leaves_a_presets_noise_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    titles: list[str] = []

    def plot(_history: Any, title: str, _loss: str, path: Path, **_: Any) -> None:
        titles.append(title)
        path.touch()

    monkeypatch.setattr("sim.scale.figure.plot_curves", plot)
    given = ["--preset", "fig4-mnist", *TINY, "--rule", "bp", "--train-samples", "200"]
    assert main([*given, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("64-4-10 on digits, 200 of 1,797 images (")
    assert "): bp, no noise, 2 epochs" in shown
    assert re.search(r"^epoch 2/2 .* test loss \S+  loss while learning \S+", shown, re.MULTILINE)
    assert "skipped" not in shown
    assert "digits 64-4-10, 200 of 1,797 images, bp, 2 epochs of 2" in shown
    assert f"tensorboard --logdir {tmp_path}" in shown
    assert titles[0].startswith("digits 64-4-10, 200 of 1,797 images: bp, no noise\n2 epochs of 2,")
    # Noise that is scored under is drawn.
    assert main([*given, "--source", "gaussian", "--evaluation-noise", "--quiet",
                 "--out", str(tmp_path / "other")]) == 0  # fmt: skip


def test_a_teacher_has_a_loss_of_its_training_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--preset", "fig5", "--epochs", "1", "--train-samples", "12"]
    assert main([*given, "--out", str(tmp_path / "run")]) == 0
    first, start, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("2-2-2-1 on teacher (12 answers")
    assert re.fullmatch(r"epoch 0/1  train loss \S+", start)


def test_hidden_layers_of_a_preset_take_the_ends_of_other_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--preset", "fig5", "--data", "digits", "--epochs", "0"]
    assert main([*given, "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out.startswith("64-2-2-10 on digits, 100 of 1,797 images (")


def test_quiet_says_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TINY, "--quiet", "--out", str(tmp_path / "run")]) == 0
    assert capsys.readouterr() == ("", "")


def test_images_in_files_are_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(tmp_path)
    given = ["--hidden", "4", "--epochs", "1", "--out", str(tmp_path / "run")]
    assert main(["--preset", "mnist", "--data-dir", str(tmp_path), *given]) == 0
    assert capsys.readouterr().out.startswith("784-4-10 on mnist, 40 of 60,000 images (MNIST from ")


def test_a_circuit_goes_on_from_the_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same seed holds the same digits out, so the scores compare."""
    volts = ["--scale", "volts", "--loss", "cross-entropy-5", "--leak", "0.1"]
    out = tmp_path / "trained"
    assert main([*TINY, *volts, "--epochs", "8", "--quiet", "--out", str(out)]) == 0
    told = json.loads((out / "summary.json").read_text())["end"]
    weights = str(out / "weights.npz")
    given = ["--task", "digits", "--layers", "64,4,10", "--engine", "ideal", "--epochs", "0"]
    again = tmp_path / "run"
    assert run([*given, "--seed", "1", "--start", weights, "--quiet", "--out", str(again)]) == 0
    found = json.loads((again / "summary.json").read_text())
    # The divider's slopes are 0.990 and 0.1 where these are 1 and 0.1.
    assert found["accuracy"]["ideal"] == pytest.approx(told["test_accuracy"], abs=0.01)
    assert found["loss"]["ideal"] == pytest.approx(told["test_loss"], rel=0.02)
    capsys.readouterr()


def interrupted(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    def step(_: ScaleProgress) -> None:
        nonlocal at
        at -= 1
        if at == 0:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ScaleProgress, "step", step)


def test_ctrl_c_says_how_to_go_on_and_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    with monkeypatch.context() as patch:
        interrupted(patch, 30)
        assert main([*TINY, "--out", out]) == 130
    told = capsys.readouterr().err
    command = f"python -m learning.train --resume {out}"
    assert f"error: stopped by Ctrl-C after 1 epoch and 5 steps; go on with: {command}\n" in told
    assert main(["--resume", out, "--epochs", "3"]) == 2
    assert "leave out --epochs, or start another run" in capsys.readouterr().err
    assert main(["--resume", out, "--checkpoint-every", "1"]) == 0
    assert "going on after 1 epoch and 5 steps" in capsys.readouterr().out
    assert main(["--resume", out]) == 2
    assert "the run is finished, with 2 of 2 epochs" in capsys.readouterr().err


def test_a_second_signal_stops_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.interruption._TOGETHER", 0.0)

    def step(_: ScaleProgress) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(ScaleProgress, "step", step)
        assert main([*TINY, "--out", str(tmp_path / "run")]) == 130
    assert "error: stopped at once by Ctrl-C; go on with: python" in capsys.readouterr().err
    assert main(["--resume", str(tmp_path / "run"), "--quiet"]) == 0


def test_a_killed_process_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    out = tmp_path / "run"
    given = ["--preset", "fig5", "--epochs", "1000", "--checkpoint-every", "0", "--quiet"]
    # This process goes on: both have to have as many threads, whoever set how many here.
    given += ["--threads", "1", "--out", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "learning.train", *given], cwd=ROOT)
    try:
        until = time.monotonic() + 60
        while not (out / "history.csv").exists() and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert (out / "config.toml").exists()
    # Sooner done than the 1000 epochs: Ctrl-C again, at a step of the continuation.
    with pytest.MonkeyPatch.context() as patch:
        interrupted(patch, 3)
        assert main(["--resume", str(out), "--quiet"]) == 130
    assert json.loads((out / "summary.json").read_text())["ended"] == "stopped"


def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    given = ["--data", "digits", "--hidden", "4", "--train-samples", "64", "--test-samples", "10"]
    given += ["--epochs", "200", "--threads", "1", "--quiet", "--out", str(out)]
    # 200 rows of TensorBoard's are some 70 kB, and no other file is as large.
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (61440, 61440))\n"
        "from learning.train import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    (events,) = out.glob("events.out.tfevents.*")
    assert done.returncode == 2
    assert done.stderr == (
        f"error: {events}: cannot write: File too large; free some space; once that is mended, go "
        f"on with: python -m learning.train --resume {out}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        interrupted(patch, 3)
        assert main(["--resume", str(out), "--quiet"]) == 130
    assert json.loads((out / "summary.json").read_text())["ended"] == "stopped"


def test_a_terminal_shows_a_bar(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    given = ["--preset", "fig5", "--epochs", "2", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-m", "learning.train", *given],
        cwd=ROOT,
        stdout=theirs,
        env={"PATH": "/usr/bin", "TERM": "xterm", "COLUMNS": "100", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    shown = b""
    os.close(theirs)
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # how a terminal ends
            break
        if not piece:
            break
        shown += piece
    assert done.returncode == 0
    text = shown.decode()
    assert "epoch 2/2" in text
    assert "━" in text
    assert "Traceback" not in text


# --- bad inputs -----------------------------------------------------------------------------------
def write(name: str, content: bytes | str) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return prepare


def nothing(_: Path) -> None:
    """Leave the folder as it is."""


def stopped_run(folder: Path) -> None:
    (folder / "there").mkdir()
    (folder / "there" / "a").touch()


BAD: Mapping[str, tuple[str, str, Callable[[Path], None]]] = {
    "no such data": ("--data imagenet", "'imagenet' is not one of 'mnist'", nothing),
    "no such preset": ("--preset fig9", "'fig9' is not one of 'mnist', 'fig3'", nothing),
    "a rate of a word": ("--eta fast", "--eta: wanted a plain number, got 'fast'", nothing),
    "a rate of nothing": ("--eta 0", "--eta: input should be greater than 0, got '0'", nothing),
    "a rate below nothing": ("--decor-rate=-1", "--decor-rate: input should be greater", nothing),
    "no number": ("--eta nan", "--eta: input should be a finite number", nothing),
    "half an epoch": ("--epochs 1.5", "--epochs: wanted a whole number, got", nothing),
    "epochs below nothing": ("--epochs=-1", "--epochs: input should be greater than", nothing),
    "an empty batch": ("--batch 0", "--batch: input should be greater than or equal to 1", nothing),
    "layers of words": ("--layers a,b", "--layers: wanted whole numbers parted by", nothing),
    "hidden layers of words": ("--hidden a,b", "--hidden: wanted units of hidden", nothing),
    "an empty layer": ("--hidden 0", "--hidden: wanted units of hidden layers", nothing),
    "layers that do not fit the data": (
        "--data digits --layers 784,5,10",
        "--layers: digits has 64 inputs and 10 classes, got 784,5,10; wanted 64,5,10",
        nothing,
    ),
    "layers and others": (
        "--layers 64,5,10 --hidden 6",
        "layers 64,5,10 and hidden 6 disagree; leave one of them out",
        nothing,
    ),
    "layers beside other hidden ones": (
        "--preset fig3 --layers 784,5,10 --hidden 3",
        "layers 784,5,10 and hidden 3 disagree",
        nothing,
    ),
    "more samples than there are": (
        "--data digits --train-samples 5000",
        "train samples must be 10 to 1,787, got 5,000; give another",
        nothing,
    ),
    "no files": ("--data mnist --data-dir nowhere", "nowhere: no such folder", nothing),
    "an empty folder": ("--data mnist --data-dir .", "train-images-idx3-ubyte", nothing),
    "files of what has none": (
        "--data digits --data-dir .",
        "--data-dir: digits reads no files; leave it out",
        nothing,
    ),
    "a download of what has none": (
        "--data teacher --download",
        "--download: teacher reads no files; leave it out",
        nothing,
    ),
    "crops of no images": (
        "--data teacher --augment crop-flip",
        "teacher has no images to crop",
        nothing,
    ),
    "test samples of a teacher": (
        "--data teacher --test-samples 5",
        "teacher is scored on its training samples",
        nothing,
    ),
    "classes of a teacher": (
        "--data teacher --loss cross-entropy",
        "the targets of teacher are numbers, wanted squared-error",
        nothing,
    ),
    "a rate that does nothing": (
        "--rule bp --decor-rate 1e-3",
        "--decor-rate: rule bp does not decorrelate, so 0.001 would do nothing; give --decor-rate",
        nothing,
    ),
    "a rate of another rule's run": (
        "--rule bp --config c.toml",
        "c.toml: learning.decor_rate: rule bp does not decorrelate, so 0.001 would do nothing;",
        write("c.toml", "[learning]\ndecor_rate = 1e-3\n"),
    ),
    "an offset without decorrelation": (
        "--rule anp --demean learned",
        "learned beside the decorrelation, which rule anp has not",
        nothing,
    ),
    "a mean without biases": (
        "--data digits --hidden 4 --demean batch --no-biases",
        "--demean: batch moves the mean of the inputs into biases, and there are none; take none",
        nothing,
    ),
    "a mean for np": (
        "--data digits --rule np --demean batch",
        "--demean: batch is for danp and anp, got rule np; take none",
        nothing,
    ),
    "a mean of one sample": (
        "--data digits --batch 1 --demean batch",
        "--batch: --demean batch takes the mean of a batch away, which is all of 1 sample",
        nothing,
    ),
    "a mean of a teacher's one sample": (
        "--data teacher --biases --demean batch",
        "learning.batch: --demean batch takes the mean of a batch away",
        nothing,
    ),
    "a mean of the last sample": (
        "--data digits --hidden 4 --train-samples 65 --demean batch",
        "--demean batch: 65 samples in batches of 64 leave one of 1 sample",
        nothing,
    ),
    "noise of backpropagation": (
        "--data digits --rule bp --source hmm",
        "--source: rule bp draws no noise, so it would do nothing; leave it out, or give",
        nothing,
    ),
    "noise of backpropagation by its path": (
        "--preset fig4-mnist --rule bp --set noise.gain=2",
        "--set noise.gain: rule bp draws no noise",
        nothing,
    ),
    "a recording of another source": (
        "--noise-file x.npy",
        "a recording is named, but the source is string; set --source measured",
        nothing,
    ),
    "no recording": (
        "--data digits --source measured",
        "--noise-file: the measured source needs a recording; name a CSV",
        nothing,
    ),
    "a missing recording": (
        "--data digits --source measured --noise-file x.npy",
        "--noise-file: x.npy: there is no such file",
        nothing,
    ),
    "a chain between its samples": (
        "--data digits --source hmm --t-pass 30u",
        "whole number of the hidden Markov chain's sample times",
        nothing,
    ),
    "no time": ("--t-pass 0", "--t-pass: input should be greater than or equal to", nothing),
    "a time in ohms": ("--t-pass 1kOhm", "--t-pass: wanted a number in s", nothing),
    "a spread of parts": (
        "--data digits --set circuit.mismatch.v_offset=1m",
        "circuit.mismatch.v_offset: no chip is drawn at scale, so it would do nothing; leave",
        nothing,
    ),
    "a chip": (
        "--data digits --set circuit.mismatch.chip=3",
        "circuit.mismatch.chip: no chip is drawn at scale",
        nothing,
    ),
    "a device to write weights to": (
        "--data digits --config c.toml",
        "circuit.write_back.levels.count: weights are written to no devices at scale",
        write("c.toml", "[circuit.write_back.levels]\ncount = 4\n"),
    ),
    "no such device": (
        "--device gpu",
        "--device: wanted auto, cpu, cuda, or cuda:1 for the",
        nothing,
    ),
    "no such path": ("--set learning.etta=1", "no such parameter; there are rule, eta", nothing),
    "a path without a value": ("--set learning.eta", "--set: wanted PATH=VALUE", nothing),
    "no cell": ("--data digits --cell none.json", "none.json", nothing),
    "a cell of something else": (
        "--data digits --cell c.json",
        "c.json",
        write("c.json", '{"a": 1}'),
    ),
    "parts of no cell": ("--cell-without gain", "there is no cell to leave gain out of", nothing),
    "no file of settings": ("--config none.toml", "--config: cannot read none.toml", nothing),
    "settings of something else": (
        "--config c.toml",
        "c.toml: is not TOML",
        write("c.toml", "a = = 1"),
    ),
    "settings of a run": (
        "--config c.toml",
        "c.toml: task: no such parameter; there are seed, data",
        write("c.toml", '[task]\nname = "digits"\n'),
    ),
    "a folder in use, before images are read": (
        "--data mnist --data-dir nowhere --out there",
        "there is not empty",
        stopped_run,
    ),
    "a folder in use": ("--data digits --out there", "there is not empty", stopped_run),
    "a file for a folder": ("--data digits --out f", "f is a file", write("f", "x")),
    "nothing to go on with": ("--resume nowhere", "nowhere: no such folder", nothing),
    "a folder of no training": ("--resume there", "there: holds no config.toml", stopped_run),
    "a resumed seed": ("--resume there --seed 5", "leave out --seed", stopped_run),
    "a resumed preset": ("--resume there --preset fig5", "leave out --preset", stopped_run),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_input_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected, prepare = BAD[name]
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(arguments.split()) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1, complaint
    assert expected in complaint
    assert sorted(tmp_path.rglob("*")) == before


def test_a_diverging_training_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = ["--preset", "fig5", "--epochs", "2", "--eta", "1e8"]
    out = tmp_path / "run"
    assert main([*given, "--quiet", "--out", str(out)]) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("error: training diverged in epoch 1: a weight or loss is not")
    assert complaint.endswith(
        f"try a smaller --eta, now 1e+08, or --decor-rate, now 0.0001; see {out}\n"
    )
    assert complaint.count("\n") == 1
    assert main(["--resume", str(out)]) == 2
    assert capsys.readouterr().err == (
        f"error: --resume: {out}: diverged in epoch 1; start another run with --config "
        f"{out / 'config.toml'} and a smaller --eta\n"
    )
    assert isinstance(train, click.Command)

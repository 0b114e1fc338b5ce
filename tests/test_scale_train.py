"""Trainings at scale: settings, rates, folders, checkpoints, and what they learn."""

import csv
import importlib
import itertools
import json
import math
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from documented_folder import pictures

from learning import Activation, Model, forward, make_task
from learning.datasets.images import task_generator
from sim.archive import pack, unpack
from sim.errors import UserError
from sim.npz import read_npz
from sim.scale import ScaleConfig, configure, train
from sim.scale.checkpoint import NAME, read_checkpoint
from sim.scale.device import find_device
from sim.scale.events import EventLog
from sim.scale.presets import PRESETS
from sim.scale.progress import ScaleProgress
from sim.scale.training import COLUMNS, DivergedError

ROOT = Path(__file__).parents[1]
DIGITS = {"data.name": "digits", "network.hidden": "8"}
# One step an update of 64 of 1,437 digits makes 23 steps an epoch.
SHORT = DIGITS | {"learning.epochs": 2, "evaluation.train_samples": 100}


@pytest.fixture(autouse=True)
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A figure takes longer than these trainings; `learned`, which is made before, has one."""

    def touch(*given: Any, **_: Any) -> None:
        given[3].touch()

    monkeypatch.setattr("sim.scale.figure.plot_curves", touch)


def teacher(**given: Any) -> ScaleConfig:
    settings = {"learning.epochs": 3, "data.train_samples": 12}
    return configure("fig5", settings | given)


def plain(history: list[dict[str, float]]) -> list[dict[str, float | None]]:
    """Rows without their times, NaN as None, so that they compare."""
    return [
        {name: None if math.isnan(x) else x for name, x in row.items() if name != "seconds"}
        for row in history
    ]


# --- rates and settings ---------------------------------------------------------------------------
# The paper's Table 1, as printed there: 0.1·2⁻ᵏ by its exponents.
TABLE_1 = {
    ("fig4-mnist", "bp", "hmm"): (1 / 5120, 0.0),
    ("fig4-cifar10", "bp", "hmm"): (1 / 163840, 0.0),
    ("fig4-cifar100", "bp", "hmm"): (1 / 81920, 0.0),
    ("fig4-mnist", "danp", "hmm"): (1 / 20480, 1 / 5242880),
    ("fig4-cifar10", "danp", "hmm"): (1 / 40960, 1 / 5242880),
    ("fig4-cifar100", "danp", "hmm"): (1 / 40960, 1 / 10485760),
    ("fig4-mnist", "danp", "measured"): (1 / 20480, 1 / 5242880),
    ("fig4-cifar10", "danp", "measured"): (1 / 40960, 1 / 5242880),
    ("fig4-cifar100", "danp", "measured"): (1 / 10240, 1 / 163840),
}


@pytest.mark.parametrize("of", TABLE_1, ids=" ".join)
def test_presets_have_the_rates_of_table_1(of: tuple[str, str, str]) -> None:
    preset, rule, source = of
    file = "x.npy" if source == "measured" else None
    given = {"learning.rule": rule, "circuit.noise.source": source}
    config = configure(preset, {**given, "circuit.noise.measured.file": file})
    learning = config.learning
    assert (learning.eta, learning.decor_rate) == pytest.approx(TABLE_1[of], rel=1e-15)
    assert (learning.optimizer, learning.batch, learning.loss) == ("adam", 64, "cross-entropy")
    assert config.network.leak == 0.01


def test_a_rate_that_is_given_wins_over_the_presets(tmp_path: Path) -> None:
    assert configure("fig4-mnist", {"learning.eta": 0.5}).learning.eta == 0.5
    path = tmp_path / "own.toml"
    path.write_text("[learning]\ndecor_rate = 0.25\n")
    config = configure("fig4-mnist", config=path)
    assert config.learning.decor_rate == 0.25
    assert config.learning.eta == pytest.approx(0.1 / 2048)


def test_the_authors_code_takes_the_rates_of_the_data_it_is_given() -> None:
    config = configure("author-code", {"data.name": "cifar100"})
    assert config.learning.eta == pytest.approx(0.1 / 4096)
    assert (config.learning.reduction, config.learning.demean) == ("sum", "learned")
    assert config.evaluation.noise
    assert (config.noise.order, config.noise.t_pass) == ("passes", 25e-6)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_configuration_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    config = configure(name)
    path = tmp_path / "config.toml"
    path.write_text(config.to_toml())
    assert configure(config=path) == config
    assert PRESETS[name].source


def test_sizes_follow_from_the_data(tmp_path: Path) -> None:
    single = configure(None, DIGITS | {"network.hidden": "none", "learning.epochs": 0})
    trained = train(single, tmp_path / "one")
    assert trained.config.network.layers == (64, 10)
    assert [w.shape for w in trained.network.weights] == [(10, 64)]
    whole = configure(None, {"data.name": "digits", "learning.rule": "bp", "learning.epochs": 0})
    assert train(whole, tmp_path / "two").config.network.layers == (64, 500, 500, 500, 10)
    pair = {"data.name": "teacher", "network.hidden": "3", "learning.epochs": 0}
    assert train(configure(None, pair), tmp_path / "three").config.network.layers == (2, 3, 1)


# --- what is learned ------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Digits in volts, as a circuit takes them, learned by DANP."""
    settings = DIGITS | {
        "network.hidden": "32",
        "network.leak": 0.1,
        "data.scale": "volts",
        "learning.loss": "cross-entropy-5",
        "learning.epochs": 10,
        "evaluation.every": 5,
        "seed": 3,
    }
    return train(configure(None, settings), tmp_path_factory.mktemp("learned") / "run")


def test_digits_are_learned(learned: Any) -> None:
    # learning.defaults states 0.94 to 0.96 over ten seeds for other rates of the same network.
    assert learned.history[-1]["test_accuracy"] > 0.9
    assert learned.history[0]["test_accuracy"] < 0.3  # ten classes, nothing learned


def test_scores_are_those_of_the_arrays_kernel_on_the_same_held_out_digits(learned: Any) -> None:
    arrays = read_npz(learned.folder / "weights.npz", "weights", "")
    model = Model(
        *(tuple(arrays[f"ideal_{kind}{k}"] for k in (1, 2)) for kind in ("W", "b", "decor"))
    )
    # The task of `python -m sim.run --task digits --seed 3`.
    task = make_task("digits", None, None, task_generator(3), Activation())
    for part in ("train", "test"):
        inputs, targets = getattr(task, f"{part}_inputs"), getattr(task, f"{part}_targets")
        found = forward(model, inputs, None, Activation(1.0, 0.1)).prediction
        # In float32 one answer in hundreds may tip over.
        told = learned.history[-1][f"{part}_accuracy"]
        assert task.accuracy(found, targets) == pytest.approx(told, abs=1.5 / len(inputs))


def test_a_row_an_epoch_is_in_the_table_and_in_the_summary(learned: Any) -> None:
    with (learned.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["epoch"]) for row in rows] == list(range(11))
    for row, told in zip(learned.history, rows, strict=True):
        for name in COLUMNS:  # nine digits are written
            assert float(told[name]) == pytest.approx(row[name], rel=1e-8, nan_ok=True)
    # Scored at the start, then every fifth epoch.
    scored = [row["epoch"] for row in learned.history if not math.isnan(row["test_loss"])]
    assert scored == [0, 5, 10]
    summary = json.loads((learned.folder / "summary.json").read_text())
    assert summary["end"]["test_accuracy"] == learned.history[-1]["test_accuracy"]
    assert (summary["ended"], summary["epochs"]) == ("finished", 10)
    assert summary["engine"] == "mathematics (torch, cpu)"
    assert summary["versions"]["torch"] == torch.__version__
    assert summary["noise"]["sigma_v"] == pytest.approx(5.8e-3, rel=0.1)
    assert not (learned.folder / NAME).exists()
    assert (learned.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_event_file_holds_every_known_figure(learned: Any) -> None:
    events: Any = importlib.import_module("tensorboardX.proto.event_pb2")  # made by protobuf
    (path,) = learned.folder.glob("events.out.tfevents.*")
    content, found = path.read_bytes(), {}
    while content:  # length, its checksum, the event, its checksum
        (length,) = struct.unpack("<Q", content[:8])
        event = events.Event.FromString(content[12 : 12 + length])
        content = content[16 + length :]
        found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
    accuracies = {step: value for (tag, step), value in found.items() if tag == "accuracy/test"}
    known = {r["epoch"]: r["test_accuracy"] for r in learned.history if r["test_loss"] > 0}
    assert accuracies == pytest.approx(known, rel=1e-6)  # written in float32
    assert {tag for tag, _ in found} >= {"loss/train", "loss/test", "loss/noisy", "time/epoch"}


def test_an_event_file_of_a_training_that_goes_on_voids_what_an_earlier_one_says(
    tmp_path: Path,
) -> None:
    events: Any = importlib.import_module("tensorboardX.proto.event_pb2")
    names = []
    for finished in (0, 2):
        with EventLog(tmp_path, finished):
            names.append(next(p for p in tmp_path.iterdir() if p not in names))
    contents = [path.read_bytes() for path in names]
    assert contents[1].startswith(contents[0][:8])  # the same record of the format first
    (length,) = struct.unpack("<Q", contents[1][:8])
    rest = contents[1][16 + length :]
    started = events.Event.FromString(rest[12:-4])
    assert (started.step, started.session_log.status) == (2, events.SessionLog.START)
    assert len(contents[0]) == 16 + length


def test_other_rules_learn_and_take_no_rate_that_they_have_not(tmp_path: Path) -> None:
    accuracy = {}
    for rule in ("bp", "anp"):
        settings = DIGITS | {"learning.rule": rule, "learning.epochs": 6, "learning.eta": 5e-3}
        config = configure(None, settings)
        assert config.learning.decor_rate == 0
        accuracy[rule] = train(config, tmp_path / rule).history[-1]["test_accuracy"]
    assert accuracy["bp"] > 0.8
    assert 0.3 < accuracy["anp"] < accuracy["bp"]


def test_mean_and_sum_differ_by_the_batch_for_plain_descent(tmp_path: Path) -> None:
    """One step: the sum over 12 samples is 12 times their mean."""
    moved = {}
    for reduction in ("mean", "sum"):
        one = {"learning.epochs": 1, "learning.batch": 12, "learning.reduction": reduction}
        trained = train(teacher(**one), tmp_path / reduction)
        arrays = read_npz(trained.folder / "weights.npz", "weights", "")
        moved[reduction] = arrays["ideal_W1"] - arrays["start_W1"]
    # Weights of some 0.5 in float32 know their change of some 1e-3 to a few 1e-5 of it.
    np.testing.assert_allclose(moved["sum"], 12 * moved["mean"], rtol=5e-3)


def test_noise_in_scores_changes_them_and_nothing_else(tmp_path: Path) -> None:
    quiet = train(configure(None, SHORT), tmp_path / "quiet")
    noisy = train(configure(None, SHORT | {"evaluation.noise": True}), tmp_path / "noisy")
    # Strings have a clock, which goes on while networks are scored: the first row alone compares.
    assert quiet.history[0]["test_loss"] != noisy.history[0]["test_loss"]
    assert quiet.history[0]["test_loss"] == pytest.approx(noisy.history[0]["test_loss"], rel=0.02)


def test_a_training_that_diverges_says_so_and_leaves_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"diverged in epoch 1: .* smaller --eta, now 1e\+08"):
        train(teacher(**{"learning.eta": 1e8}), tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["ended"], summary["finished"]) == ("diverged", False)
    assert {"history.csv", "weights.npz", "curves.png", "config.toml"} <= {
        path.name for path in (tmp_path / "run").iterdir()
    }


# --- going on -------------------------------------------------------------------------------------
def interrupt_at(monkeypatch: pytest.MonkeyPatch, wanted: int) -> None:
    """Have Ctrl-C come at a step, counted over the whole training."""
    count, step = itertools.count(1), ScaleProgress.step

    def interrupting(progress: ScaleProgress) -> None:
        step(progress)
        if next(count) == wanted:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ScaleProgress, "step", interrupting)


CHAIN = {"circuit.noise.source": "hmm", "noise.t_pass": 25e-6, "noise.order": "passes"}
RUNS: Mapping[str, Mapping[str, Any]] = {
    "strings": SHORT,
    "chains, crops, and noise in scores": SHORT
    | CHAIN
    | {"data.augment": "crop-flip", "evaluation.augment": True, "evaluation.noise": True},
    "bernoulli, np": SHORT | {"learning.rule": "np", "circuit.noise.source": "bernoulli"},
    "backpropagation": SHORT | {"learning.rule": "bp"},
    "a learned mean": SHORT | {"learning.demean": "learned", "learning.reduction": "sum"},
}


# Counted with the scores: just after that of the start, inside the first epoch, at its last step,
# and inside the second.
PLACES = [("strings", at) for at in (1, 9, 24, 30)] + [
    (name, at) for name in RUNS if name != "strings" for at in (9, 30)
]


@pytest.mark.parametrize(("name", "at"), PLACES)
def test_a_stopped_training_ends_as_if_it_had_not_been(
    name: str, at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(None, RUNS[name])
    whole = train(config, tmp_path / "whole")
    with monkeypatch.context() as patch:
        interrupt_at(patch, at)
        with pytest.raises(KeyboardInterrupt, match=r"go on with: python -m learning\.train"):
            train(config, tmp_path / "stopped")
    assert json.loads((tmp_path / "stopped" / "summary.json").read_text())["ended"] == "stopped"
    again = train(None, tmp_path / "stopped", resume=True)
    assert plain(again.history) == plain(whole.history)
    for file in ("whole", "stopped"):
        assert (tmp_path / file / "config.toml").is_file()
    one, other = (read_npz(tmp_path / f / "weights.npz", f, "") for f in ("whole", "stopped"))
    assert one.keys() == other.keys()
    for key, array in one.items():
        np.testing.assert_array_equal(array, other[key], err_msg=key)


def test_a_teacher_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(teacher(), tmp_path / "whole")
    assert math.isnan(whole.history[0]["test_accuracy"])  # targets are numbers
    with monkeypatch.context() as patch:
        interrupt_at(
            patch, 20
        )  # two scores and twelve samples before the sixth of the second epoch
        with pytest.raises(KeyboardInterrupt, match="after 1 epoch and 6 steps"):
            train(teacher(), tmp_path / "stopped")
    assert plain(train(None, tmp_path / "stopped", resume=True).history) == plain(whole.history)


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train(configure(None, SHORT), tmp_path / "stopped")
    return tmp_path / "stopped"


def replace(text: str, other: str) -> Any:
    def edit(folder: Path) -> None:
        path = folder / "config.toml"
        before = path.read_text()
        assert text in before
        path.write_text(before.replace(text, other))

    return edit


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / NAME).write_bytes(content)


def cut(folder: Path) -> None:
    content = (folder / NAME).read_bytes()
    (folder / NAME).write_bytes(content[: len(content) // 2])


def other_tensors(folder: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, folder / NAME)


def other_tree(folder: Path) -> None:
    (folder / NAME).write_bytes(pack({"weights": np.zeros(3)}))


def other_version(folder: Path) -> None:
    tree = unpack((folder / NAME).read_bytes())
    tree["versions"]["torch"] = "1.0"
    (folder / NAME).write_bytes(pack(tree))


DAMAGES = {
    "another rate": (replace("eta = 0.005", "eta = 0.006"), "learning.eta is 0.006, and 0.005 in"),
    "another seed": (replace("seed = 0\n", "seed = 1\n"), "seed is 1, and 0 in the checkpoint"),
    "a flipped bit": (flip_a_bit, "is damaged"),
    "half of it": (cut, "is damaged"),
    "something of torch's": (other_tensors, "is no checkpoint of danp-cosim"),
    "something else": (other_tree, "is no checkpoint of a training"),
    "another torch": (other_version, "was taken with torch 1.0, here is"),
    "no checkpoint": (lambda folder: (folder / NAME).unlink(), "holds no checkpoint.npz to go on"),
    "no configuration": (lambda f: (f / "config.toml").unlink(), "holds no config.toml"),
    "no folder": (shutil.rmtree, "no such folder; wanted the folder of a run"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_not_the_training_any_more_is_refused(name: str, stopped: Path) -> None:
    damage, said = DAMAGES[name]
    damage(stopped)
    with pytest.raises(UserError) as refused:
        train(None, stopped, resume=True)
    assert said in str(refused.value)


def test_a_checkpoint_holds_tensors_alone(stopped: Path) -> None:
    tensors, known = read_checkpoint(stopped)
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    assert known["training"]["step"] == 4  # step 0 was the score before training
    kinds = {name.partition("/")[0] for name in tensors}
    assert kinds == {"network", "learner", "noise", "train", "scored"}


def test_other_threads_are_refused(stopped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = torch.get_num_threads() + 1
    monkeypatch.setattr(torch, "get_num_threads", lambda: many)
    with pytest.raises(UserError, match=f"here is cpu .* with {many} threads"):
        train(None, stopped, resume=True)


def test_other_data_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = tmp_path / "images"
    images.mkdir()
    pictures(images)
    settings = {"data.data_dir": str(images), "network.hidden": "4", "learning.batch": 8}
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            train(configure("mnist", settings), tmp_path / "run")
    one, other = (images / f"{part}-labels-idx1-ubyte.gz" for part in ("train", "t10k"))
    one.write_bytes(other.read_bytes())
    train(None, tmp_path / "run", resume=True)  # the labels are alike
    shutil.rmtree(tmp_path / "run")
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            train(configure("mnist", settings), tmp_path / "run")
    one, other = (images / f"{part}-images-idx3-ubyte.gz" for part in ("train", "t10k"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(UserError, match=r"data\.name: the data of mnist: has changed"):
        train(None, tmp_path / "run", resume=True)


def test_a_finished_training_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    train(teacher(**{"learning.epochs": 0}), tmp_path / "run")
    with pytest.raises(UserError, match="the run is finished, with 0 of 0 epochs"):
        train(None, tmp_path / "run", resume=True)
    with pytest.raises(UserError, match="is not empty; name a folder of its own"):
        train(teacher(), tmp_path / "run")


def test_a_stopped_training_is_not_written_over(stopped: Path) -> None:
    with pytest.raises(UserError, match=r"go on with: python -m learning\.train --resume"):
        train(configure(None, SHORT), stopped)


def test_a_checkpoint_every_step_changes_nothing(tmp_path: Path) -> None:
    one = train(teacher(), tmp_path / "one")
    other = train(teacher(checkpoint_every=0), tmp_path / "other")
    assert plain(one.history) == plain(other.history)


# --- surroundings ---------------------------------------------------------------------------------
def test_importing_and_configuring_leave_torch_alone() -> None:
    code = (
        "import sys; import sim.scale; sim.scale.configure('fig4-mnist')\n"
        "import learning, sim; from learning.train import main\n"
        "main(['--help']); main(['--eta', 'x'])\n"
        "print('imported:', *({'torch', 'matplotlib', 'tensorboardX', 'pooch', 'sklearn'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_a_device_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == torch.device("cpu")
    with pytest.raises(UserError, match=r"--device cuda: torch .* finds no CUDA device here; take"):
        find_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert find_device("auto") == torch.device("cuda", 0)
    assert find_device("cuda:1") == torch.device("cuda", 1)
    with pytest.raises(UserError, match="there are 2, the last one is cuda:1"):
        find_device("cuda:2")


def test_threads_are_those_asked_for_and_put_back(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    trained = train(teacher(threads=before + 1), tmp_path / "run")
    assert torch.get_num_threads() == before
    summary = json.loads((trained.folder / "summary.json").read_text())
    assert summary["device"]["threads"] == before + 1

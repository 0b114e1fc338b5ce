"""The paper's figures: their grids, rates and noise, what is kept, and the page that shows them."""

import csv
import itertools
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import cifar
from scipy.stats import chisquare

from circuits import CircuitParameters, Network
from circuits.recording import Recording
from netlists.commandline import execute
from sim.errors import UserError
from sim.scale.progress import ScaleProgress
from sim.settings import changed
from sim.sources.voltage import MeasuredNoise

ROOT = Path(__file__).parents[1]
MODULES = ("paper_rows", "paper_fig3_picture", "paper_fig4_picture")
SCRIPTS = ("paper_fig3", "paper_fig4", "paper_fig5")


@pytest.fixture(scope="module", autouse=True)
def examples() -> Iterator[None]:
    sys.path.insert(0, str(ROOT / "examples"))
    yield
    sys.path.remove(str(ROOT / "examples"))
    for name in (*MODULES, *SCRIPTS):
        sys.modules.pop(name, None)


def load(name: str) -> Any:
    return __import__(name)


def command_of(name: str, *words: str) -> int:
    return execute(load(name).command, words, f"{name}.py")


# Figure 3


def test_the_grid_is_the_product_of_its_axes() -> None:
    grid = load("paper_fig3").Grid((0, 9), (1e-4, 1e-2, 1.0), (1.0, 10.0), (1, 4), (0.2, 0.5, 0.9))
    settings = list(grid.settings())
    # BP, Gaussian noise, coins.
    assert len(settings) == 2 + 2 * 3 + 2 * 2 * 2 * 3
    assert len({tuple(setting.items()) for setting in settings}) == len(settings)
    assert {setting["eta"] for setting in settings} == {"0.1", repr(0.1 / 512)}
    kinds = {(s["noise"], s["sources"]) for s in settings if s["rule"] == "anp"}
    assert kinds == {("gaussian", ""), ("bernoulli", "1"), ("binomial", "4")}


@pytest.mark.parametrize(
    ("kind", "values", "variance"),
    [
        ("gaussian", {"variance": 4e-4}, 4e-4),
        # n p (1 − p) (α · 11.86 mV)²
        (
            "bernoulli",
            {"scale": 3.0, "sources": 1, "probability": 0.2},
            0.16 * (3 * 11.8632308e-3) ** 2,
        ),
        (
            "binomial",
            {"scale": 0.1, "sources": 16, "probability": 0.9},
            16 * 0.09 * 1.18632308e-3**2,
        ),
    ],
)
def test_a_settings_noise_has_the_variance_of_its_hyperparameters(
    kind: str, values: dict[str, float], variance: float
) -> None:
    script = load("paper_fig3")
    config = script.configuration(script._setting("anp", kind, 0.05, **values), script.Effort())
    noise = config.circuit.noise
    assert noise.source == kind
    sigma = config.noise.gain * getattr(noise, kind).sigma
    assert sigma**2 == pytest.approx(variance, rel=1e-9)
    assert (config.learning.rule, config.learning.eta, config.learning.optimizer) == (
        "anp", 0.05, "adam",
    )  # fmt: skip
    assert config.network.hidden == ()


def row(**values: object) -> dict[str, str]:
    columns = load("paper_fig3").COLUMNS
    given = {"rule": "anp", "noise": "gaussian", "seconds": "1", "epochs": "1", "seed": "0"}
    return dict.fromkeys(columns, "") | given | {name: str(value) for name, value in values.items()}


def test_a_slice_goes_over_all_other_hyperparameters() -> None:
    picture = load("paper_fig3_picture")
    accuracies = {(0.1, 1.0): 0.2, (0.1, 4.0): 0.9, (0.1, 9.0): 0.5, (0.05, 1.0): 0.3}
    rows = [row(eta=e, variance=v, train_accuracy=a) for (e, v), a in accuracies.items()]
    rows.append(row(eta=0.05, variance=4.0, train_accuracy="nan"))  # diverged
    low, high = picture.slices(rows, "eta")
    assert (low.value, low.median, low.least, low.most, low.settings) == (0.05, 15, 0, 30, 2)
    assert (high.value, high.median, high.least, high.most, high.settings) == (0.1, 50, 20, 90, 3)
    assert [s.settings for s in picture.slices(rows, "variance")] == [2, 2, 1]
    assert picture.best(rows)["variance"] == "4.0"


def test_finished_settings_are_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("paper_fig3")
    trained: list[Any] = []

    def measure(setting: Any, effort: Any) -> dict[str, str]:
        trained.append(setting)
        return effort.row(setting) | {
            "train_accuracy": "0.5", "test_accuracy": "0.4", "seconds": "1", "engine": "none",
        }  # fmt: skip

    monkeypatch.setattr(script, "measure", measure)
    small = {"variances": (1e-4,), "scales": (1.0,), "sources": (1,), "probabilities": (0.5,)}
    assert len(script.main(tmp_path, script.Grid((0, 3), **small))) == len(trained) == 6
    before = (tmp_path / "paper_fig3.csv").read_text()
    trained.clear()
    script.main(tmp_path, script.Grid((0, 3), **small))
    assert not trained
    assert (tmp_path / "paper_fig3.csv").read_text() == before
    # More of the grid: the new settings alone. Other epochs: all of them.
    assert len(script.main(tmp_path, script.Grid((0, 3, 5), **small))) == 9
    assert {setting["eta"] for setting in trained} == {repr(0.1 / 32)}
    trained.clear()
    script.main(tmp_path, script.Grid((0, 3), **small), script.Effort(epochs=7))
    assert len(trained) == 6


def test_a_sweep_stopped_half_way_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("paper_fig3")

    def measure(setting: Any, effort: Any) -> dict[str, str]:
        if setting["noise"] == "gaussian":
            raise KeyboardInterrupt
        return effort.row(setting) | dict.fromkeys(script.FOUND, "0.5")

    monkeypatch.setattr(script, "measure", measure)
    with pytest.raises(KeyboardInterrupt):
        script.main(tmp_path, script.Grid((0, 3)))
    with (tmp_path / "paper_fig3.csv").open() as file:
        assert [kept["rule"] for kept in csv.DictReader(file)] == ["bp", "bp"]


def test_a_process_of_its_own_finds_the_same() -> None:
    script = load("paper_fig3")
    effort = script.Effort(data="digits", epochs=1, train_samples=100)
    setting = script._setting("anp", "gaussian", 0.01, variance=1e-4)
    found: list[dict[str, str]] = []
    for jobs in (1, 2):
        script.sweep([setting], replace(effort, jobs=jobs), found.append)
    here, there = ({k: v for k, v in one.items() if k != "seconds"} for one in found)
    assert here == there


# Figure 4


@pytest.mark.parametrize(
    ("data", "learner", "eta", "decor_rate"),
    [
        ("mnist", "bp", 9, None),
        ("cifar10", "bp", 14, None),
        ("cifar100", "bp", 13, None),
        ("mnist", "simulated", 11, 19),
        ("cifar10", "simulated", 12, 19),
        ("cifar100", "simulated", 12, 20),
        ("mnist", "measured", 11, 19),
        ("cifar10", "measured", 12, 19),
        ("cifar100", "measured", 10, 14),
        ("fashion-mnist", "measured", 11, 19),  # not in the paper: as MNIST
    ],
)
def test_rates_are_those_of_table_1(
    data: str, learner: str, eta: int, decor_rate: int | None
) -> None:
    script = load("paper_fig4")
    config = script.configuration(data, learner, 3, script.Effort(epochs=4), Path("series"))
    assert config.learning.eta == 0.1 * 2**-eta
    assert config.learning.decor_rate == (0.1 * 2**-decor_rate if decor_rate else 0)
    assert (config.data.name, config.seed, config.learning.epochs) == (data, 3, 4)
    assert config.data.augment == ("crop-flip" if data.startswith("cifar") else "none")
    source = {"bp": ("hmm", "bp"), "simulated": ("hmm", "danp"), "measured": ("measured", "danp")}
    assert (config.circuit.noise.source, config.learning.rule) == source[learner]
    assert config.noise.order == "passes"


def test_rates_of_ones_own_are_danps() -> None:
    script = load("paper_fig4")
    effort = script.Effort(eta=5e-4, decor_rate=1e-4)
    for learner in ("simulated", "measured"):
        learning = script.configuration("mnist", learner, 0, effort, Path("series")).learning
        assert (learning.eta, learning.decor_rate) == (5e-4, 1e-4)
    assert script.configuration("mnist", "bp", 0, effort, Path("s")).learning.eta == 0.1 / 512


def test_finished_trainings_are_kept_and_others_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("paper_fig4")
    words = (
        "--data", "digits", "--train-samples", "64", "--seeds", "1", "--series-samples", "50000",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert command_of("paper_fig4", *words, "--epochs", "1") == 0
    printed = capfd.readouterr().out
    assert "| digits | BP | 0.000195 | 1 | 1 |" in printed
    with (tmp_path / "paper_fig4.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["learner"], r["epoch"]) for r in rows] == list(
        itertools.product(("simulated", "measured", "bp"), "01")
    )
    kept = (tmp_path / "paper_fig4.csv").read_text()

    def none(*_: object, **__: object) -> None:
        pytest.fail("trained again")

    with monkeypatch.context() as patch:
        patch.setattr("sim.scale.train", none)
        monkeypatch.chdir(tmp_path.parent)  # and where a folder is named from does not count
        again = [tmp_path.name if word == str(tmp_path) else word for word in words]
        assert command_of("paper_fig4", *again, "--epochs", "1") == 0
    assert (tmp_path / "paper_fig4.csv").read_text() == kept
    capfd.readouterr()
    assert command_of("paper_fig4", *words, "--epochs", "2") == 2
    error = capfd.readouterr().err
    assert error.count("\n") == 1
    assert "seed0: holds a training whose learning.epochs is 1, wanted 2; name another" in error
    assert script.configuration("digits", "bp", 0, script.Effort(), Path()).network.layers is None


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_stopped_training_goes_on(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load("paper_fig4")
    effort = script.Effort(epochs=2, train_samples=64)
    config = script.configuration("digits", "simulated", 0, effort, Path())
    whole = script.train(config, tmp_path / "whole")
    epoch_told = ScaleProgress.epoch

    def stop(self: ScaleProgress, row: dict[str, float]) -> None:
        if row["epoch"] == 1:
            signal.raise_signal(signal.SIGINT)
        epoch_told(self, row)

    with monkeypatch.context() as patch:
        patch.setattr(ScaleProgress, "epoch", stop)
        with pytest.raises(KeyboardInterrupt):
            script.train(config, tmp_path / "stopped")
    if how == "killed":
        (tmp_path / "stopped" / "summary.json").unlink()
    gone_on = script.train(config, tmp_path / "stopped")
    read_back = script.train(config, tmp_path / "stopped")
    for name in ("epoch", "test_loss", "train_accuracy"):
        wanted = [epoch[name] for epoch in whole]
        assert [epoch[name] for epoch in gone_on] == wanted
        # Tables have nine digits.
        assert [epoch[name] for epoch in read_back] == pytest.approx(wanted, rel=1e-8)


def test_cifar_is_cropped_and_flipped_in_training_and_its_scores(tmp_path: Path) -> None:
    script = load("paper_fig4")
    files = cifar("cifar10", "python").write(tmp_path / "files").parent
    effort = script.Effort(epochs=1, data_dir=files)
    config = script.configuration("cifar10", "simulated", 0, effort, Path())
    narrow = changed(config, {"network.hidden": "8"})
    history = script.train(narrow, tmp_path / "run")
    assert [epoch["epoch"] for epoch in history] == [0, 1]
    assert all(0 <= epoch["test_accuracy"] <= 1 for epoch in history)
    text = (tmp_path / "run" / "config.toml").read_text()
    assert 'augment = "crop-flip"' in text
    assert "augment = true" in text
    assert 'layers = "3072,8,10"' in text


def test_curves_are_by_seed_and_chance_is_one_class() -> None:
    picture = load("paper_fig4_picture")
    accuracies = {("0", 0): 0.1, ("0", 1): 0.5, ("1", 0): 0.2, ("1", 1): 0.4}
    rows = [
        {"seed": seed, "epoch": str(epoch), "test_accuracy": str(value)}
        for (seed, epoch), value in accuracies.items()
    ]
    epochs, found = picture.curves(rows, "test")
    assert epochs.tolist() == [0, 1]
    assert found == pytest.approx(np.array([[10, 50], [20, 40]]))
    with pytest.raises(ValueError, match="different epochs"):
        picture.curves(rows[:-1], "test")
    assert [picture.chance(name) for name in ("mnist", "cifar100")] == [10, 1]


def test_a_series_that_was_cut_short_is_written_anew(tmp_path: Path) -> None:
    script = load("paper_fig4")
    draft = tmp_path / ".measured-like-5000.part"
    draft.mkdir()
    (draft / "noise0.pqt").write_bytes(b"half")
    series = script.write_recording(tmp_path, 5000)
    recording = Recording(series, timed=False)
    assert recording.length == 5000
    # Two levels around 42.09 mV, 5.93 mV to either side; 5,000 samples hold some 900 independent.
    assert recording.mean == pytest.approx(42.09e-3, abs=1e-3)
    assert recording.sigma == pytest.approx(6.0e-3, abs=0.2e-3)
    assert not draft.exists()
    assert script.write_recording(tmp_path, 5000) == series


# Figure 5


def test_the_sampler_hands_out_the_latest_readings_evenly() -> None:
    script = load("paper_fig5")
    calls, taken = 4000, 5
    numbers = np.arange(200.0 + calls)
    handed = script.sampler(numbers, calls, taken, np.random.default_rng(3))
    assert handed.shape == (calls, taken)
    # Before call c, c + 1 new readings came; the 200 latest are c + 1 … c + 200.
    ages = np.arange(calls)[:, np.newaxis] + 200 - handed
    assert ages.min() == 0
    assert ages.max() == 199
    assert all(len(set(call)) == taken for call in handed.tolist())
    counts = np.bincount(ages.astype(int).ravel(), minlength=200)
    assert chisquare(counts).pvalue > 1e-3


def test_the_sampler_is_read_back_pass_by_pass(tmp_path: Path) -> None:
    script = load("paper_fig5")
    network = Network((2, 3, 2, 1))
    passes = np.random.default_rng(0).normal(size=(4, 2, 6))
    np.save(tmp_path / "noise.npy", script.in_reading_order(passes, network.layers[1:]))
    circuit = CircuitParameters.model_validate(
        {
            "noise": {
                "source": "measured",
                "measured": {"file": str(tmp_path / "noise.npy"), "remove_mean": False},
            }
        }
    )
    recording = Recording(tmp_path / "noise.npy", timed=False)
    source = MeasuredNoise(network, circuit, recording)
    for pair in passes:
        np.testing.assert_array_equal(source.draw(1).noise, pair)


def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    script = load("paper_fig5")
    settings = {"task.epochs": 1, "task.samples": 2, "simulation.engine": "ideal"}
    run = script.train("junctions", tmp_path / "run", settings)
    assert script.train("junctions", tmp_path / "run", settings).path == run.path
    with pytest.raises(UserError, match="holds another run, or one that was stopped"):
        script.train("junctions", tmp_path / "run", {**settings, "seed": 1})


# All


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("paper_fig3", "--halvings", "1,x"), "wanted whole numbers between commas, got '1,x'"),
        (("paper_fig3", "--halvings", ""), "wanted whole numbers between commas"),
        (("paper_fig3", "--halvings", "-1"), "at least 0 and at most 40, got -1"),
        (("paper_fig3", "--probabilities", "0.5,1"), "more than 0 and less than 1, got 1"),
        (("paper_fig3", "--variances", "nan"), "more than 0 and less than 1e+06, got nan"),
        (("paper_fig3", "--sources", "2.5"), "wanted whole numbers"),
        (("paper_fig3", "--epochs", "0"), "0 is not in the range"),
        (("paper_fig3", "--data", "teacher"), "'teacher' is not one of"),
        (("paper_fig3", "--data-dir", "nowhere"), "nowhere: no such folder"),
        (("paper_fig4", "--data-dir", "nowhere"), "nowhere: no such folder"),
        (("paper_fig4", "--eta", "0"), "0.0 is not in the range"),
        (("paper_fig4", "--device", "tpu"), "device"),
        (("paper_fig4", "--data", "digits", "--device", "cuda:99"), "cuda"),
        (("paper_fig5", "--seed", "-1"), "-1 is not in the range"),
    ],
)  # fmt: skip
def test_wrong_input_ends_in_one_line(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    small = ("--series-samples", "1000") if words[0] == "paper_fig4" else ()
    assert command_of(*words, *small) == 2
    error = capfd.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert said in error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "wanted the columns rule,noise,"),
        (b"a,b\n1,2\n", "got a,b; it was not written by this script"),
        (b"\xff\xfe\x00", "cannot be read as CSV"),
        (None, "line 2: wanted 15 columns"),
    ],
)
def test_a_table_of_another_kind_is_not_written_over(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    script = load("paper_fig3")
    path = tmp_path / "paper_fig3.csv"
    path.write_bytes(
        content if content is not None else f"{','.join(script.COLUMNS)}\n1,2\n".encode()
    )
    before = path.read_bytes()
    with pytest.raises(UserError, match=said):
        script.main(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_page_shows_the_numbers_that_are_kept(name: str) -> None:
    script = load(name)
    rows = load("paper_rows").read_rows(load("paper_rows").KEPT / f"{name}.csv", script.COLUMNS)
    page = (ROOT / "docs" / "paper-results.md").read_text(encoding="utf8")
    assert script.format_table(rows) in page

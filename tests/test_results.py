"""What a run left behind, read back by name; and runs from Python."""

import csv
import json
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlists.build import probe_names
from sim import cosim
from sim.compare import compare
from sim.config import RunConfig, TaskConfig
from sim.errors import UserError
from sim.finished import read_run
from sim.results import Run
from sim.run import main

pytestmark = pytest.mark.usefixtures("undrawn")

SHORT = {"epochs": 3, "samples": 10, "settings": {"learning.biases": True}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return cosim.run(layers=(2, 3, 1), out=tmp_path_factory.mktemp("api") / "run", **SHORT)


def test_a_run_from_python_is_the_commands(run: Run, tmp_path: Path) -> None:
    arguments = ["--layers", "2,3,1", "--epochs", "3", "--samples", "10", "--biases", "--quiet"]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    for name in ("config.toml", "history.csv", "network.cir", "results.nc", "weights.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (run.path / name).read_bytes(), name


def test_losses_are_those_of_the_history(run: Run) -> None:
    assert run.history["loss"].dims == ("learner", "epoch", "sample")
    assert run.history["loss"].attrs["units"] == "V²"
    with (run.path / "history.csv").open(encoding="utf8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for learner in ("ideal", "in_loop"):
            losses = run.history["loss"].sel(learner=learner, epoch=int(row["epoch"]))
            # The table has nine digits.
            assert float(losses.mean()) == pytest.approx(float(row[f"{learner}_mean"]), rel=1e-8)
            assert float(losses.quantile(0.95)) == pytest.approx(
                float(row[f"{learner}_q95"]), rel=1e-8
            )
            doubtful = run.history["doubtful"].sel(learner=learner, epoch=int(row["epoch"]))
            assert int(doubtful) == int(float(row[f"{learner}_doubtful"]))


def test_scores_are_those_of_the_summary(run: Run) -> None:
    summary = json.loads((run.path / "summary.json").read_text(encoding="utf8"))
    scores = run.scores
    assert float(scores["loss"].sel(score="in_loop")) == summary["loss"]["in_loop"]
    assert float(scores["loss"].sel(score="start_in_loop")) == summary["loss"]["initial_circuit"]
    assert (
        int(scores["doubtful"].sel(score="transfer")) == summary["guards"]["transfer"]["doubtful"]
    )
    assert str(scores["engine"].sel(score="ideal").item()) == "mathematics"
    assert str(scores["engine"].sel(score="transfer").item()) == "ngspice"


def test_deviation_is_by_node_what_the_summary_says_by_layer(run: Run) -> None:
    assert tuple(run.deviation["node"].values) == probe_names(run.config.network)
    last = max(run.deviation["layer"].values)
    for layer, said in enumerate(run.summary["deviation"]["layers"], start=1):
        kind = "pre" if layer == last else "output"
        taken = (run.deviation["layer"] == layer) & (run.deviation["kind"] == kind)
        found = run.deviation.values[:, taken.values]
        assert np.sqrt(np.mean(found**2)) == pytest.approx(said["rms_v"], rel=1e-12)
        assert np.abs(found).max() == pytest.approx(said["max_v"], rel=1e-12)


def test_recorded_passes_are_those_of_the_comparison(run: Run) -> None:
    finished = read_run(run.path)
    engine = cosim.make_engines(finished.setup)["in_loop"]
    again = compare(finished.setup, engine, finished.model)
    np.testing.assert_array_equal(run.results["input"], again.passes.inputs)
    np.testing.assert_array_equal(run.results["noise"], again.passes.noise)
    np.testing.assert_array_equal(run.results["doubt"], again.circuit.doubts)
    np.testing.assert_allclose(run.results["energy"], again.circuit.energy, rtol=1e-6)
    # Newton's method starts from other voltages; sim.attribute holds its replays to this, too.
    np.testing.assert_allclose(
        run.results["ngspice"].sel(node="a2_1"), again.circuit.outputs[-1][:, 0], atol=1e-6
    )
    np.testing.assert_allclose(
        run.results["ngspice"].sel(node="x1_3"), again.circuit.outputs[0][:, 2], atol=1e-6
    )


def test_resistors_hold_the_weights_before_and_after(run: Run) -> None:
    r_feedback = run.config.circuit.synapse.r_feedback
    for when, learner in (("before", "start"), ("after", "in_loop")):
        resistors, weights = run.resistors[when], run.weights[learner]
        for layer in (1, 2):
            plus, minus = resistors[f"R_plus{layer}"], resistors[f"R_minus{layer}"]
            made = r_feedback * (1 / plus - 1 / minus)
            folded = weights[f"W{layer}"].values @ weights[f"decor{layer}"].values
            np.testing.assert_allclose(made.values[:, :-1], folded, rtol=1e-12, atol=1e-12)
            bias = made.sel({f"input{layer}": "bias"})
            np.testing.assert_allclose(bias.values, weights[f"b{layer}"].values, atol=1e-12)
    assert not np.array_equal(run.resistors["before"]["R_plus1"], run.resistors["after"]["R_plus1"])


def test_resistors_are_named_as_in_the_deck(run: Run) -> None:
    deck = (run.path / "network.cir").read_text(encoding="utf8")
    layer = deck.partition(".subckt layer1 ")[2].partition(".ends")[0]
    written = re.search(r"^Rp3_2 x0_2 sp3 (\S+)", layer, re.MULTILINE)
    assert written
    found = run.resistors["after"]["R_plus1"].sel(neuron1="a1_3", input1="x0_2")
    assert float(found) == pytest.approx(float(written[1]), rel=1e-8)  # nine digits


def test_an_ideal_run_says_what_it_has_not(tmp_path: Path) -> None:
    run = cosim.run(engine="ideal", epochs=1, samples=4, out=tmp_path / "ideal")
    assert not run.has_circuit
    assert run.resistors == {}
    assert run.waveforms is None
    assert np.isnan(run.scores["loss"].sel(score="in_loop"))
    assert np.isnan(run.history["training_deviation"]).all()
    with pytest.raises(UserError, match="has no circuit in ngspice that was compared"):
        _ = run.deviation


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("summary.json", lambda run: run.summary),
        ("weights.npz", lambda run: run.weights),
        ("results.nc", lambda run: run.results),
        ("config.toml", lambda run: run.config),
    ],
)
@pytest.mark.parametrize("content", [b"{", b"CDF\x01\x00", b"\x00" * 500, b"[]"])
def test_damage_is_one_line_that_names_the_file(
    run: Run, tmp_path: Path, name: str, look: Any, content: bytes
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    (copy / name).write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(copy / name))) as caught:
        look(Run(copy))
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.path, copy)
    config = (copy / "config.toml").read_text(encoding="utf8")
    (copy / "config.toml").write_text(config.replace("2,3,1", "2,4,1"), encoding="utf8")
    with pytest.raises(UserError, match=r"is of another network than config\.toml"):
        _ = Run(copy).weights


def test_a_report_that_cannot_be_written_fails_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise UserError("there is no room")

    monkeypatch.setattr("sim.job.write_page", refuse)
    out = tmp_path / "run"
    arguments = ["--engine", "ideal", "--epochs", "1", "--samples", "4", "--out", str(out)]
    assert main(arguments) == 0
    assert "warning: no report: there is no room" in capsys.readouterr().out
    assert Run(out).finished
    assert not (out / "checkpoint.npz").exists()


def test_a_network_too_large_for_a_deck_says_how_to_see_waveforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sim.written._EXPLICIT", 5)
    out = tmp_path / "run"
    assert main(["--epochs", "1", "--samples", "4", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "warning: no waveforms: they take a deck with every resistor, and 10 weights" in said
    assert f"danp-cosim waves {out}" in said
    assert Run(out).waveforms is None
    assert (out / "report.html").exists()


def test_a_run_that_diverged_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    arguments = ["--engine", "ideal", "--eta", "50", "--quiet", "--out", str(out)]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    summary = Run(out).summary
    assert summary["ended"] == "diverged"
    assert f"error: {summary['failure']}\n" == said
    assert not summary["finished"]


def test_a_folder_that_is_no_runs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, said in (
        (tmp_path / "none", "no such folder"),
        (tmp_path / "file", "is a file, wanted the folder"),
        (tmp_path, "holds no config.toml"),
    ):
        with pytest.raises(UserError, match=said):
            cosim.load(path)


def test_settings_override_keywords_and_the_configuration(tmp_path: Path) -> None:
    config = RunConfig(seed=3, task=TaskConfig(epochs=1, samples=4))
    run = cosim.run(
        config, seed=4, engine="ideal", settings={"seed": 5, "circuit.opamp.gbw": "300k"},
        out=tmp_path / "run",
    )  # fmt: skip
    assert run.config.seed == 5
    assert run.config.circuit.opamp.gbw == 300e3
    assert len(run.history["epoch"]) == 1
    again = cosim.run(run.path / "config.toml", out=tmp_path / "again")
    assert again.config == run.config


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"layers": (2,)}, "layers: wanted inputs and at least one layer"),
        ({"task": "nor"}, "task: wanted one of teacher"),
        ({"settings": {"circuit.opamp.gbw": "fast"}}, "circuit.opamp.gbw: wanted a number in Hz"),
        ({"settings": {"circuit.opam.gbw": 1e6}}, "circuit.opam.gbw: no such parameter"),
        ({"config": "no.toml"}, "cannot read no.toml"),
        ({"config": RunConfig(), "seed": -1}, "seed: "),
        ({"jobs": 0}, "jobs: wanted a whole number of at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_told_in_a_line(
    wrong: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=said):
        cosim.run(**wrong, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_may_be_made_in_a_thread(tmp_path: Path) -> None:
    made: list[Run] = []
    thread = threading.Thread(
        target=lambda: made.append(
            cosim.run(engine="ideal", epochs=1, samples=4, out=tmp_path / "run")
        )
    )
    thread.start()
    thread.join()
    assert made
    assert made[0].finished

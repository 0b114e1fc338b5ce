"""The examples run, and what they show is physics."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim import cosim

FOLDER = Path(__file__).parents[1] / "examples"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def picture(folder: Path, name: str) -> bool:
    return (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_strings_keep_to_their_levels_and_forget_as_the_closed_form_says(tmp_path: Path) -> None:
    strings = load("telegraph_noise").main(tmp_path, samples=200_000)
    assert [s.n_mtj for s in strings] == [1, 2, 4]
    for string in strings:
        assert len(string.levels) == string.n_mtj + 1
        assert set(np.unique(string.noise)) <= set(string.levels)
        # 4 s hold some 13,000 correlation times: shares scatter by half a percent.
        np.testing.assert_allclose(string.shares, string.probabilities, atol=0.02)
        np.testing.assert_allclose(string.autocorrelation, string.expected, atol=0.04)
    spread = [np.ptp(s.levels) for s in strings]
    assert spread[0] < spread[1] < spread[2]
    assert picture(tmp_path, "telegraph_noise")


def test_fields_tilt_the_occupancy_as_the_law_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    reports = load("paper_fig2").main(tmp_path, samples=48_000)
    shares = [report.occupancy.value for report in reports]
    # 1.2 s hold some 8,000 correlation times: shares scatter by half a percent.
    np.testing.assert_allclose(shares, [0.8973, 0.5, 0.1027], atol=0.025)
    assert "| +3 mT |" in capsys.readouterr().out
    assert picture(tmp_path, "noise_at_three_fields")


def test_a_single_layer_is_swept_over_rates_and_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    script = load("paper_fig3")
    grid = script.Grid((2, 9), (1e-4,), (1.0,), (1, 4), (0.5,))
    rows = script.main(tmp_path, grid, script.Effort(data="digits", epochs=2))
    assert len(rows) == 8
    found = {(row["noise"], row["eta"]): float(row["train_accuracy"]) for row in rows}
    # Guessing gives a tenth; two epochs at η = 0.025 most of the way, at 0.1 · 2⁻⁹ little of it.
    for noise in ("none", "gaussian", "bernoulli", "binomial"):
        assert found[noise, "0.025"] > max(0.6, 0.2 + found[noise, repr(0.1 / 512)])
    assert "| BP, no noise | 2 |" in capsys.readouterr().out
    assert picture(tmp_path, "paper_fig3")


def test_danp_is_drawn_beside_backpropagation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    script = load("paper_fig4")
    effort = script.Effort(epochs=1, seeds=1, train_samples=320, series_samples=300_000, eta=5e-3)
    rows = script.main(tmp_path, ("digits",), effort)
    assert [(row["learner"], row["epoch"]) for row in rows] == [
        (learner, epoch) for learner in ("simulated", "measured", "bp") for epoch in "01"
    ]
    # Weights at the start are the seed's, whatever the learner.
    assert len({row["test_accuracy"] for row in rows if row["epoch"] == "0"}) == 1
    assert "| digits | BP |" in capsys.readouterr().out
    assert picture(tmp_path, "paper_fig4")


def test_the_bench_network_meets_one_noise_in_both_engines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    script = load("paper_fig5")
    small = {"task.epochs": 2, "task.samples": 9, "simulation.fidelity": "op"}
    rows = script.main(tmp_path, small)
    assert len(rows) == 2 * 2 * 2
    for row in rows:
        folder = tmp_path / row["condition"]
        history = cosim.load(folder).history["loss"]
        learner = {"mathematics": "ideal", "ngspice": "in_loop"}[row["engine"]]
        losses = history.sel(learner=learner, epoch=int(row["epoch"])).values
        quartiles = np.quantile(losses, (0.25, 0.5, 0.75))
        told = [float(row[name]) for name in ("lower_quartile", "median", "upper_quartile")]
        np.testing.assert_allclose(told, quartiles, rtol=1e-5)
        assert float(row["mean"]) == pytest.approx(losses.mean(), rel=1e-5)
        # Whiskers end at a loss, within 1.5 boxes of the box.
        reach = quartiles[2] + 1.5 * (quartiles[2] - quartiles[0])
        assert float(row["high_whisker"]) == pytest.approx(losses[losses <= reach].max(), rel=1e-5)
    # Five nodes, two passes a sample: what the sampler handed out.
    noise = np.load(tmp_path / "sampler.npy")
    assert noise.shape == (2 * 9 * 2 * 5,)
    assert len(np.unique(noise)) == 2
    assert picture(tmp_path, "paper_fig5")


def test_a_neurons_curve_is_its_diodes(tmp_path: Path) -> None:
    curves = {c.name: c for c in load("neuron_transfer").main(tmp_path, points=28)}
    for curve in curves.values():
        inside = np.abs(curve.wanted) < 1.5
        np.testing.assert_allclose(curve.pre[inside], curve.wanted[inside], atol=1e-4)
        if curve.closed is not None:
            # The buffer's gain of 5.6e5 takes 4 µV off 2.4 V.
            np.testing.assert_allclose(curve.output, curve.closed, atol=1e-5)
    zero_bias, silicon = curves["diode-divider, HSMS-2850"], curves["diode-divider, 1N4148"]
    precision = curves["precision, 1N4148"]
    at_one = {
        c.name: np.interp(1.0, c.wanted, c.output - c.ideal)
        for c in (zero_bias, silicon, precision)
    }
    assert -0.10 < at_one[zero_bias.name] < -0.05
    assert -0.5 < at_one[silicon.name] < -0.35
    assert abs(at_one[precision.name]) < 1e-3
    # Reverse leakage of the zero-bias diode: 3 µA, shared by R_load and R_neg.
    assert -0.06 < np.interp(-1.0, zero_bias.wanted, zero_bias.output - zero_bias.ideal) < -0.04
    # The amplifier stops at its rail, whatever is asked for.
    assert zero_bias.pre.max() < 2.5 < zero_bias.wanted.max()
    assert picture(tmp_path, "neuron_transfer")


def test_training_in_the_loop_lowers_the_circuits_loss(tmp_path: Path) -> None:
    losses = load("ideal_against_in_loop").main(tmp_path, epochs=20, samples=20, seed=0)
    curves = losses.curves
    assert set(curves) == {"ideal", "transfer", "in_loop"}
    assert all(len(curve) == 21 for curve in curves.values())
    # Before training, twin and circuit hold the same weights.
    assert curves["transfer"][0] == curves["in_loop"][0]
    assert curves["ideal"][-1] < curves["ideal"][0]
    assert curves["in_loop"][-1] < curves["in_loop"][0]
    assert picture(tmp_path, "ideal_against_in_loop")


@pytest.mark.parametrize("seed", [0, 4])
def test_an_exported_deck_prints_what_the_engine_sees(tmp_path: Path, seed: int) -> None:
    deck = tmp_path / "exported.cir"
    readings = load("export_and_run").main(tmp_path, deck, seed)
    assert readings.names == (
        "a1_1", "a1_2", "x1_1", "x1_2", "a2_1", "a2_2", "x2_1", "x2_2", "a3_1",
    )  # fmt: skip
    assert np.ptp(readings.bare) > 0.5
    assert not np.allclose(readings.bare[0], readings.bare[1], atol=1e-3)  # the noise is on
    np.testing.assert_allclose(readings.bare, readings.engine, rtol=0, atol=2e-6)
    assert deck.read_text().endswith(".end\n")
    assert picture(tmp_path, "export_and_run")


def test_the_diodes_dominate_the_deviation(tmp_path: Path) -> None:
    found = load("deviation_by_part").main(tmp_path, samples=20)
    first = {d.name.replace("\n", " "): d.rms[0] for d in found}
    default = first["divider, HSMS-2850 (default)"]
    assert 0.03 < default < 0.08
    # Better op-amps change nothing, better diodes all.
    assert first["the same, ideal op-amps"] == pytest.approx(default, rel=0.01)
    assert first["precision, 1N4148"] < default / 100
    assert first["divider, 1N4148"] > 2 * default
    assert first["ideal parts"] < 1e-6
    assert picture(tmp_path, "deviation_by_part")


def test_a_calibrated_twin_is_ten_times_closer_in_every_layer(tmp_path: Path) -> None:
    found = load("calibrated_twin").main(tmp_path, epochs=2)
    assert all(rms > 0.01 for rms, _ in found.ideal.rms_and_max())
    assert min(found.factors()) > 10
    # Without flips in the last microseconds and rails the finite gain is left: microvolts.
    assert min(found.factors(doubtful=False)) > 1000
    assert found.calibrated.tally.doubtful > 0
    assert picture(tmp_path, "calibrated_twin")


def studied(monkeypatch: pytest.MonkeyPatch, out: Path, name: str, **effort: int) -> Any:
    monkeypatch.syspath_prepend(FOLDER)  # the studies are three files
    return load("noise_studies").main(out, name, **effort)[name]


def test_short_passes_skip_and_shrink_as_the_closed_forms_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studied(monkeypatch, tmp_path, "pace", seeds=1, epochs=8, spice=0)
    decay = np.exp(-2 * np.array([r.setting.x for r in study.results]))
    skipped = np.array([r.trained["ideal"].skipped.mean() for r in study.results])
    # 800 pairs: a share scatters by 0.017, somewhat more where they follow closely.
    np.testing.assert_allclose(skipped, ((1 + decay) / 2) ** 5, atol=0.06)
    np.testing.assert_allclose([r.same for r in study.results], ((1 + decay) / 2) ** 5, rtol=1e-9)
    for result, correlation in zip(study.results, decay, strict=True):
        np.testing.assert_allclose(result.correlation.mean(), correlation, atol=0.06)
        assert result.difference == pytest.approx(result.expected_difference, rel=0.12)
    # The rest of the pairs lets the mean update through: M has a trace of 1 − k a node.
    told = [r.let_through.mean() for r in study.results]
    np.testing.assert_allclose(told, 1 - skipped)
    assert picture(tmp_path, "study_pace")


def test_strings_of_any_length_are_studied_at_one_sigma(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studied(monkeypatch, tmp_path, "levels", seeds=1, epochs=1, samples=20, spice=1)
    chances = [r.same for r in study.built]
    # Central binomials: Σ p_k² of n fair coins.
    fresh = np.array([1 / 2, 6 / 16, 70 / 256, 12870 / 65536]) ** 5
    np.testing.assert_allclose(chances, fresh, rtol=0.02)
    equal = study.of_series("equal σ")
    wanted = study.built[0].nodes[0].sigma
    assert [r.nodes[0].sigma for r in equal] == pytest.approx([wanted] * 3)
    for result in study.built:
        # Twin and circuit see one noise; at operating points they skip the same pairs.
        assert result.trained["in_loop"].skipped == result.trained["ideal"].skipped
    assert picture(tmp_path, "study_levels")


def test_a_shared_recording_ties_passes_and_nodes_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studied(monkeypatch, tmp_path, "sharing", seeds=1, epochs=10, spice=0)
    one, ten = study.results[2], study.results[5]
    chain = 1 - 2 * 0.0809
    # Two nodes a layer, then one: two samples of the recording lie between passes, then one.
    levels = 5.9316154**2 / (5.9316154**2 + 0.90841466**2)
    wanted = levels * chain ** np.array([2, 2, 2, 2, 1])
    np.testing.assert_allclose(one.correlation, wanted, atol=0.05)
    np.testing.assert_allclose(
        ten.correlation, levels * chain ** np.array([20, 20, 20, 20, 10]), atol=0.1
    )
    assert np.ptp(one.let_through) > 2 * np.ptp(study.results[1].let_through)
    assert picture(tmp_path, "study_sharing")


def test_the_live_view_is_drawn_on_the_way(tmp_path: Path) -> None:
    path = load("live_view").main(tmp_path, epochs=3, samples=5)
    text = path.read_text(encoding="utf8").replace("&#160;", " ")
    for word in ("epoch 2/3", "66 %", "loss in loop", "deviation rms", "under way"):
        assert word in text


def test_the_circuit_is_drawn_from_its_deck(tmp_path: Path) -> None:
    drawings = load("schematics").main(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(drawings)
    for name in drawings:
        assert picture(tmp_path, name)
        assert "<svg" in (tmp_path / f"{name}.svg").read_text(encoding="utf8")
    # A part of the deck, and the node that it is at.
    neuron = (tmp_path / "schematic_neuron.svg").read_text(encoding="utf8")
    assert "Rp2_1" in neuron
    assert "a1_2" in neuron


def test_the_live_view_is_of_a_training(tmp_path: Path) -> None:
    path = load("live_view").main(tmp_path, epochs=2, samples=4)
    assert path == tmp_path / "live_view.svg"
    text = path.read_text(encoding="utf8")
    assert "<svg" in text
    assert not re.search(r"url\([\"']?http", text)  # a page loads nothing for it from elsewhere


def test_the_gallery_remakes_single_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(FOLDER)
    made = load("make_gallery").main(tmp_path, ["schematic_layer.svg"])
    # Those of the same script come along.
    assert sorted(made) == sorted(tmp_path.iterdir())
    assert tmp_path / "schematic_layer.svg" in made

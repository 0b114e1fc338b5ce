"""How devices that hold weights enter a run: training, scores, files, checkpoints, attribution.

Oracles: pencil arithmetic with devices of four levels in real ngspice; the law of drift in closed
form (circuits.write_back.reading); limits, such as levels so many that none is felt and steps so
small that each is lost; and what a run kept, simulated again bit for bit. The laws of the devices
have tests of their own.
"""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray

from circuits import ResistorPairs
from learning import Evidence, Model, Update
from sim import checkpoint, job, loop, written
from sim.archive import pack, unpack
from sim.attribute.attribution import attribution_of
from sim.attribute.replay import Replayer
from sim.attribute.verdict import largest, verdict
from sim.compare import compare
from sim.engines import IdealEngine
from sim.errors import UserError
from sim.finished import FinishedRun, read_run
from sim.preparation import Setup
from sim.programmed import as_trained, at_start, hold, transferred
from sim.results import Run
from sim.run import main as run
from sim.settings import load_config
from sim.training import Training
from sim.workers import WorkerEngine

Array = NDArray[np.float64]

ROOT = Path(__file__).parents[1]
R_F = 100e3
DEVICE = "circuit.write_back.device"
FOUR_LEVELS: Mapping[str, Any] = {
    DEVICE: "levels",
    "circuit.write_back.levels.count": 4,
    "circuit.synapse.r_feedback": R_F,
    "circuit.synapse.r_min": R_F / 3,
    "circuit.synapse.r_max": "inf",
}
"""Conductances 0, 1, 2 and 3 over R_f: weights are whole numbers."""

OPEN_WEIGHT = 1e-9
"""V/V; ten times what a resistor of 1e15 Ω, which stands for none, makes of R_f."""


@dataclass(frozen=True)
class Steady:
    """A rule that moves every weight by −1 times its rate, whatever was measured."""

    name: str = "steady"
    clean_first_pass: bool = False
    needs_gradient: bool = False
    decorrelates: bool = False

    def update(self, model: Model, evidence: Evidence) -> Update:
        del evidence
        return Update(
            tuple(-np.ones_like(w) for w in model.weights),
            tuple(-np.ones_like(b) for b in model.biases),
            tuple(np.zeros_like(d) for d in model.decor),
        )


def set_up(given: Mapping[str, Any], preset: str | None = None, **options: Any) -> Setup:
    settings = {"simulation.fidelity": "op", "simulation.erc": False, "task.layers": "2,1"}
    return loop.set_up(load_config(None, preset, {**settings, **given}), **options)


def with_weights(setup: Setup, *weights: Iterable[Iterable[float]], bias: float = 0.0) -> Setup:
    arrays = tuple(np.array(w, dtype=float) for w in weights)
    start = replace(
        setup.start, weights=arrays, biases=tuple(np.full(len(w), bias) for w in arrays)
    )
    return replace(setup, start=start)


def begin(setup: Setup, jobs: int = 0) -> Training:
    return loop.begin(setup, loop.make_engines(setup, jobs=jobs))


def weights_of(pairs: Iterable[ResistorPairs]) -> list[Array]:
    return [R_F * (1 / pair.plus - 1 / pair.minus) for pair in pairs]


def held_in(training: Training) -> list[Array]:
    learner = training.learners["in_loop"]
    assert learner.synapses is not None
    return list(learner.synapses.held())


# --- one mini-batch after the other ------------------------------------------------------------


@pytest.mark.parametrize(("accumulator", "jobs"), [(True, 0), (False, 0), (False, 1)])
def test_four_levels_in_ngspice_do_what_pencil_and_paper_say(accumulator: bool, jobs: int) -> None:
    """Steps of 1/4 from 0.6 and −1.4, and a bias of 2.2 V over v_one = 2 V.

    With an accumulator the weights asked are 0.6, 0.85, 1.1, 1.35, 1.6, and what is held is the
    nearest whole number. Without, a step starts from what is held: 1 + 1/4 is 1 again.
    """
    setup = set_up(
        {
            **FOUR_LEVELS,
            "circuit.write_back.accumulator": accumulator,
            "circuit.v_one": 2.0,
            "task.samples": 5,
            "learning.eta": 0.25,
            "learning.optimizer": "sgd",
            "learning.biases": True,
        },
        "ideal-parts",
        rule=Steady(),
    )
    setup = with_weights(setup, [[0.6, -1.4]], bias=2.2)
    asked = {
        True: [(0.6, -1.4, 2.2), (0.85, -1.15, 2.45), (1.1, -0.9, 2.7), (1.35, -0.65, 2.95),
               (1.6, -0.4, 3.2)],
        False: [(0.6, -1.4, 2.2), (1.25, -0.75, 2.25), (1.25, -0.75, 2.25), (1.25, -0.75, 2.25),
                (1.25, -0.75, 2.25)],
    }[accumulator]  # fmt: skip
    wanted = [(1, -1, 1)] * 4 + [(2, 0, 2) if accumulator else (1, -1, 1)]
    training = begin(setup, jobs)
    schedule = setup.schedule(0)
    learner = training.learners["in_loop"]
    for step, ((u, v, b), (p, q, c)) in enumerate(zip(asked, wanted, strict=True)):
        model = learner.model
        np.testing.assert_allclose(model.weights[0], [[u, v]], rtol=0, atol=OPEN_WEIGHT)
        np.testing.assert_allclose(model.biases[0], [b], rtol=0, atol=2 * OPEN_WEIGHT)
        inputs = setup.task.train_inputs[step : step + 1]
        passes = schedule.draw(inputs)
        given = loop.ask(setup, learner, passes)
        targets = setup.task.train_targets[step : step + 1]
        learner, _, readout = loop.step(setup, learner, passes, targets, given)
        np.testing.assert_allclose(
            readout.pre[0][:, 0],
            p * passes.inputs[:, 0] + q * passes.inputs[:, 1] + 2.0 * c + passes.noise[:, 0],
            rtol=0,
            atol=tolerances.IDEAL_PARTS,
        )
    if isinstance(learner.engine, WorkerEngine):
        learner.engine.close()


def test_the_deviation_in_training_is_from_what_was_asked_for() -> None:
    """One weight of 0.6 is held as 1: 0.4 of the input is deviation, noise and all alike."""
    settings = {**FOUR_LEVELS, "task.layers": "1,1", "task.samples": 8, "task.epochs": 1}
    still = {"learning.eta": 1e-200, "learning.decor_rate": 0.0}
    setup = with_weights(set_up({**settings, **still}, "ideal-parts"), [[0.6]])
    training = begin(setup)
    loop.train(training)
    inputs = setup.task.train_inputs
    wanted = 0.4 * np.sqrt(np.mean(inputs**2))
    assert training.epochs[0].deviation == pytest.approx(wanted, rel=1e-5)  # 1 µV of 0.2 V


def test_so_many_levels_that_none_is_felt_learn_what_ideal_devices_do() -> None:
    """A step is 1.5e-4 of a weight at most, and what it moves the learning by is of that order."""
    settings = {"task.layers": "2,3,1", "task.samples": 20, "task.epochs": 2}
    many = {DEVICE: "levels", "circuit.write_back.levels.count": 65536}
    found = []
    for devices in ({}, many):
        training = begin(set_up({**settings, **devices}))
        loop.train(training)
        found.append(training)
    ideal, levels = (one.learners["in_loop"].model for one in found)
    step = R_F / 10e3 / 65535
    for mine, theirs, start in zip(
        levels.weights, ideal.weights, found[0].setup.start.weights, strict=True
    ):
        assert np.abs(mine - theirs).max() < 3 * step
        assert np.abs(theirs - start).max() > 100 * step  # it learned
    for mine, theirs in zip(held_in(found[1]), held_in(found[0]), strict=True):
        assert 0 < np.abs(mine - theirs).max() < 3 * step


@pytest.mark.parametrize("accumulator", [True, False])
def test_updates_of_less_than_half_a_step_are_lost_without_an_accumulator(
    accumulator: bool,
) -> None:
    """Two levels are R_f/R_min = 10 apart; an update is thousandths, and adds up nowhere else."""
    setup = set_up(
        {
            DEVICE: "levels",
            "circuit.write_back.levels.count": 2,
            "circuit.write_back.accumulator": accumulator,
            "task.layers": "2,2,1",
            "task.samples": 20,
            "task.epochs": 2,
            "learning.eta": 1e-3,
        }
    )
    training = begin(setup)
    loop.train(training)
    learner = training.learners["in_loop"]
    before, after = at_start(setup), as_trained(setup, learner)
    for start, end in zip(before.pairs, after.pairs, strict=True):
        np.testing.assert_array_equal(start.plus, end.plus)
        np.testing.assert_array_equal(start.minus, end.minus)
    devices = 2 * (4 + 2)
    assert before.writes == after.writes == devices
    moved = [
        np.abs(w - w0).max()
        for w, w0 in zip(learner.model.weights, setup.start.weights, strict=True)
    ]
    if accumulator:
        assert all(0 < m < 0.1 for m in moved)
        # Half a step more, and devices move: what was kept was not in vain.
        first, second = learner.model.weights
        further = replace(learner.model, weights=(first + 5.0, second))
        assert as_trained(setup, replace(learner, model=further)).writes > devices
    else:
        # What is kept is what is held, and the last update that is not written yet.
        for array, w, decor in zip(
            held_in(training), learner.model.weights, learner.model.decor, strict=True
        ):
            np.testing.assert_allclose(w @ decor, array, rtol=0, atol=0.01)


def test_without_an_accumulator_the_model_is_what_is_told_behind_its_decorrelation() -> None:
    setup = set_up(
        {
            DEVICE: "domain-wall",
            "circuit.write_back.accumulator": False,
            "task.layers": "3,2",
            "learning.biases": True,
        }
    )
    rng = np.random.default_rng(1)
    decor = (np.eye(3) + 0.2 * rng.standard_normal((3, 3)),)
    setup = replace(setup, start=replace(setup.start, decor=decor))
    learner = begin(setup).learners["in_loop"]
    passes = setup.schedule(0).draw(setup.task.train_inputs[:1])
    given = loop.ask(setup, learner, passes)
    assert learner.synapses is not None
    again = loop.effective_weights(given.model, setup)
    np.testing.assert_allclose(again[0], learner.synapses.told()[0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(given.weights[0], loop.effective_weights(setup.start, setup)[0])
    singular = replace(learner, model=replace(learner.model, decor=(np.zeros((3, 3)),)))
    with pytest.raises(loop.DivergedError, match=r"the decorrelation of layer 1 .*--decor-rate"):
        loop.ask(setup, singular, passes)


# --- chips -------------------------------------------------------------------------------------


def test_a_chip_is_the_same_whatever_the_seed_and_written_anew_each_time() -> None:
    ramp = [np.linspace(-3, 3, 12).reshape(3, 4), np.linspace(-2, 2, 3).reshape(1, 3)]

    def held(device: str, purpose: int, **given: Any) -> Array:
        settings = {DEVICE: device, "task.layers": "4,3,1", "simulation.engine": "ideal"}
        array = set_up({**settings, **given}).synapse_array(purpose)
        array.write(ramp)
        return np.concatenate([w.ravel() for w in array.held()])

    def chip(number: int | None, seed: int) -> dict[str, Any]:
        return {"circuit.mismatch.chip": number, "seed": seed}

    # Potentiometers differ from device to device alone, walls from write to write alone.
    first = held("digipot", 0, **chip(3, 0))
    np.testing.assert_array_equal(first, held("digipot", 0, **chip(3, 1)))
    np.testing.assert_array_equal(first, held("digipot", 1, **chip(3, 0)))
    assert (first != held("digipot", 0, **chip(4, 0))).any()
    assert (first != held("digipot", 0, **chip(None, 3))).any()
    walls = held("domain-wall", 0, **chip(3, 0))
    np.testing.assert_array_equal(walls, held("domain-wall", 0, **chip(3, 0)))
    assert (walls != held("domain-wall", 1, **chip(3, 0))).any()
    assert (walls != held("domain-wall", 0, **chip(3, 1))).any()


def test_time_passes_in_training_and_before_the_scores() -> None:
    """`G = G0 (1 + t/t0)^−ν`: after the last write that is the retention time, and no more."""
    drift = {"drift": 0.1, "drift_time": "10m", "retention": 3.0}
    setup = set_up(
        {
            **{f"circuit.write_back.{name}": value for name, value in drift.items()},
            "simulation.t_pass": "2m",
            "task.samples": 6,
            "task.batch": 3,
            "task.epochs": 1,
            "learning.eta": 1e-200,
            "learning.decor_rate": 0.0,
        }
    )
    setup = with_weights(setup, [[0.5, -2.0]])
    ideal = setup.circuit.synapse.program(setup.start.weights[0])
    np.testing.assert_array_equal(at_start(setup).pairs[0].plus, ideal.plus)
    late = transferred(setup, setup.start)
    np.testing.assert_allclose(late.pairs[0].plus, ideal.plus * 301**0.1, rtol=1e-12)
    np.testing.assert_allclose(late.pairs[0].minus, ideal.minus * 301**0.1, rtol=1e-12)
    weights = np.array([0.5, -2.0])
    lost = weights * (1 - 301**-0.1)
    assert late.errors[0] == pytest.approx(np.sqrt(np.mean(lost**2)), rel=1e-9)
    training = begin(setup)
    loop.train(training)
    # Nothing was written but once: 2 batches of 6 passes of 2 ms, then the retention time.
    fall = (1 + (2 * 6 * 2e-3 + 3.0) / 10e-3) ** -0.1
    trained = as_trained(setup, training.learners["in_loop"])
    np.testing.assert_allclose(trained.pairs[0].plus, ideal.plus / fall, rtol=1e-12)
    assert trained.writes == 4


def test_resistors_of_mathematics_are_refused() -> None:
    setup = set_up({"simulation.engine": "ideal"})
    twin = IdealEngine(setup.network, setup.circuit)
    with pytest.raises(TypeError, match="wanted an engine with resistors, got ideal"):
        hold(twin, at_start(setup).pairs)
    with pytest.raises(ValueError, match="wanted a learner with devices"):
        as_trained(setup, begin(setup).learners["ideal"])


# --- going on, bit for bit ---------------------------------------------------------------------

DEVICES = ("e-series", "levels", "digipot", "domain-wall", "rram-weak-reset")
RESTLESS = {"circuit.write_back.read_noise": 0.02, "circuit.write_back.drift": 0.05}


@pytest.mark.parametrize("device", DEVICES)
def test_a_training_goes_on_bit_for_bit_on_any_number_of_workers(device: str) -> None:
    setup = set_up(
        {
            DEVICE: device,
            **RESTLESS,
            "circuit.write_back.accumulator": device in {"e-series", "levels"},
            "task.layers": "2,2,1",
            "task.samples": 4,
            "task.batch": 2,
            "task.epochs": 2,
        }
    )
    whole = begin(setup)
    loop.train(whole)
    stopped = begin(setup)
    steps = iter((False, False, True))
    assert not loop.train(stopped, stop=lambda: next(steps))
    state = unpack(pack(stopped.state()))
    learner = stopped.learners["in_loop"]
    as_trained(setup, learner)  # a look at the end, which changes nothing
    assert pack(stopped.state()) == pack(state)
    resumed = begin(setup, jobs=device == "rram-weak-reset")
    resumed.restore(state)
    loop.train(resumed)
    assert pack(resumed.state()) == pack(whole.state())
    engine = resumed.learners["in_loop"].engine
    if isinstance(engine, WorkerEngine):
        engine.close()


KILLED = """
import os, signal, sys
from sim.checkpoint import Checkpoints
from sim.run import main

save, saved = Checkpoints.save, []
def save_and_die(checkpoints):
    save(checkpoints)
    saved.append(checkpoints)
    if len(saved) == 8:
        os.kill(os.getpid(), signal.SIGKILL)

Checkpoints.save = save_and_die
main(sys.argv[1:])
"""


def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures and a report take longer than these runs."""
    for module, name in (
        *((written, "plot_losses"), (written, "plot_deviation")),
        *((job, "write_waveforms"), (job, "write_page")),
    ):
        monkeypatch.setattr(module, name, draw_nothing)


def draw_nothing(*given: Any) -> None:
    if isinstance(given[-1], Path):
        given[-1].touch()


def test_a_killed_run_ends_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pictures(monkeypatch)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = [
        *("--layers", "2,2,1", "--epochs", "3", "--samples", "4", "--no-erc", "--quiet"),
        *("--fidelity", "op", "--write-back", "rram-weak-reset", "--no-accumulator"),
        *(f"--set={path}={value}" for path, value in RESTLESS.items()),
        *("--set=circuit.write_back.retention=5", "--checkpoint-every", "0", "--out"),
    ]
    command = [sys.executable, "-c", KILLED, *arguments, str(killed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    underway = unpack((killed / checkpoint.NAME).read_bytes())["training"]["underway"]
    assert 0 < underway["done"] < 4
    assert run(["--resume", str(killed), "--quiet"]) == 0
    assert run([*arguments, str(whole)]) == 0
    for name in ("weights.npz", "results.nc", "history.csv", "network.cir"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
    one, other = (json.loads((each / "summary.json").read_text()) for each in (whole, killed))
    del one["time"], other["time"]
    assert one == other


# --- a run's folder ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with devices that never read the same twice."""
    path = tmp_path_factory.mktemp("run") / "levels"
    arguments = [
        *("--layers", "2,2,1", "--epochs", "2", "--samples", "6", "--no-erc", "--quiet"),
        *("--fidelity", "op", "--write-back", "levels", "--no-accumulator"),
        *("--set", "circuit.write_back.read_noise=0.05", "--set", "circuit.mismatch.chip=2"),
        *("--set", "circuit.mismatch.resistor_tracking=0.01"),
        *("--out", str(path)),
    ]
    with pytest.MonkeyPatch.context() as monkeypatch:
        without_pictures(monkeypatch)
        assert run(arguments) == 0
    return path


def test_what_is_kept_of_a_run_are_the_resistors_that_it_was_measured_with(folder: Path) -> None:
    finished = read_run(folder)
    setup = finished.setup
    nominal = [setup.circuit.synapse.program(w) for w in loop.effective_weights(setup.start, setup)]
    assert (finished.pairs[0].plus != nominal[0].plus).all()
    engine = loop.make_engines(setup)["in_loop"]
    again = compare(setup, engine, finished.model, pairs=finished.pairs)
    results = Run(folder).results
    outputs = results["ngspice"].sel(node=["x1_1", "x1_2"]).to_numpy()
    np.testing.assert_array_equal(again.circuit.outputs[0], outputs)
    np.testing.assert_array_equal(
        again.ideal.outputs[0], results["mathematics"].sel(node=["x1_1", "x1_2"]).to_numpy()
    )
    # At the start, and what the twin learned: written to the same chip again.
    start, twin = read_run(folder, "start"), read_run(folder, "ideal")
    for mine, theirs in zip(start.pairs, at_start(setup).pairs, strict=True):
        np.testing.assert_array_equal(mine.plus, theirs.plus)
        assert mine.clipped == theirs.clipped
    for mine, theirs in zip(twin.pairs, transferred(setup, twin.model).pairs, strict=True):
        np.testing.assert_array_equal(mine.minus, theirs.minus)
    assert loop.evaluate(setup, engine, twin.model, pairs=twin.pairs).loss == pytest.approx(
        Run(folder).summary["loss"]["transfer"], rel=1e-12
    )


def test_a_summary_says_what_was_written_to_what(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())["write_back"]
    finished = read_run(folder)
    assert (summary["device"], summary["accumulator"]) == ("levels", False)
    assert summary["writes"] >= summary["transfer"]["writes"] == 2 * (4 + 2)
    found = transferred(finished.setup, read_run(folder, "ideal").model)
    assert summary["transfer"]["held_error_rms"] == pytest.approx(found.errors, rel=1e-12)
    assert len(summary["held_error_rms"]) == 2
    assert "weights in levels, no accumulator" in Run(folder).title


def test_damaged_resistors_get_one_line(folder: Path, tmp_path: Path) -> None:
    for name, array in (("r_plus1", np.zeros((2, 2))), ("r_minus2", np.full((1, 2), np.nan))):
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        with np.load(copy / "weights.npz") as archive:
            arrays = dict(archive)
        np.savez(copy / "weights.npz", allow_pickle=False, **arrays | {name: array})
        with pytest.raises(UserError, match=f"weights.npz: {name}: wanted ") as caught:
            read_run(copy)
        assert "\n" not in str(caught.value)


def test_a_wrong_device_is_one_line(capsys: pytest.CaptureFixture) -> None:
    assert run(["--write-back", "flash"]) == 2
    complaint = capsys.readouterr().err
    assert "'--write-back': 'flash' is not one of 'ideal', 'e-series'" in complaint
    assert complaint.count("\n") == 1


# --- attribution -------------------------------------------------------------------------------


def unlearned(setup: Setup) -> FinishedRun:
    pairs = at_start(setup).pairs
    return FinishedRun(Path("nowhere"), setup, setup.start, pairs, "ideal", (), "", checked=True)


def test_an_attribution_finds_write_back_and_what_it_takes_off() -> None:
    """Between ideal parts nothing else is left: `(held − asked) x` in the one layer."""
    settings = {**FOUR_LEVELS, "task.samples": 10}
    setup = with_weights(set_up(settings, "ideal-parts"), [[0.6, -1.4]])
    replayer = Replayer(unlearned(setup))
    found = attribution_of(replayer)
    inputs = replayer.case.real.passes.inputs
    wanted = np.sqrt(np.mean((inputs @ [0.4, 0.4]) ** 2))
    assert found.total[0] == pytest.approx(wanted, rel=1e-5)  # 1 µV of 0.2 V
    most = largest(found)
    assert most is not None
    assert most.mechanism.key == "write-back"
    assert most.then[0] == pytest.approx(wanted, rel=1e-5)
    assert most.mended[0] < tolerances.IDEAL_PARTS
    assert "take devices that hold weights closer than levels does" in verdict(found)


def test_a_wider_range_leaves_write_back_errors_as_they_are() -> None:
    """In conductance; resistors without an error become those of ideal devices exactly."""
    setup = with_weights(set_up({"circuit.synapse.r_max": "1M"}), [[0.5, -20.0]])
    real = Replayer(unlearned(setup), 2).case.real
    (plain,) = real.with_range(1e-3, np.inf).pairs
    ideal = setup.circuit.synapse.model_copy(update={"r_min": 1e-3, "r_max": np.inf})
    np.testing.assert_array_equal(plain.plus, ideal.program(setup.start.weights[0]).plus)
    (pair,) = real.pairs
    off = replace(real, pairs=(replace(pair, plus=1 / (1 / pair.plus + 2e-6)),))
    (opened,) = off.with_range(1e-3, np.inf).pairs
    np.testing.assert_allclose(1 / opened.plus - 1 / plain.plus, 2e-6, rtol=1e-9)
    np.testing.assert_array_equal(opened.minus, plain.minus)
    # Where less than nothing would be left, nothing is.
    less = replace(real, pairs=(replace(pair, minus=1 / (1 / pair.minus - 0.5e-6)),))
    assert (less.with_range(1e-3, np.inf).pairs[0].minus[0, 0]) == pytest.approx(1e15, rel=1e-9)

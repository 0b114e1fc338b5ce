"""Points of a sweep: their keys, and what a run leaves of them."""

import math
import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sweep_stand_ins import IDEAL, KEY, tiny

from circuits.columns import open_columns
from learning.datasets.mnist import mnist_data
from sim import cosim, loop
from sim.durable import WriteError
from sim.errors import UserError
from sim.guards import NO_PASSES
from sim.sweep import keys
from sim.sweep.keys import key_of
from sim.sweep.measures import DIVERGED, DONE, FAILED, MEASURES, Measured, measure
from sim.sweep.point import run_point
from sim.sweep.store import Store

pytestmark = pytest.mark.usefixtures("undrawn")


def test_a_key_is_of_what_figures_depend_on() -> None:
    key = key_of(tiny())
    assert len(key) == 64
    assert key == key_of(tiny())
    # Defaults spelled out; what no figure depends on; what points do not keep.
    assert key == key_of(tiny().complete())
    assert key == key_of(tiny(simulation__attempts=5, simulation__record_noise=True))
    others = [
        tiny(seed=1),
        tiny(circuit__opamp__gbw="1M"),
        tiny(circuit__opamp__gbw=2.8e6 * (1 + 1e-15)),
        tiny(circuit__mismatch__chip=0),
        tiny(simulation__engine="ideal"),
    ]
    assert len({key, *(key_of(other) for other in others)}) == 1 + len(others)


def test_a_key_covers_what_files_hold_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d.csv").write_text("x,y\n0,1\n1,0\n", encoding="utf8")
    table = {"task__name": "table", "task__table__file": str(tmp_path / "one" / "d.csv")}
    table |= {"task__layers": "1,2,1"}
    key = key_of(tiny(**table))
    assert key == key_of(tiny(**table | {"task__table__file": str(tmp_path / "other" / "d.csv")}))
    monkeypatch.chdir(tmp_path / "one")
    assert key == key_of(tiny(**table | {"task__table__file": "d.csv"}))
    (tmp_path / "one" / "d.csv").write_text("x,y\n0,1\n1,1\n", encoding="utf8")
    os.utime(tmp_path / "one" / "d.csv", ns=(1, 1))
    assert key != key_of(tiny(**table))


def test_a_key_covers_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    key, ideal = key_of(tiny()), key_of(tiny(**IDEAL))
    with monkeypatch.context() as patch:
        patch.setattr(keys, "_own_version", lambda: "99.0")
        assert key != key_of(tiny())
    monkeypatch.setattr(keys, "get_library", lambda: SimpleNamespace(version="ngspice-99"))
    assert key != key_of(tiny())
    assert ideal == key_of(tiny(**IDEAL))  # where ngspice takes no part


def test_a_file_that_is_not_there_has_no_key(tmp_path: Path) -> None:
    missing = tmp_path / "c.csv"
    with pytest.raises(UserError, match=f"simulation.activation_curve: cannot read {missing}: No"):
        key_of(tiny(simulation__activation_curve=str(missing)))


def test_folders_are_read_no_deeper_than_keys_cover_them(tmp_path: Path) -> None:
    """The task's images and recordings' chunks: a folder above is not searched."""
    below = tmp_path / "mnist"
    below.mkdir()
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (below / name).touch()
    (below / "r0.parquet").touch()
    with pytest.raises(ValueError, match="holds no train-images"):
        mnist_data(tmp_path, 10, np.random.default_rng(0))
    with pytest.raises(UserError, match="is a folder without parquet"):
        open_columns(tmp_path)


def test_a_point_is_the_run_that_the_command_makes(tmp_path: Path) -> None:
    """In another thread, as dask has it, after another circuit; bit for bit."""
    found: list[Any] = []

    def both() -> None:
        run_point(tiny(circuit__opamp__gbw="1M", seed=1))
        found.extend(run_point(tiny()))

    thread = threading.Thread(target=both)
    thread.start()
    thread.join()
    measured, files = found
    run = cosim.run(tiny(), out=tmp_path / "run")
    assert (measured.state, measured.reason) == (DONE, "")
    assert set(measured.values) == set(MEASURES)
    for name in ("start_ideal", "start_in_loop", "ideal", "transfer", "in_loop"):
        assert measured.values[name] == float(run.scores["loss"].sel(score=name))
    deviation = run.summary["deviation"]["layers"][-1]["rms_v"]
    assert measured.values["deviation"] == deviation
    assert measured.values["energy_per_pass"] == run.summary["energy_per_pass_j"]
    # Mean over 4 samples of 2 passes each.
    total = measured.values["energy_training"]
    assert total == pytest.approx(8 * measured.values["energy_per_pass"])
    assert measured.values["settling"] == run.summary["t_settling_s"]
    for name in ("weights.npz", "results.nc", "history.csv"):
        assert files[name] == (tmp_path / "run" / name).read_bytes()
    assert not {"loss.png", "report.html", "waveforms.nc"} & set(files)


def test_what_fails_is_kept_with_its_reason() -> None:
    unsettled, files = run_point(tiny(circuit__opamp__gbw=1))
    assert unsettled.state == FAILED
    assert "the circuit does not settle" in unsettled.reason
    assert "config.toml" in files
    assert unsettled.reason == run_point(tiny(circuit__opamp__gbw=1))[0].reason
    large = {"learning__eta": 1e200, "simulation__engine": "ideal", "task__epochs": 9}
    diverged, _ = run_point(tiny(**large))
    assert diverged.state == DIVERGED
    assert "diverged in epoch" in diverged.reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "a fault of the machine: MemoryError"),
        (OSError(28, "No space left on device"), "OSError: [Errno 28] No space left on device"),
        (WriteError("x: cannot write"), "a fault of the machine: x: cannot write"),
    ],
)
def test_a_fault_of_the_machine_is_none_of_the_point(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Any) -> Any:
        raise error

    monkeypatch.setattr(loop, "set_up", broken)
    measured, files = run_point(tiny(**IDEAL))
    assert measured.state == FAILED
    assert said in measured.reason
    store = Store(tmp_path)
    store.write(KEY, Measured.from_dict(measured.to_dict()), files)  # as a worker sends it
    assert not store.known(KEY)


def test_losses_are_the_run_s_own_where_its_summary_has_none() -> None:
    scores = {"ideal": loop.Evaluation(math.inf, None, NO_PASSES)}
    learner = SimpleNamespace(energy=1.0)
    outcome: Any = SimpleNamespace(
        initial=scores,
        ideal=scores["ideal"],
        transfer=None,
        in_loop=scores["ideal"],
        training=SimpleNamespace(learners={"in_loop": learner}, epochs=[]),
        tally=NO_PASSES,
    )
    summary: dict[str, Any] = dict.fromkeys(
        ("energy_per_pass_j", "t_settling_s", "t_aperture_s", "clipped_resistors"), 1.0
    )
    summary |= {"skipped_updates": 0, "deviation": {"layers": []}}
    summary |= {"accuracy": dict.fromkeys(("ideal", "transfer", "in_loop"))}
    found = measure(outcome, summary)
    assert (found["start_ideal"], found["ideal"], found["in_loop"]) == (math.inf,) * 3
    assert math.isnan(found["transfer"])
    assert math.isnan(found["start_in_loop"])

"""Sweeps on dask's workers, in processes of their own: killed, stopped, and on a lent cluster.

Every sweep here is compared with one that nothing happened to, byte by byte.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from sim.cli import main
from sim.sweep import running
from sim.sweep.store import Store

ROOT = Path(__file__).parents[1]
PATIENT = 200.0  # s; the machine may be busy
PLAN = """
title = "tiny"
seeds = 4
[set]
"task.layers" = "2,2,1"
"task.epochs" = 1
"task.samples" = 20
[grid]
"t_aperture" = ["20u", "2m"]
"""
POINTS = 8  # half of them fail: their aperture is longer than a pass


def started(folder: Path, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A process of its own session, so that its children can be met with it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def swept(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """A whole sweep: exit code, output and errors."""
    process = started(folder, "sim.sweep", *arguments)
    out, err = process.communicate(timeout=PATIENT)
    return process.returncode, out, err


def times(store: Path) -> dict[Path, int]:
    """When each point came into the store."""
    return {path: path.stat().st_mtime_ns for path in store.glob("*/*/point.json")}


def wait_for_points(store: Path, count: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENT
    while len(times(store)) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "plan.toml").write_text(PLAN, encoding="utf8")
    code, out, err = swept(folder, "plan.toml", "--out", "s", "--jobs", "1")
    assert (code, err) == (0, ""), err
    assert "8 points (2 simulation.t_aperture × 4 seeds): 0 known, 8 to compute" in out
    assert "4  simulation.t_aperture: wanted at most t_pass, 0.001 s, got 0.002 s" in out
    assert len(times(folder / "points")) == POINTS
    return folder


def prepared(tmp_path: Path) -> Path:
    (tmp_path / "plan.toml").write_text(PLAN, encoding="utf8")
    return tmp_path


def require_same(folder: Path, undisturbed: Path) -> None:
    for name in ("sweep.nc", "plan.toml"):
        assert (folder / "s" / name).read_bytes() == (undisturbed / "s" / name).read_bytes(), name


def test_a_sweep_killed_and_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, undisturbed: Path
) -> None:
    folder = prepared(tmp_path)
    store = folder / "points"
    process = started(folder, "sim.sweep", "plan.toml", "--out", "s", "--jobs", "1")
    wait_for_points(store, 1, process)
    process.kill()
    process.wait()
    with suppress(ProcessLookupError):  # its workers, which see their end a minute later
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENT)
    killed = times(store)
    assert 1 <= len(killed) < POINTS - 1  # in the middle, or this shows nothing
    assert not (folder / "s" / "sweep.nc").exists()

    process = started(folder, "sim.sweep", "plan.toml", "--out", "s", "--jobs", "1")
    wait_for_points(store, len(killed) + 1, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to workers too
    _, err = process.communicate(timeout=PATIENT)
    stopped = times(store)
    left = POINTS - len(stopped)
    assert left > 0
    assert process.returncode == 130
    assert err.splitlines() == [
        "stopping; points under way are given up, those that are done are kept",
        f"error: stopped by Ctrl-C, {left} points left; go on with: danp-cosim sweep s",
    ]
    table = (folder / "s" / "points.csv").read_text(encoding="utf8")
    assert table.count(",missing,") == left

    code, out, err = swept(folder, "s")
    assert (code, err) == (0, ""), err
    assert f"{len(stopped)} known, {left} to compute" in out
    assert killed.items() <= stopped.items() <= times(store).items()  # none computed twice
    require_same(folder, undisturbed)


def test_what_is_known_takes_no_worker(
    tmp_path: Path,
    undisturbed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = prepared(tmp_path)
    monkeypatch.chdir(folder)
    store = str(undisturbed / "points")
    words = ["plan.toml", "--out", "s", "--store", store, "--scheduler", "tcp://127.0.0.1:1"]
    assert main(["sweep", *words]) == 0
    assert f"{POINTS} known, 0 to compute" in capsys.readouterr().out
    require_same(folder, undisturbed)


def test_a_scheduler_that_is_not_there_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = prepared(tmp_path)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(running, "_PATIENCE", 0.5)
    words = ["plan.toml", "--out", "s", "--quiet", "--scheduler", "tcp://127.0.0.1:1"]
    assert main(["sweep", *words]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: --scheduler: no answer from tcp://127.0.0.1:1")
    assert err.count("\n") == 1, err


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Path, Sequence[subprocess.Popen[str]]]]:
    """A scheduler, whose address stands in a file, and two workers, each a process of its own."""
    file = tmp_path / "scheduler.json"
    where = ("--scheduler-file", str(file))
    listening = (*where, "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    worker = (*where, "--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
    processes = [started(tmp_path, "distributed.cli.dask_scheduler", *listening)]
    try:
        deadline = time.monotonic() + PATIENT
        while not file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(2):
            # Not where the sweep is: it reads no file there.
            elsewhere = tmp_path / f"worker{len(processes)}"
            elsewhere.mkdir()
            words = (*worker, "--name", elsewhere.name)
            processes.append(started(elsewhere, "distributed.cli.dask_worker", *words))
        yield file, processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def stopped_with_a_point(client: Any, name: str, worker: subprocess.Popen[str]) -> str:
    """Stop a worker, without ending it, while it computes a point; the point's key.

    What it sent before it stopped has reached the scheduler by the second look.
    """
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        worker.send_signal(signal.SIGSTOP)
        workers = client.scheduler_info(n_workers=-1)["workers"]
        address = next(where for where, one in workers.items() if one["name"] == name)
        looks = []
        for _ in range(2):
            time.sleep(0.2)
            looks.append(tuple(client.processing()[address]))
        if looks[0] and looks[0] == looks[1]:
            return looks[0][0].rpartition("-")[2]
        worker.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("the worker was never seen with a point")


def test_a_worker_killed_on_the_way_costs_its_point_alone(
    tmp_path: Path,
    undisturbed: Path,
    cluster: tuple[Path, Sequence[subprocess.Popen[str]]],
) -> None:

    file, (_, one, _) = cluster
    folder = prepared(tmp_path)
    address = json.loads(file.read_text(encoding="utf8"))["address"]
    process = started(folder, "sim.sweep", "plan.toml", "--out", "s", "--scheduler", address)
    wait_for_points(folder / "points", 1, process)
    with Client(address, set_as_default=False) as client:
        held = stopped_with_a_point(client, "worker1", one)
    one.kill()
    assert not Store(folder / "points").known(held)
    out, err = process.communicate(timeout=PATIENT)
    assert (process.returncode, err) == (0, ""), err
    assert "died" not in out
    assert Store(folder / "points").known(held)  # begun again by the other
    require_same(folder, undisturbed)

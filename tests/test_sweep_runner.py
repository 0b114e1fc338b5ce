"""Points given to workers: once each, and what becomes of those that a worker cannot do."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from distributed import KilledWorker
from sweep_stand_ins import IDEAL, Inline, answer, tiny

from sim.errors import UserError
from sim.sweep import task
from sim.sweep.keys import key_of
from sim.sweep.measures import DONE, FAILED
from sim.sweep.running import Runner
from sim.sweep.store import Store


def test_points_are_computed_once_and_given_one_a_thread(tmp_path: Path) -> None:
    client = Inline(answer)
    runner, store = Runner(client, "here"), Store(tmp_path)  # pyright: ignore[reportArgumentType]
    configs = [tiny(**IDEAL, seed=k % 5) for k in range(10)]
    told: list[str] = []
    found = runner.run(configs, store, lambda key, _: told.append(key))
    assert len(client.given) == len(found) == 5
    assert told == client.given
    assert client.most == 1
    runner.run(configs, store)
    assert len(client.given) == 5  # all known
    runner.run(configs, store, again=(FAILED,))
    assert len(client.given) == 5
    runner.run(configs, store, again=(DONE,))
    assert len(client.given) == 10


def test_a_stop_gives_up_what_waits_and_keeps_what_is_done(tmp_path: Path) -> None:
    client = Inline(answer)
    runner, store = Runner(client, "here"), Store(tmp_path)  # pyright: ignore[reportArgumentType]
    configs = [tiny(**IDEAL, seed=k) for k in range(6)]
    done: list[str] = []
    found = runner.run(configs, store, lambda key, _: done.append(key), stop=lambda: len(done) > 2)
    assert list(found) == done
    assert len(done) == 3
    assert client.cancelled == 1


def test_a_point_that_kills_its_workers_is_failed_and_not_kept(tmp_path: Path) -> None:
    deadly = key_of(tiny(**IDEAL, seed=1))

    worker: Any = SimpleNamespace(address="tcp://10.0.0.2:1")

    def killing(given: dict[str, Any]) -> dict[str, Any]:
        if given["key"] == deadly:
            raise KilledWorker("point", worker, 2)
        return answer(given)

    client = Inline(killing)
    runner, store = Runner(client, "here"), Store(tmp_path)  # pyright: ignore[reportArgumentType]
    configs = [tiny(**IDEAL, seed=k) for k in range(3)]
    found = runner.run(configs, store)
    assert (found[deadly].state, found[deadly].reason) == (FAILED, "its worker died 3 times")
    assert [one.state for key, one in found.items() if key != deadly] == [DONE] * 2
    assert not store.known(deadly)
    client.compute = answer
    assert runner.run(configs, store)[deadly].state == DONE  # the next start tries it again
    assert client.given.count(deadly) == 2
    assert len(client.given) == 4


def test_a_worker_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(given: dict[str, Any]) -> dict[str, Any]:
        here = {"danp-cosim": "0.0.9"}
        with monkeypatch.context() as patch:
            patch.setattr(task, "versions_here", lambda _: here)
            return {"unfit": task.unfit(given), "worker": "tcp://10.0.0.2:1"}

    runner = Runner(Inline(elsewhere), "--scheduler x")  # pyright: ignore[reportArgumentType]
    said = r"--scheduler x: worker tcp://10.0.0.2:1 has danp-cosim 0.0.9, wanted"
    with pytest.raises(UserError, match=said):
        runner.run([tiny(**IDEAL)], Store(tmp_path))


def test_a_worker_without_the_named_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "d.csv"
    path.write_text("x,y\n0,1\n1,0\n", encoding="utf8")
    config = tiny(task__name="table", task__table__file=str(path), task__layers="1,2,1", **IDEAL)
    given = task.task_of(key_of(config), config)
    assert task.unfit(given) == ""
    path.write_text("x,y\n0,1\n1,1\n", encoding="utf8")
    assert "finds another content" in task.unfit(given)
    path.unlink()
    assert f"does not find what the configuration names ({path})" in task.unfit(given)


def test_a_worker_without_the_program_is_refused(tmp_path: Path) -> None:
    def broken(_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'sim'")

    runner = Runner(Inline(broken), "--scheduler x")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UserError, match="a worker cannot import danp-cosim"):
        runner.run([tiny(**IDEAL)], Store(tmp_path))

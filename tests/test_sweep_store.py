"""The store of points: each is there whole, or not at all."""

import errno
import json
import math
from pathlib import Path

import numpy as np
import pytest
from sweep_stand_ins import KEY, TINY

from sim.durable import WriteError
from sim.errors import UserError
from sim.sweep.dataset import dataset_of
from sim.sweep.measures import DONE, FAILED, Measured
from sim.sweep.planning import plan_of
from sim.sweep.store import Store


def test_an_infinite_loss_stays_one(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write(KEY, Measured(DONE, "", {"in_loop": math.inf, "transfer": math.nan}, 1.0), {})
    text = json.loads((store.path_of(KEY) / "point.json").read_text(encoding="utf8"))
    assert text["values"] == {"in_loop": "inf", "transfer": None}
    read = store.read(KEY)
    assert read is not None
    assert read.values["in_loop"] == math.inf
    plan = plan_of({"seeds": 1, "set": TINY}, "it")
    made = dataset_of(plan, list(plan.points()), ["x"], {"x": Measured(FAILED, "", read.values, 0)},
                      store)  # fmt: skip
    assert made["in_loop"].values.tolist() == [math.inf]
    assert np.isnan(made["transfer"].values).all()


def test_the_store_has_a_point_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path / "points")
    assert store.read(KEY) is None
    assert not store.known(KEY)
    measured = Measured(DONE, "", {"in_loop": 0.5, "transfer": math.nan}, 1.5)
    store.write(KEY, measured, {"config.toml": b"seed = 0\n"})
    assert store.path_of(KEY) == tmp_path / "points" / "ab" / KEY
    assert store.known(KEY)
    read = store.read(KEY)
    assert read is not None
    assert (read.state, read.values["in_loop"], read.seconds) == (DONE, 0.5, 1.5)
    assert math.isnan(read.values["transfer"])
    store.write(KEY, Measured(FAILED, "once more", {}, 1.0), {})
    again = store.read(KEY)
    assert again is not None
    assert again.reason == "once more"
    assert [one.name for one in store.path_of(KEY).parent.iterdir()] == [KEY]


def test_a_rename_that_fails_leaves_nothing_of_the_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    measured = Measured(DONE, "", {}, 1.0)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if target == store.path_of(KEY) and self.name.startswith(".part-"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    def left() -> list[str]:
        return [one.name for one in store.path_of(KEY).parent.iterdir()]

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(WriteError, match="Input/output error"):
        store.write(KEY, measured, {"config.toml": b""})
    assert store.read(KEY) is None
    assert left() == []
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        store.write(KEY, measured, {})
    with pytest.raises(WriteError, match="Input/output error"):
        store.write(KEY, Measured(FAILED, "later", {}, 1.0), {})
    assert store.read(KEY) == measured  # what was there before
    assert left() == [KEY]


def test_two_that_put_the_same_point_at_once_have_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(tmp_path), Store(tmp_path)
    first = Measured(DONE, "", {}, 1.0)
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if self.name.startswith(".part-") and not target.exists():
            with monkeypatch.context() as patch:  # the other one comes between
                patch.setattr(Path, "rename", rename)
                other.write(KEY, first, {"config.toml": b"seed = 0\n"})
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    store.write(KEY, Measured(DONE, "", {}, 2.0), {"config.toml": b"seed = 0\n"})
    assert store.read(KEY) == first
    assert [one.name for one in store.path_of(KEY).parent.iterdir()] == [KEY]


@pytest.mark.parametrize("text", ["", "[]", '{"state": "well"}', '{"state": "odd", "reason": ""}'])
def test_a_damaged_point_is_refused(tmp_path: Path, text: str) -> None:
    store = Store(tmp_path)
    store.path_of(KEY).mkdir(parents=True)
    (store.path_of(KEY) / "point.json").write_text(text, encoding="utf8")
    with pytest.raises(UserError, match="is damaged"):
        store.read(KEY)

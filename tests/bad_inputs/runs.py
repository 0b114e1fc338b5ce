"""Damage to the folder of a finished run, which `attribute` is then given."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SPOILT = "is damaged, wanted"


def _removed(name: str) -> Callable[[Path], object]:
    return lambda run: (run / name).unlink()


def _replaced(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes(content)


def _said(old: str, new: str) -> Callable[[Path], object]:
    def damage(run: Path) -> None:
        path = run / "config.toml"
        text = path.read_text(encoding="utf8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf8")

    return damage


def _summary(value: Any, *place: str) -> Callable[[Path], object]:
    """Put a value at a place of the summary; `...` takes the place away."""

    def damage(run: Path) -> None:
        path = run / "summary.json"
        summary = json.loads(path.read_text(encoding="utf8"))
        inner = summary
        for name in place[:-1]:
            inner = inner[name]
        if value is ...:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value
        path.write_text(json.dumps(summary), encoding="utf8")

    return damage


def _weights(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def damage(run: Path) -> None:
        with np.load(run / "weights.npz") as archive:
            arrays = dict(archive)
        change(arrays)
        np.savez(run / "weights.npz", allow_pickle=True, **arrays)

    return damage


def _cut(run: Path) -> None:
    path = run / "weights.npz"
    path.write_bytes(path.read_bytes()[:300])


def _array(run: Path) -> None:
    with (run / "weights.npz").open("wb") as file:
        np.save(file, np.zeros(3))


def _folder(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "summary.json").mkdir()


def _gone(run: Path) -> None:
    shutil.rmtree(run)


W1 = "in_loop_W1"

# What is wrong, how it comes about, what the line says.
DAMAGES: tuple[tuple[str, Callable[[Path], object], str], ...] = (
    ("no folder", _gone, "no such folder"),
    ("no config.toml", _removed("config.toml"), "holds no config.toml"),
    ("no summary.json", _removed("summary.json"), "holds no summary.json"),
    ("no weights.npz", _removed("weights.npz"), "holds no weights.npz"),
    ("a folder for the summary", _folder, "holds no summary.json"),
    ("config of another kind", _replaced("config.toml", b"x"), "config.toml: is not TOML"),
    ("binary config", _replaced("config.toml", b"\xff"), "config.toml: is not UTF-8 text"),
    ("empty config", _replaced("config.toml", b""), "weights.npz: in_loop_W1: wanted (2, 2)"),
    ("config of other layers", _said("2,1,1", "2,3,1"), "wanted (3, 2) finite numbers"),
    ("config of more layers", _said("2,1,1", "2,1,1,1"), "in_loop_W3: wanted (1, 1)"),
    ("a run of the twin", _said('engine = "ngspice"', 'engine = "ideal"'), "has no circuit"),
    ("an open summary", _replaced("summary.json", b"{"), SPOILT),
    ("empty summary", _replaced("summary.json", b""), SPOILT),
    ("a list for the summary", _replaced("summary.json", b"[]"), SPOILT),
    ("binary summary", _replaced("summary.json", b"\xff"), SPOILT),
    ("a deep summary", _replaced("summary.json", b"[" * 100_000), SPOILT),
    ("an unfinished run", _summary(False, "finished"), "was stopped before its end"),
    ("a number for finished", _summary(1, "finished"), SPOILT),
    ("text for the aperture", _summary("x", "t_aperture_s"), SPOILT),
    ("an aperture below 0", _summary(-1.0, "t_aperture_s"), SPOILT),
    ("an endless aperture", _summary(float("inf"), "t_aperture_s"), SPOILT),
    ("too long an aperture", _summary(1.0, "t_aperture_s"), "is longer than a pass"),
    ("text for settling", _summary("1", "t_settling_s"), SPOILT),
    ("no deviation", _summary(..., "deviation"), SPOILT),
    ("deviation of no layer", _summary([], "deviation", "layers"), "is of another network"),
    ("a number for the version", _summary(3, "versions", "ngspice"), SPOILT),
    ("no versions", _summary(..., "versions"), SPOILT),
    ("text for the weights", _replaced("weights.npz", b"x"), SPOILT),
    ("empty weights", _replaced("weights.npz", b""), SPOILT),
    ("weights cut short", _cut, SPOILT),
    ("weights as one array", _array, SPOILT),
    ("weights of another shape", _weights(lambda a: a.update({W1: np.zeros((3, 3))})), W1),
    ("weights that are no numbers", _weights(lambda a: a.update({W1: a[W1] * np.nan})), W1),
    ("complex weights", _weights(lambda a: a.update({W1: a[W1] + 1j})), W1),
    ("words for weights", _weights(lambda a: a.update({W1: np.array([["a", "b"]])})), W1),
    ("objects for weights", _weights(lambda a: a.update({W1: np.array([{}])})), SPOILT),
    ("no weights of a layer", _weights(lambda a: a.pop("in_loop_W2")), "in_loop_W2"),
    ("no weights at all", _weights(dict.clear), "ideal_W1: wanted (1, 2)"),
)

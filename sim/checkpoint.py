"""Checkpoints: a run's state in its folder, with all that must be the same for it to go on.

A checkpoint replaces the one before as a whole (`sim.durable`) and checks itself (`sim.archive`).
It carries the configuration, a digest of everything that the run reads from outside of it, and the
versions that its figures depend on: a run that goes on under others would not be the same bit for
bit, so it is refused.
"""

import hashlib
import platform
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sim.archive import pack, read_archive
from sim.clock import Clock
from sim.config import RunConfig
from sim.durable import replace_durably
from sim.errors import UserError
from sim.libngspice import get_library
from sim.preparation import Setup
from sim.record import CONFIG, versions
from sim.same import digest_of_arrays, digest_of_files, require_same_settings, require_same_versions
from sim.training import STATE

NAME = "checkpoint.npz"

FREE = ("simulation.checkpoint_every", "simulation.deadline", "simulation.attempts")
"""Parameters that no figure depends on: a run may go on with others."""

_DECIDING, _PROCESSOR = ("danp_cosim", "ngspice", "numpy", "scipy"), "processor"
_KEYS = ("versions", "config", "clock", "outside", "training", "outcome", "tallies")
_BRIEF = 1.0  # s; an epoch's end so soon after a checkpoint gets none
_AGAIN = "start the run again, in a folder of its own, with --config"


class Checkpoints:
    """Takes checkpoints of a run while it goes on.

    Args:
        folder: of the run.
        setup: of the run.
        take: the run's state at the moment, as `sim.archive.pack` takes it.
    """

    def __init__(self, folder: Path, setup: Setup, take: Callable[[], dict[str, Any]]) -> None:
        self._path = folder / NAME
        self._every = setup.config.simulation.checkpoint_every
        self._take = take
        self._conditions = conditions(setup)
        self._last = time.monotonic()

    def save(self) -> None:
        """Take a checkpoint now.

        Raises:
            WriteError: the folder does not take it; the one before stands.
        """
        replace_durably(self._path, pack({**self._conditions, **self._take()}))
        self._last = time.monotonic()

    def after_step(self) -> None:
        """Take a checkpoint if it is time; raises as `save`."""
        if time.monotonic() - self._last >= self._every:
            self.save()

    def after_epoch(self) -> None:
        """Take a checkpoint unless one has just been taken; raises as `save`."""
        if time.monotonic() - self._last >= _BRIEF:
            self.save()

    def remove(self) -> None:
        """Remove the checkpoint of a run that is finished."""
        self._path.unlink(missing_ok=True)


def conditions(setup: Setup) -> dict[str, Any]:
    """All that must be the same for a run to go on."""
    config = setup.config
    ngspice = config.simulation.engine == "ngspice" or config.circuit.noise.two_way
    return {
        "versions": _versions(get_library().version if ngspice else None),
        "config": _plain(config),
        "clock": vars(setup.clock),
        "outside": dict(_outside(setup)),
    }


def read_checkpoint(folder: Path) -> dict[str, Any]:
    """Read a run's checkpoint.

    Raises:
        UserError: there is none, it is damaged or something else, or other versions wrote it.
    """
    path, tree = folder / NAME, read_archive(folder, NAME, _AGAIN)
    _require_keys(path, tree)
    taken = tree["versions"]
    here = _versions(get_library().version if taken["ngspice"] else None)
    require_same_versions(path, taken, here, _AGAIN)
    return tree


def _require_keys(path: Path, tree: Mapping[str, Any]) -> None:
    """Refuse a whole archive that holds something else than a run of this version."""
    names = {
        "versions": {*_DECIDING, _PROCESSOR},
        "clock": {f.name for f in fields(Clock)},
        "training": set(STATE),
    }
    for key in _KEYS:
        if not isinstance(tree.get(key), dict) or names.get(key, set(tree[key])) != set(tree[key]):
            raise UserError(
                f"{path}: {key!r} in it is not what a checkpoint of this version holds; {_AGAIN}"
            )


def require_same_config(folder: Path, config: RunConfig, checkpoint: Mapping[str, Any]) -> None:
    """Refuse a `config.toml` that is not the one of the checkpoint.

    Raises:
        UserError: says which parameter differs.
    """
    require_same_settings(folder / CONFIG, _plain(config), checkpoint["config"], FREE)


def require_same_conditions(folder: Path, setup: Setup, checkpoint: Mapping[str, Any]) -> None:
    """Refuse a run whose times, or whatever it reads from outside, are no longer the same.

    Raises:
        UserError: says what differs.
    """
    now = conditions(setup)
    for name, digest in checkpoint["outside"].items():
        if now["outside"].get(name) != digest:
            raise UserError(
                f"{folder}: {name}: has changed since the checkpoint was taken (its SHA-256 "
                f"differs); put back what it was, or {_AGAIN}"
            )
    for name, value in checkpoint["clock"].items():
        if now["clock"][name] != value:
            raise UserError(
                f"{folder}: {name} comes out as {now['clock'][name]!r} here, and is {value!r} in "
                f"the checkpoint, so that nothing will be the same bit for bit: go on where it was "
                f"taken, or {_AGAIN}"
            )


def _versions(ngspice: str | None) -> dict[str, str | None]:
    every = versions(ngspice)
    return {name: every[name] for name in _DECIDING} | {_PROCESSOR: platform.machine()}


def _plain(config: RunConfig) -> dict[str, Any]:
    return tomllib.loads(config.to_toml())


def _outside(setup: Setup) -> Iterator[tuple[str, str]]:
    """What a run reads beside its configuration, by what names it there, and its SHA-256."""
    task, config = setup.task, setup.config
    yield (
        f"task.name: the data of {config.task.name}",
        digest_of_arrays(
            task.train_inputs, task.train_targets, task.test_inputs, task.test_targets
        ),
    )
    start = setup.start
    named = "drawn" if config.learning.start is None else config.learning.start
    yield (
        f"learning.start: the weights at the start ({named})",
        digest_of_arrays(*start.weights, *start.biases, *start.decor),
    )
    if setup.curve:
        path = config.simulation.activation_curve
        curve = setup.curve.text.encode()
        yield f"simulation.activation_curve: {path}", hashlib.sha256(curve).hexdigest()
    if setup.recording:
        path = setup.recording.path
        yield f"circuit.noise.measured.file: {path}", digest_of_files(path)

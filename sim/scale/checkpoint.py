"""Checkpoints of trainings at scale: tensors and plain values, written whole or not at all.

In the same form as those of `sim.run` (`sim.archive`), so that reading one runs nothing.
"""

import platform
import time
import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sim.archive import pack, read_archive
from sim.durable import replace_durably
from sim.errors import UserError
from sim.same import digest_of_files, require_same_versions
from sim.scale.config import ScaleConfig
from sim.scale.device import describe_device
from sim.scale.preparation import Setup
from sim.scale.title import counted
from sim.scale.training import Training

NAME = "checkpoint.npz"

FREE = ("checkpoint_every",)
"""Parameters that no figure depends on: a training may go on with others."""

_DECIDING = ("torch", "numpy", "danp_cosim", "processor")
_KEYS = {"versions", "config", "device", "outside", "training", "tensors"}
_AGAIN = "start the training again, in a folder of its own, with --config"


class Checkpoints:
    """Takes checkpoints of a training while it goes on.

    Args:
        folder: of the training.
        training: whose state is taken.
    """

    def __init__(self, folder: Path, training: Training) -> None:
        self._path = folder / NAME
        self._training = training
        self._every = training.setup.config.checkpoint_every
        self._conditions = conditions(training.setup)
        self._last = time.monotonic()

    def save(self) -> None:
        """Take a checkpoint now.

        Raises:
            WriteError: the folder does not take it; the one before stands.
        """
        tensors, plain = self._training.state()
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
        tree = {**self._conditions, "training": plain, "tensors": arrays}
        replace_durably(self._path, pack(tree))
        self._last = time.monotonic()

    def after_step(self) -> None:
        """Take a checkpoint if it is time; raises as `save`."""
        if time.monotonic() - self._last >= self._every:
            self.save()

    def remove(self) -> None:
        """Remove the checkpoint of a training that is finished."""
        self._path.unlink(missing_ok=True)


def conditions(setup: Setup) -> dict[str, Any]:
    """All that must be the same for a training to go on."""
    return {
        "versions": versions(),
        "config": plain(setup.config),
        "device": describe_device(setup.device),
        "outside": _outside(setup),
    }


def versions() -> dict[str, str]:
    """What figures depend on."""
    packages = {name: version(name.replace("_", "-")) for name in ("torch", "numpy", "danp_cosim")}
    return {**packages, "python": platform.python_version(), "processor": platform.machine()}


def plain(config: ScaleConfig) -> dict[str, Any]:
    """A configuration as its file gives it."""
    return tomllib.loads(config.to_toml())


def _outside(setup: Setup) -> dict[str, str]:
    """What a training reads beside its configuration, by what names it there, and its SHA-256."""
    config = setup.config
    found = {f"data.name: the data of {config.data.name}": setup.data.digest}
    measured = config.circuit.noise.measured.file
    if setup.noise is not None and measured is not None:
        found[f"circuit.noise.measured.file: {measured}"] = digest_of_files(Path(measured))
    if config.cell is not None:
        found[f"cell: {config.cell}"] = digest_of_files(Path(config.cell))
    return found


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a training's checkpoint.

    Returns:
        Tensors by name, on the CPU, and plain values.

    Raises:
        UserError: there is none, it is damaged or something else, or other versions wrote it.
    """
    path, tree = folder / NAME, read_archive(folder, NAME, _AGAIN)
    if set(tree) != _KEYS:
        raise UserError(f"{path}: is no checkpoint of a training; {_AGAIN}")
    taken = {name: tree["versions"].get(name) for name in _DECIDING}
    require_same_versions(path, taken, versions(), _AGAIN)
    return {name: torch.from_numpy(array) for name, array in tree.pop("tensors").items()}, tree


def require_same_conditions(folder: Path, setup: Setup, known: Mapping[str, Any]) -> None:
    """Refuse a training whose device, or whatever it reads from outside, is another one.

    Raises:
        UserError: says what differs.
    """
    now = conditions(setup)
    there, here = known["device"], now["device"]
    for name in ("kind", "name", "threads"):
        if there[name] != here[name]:
            raise UserError(
                f"{folder}: was begun on {_device(there)}, here is {_device(here)}, which need not "
                f"give the same bit for bit; go on there, or {_AGAIN}"
            )
    for name, digest in known["outside"].items():
        if now["outside"].get(name) != digest:
            raise UserError(
                f"{folder}: {name}: has changed since the checkpoint was taken (its SHA-256 "
                f"differs); put back what it was, or {_AGAIN}"
            )


def _device(about: Mapping[str, Any]) -> str:
    count = about["threads"]
    threads = f" with {counted(count, 'thread')} (OMP_NUM_THREADS)" if count else ""
    return f"{about['kind']} ({about['name']}){threads}"

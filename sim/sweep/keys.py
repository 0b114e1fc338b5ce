"""What a point is computed from, and the key that stands for all of it."""

import hashlib
import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from learning import TABLE
from netlists.models import with_models
from sim.checkpoint import FREE
from sim.config import RunConfig
from sim.errors import UserError
from sim.libngspice import get_library
from sim.same import digest_of_files, files_in
from sim.start import LEARNERS

FILES = (
    ("task", "data_dir"),
    ("task", "table", "file"),
    ("learning", "start"),
    ("simulation", "activation_curve"),
    ("circuit", "noise", "measured", "file"),
)
"""Parameters that name a file or a folder. Those of models are read into the configuration."""

MODELS = (("circuit", "opamp", "model"), ("circuit", "activation", "diode", "model"))
_LEARNER = re.compile(f"(.+):({'|'.join(LEARNERS)})")

Tree = dict[str, Any]


def versions_here(config: RunConfig) -> dict[str, str]:
    """Versions that a point's figures depend on; ngspice's where it takes part."""
    found = {"danp-cosim": _own_version()}
    if config.simulation.engine == "ngspice" or config.circuit.noise.two_way:
        found["ngspice"] = get_library().version
    return found


def resolved(config: RunConfig) -> RunConfig:
    """A configuration that is the same wherever it is computed.

    Completed by a built-in task's defaults, with models read into it and paths from the root, and
    without a record of the noise, which no point keeps.

    Raises:
        UserError: a model cannot be read.
    """
    return RunConfig.model_validate(_resolved(config))


def _resolved(config: RunConfig) -> Tree:
    if config.task.name != TABLE:  # whose defaults follow from its file, which the key covers
        config = config.complete()
    tree = config.model_dump(exclude_none=True)
    tree["circuit"] = with_models(config.circuit).model_dump(exclude_none=True)
    tree["simulation"]["record_noise"] = False
    for section, path in _named_files(tree):
        section[path[-1]] = str(Path.cwd() / section[path[-1]])
    return tree


def key_of(config: RunConfig) -> str:
    """The key of a point: SHA-256, 64 hexadecimal digits.

    It covers the complete configuration without what no figure depends on, the contents of all
    files that it names, wherever they are, and the versions of danp-cosim and ngspice.

    Raises:
        UserError: a model or a file that it names cannot be read.
    """
    tree = _resolved(config)
    for path in FREE:
        *folders, leaf = path.split(".")
        _section(tree, folders).pop(leaf, None)
    for section, path in _named_files(tree):
        section[path[-1]] = _content(section[path[-1]], ".".join(path))
    for folders in MODELS:
        _section(tree, folders).pop("file", None)
    whole = {"config": tree, "versions": versions_here(config)}
    text = json.dumps(whole, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def files_of(config: RunConfig) -> list[str]:
    """Paths of the files and folders that a configuration names."""
    named = _named_files(config.model_dump())
    return [_split(section[path[-1]])[0] for section, path in named]


def _named_files(tree: Tree) -> Iterator[tuple[Tree, tuple[str, ...]]]:
    """Sections of a tree that name a file, and the path of the parameter that does."""
    for path in FILES:
        section = _section(tree, path[:-1])
        if section.get(path[-1]) is not None:
            yield section, path


def _section(tree: Tree, folders: Any) -> Tree:
    """A section of a tree; an empty one where it is left out or given by a name."""
    for folder in folders:
        found = tree.get(folder)
        tree = found if isinstance(found, dict) else {}
    return tree


def _content(where: str, parameter: str) -> str:
    """What stands for a file in a key: its digest."""
    path, learner = _split(where)
    try:
        return f"{_digest(path, _signature(Path(path)))}{learner}"
    except OSError as error:
        raise UserError(f"{parameter}: cannot read {path}: {error.strerror}") from None


def _split(where: str) -> tuple[str, str]:
    """The file of `FILE:LEARNER`, and the rest."""
    found = _LEARNER.fullmatch(where)
    return (found[1], f":{found[2]}") if found else (where, "")


def _signature(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Sizes and times by which a file, or a folder of them, is known not to have changed."""
    files = files_in(path) if path.is_dir() else [path]
    stats = [(file.name, file.stat()) for file in files]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


@lru_cache(maxsize=1024)
def _digest(path: str, _: tuple[tuple[str, int, int], ...]) -> str:
    return digest_of_files(Path(path))


@cache
def _own_version() -> str:
    return version("danp-cosim")

"""A sweep's folder: its plan, its table and its dataset."""

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.durable import replace_durably
from sim.errors import UserError
from sim.lock import NAME as LOCK
from sim.lock import held
from sim.sweep.plan import Plan

PLAN = "plan.toml"
"""What was asked for, whole."""


@contextlib.contextmanager
def sweep_folder(out: Path, plan: Plan, console: Console, *, quiet: bool) -> Iterator[None]:
    """Hold the folder of a sweep for this process alone; it has the plan in it.

    Args:
        out: the folder; made where it is not there.
        plan: of the sweep, the same as at the first start.
        console: where a warning goes.
        quiet: no warning.

    Raises:
        UserError: it holds another plan or something else, or another process is at work there.
        WriteError: it takes no more.
    """
    _make(out)
    with held(out, console, quiet=quiet):
        path = out / PLAN
        text = plan.to_toml()
        if path.is_file():
            _require_same(path, text)
        elif any(one.name != LOCK for one in out.iterdir()):
            raise UserError(f"--out: {out} is not empty and no sweep's; name a folder of its own")
        replace_durably(path, text.encode())
        yield


def default_store(out: Path, plan: Plan) -> Path:
    """Where a sweep's points are kept, unless said otherwise: `points`, beside its folder."""
    return plan.store or out.parent / "points"


def require_folder(path: Path, what: str) -> None:
    """Refuse a place for points that is a file, or below one.

    Args:
        path: the folder, there or not.
        what: named it.

    Raises:
        UserError: it is none.
    """
    for one in (path, *path.parents):
        if one.exists():
            if not one.is_dir():
                raise UserError(f"{what}: {one} is a file; name a folder")
            return


def _make(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file; name a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: cannot write in {out}: {error.strerror}") from None


def _require_same(path: Path, text: str) -> None:
    try:
        there = tomllib.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot read: {error}; name another folder with --out") from None
    then, now = dict(_flat(there)), dict(_flat(tomllib.loads(text)))
    for tree in (then, now):
        tree.pop("store", None)  # points are the same wherever they are
    for name in [*now, *then]:
        if repr(then.get(name)) != repr(now.get(name)):
            raise UserError(
                f"{path}: holds another plan: {name} is {_shown(then.get(name))} there and "
                f"{_shown(now.get(name))} now; name another folder with --out (points that both "
                "plans have are not computed again)"
            )


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}: " if above == "" else f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _shown(value: Any) -> str:
    text = "left out" if value is None else repr(value)
    return text if len(text) < 60 else f"{text[:50]}…"

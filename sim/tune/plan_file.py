"""A plan as a file has it, and that a study gone on with is asked the same."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from sim.errors import UserError
from sim.tune.plan import Goal, Plan, Stage

_Kind = type | tuple[type, ...]

_NUMBER_OR_LIST: _Kind = (int, list)
_KINDS: Mapping[str, _Kind] = {
    "title": str,
    "config": str,
    "preset": str,
    "for": str,
    "stage": str,
    "trials": int,
    "batch": int,
    "seeds": _NUMBER_OR_LIST,
    "held_out": _NUMBER_OR_LIST,
    "finalists": int,
    "sampler_seed": int,
    "set": dict,
    "over": dict,
}
_WORDS = {
    str: "text",
    int: "a whole number",
    dict: "a table",
    _NUMBER_OR_LIST: "a number or a list",
}
_ONE_OF = {"for": get_args(Goal), "stage": get_args(Stage)}
_LEAST = {"trials": 1, "batch": 1, "finalists": 1, "sampler_seed": 0}


def read_plan(path: Path) -> dict[str, Any]:
    """Read a plan's file: a tree of what it says, checked for names and kinds.

    Raises:
        UserError: there is none, or it says something else.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: is not TOML: {error}") from None
    return {name: _checked(f"{path}: {name}", name, value) for name, value in tree.items()}


def _checked(where: str, name: str, value: Any) -> Any:
    kind = _KINDS.get(name)
    if kind is None:
        raise UserError(f"{where}: no such key; there are {', '.join(_KINDS)}")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{where}: wanted {_WORDS[kind]}, got {value!r}")
    options = _ONE_OF.get(name)
    if options and value not in options:
        raise UserError(f"{where}: wanted one of {', '.join(options)}, got {value!r}")
    least = _LEAST.get(name)
    if least is not None and value < least:
        raise UserError(f"{where}: wanted at least {least}, got {value}")
    if kind == _NUMBER_OR_LIST:
        return _seeds(value, where, held_out=name == "held_out")
    return value


def _seeds(said: Any, where: str, *, held_out: bool) -> Any:
    """Seeds as a list of them; a number of held-out ones stays one, as they follow the others."""
    if isinstance(said, int):
        if said < 1:
            raise UserError(f"{where}: wanted at least 1, got {said}")
        return said if held_out else tuple(range(said))
    plain = all(isinstance(one, int) and not isinstance(one, bool) and one >= 0 for one in said)
    if not said or not plain or len(set(said)) < len(said):
        raise UserError(f"{where}: wanted whole numbers from 0 on, each once, got {said!r}")
    return tuple(said)


def require_same(path: Path, before: Mapping[str, Any], plan: Plan) -> None:
    """Refuse to go on with a study that was asked for something else.

    More trials, other finalists and other held-out seeds may be asked for: no proposal depends on
    them.

    Args:
        path: of the plan that the folder holds.
        before: what it says, as of `read_plan`.
        plan: what is asked now.

    Raises:
        UserError: says what differs.
    """
    now = _said(plan)
    for name in ("for", "stage", "batch", "seeds", "sampler_seed", "over"):
        if before.get(name) != now[name]:
            raise UserError(
                f"{path}: {name} was {before.get(name)!r} and is {now[name]!r} here; a study goes "
                "on with what it was begun with: take a folder of its own, with --out"
            )
    if plan.trials < before.get("trials", 0):
        raise UserError(
            f"{path}: the study was asked for {before['trials']} trials, and is for {plan.trials} "
            "here; wanted as many or more"
        )


def _said(plan: Plan) -> dict[str, Any]:
    """What a plan's own file says, as `read_plan` reads it."""
    tree = tomllib.loads(plan.to_toml())
    return tree | {name: tuple(tree[name]) for name in ("seeds", "held_out")}

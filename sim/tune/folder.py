"""A study's folder: what it was begun with, and what it found."""

import csv
import io
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.checkpoint import FREE
from sim.errors import UserError
from sim.lock import NAME as LOCK
from sim.record import RunFolder
from sim.sweep.keys import key_of, versions_here
from sim.tune.plan import NAME as PLAN
from sim.tune.plan import START, Plan
from sim.tune.plan_file import read_plan, require_same
from sim.tune.score import Score

if TYPE_CHECKING:
    from sim.tune.study import Trial
    from sim.tune.tuning import Tuned

BEGUN, TRIALS, FINALISTS, RESULT = "begun.json", "trials.csv", "finalists.csv", "result.json"
BEST, FIGURE = "best.toml", "tune.png"
"""What `danp-cosim run --config` takes, and what to look at."""

_AGAIN = "take a folder of its own, with --out"


def make_folder(path: Path) -> None:
    """Make a study's folder, if it is not there.

    Raises:
        UserError: it cannot be made, or is a file.
    """
    if path.exists() and not path.is_dir():
        raise UserError(f"--out: {path} is a file; name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out: cannot write in {path}: {error.strerror}") from None


def begin_folder(path: Path, plan: Plan) -> None:
    """Write what a study is, or find that it is the one that the folder holds.

    Raises:
        UserError: it holds another study or something else, or was begun under other versions.
    """
    folder = RunFolder(path)
    if not (path / PLAN).is_file():
        there = sorted(one.name for one in path.iterdir() if one.name not in (LOCK, START, BEGUN))
        if there:
            raise UserError(
                f"--out: {path} is not empty, and no study of sim.tune ({there[0]}); name a "
                "folder of its own"
            )
        folder.write_text(START, plan.config.to_toml())
        folder.write_json(BEGUN, _conditions(plan))
    else:
        require_same(path / PLAN, read_plan(path / PLAN), plan)
        _require_same_start(path, plan)
    folder.write_text(PLAN, plan.to_toml())  # last: a folder that has one can go on


def _require_same_start(path: Path, plan: Plan) -> None:
    try:
        start = tomllib.loads((path / START).read_text(encoding="utf8"))
        begun = json.loads((path / BEGUN).read_text(encoding="utf8"))
        versions, key = dict(begun["versions"]), begun["key"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path}: {START} or {BEGUN} is damaged ({error}); {_AGAIN}") from None
    here, there = dict(_flat(tomllib.loads(plan.config.to_toml()))), dict(_flat(start))
    for name in sorted((here.keys() | there.keys()) - set(FREE)):
        if here.get(name) != there.get(name):
            raise UserError(
                f"{path}: {name} is {here.get(name)!r}, and {there.get(name)!r} in {START}, which "
                f"the study was begun with; {_AGAIN}"
            )
    now = _conditions(plan)
    for name, value in now["versions"].items():
        if versions.get(name) != value:
            raise UserError(
                f"{path}: the study was begun with {name} {versions.get(name)}, and here is "
                f"{value}: figures of both do not belong together; {_AGAIN}"
            )
    if now["key"] != key:
        raise UserError(
            f"{path}: a file that the configuration names has changed since the study was begun; "
            f"put back what it was, or {_AGAIN}"
        )


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Values by dotted path."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _conditions(plan: Plan) -> dict[str, Any]:
    versions = {**versions_here(plan.config), "optuna": version("optuna")}
    return {"key": key_of(plan.config), "versions": versions}


def write_result(tuned: "Tuned", path: Path) -> None:
    """Write what a study found: tables, `result.json`, configurations and the figure.

    Raises:
        WriteError: the folder takes no more.
    """
    from sim.tune.figure import plot_tuned  # noqa: PLC0415  # matplotlib

    folder, plan = RunFolder(path), tuned.plan
    folder.write_text(TRIALS, _table(plan, tuned.trials))
    if tuned.finalists:
        folder.write_text(FINALISTS, _table(plan, tuned.finalists))
    folder.write_text(BEST, tuned.config.to_toml())
    if plan.goal == "both":
        for k, config in enumerate(tuned.configs, start=1):
            folder.write_text(f"front-{k}.toml", config.to_toml())
    folder.write_json(RESULT, _result(tuned))
    folder.write_figure(FIGURE, lambda draft: plot_tuned(tuned, draft))


def _result(tuned: "Tuned") -> dict[str, Any]:
    plan = tuned.plan
    start, best = tuned.held_out
    return {
        "for": plan.goal,
        "stage": plan.stage,
        "loss_unit": plan.loss_unit,
        "units": {one.path: one.unit for one in plan.over},
        "seeds": list(plan.seeds),
        "held_out_seeds": list(plan.held_out),
        "trials": len(tuned.trials),
        "best": {"trial": tuned.best.number, "values": dict(tuned.best.values)},
        "front": [{"trial": trial.number, "values": dict(trial.values)} for trial in tuned.front],
        "on_the_seeds_tuned_on": {
            "start": tuned.start_judged.to_dict(),
            "best": tuned.best.score.to_dict(),
        },
        "on_held_out_seeds": {"start": start.to_dict(), "best": best.to_dict()},
        "versions": _conditions(plan)["versions"],
    }


def _table(plan: Plan, trials: Sequence["Trial"]) -> str:
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows(_rows(plan, trials))
    return lines.getvalue()


def _rows(plan: Plan, trials: Sequence["Trial"]) -> Iterator[list[Any]]:
    units = [f"{one.path} ({one.unit})" if one.unit else one.path for one in plan.over]
    by_seed = [f"loss, seed {seed}" for seed in plan.seeds]
    figures = [f"loss ({plan.loss_unit}, geometric mean)", "energy per pass (J)", *by_seed]
    yield ["trial", *units, "engine", "state", *figures, "reason"]
    for trial in trials:
        start = trial.number < 0
        values = [trial.values.get(one.path, "") for one in plan.over]
        yield [
            "start" if start else trial.number,
            *values,
            trial.score.engine,
            trial.score.state,
            *_figures(trial.score),
            trial.score.reason,
        ]


def _figures(score: Score) -> list[str]:
    tree = score.to_dict()
    figures = [tree["loss"], tree["energy_per_pass_j"], *tree["loss_by_seed"]]
    return ["" if one is None else f"{one:.9g}" for one in figures]

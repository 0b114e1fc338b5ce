"""What a worker is given and gives back, all of it plain values.

The driver alone writes: a worker may have no folder in common with it.
"""

import json
from typing import Any

from sim.config import RunConfig
from sim.errors import UserError
from sim.sweep.keys import files_of, key_of, resolved, versions_here
from sim.sweep.point import run_point

Task = dict[str, Any]


def task_of(key: str, config: RunConfig) -> Task:
    """What a worker needs to know of a point.

    Raises:
        UserError: a model cannot be read.
    """
    tree = resolved(config).model_dump(exclude_none=True)
    return {"key": key, "config": json.dumps(tree), "versions": versions_here(config)}


def compute(task: Task) -> dict[str, Any]:
    """Compute a point, in a worker.

    Returns:
        `measured` and `files`, as of `run_point`; or `unfit`: why this worker must not compute it.
    """
    from distributed import get_worker  # noqa: PLC0415  # there, where this is asked

    why = unfit(task)
    if why:
        return {"unfit": why, "worker": get_worker().address}
    measured, files = run_point(_config(task))
    return {"measured": measured.to_dict(), "files": files}


def unfit(task: Task) -> str:
    """Why this process must not compute a point; empty where it may."""
    config = _config(task)
    try:
        here = versions_here(config)
    except UserError as error:
        return str(error)
    for name, wanted in task["versions"].items():
        if here[name] != wanted:
            return f"has {name} {here[name]}, wanted {wanted}, as where the sweep was started"
    try:
        same = key_of(config) == task["key"]
    except UserError:  # a file is not there
        same = False
    if same:
        return ""
    files = files_of(config)
    if not files:
        return "reads the configuration otherwise: another state of danp-cosim, its number the same"
    return (
        f"does not find what the configuration names ({', '.join(files)}), or finds another "
        "content; put it at the same path there, as on a shared file system"
    )


def _config(task: Task) -> RunConfig:
    return RunConfig.model_validate(json.loads(task["config"]))

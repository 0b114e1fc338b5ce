"""Whether a run's folder holds what a report reads, in the shapes that it reads it in."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ValidationError

from sim import recorded as recording
from sim.errors import UserError
from sim.results import Run


class _Tally(BaseModel):
    passes: int
    ok: int
    doubtful: int
    failed: int
    reasons: dict[str, int]


class _Finding(BaseModel):
    severity: str
    rule: str
    node: str | None
    part: str
    message: str
    like: list[str]


class _Rules(BaseModel):
    checked: bool
    findings: list[_Finding]
    findings_trained: list[_Finding]


class _Node(BaseModel):
    node: str
    sigma_v: float | None
    level_count: int | None
    occupancy: float | None
    pass_correlation: float | None
    neighbour_correlation: float | None


class _Noise(BaseModel):
    source: str
    held_off: bool
    coupling: str | None
    flips_by: str | None
    file: str | None
    rounds: float | None
    nodes: list[_Node]


class _Alignment(BaseModel):
    pairs: int | None
    ideal_deg: float | None
    in_loop_deg: float | None


class _Time(BaseModel):
    total_s: float
    ngspice_s: float


class _Workers(BaseModel):
    jobs: int
    replaced: int
    units_asked_again: int


class _Summary(BaseModel):
    rule: str
    epochs: int
    epochs_asked: int
    finished: bool
    ended: Literal["finished", "stopped", "failed", "diverged"] | None = None  # older: unsaid
    failure: str | None = None
    t_aperture_s: float | None
    t_settling_s: float | None
    twin: dict[str, str | None]
    versions: dict[str, str | None]
    loss_name: str
    loss: dict[str, float | None]
    accuracy: dict[str, float | None]
    alignment: _Alignment
    skipped_updates: int
    skipped_updates_ideal: int
    clipped_resistors: int
    energy_per_pass_j: float | None
    guards: dict[str, _Tally] | None
    erc: _Rules
    noise: _Noise
    warnings: list[str]
    time: _Time
    workers: _Workers


_DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "loss": ("learner", "epoch", "sample"),
    "skipped": ("learner", "epoch"),
    "doubtful": ("learner", "epoch"),
    "training_deviation": ("epoch",),
}
_COMPARED: Mapping[str, tuple[str, ...]] = {
    "mathematics": ("pass", "node"),
    "ngspice": ("pass", "node"),
    "doubt": ("pass",),
    "energy": ("pass",),
    "layer": ("node",),
    "kind": ("node",),
}


def require_whole(run: Run) -> None:
    """Refuse a folder that a report cannot be made of.

    Raises:
        UserError: `summary.json` or `results.nc` lacks something, or is another file.
    """
    try:
        found = _Summary.model_validate(run.summary)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(
            f"{run.path / 'summary.json'}: {where}: {first['msg'].lower()}; is it of another "
            "version, or damaged? run it again"
        ) from None
    if run.has_circuit and (found.guards is None or "all" not in found.guards):
        raise _foreign(run, "summary.json", "guards, which a run with a circuit has")
    if found.twin.get("is") is None:
        raise _foreign(run, "summary.json", "twin.is")
    if (run.path / recording.NAME).is_file():
        _require_results(run)


def _require_results(run: Run) -> None:
    results: Any = run.results
    wanted = {**_DIMENSIONS, **(_COMPARED if "ngspice" in results else {})}
    for name, dimensions in wanted.items():
        if name not in results.variables or set(results[name].dims) != set(dimensions):
            raise _foreign(run, recording.NAME, f"{name}({', '.join(dimensions)})")
        values = results[name].to_numpy()
        if name in ("mathematics", "ngspice") and not np.isfinite(values).all():
            raise _foreign(run, recording.NAME, f"finite voltages in {name}")
    if not {"title", "twin"} <= results.attrs.keys():
        raise _foreign(run, recording.NAME, "the attributes title and twin")


def _foreign(run: Run, file: str, what: str) -> UserError:
    return UserError(
        f"{run.path / file}: holds no {what}; is it of another version, or damaged? run it again"
    )

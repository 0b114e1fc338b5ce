"""A finished run, read back from its folder."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from learning import Model
from netlists.models import require_built_in
from sim import activation_curve
from sim.clock import Clock
from sim.config import RunConfig, load_config
from sim.errors import UserError
from sim.npz import read_npz
from sim.preparation import Setup, set_up
from sim.resumption import resuming

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind.

    Attributes:
        path: its folder.
        setup: as it was, on the very clock.
        model: learned in the loop; by the twin, where the rule needs mathematics.
        learner: whose model, `in_loop` or `ideal`.
        deviation: of each layer's outputs over all evaluation passes, rms, V.
        ngspice: the version that it was simulated by.
        checked: whether the electrical rules were.
    """

    path: Path
    setup: Setup
    model: Model
    learner: str
    deviation: tuple[float, ...]
    ngspice: str
    checked: bool


def read_run(path: Path) -> FinishedRun:
    """Read a run's folder.

    Raises:
        UserError: no run's folder, a run that did not finish or had no circuit, a damaged file.
    """
    if path.is_file():
        raise UserError(
            f"{path}: is a file, wanted the folder that a run wrote; did you mean {path.parent}?"
        )
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; wanted one that a run wrote, as in runs/<time>-…")
    for name in ("config.toml", "summary.json", "weights.npz"):
        if not (path / name).is_file():
            raise UserError(
                f"{path}: holds no {name}; wanted the folder of a run that came to its end"
            )
    config = load_config(path / "config.toml", None, {})
    require_built_in(
        config.circuit, "sim.attribute", "cannot make one of its mechanisms ideal at a time"
    )
    engine = config.simulation.engine
    if engine != "ngspice":
        raise UserError(
            f"{path}: a run of --engine {engine} has no circuit in ngspice whose deviation could "
            "be explained; run it with --engine ngspice"
        )
    summary = _summary(path / "summary.json")
    if not summary["finished"]:
        raise UserError(f"{path}: the run was stopped before its end; go on with: {resuming(path)}")
    simulation = config.simulation
    t_aperture = summary["t_aperture_s"] or simulation.t_pass  # none with operating points
    if t_aperture > simulation.t_pass:
        raise UserError(
            f"{path / 'summary.json'}: its aperture of {t_aperture:g} s is longer than a pass of "
            f"config.toml, {simulation.t_pass:g} s; run it again"
        )
    settling = summary["t_settling_s"]
    clock = Clock(simulation.t_pass, t_aperture, simulation.fidelity, settling)
    setup = set_up(_as_it_ran(config, path), clock)
    learner, model = _model(path / "weights.npz", setup)
    layers = summary["deviation"]["layers"]
    if len(layers) != len(setup.network.layers) - 1:
        raise UserError(f"{path / 'summary.json'}: is of another network than config.toml")
    deviation = tuple(float(layer["rms_v"]) for layer in layers)
    ngspice = summary["versions"]["ngspice"]
    return FinishedRun(path, setup, model, learner, deviation, ngspice, simulation.erc)


def _as_it_ran(config: RunConfig, folder: Path) -> RunConfig:
    """With the curve that the run kept, and without rules that were checked then."""
    update: dict[str, Any] = {"erc": False}
    if config.simulation.activation_curve is not None:
        copy = folder / activation_curve.NAME
        if not copy.is_file():
            raise UserError(
                f"{folder}: holds no {copy.name}, the run's copy of "
                f"{config.simulation.activation_curve}; copy that file there, if it is unchanged, "
                "or run it again"
            )
        update["activation_curve"] = str(copy)
    simulation = config.simulation.model_copy(update=update)
    learning = config.learning
    if learning.start is not None:  # of which the run kept what it read
        start = f"{folder / 'weights.npz'}:start"
        learning = learning.model_copy(update={"start": start})
    return config.model_copy(update={"simulation": simulation, "learning": learning})


def _is_time(value: Any) -> bool:
    return value is None or (isinstance(value, float) and 0 <= value < math.inf)


def _summary(path: Path) -> dict[str, Any]:
    try:
        summary = json.loads(path.read_text(encoding="utf8"))
        finished = summary["finished"]
        sound = finished is False or (
            finished is True
            and all(_is_time(summary[key]) for key in ("t_aperture_s", "t_settling_s"))
            and all(isinstance(layer["rms_v"], float) for layer in summary["deviation"]["layers"])
            and isinstance(summary["versions"]["ngspice"], str)
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        sound, summary = False, {}
    if not sound:
        raise UserError(f"{path}: is damaged, wanted the summary that a run wrote; run it again")
    return summary


def _model(path: Path, setup: Setup) -> tuple[str, Model]:
    try:
        arrays: dict[str, Array] = read_npz(path, str(path), "")
    except UserError:
        raise UserError(f"{path}: is damaged, wanted what a run wrote; run it again") from None
    learner = "in_loop" if "in_loop_W1" in arrays else "ideal"
    start = setup.start
    parts = []
    for kind, like in (("W", start.weights), ("b", start.biases), ("decor", start.decor)):
        found = []
        for k, wanted in enumerate(like, start=1):
            name = f"{learner}_{kind}{k}"
            array = arrays.get(name)
            if (
                array is None
                or array.dtype != wanted.dtype
                or array.shape != wanted.shape
                or not np.isfinite(array).all()
            ):
                raise UserError(f"{path}: {name}: wanted {wanted.shape} finite numbers; run again")
            found.append(array)
        parts.append(tuple(found))
    weights, biases, decor = parts
    return learner, Model(weights, biases, decor)

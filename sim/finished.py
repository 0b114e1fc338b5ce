"""A finished run, read back from its folder."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from learning import Model
from sim import activation_curve
from sim.clock import Clock
from sim.config import RunConfig
from sim.data_record import require_same_data
from sim.errors import UserError
from sim.npz import read_npz
from sim.passes import Passes
from sim.preparation import Setup, circuit_weights, set_up
from sim.programmed import transferred
from sim.record import CONFIG, require_run
from sim.resumption import resuming
from sim.settings import load_config

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind.

    Attributes:
        path: its folder.
        setup: as it was, on the very clock.
        model: whose weights were asked of the circuit.
        pairs: the resistors that held them, a record a layer.
        learner: whose model, a name in `sim.start.LEARNERS`.
        deviation: of each layer's outputs over all evaluation passes, rms, V.
        ngspice: the version that it was simulated by.
        checked: whether the electrical rules were.
        trained: whether the model is the one whose deviation the run measured.
    """

    path: Path
    setup: Setup
    model: Model
    pairs: tuple[ResistorPairs, ...]
    learner: str
    deviation: tuple[float, ...]
    ngspice: str
    checked: bool
    trained: bool = True

    def passes(self, clock: Clock | None = None) -> Passes:
        """All evaluation passes, those that the deviation is over; 1 and 2 are a pair.

        Args:
            clock: how far back to look in each; as the run did by default.
        """
        setup = self.setup.with_clock(clock or self.setup.clock)
        schedule = setup.schedule(1, silent=setup.config.simulation.noise_off)
        # All are drawn: a recording's order depends on how many there are.
        return schedule.draw(setup.task.test_inputs)


def read_run(path: Path, weights: str | None = None) -> FinishedRun:
    """Read a run's folder.

    Args:
        path: the folder.
        weights: whose, a name in `sim.start.LEARNERS`; by default those learned in the loop, or by
            the twin where the rule needs mathematics.

    Raises:
        UserError: no run's folder, a run that did not finish or had no circuit, a damaged file.
    """
    require_run(path, (CONFIG, "summary.json", "weights.npz"), "came to its end")
    config = load_config(path / CONFIG, None, {})
    engine = config.simulation.engine
    if engine != "ngspice":
        raise UserError(
            f"{path}: a run of --engine {engine} has no circuit in ngspice; run it with "
            "--engine ngspice"
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
    require_same_data(setup.task, summary.get("data"), config.task.table)
    learner, trained, model, pairs = _held(path / "weights.npz", setup, weights)
    layers = summary["deviation"]["layers"]
    if len(layers) != len(setup.network.layers) - 1:
        raise UserError(f"{path / 'summary.json'}: is of another network than config.toml")
    deviation = tuple(float(layer["rms_v"]) for layer in layers)
    ngspice = summary["versions"]["ngspice"]
    return FinishedRun(
        path, setup, model, pairs, learner, deviation, ngspice, simulation.erc, trained=trained
    )


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


def _held(
    path: Path, setup: Setup, weights: str | None
) -> tuple[str, bool, Model, tuple[ResistorPairs, ...]]:
    """Learner, whether its deviation was measured, its model, and the resistors that held it."""
    try:
        arrays: dict[str, Array] = read_npz(path, str(path), "")
    except UserError:
        raise UserError(f"{path}: is damaged, wanted what a run wrote; run it again") from None
    measured = "in_loop" if "in_loop_W1" in arrays else "ideal"
    learner = weights or measured
    if learner == "in_loop" != measured:
        raise UserError(
            f"--weights in_loop: rule {setup.rule.name} learns in mathematics alone, so the run "
            "has none; take ideal"
        )
    start = setup.start
    parts = []
    for kind, like in (("W", start.weights), ("b", start.biases), ("decor", start.decor)):
        names = [f"{learner}_{kind}{k}" for k in range(1, len(like) + 1)]
        shapes = [wanted.shape for wanted in like]
        parts.append(tuple(_array(path, arrays, *one) for one in zip(names, shapes, strict=True)))
    model = Model(*parts)
    if learner not in {measured, "start"}:  # whose chip the run compared with nothing
        return learner, False, model, transferred(setup, model).pairs
    mark = "start_" if learner == "start" else ""
    return learner, learner == measured, model, _resistors(path, arrays, setup, model, mark)


def _resistors(
    path: Path, arrays: Mapping[str, Array], setup: Setup, model: Model, mark: str
) -> tuple[ResistorPairs, ...]:
    pairs = []
    wanted = circuit_weights(model, setup.network, setup.circuit)
    for layer, weights in enumerate(wanted, start=1):
        names = [f"{mark}r_{sign}{layer}" for sign in ("plus", "minus")]
        plus, minus = (_array(path, arrays, name, weights.shape) for name in names)
        for name, ohms in zip(names, (plus, minus), strict=True):
            if not (ohms > 0).all():
                raise UserError(f"{path}: {name}: wanted resistances above 0 Ω; run again")
        clipped = setup.circuit.synapse.program(weights).clipped
        pairs.append(ResistorPairs(plus, minus, clipped))
    return tuple(pairs)


def _array(path: Path, arrays: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    array = arrays.get(name)
    if (
        array is None
        or array.dtype != np.float64
        or array.shape != shape
        or not np.isfinite(array).all()
    ):
        raise UserError(f"{path}: {name}: wanted {shape} finite numbers; run again")
    return array

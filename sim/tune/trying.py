"""Sets of values run with a number of seeds, as points that sweeps know too."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sim import activation_curve, curve_circuit
from sim.config import RunConfig
from sim.durable import replace_durably
from sim.errors import SimulationError, UserError
from sim.scoring import Stop
from sim.settings import changed
from sim.sweep.keys import key_of
from sim.sweep.measures import Measured
from sim.sweep.running import After
from sim.sweep.store import Store
from sim.tune.plan import Plan
from sim.tune.score import MATHEMATICS, NGSPICE, Score, refused, score_of

CURVES = "curves"
"""Folder of the rectifier's curves that twins are calibrated with."""

Values = Mapping[str, Any]


class StoppedStudyError(KeyboardInterrupt):
    """The study was stopped; says how to go on."""


class Runs(Protocol):
    """Computes points, as `sim.sweep.running.Runner` does."""

    def run_keyed(
        self, keyed: Mapping[str, RunConfig], store: Store, after: After, *, stop: Stop
    ) -> dict[str, Measured]:
        """Compute what is not known yet; see there."""
        ...


@dataclass(frozen=True)
class Tryer:
    """Runs sets of values.

    Attributes:
        plan: of the study.
        folder: of the study.
        store: where points are kept.
        runner: computes them.
        stop: asked whether to stop.
        after: told of every point that was computed.
    """

    plan: Plan
    folder: Path
    store: Store
    runner: Runs
    stop: Stop
    after: After

    def tried(self, sets: Sequence[Values], seeds: Sequence[int], engine: str) -> list[Score]:
        """Run sets of values, all with the same seeds; points that are known are not run again.

        Args:
            sets: values by full path, a set each.
            seeds: of the runs.
            engine: `ngspice`, or `mathematics` for the twin alone.

        Raises:
            StoppedStudyError: it was asked to stop.
            UserError: points cannot be computed at all.
        """
        configs: dict[str, RunConfig] = {}
        keys: list[list[str] | str] = []
        for values in sets:
            try:
                found = {key_of(c): c for c in self._configs(values, seeds, engine)}
            except (UserError, SimulationError) as error:
                keys.append(str(error))
                continue
            keys.append(list(found))
            configs |= found
        points = self.runner.run_keyed(configs, self.store, self.after, stop=self.stop)
        if len(points) < len(configs) or self.stop():
            again = f"go on with: python -m sim.tune {shlex.quote(str(self.folder))}"
            raise StoppedStudyError(f"stopped; what is finished is kept; {again}")
        return [
            refused(engine, one, seeds)
            if isinstance(one, str)
            else score_of(
                engine,
                self.plan.goal,
                {seed: points[key] for seed, key in zip(seeds, one, strict=True)},
            )
            for one in keys
        ]

    def config_of(self, values: Values) -> RunConfig:
        """The study's configuration with a set of values, its twin calibrated where twins choose.

        Raises:
            UserError: the values do not go together.
            SimulationError: ngspice failed in the measurement of the curve.
        """
        config = changed(self.plan.config, values)
        if self.plan.stage != "twin-first" or config.simulation.activation_curve is not None:
            return config
        return changed(config, {"simulation.activation_curve": self._curve(config)})

    def _configs(self, values: Values, seeds: Sequence[int], engine: str) -> list[RunConfig]:
        config = self.config_of(values)
        by = "ideal" if engine == MATHEMATICS else engine
        return [changed(config, {"simulation.engine": by, "seed": seed}) for seed in seeds]

    def _curve(self, config: RunConfig) -> str:
        """File of the rectifier's curve, measured where none of such a circuit is there."""
        circuit = config.circuit
        mark = hashlib.sha256(curve_circuit.statement(circuit).encode()).hexdigest()[:16]
        path = self.folder.absolute() / CURVES / f"{mark}.csv"
        if not path.exists():
            curve = activation_curve.measure(circuit, config.simulation.solver())
            draft = path.with_suffix(".part")
            path.parent.mkdir(exist_ok=True)
            activation_curve.write(draft, curve, activation_curve.describe(circuit))
            replace_durably(path, draft.read_bytes())
            draft.unlink()
        return str(path)


def searching(plan: Plan) -> str:
    """The engine that trials of a plan run in."""
    return NGSPICE if plan.stage == "spice" else MATHEMATICS


def judging(plan: Plan) -> str:
    """The engine that the best of a plan is judged in."""
    return MATHEMATICS if plan.stage == "mathematics" else NGSPICE

"""The co-simulation from Python: whole runs, and the pieces that they consist of.

```python
from sim import cosim

run = cosim.run(layers=(2, 2, 2, 1), epochs=10)
print(run.scores["loss"])
print(run.deviation.std("pass"))
run.report()
```
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from sim.clock import Fidelity
from sim.config import RunConfig
from sim.errors import SimulationError, UserError
from sim.job import stopped
from sim.loop import (
    Evaluation,
    begin,
    effective_weights,
    evaluate,
    make_engines,
    set_up,
    train,
)
from sim.preparation import IDEAL, Setup
from sim.results import Run
from sim.running import begin_run, continue_run
from sim.settings import changed, load_config
from sim.training import Epoch, Learner, Training

__all__ = [
    "IDEAL",
    "Epoch",
    "Evaluation",
    "Learner",
    "Run",
    "Setup",
    "SimulationError",
    "Training",
    "UserError",
    "begin",
    "effective_weights",
    "evaluate",
    "load",
    "make_engines",
    "resume",
    "run",
    "set_up",
    "train",
]


def run(
    config: RunConfig | Path | str | None = None,
    *,
    layers: Sequence[int] | None = None,
    task: str | None = None,
    epochs: int | None = None,
    samples: int | None = None,
    seed: int | None = None,
    rule: str | None = None,
    fidelity: Fidelity | None = None,
    engine: Literal["ngspice", "ideal"] | None = None,
    settings: Mapping[str, Any] | None = None,
    out: Path | str | None = None,
    jobs: int = 1,
    show: bool = False,
) -> Run:
    """Train a circuit in ngspice beside its ideal twin; what `python -m sim.run` does.

    Args:
        config: to start from: a record, or a TOML file such as a run's `config.toml`.
        layers: units per layer, inputs first.
        task: what is learned.
        epochs: times through the training samples.
        samples: training samples.
        seed: of everything random.
        rule: learning rule.
        fidelity: `full`, `aperture` or `op`.
        engine: `ideal` for the twin alone.
        settings: any parameter by its path, as in `{"circuit.opamp.gbw": 300e3}`; numbers, or text
            with engineering notation. They override all others.
        out: folder to write; `runs/<time>-<layers>` by default.
        jobs: worker processes that simulate the circuit; results are the same for every number.
        show: print warnings and progress.

    Returns:
        What the run left in its folder.

    Raises:
        UserError: a parameter or the folder will not do.
        SimulationError: ngspice failed.
        KeyboardInterrupt: stopped by Ctrl-C; its text says how to go on.
    """
    if jobs < 1:
        raise UserError(f"jobs: wanted a whole number of at least 1, got {jobs!r}")
    keywords = {
        "task.layers": ("layers", layers),
        "task.name": ("task", task),
        "task.epochs": ("epochs", epochs),
        "task.samples": ("samples", samples),
        "seed": ("seed", seed),
        "learning.rule": ("rule", rule),
        "simulation.fidelity": ("fidelity", fidelity),
        "simulation.engine": ("engine", engine),
    }
    given = {path: value for path, (_, value) in keywords.items() if value is not None}
    names = {path: name for path, (name, _) in keywords.items()}
    if not isinstance(config, RunConfig):
        config = load_config(None if config is None else Path(config), None, {})
    wanted = changed(config, given | dict(settings or {}), names)
    place = None if out is None else Path(out)
    outcome, folder = begin_run(wanted, place, Console(), quiet=not show, jobs=jobs)
    if not outcome.finished:
        raise KeyboardInterrupt(stopped(outcome, folder, jobs))
    return Run(folder)


def resume(path: Path | str, *, jobs: int = 1, show: bool = False) -> Run:
    """Go on with a run that was stopped, bit for bit; what `python -m sim.run --resume` does.

    Args:
        path: its folder.
        jobs: worker processes.
        show: print warnings and progress.

    Raises:
        UserError: there is nothing to go on with, or anything that the run depends on has changed.
        SimulationError: ngspice failed.
        KeyboardInterrupt: stopped by Ctrl-C again.
    """
    folder = Path(path)
    outcome = continue_run(folder, {}, {}, (), Console(), quiet=not show, jobs=jobs)
    if not outcome.finished:
        raise KeyboardInterrupt(stopped(outcome, folder, jobs))
    return Run(folder)


def load(path: Path | str) -> Run:
    """What a run left in its folder.

    Raises:
        UserError: it is no run's folder.
    """
    return Run(path)

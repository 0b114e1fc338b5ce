"""One point: a run in this process, without figures, progress and signals."""

import json
import tempfile
import threading
import time
from pathlib import Path

from rich.console import Console

from sim import activation_curve, chip_file, loop, recorded
from sim.config import RunConfig
from sim.durable import WriteError
from sim.errors import SimulationError, UserError
from sim.evidence import DECK, LOG
from sim.meter import Meter
from sim.outcome import Outcome
from sim.record import CONFIG, HISTORY, RunFolder
from sim.score import Scorer
from sim.scoring import never
from sim.sweep.keys import key_of, resolved
from sim.sweep.measures import DIVERGED, DONE, FAILED, Measured, measure
from sim.written import write_found

__all__ = ["FILES", "key_of", "run_point"]

SUMMARY, WEIGHTS = "summary.json", "weights.npz"

FILES = (
    *(CONFIG, SUMMARY, HISTORY, recorded.NAME, WEIGHTS, chip_file.NAME, activation_curve.NAME),
    *(DECK, LOG),
)
"""What is kept of a point's folder, where it is there."""

_ONE_AT_A_TIME = threading.Lock()  # ngspice is one object in a process


def run_point(config: RunConfig) -> tuple[Measured, dict[str, bytes]]:
    """Run a configuration from its start to its scores.

    No signal is touched, so that it runs in any thread; one at a time in a process.

    Args:
        config: what is left out is completed.

    Returns:
        What became of it, also where it failed, and the contents of the files to keep, by name; of
        a fault of this machine, its memory or its disk, no files.
    """
    begun = time.perf_counter()
    try:
        state, reason, values, files = _kept(config)
    except (WriteError, OSError, MemoryError) as error:
        said = " ".join(str(error).split())
        kind = "" if isinstance(error, WriteError) else type(error).__name__
        reason = "a fault of the machine: " + ": ".join(part for part in (kind, said) if part)
        return Measured(FAILED, reason, {}, time.perf_counter() - begun, of_machine=True), {}
    return Measured(state, reason, values, time.perf_counter() - begun), files


def _kept(config: RunConfig) -> tuple[str, str, dict[str, float], dict[str, bytes]]:
    """State, reason, values and files of a point."""
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="danp-cosim-point-") as place:
        folder = RunFolder(Path(place))
        state, reason, values = DONE, "", {}
        try:
            values = _run(config, folder)
        except (WriteError, OSError, MemoryError):  # of the machine, not of the point
            raise
        except loop.DivergedError as error:
            state, reason = DIVERGED, str(error)
        except (UserError, SimulationError) as error:
            state, reason = FAILED, str(error)
        except Exception as error:  # noqa: BLE001  # a fault of this program ends no sweep either
            state, reason = FAILED, f"a fault of the program: {type(error).__name__}: {error}"
        files = {
            name: (folder.path / name).read_bytes()
            for name in FILES
            if (folder.path / name).is_file()
        }
    # The folder has another name each time, and is gone.
    reason = " ".join(reason.replace(f"{place}/", "").split())
    return state, reason, values, files


def _run(config: RunConfig, folder: RunFolder) -> dict[str, float]:
    config = resolved(config)
    folder.write_text(CONFIG, config.to_toml())
    setup = loop.set_up(config)
    folder.write_text(CONFIG, setup.config.to_toml())
    if setup.curve:
        folder.write_text(activation_curve.NAME, setup.curve.text)
    if setup.chip.rows:
        folder.write_text(chip_file.NAME, chip_file.format_chip(setup.chip.rows))
    engines = loop.make_engines(setup, keep=folder.path)
    meter = Meter(engines)
    outcome = Outcome(setup, loop.begin(setup, engines))
    scorer = Scorer(engines, Console(quiet=True), never, quiet=True)
    scorer.before(outcome)
    outcome.nodes = setup.schedule(0).nodes(setup.config.task.batch or 1)
    loop.train(outcome.training)
    scorer.after(outcome)
    outcome.finished = True
    meter.read(outcome)
    write_found(outcome, folder, figures=False)
    summary = json.loads((folder.path / SUMMARY).read_text(encoding="utf8"))
    return measure(outcome, summary)

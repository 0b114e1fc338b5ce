"""The main job: train twin and circuit, transfer, compare, and leave a run folder behind."""

import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console

from sim import activation_curve, chip_file, loop
from sim.checkpoint import NAME as CHECKPOINT
from sim.checkpoint import Checkpoints
from sim.durable import WriteError
from sim.errors import SimulationError, UserError
from sim.evidence import DECK, LOG
from sim.interruption import (
    StoppedAtOnceError,
    StoppedError,
    noted_interruptions,
    signal_name,
)
from sim.meter import Meter
from sim.noise.record import NoiseRecorder
from sim.outcome import Outcome
from sim.progress import TrainingProgress
from sim.record import CONFIG, FolderGoneError, RunFolder
from sim.resumption import resuming
from sim.score import Scorer
from sim.training import restored_tally, tally_state
from sim.workers import WorkerEngine
from sim.workers.failed import PASSES
from sim.written import write_found, write_page, write_waveforms

_STOPPING = "stopping after the step under way; once more stops at once"
_FAILED = "; to try again from the last checkpoint"


class StoppedJobError(KeyboardInterrupt):
    """A second signal stopped the job at once; says how to go on."""


def run_job(
    setup: loop.Setup,
    folder: RunFolder,
    console: Console,
    *,
    quiet: bool,
    jobs: int = 1,
    checkpoint: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run the job and write its folder.

    Args:
        setup: from `loop.set_up`.
        folder: writable; empty, or that of the checkpoint.
        console: where progress goes.
        quiet: no progress.
        jobs: worker processes that simulate the circuit; results are the same for every number.
        checkpoint: to go on from; by default the run begins.

    Returns:
        What was found; after Ctrl-C what was found so far, with a checkpoint in the folder.

    Raises:
        SimulationError: ngspice failed; what was learned so far is saved.
        StoppedJobError: a second signal came; the checkpoint before stands.
        WriteError: the folder takes no more, or is gone; the checkpoint before stands.
    """
    going_on = resuming(folder.path, jobs)
    try:
        with (
            noted_interruptions("" if quiet else _STOPPING) as interrupted,
            _recorder(setup, folder, checkpoint) as recorder,
            folder.watched() as require_same,
            closing(_Job(setup, folder, recorder, jobs, require_same)) as job,
        ):
            if checkpoint:
                job.go_on(checkpoint)
                if not quiet:
                    console.print(f"going on after {_place(job.outcome)}")
            else:
                job.begin()
            try:
                job.work(console, interrupted, quiet=quiet)
            except (WriteError, KeyboardInterrupt):
                raise
            except BaseException as error:
                job.outcome.failure = error
                job.conclude()
                job.show(console, quiet=quiet)
                raise
            job.conclude()
            job.show(console, quiet=quiet)
    except FolderGoneError:
        raise
    except (WriteError, SimulationError, StoppedAtOnceError) as error:
        there = (folder.path / CHECKPOINT).exists()
        if isinstance(error, StoppedAtOnceError):
            said = f"stopped at once by {signal_name(error.number)}"
            raise StoppedJobError(f"{said}; go on with: {going_on}" if there else said) from None
        if not there:
            raise
        once = "; once that is mended, go on with" if isinstance(error, WriteError) else _FAILED
        raise type(error)(f"{error}{once}: {going_on}") from None
    return job.outcome


def stopped(outcome: Outcome, folder: Path, jobs: int = 1) -> str:
    """The line on a run that was stopped by a signal."""
    return (
        f"stopped by {signal_name(outcome.signal or signal.SIGINT)} after {_place(outcome)}; "
        f"go on with: {resuming(folder, jobs)}"
    )


def _place(outcome: Outcome) -> str:
    training = outcome.training
    samples = training.underway.done if training.underway else 0
    return f"{len(training.epochs)} epochs and {samples} samples"


def _recorder(
    setup: loop.Setup, folder: RunFolder, checkpoint: Mapping[str, Any] | None
) -> AbstractContextManager[NoiseRecorder | None]:
    if not setup.config.simulation.record_noise:
        return nullcontext()
    state = checkpoint["recorder"] if checkpoint else None
    t_pass = setup.clock.t_pass
    return closing(NoiseRecorder(folder.path, setup.network, setup.circuit.noise, t_pass, state))


class _Job:
    """A run in its folder: what it consists of, and the order in which that is done."""

    def __init__(
        self,
        setup: loop.Setup,
        folder: RunFolder,
        recorder: NoiseRecorder | None,
        jobs: int,
        require_same: Callable[[], None],
    ) -> None:
        self._setup = setup
        self._folder = folder
        self._recorder = recorder
        self._require_same = require_same
        self._engines = loop.make_engines(setup, keep=folder.path, jobs=jobs)
        self._meter = Meter(self._engines)
        self._checkpoints = Checkpoints(folder.path, setup, self._state)
        self.outcome = Outcome(setup, loop.begin(setup, self._engines))

    def close(self) -> None:
        """End the workers."""
        circuit = self._engines.get("in_loop")
        if isinstance(circuit, WorkerEngine):
            circuit.close()

    def begin(self) -> None:
        """Write what the run is; the configuration last, so that a run that has one can go on."""
        if self._setup.curve:
            self._folder.write_text(activation_curve.NAME, self._setup.curve.text)
        if self._setup.chip.rows:
            self._folder.write_text(chip_file.NAME, chip_file.format_chip(self._setup.chip.rows))
        self._checkpoints.save()
        self._folder.write_text(CONFIG, self._setup.config.to_toml())

    def go_on(self, checkpoint: Mapping[str, Any]) -> None:
        """Go on where a checkpoint was taken."""
        self.outcome.training.restore(checkpoint["training"])
        self.outcome.restore(checkpoint["outcome"])
        for name, engine in self._engines.items():
            engine.tally = restored_tally(checkpoint["tallies"][name])
        self._meter.add(self.outcome)

    def _state(self) -> dict[str, Any]:
        self._require_same()
        self._meter.read(self.outcome)
        return {
            "training": self.outcome.training.state(),
            "outcome": self.outcome.state(),
            "tallies": {name: tally_state(one.tally) for name, one in self._engines.items()},
            "recorder": self._recorder.state() if self._recorder else None,
        }

    def work(self, console: Console, interrupted: Sequence[int], *, quiet: bool) -> None:
        """Simulate all there is to; with an interruption, up to the end of a step."""
        setup, outcome = self._setup, self.outcome
        scorer = Scorer(self._engines, console, lambda: bool(interrupted), quiet=quiet)
        try:
            if not outcome.initial:
                scorer.before(outcome)
            outcome.nodes = setup.schedule(0).nodes(setup.config.task.batch or 1)
            trained = not interrupted and self._train(console, interrupted, quiet=quiet)
            self._checkpoints.save()
            if trained:
                scorer.after(outcome)
        except StoppedError:
            pass
        if interrupted:
            outcome.signal = interrupted[0]
        else:
            outcome.finished = True

    def _train(self, console: Console, interrupted: Sequence[int], *, quiet: bool) -> bool:
        training = self.outcome.training
        progress = TrainingProgress(console, training, interrupted, quiet=quiet)

        def after_step(seen: int) -> None:
            progress.step(seen)
            self._checkpoints.after_step()

        def after_epoch(epoch: loop.Epoch) -> None:
            progress.epoch(epoch)
            self._checkpoints.after_epoch()

        with progress:
            return loop.train(
                training,
                after_epoch=after_epoch,
                after_step=after_step,
                stop=lambda: bool(interrupted),
                record=self._recorder or (lambda _: None),
            )

    def conclude(self) -> None:
        """Write what was found; last the summary, which says whether the run is finished."""
        self._require_same()
        self._meter.read(self.outcome)
        if self._recorder:
            self._recorder.write_parquet()
        write_found(self.outcome, self._folder)
        if self.outcome.finished:
            self._folder.remove((DECK, LOG, PASSES))  # of a failure before it was resumed
            self._checkpoints.remove()
            if self._recorder:
                self._recorder.remove_rows()

    def show(self, console: Console, *, quiet: bool) -> None:
        """Write what a run is looked at by. The run stands by then: what fails here is a warning.

        Raises:
            StoppedJobError: a second signal came.
        """
        folder = self._folder
        for what, write in (("waveforms", write_waveforms), ("report", write_page)):
            try:
                write(self.outcome, folder)
            except (SimulationError, UserError) as error:
                if not quiet:
                    console.print(f"warning: no {what}: {error}", soft_wrap=True)
            except StoppedAtOnceError as error:
                if not self.outcome.finished:
                    raise
                raise StoppedJobError(
                    f"stopped at once by {signal_name(error.number)}; the run is finished, and "
                    f"danp-cosim report {shlex.quote(str(folder.path))} shows it"
                ) from None

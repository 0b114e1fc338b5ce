"""A training in its folder: begun, gone on with, stopped, and written down."""

import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.console import waiting
from sim.durable import WriteError
from sim.errors import UserError
from sim.interruption import StoppedAtOnceError, noted_interruptions, signal_name
from sim.lock import held
from sim.record import CONFIG, HISTORY, FolderGoneError, RunFolder, open_folder, require_free
from sim.same import require_same_settings
from sim.scale.checkpoint import (
    FREE,
    NAME,
    Checkpoints,
    plain,
    read_checkpoint,
    require_same_conditions,
)
from sim.scale.config import ScaleConfig
from sim.scale.device import working_with
from sim.scale.events import EventLog
from sim.scale.preparation import set_up
from sim.scale.progress import ScaleProgress
from sim.scale.record import print_report, write_found
from sim.scale.settings import configure
from sim.scale.title import counted, layers_of, start_line
from sim.scale.trained import Trained
from sim.scale.training import DivergedError, Row, Training
from sim.unfinished import require_unfinished

_STOPPING = "stopping after the step under way; once more stops at once"


class StoppedJobError(KeyboardInterrupt):
    """A second signal stopped the job at once; says how to go on."""


def begin(config: ScaleConfig, out: Path | None, console: Console, *, quiet: bool) -> Trained:
    """Train in a folder of its own.

    Args:
        config: what is left out is filled in.
        out: the folder; `runs/<time>-<data>-<layers>` by default.
        console: where progress goes.
        quiet: none.

    Raises:
        UserError: the configuration, the data or the folder will not do, or it diverged.
        StoppedJobError: a second signal came.
    """
    _refuse_stopped(out)
    require_free(out)  # before images are read
    with working_with(config.threads):
        with waiting(console, "preparing: data, weights, noise", quiet=quiet):
            training = Training(set_up(config, _telling(console, quiet=quiet)))
        config = training.setup.config
        what = f"{config.data.name}-{layers_of(config)}"
        folder = open_folder(out, what, datetime.now().astimezone())
        with held(folder.path, console, quiet=quiet):
            return _run(training, folder, console, quiet=quiet, fresh=True)


def go_on(
    path: Path,
    options: Mapping[str, Any],
    names: Mapping[str, str],
    assignments: Sequence[str],
    console: Console,
    *,
    quiet: bool,
) -> Trained:
    """Go on with a training that was stopped.

    Args:
        path: its folder.
        options: parameters that no figure depends on, by path; None where not given.
        names: what they are called, by path.
        assignments: likewise, as of `--set`.
        console: where progress goes.
        quiet: none.

    Raises:
        UserError: there is nothing to go on with, or anything that it depends on has changed.
        StoppedJobError: a second signal came.
    """
    require_unfinished(path)
    folder = RunFolder(path)
    with held(folder.path, console, quiet=quiet):
        tensors, known = read_checkpoint(path)
        config = configure(
            None, options, config=path / CONFIG, names=names, assignments=assignments
        )
        require_same_settings(path / CONFIG, plain(config), known["config"], FREE)
        with working_with(config.threads):
            training = Training(set_up(config, _telling(console, quiet=quiet)))
            require_same_conditions(path, training.setup, known)
            training.restore(tensors, known["training"])
            return _run(training, folder, console, quiet=quiet, fresh=False)


def stopped(trained: Trained) -> str:
    """The line on a training that was stopped by a signal."""
    return (
        f"stopped by {signal_name(trained.signal or signal.SIGINT)} after "
        f"{_place(trained.epochs, trained.step)}; go on with: {resuming(trained.folder)}"
    )


def resuming(folder: Path) -> str:
    """The command that goes on with a training."""
    return f"python -m learning.train --resume {shlex.quote(str(folder))}"


def _place(epochs: int, steps: int) -> str:
    return f"{counted(epochs, 'epoch')} and {counted(steps, 'step')}"


def _telling(console: Console, *, quiet: bool) -> Callable[[str], None]:
    """Prints a line, on every file that is fetched."""

    def tell(line: str) -> None:
        if not quiet:
            console.print(line, soft_wrap=True)

    return tell


def _refuse_stopped(out: Path | None) -> None:
    if out is not None and (out / CONFIG).is_file() and (out / NAME).is_file():
        raise UserError(
            f"--out: {out} is not empty, it holds a training that was stopped; go on with: "
            f"{resuming(out)}; or name a folder of its own"
        )


def _run(
    training: Training, folder: RunFolder, console: Console, *, quiet: bool, fresh: bool
) -> Trained:
    """Train to the end or to a signal, and write what was found."""
    setup = training.setup
    if not quiet:
        console.print(start_line(setup, finished=training.epochs), soft_wrap=True)
        if not fresh:
            console.print(f"going on after {_place(training.epochs, training.step)}")
    try:
        with (
            noted_interruptions("" if quiet else _STOPPING) as interrupted,
            folder.watched() as require_same,
            EventLog(folder.path, len(training.history)) as events,
            ScaleProgress(console, training, interrupted, quiet=quiet) as progress,
        ):
            job = _Job(training, folder, require_same, events, progress)
            if fresh:
                job.begin()
            finished = job.work(lambda: bool(interrupted))
    except FolderGoneError:
        raise
    except (WriteError, StoppedAtOnceError) as error:
        raise _with_advice(error, folder.path) from None
    trained = Trained(
        config=setup.config,
        history=training.history,
        network=setup.network,
        folder=folder.path,
        seconds=training.seconds,
        step=training.step,
        finished=finished,
        signal=interrupted[0] if interrupted and not finished else None,
    )
    if not quiet:
        print_report(console, setup, trained)
    return trained


class _Job:
    """A training in its folder: what is written, and when."""

    def __init__(
        self,
        training: Training,
        folder: RunFolder,
        require_same: Callable[[], None],
        events: EventLog,
        progress: ScaleProgress,
    ) -> None:
        self._training = training
        self._folder = folder
        self._require_same = require_same
        self._events = events
        self._progress = progress
        self._checkpoints = Checkpoints(folder.path, training)

    def begin(self) -> None:
        """Write what the training is; the configuration last: what has one can go on."""
        self._checkpoints.save()
        self._folder.write_text(CONFIG, self._training.setup.config.to_toml())

    def work(self, stop: Callable[[], bool]) -> bool:
        """Train, and write what was found; return whether the last epoch is finished."""
        try:
            finished = self._training.train(
                stop=stop, after_step=self._after_step, after_epoch=self._after_epoch
            )
        except DivergedError as error:
            write_found(self._training, self._folder, "diverged")
            raise DivergedError(f"{error}; see {self._folder.path}") from None
        self._require_same()
        if not finished:
            self._checkpoints.save()
        write_found(self._training, self._folder, "finished" if finished else "stopped")
        if finished:
            self._checkpoints.remove()
        return finished

    def _after_step(self) -> None:
        self._progress.step()
        self._checkpoints.after_step()

    def _after_epoch(self, row: Row) -> None:
        self._require_same()
        self._folder.write_rows(HISTORY, self._training.history)
        self._events.epoch(row)
        self._progress.epoch(row)


def _with_advice(error: WriteError | StoppedAtOnceError, folder: Path) -> BaseException:
    """The error with the command that goes on from the checkpoint, where there is one."""
    there = (folder / NAME).exists() and (folder / CONFIG).exists()
    if isinstance(error, StoppedAtOnceError):
        said = f"stopped at once by {signal_name(error.number)}"
        return StoppedJobError(f"{said}; go on with: {resuming(folder)}" if there else said)
    advice = f"; once that is mended, go on with: {resuming(folder)}" if there else ""
    return type(error)(f"{error}{advice}")

"""A training's rows as TensorBoard shows them."""

import contextlib
import math
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sim.durable import cannot_write
from sim.scale.training import Row

_VERSION = "brain.Event:2"  # what an event file begins with
_NAMES = {
    "train_loss": "loss/train",
    "test_loss": "loss/test",
    "noisy_loss": "loss/noisy",
    "train_accuracy": "accuracy/train",
    "test_accuracy": "accuracy/test",
    "skipped": "updates/skipped",
    "seconds": "time/epoch",
}


class EventLog:
    """Writes an event file in a training's folder, every row before the next step.

    tensorboardX's own writer does so in a thread, where nobody could take a failed write for what
    it is.

    Args:
        folder: of the training.
        finished: rows that are there already; what an earlier file says of later epochs is void.

    Raises:
        WriteError: the folder does not take it.
    """

    def __init__(self, folder: Path, finished: int) -> None:
        # These are slow to import.
        from tensorboardX.proto import event_pb2  # noqa: PLC0415
        from tensorboardX.record_writer import RecordWriter  # noqa: PLC0415

        self._events: Any = event_pb2  # made by protobuf: without types
        self._path = folder / f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}"
        try:
            self._writer = RecordWriter(str(self._path))
        except OSError as error:
            raise cannot_write(self._path, error) from None
        first = [self._event(file_version=_VERSION)]
        if finished:
            start = self._events.SessionLog(status=self._events.SessionLog.START)
            first.append(self._event(step=finished, session_log=start))
        try:
            self._write(first)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._close()

    def epoch(self, row: Row) -> None:
        """Write a row, what is known of it.

        Raises:
            WriteError: the folder does not take it.
        """
        from tensorboardX.summary import scalar  # noqa: PLC0415  # as above

        step = int(row["epoch"])
        self._write(
            [
                self._event(step=step, summary=scalar(tag, row[name]))
                for name, tag in _NAMES.items()
                if not math.isnan(row[name])
            ]
        )

    def _event(self, **content: Any) -> Any:
        return self._events.Event(wall_time=time.time(), **content)

    def _write(self, events: Sequence[Any]) -> None:
        try:
            for event in events:
                self._writer.write(event.SerializeToString())
            self._writer.flush()
        except OSError as error:
            raise cannot_write(self._path, error) from None

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # of what failed before: every row is flushed
            self._writer.close()

"""What a run drew of the noise, pass by pass, as parquet: a recording like any other.

While the run goes on, its rows are appended to a file of bare numbers, which can be cut back to
where a checkpoint was taken; the parquet file is made of it at the end.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from circuits import Network
from circuits.noise import NoiseParameters
from netlists.build import control_names
from sim.durable import cannot_write, settle_durably
from sim.errors import UserError
from sim.passes import noise_names
from sim.sources import Drawn

NAME = "noise.parquet"
ROWS_NAME = ".noise.rows"
"""The file of bare numbers, doubles of this machine's byte order, row after row."""

_ROWS = 4096  # in a row group, and at most held before they are written


class NoiseRecorder:
    """Writes a row a pass: its sampling instant, ν at every neuron, and every control.

    Column `time` is in s, columns `nu<layer>_<neuron>` are ν in V; the controls carry the names
    that they have in decks.

    Args:
        folder: where the files go.
        network: gives the neurons.
        noise: gives the controls.
        t_pass: from one sampling instant to the next, s.
        state: of a recorder of the same folder, to go on from; what it wrote later is cut off.

    Raises:
        WriteError: the folder does not take a file.
        UserError: the rows up to the state are no longer there.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        noise: NoiseParameters,
        t_pass: float,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self._names = ("time", *noise_names(network.layers), *control_names(network, noise))
        self._t_pass = t_pass
        self._folder = folder
        self._path = folder / ROWS_NAME
        self._pending: list[Drawn] = []
        self._written = 0
        self._hash = hashlib.sha256()
        if state:
            self._resume(state)
        with self._writing(self._path):
            self._file = self._path.open("r+b" if state else "wb")
            self._file.truncate(self._written * self._row_bytes)
            self._file.seek(0, os.SEEK_END)

    def __call__(self, drawn: Drawn) -> None:
        """Take the noise of some passes."""
        self._pending.append(drawn)
        if sum(len(d.noise) for d in self._pending) >= _ROWS:
            self._flush()

    def state(self) -> dict[str, Any]:
        """Where the record stands, once that is on the disk."""
        self._flush()
        with self._writing(self._path):
            os.fsync(self._file.fileno())
        return {"rows": self._written, "sha256": self._hash.hexdigest()}

    def write_parquet(self) -> None:
        """Make `noise.parquet` of all rows so far.

        Raises:
            WriteError: the folder does not take it.
        """
        import pyarrow as pa  # noqa: PLC0415  # tenths of a second, only where noise is recorded
        from pyarrow import parquet  # noqa: PLC0415

        self._flush()
        schema = pa.schema([(name, pa.float64()) for name in self._names])
        target = self._folder / NAME
        draft = target.with_name(f".{NAME}.part")
        with self._writing(target):
            with parquet.ParquetWriter(draft, schema) as writer:
                for rows in self._groups():
                    writer.write_table(pa.table(list(rows.T), schema=schema))
            settle_durably(draft, target)

    def remove_rows(self) -> None:
        """Remove the file of bare numbers, once nobody is to go on from it."""
        with self._writing(self._path):
            self._path.unlink()

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):  # rows that it still held are in no checkpoint
            self._file.close()

    @property
    def _row_bytes(self) -> int:
        return 8 * len(self._names)

    def _flush(self) -> None:
        if not self._pending:
            return
        noise = np.concatenate([d.noise for d in self._pending])
        controls = np.concatenate([d.controls for d in self._pending])
        instants = self._t_pass * (np.arange(self._written, self._written + len(noise)) + 1)
        content = np.column_stack([instants, noise, controls]).tobytes()
        self._pending = []
        with self._writing(self._path):
            self._file.write(content)
            self._file.flush()
        self._hash.update(content)
        self._written += len(noise)

    def _groups(self) -> Iterator[np.ndarray]:
        size = _ROWS * self._row_bytes
        with self._path.open("rb") as file:
            while content := file.read(size):
                yield np.frombuffer(content).reshape(-1, len(self._names))

    def _resume(self, state: Mapping[str, Any]) -> None:
        left = state["rows"] * self._row_bytes
        try:
            with self._path.open("rb") as file:
                while content := file.read(min(left, _ROWS * self._row_bytes)):
                    self._hash.update(content)
                    left -= len(content)
        except OSError as error:
            raise UserError(f"{self._path}: cannot read: {error.strerror}") from None
        if left or self._hash.hexdigest() != state["sha256"]:
            raise UserError(
                f"{self._path}: does not hold the noise that was recorded up to the checkpoint; "
                "the run cannot go on: start it again, with --config and its config.toml"
            )
        self._written = state["rows"]

    @contextlib.contextmanager
    def _writing(self, target: Path) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(target, error) from None

"""What a run drew of the noise, pass by pass, as parquet: a recording like any other."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from circuits import Network
from circuits.noise import NoiseParameters
from netlists.build import control_names
from sim.sources import Drawn

NAME = "noise.parquet"
_ROWS = 4096  # held before they are written


class NoiseRecorder:
    """Writes a row a pass: its sampling instant, ν at every neuron, and every control.

    Column `time` is in s, columns `nu<layer>_<neuron>` are ν in V; the controls carry the names
    that they have in decks.

    Args:
        path: file to write.
        network: gives the neurons.
        noise: gives the controls.
        t_pass: from one sampling instant to the next, s.
    """

    def __init__(self, path: Path, network: Network, noise: NoiseParameters, t_pass: float) -> None:
        import pyarrow as pa  # noqa: PLC0415  # tenths of a second, only where noise is recorded
        from pyarrow import parquet  # noqa: PLC0415

        self._pa = pa
        nodes = [
            f"nu{layer}_{j}"
            for layer in range(1, len(network.layers))
            for j in range(1, network.layers[layer] + 1)
        ]
        names = ("time", *nodes, *control_names(network, noise))
        self._schema = pa.schema([(name, pa.float64()) for name in names])
        self._t_pass = t_pass
        self._writer: Any = parquet.ParquetWriter(path, self._schema)
        self._pending: list[Drawn] = []
        self._written = 0

    def __call__(self, drawn: Drawn) -> None:
        """Take the noise of some passes."""
        self._pending.append(drawn)
        if sum(len(d.noise) for d in self._pending) >= _ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left and finish the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._pending:
            return
        rows = np.hstack(
            [
                np.concatenate([d.noise for d in self._pending]),
                np.concatenate([d.controls for d in self._pending]),
            ]
        )
        instants = self._t_pass * (np.arange(self._written, self._written + len(rows)) + 1)
        columns = [instants, *rows.T]
        self._writer.write_table(self._pa.table(columns, schema=self._schema))
        self._written += len(rows)
        self._pending = []


@contextmanager
def recording_noise(
    folder: Path, network: Network, noise: NoiseParameters, t_pass: float
) -> Iterator[NoiseRecorder]:
    """Record into `noise.parquet` of a folder; the file appears when it is whole."""
    draft = folder / f".{NAME}.part"
    recorder = NoiseRecorder(draft, network, noise, t_pass)
    try:
        yield recorder
    finally:
        recorder.close()
        draft.replace(folder / NAME)

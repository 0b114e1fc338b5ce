"""The run folder: everything a run leaves behind."""

import csv
import io
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits import ResistorPairs
from learning import Model
from sim.durable import WriteError, cannot_write, replace_durably, settle_durably
from sim.errors import UserError
from sim.figures import QUANTILES
from sim.loop import Epoch

Array = NDArray[np.float64]

CONFIG = "config.toml"
"""Describes the run, in full."""

HISTORY = "history.csv"
"""A row an epoch."""

REPORT = "report.html"
"""Shows the run, in a browser."""


class FolderGoneError(WriteError):
    """The folder is not the one any more that the run was begun in."""


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds one run."""

    path: Path

    @contextmanager
    def watched(self) -> Iterator[Callable[[], None]]:
        """Keep an eye on the folder: no other is taken for it while the context lasts.

        Yields:
            Raises `FolderGoneError` where another folder, or none, has its name by now.

        Raises:
            WriteError: it cannot be opened.
        """
        try:
            opened = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise cannot_write(self.path, error) from None

        def require_same() -> None:
            how = "was replaced"
            try:
                if os.path.samestat(os.fstat(opened), self.path.stat()):
                    return
            except FileNotFoundError:
                how = "is gone: it was deleted or moved"
            except OSError as error:
                raise cannot_write(self.path, error) from None
            raise FolderGoneError(
                f"{self.path} {how} while the run was at work; if its folder is elsewhere now, go "
                "on there with --resume, else start the run again"
            )

        try:
            yield require_same
        finally:
            os.close(opened)

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, if they are there."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all; raises as `write_bytes`."""
        self.write_bytes(name, text.encode("utf8"))

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all.

        Raises:
            WriteError: the folder does not take it.
        """
        replace_durably(self.path / name, content)

    def write_figure(self, name: str, plot: Callable[[Path], None]) -> None:
        """Write a figure whole or not at all.

        Args:
            name: of the file.
            plot: writes it to a path, in the format of the path's suffix.

        Raises:
            WriteError: the folder does not take it.
        """
        target = self.path / name
        draft = target.with_name(f".part-{name}")
        try:
            plot(draft)
            settle_durably(draft, target)
        except OSError as error:
            raise cannot_write(target, error) from None

    def write_history(self, epochs: Sequence[Epoch]) -> list[dict[str, float]]:
        """Write `history.csv`, a row an epoch; return its rows."""
        rows = [history_row(epoch) for epoch in epochs]
        self.write_rows(HISTORY, rows)
        return rows

    def write_rows(self, name: str, rows: Sequence[Mapping[str, float]]) -> None:
        """Write numbers as CSV, a line a row; raises as `write_bytes`.

        Args:
            name: of the file.
            rows: numbers by column, the columns alike in all.
        """
        lines: list[Sequence[Any]] = [list(rows[0]) if rows else ["epoch"]]
        lines += [[f"{value:.9g}" for value in row.values()] for row in rows]
        table = io.StringIO(newline="")
        csv.writer(table).writerows(lines)
        self.write_text(name, table.getvalue())

    def write_weights(
        self, models: Mapping[str, Model], resistors: Mapping[str, Sequence[ResistorPairs]]
    ) -> None:
        """Write `weights.npz`: per learner and layer W, b and decor; R+ and R− in Ω.

        Args:
            models: by learner, and "start".
            resistors: "start" and "trained", a record a layer; none without a circuit.
        """
        arrays: dict[str, Array] = {}
        for name, model in models.items():
            for kind, tensors in (
                ("W", model.weights),
                ("b", model.biases),
                ("decor", model.decor),
            ):
                arrays |= {f"{name}_{kind}{k}": a for k, a in enumerate(tensors, start=1)}
        for when, layers in resistors.items():
            mark = "start_" if when == "start" else ""
            for k, pairs in enumerate(layers, start=1):
                arrays |= {f"{mark}r_plus{k}": pairs.plus, f"{mark}r_minus{k}": pairs.minus}
        archive = io.BytesIO()
        np.savez(archive, allow_pickle=False, **arrays)
        self.write_bytes("weights.npz", archive.getvalue())

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file; what is not a finite number becomes null."""
        self.write_text(name, json.dumps(_plain(content), indent=2, ensure_ascii=False) + "\n")


def open_folder(out: Path | None, what: str, now: datetime) -> RunFolder:
    """Make the folder of a run.

    Args:
        out: where the user wants it; `runs/<time>-<what>` by default.
        what: for the default name.
        now: for the default name.

    Raises:
        UserError: it cannot be made, or holds a run already.
    """
    if out is None:
        stem = f"{now:%Y%m%d-%H%M%S}-{what}"
        out = Path("runs") / stem
        copies = 1
        while out.exists():
            copies += 1
            out = Path("runs") / f"{stem}-{copies}"
    require_free(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"--out: cannot write in {out}: {error.strerror}") from None
    return RunFolder(out)


def require_run(path: Path, files: Sequence[str], ended: str) -> None:
    """Refuse what is no folder of a run.

    Args:
        path: of the folder.
        files: that it has to hold.
        ended: how the run has to have ended, for the message.

    Raises:
        UserError: as said.
    """
    if path.is_file():
        raise UserError(
            f"{path}: is a file, wanted the folder that a run wrote; did you mean {path.parent}?"
        )
    if not path.is_dir():
        raise UserError(f"{path}: no such folder; wanted one that a run wrote, as in runs/<time>-…")
    for name in files:
        if not (path / name).is_file():
            raise UserError(f"{path}: holds no {name}; wanted the folder of a run that {ended}")


def require_free(out: Path | None) -> None:
    """Refuse a folder that is not empty, or no folder.

    Raises:
        UserError: as said.
    """
    try:
        if out is not None and out.is_dir() and any(out.iterdir()):
            raise UserError(f"--out: {out} is not empty; name a folder of its own")
    except OSError as error:
        raise UserError(f"--out: cannot read {out}: {error.strerror}") from None
    if out is not None and out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file; name a folder")


def history_row(epoch: Epoch) -> dict[str, float]:
    """One row of the history: quantiles, extremes and mean of the per-sample loss by learner.

    With a circuit, its deviation from the mathematics too, V rms.
    """
    row: dict[str, float] = {"epoch": epoch.number}
    for name, losses in epoch.losses.items():
        row[f"{name}_mean"] = float(losses.mean())
        row[f"{name}_min"] = float(losses.min())
        row |= {f"{name}_{q}": float(np.quantile(losses, p)) for q, p in QUANTILES.items()}
        row[f"{name}_max"] = float(losses.max())
        row[f"{name}_skipped"] = epoch.skipped[name]
        row[f"{name}_doubtful"] = epoch.doubtful[name]
    if "in_loop" in epoch.losses:
        row["in_loop_deviation_rms"] = epoch.deviation
    return row


def versions(ngspice: str | None) -> dict[str, str | None]:
    """Versions of everything that a figure depends on."""
    return {
        "python": platform.python_version(),
        "ngspice": ngspice,
        "pyspice": version("PySpice"),
        "numpy": np.__version__,
        "scipy": version("scipy"),
        "danp_cosim": version("danp-cosim"),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value

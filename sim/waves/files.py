"""Waveforms as files: SPICE raw, netCDF and CSV."""

import csv
import io
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sim.waves.waves import Waves, current_name

if TYPE_CHECKING:
    from sim.record import RunFolder

NAME = "waveforms"
"""Of the pair of passes that every run leaves behind."""

_FOREIGN = (b"Offset:", b"Command:")
"""Lines of a raw file's head that ngspice complains of; it would run the second as a command."""


def write_waves(folder: "RunFolder", waves: Waves, name: str = NAME) -> None:
    """Write waves as a raw file and as a dataset, each whole or not at all.

    Args:
        folder: to write in.
        waves: to write.
        name: of the files, without suffix.

    Raises:
        WriteError: the folder does not take them.
    """
    for suffix in ("raw", "nc"):
        folder.write_bytes(f"{name}.{suffix}", FORMATS[suffix](waves))


def read_waves(path: Path) -> Waves:
    """Read a dataset of waveforms, such as a run's `waveforms.nc`.

    Raises:
        UserError: it is not there, or no such dataset.
    """
    import xarray as xr  # noqa: PLC0415  # most of a second

    from sim.errors import UserError  # noqa: PLC0415  # with the physics, half a second

    try:
        with path.open("rb") as file, xr.open_dataset(file, engine="scipy") as dataset:
            return Waves.from_dataset(dataset.load())
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from None
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        raise UserError(
            f"{path}: wanted a netCDF file of waveforms, as danp-cosim waves writes"
        ) from None


def to_raw(waves: Waves) -> bytes:
    """As a SPICE raw file: the time, `v(node)` and `i(source)`, all as doubles.

    ngspice and readers of LTspice's files take it for the same numbers: `double` among the flags
    tells the latter that voltages are not singles.
    """
    from spicelib import RawWrite, Trace  # noqa: PLC0415  # for those who write raw files only

    raw = RawWrite(fastacces=False, numtype="real double", encoding="ascii")
    raw.add_trace(Trace("time", waves.time, "time", "double"))
    for node, volts in waves.voltages.items():
        raw.add_trace(Trace(f"v({node})", volts, "voltage", "double"))
    for source, amperes in waves.currents.items():
        raw.add_trace(Trace(current_name(source), amperes, "current", "double"))
    with tempfile.TemporaryDirectory(prefix="danp-cosim-") as folder:
        draft = Path(folder) / "waves.raw"
        raw.save(draft)
        head, mark, numbers = draft.read_bytes().partition(b"Binary:\n")
    lines = [line for line in head.splitlines(keepends=True) if not line.startswith(_FOREIGN)]
    about = f"Title: danp-cosim: {_ascii(waves.title)}; {waves.passes_in_words}; {waves.engine}\n"
    lines[0] = about.encode("ascii")
    return b"".join([*lines, mark, numbers])


def to_netcdf(waves: Waves) -> bytes:
    """As netCDF, of the format that every reader knows (3)."""
    return bytes(waves.to_dataset().to_netcdf(None, engine="scipy"))


def to_csv(waves: Waves) -> bytes:
    """As a table: time in s, then a column a node in V, seventeen digits."""
    currents = {current_name(name): amperes for name, amperes in waves.currents.items()}
    columns = {"time": waves.time, **waves.voltages, **currents}
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(columns)
    writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return table.getvalue().encode("ascii")


FORMATS: Mapping[str, Callable[[Waves], bytes]] = {
    "raw": to_raw,
    "nc": to_netcdf,
    "csv": to_csv,
}
"""Writers by suffix."""

SUFFIXES = (*FORMATS, "png")
"""Of the files that `danp-cosim waves` writes: these, and the figure."""


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")

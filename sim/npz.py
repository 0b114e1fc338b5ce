"""Archives of numpy's (`.npz`) from outside: read without pickles, or refused in one line."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError

# What zipfile, the unpackers and numpy's reader of headers say of content that they cannot take:
# unknown or encrypted members, sizes and offsets out of range, headers that are no Python.
_UNREADABLE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
)


def read_npz(path: Path, where: str, wanted: str) -> dict[str, NDArray[Any]]:
    """Read all arrays of an archive, each member's checksum compared first.

    Args:
        path: of the archive.
        where: begins the message, as in `--start: weights.npz`.
        wanted: ends the message, as in `wanted weights.npz of a run`.

    Raises:
        UserError: there is no such file, or it is damaged or something else.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise UserError(f"{where}: {_in_a_line(damaged)} in it is damaged, {wanted}")
            file.seek(0)
            with np.load(file, allow_pickle=False) as members:
                arrays = {name: members[name] for name in members.files}
    except OSError as error:
        raise UserError(f"{where}: cannot read: {error.strerror or error}") from None
    except zipfile.BadZipFile:
        raise UserError(f"{where}: is damaged or something else, {wanted}") from None
    except _UNREADABLE:
        raise UserError(f"{where}: its arrays cannot be read, {wanted}") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # numpy gives any other member as its bytes
            raise UserError(f"{where}: {_in_a_line(name)} in it is no array, {wanted}")
    return arrays


def _in_a_line(name: str) -> str:
    """A member's name, which may be anything, for a message."""
    return name if name.isprintable() and len(name) < 80 else repr(name[:60])

"""A tree of plain values and arrays as one .npz file that checks itself.

The file is an archive of numpy's without pickles: `danp_cosim_checkpoint` holds the tree as JSON
text, `arrays` the bytes of its arrays, one after the other. The archive's comment, which is the end
of the file, holds the format's number and the SHA-256 of all bytes before that; so no damage, be it
a flipped bit or a missing end, goes unseen.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError

FORMAT = 2
"""Number of the format; another one every time that a tree of before can no longer be read."""

_TREE, _ARRAYS = "danp_cosim_checkpoint", "arrays"
_OPENING = b"PK\x03\x04"
_MARK = b"danp-cosim format "
_NAME_AT = 30  # in a zip file, of the first member's name
_HEX = 64  # digits of a SHA-256
_TAIL = len(_MARK) + 6 + _HEX
_ARRAY = "$array"


class ArchiveError(ValueError):
    """The bytes are not a whole archive of this format; says in words what they are."""


def pack(tree: Mapping[str, Any]) -> bytes:
    """The file's content.

    Args:
        tree: dicts with text keys, lists, tuples (which come back as lists), numbers, texts, None
            and arrays of numbers.
    """
    chunks: list[bytes] = []
    text = json.dumps(_without_arrays(tree, chunks, [0]))
    file = io.BytesIO()
    np.savez(
        file,
        allow_pickle=False,
        **{_TREE: _as_bytes(text.encode()), _ARRAYS: _as_bytes(b"".join(chunks))},
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b" " * _TAIL
    content = file.getvalue()[:-_TAIL] + _MARK + f"{FORMAT:5d} ".encode()
    return content + hashlib.sha256(content).hexdigest().encode()


def unpack(content: bytes) -> dict[str, Any]:
    """The tree in a file's content.

    Raises:
        ArchiveError: it is damaged, of another format, or something else.
    """
    digest = hashlib.sha256(content[:-_HEX]).hexdigest().encode()
    if digest != content[-_HEX:]:
        raise ArchiveError(
            "is damaged: its SHA-256 is not the one that it carries"
            if content.startswith(_OPENING) and content[_NAME_AT:].startswith(_TREE.encode())
            else "is no checkpoint of danp-cosim"
        )
    if not content[-_TAIL:].startswith(_MARK):
        raise ArchiveError("is no checkpoint of danp-cosim, though its SHA-256 is right")
    number = content[-_TAIL + len(_MARK) : -_HEX].decode("ascii", "replace").strip()
    if number != str(FORMAT):
        raise ArchiveError(f"is of format {number}; this version reads format {FORMAT}")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            tree = json.loads(archive[_TREE].tobytes())
            return _with_arrays(tree, archive[_ARRAYS].tobytes())
    except (LookupError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile):
        raise ArchiveError("is no checkpoint of danp-cosim, though its SHA-256 is right") from None


def read_archive(folder: Path, name: str, instead: str) -> dict[str, Any]:
    """Read the tree in a file of a folder.

    Args:
        folder: of a run.
        name: of the file.
        instead: what else may be done, which ends every message.

    Raises:
        UserError: there is none, or it is damaged, of another format or something else.
    """
    path = folder / name
    try:
        return unpack(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{folder}: holds no {name} to go on from; {instead}") from None
    except OSError as error:
        raise UserError(f"{path}: cannot read: {error.strerror}") from None
    except ArchiveError as error:
        raise UserError(f"{path}: {error}; {instead}") from None


def _as_bytes(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, dtype=np.uint8)


def _without_arrays(value: Any, chunks: list[bytes], end: list[int]) -> Any:
    """A tree with its arrays replaced by what and where they are in the chunks."""
    match value:
        case np.ndarray():
            # In the order that it has in memory: products may round otherwise in another.
            order = "F" if value.flags.fnc else "C"
            place = [_ARRAY, value.dtype.str, order, list(value.shape), end[0]]
            chunks.append(value.tobytes(order))
            end[0] += len(chunks[-1])
            return place
        case Mapping():
            return {key: _without_arrays(item, chunks, end) for key, item in value.items()}
        case list() | tuple():
            return [_without_arrays(item, chunks, end) for item in value]
        case _:
            return value


def _with_arrays(value: Any, content: bytes) -> Any:
    match value:
        case [str(mark), str(dtype), ("C" | "F") as order, list(shape), int(start)] if (
            mark == _ARRAY
        ):
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(content, dtype=np.dtype(dtype), count=count, offset=start)
            return flat.reshape(shape, order=order).copy(order)
        case dict():
            return {key: _with_arrays(item, content) for key, item in value.items()}
        case list():
            return [_with_arrays(item, content) for item in value]
        case _:
            return value

"""IDX files of bytes, plain or gzipped.

The format (Y. LeCun and C. Cortes, the MNIST database): two bytes 0, a byte for the type of the
numbers, a byte for the number of dimensions, the length of each dimension as a big-endian integer
of four bytes, then the numbers, the last dimension running fastest.
"""

import gzip
import os
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

_BYTES = 0x08  # type code of unsigned bytes
_GZIP = b"\x1f\x8b"
_LARGEST = 2**31  # bytes of numbers, at most: no header makes a reader ask for all of the memory
_PIECE = 2**20  # bytes read at once: memory follows what a file holds, not what its header says

_Stream = BinaryIO | gzip.GzipFile


def read_idx(path: Path, item: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read unsigned bytes.

    Args:
        path: The file. Whether it is gzipped is told by its first bytes, not by its name.
        item: Shape that each item has to have; nothing for a row of numbers.

    Returns:
        The numbers, of shape (items, *item).

    Raises:
        ValueError: One line that says what is wrong with the file.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(len(_GZIP)) == _GZIP
            plain.seek(0)
            if not packed:
                return _read(plain, path, item, os.fstat(plain.fileno()).st_size)
            with gzip.open(plain) as unpacked:
                return _read(unpacked, path, item, None)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(
            f"{path}: is damaged, wanted a whole gzip file: {error}; fetch it again"
        ) from None
    except OSError as error:
        raise ValueError(f"{path}: cannot read: {error.strerror or error}") from None
    except MemoryError:
        raise ValueError(f"{path}: holds more than there is memory for") from None


def _read(
    stream: _Stream, path: Path, item: tuple[int, ...], file_size: int | None
) -> NDArray[np.uint8]:
    """The numbers; where the file's size is known, it has to fit before any of them is read."""
    shape = _shape(stream, path, item)
    size = prod(shape)
    got = size if file_size is None else file_size - stream.tell()
    content = bytearray()
    if got == size:
        # A byte more than wanted: it would be one too many, and the end has gzip check its sum.
        while piece := stream.read(min(_PIECE, size + 1 - len(content))):
            content += piece
        got = len(content)
    if got != size:
        raise ValueError(
            f"{path}: its header asks for {_times(shape)} = {size:,} bytes, got "
            f"{'more' if got > size else f'{got:,}'}; fetch the file again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _shape(stream: _Stream, path: Path, item: tuple[int, ...]) -> tuple[int, ...]:
    """What the header says; raises where that is not what is wanted."""
    dimensions = 1 + len(item)
    wanted = f"wanted an IDX file of unsigned bytes in {_dimensions(dimensions)}"
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise ValueError(f"{path}: begins with {magic.hex(' ') or 'nothing'}, {wanted}")
    if magic[2] != _BYTES:
        raise ValueError(f"{path}: holds numbers of type 0x{magic[2]:02x}, {wanted} (0x08)")
    if magic[3] != dimensions:
        raise ValueError(f"{path}: holds numbers in {_dimensions(magic[3])}, {wanted}")
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise ValueError(f"{path}: ends within its header, {wanted}; fetch the file again")
    shape = tuple(np.frombuffer(header, dtype=">u4").tolist())
    if shape[1:] != item:
        raise ValueError(f"{path}: wanted items of {_times(item)}, got {_times(shape[1:])}")
    if prod(shape) > _LARGEST:
        raise ValueError(
            f"{path}: its header asks for {_times(shape)} bytes, wanted at most {_LARGEST:,}"
        )
    return shape


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def _dimensions(count: int) -> str:
    return f"{count} dimension{'' if count == 1 else 's'}"

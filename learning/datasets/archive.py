"""Files of a .tar.gz, read by name; nothing is written to the disk."""

import gzip
import tarfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, cast

LARGEST = 2**28
"""Bytes that a file, or all of an archive when unpacked, may have: CIFAR's have 186 million."""

_PIECE = 2**20


class _Bounded:
    """A stream that gives no more than `LARGEST` bytes in all, whatever an archive claims."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, LARGEST

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise ValueError(f"{self._path}: holds more than {LARGEST:,} bytes; fetch it again")
        return content


def read_members(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Read some files of an archive.

    The archive is read to its end, where gzip's checksum is.

    Args:
        path: A .tar.gz.
        names: Of the files in it, with their folder.

    Returns:
        Content of those that are there, by name.

    Raises:
        ValueError: One line that says what is wrong with the archive.
    """
    found: dict[str, bytes] = {}
    try:
        with gzip.open(path) as unpacked:
            stream = _Bounded(unpacked, path)
            with tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|") as archive:
                for member in archive:
                    if member.name in names:
                        found[member.name] = _content(archive, member, path, found)
            while stream.read(_PIECE):
                pass
    except gzip.BadGzipFile as error:
        raise ValueError(
            f"{path}: is something else, wanted the .tar.gz as it is published: {error}; fetch it "
            "again"
        ) from None
    except OSError as error:
        raise ValueError(f"{path}: cannot read: {error.strerror or error}") from None
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: is damaged, wanted a whole .tar.gz: {error}; fetch it again"
        ) from None
    except MemoryError:
        raise ValueError(f"{path}: holds more than there is memory for") from None
    return found


def _content(
    archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path, found: Collection[str]
) -> bytes:
    if member.name in found:
        raise ValueError(f"{path}: holds {member.name} twice; fetch it again")
    file = archive.extractfile(member) if member.isreg() else None
    if file is None:
        raise ValueError(f"{path}: {member.name} is no plain file in it; fetch it again")
    return file.read()

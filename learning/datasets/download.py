"""Published files, fetched into a folder and held against their checksums."""

import contextlib
import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias, cast

from learning.datasets.published import PublishedFile, PublishedSet

PAGE = "docs/image-data.md"
Tell: TypeAlias = Callable[[str], None]
"""Takes a line on what is under way."""

_TIMEOUT = 30  # s without a byte, after which a server counts as gone
_PIECE = 2**18


def default_folder() -> Path:
    """Return the folder that files are fetched to where none is given: the user's cache."""
    import pooch  # noqa: PLC0415 - what reads no files needs none of it

    return Path(pooch.os_cache("danp-cosim"))


def fetch(published: PublishedSet, folder: Path, tell: Tell) -> None:
    """Fetch those files of a set that a folder does not hold; hold all of them against their sums.

    A file takes its place whole and checked, or not at all; one that is there is never replaced.

    Args:
        published: The set.
        folder: Where its files are, or are to be; it is made where it is not there.
        tell: Told of each file before it is fetched.

    Raises:
        ValueError: One line: a file that is there is another one, or one could not be fetched.
    """
    for file in published.files:
        path = folder / file.name
        try:
            there = path.exists()
            got = _md5(path) if there else None
        except OSError as error:
            raise ValueError(f"{path}: cannot read: {error.strerror}") from None
        if not there:
            tell(f"fetching {file.size / 1e6:.1f} MB from {published.address}{file.name} to {path}")
            _fetch(published, file, path)
        elif got != file.md5:
            raise ValueError(
                f"{path}: its MD5 is {got}, {published.title}'s published file has {file.md5}; "
                "move it away to have it fetched, or do without --download to read it as it is"
            )


def _fetch(published: PublishedSet, file: PublishedFile, path: Path) -> None:
    import pooch  # noqa: PLC0415
    from requests.exceptions import RequestException  # noqa: PLC0415
    from urllib3.exceptions import HTTPError as BrokenConnection  # noqa: PLC0415

    url = published.address + file.name
    by_hand = f"bring {file.name} by hand to {path.parent}, see {PAGE}"
    try:
        with _quiet(pooch.get_logger()):
            pooch.retrieve(
                url,
                known_hash=f"md5:{file.md5}",
                fname=path.name,
                path=path.parent,
                # Its type names arguments that it gives by their place.
                downloader=cast("Any", lambda at, draft, _: _get(at, Path(draft), file.size)),
            )
    except (RequestException, BrokenConnection) as error:  # the former is an OSError, too
        raise ValueError(f"{url}: cannot fetch: {_reason(error)}; {by_hand}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot write: {error.strerror or error}") from None
    except ValueError:
        raise ValueError(
            f"{url}: what came is damaged or another file, its MD5 is not {file.md5}; try again, "
            f"or {by_hand}"
        ) from None


def _get(url: str, draft: Path, size: int) -> None:
    """Write what an address gives to a file, and at most a piece too many.

    Bytes as they come: a server that calls a .gz a packed answer would have it unpacked on the way,
    and no checksum fits that.
    """
    import requests  # noqa: PLC0415

    with requests.get(url, stream=True, timeout=_TIMEOUT) as response, draft.open("wb") as to:
        response.raise_for_status()
        left = size
        for piece in response.raw.stream(_PIECE, decode_content=False):
            to.write(piece)
            left -= len(piece)
            if left < 0:
                return


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep a logger from lines that are no warnings."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _reason(error: Exception) -> str:
    from requests.exceptions import ConnectionError as NoConnection  # noqa: PLC0415
    from requests.exceptions import HTTPError, Timeout  # noqa: PLC0415

    match error:
        case HTTPError(response=response) if response is not None:
            return f"the server says {response.status_code} {response.reason}"
        case Timeout():
            return f"no answer in {_TIMEOUT} s"
        case NoConnection():
            return "no connection, or it broke"
        case _:
            return f"the connection broke ({type(error).__name__})"

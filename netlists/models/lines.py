"""A SPICE library file as logical lines: includes put in, continuations joined, comments gone."""

import codecs
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from circuits.errors import UserError

LARGEST = 1_000_000
"""Characters of a library with all that it includes; an op-amp's model has some thousands."""

_DEEPEST = 20  # files inside of each other

_COMMAND = re.compile(r"\*#.*[A-Za-z]")
_ENCRYPTED = re.compile(
    rb"^(\*+ *LTspice Encrypted File|<Binary File>|\$CDNENC|\*+\$ENCRYPTED_LIB)",
    re.IGNORECASE | re.MULTILINE,
)
_INCLUDE = re.compile(r"\.(include|incl?|lib)\s+(\"[^\"]*\"|'[^']*'|\S+)\s*(.*)", re.IGNORECASE)
_INCLUDING = re.compile(r"\.(include|incl?|lib)\b", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.,()+/ -]+")


@dataclass(frozen=True)
class Line:
    """A statement with its continuations.

    Attributes:
        place: file and number of its first line, for messages.
        text: without comments, blanks at the ends and continuation marks.
    """

    place: str
    text: str

    def refused(self, why: str) -> UserError:
        """The error that names this line."""
        return UserError(f"{self.place}: {why}")


def read_lines(path: Path) -> tuple[Line, ...]:
    """Statements of a library file, and in their places those of files that it includes.

    Raises:
        UserError: a file that cannot be read, is no text or too large, or an include of a file
            outside of the library's folder.
    """
    return tuple(_Reading(_resolved(path, str(path)).parent).read(path, path, ()))


def split_lines(text: str, origin: str) -> tuple[Line, ...]:
    """Statements of a text without includes.

    Args:
        text: of a library.
        origin: what to call it in messages.

    Raises:
        UserError: a line that ngspice would run, or one that continues none.
    """
    return tuple(_logical(text, origin))


class _Reading:
    """Files read so far; how much text they may hold together, and where they may lie."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._left = LARGEST

    def read(self, path: Path, shown: Path, around: tuple[Path, ...]) -> Iterator[Line]:
        """Lines of a file, which the files `around` are about to include."""
        file = _resolved(path, str(shown))
        for line in _logical(self._text(file, shown), str(shown)):
            if not _INCLUDING.match(line.text):
                yield line
                continue
            inner = self._included(line, file)
            if len(around) == _DEEPEST:
                raise line.refused(f"wanted at most {_DEEPEST} files inside of each other")
            if inner in (*around, file):
                raise line.refused(f"{inner.name} includes itself; take this line out")
            yield from self.read(inner, shown.parent / _named(line), (*around, file))

    def _included(self, line: Line, file: Path) -> Path:
        name = _named(line)
        target = file.parent / name
        with contextlib.suppress(RuntimeError):  # of a loop of links, refused below
            if not target.resolve().is_relative_to(self._folder):
                raise line.refused(
                    f"{name} lies outside of the library's own folder, {self._folder}; copy it "
                    "there"
                )
        return _resolved(target, f"{line.place}: .include {name}")

    def _text(self, path: Path, shown: Path) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(self._left + 1)
        except OSError as error:
            raise UserError(f"{shown}: cannot read the model file: {error.strerror}") from None
        if len(raw) > self._left:
            raise UserError(
                f"{shown}: wanted at most {LARGEST:,} characters with all that it includes; copy "
                "the model and what it refers to into a file of their own"
            )
        self._left -= len(raw)
        if _ENCRYPTED.search(raw):
            raise UserError(
                f"{shown}: is encrypted, and only the program that it was made for can read it; "
                "ask its maker for a plain SPICE model"
            )
        if _is_utf16(raw):
            raise UserError(f"{shown}: is text in UTF-16; save it as UTF-8")
        if b"\0" in raw:
            raise UserError(f"{shown}: is not text, wanted a SPICE library")
        raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            return raw.decode("utf8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")  # of older files; past comments only ASCII will do


def _is_utf16(raw: bytes) -> bool:
    """Whether bytes begin as such text does, or every other one of their first is zero."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    begin = raw[:64]
    return len(begin) > 3 and any(not any(begin[k::2]) and all(begin[1 - k :: 2]) for k in (0, 1))


def _resolved(path: Path, shown: str) -> Path:
    """Where a regular file lies, symbolic links followed."""
    try:
        file = path.resolve()
        regular = file.is_file()  # not a device or a pipe, which might never end
    except (OSError, RuntimeError, ValueError):
        file, regular = path, False
    if not regular:
        raise UserError(f"{shown}: there is no such model file; look at its path")
    return file


def _named(line: Line) -> Path:
    match = _INCLUDE.fullmatch(line.text)
    name = match[2].strip("\"'") if match else ""
    if match is None or not _PLAIN_NAME.fullmatch(name):
        raise line.refused(
            f"wanted .include and the name of a file, without a path's \\ and without $, ` and ~, "
            f"got {line.text[:60]!r}"
        )
    if match[3]:
        raise line.refused(
            f"takes the section {match[3][:40]!r} of a library, and only whole files are taken; "
            "put the section into a file of its own and .include that"
        )
    return Path(name)


def _logical(text: str, origin: str) -> Iterator[Line]:
    whole: Line | None = None
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        place = f"{origin}, line {number}"
        if _COMMAND.match(raw.strip()):
            raise UserError(
                f"{place}: ngspice runs what follows *# as a command, got {raw.strip()[:60]!r}; "
                "take the line out, or put a blank after the *"
            )
        bare = "" if raw.lstrip().startswith("*") else _without_comment(raw).strip()
        if not bare:
            continue
        if bare.startswith("+"):
            if whole is None:
                raise UserError(f"{place}: continues a line that is not there; mend it")
            whole = Line(whole.place, f"{whole.text} {bare[1:].strip()}")
            continue
        if whole is not None:
            yield whole
        whole = Line(place, bare)
    if whole is not None:
        yield whole


def _without_comment(line: str) -> str:
    """A line up to what ngspice takes for a comment: `;`, `//`, or `$` after a blank."""
    return re.split(r";|//|(?:^|(?<=[\s,]))\$", line, maxsplit=1)[0]

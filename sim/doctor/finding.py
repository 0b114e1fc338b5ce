"""What was looked at, and what was found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "wrong", "skipped"]
"""ok: as it should be; note: no run needs it, or worth knowing; wrong: something needed is missing
or broken; skipped: could not be tried, since something before it is wrong."""


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: was looked at.
        state: how it stands.
        found: in words, with versions, paths and figures.
        remedies: what to do about it, a line each; a command where there is one.
    """

    what: str
    state: State
    found: str
    remedies: tuple[str, ...] = ()


def one_line(text: object) -> str:
    """Any text as one line."""
    return " ".join(str(text).split())

"""What a check of rules finds, and what becomes of it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from circuits.errors import UserError

Severity = Literal["error", "warning"]

_NAMED = 3  # parts named in a line; summary.json names all


@dataclass(frozen=True)
class Finding:
    """A rule that a circuit breaks.

    Attributes:
        severity: an error stops whoever checks, a warning is listed.
        rule: its name, as docs/rules.md lists it.
        node: by ngspice's name; empty where it is no one node.
        part: element or instance by ngspice's name, or path of a parameter.
        message: what is wrong there, and what mends it; names the node where the part is not at it.
        like: further parts that break it in the same way; this one is the worst.
    """

    severity: Severity
    rule: str
    node: str
    part: str
    message: str
    like: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = not self.node or self.node in self.message.split()
        place = self.part if named else f"{self.part} at {self.node}"
        return f"{self.rule}: {place}: {self.message}{_likewise(self.like)}"

    @property
    def breaches(self) -> frozenset[tuple[str, str, str]]:
        """Severity, rule and part, of each part that breaks it."""
        return frozenset((self.severity, self.rule, part) for part in (self.part, *self.like))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "severity": self.severity,
            "rule": self.rule,
            "node": self.node or None,
            "part": self.part,
            "message": self.message,
            "like": list(self.like),
        }


def merged(findings: Iterable[Finding]) -> Iterator[Finding]:
    """One finding for all that differ by numbers in the part's name alone: the first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        kind = re.sub(r"\d+", "", finding.part)
        groups.setdefault((finding.severity, finding.rule, kind), []).append(finding)
    for first, *others in groups.values():
        yield replace(first, like=tuple(dict.fromkeys(other.part for other in others)))


def _likewise(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    named, rest = parts[:_NAMED], len(parts) - _NAMED
    return f" (likewise {', '.join(named)}{f' and {rest} more' if rest > 0 else ''})"


def require_sound(findings: Sequence[Finding]) -> None:
    """Stop at errors.

    Raises:
        UserError: a line for each.
    """
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    if errors:
        raise UserError(*errors)


def warnings_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The warnings, a line each."""
    return tuple(str(finding) for finding in findings if finding.severity == "warning")

"""Requirements as a distribution's metadata states them, and whether a version meets one.

Of PEP 440 as much as the project's own requirements use: release numbers, compared number by
number. Pre-releases count as their release, local parts (`+cpu`) do not count.
"""

import re
from dataclasses import dataclass

_FORM = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;()]*)\)?\s*(?:;(.*))?")
_CLAUSE = re.compile(r"(>=|<=|==|!=|<|>)\s*v?(\d+(?:\.\d+)*)")
_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class Requirement:
    """A package that is wanted.

    Attributes:
        name: of the distribution.
        wanted: versions, as in `>=2.0,<3`; "" for any.
        condition: under which it is wanted, as in `extra == "dev"`; "" for always.
    """

    name: str
    wanted: str
    condition: str

    def __str__(self) -> str:
        return f"{self.name}{self.wanted}"

    @property
    def module(self) -> str:
        """Its import name."""
        return _MODULES.get(self.name.lower(), self.name.replace("-", "_"))


_MODULES = {"scikit-learn": "sklearn"}


def parse_requirement(text: str) -> Requirement:
    """Read one line of `Requires-Dist`.

    Raises:
        ValueError: it is none.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"wanted a requirement such as 'numpy>=2.0', got {text!r}")
    name, wanted, condition = (part or "" for part in match.groups())
    return Requirement(name, wanted.replace(" ", ""), condition.strip())


def meets(version: str, wanted: str) -> bool:
    """Whether a version is one of those wanted.

    Args:
        version: such as `2.13.0+cpu`.
        wanted: such as `>=2.0,<3`; "" for any.

    Raises:
        ValueError: one of them takes more of PEP 440 than is known here.
    """
    return all(_holds(version, clause) for clause in wanted.split(",") if clause.strip())


def _holds(version: str, clause: str) -> bool:
    release, match = _RELEASE.match(version), _CLAUSE.fullmatch(clause.strip())
    if release is None or match is None:
        raise ValueError(f"cannot compare version {version!r} with {clause!r}")
    operator, limit = match.groups()
    one, other = _numbers(release[1]), _numbers(limit)
    return {
        ">=": one >= other,
        "<=": one <= other,
        "==": one == other,
        "!=": one != other,
        "<": one < other,
        ">": one > other,
    }[operator]


def _numbers(release: str) -> tuple[int, ...]:
    numbers = [int(number) for number in release.split(".")]
    while numbers and numbers[-1] == 0:  # 2.0 is 2
        numbers.pop()
    return tuple(numbers)

"""What `.param` and `.func` statements define, and what their definitions refer to.

ngspice takes definitions in any order. It puts functions' bodies in place of their calls, without
end where one comes back to itself: tried with ngspice 39, that ends the process (SIGSEGV), used or
not. A parameter that needs itself is an error there. So neither gets through.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from netlists.models.lines import Line

_ARGUMENTS = r"\s*\(([\w\s,]*)\)"
_FUNCTION = re.compile(rf"\.func\s+([A-Za-z_]\w*){_ARGUMENTS}(.*)", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(?<!\w)([A-Za-z_]\w*)(?:{_ARGUMENTS})?\s*=(?!=)")
_ASSIGNED_FUNCTION = re.compile(rf"\.param\s+[A-Za-z_]\w*{_ARGUMENTS}\s*=(?!=)", re.IGNORECASE)
_LIKE_A_FUNCTION = re.compile(r"\)[\s'{}]*(=(?!=)|[<>!=]=)")
_GROUP = re.compile(r"\{[^{}]*\}|'[^']*'")
_INVISIBLE = re.compile(r"[\s'{}]")
_NAME = re.compile(r"[A-Za-z_]\w*")
_REFERENCE = re.compile(r"([0-9.]?)([A-Za-z_]\w*)(\()?")
"""A digit before (then letters are part of a number), a name, and the bracket of a call."""


@dataclass(frozen=True)
class Definition:
    """What one name stands for.

    Attributes:
        line: that defines it.
        name: in lower case.
        arguments: of a function, in lower case; None of a parameter.
        text: the expression.
    """

    line: Line
    name: str
    arguments: frozenset[str] | None
    text: str

    @property
    def key(self) -> str:
        """The name, with `()` behind a function's: a parameter may have the same."""
        return self.name if self.arguments is None else f"{self.name}()"

    def references(self) -> Iterator[str]:
        """Keys that the expression may refer to."""
        # To ngspice `f'' f{(x)}` is a call of ff.
        for before, name, call in _REFERENCE.findall(_INVISIBLE.sub("", self.text)):
            folded = name.lower()
            if call:
                yield f"{folded}()"
            elif not before and folded not in (self.arguments or ()):
                yield folded


def definitions(line: Line) -> list[Definition]:
    """Definitions of a `.param` or `.func` statement, or of a subcircuit's parameters.

    Raises:
        UserError: a function whose name or arguments are not plain, or parameters with commas
            between them.
    """
    if line.text[:5].lower() == ".func":
        match = _FUNCTION.fullmatch(line.text)
        if match is None:
            raise line.refused(f"wanted .func NAME(ARGUMENT, …) {{…}}, got {line.text[:60]!r}")
        return [Definition(line, match[1].lower(), _names(match[2]), match[3])]
    function = _ASSIGNED_FUNCTION.match(line.text)
    rest = line.text[function.end() if function else 0 :]
    # ngspice makes a function of `f(x)<=…` too; in braces that is a comparison.
    like = any(match[1] == "=" for match in _LIKE_A_FUNCTION.finditer(rest))
    if like or _LIKE_A_FUNCTION.search(_GROUP.sub(" ", rest)):
        raise line.refused(
            f"wanted .func NAME(ARGUMENT, …) {{…}} for a function, got {line.text[:60]!r}"
        )
    if _has_bare_comma(line.text):
        raise line.refused(
            f"wanted blanks between parameters, got {line.text[:60]!r}; a comma there can keep "
            "ngspice reading for ever"
        )
    found = list(_ASSIGNED.finditer(line.text))
    starts = [*(match.start() for match in found), len(line.text)]
    return [
        Definition(
            line,
            match[1].lower(),
            None if match[2] is None else _names(match[2]),
            line.text[match.end() : end],
        )
        for match, end in zip(found, starts[1:], strict=True)
    ]


def assigned(line: Line) -> frozenset[str]:
    """Names that a statement gives meaning to, in lower case."""
    return frozenset(definition.name for definition in definitions(line))


def needed(settings: Sequence[Line], texts: Iterable[str], own: AbstractSet[str]) -> list[Line]:
    """Those settings that texts refer to, and those that these refer to, in their order.

    Args:
        settings: `.param` and `.func` statements.
        texts: to look through.
        own: names in lower case that have another meaning there.
    """
    defining: dict[str, list[int]] = {}
    for k, line in enumerate(settings):
        for name in assigned(line):
            defining.setdefault(name, []).append(k)
    seen = _names_in(texts) - own
    wanted, kept = list(seen), set[int]()
    while wanted:
        for k in defining.get(wanted.pop(), ()):
            if k not in kept:
                kept.add(k)
                more = _names_in([settings[k].text]) - own - seen
                seen |= more
                wanted.extend(more)
    return [settings[k] for k in sorted(kept)]


def require_order(lines: Iterable[Line]) -> None:
    """Refuse definitions that come back to themselves.

    Args:
        lines: `.param` and `.func` statements that hold in one place.

    Raises:
        UserError: names the first line of such a circle, and the names on its way round.
    """
    places: dict[str, tuple[int, Line]] = {}
    graph: dict[str, list[str]] = {}
    for position, line in enumerate(lines):
        for definition in definitions(line):
            places.setdefault(definition.key, (position, line))
            graph.setdefault(definition.key, []).extend(definition.references())
    known = {key: [to for to in towards if to in graph] for key, towards in graph.items()}
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        circle = error.args[1][:0:-1]  # graphlib has the way back, its end twice
        first = min(circle, key=lambda key: places[key][0])
        start = circle.index(first)
        way = [*circle[start:], *circle[:start], first]
        raise (
            places[first][1].refused(
                f"{first} is defined by itself ({' -> '.join(way[:20])}{' …' * (len(way) > 20)}); "
                "no value comes of that, so take one of these references out"
            )
        ) from None


def _has_bare_comma(text: str) -> bool:
    """Whether there is a comma outside of brackets, braces and quotes."""
    depth, quoted = 0, False
    for character in text:
        if character == "," and depth <= 0 and not quoted:
            return True
        depth += (character in "({") - (character in ")}")
        quoted ^= character == "'"
    return False


def _names_in(texts: Iterable[str]) -> set[str]:
    return {word.lower() for text in texts for word in _NAME.findall(text)}


def _names(arguments: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", arguments.lower()))

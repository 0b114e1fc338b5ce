"""Functions of PSpice and LTspice that ngspice lacks, or reads otherwise, as `.func` statements.

Tried with ngspice 39, which is run without a compatibility mode: to it `limit(x, a)` draws a random
number between x - a and x + a, once as the deck is read, whatever follows; `pwr` keeps the sign in
an element and drops it in a `.param`; the others are unknown to it, in elements at least. It puts a
`.func` in place before it looks for functions of its own, in elements, `.param` and `.model`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from netlists.models.lines import Line
from netlists.models.screening import word_of
from netlists.models.settings import definitions

DEFINITIONS: Mapping[str, tuple[int, str]] = {
    "limit": (3, ".func limit(x,a,b) {min(max(x,min(a,b)),max(a,b))}"),
    "if": (3, ".func if(c,a,b) {ternary_fcn(c,a,b)}"),
    "pwr": (2, ".func pwr(x,y) {pow(abs(x),y)}"),
    "pwrs": (2, ".func pwrs(x,y) {sgn(x)*pow(abs(x),y)}"),
    "stp": (1, ".func stp(x) {ternary_fcn((x)>=0,1,0)}"),
    "arctan": (1, ".func arctan(x) {atan(x)}"),
    "int": (1, ".func int(x) {sgn(x)*floor(abs(x))}"),
}
"""How many arguments, and what PSpice's reference says of them: LIMIT takes its bounds in either
order, PWR is |x|^y, PWRS the same with the sign of x, STP(0) is 1. `int` cuts towards zero, as
LTspice has it and ngspice in a `.param`."""

_DEEPEST = 8  # of these inside of each other: some name an argument twice, and the text doubles
_NAMES = "|".join(DEFINITIONS)
_SPACED = re.compile(rf"([={{('*/+,<>&|?:!^~%-]\s*)({_NAMES})\s+\(", re.IGNORECASE)
_PART = re.compile(rf"(?<![\w.])({_NAMES})\(|[(),]", re.IGNORECASE)
_KIND = re.compile(r"\.model\s+\S+\s+\w+", re.IGNORECASE)  # `limit` is a code model as well


def without_gaps(line: Line) -> Line:
    """A statement whose calls of these functions have no blank before the bracket.

    With one, ngspice does not find the `.func`, and takes its own function of that name.
    """
    return Line(line.place, _SPACED.sub(r"\1\2(", line.text))


def supplied(lines: Sequence[Line]) -> list[str]:
    """Definitions of those functions that statements call and do not define.

    Args:
        lines: of one subcircuit, with the settings and models that it uses.

    Raises:
        UserError: a call with another number of arguments, or too many inside of each other.
    """
    defined = {
        definition.name
        for line in lines
        if word_of(line) in {".param", ".func"}
        for definition in definitions(line)
        if definition.arguments is not None
    }
    called: set[str] = set()
    for line in lines:
        for name, count, depth in _calls(line.text):
            if name in defined:
                continue
            _require_sound(line, name, count, depth)
            called.add(name)
    return [text for name, (_, text) in DEFINITIONS.items() if name in called]


def _require_sound(line: Line, name: str, count: int, depth: int) -> None:
    wanted = DEFINITIONS[name][0]
    if count != wanted:
        why = (
            "ngspice's own of two draws random numbers, so put a value in place"
            if name == "limit"
            else "mend the call"
        )
        raise line.refused(f"wanted {wanted} arguments of {name}(…), got {count}; {why}")
    if depth > _DEEPEST:
        raise line.refused(
            f"wanted at most {_DEEPEST} calls of {', '.join(DEFINITIONS)} inside of each other; "
            "put the inner ones into elements of their own"
        )


def _calls(text: str) -> Iterator[tuple[str, int, int]]:
    """Calls of these functions: name in lower case, arguments, calls around it and itself."""
    opened: list[tuple[str, int]] = []  # name, or "" of another bracket, and commas so far
    head = _KIND.match(text)
    for part in _PART.finditer(text, head.end() if head else 0):
        if part[0].endswith("("):
            opened.append(((part[1] or "").lower(), 0))
        elif part[0] == "," and opened:
            opened[-1] = (opened[-1][0], opened[-1][1] + 1)
        elif part[0] == ")" and opened:
            name, commas = opened.pop()
            if name:
                yield name, commas + 1, 1 + sum(around != "" for around, _ in opened)

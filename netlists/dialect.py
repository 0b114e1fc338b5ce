"""Decks in the dialect of neospice, which reads ngspice's but for what is said here.

It has no `condition ? yes : no`, which becomes its `ternary_fcn(condition, yes, no)`; ngspice takes
either and gives the same voltages. It passes over what it does not know (XSPICE elements, external
sources, control sections) without a word or with a warning, so that here such a line is refused.
"""

from collections.abc import Iterator

from circuits.errors import UserError

_ELEMENTS = "rcviegbdx"  # whose lines both simulators read alike, as this project writes them
_CARDS = (".param", ".model", ".subckt", ".ends", ".options", ".save", ".tran", ".op", ".end")


def for_neospice(text: str) -> str:
    """A circuit as neospice reads it.

    Args:
        text: a deck without a control section, such as `netlists.spice.format_for_library` gives.

    Returns:
        The same circuit, its lines unfolded and without comments.

    Raises:
        UserError: a line that neospice has nothing for.
    """
    title, *lines = text.splitlines() or [""]
    return "\n".join([title, *(_line(line) for line in unfolded(lines)), ""])


def unfolded(lines: list[str]) -> Iterator[str]:
    """Lines with their continuations, without comments and empty lines."""
    whole = ""
    for line in lines:
        bare = line.partition(";")[0].strip()
        if not bare or bare.startswith("*"):
            continue
        if bare.startswith("+"):
            whole = f"{whole} {bare[1:].strip()}"
            continue
        if whole:
            yield whole
        whole = bare
    if whole:
        yield whole


def _line(line: str) -> str:
    word = line.split(maxsplit=1)[0].lower()
    known = word in _CARDS if word.startswith(".") else word[0] in _ELEMENTS
    external = word[0] == "v" and line.lower().endswith("external")
    if not known or external:
        raise UserError(
            f"neospice: it has nothing for the line {line!r}; wanted resistors, capacitors, "
            "diodes, sources and subcircuits, without external waves, files or XSPICE parts"
        )
    if word[0] != "b":
        return line
    head, equals, expression = line.partition("=")
    return f"{head}{equals} {conditionals_called(expression.strip())}"


def conditionals_called(expression: str) -> str:
    """An expression with each `condition ? yes : no` as `ternary_fcn(condition, yes, no)`.

    Raises:
        UserError: brackets that do not match, or a condition without its `:`.
    """
    if "?" not in expression:
        return expression
    groups = _groups(expression)
    inside = {k for start, end in groups for k in range(start, end + 1)}
    marks = [(k, c) for k, c in enumerate(expression) if c in ",?:" and k not in inside]
    comma = next((k for k, c in marks if c == ","), None)
    if comma is not None:
        parts = (expression[:comma], expression[comma + 1 :])
        return ",".join(conditionals_called(part) for part in parts)
    question = next((k for k, c in marks if c == "?"), None)
    if question is None:
        for start, end in reversed(groups):
            inner = conditionals_called(expression[start + 1 : end])
            expression = f"{expression[: start + 1]}{inner}{expression[end:]}"
        return expression
    colon = _partner(expression, [mark for mark in marks if mark[0] > question])
    parts = (expression[:question], expression[question + 1 : colon], expression[colon + 1 :])
    return f"ternary_fcn({', '.join(conditionals_called(part.strip()) for part in parts)})"


def _groups(expression: str) -> list[tuple[int, int]]:
    """Positions of the outermost brackets, opening and closing."""
    groups: list[tuple[int, int]] = []
    opened: list[int] = []
    for k, c in enumerate(expression):
        if c in "({[":
            opened.append(k)
        elif c in ")}]":
            if not opened:
                raise UserError(f"expression {expression!r}: a bracket closes that none opened")
            start = opened.pop()
            if not opened:
                groups.append((start, k))
    if opened:
        raise UserError(f"expression {expression!r}: a bracket that is not closed")
    return groups


def _partner(expression: str, marks: list[tuple[int, str]]) -> int:
    """Position of the colon of a condition, whose first branch may hold conditions of its own."""
    open_conditions = 1
    for k, c in marks:
        open_conditions += 1 if c == "?" else -1
        if open_conditions == 0:
            return k
    raise UserError(f"expression {expression!r}: a condition without its ':'")

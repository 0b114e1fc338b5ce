"""Ratings and makers' names in LTspice's `.model` statements, which ngspice has no use for.

In ngspice 39 a word as a value, as in `mfg=Vishay`, ends the run: it looks for a parameter of that
name. LTspice's documentation calls these figures for information only.
"""

import re
from collections.abc import Mapping

from netlists.models.lines import Line

_DROPPED: Mapping[str, tuple[str, ...]] = {
    "d": ("mfg", "type", "iave", "vpk", "irms"),
    **dict.fromkeys(("npn", "pnp"), ("mfg", "vceo", "icrating")),
    **dict.fromkeys(("njf", "pjf", "nmos", "pmos", "vdmos"), ("mfg",)),
}
_MODEL = re.compile(r"\.model\s+\S+\s+([a-z]+)", re.IGNORECASE)


def without_ratings(line: Line) -> Line:
    """A `.model` statement without what only people read; any other statement as it is."""
    match = _MODEL.match(line.text)
    names = _DROPPED.get(match[1].lower(), ()) if match else ()
    if match is None or not names:
        return line
    rating = re.compile(
        rf"(?<![\w.=])(?:{'|'.join(names)})\s*=\s*(?:\"[^\"]*\"|[^\s(),\"]+)", re.IGNORECASE
    )
    rest = rating.sub("", line.text[match.end() :])
    return line if rest == line.text[match.end() :] else Line(line.place, match[0] + rest)

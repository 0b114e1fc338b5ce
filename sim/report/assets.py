"""What a page carries so that it needs nothing from outside: scripts, styles, plotly, data."""

import base64
import gzip
import json
from functools import cache
from importlib.resources import files
from typing import Any

_LEVEL = 9  # of gzip: half a second, once a process


def asset(name: str) -> str:
    """A script or a style of the page, as text."""
    return files("sim.report").joinpath(name).read_text(encoding="utf8")


@cache
def packed_plotly() -> str:
    """plotly.js of the installed package, by gzip and base64: 2 MB in place of 5.

    The same bytes every time, so that pages of equal runs are equal.
    """
    script = files("plotly").joinpath("package_data/plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(script, _LEVEL, mtime=0)).decode("ascii")


def embedded(value: Any) -> str:
    """A value as JSON that can stand inside a script element: no `<`, no `&`.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

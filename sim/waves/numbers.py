"""Numbers of passes as people type them."""

import re
from collections.abc import Sequence

from sim.errors import UserError

_MOST = 200
"""Passes to simulate at once: a minute or more on a small network, and 100 MB of raw file."""


def passes_asked(passes: Sequence[str], pairs: Sequence[str], count: int) -> list[int]:
    """Passes that options name, ascending, each once; the first pair where none are.

    Args:
        passes: values of `--pass`, as `12`, `11-14` or `3,7`.
        pairs: likewise of `--pair`; 6 is passes 11 and 12.
        count: passes that there are.

    Raises:
        UserError: one that is no number, or not there.
    """
    asked: set[int] = set()
    for text in passes:
        asked |= set(_numbers("--pass", text, count, "evaluation passes"))
    for text in pairs:
        for pair in _numbers("--pair", text, count // 2, "pairs of evaluation passes"):
            asked |= {2 * pair - 1, 2 * pair}
    if len(asked) > _MOST:
        raise UserError(f"--pass: wanted at most {_MOST} passes at once, got {len(asked)}")
    return sorted(asked) or [1, 2]


def consecutive(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of every stretch of consecutive numbers; these ascend."""
    stretches: list[tuple[int, int]] = []
    for number in numbers:
        if stretches and stretches[-1][1] == number - 1:
            stretches[-1] = (stretches[-1][0], number)
        else:
            stretches.append((number, number))
    return stretches


def _numbers(option: str, text: str, count: int, what: str) -> range | list[int]:
    if "," in text:
        return [n for part in text.split(",") for n in _numbers(option, part, count, what)]
    found = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:[-:]\s*([0-9]{1,9})\s*)?", text)
    if not found:
        raise UserError(
            f"{option} {text}: wanted a number from 1 to {count}, or several as in 11-14 or 3,7"
        )
    first = int(found[1])
    last = int(found[2] or first)
    if not 1 <= first <= last <= count:
        raise UserError(f"{option} {text}: the run has {what} 1 to {count}")
    return range(first, last + 1)

"""Values along a dimension as tables and datasets hold them: numbers, or one text each."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def labels_of(values: Sequence[Any]) -> list[Any]:
    """Numbers as they are, where all are; texts otherwise.

    Args:
        values: as a configuration has them: numbers, names, lists such as layers, and tables such
            as a diode.

    Returns:
        Of a list `2,2,1`; of a table its name, or all of it as JSON, where it has none or another
        value is called the same.
    """
    found = [label_of(value) for value in values]
    for k, value in enumerate(values):
        if isinstance(value, Mapping):
            others = [one for one, label in zip(values, found, strict=True) if label == found[k]]
            if any(one != value for one in others):
                found = [_whole(v) if isinstance(v, Mapping) else label_of(v) for v in values]
                break
    return [str(one) for one in found] if any(isinstance(one, str) for one in found) else found


def label_of(value: Any) -> Any:
    """One value, as of `labels_of`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        name = value.get("name")
        return name if isinstance(name, str) and name else _whole(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(str(label_of(one)) for one in value)
    return value


def counted(count: int, what: str) -> str:
    """`1 point`, `3 points`; what a parameter's path names is no plural."""
    plural = count != 1 and what in ("point", "draw", "corner", "chip", "seed")
    return f"{count:,} {what}{'s' if plural else ''}"


def _whole(table: Mapping[str, Any]) -> str:
    return json.dumps(table, ensure_ascii=False, separators=(",", ":"))

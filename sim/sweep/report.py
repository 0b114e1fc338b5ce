"""What a sweep prints at its end."""

from collections import Counter
from typing import Any

from rich.console import Console

from circuits.quantities import format_quantity
from sim.preparation import twin_of
from sim.sweep.labels import label_of
from sim.sweep.measures import DIVERGED, DONE, FAILED, MISSING
from sim.sweep.paths import field_of
from sim.sweep.plan import CHIP, CORNER, DRAW, LIST, SEED, Dimension, Point
from sim.sweep.sweeping import Swept, best_of

_REASONS = 8  # that are listed


def print_swept(console: Console, swept: Swept) -> None:
    """Print how many points are done, why others are not, and the one of the least loss."""
    states = Counter(
        swept.found[key].state if key in swept.found else MISSING for key in swept.keys
    )
    console.print(f"points{len(swept.keys):10,}")
    for state in (DONE, FAILED, DIVERGED, MISSING):
        if states[state]:
            console.print(f"  {state:8}{states[state]:6,}")
            for reason, count in _reasons(swept, state).most_common(_REASONS):
                console.print(f"  {count:14,}  {reason}", soft_wrap=True)
    best = best_of(swept)
    if best:
        point, name, loss = best
        engine = "ngspice" if name == "in_loop" else twin_of(point.config)
        kind = "in the loop" if name == "in_loop" else "of the twin"
        where = _where(swept, point)
        said = f"least loss {kind} ({engine}): {loss:.3g} {swept.dataset.attrs['loss_unit']}"
        console.print(said + (f" at {where}" if where else ""), soft_wrap=True)


def _reasons(swept: Swept, state: str) -> Counter[str]:
    ended = [swept.found[key] for key in swept.keys if key in swept.found]
    return Counter(one.reason for one in ended if one.state == state and one.reason)


def _where(swept: Swept, point: Point) -> str:
    parts: list[str] = []
    for dimension, k in zip(swept.plan.dimensions, point.place, strict=True):
        parts += _place(dimension, k)
    return ", ".join(parts)


def _place(dimension: Dimension, k: int) -> list[str]:
    if dimension.name in (CORNER, CHIP, SEED):
        return [f"{dimension.name} {dimension.labels[k]}"]
    said = [f"{path} {_value(path, value)}" for path, value in dimension.settings[k].items()]
    return [f"{dimension.name} {k}", *said] if dimension.name in (LIST, DRAW) else said


def _value(path: str, value: Any) -> str:
    if isinstance(value, float):
        return format_quantity(value, field_of(path).unit or "1")
    return str(label_of(value))

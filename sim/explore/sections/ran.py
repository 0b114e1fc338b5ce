"""What was run: points and what became of them, what was varied, engine and versions."""

import json
import re
import shlex
from collections.abc import Iterator

import numpy as np

from sim.explore.opened import Sweep
from sim.explore.points import times_of
from sim.explore.told import Told, told
from sim.report.blocks import Block, Cell, Column, Command, Commands, Points, Prose, Table
from sim.report.text import counted, number, quantity
from sim.sweep.measures import DIVERGED, DONE, FAILED

_SHOWN = 8  # values of a parameter spelled out, at most
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")
_WORDS = {DONE: "done", FAILED: "failed", DIVERGED: "diverged"}


def section(sweep: Sweep) -> Told:
    """The section."""
    blocks: list[Block] = [Prose(_headline(sweep)), _dimensions(sweep)]
    if sweep.corners:
        blocks += [Prose("Corners:"), Points(sweep.corners)]
    if broken := _broken(sweep):
        blocks.append(broken)
    blocks.append(_facts(sweep))
    folder = shlex.quote(str(sweep.path))
    blocks.append(
        Commands(
            (
                Command(
                    "go on with the sweep, or make its table anew", f"danp-cosim sweep {folder}"
                ),
                Command("make this page again", f"danp-cosim explore {folder}"),
            )
        )
    )
    return told("ran", "What was run", "What was run", blocks)


def _headline(sweep: Sweep) -> str:
    state = sweep.state
    counts = {key: int((state == key).sum()) for key in _WORDS}
    left = state.size - sum(counts.values())
    parts = [f"{count:,} {_WORDS[key]}" for key, count in counts.items()]
    open_ = f", {left:,} not computed yet" if left else ""
    said = f"{counted(state.size, 'point')}: {', '.join(parts)}{open_}."
    if left:
        said += " What is said below is said of those that are computed."
    return said


def _dimensions(sweep: Sweep) -> Table:
    rows = [
        (
            Cell(f.name),
            Cell(f.kind),
            Cell(str(len(f.values)), len(f.values)),
            Cell(_values(f.labels)),
        )
        for f in sweep.factors
    ]
    if sweep.chips:
        rows.append(
            (
                Cell("chip"),
                Cell("Monte Carlo"),
                Cell(f"{sweep.chips:,}", sweep.chips),
                Cell("parts of each drawn anew"),
            )
        )
    if sweep.seeds:
        labels = tuple(str(seed) for seed in sweep.seeds)
        rows.append(
            (
                Cell("seed"),
                Cell("repetition"),
                Cell(f"{len(labels):,}", len(labels)),
                Cell(_values(labels)),
            )
        )
    if not rows:
        rows = [(Cell("nothing"), Cell("a single point"), Cell("1", 1.0), Cell("–"))]
    columns = (Column("varied"), Column("how"), Column("values", numeric=True), Column("which"))
    return Table("What was varied", columns, tuple(rows))


def _values(labels: tuple[str, ...]) -> str:
    if len(labels) <= _SHOWN:
        return "; ".join(labels)
    return f"{'; '.join(labels[:3])}; … ; {labels[-1]}"


def _broken(sweep: Sweep) -> Table | None:
    """Failed and diverged points by reason, an example each; None where there are none."""
    found: dict[tuple[str, str], list[tuple[int, ...]]] = {}
    reasons = sweep.texts("reason")
    for place in map(tuple, np.argwhere(np.isin(sweep.state, (FAILED, DIVERGED))).tolist()):
        alike = _NUMBER.sub("#", reasons[place])  # numbers differ from point to point
        found.setdefault((str(sweep.state[place]), alike), []).append(place)
    if not found:
        return None
    keys = sweep.texts("key")
    rows = [
        (
            Cell(str(reasons[places[0]]) or "no reason given"),
            Cell(state),
            Cell(f"{len(places):,}", len(places)),
            Cell(_place(sweep, places[0])),
            Cell(str(keys[places[0]])[:12]),
        )
        for (state, _), places in sorted(found.items(), key=lambda one: -len(one[1]))
    ]
    columns = (
        Column("reason, of the first"),
        Column("state"),
        Column("points", numeric=True),
        Column("for example"),
        Column("its key"),
    )
    return Table(
        "Points that are not done, by their reason",
        columns,
        tuple(rows),
        note="Reasons that differ in their numbers only stand in one row. A point's folder in the "
        "store begins with its key.",
    )


def _place(sweep: Sweep, place: tuple[int, ...]) -> str:
    setting, chip, seed = place
    parts = [sweep.setting(setting)] if sweep.factors else []
    parts += [f"chip {int(sweep.data['chip'][chip])}"] if sweep.chips else []
    parts += [f"seed {sweep.seeds[seed]}"] if sweep.seeds else []
    return ", ".join(parts) or "the only point"


def _facts(sweep: Sweep) -> Table:
    rows = [(Cell(what), Cell(said)) for what, said in _said(sweep) if said]
    return Table("How it was run", (Column("what"), Column("which")), tuple(rows))


def _said(sweep: Sweep) -> Iterator[tuple[str, str]]:
    yield "engine in the loop", sweep.attribute("engine")
    yield "twin", sweep.attribute("twin")
    name, unit = sweep.attribute("loss_name"), sweep.attribute("loss_unit")
    yield "loss", f"{name} ({unit})" if unit else name
    yield "versions", _versions(sweep.attribute("versions"))
    times = times_of(sweep.path)
    if times is not None and times.size:
        whole, middle = quantity(float(times.sum()), "s"), number(float(np.median(times)))
        yield "time of points", f"{whole} of one core in all, {middle} s for the median point"
    yield "folder", str(sweep.path)


def _versions(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return ", ".join(f"{name} {value}" for name, value in found.items() if value)

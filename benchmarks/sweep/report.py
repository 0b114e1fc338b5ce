"""What was found: a table for the terminal, CSV, and the line for the documentation."""

import csv
import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.cosim.report import machine
from benchmarks.cosim.table import digits
from benchmarks.scale.statistics import Spread
from benchmarks.sweep.race import Race, Timed
from benchmarks.sweep.ways import SWEEP, WAYS

COLUMNS = (
    "round",
    "way",
    "workers",
    "points",
    "wall_s",
    "points_per_s",
    "start_s",
    "busy",
    "not_done",
)
HEADS = (
    "computed by",
    "workers",
    "s in all",
    "points/s",
    "efficiency",
    "s a point beyond bare",
    "busy",
    "start, s",
)


def print_report(console: Console, race: Race) -> None:
    """The table and the line."""
    table = Table(title=race.workload.name, title_justify="left")
    for k, head in enumerate(HEADS):
        table.add_column(head, justify="right" if k else "left", no_wrap=not k)
    for one in race.timed:
        table.add_row(*map(escape, _cells(race, one)))
    console.print(table)
    for line in lines(race):
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if race.differing:
        console.print(f"[bold red]results differ at {len(race.differing)} points[/]")


def lines(race: Race) -> list[str]:
    """Sentences for the documentation: efficiency, overhead, and whether results are the same."""
    found = machine()
    cores = os.cpu_count() or 1
    told = []
    for one in race.timed:
        if one.way == SWEEP and one.workers > 1 and one.efficiency:
            beyond = f" (more workers than the {cores} cores)" if one.workers > cores else ""
            told.append(
                f"1 to {one.workers} workers{beyond}: efficiency {_share(one.efficiency)}; bare "
                f"processes {_share(_bare(race, one.workers).efficiency)}."
            )
        if one.way == SWEEP and one.workers == 1 and one.overhead:
            told.append(
                f"dask, the driver and the store beyond a bare loop: {_spread(one.overhead)} s a "
                f"point, of {digits(one.wall.median / race.workload.points)} s."
            )
    same = f"the same, byte by byte, in all {len(race.turns)} turns"
    told.append(f"Results: {'different' if race.differing else same}.")
    told.append(
        f"{race.workload.name}; medians over rounds ({race.rounds}) with their 95 % intervals; "
        f"{found['processor']}, cores: {found['cores']}; ngspice in every process."
    )
    return told


def write_csv(race: Race, path: Path) -> None:
    """Every turn, a row each, in the order in which they were taken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    each_round = len(race.turns) // race.rounds
    with path.open("w", newline="", encoding="utf8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for k, turn in enumerate(race.turns):
            points = len(turn.found)
            writer.writerow(
                (
                    k // each_round + 1,
                    turn.way,
                    turn.workers,
                    points,
                    f"{turn.wall:.4g}",
                    f"{points / turn.wall:.4g}",
                    f"{turn.start:.4g}",
                    f"{turn.busy:.4g}",
                    sum(one.state != "done" for one in turn.found.values()),
                )
            )


def _bare(race: Race, workers: int) -> Timed:
    return next(one for one in race.timed if one.way != SWEEP and one.workers == workers)


def _cells(race: Race, one: Timed) -> tuple[str, ...]:
    return (
        WAYS[one.way],
        str(one.workers),
        _spread(one.wall),
        digits(race.workload.points / one.wall.median),
        _share(one.efficiency),
        _spread(one.overhead),
        f"{100 * one.busy.median:.0f} %",
        _spread(one.start),
    )


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    return f"{digits(found.median)} ({digits(found.low)} to {digits(found.high)})"


def _share(found: Spread | None) -> str:
    if found is None:
        return "–"
    return f"{100 * found.median:.0f} % ({100 * found.low:.0f} to {100 * found.high:.0f} %)"

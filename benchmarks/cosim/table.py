"""The rows as tables: for the terminal, and as Markdown for the documentation."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.cosim.aims import Aim
from benchmarks.cosim.cell import Cell
from benchmarks.cosim.race import Race
from benchmarks.cosim.report import HOW, Report, Row, machine

HEADS = (
    "contender",
    "ms a pass",
    "times (a)",
    "in ngspice",
    "points a pass",
    "ns a weight and pass",
    "MB per 1,000 passes",
    "peak MB",
    "passes",
    "off, µV",
    "off moving, µV",
)


def cells(row: Row) -> tuple[str, ...]:
    """What a row shows under `HEADS`."""
    m = row.measured
    if m is None:
        return (row.title, row.message, *["–"] * (len(HEADS) - 2))
    spread = "" if len(m.rounds) == 1 else f" ({digits(row.least)} to {digits(row.most)})"
    growth = None if m.growth is None else m.growth / 1e3
    return (
        row.title,
        f"{digits(row.ms)}{spread}",
        digits(row.ratio),
        f"{100 * m.inside:.0f} %",
        digits(m.points),
        digits(row.ns),
        digits(growth),
        f"{m.peak / 1e6:,.0f}",
        f"{m.passes:,}",
        microvolts(row.error and row.error.still),
        microvolts(row.error and row.error.moving),
    )


def digits(value: float | None) -> str:
    """Three significant digits of a figure, or a dash where there is none."""
    return "–" if value is None else f"{float(f'{value:.3g}'):,.15g}"


def microvolts(volts: float | None) -> str:
    """A voltage in µV, or a dash where there is none."""
    return "–" if volts is None else f"{1e6 * volts:.2g}"


def print_network(console: Console, name: str, race: Race) -> None:
    """The table of one network."""
    table = Table(title=f"{name}; reference: {race.reference}", title_justify="left")
    for head in HEADS:
        first = head == HEADS[0]
        table.add_column(head, justify="left" if first else "right", no_wrap=first)
    for row in race.rows:
        if row.measured is not None:
            table.add_row(*cells(row))
    if race.figures:
        console.print(table)
    for row in race.rows:
        if row.measured is None:
            console.print(f"{row.network}, {row.title}: {row.message}", markup=False)


def print_verdict(console: Console, report: Report) -> None:
    """Aims, and what does not agree or has failed."""
    for aim in report.aims:
        if aim.measured is not None:
            console.print(_aim_line(aim))
    for name, soak in report.soaks.items():
        console.print(f"{name}, long run: {soak_line(soak)}")
    for found in report.differences:
        if not found.same:
            console.print(
                f"[bold red]voltages differ[/]: {found.one} and {found.other}, "
                f"{microvolts(found.still)} µV, in moving passes {microvolts(found.moving)} µV"
            )
    for failure in report.failures:
        console.print(f"[bold red]failed[/]: {escape(failure)}")


def soak_line(soak: Cell) -> str:
    """What a long run showed."""
    if soak.measured is None:
        return f"{soak.state}: {soak.message}"
    growth = digits(soak.measured.growth)
    return f"{soak.measured.passes:,} passes, memory grows by {growth} bytes a pass"


def _aim_line(aim: Aim) -> str:
    verdict = "[green]met[/]" if aim.met else "[bold red]not met[/]"
    return f"{aim.what}: {aim.measured:.3g}, wanted {aim.sign} {aim.wanted:g}: {verdict}"


def write_markdown(report: Report, path: Path) -> None:
    """All tables, with what they were made on and how."""
    path.write_text("\n".join(_markdown(report)) + "\n", encoding="utf8")


def _markdown(report: Report) -> Iterator[str]:
    found = machine()
    yield f"{HOW[0].upper()}{HOW[1:]}; {report.budget:g} s a cell."
    yield f"{found['processor']}; cores: {found['cores']}; {found['system']}."
    for name, network in report.networks.items():
        yield f"\n### {name}\n"
        yield f"{network['weights']:,} weights; held against: {network['reference']}.\n"
        yield f"| {' | '.join(HEADS)} |"
        yield f"| --- |{' ---: |' * (len(HEADS) - 1)}"
        yield from (f"| {' | '.join(cells(r))} |" for r in report.rows if r.network == name)
    for name, soak in report.soaks.items():
        yield f"\nLong run, {name}: {soak_line(soak)}."
    aims = [aim for aim in report.aims if aim.measured is not None]
    if aims:
        yield "\n### Aims\n\n| aim | wanted | measured | met |\n| --- | ---: | ---: | --- |"
        for aim in aims:
            met = "yes" if aim.met else "no"
            yield f"| {aim.what} | {aim.sign} {aim.wanted:g} | {aim.measured:.3g} | {met} |"

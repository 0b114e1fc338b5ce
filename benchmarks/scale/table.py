"""What was found as tables: for the terminal, and as Markdown for the documentation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.cosim.report import machine
from benchmarks.cosim.table import digits
from benchmarks.scale.aims import Aim
from benchmarks.scale.race import Timed
from benchmarks.scale.report import HOW, Report
from benchmarks.scale.statistics import Spread


@dataclass(frozen=True)
class Shown:
    """A table: its title, heads and rows; the first column is text."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def print_report(console: Console, report: Report) -> None:
    """Everything."""
    for shown in tables(report):
        table = Table(title=shown.title, title_justify="left")
        for k, head in enumerate(shown.heads):
            table.add_column(head, justify="right" if k else "left", no_wrap=not k)
        for row in shown.rows:
            table.add_row(*map(escape, row))
        console.print(table)
    for aim in report.aims:
        verdict = "[green]met[/]" if aim.met else "[bold red]not met[/]"
        console.print(f"{_aim_line(aim)}: {verdict}")
    if not report.sound:
        console.print("[bold red]updates differ by more than rounding[/]")


def write_markdown(report: Report, path: Path) -> None:
    """All tables, with what they were made on and how."""
    path.write_text("\n".join(_markdown(report)) + "\n", encoding="utf8")


def tables(report: Report) -> Iterator[Shown]:
    """All tables, one after the other."""
    for setting in dict.fromkeys(one.setting for one in report.timed):
        timed = [one for one in report.timed if one.setting == setting]
        yield Shown(setting, HEADS, [_cells(one) for one in timed])
    yield Shown(
        "The machine's limits",
        (
            "threads",
            "copy, GB/s",
            "triad, GB/s",
            "triad in reach of a step, GB/s",
            "product, GFLOP/s",
        ),
        [
            (str(x.threads), digits(x.copy), digits(x.triad), digits(x.near), digits(x.product))
            for x in report.limits
        ],
    )
    for workload, found in report.differences.items():
        yield Shown(
            f"{workload}: largest difference of an update from {found[0].other}",
            ("computed by", "ΔW", "Δdecor"),
            [(x.one, f"{x.weights:.1e}", f"{x.decor:.1e}") for x in found],
        )
    if report.epochs:
        yield Shown(
            "An epoch",
            ("contender", "workload", "threads", "images", "s", "of which batches, s"),
            [
                (x.title, x.workload, str(x.threads), f"{x.images:,}", digits(x.seconds),
                 digits(x.making))
                for x in report.epochs
            ],
        )  # fmt: skip
    for kind, parts in (("function", report.functions), ("operation", report.operations)):
        for workload, several in parts.items():
            yield Shown(
                f"{workload}: a step of DANP by {kind}",
                (kind, "ms", "share", "calls"),
                [
                    (part.name, digits(part.ms), f"{100 * part.share:.1f} %", digits(part.calls))
                    for part in several
                    if part.share > _LEAST
                ],
            )


HEADS = (
    "contender",
    "ms a step",
    "CPU ms a step",
    "times plain",
    "times plain, CPU",
    "GFLOP a step",
    "GFLOP/s",
    "MB a step",
    "GB/s",
    "start, s",
)
_LEAST = 0.002  # share of a step that is worth a line


def _cells(one: Timed) -> tuple[str, ...]:
    counts = one.counts
    return (
        one.title,
        _spread(one.wall),
        digits(one.cpu.median),
        _spread(one.times),
        digits(one.times_cpu and one.times_cpu.median),
        digits(counts and counts.operations / 1e9),
        digits(one.rate),
        digits(counts and counts.moved / 1e6),
        digits(one.bandwidth),
        digits(one.start),
    )


def _spread(found: Spread | None) -> str:
    if found is None:
        return "–"
    return f"{digits(found.median)} ({digits(found.low)} to {digits(found.high)})"


def _aim_line(aim: Aim) -> str:
    interval = f"{aim.low:.3g} to {aim.high:.3g}"
    return f"{aim.what}: {aim.measured:.3g} ({interval}), wanted ≥ {aim.wanted:g}"


def _markdown(report: Report) -> Iterator[str]:
    found = machine()
    yield f"{report.made_by}; {HOW}."
    load = "" if report.load is None else f"; load {report.load:.2g}"
    yield f"{found['processor']}; cores: {found['cores']}; {found['system']}{load}."
    for shown in tables(report):
        yield f"\n### {shown.title}\n"
        yield f"| {' | '.join(shown.heads)} |"
        yield f"| --- |{' ---: |' * (len(shown.heads) - 1)}"
        yield from (f"| {' | '.join(row)} |" for row in shown.rows)
    yield "\n### Aims\n"
    yield from (f"* {_aim_line(aim)}: {'met' if aim.met else 'not met'}." for aim in report.aims)

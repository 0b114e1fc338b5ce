"""What the figures should be read with: doubtful passes, electrical rules, clipped resistors."""

from collections.abc import Sequence
from typing import Any

from sim.guards import Doubt
from sim.report.blocks import Block, Cell, Column, Part, Points, Prose, Section, Table
from sim.report.text import counted, share
from sim.results import Run

_FIGURES = {
    "all": "all passes",
    "training": "training in the loop",
    "initial": "score at the start",
    "alignment": "angle to the gradient",
    "transfer": "score of transfer",
    "in_loop": "score in the loop",
    "deviation": "deviation",
}


def section(runs: Sequence[Run]) -> Section | None:
    """Tables and findings of each run; nothing where no run has a circuit."""
    if not any(run.has_circuit for run in runs):
        return None
    return Section(
        "trust",
        "Passes, rules and limits",
        "Passes and rules",
        shared=(
            Prose(
                "Every pass in ngspice is judged. A doubtful pass counts in every figure; the "
                "table says how many there are behind each."
            ),
        ),
        parts=tuple(Part(k, _blocks(run)) for k, run in enumerate(runs)),
    )


def _blocks(run: Run) -> list[Block]:
    if not run.has_circuit:
        return [Prose("No circuit was simulated.", "note")]
    return [_passes(run.summary["guards"]), Points(tuple(_facts(run))), *_findings(run)]


def _passes(guards: dict[str, Any]) -> Table:
    reasons = [doubt.reason for doubt in Doubt]
    counts = ("passes", "ok", "doubtful", "share", *reasons, "failed")
    rows = []
    for name, tally in guards.items():
        part = tally["doubtful"] / tally["passes"] if tally["passes"] else 0.0
        cells = [Cell(f"{tally[key]:,}", tally[key]) for key in ("passes", "ok", "doubtful")]
        cells.append(Cell(share(part), part))
        listed = [tally["reasons"].get(reason, 0) for reason in reasons]
        cells += [Cell(f"{count:,}", count) for count in (*listed, tally["failed"])]
        rows.append((Cell(_FIGURES.get(name, name)), *cells))
    return Table(
        "Passes in ngspice, and how they came out",
        (Column("behind"), *(Column(title, numeric=True) for title in counts)),
        tuple(rows),
        sortable=True,
        note="A pass can be doubtful for several reasons.",
    )


def _facts(run: Run) -> list[str]:
    summary = run.summary
    clipped = summary["clipped_resistors"]
    facts = [
        "No weight was clipped: all fit between R_min and R_max."
        if not clipped
        else f"{counted(clipped, 'weight')} did not fit between R_min and R_max and "
        f"{'was' if clipped == 1 else 'were'} clipped."
    ]
    facts.append(_skipped(summary))
    angle = summary["alignment"]
    if angle["in_loop_deg"] is not None:
        facts.append(
            f"Angle of the mean update to the gradient at the start: {angle['in_loop_deg']:.1f}° "
            f"in ngspice, {angle['ideal_deg']:.1f}° by mathematics "
            f"({counted(angle['pairs'], 'pair')})."
        )
    return facts


def _skipped(summary: dict[str, Any]) -> str:
    same = "as both passes of the pair were the same to it"
    twins = f"{counted(summary['skipped_updates_ideal'], 'update')} of the twin"
    if "training" not in summary["guards"]:
        return f"Skipped, {same}: {twins}."
    circuits = counted(summary["skipped_updates"], "update")
    return f"Skipped, {same}: {circuits} of the circuit in the loop, and {twins}."


def _findings(run: Run) -> list[Block]:
    erc = run.summary["erc"]
    if not erc["checked"]:
        return [Prose("Electrical rules were not checked (--no-erc).", "warning")]
    found = [("start", one) for one in erc["findings"]]
    found += [("trained", one) for one in erc["findings_trained"]]
    if not found:
        return [
            Prose("Electrical rules: nothing was found, at the start or with the trained weights.")
        ]
    columns = tuple(Column(t) for t in ("severity", "rule", "weights", "node", "part", "finding"))
    rows = tuple(
        (
            Cell(one["severity"]),
            Cell(one["rule"]),
            Cell(when),
            Cell(one["node"] or "–"),
            Cell(_parts(one)),
            Cell(one["message"]),
        )
        for when, one in found
    )
    return [Table("What the electrical rules found", columns, rows)]


def _parts(finding: dict[str, Any]) -> str:
    like = finding["like"]
    return f"{finding['part']} and {len(like)} like it" if like else finding["part"]

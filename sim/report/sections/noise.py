"""The noise at the nodes."""

import math
from collections.abc import Sequence
from typing import Any

from sim.report.blocks import Block, Cell, Column, Fold, Part, Prose, Section, Table
from sim.report.text import NONE, listed, number, quantity
from sim.results import Run

_MOST = 200  # nodes listed
_FLIPS = {"ngspice": "flips made by ngspice", "drawn": "flips drawn in advance"}
_FIGURES = ("sigma_v", "level_count", "occupancy", "pass_correlation", "neighbour_correlation")


def section(runs: Sequence[Run]) -> Section:
    """What noise there is at every neuron."""
    return Section(
        "noise",
        "Noise",
        "Noise",
        shared=(
            Prose(
                "Law of the noise that both networks meet, from the source's own figures: σ at the "
                "pre-activation, and how much the two passes of a pair share."
            ),
        ),
        parts=tuple(Part(k, _blocks(run.summary["noise"])) for k, run in enumerate(runs)),
    )


def _blocks(noise: dict[str, Any]) -> list[Block]:
    said = [f"source: {noise['source']}"]
    said += ["held at its mean throughout"] if noise["held_off"] else []
    said += [f"coupling: {noise['coupling']}"] if noise["coupling"] else []
    said += [_FLIPS[noise["flips_by"]]] if noise["flips_by"] else []
    said += [f"recording: {noise['file']}"] if noise["file"] else []
    said += [f"read {noise['rounds']:.2g} times over"] if noise["rounds"] else []
    blocks: list[Block] = [Prose(f"{'; '.join(said)}.")]
    nodes = noise["nodes"]
    if not nodes:
        return blocks
    laws = {tuple(node[key] for key in _FIGURES) for node in nodes}
    table = _table(nodes)
    if len(laws) == 1:
        first = nodes[0]
        alike = [f"σ {quantity(first['sigma_v'], 'V')}"]
        alike += [f"{first['level_count']} levels"] if first["level_count"] else []
        alike += [f"occupancy {number(first['occupancy'])}"] if first["occupancy"] else []
        alike.append(f"the two passes correlated by {number(first['pass_correlation'])}")
        blocks.append(Prose(f"All {len(nodes)} nodes are alike: {listed(alike)}."))
        return [*blocks, Fold("Node by node", (table,))]
    return [*blocks, table]


def _table(nodes: list[dict[str, Any]]) -> Table:
    columns = (
        Column("node"),
        Column("σ (mV)", numeric=True),
        Column("levels", numeric=True),
        Column("occupancy", numeric=True),
        Column("correlation of the two passes", numeric=True),
        Column("correlation with the neighbour", numeric=True),
    )
    rows = []
    for node in nodes[:_MOST]:
        sigma = None if node["sigma_v"] is None else 1e3 * node["sigma_v"]
        figures = (sigma, *(node[key] for key in _FIGURES[1:]))
        rows.append((Cell(node["node"]), *(_cell(value) for value in figures)))
    more = len(nodes) - len(rows)
    note = f"{more:,} more nodes are in summary.json." if more else ""
    return Table("Noise by node", columns, tuple(rows), sortable=True, note=note)


def _cell(value: float | None) -> Cell:
    return Cell(NONE, math.nan) if value is None else Cell(number(value, 4), value)

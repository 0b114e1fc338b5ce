"""The figure: time of a pass by network, a series a contender."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.cosim.report import Report, Row
from sim.figures import COLOURS, MARKERS, RC

_WIDTH = 0.7  # of a network's place that its contenders fill


def plot(report: Report, path: Path) -> None:
    """Draw medians with their spread, and an arrow where one call outlasts the budget."""
    networks = list(report.networks)
    titles = list(dict.fromkeys(row.title for row in report.rows))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10, 5.2))
        axes = figure.subplots()
        for k, title in enumerate(titles):
            offset = _WIDTH * ((k + 0.5) / len(titles) - 0.5)
            rows = [row for row in report.rows if row.title == title and row.state == "done"]
            marker, colour = MARKERS[k % len(MARKERS)], COLOURS[k % len(COLOURS)]
            axes.errorbar(
                [networks.index(row.network) + offset for row in rows],
                [row.ms or 0.0 for row in rows],
                [[_below(row) for row in rows], [_above(row) for row in rows]],
                marker=marker,
                color=colour,
                markerfacecolor=colour if k < len(COLOURS) else "white",
                markersize=6,
                linestyle="",
                capsize=2,
                label=title,
            )
            for row in report.rows:
                if row.title != title or row.beyond is None:
                    continue
                place = networks.index(row.network) + offset, row.beyond
                arrow = {"arrowstyle": "<-", "color": colour}
                axes.plot(*place, marker="_", color=colour)
                axes.annotate("", place, (0, 16), textcoords="offset points", arrowprops=arrow)
        axes.set_yscale("log")
        axes.set_xticks(range(len(networks)), networks)
        axes.set_xlim(-0.5, len(networks) - 0.5)
        axes.set_xlabel("layers")
        axes.set_ylabel("time of a pass (ms)")
        axes.set_title(_title(report), fontsize=10)
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        figure.savefig(path, dpi=130)


def _title(report: Report) -> str:
    largest = max((d.largest for d in report.differences), default=None)
    said = (
        "" if largest is None else f", sampled voltages within {1e6 * largest:.2g} µV of each other"
    )
    slow = any(row.state == "slow" for row in report.rows)
    note = "\narrows: not one call ended within the budget; a pass takes longer" if slow else ""
    return f"A pass of 1 ms in ngspice{said}{note}"


def _below(row: Row) -> float:
    return (row.ms or 0.0) - (row.least or 0.0)


def _above(row: Row) -> float:
    return (row.most or 0.0) - (row.ms or 0.0)

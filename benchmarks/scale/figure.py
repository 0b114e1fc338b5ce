"""The figure: time of a step by contender, a panel a workload, a marker a number of threads."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.scale.contenders import BASELINE
from benchmarks.scale.race import in_words
from benchmarks.scale.report import Report
from benchmarks.scale.statistics import Spread
from sim.figures import COLOURS, MARKERS, RC

_APART = 0.16  # of a contender's place, between numbers of threads


def plot(report: Report, path: Path) -> None:
    """Draw medians with their intervals, and how many times faster than plain torch each is."""
    workloads = list(dict.fromkeys(one.workload for one in report.timed))
    threads = sorted({one.threads for one in report.timed})
    titles = list(dict.fromkeys(one.title for one in report.timed))
    with mpl.rc_context(RC):
        height = 1.3 + (0.42 * len(titles) + 0.6) * len(workloads)
        figure = Figure(figsize=(8.5, height))
        panels = figure.subplots(len(workloads), 1, squeeze=False)[:, 0]
        for axes, workload in zip(panels, workloads, strict=True):
            for k, count in enumerate(threads):
                timed = [
                    one for one in report.timed if (one.workload, one.threads) == (workload, count)
                ]
                offset = 2 * _APART * (k - (len(threads) - 1) / 2)
                places = [titles.index(one.title) + offset for one in timed]
                wall = [one.wall for one in timed]
                axes.errorbar(
                    [w.median for w in wall],
                    places,
                    xerr=[[w.median - w.low for w in wall], [w.high - w.median for w in wall]],
                    linestyle="",
                    marker=MARKERS[k],
                    color=COLOURS[k],
                    capsize=2,
                    label=in_words(count),
                )
                for place, one in zip(places, timed, strict=True):
                    said = "= 1 ×" if one.name == BASELINE else _times(one.times)
                    axes.annotate(
                        said,
                        (one.wall.high, place),
                        (6, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=8,
                        color=COLOURS[k],
                    )
            axes.set_xscale("log")
            axes.set_yticks(range(len(titles)), titles)
            axes.set_ylim(len(titles) - 0.5, -0.5)
            axes.margins(x=0.16)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set_title(workload, fontsize=10)
            axes.legend(fontsize=8, loc="upper right")
        panels[-1].set_xlabel("time of a step (ms)")
        figure.suptitle(
            f"One update, by {report.made_by}\n"
            "medians with their 95 % intervals; ×: times as fast as plain torch in the same rounds",
            fontsize=10,
        )
        figure.savefig(path, dpi=130)


def _times(found: Spread | None) -> str:
    return "" if found is None else f"{found.median:.2g} ×"

"""The figure: points a second over workers, and the efficiency of each number of them."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.scale.statistics import Spread
from benchmarks.sweep.race import Race
from benchmarks.sweep.ways import WAYS
from sim.figures import COLOURS, MARKERS, RC, STYLES

_APART = 0.03  # of the number of workers, between two ways


def plot(race: Race, path: Path) -> None:
    """Draw medians with their intervals, a series a way."""
    workers = sorted({one.workers for one in race.timed})
    points = race.workload.points
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9, 4))
        rates, efficiencies = figure.subplots(1, 2)
        for k, way in enumerate(WAYS):
            mine = [one for one in race.timed if one.way == way]
            place = [one.workers * (1 + (2 * k - 1) * _APART) for one in mine]
            look: Any = {
                "color": COLOURS[k],
                "marker": MARKERS[k],
                "linestyle": STYLES[k],
                "label": WAYS[way],
                "capsize": 3,
            }
            _bars(
                rates,
                place,
                [
                    Spread(points / x.median, points / x.high, points / x.low, points / x.least)
                    for x in (one.wall for one in mine)
                ],
                look,
            )
            known = [(x, one.efficiency) for x, one in zip(place, mine, strict=True)]
            shares = [(x, found) for x, found in known if found is not None]
            _bars(efficiencies, [x for x, _ in shares], [found for _, found in shares], look)
        alone = next((one for one in race.timed if one.workers == 1), None)
        if alone is not None:
            rate = points / alone.wall.median
            rates.plot(workers, [rate * k for k in workers], color="grey", linewidth=1, zorder=0)
            end = (workers[-1], rate * workers[-1])
            rates.annotate(
                "in proportion",
                end,
                (-4, 4),
                textcoords="offset points",
                ha="right",
                color="dimgrey",
                fontsize=9,
            )
        efficiencies.axhline(1, color="grey", linewidth=1, zorder=0)
        for axes in (rates, efficiencies):
            axes.set_xticks(workers)
            axes.set_xlabel("worker processes")
            axes.set_ylim(bottom=0)
        rates.set_ylabel("points a second")
        efficiencies.set_ylabel("efficiency T₁ / (k Tₖ)")
        rates.legend(fontsize=9, loc="lower right")
        same = "different results" if race.differing else "all results the same"
        figure.suptitle(
            f"{race.workload.name} (ngspice), rounds: {race.rounds}; {same}\n"
            "medians with their 95 % intervals",
            fontsize=10,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130)


def _bars(axes: Any, places: list[float], found: list[Spread], look: Any) -> None:
    axes.errorbar(
        places,
        [one.median for one in found],
        yerr=[[one.median - one.low for one in found], [one.high - one.median for one in found]],
        **look,
    )

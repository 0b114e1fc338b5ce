"""The picture of a study: loss, loss against a reference, and two panels that explain them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from noise_study import Array, Result, Study, geometric, quartiles

from sim.figures import COLOURS, MARKERS, RC

ENGINES = {"ideal": "ideal twin", "in_loop": "in the loop (ngspice)"}
_LOGARITHMIC = ("levels", "pace")
_SERIES = (0, 3)  # colours and markers of "as built" and what was held equal
_CIRCUIT = 1


def plot(study: Study, path: Path) -> None:
    """Draw a study and save it as PNG."""
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10, 7.6))
        panels = figure.subplots(2, 2)
        for axes in panels.flat:
            _scale(axes, study)
        _plot_losses(panels[0, 0], study)
        _plot_ratios(panels[0, 1], study)
        if study.name == "sharing":
            _plot_correlations(panels[1, 0], study)
            _plot_let_through(panels[1, 1], study)
        else:
            _plot_skipped(panels[1, 0], study)
            _plot_differences(panels[1, 1], study)
        figure.suptitle(study.describe(), fontsize=10)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8)
        figure.savefig(path, dpi=130)


def _scale(axes: Axes, study: Study) -> None:
    if study.name in _LOGARITHMIC:
        axes.set_xscale("log")
    ticks, labels = zip(*((r.setting.x, r.setting.label) for r in study.built), strict=True)
    axes.set_xticks(ticks, labels, fontsize=8)
    axes.set_xticks([], minor=True)
    axes.set_xlabel(study.axis)


def _logarithmic(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def _plot_losses(axes: Axes, study: Study) -> None:
    _plot_engines(axes, study, lambda result, engine: 1e3 * result.trained[engine].loss, quartiles)
    _plot_theory(axes, study, [1e3 * float(np.median(r.predicted)) for r in study.built])
    _logarithmic(axes)
    axes.set_ylabel("loss after training, noise off (10⁻³ V²)")
    axes.set_title("twin: median and middle half of the seeds", fontsize=9)


def _plot_ratios(axes: Axes, study: Study) -> None:
    _plot_engines(axes, study, study.ratio, geometric)
    _plot_theory(axes, study, [geometric(study.expected_ratio(r))[1] for r in study.built])
    _logarithmic(axes)
    name = study.results[study.reference].setting.label.replace("\n", ", ")
    axes.set_ylabel("loss ratio, same seed and engine (1)")
    axes.set_title(f"over the loss at {name}; twin: geometric mean ± std. error", fontsize=9)


def _line(study: Study, style: str) -> str:
    """No line between settings that have no order."""
    return "" if study.name == "sharing" else style


def _plot_theory(axes: Axes, study: Study, values: list[float]) -> None:
    x = [r.setting.x for r in study.built]
    marker = "_" if study.name == "sharing" else ""
    axes.plot(
        x, values, color="black", linestyle=_line(study, "--"), marker=marker, markersize=26,
        label="theory, for the twin",
    )  # fmt: skip


def _plot_engines(
    axes: Axes,
    study: Study,
    pick: Callable[[Result, str], Array],
    summary: Callable[[Array], tuple[float, float, float]],
) -> None:
    """Low, middle and high of the twin's seeds; every seed of the circuit."""
    for k, series in enumerate(study.series):
        some = study.of_series(series)
        x = [_beside(study, r.setting.x, k) for r in some]
        low, middle, high = np.transpose([summary(pick(r, "ideal")) for r in some])
        axes.errorbar(
            x,
            middle,
            (middle - low, high - middle),
            fmt=MARKERS[_SERIES[k]],
            linestyle=_line(study, "-" if k == 0 else ""),
            color=COLOURS[_SERIES[k]],
            capsize=3,
            label=f"ideal twin, {series}",
        )
        if "in_loop" not in some[0].trained:
            continue
        for seed, values in enumerate(np.transpose([pick(r, "in_loop") for r in some])):
            axes.plot(
                x,
                values,
                linestyle=_line(study, ":"),
                marker=MARKERS[2],
                color=COLOURS[_CIRCUIT],
                markersize=7,
                mfc="none",
                label=None if seed else "in the loop (ngspice): each seed",
            )


def _beside(study: Study, x: float, k: int) -> float:
    """Where series k stands, so that series do not hide one another."""
    return x * 1.05**k if study.name in _LOGARITHMIC else x + 0.007 * k


def _plot_skipped(axes: Axes, study: Study) -> None:
    x = [r.setting.x for r in study.built]
    looks: dict[str, Any] = {
        "ideal": {"marker": "o", "color": COLOURS[0], "markersize": 5},
        "in_loop": {"marker": "^", "color": COLOURS[_CIRCUIT], "markersize": 10, "mfc": "none"},
    }
    for engine, look in looks.items():
        if engine in study.built[0].trained:
            share = [100 * np.mean(r.trained[engine].skipped) for r in study.built]
            axes.plot(x, share, linestyle="", label=ENGINES[engine], **look)
    axes.plot(x, [100 * r.same for r in study.built], "k--", label="closed form")
    axes.set_ylabel("updates skipped (%)")
    axes.legend(fontsize=8)


def _plot_differences(axes: Axes, study: Study) -> None:
    for k, series in enumerate(study.series):
        some = study.of_series(series)
        x = [r.setting.x for r in some]
        found = [1e3 * r.difference for r in some]
        look: dict[str, Any] = {"marker": MARKERS[_SERIES[k]], "color": COLOURS[_SERIES[k]]}
        axes.plot(x, found, linestyle="", label=f"drawn, {series}", **look)
        closed = [1e3 * r.expected_difference for r in some]
        axes.plot(x, closed, "k--", label=None if k else r"$\sqrt{2\sigma^2(1-\rho)}$")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("rms difference δν of two passes (mV)")
    axes.legend(fontsize=8)


def _plot_correlations(axes: Axes, study: Study) -> None:
    for layer, (first, stop) in enumerate(((0, 2), (2, 4), (4, 5))):
        x = [r.setting.x + 0.22 * (layer - 1) for r in study.results]
        look: dict[str, Any] = {"marker": MARKERS[layer], "color": COLOURS[layer], "markersize": 5}
        found = [float(np.mean(r.correlation[first:stop])) for r in study.results]
        axes.plot(x, found, linestyle="", label=f"layer {layer + 1}, drawn", **look)
        closed = [r.nodes[first].correlation for r in study.results]
        label = None if layer else "expected"
        axes.plot(x, closed, "k_", markersize=14, zorder=1, label=label)
    axes.set_ylabel("correlation ρ of the two passes (1)")
    axes.legend(fontsize=8, loc="upper right")


def _plot_let_through(axes: Axes, study: Study) -> None:
    x = [r.setting.x for r in study.results]
    for k, values in enumerate(np.transpose([r.let_through for r in study.results])):
        look: dict[str, Any] = {"marker": "o", "color": COLOURS[0], "markersize": 5, "mfc": "none"}
        axes.plot(x, values, linestyle="", label=None if k else "of M, one a direction", **look)
    same = [1 - r.same for r in study.results]
    axes.plot(x, same, "k_", markersize=26, label="1 − k: independent nodes")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("share of the gradient let through (1)")
    axes.legend(fontsize=8, loc="lower left")

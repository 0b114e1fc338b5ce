"""Noise as the paper's Fig. 2 shows it: traces, histograms, autocorrelation; and the spectrum."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim.figures import COLOURS, RC, STYLES
from sim.noise.analysis import NoiseReport
from sim.noise.specimen import Specimen
from sim.noise.table import MADE_BY

Array = NDArray[np.float64]

_DWELLS = 25  # shown of a trace, at most
_POINTS = 4000  # of a trace, at most


def plot_noise(specimens: Sequence[Specimen], reports: Sequence[NoiseReport], path: Path) -> None:
    """A row for each specimen, and below them autocorrelation and spectrum of all.

    Args:
        specimens: what was looked at.
        reports: what was found, in the same order.
        path: PNG to write.
    """
    rows = len(specimens)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(10, 1.7 * rows + 3.4))
        parts: Any = figure.subfigures(2, 1, height_ratios=(1.7 * rows, 3.2))
        upper, lower = parts
        grid = upper.subplots(
            rows, 2, width_ratios=(5, 1), sharex="col", sharey="row", squeeze=False
        )
        span = max(
            _span(specimen, report) for specimen, report in zip(specimens, reports, strict=True)
        )
        for k, specimen in enumerate(specimens):
            colour = COLOURS[k % len(COLOURS)]
            _plot_trace(grid[k, 0], specimen, span, colour)
            _plot_histogram(grid[k, 1], specimen, colour)
        grid[-1, 0].set_xlabel("time (ms)")
        grid[-1, 1].set_xlabel("share of samples")
        memory, power = lower.subplots(1, 2)
        for k, (specimen, report) in enumerate(zip(specimens, reports, strict=True)):
            look: dict[str, Any] = {"color": COLOURS[k % len(COLOURS)], "label": specimen.label}
            _plot_memory(memory, specimen, report, STYLES[k % len(STYLES)], look)
            _plot_spectrum(power, report, STYLES[k % len(STYLES)], look)
        memory.set(xlabel="lag (ms)", ylabel="autocorrelation")
        memory.axhline(np.exp(-1), color="grey", linewidth=0.8, linestyle=":")
        memory.annotate(
            "1/e",
            (0.99, np.exp(-1)),
            (0, 2),
            ("axes fraction", "data"),
            "offset points",
            ha="right",
        )
        if any(np.isfinite(specimen.law.correlation_time) for specimen in specimens):
            memory.plot([], [], "kx", markersize=5, label="law")
        memory.legend(fontsize=8)
        power.set(xlabel="frequency (Hz)", ylabel="power density (V²/Hz)")
        power.set_xscale("log")
        power.set_yscale("log")
        power.plot([], [], "k:", label="Lorentzian, sampled: fit")
        power.legend(fontsize=8)
        figure.savefig(path, dpi=130)


def _span(specimen: Specimen, report: NoiseReport) -> float:
    """Time that shows some dwells, s."""
    steps = _DWELLS / report.flip_probability if report.flip_probability > 0 else 300
    return min(max(steps, 50), _POINTS, len(specimen.samples)) * specimen.sample_time


def _plot_trace(ax: Axes, specimen: Specimen, span: float, colour: str) -> None:
    samples, step = specimen.samples, specimen.sample_time
    shown = int(min(len(samples), np.ceil(span / step) + 1, 10 * _POINTS))
    times = 1e3 * step * np.arange(shown)
    ax.step(times, 1e3 * samples[:shown], where="post", color=colour, linewidth=0.9)
    ax.set_xlim(0, 1e3 * span)
    for level in specimen.law.levels:
        ax.axhline(1e3 * level, color="grey", linewidth=0.7, linestyle=":")
    ax.set_ylabel("noise (mV)")
    ax.set_title(f"{specimen.label} ({MADE_BY[specimen.made_by]})", fontsize=9, loc="left")


def _plot_histogram(ax: Axes, specimen: Specimen, colour: str) -> None:
    samples = specimen.samples
    weights = np.full(len(samples), 1 / len(samples))
    ax.hist(
        1e3 * samples, bins=40, weights=weights, orientation="horizontal", color=colour, alpha=0.8
    )


def _plot_memory(
    ax: Axes, specimen: Specimen, report: NoiseReport, style: str, look: dict[str, Any]
) -> None:
    found = report.autocorrelation
    ax.plot(1e3 * found.lags, found.values, style, linewidth=1.3, **look)
    tau = specimen.law.correlation_time
    if np.isfinite(tau):
        share = _telegraph_share(specimen) if len(specimen.law.levels) == 2 else 1.0
        points = np.linspace(0, found.lags[-1], 12)[1:]
        ax.plot(1e3 * points, share * np.exp(-points / tau), "x", color=look["color"], markersize=5)


def _telegraph_share(specimen: Specimen) -> float:
    """Share of the variance that the flips make; the rest is observation noise, 1."""
    law = specimen.law
    low, high = law.levels
    return (high - low) ** 2 * law.occupancy * (1 - law.occupancy) / law.sigma**2


def _plot_spectrum(ax: Axes, report: NoiseReport, style: str, look: dict[str, Any]) -> None:
    found = report.spectrum
    ax.plot(found.frequencies, found.density, style, linewidth=0.9, alpha=0.7, **look)
    ax.plot(found.frequencies, found.fit, "k:", linewidth=1.2)

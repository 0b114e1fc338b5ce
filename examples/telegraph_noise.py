"""Telegraph noise of a string of junctions: its voltage over time, its levels, its memory.

Each row of the picture is a string of 1, 2 or 4 junctions in series. What the drawn paths do is
set beside the closed forms that the rest of the project computes with.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuits import CircuitParameters, NoiseParameters, Telegraph
from sim.figures import COLOURS
from sim.noise.specimen import sampled_states

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"

_STEP = 20e-6  # s between samples: a fifteenth of a mean dwell
_LAGS = 41


@dataclass(frozen=True)
class Drawn:
    """What a string's drawn noise does, beside what it should do.

    Attributes:
        n_mtj: junctions in series.
        noise: ν at the samples, V, shape (T,).
        levels: closed-form ν for 0…n junctions in AP, V, shape (n + 1,).
        probabilities: closed-form share of each level, shape (n + 1,).
        shares: drawn share of each level, shape (n + 1,).
        lags: s, shape (K,).
        autocorrelation: of the drawn noise, 1, shape (K,).
        expected: `exp(−t(1/τ_P + 1/τ_AP))` at the lags, 1, shape (K,).
    """

    n_mtj: int
    noise: Array
    levels: Array
    probabilities: Array
    shares: Array
    lags: Array
    autocorrelation: Array
    expected: Array


def draw(n_mtj: int, samples: int, seed: int) -> Drawn:
    """Draw a string's noise and compare it with the closed forms."""
    circuit = CircuitParameters(noise=NoiseParameters(n_mtj=n_mtj))
    string = circuit.noise_string()
    dwell = circuit.smtj.dwell_times(circuit.temperature)
    children = np.random.default_rng(seed).spawn(n_mtj)
    states = sampled_states([Telegraph(dwell, child) for child in children], _STEP, samples)
    noise = string.node_noise(states)
    counts = np.bincount(states.sum(axis=1, dtype=np.intp), minlength=n_mtj + 1)
    lags = _STEP * np.arange(_LAGS, dtype=np.float64)
    return Drawn(
        n_mtj,
        noise,
        string.node_levels,
        string.probabilities,
        counts / samples,
        lags,
        np.array([_correlation(noise, k) for k in range(_LAGS)]),
        np.exp(-lags * (1 / dwell[0] + 1 / dwell[1])),
    )


def _correlation(noise: Array, lag: int) -> float:
    centred = noise - noise.mean()
    return float(np.mean(centred[: len(noise) - lag] * centred[lag:]) / np.mean(centred**2))


def main(out: Path = PICTURES, samples: int = 400_000, seed: int = 0) -> list[Drawn]:
    """Draw strings of 1, 2 and 4 junctions and save `telegraph_noise.png` in `out`."""
    strings = [draw(n, samples, seed) for n in (1, 2, 4)]
    figure = Figure(figsize=(10, 7), layout="constrained")
    rows = figure.subplots(3, 3, width_ratios=(2.2, 1, 1.3), sharex="col")
    for axes, string in zip(rows, strings, strict=True):
        _plot_path(axes[0], string)
        _plot_levels(axes[1], string)
        _plot_memory(axes[2], string)
        axes[1].sharey(axes[0])
        axes[1].tick_params(labelleft=False)
    titles = ("noise at a pre-activation", "share of time at each level", "autocorrelation")
    for axes, title in zip(rows[0], titles, strict=True):
        axes.set_title(title, fontsize=10)
    for axes, label in zip(rows[-1], ("time (ms)", "share", "lag (ms)"), strict=True):
        axes.set_xlabel(label)
    rows[0][1].legend(fontsize=8, loc="center right")
    rows[0][2].legend(fontsize=8)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "telegraph_noise.png", dpi=130)
    return strings


def _plot_path(axes: Axes, string: Drawn) -> None:
    shown = 500
    time = 1e3 * _STEP * np.arange(shown)
    axes.step(time, 1e3 * string.noise[:shown], where="post", color=COLOURS[0], linewidth=1)
    for level in string.levels:
        axes.axhline(1e3 * level, color="black", linewidth=0.6, linestyle=":")
    axes.set_ylabel(f"n = {string.n_mtj}:  ν (mV)")
    axes.margins(y=0.15)


def _plot_levels(axes: Axes, string: Drawn) -> None:
    levels = 1e3 * string.levels
    height = 0.12 * np.ptp(levels) * 3 / (len(levels) + 2)
    axes.barh(levels, string.shares, height, color=COLOURS[5], label="drawn")
    axes.plot(string.probabilities, levels, "D", color="black", markersize=5, label="closed form")
    axes.set_xlim(0, 0.9)


def _plot_memory(axes: Axes, string: Drawn) -> None:
    lags = 1e3 * string.lags
    axes.plot(lags, string.autocorrelation, "o", color=COLOURS[0], markersize=4, label="drawn")
    expected = r"$e^{-t(1/\tau_P + 1/\tau_{AP})}$"
    axes.plot(lags, string.expected, color="black", linewidth=1, label=expected)
    axes.grid(alpha=0.3)


if __name__ == "__main__":
    for found in main():
        worst = np.abs(found.shares - found.probabilities).max()
        levels = np.round(1e3 * found.levels, 3)
        print(f"n = {found.n_mtj}: levels {levels} mV, shares {worst:.4f} off at most")

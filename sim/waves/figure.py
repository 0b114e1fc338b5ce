"""Waveforms as a figure: what goes in, the noise, and what comes of both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.figures import COLOURS, RC, STYLES, Array
from sim.waves.nodes import short_name
from sim.waves.waves import Waves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEGEND = 12  # names in a legend, at most
_PLACES = {True: (1e6, "µs"), False: (1e3, "ms")}
_SHORT = 1e-3  # s; shorter transients are in µs
_CHANGE = "change since\nthe sample (mV)"
_SETTLING = 0.05  # of a pass, in which its new inputs settle, far beyond what noise does
_TICKS = 0.06  # of a panel's height, between the flips of one source and the next


def plot_waveforms(waves: Waves, title: str, path: Path) -> None:
    """Draw waves, a panel for each kind of node; with flips and sampling instants marked.

    Args:
        waves: to draw.
        title: of the figure.
        path: to write, in the format of its suffix.
    """
    import matplotlib as mpl  # noqa: PLC0415  # most of a second
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    pre = waves.of_kind("pre")
    noise = waves.of_kind("noise")
    panels = [
        ("inputs (V)", waves.of_kind("input")),
        ("states of junctions", {} if noise else waves.of_kind("state")),
        ("noise sources (V)", noise),
        ("pre-activations (V)", pre),
        (_CHANGE, {name: 1e3 * _from_sample(waves, name) for name in pre if waves.passes}),
        ("outputs (V)", waves.of_kind("output")),
        ("nodes (V)", waves.of_kind("other")),
        ("currents (mA)", {f"i({name})": 1e3 * i for name, i in waves.currents.items()}),
    ]
    panels = [(label, traces) for label, traces in panels if traces]
    scale, unit = _PLACES[bool(waves.time[-1] - waves.time[0] < _SHORT)]
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9, 1.2 + 1.9 * len(panels)))
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        marked = next((k for k, (_, traces) in enumerate(panels) if traces is noise), 0)
        for k, (ax, (label, traces)) in enumerate(zip(axes, panels, strict=True)):
            flips = waves.flips if k == marked else ()
            _plot_traces(ax, waves, traces, scale, flips, from_sample=label == _CHANGE)
            ax.set_ylabel(label)
        figure.suptitle(title, fontsize=10)
        axes[-1].set_xlabel(f"time ({unit})")
        figure.savefig(path, dpi=130)


def _from_sample(waves: Waves, node: str) -> Array:
    """How far a node is from its sample at the end of the pass, V; NaN behind the last sample."""
    number = np.searchsorted(waves.sampling_instants, waves.time)
    return waves.voltages[node] - np.append(waves.sampled(node), np.nan)[number]


def _show_settled(ax: "Axes", waves: Waves, traces: Mapping[str, Array]) -> None:
    """Limits that show what noise does: without the beginning of each pass."""
    ends = np.array(waves.sampling_instants)
    starts = np.concatenate([waves.time[:1], ends[:-1]])
    number = np.searchsorted(ends, waves.time)
    settled = np.concatenate([starts + _SETTLING * (ends - starts), [np.inf]])[number]
    shown = np.stack(list(traces.values()))[:, waves.time >= settled]
    low, high = float(shown.min()), float(shown.max())
    margin = 0.06 * (high - low) or 1.0
    ax.set_ylim(low - margin, high + margin)


def _plot_traces(
    ax: "Axes",
    waves: Waves,
    traces: Mapping[str, Array],
    scale: float,
    flips: Sequence[tuple[float, str]],
    *,
    from_sample: bool,
) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415  # matplotlib, as above

    time = scale * waves.time
    instants = [scale * t for t in waves.sampling_instants]
    colours: dict[str, str] = {}
    for k, (name, wave) in enumerate(traces.items()):
        style, colour = STYLES[k % len(STYLES)], COLOURS[k % len(COLOURS)]
        label = short_name(name)
        colours[label] = colour
        ax.plot(time, wave, style, color=colour, label=label, linewidth=1.2)
        if instants:
            # A difference from the sample jumps where the next pass begins.
            sampled = np.zeros(len(instants)) if from_sample else np.interp(instants, time, wave)
            ax.plot(instants, sampled, "o", color=colour, markersize=4.5, zorder=3, clip_on=False)
    if from_sample:
        _show_settled(ax, waves, traces)
    for instant in instants:
        ax.axvline(instant, color="black", linewidth=0.8, linestyle=":")
    handles, labels = ax.get_legend_handles_labels()
    if instants:
        handles.append(Line2D([], [], color="black", marker="o", linestyle=":", label="sampled"))
    if flips:
        _mark(ax, flips, scale, colours)
        handles.append(Line2D([], [], color="black", marker="|", linestyle="", label="flip"))
    if len(labels) <= _LEGEND:
        ax.legend(
            handles=handles,
            fontsize=8,
            loc="center left",
            bbox_to_anchor=(1.01, 0.5),
            frameon=False,
        )


def _mark(
    ax: "Axes", flips: Sequence[tuple[float, str]], scale: float, colours: Mapping[str, str]
) -> None:
    """Ticks above a panel at every flip: a row a source, in the colour of its node."""
    sources = sorted({source for _, source in flips})
    rows = sources if len(sources) * _TICKS <= 0.5 else [""]  # else all in one row
    for row, name in enumerate(rows):
        times = [scale * time for time, source in flips if name in ("", source)]
        height = 1.0 + _TICKS * (row + 0.7)
        neuron = "_".join(name[1:].split("_")[:2])  # `s1_2_3` is of neuron 1_2
        at_left = {"transform": ax.transAxes, "ha": "right", "va": "center", "fontsize": 6}
        ax.text(-0.008, height, name, **at_left)
        ax.plot(
            times,
            np.full(len(times), height),
            "|",
            transform=ax.get_xaxis_transform(),
            color=colours.get(name, colours.get(f"z{neuron}", "black")),
            markersize=5,
            markeredgewidth=1.1,
            clip_on=False,
        )

"""What the waveform viewer of a page shows, as plain data; the viewer itself is JavaScript.

A page holds, for each run that has waveforms, the number K of the run in

    <div class="waveform-viewer" data-run="K"></div>
    <script type="application/json" class="waveform-data" data-run="K">…payload…</script>

together with `viewer_style()` and `viewer_script()`. As soon as plotly is there, the page calls
`WaveformViewer.mountAll()`.
"""

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.report.thinning import DECIMALS, thin
from sim.results import WAVEFORMS, Run
from sim.waves.nodes import short_name
from sim.waves.waves import Kind, Waves

Array = NDArray[np.float64]

_PANELS: Mapping[Kind, tuple[str, str]] = {
    "input": ("inputs", "V"),
    "state": ("junction states", ""),
    "noise": ("noise sources", "V"),
    "pre": ("pre-activations", "V"),
    "output": ("hidden outputs", "V"),
    "other": ("other nodes", "V"),
}
"""Title and unit of each kind's panel, from top to bottom."""

_SHOWN = 5
"""Nodes of a kind that are shown at first, where there are more."""
_POINTS = 4000
"""Of a curve, at most: twice as many as a wide screen has columns."""
_NODES = 250
"""In the page, at most: of wider networks the first of each kind and layer."""
_BUDGET = 150_000
"""Points of all curves, at most: 2 MB of text."""
_AROUND = 8
"""Points on either side of a sampling instant that are kept, however many there are."""


def waveform_payload(run: Run) -> dict[str, Any] | None:
    """What the viewer shows of a run; None where it has no waveforms.

    Returns:
        JSON's types only. Times are in `time_unit`. `times` are those of all points; a trace has
        `values` at the indices `at` of them, and `sampled` are those at the sampling instants.
        `look` is the stretch before an instant to zoom to.

    Raises:
        UserError: the run's waveforms are damaged.
    """
    dataset = run.waveforms
    if dataset is None:
        return None
    try:
        return payload_of(Waves.from_dataset(dataset), run.summary.get("t_aperture_s"))
    except (ValueError, TypeError, AttributeError, IndexError) as error:
        raise UserError(
            f"{run.path / WAVEFORMS}: is damaged ({error}), wanted what a run wrote; run it again"
        ) from None


def viewer_script() -> str:
    """The viewer's JavaScript; it asks for a global `Plotly`."""
    names = ("waves_figure.js", "waves_parts.js", "waves.js")
    return "\n".join(files("sim.report").joinpath(n).read_text(encoding="utf8") for n in names)


def viewer_style() -> str:
    """The viewer's CSS; colours follow the page's."""
    return files("sim.report").joinpath("waves.css").read_text(encoding="utf8")


def payload_of(waves: Waves, aperture: float | None) -> dict[str, Any]:
    """As `waveform_payload`.

    Args:
        waves: to show.
        aperture: the stretch before an instant to zoom to, s; a whole pass where None.

    Raises:
        ValueError: they are not what a simulation gives.
    """
    _require_sound(waves)
    stop = float(waves.time[-1])
    scale, unit = (1e6, "µs") if stop < 1e-3 else (1e3, "ms")
    nodes, left_out = _chosen(waves)
    most = int(np.clip(_BUDGET // max(len(nodes), 1), 200, _POINTS))
    keep = _around(waves)
    curves = {node: thin(waves.voltages[node], most, keep) for node in nodes}
    used = np.unique(np.concatenate([[0, len(waves.time) - 1], *(c.at for c in curves.values())]))
    used = used.astype(np.intp)
    shown = _shown_first(waves, nodes)
    length = float(np.diff([0.0, *waves.sampling_instants]).min(initial=stop))
    return {
        "title": waves.title,
        "engine": waves.engine,
        "notes": _notes(waves, left_out, [n for n, c in curves.items() if not c.whole], most),
        "time_unit": unit,
        "stop": _time(stop, scale, stop),
        "look": _time(min(aperture or length, length), scale, stop),
        "instants": [
            {"time": _time(t, scale, stop), "label": f"pass {number}"}
            for t, number in zip(waves.sampling_instants, waves.passes, strict=True)
        ],
        "flips": [
            {"time": _time(t, scale, stop), "source": short_name(source)}
            for t, source in waves.flips
        ],
        "panels": [
            {"kind": kind, "title": title, "unit": unit}
            for kind, (title, unit) in _PANELS.items()
            if kind in {waves.kinds[node] for node in nodes}
        ],
        "times": [_time(t, scale, stop) for t in waves.time[used]],
        "traces": [
            {
                "name": short_name(node),
                "kind": waves.kinds[node],
                "group": _group(node, waves.kinds[node]),
                "shown": node in shown,
                "at": np.searchsorted(used, curve.at).tolist(),
                "values": curve.values.tolist(),
                "sampled": [round(float(v), DECIMALS) for v in waves.sampled(node)],
            }
            for node, curve in curves.items()
        ],
    }


def _require_sound(waves: Waves) -> None:
    """Raises ValueError where a viewer could not show it."""
    if len(waves.time) < 2 or not (np.diff(waves.time) >= 0).all() or waves.time[-1] <= 0:
        raise ValueError("its time does not rise")
    if not waves.voltages:
        raise ValueError("it has no node")
    for node, volts in waves.voltages.items():
        if not np.isfinite(volts).all():
            raise ValueError(f"{node} is not finite")


def _time(seconds: float, scale: float, stop: float) -> float:
    """In the page's unit, to a millionth of the whole."""
    finest = int(np.floor(np.log10(stop * scale))) - 6
    return round(float(seconds) * scale, max(-finest, 0))


def _around(waves: Waves) -> NDArray[np.intp]:
    """Indices of the points next to the sampling instants."""
    nearest = np.searchsorted(waves.time, waves.sampling_instants)
    near = (nearest[:, None] + np.arange(-_AROUND, _AROUND + 1)).ravel()
    return np.unique(np.clip(near, 0, len(waves.time) - 1)).astype(np.intp)


def _group(node: str, kind: Kind) -> str:
    """Under which a node stands in the list of nodes: `inputs`, `layer 2: pre-activations`."""
    title = _PANELS[kind][0]
    layer = re.match(r"[a-z]+(\d+)_", short_name(node))
    return title if kind in {"input", "other"} or not layer else f"layer {layer[1]}: {title}"


def _by_group(waves: Waves, nodes: Mapping[str, Any] | list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for kind in _PANELS:
        for node in nodes:
            if waves.kinds[node] == kind:
                groups.setdefault(_group(node, kind), []).append(node)
    return groups


def _chosen(waves: Waves) -> tuple[list[str], int]:
    """Nodes that the page holds, by group, and how many it leaves out."""
    groups = _by_group(waves, waves.voltages)
    each = _NODES
    while sum(len(nodes[:each]) for nodes in groups.values()) > _NODES:
        each -= 1
    chosen = [node for nodes in groups.values() for node in nodes[:each]]
    return chosen, len(waves.voltages) - len(chosen)


def _shown_first(waves: Waves, nodes: list[str]) -> set[str]:
    """All of a kind where they are few, otherwise some of every layer."""

    def of_kind(kind: Kind) -> Iterator[str]:
        mine = [node for node in nodes if waves.kinds[node] == kind]
        groups = list(_by_group(waves, mine).values())
        each = _SHOWN if len(mine) <= _SHOWN else max(_SHOWN // len(groups), 1)
        return (node for group in groups for node in group[:each])

    return {node for kind in _PANELS for node in of_kind(kind)}


def _notes(waves: Waves, left_out: int, thinned: list[str], most: int) -> list[str]:
    """What the page does not show."""
    notes = []
    if left_out:
        notes.append(
            f"The page holds the first nodes of each kind and layer; {left_out:,} more are in "
            f"{WAVEFORMS}."
        )
    if thinned:
        notes.append(
            f"{len(thinned)} of the curves are thinned to about {most:,} of {len(waves.time):,} "
            f"points, the lowest and highest of each stretch; {WAVEFORMS} has all."
        )
    return notes

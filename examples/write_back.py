"""What each write-back device makes of a ramp of wanted weights, by its law (no simulation).

Five devices, and a sixth panel of what an accumulator is for: a weight that is to rise by steps
smaller than what a device can take.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuits import CircuitParameters, Network, SynapseArray
from sim.figures import COLOURS, RC

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"

_SYNAPSE = {"r_min": "33k"}  # weights up to ±3.02
_STEP, _STEPS = 0.004, 400
_FINE = ("e-series", "digipot")


@dataclass(frozen=True)
class Trace:
    """Weights that devices hold.

    Attributes:
        name: in the legend.
        wanted: V/V, shape (W,).
        held: V/V, same shape, a device of its own each.
    """

    name: str
    wanted: Array
    held: Array


def on_a_ramp(name: str, writes: int = 1, most: float = 3.3, **write_back: Any) -> Trace:
    """A device for each weight of the ramp, written to some times.

    Args:
        name: in the legend.
        writes: of the same weights; a device that is looked at before a write comes nearer.
        most: end of the ramp, V/V.
        **write_back: parameters of `circuit.write_back`.
    """
    ramp = np.linspace(-most, most, 661)
    array = _devices(len(ramp), write_back)
    for _ in range(writes):
        array.write([ramp[None, :]])
    return Trace(name, ramp, array.held()[0][0])


def in_small_steps(name: str, *, accumulator: bool, **write_back: Any) -> Trace:
    """One weight that a learner lets rise from 0 step by step.

    Args:
        name: in the legend.
        accumulator: whether the learner keeps the weight, or goes on from what is known of
            the device.
        **write_back: parameters of `circuit.write_back`.
    """
    array, weight, held = _devices(1, write_back), 0.0, []
    for _ in range(_STEPS):
        array.write([np.array([[weight]])])
        held.append(float(array.held()[0][0, 0]))
        weight = (weight if accumulator else float(array.told()[0][0, 0])) + _STEP
    return Trace(name, np.array([_STEP * k for k in range(_STEPS)]), np.array(held))


def _devices(count: int, write_back: Mapping[str, Any]) -> SynapseArray:
    circuit = CircuitParameters.model_validate({"synapse": _SYNAPSE, "write_back": write_back})
    streams = (np.random.default_rng(seed) for seed in (1, 2))
    return SynapseArray(
        circuit, Network((count, 1)), plus=None, minus=None,
        devices=next(streams), cycles=next(streams),
    )  # fmt: skip


def main(out: Path = PICTURES) -> dict[str, list[Trace]]:
    """Draw the picture, and return what is in each panel."""
    walls: dict[str, Any] = {"device": "domain-wall"}
    rram: dict[str, Any] = {"device": "rram-weak-reset"}
    levels: dict[str, Any] = {"device": "levels", "levels": {"count": 16}}
    digipot: dict[str, Any] = {"device": "digipot"}
    exact: dict[str, Any] = {"device": "digipot", "digipot": {"calibrated": True}}
    panels = {
        "e-series": [
            on_a_ramp("E24", most=3, device="e-series", e_series={"series": "E24"}),
            on_a_ramp("E96", most=3, device="e-series", e_series={"series": "E96"}),
        ],
        "levels, 8 of each device": [
            on_a_ramp(spacing, device="levels", levels={"count": 8, "spacing": spacing})
            for spacing in ("linear", "log")
        ],
        "digipot, 256 taps, ±20 %": [
            on_a_ramp("by data sheet", most=1.9, **digipot),
            on_a_ramp("calibrated", most=1.9, **exact),
        ],
        "domain-wall, 5 states": [
            on_a_ramp("spread 0.1 of the track", **walls),
            on_a_ramp("no spread", **walls, domain_wall={"position_spread": 0}),
        ],
        "rram-weak-reset": [
            on_a_ramp("first write", **rram), on_a_ramp("after 5 writes", 5, **rram)
        ],
        "steps of 0.004, one write each": [
            in_small_steps("levels, accumulator", accumulator=True, **levels),
            in_small_steps("levels, none", accumulator=False, **levels),
            in_small_steps("rram, accumulator", accumulator=True, **rram),
            in_small_steps("rram, none", accumulator=False, **rram),
        ],
    }  # fmt: skip
    plot(panels, out / "write_back.png")
    return panels


def plot(panels: Mapping[str, Sequence[Trace]], path: Path) -> None:
    """Draw held over wanted weights, or the difference, a panel each, into a PNG."""
    import matplotlib as mpl  # noqa: PLC0415  # its settings, for this figure alone

    with mpl.rc_context(RC):
        figure = Figure(figsize=(11, 7))
        for axes, (title, traces) in zip(figure.subplots(2, 3).flat, panels.items(), strict=True):
            _draw(axes, title, traces)
        figure.suptitle("Weights that devices hold (laws of the devices, no simulation)")
        figure.savefig(path, dpi=110)


def _draw(axes: Axes, title: str, traces: Sequence[Trace]) -> None:
    # Where steps are small, what is missed shows more than what is held.
    fine = title.startswith(_FINE)
    wanted = traces[0].wanted
    axes.plot(wanted, 0 * wanted if fine else wanted, color="0.6", lw=0.8, label="wanted")
    for k, trace in enumerate(traces):
        scattered = np.count_nonzero(np.diff(trace.held) < 0) > len(wanted) / 10
        style: dict[str, Any] = (
            {"ls": "", "marker": "o^"[k % 2], "ms": 2.2}
            if scattered and len(traces) == 2
            else {"ls": ("-", "--", "-.", ":")[k], "lw": 1.4}
        )
        shown = trace.held - trace.wanted if fine else trace.held
        axes.plot(trace.wanted, shown, color=COLOURS[k], label=trace.name, **style)
    shows = "held − wanted weight (V/V)" if fine else "held weight (V/V)"
    axes.set(title=title, xlabel="wanted weight (V/V)", ylabel=shows)
    axes.legend(fontsize=8, loc="upper center" if fine else "upper left")


if __name__ == "__main__":
    main()

"""One neuron's transfer curve in ngspice: what its diodes make of a leaky rectifier.

A 1-1-1 network with the noise held off is swept through its input. The diode divider is measured
with several diodes, and the precision rectifier beside it; thin lines are the closed form of
Kirchhoff's law at the divider's load.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from circuits import ActivationParameters, CircuitParameters, Network
from circuits.activation import DIODES, Kind
from sim.clock import Clock
from sim.engines import NgspiceEngine
from sim.figures import COLOURS, MARKERS
from sim.schedule import open_schedule

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"

_VARIANTS: tuple[tuple[Kind, str], ...] = (
    ("diode-divider", "HSMS-2850"),
    ("diode-divider", "BAT54"),
    ("diode-divider", "1N4148"),
    ("precision", "1N4148"),
)
_WEIGHT = 2.0  # of the neuron, so that inputs of ±1.35 V reach the rails


@dataclass(frozen=True)
class Curve:
    """A neuron's static transfer curve.

    Attributes:
        name: kind of rectifier and its diode.
        wanted: pre-activation by mathematics, V, shape (P,).
        pre: pre-activation in ngspice, V, shape (P,).
        output: output in ngspice, V, shape (P,).
        ideal: straight-line rectifier of `wanted`, V, shape (P,).
        closed: closed form of the divider at `pre`, V, shape (P,); None for the precision one.
    """

    name: str
    wanted: Array
    pre: Array
    output: Array
    ideal: Array
    closed: Array | None


def measure(kind: Kind, diode: str, inputs: Array) -> Curve:
    """Sweep a neuron's input, V, shape (P,), and read pre-activation and output."""
    activation = ActivationParameters(kind=kind, diode=DIODES[diode])
    circuit = CircuitParameters(activation=activation)
    network = Network((1, 1, 1))
    clock = Clock(t_pass=1e-3, t_aperture=10e-6, fidelity="op")
    engine = NgspiceEngine(network, circuit, clock)
    engine.write([np.array([[_WEIGHT]]), np.array([[1.0]])])
    quiet = open_schedule(network, circuit, clock, np.random.default_rng(0))
    readout = engine.run(quiet.held(inputs[:, None]))
    pre, output = readout.pre[0][:, 0], readout.outputs[0][:, 0]
    return Curve(
        f"{kind}, {diode}",
        _WEIGHT * inputs,
        pre,
        output,
        activation.ideal_transfer(_WEIGHT * inputs),
        activation.divider_transfer(pre) if kind == "diode-divider" else None,
    )


def main(out: Path = PICTURES, points: int = 109) -> list[Curve]:
    """Measure all variants and save `neuron_transfer.png` in `out`."""
    inputs = np.linspace(-1.35, 1.35, points)
    curves = [measure(kind, diode, inputs) for kind, diode in _VARIANTS]
    figure = Figure(figsize=(8, 8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 1))
    above.plot(
        curves[0].wanted, curves[0].ideal, "--", color="black", label="ideal: slopes 0.99 and 0.1"
    )
    for k, curve in enumerate(curves):
        _plot(above, below, curve, k)
    above.set_ylabel("output x (V)")
    above.legend(fontsize=9)
    below.axhline(0, color="black", linewidth=1.2, linestyle="--")
    below.set_ylim(-480, 120)
    below.set_ylabel("ngspice − ideal (mV)")
    below.set_xlabel("pre-activation that mathematics asks for (V)")
    for axes in (above, below):
        axes.grid(alpha=0.3)
        for rail in (-2.5, 2.5):
            axes.axvline(rail, color="grey", linewidth=1, linestyle=":")
    above.annotate("rail", (2.5, 0), fontsize=9, color="dimgrey", ha="right", rotation=90)
    above.set_title("transfer curve of a hidden neuron; thin lines: closed form", fontsize=10)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "neuron_transfer.png", dpi=130)
    return curves


def _plot(above: Axes, below: Axes, curve: Curve, k: int) -> None:
    style = {"color": COLOURS[k], "marker": MARKERS[k], "markersize": 4, "markevery": (k, 4)}
    above.plot(curve.wanted, curve.output, linestyle="", label=curve.name, **style)
    below.plot(curve.wanted, 1e3 * (curve.output - curve.ideal), linestyle="", **style)
    if curve.closed is not None:
        above.plot(curve.wanted, curve.closed, color=COLOURS[k], linewidth=0.8)
        below.plot(
            curve.wanted, 1e3 * (curve.closed - curve.ideal), color=COLOURS[k], linewidth=0.8
        )


if __name__ == "__main__":
    for found in main():
        at = np.interp((-1.0, 1.0), found.wanted, found.output - found.ideal)
        print(f"{found.name}: {1e3 * at[0]:+.1f} mV at a = -1 V, {1e3 * at[1]:+.1f} mV at +1 V")
        if found.closed is not None:
            off = 1e6 * np.abs(found.output - found.closed).max()
            print(f"  closed form {off:.2g} µV off at most")

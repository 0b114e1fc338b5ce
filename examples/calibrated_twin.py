"""A calibrated twin: the rectifier's curve, measured in ngspice, in place of two straight lines.

The default circuit is trained in the loop for a while. Then both twins are held against it, node by
node, at the same weights and under the same noise. What the calibrated one still misses comes from
passes that a guard of the engine calls doubtful: a flip so fresh that the amplifiers are still
moving, or an amplifier at its rail.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim import activation_curve, cosim
from sim.activation_curve import ActivationCurve
from sim.compare import Comparison, compare
from sim.figures import COLOURS, MARKERS
from sim.settings import load_config

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"


@dataclass(frozen=True)
class Calibration:
    """Both twins against the circuit.

    Attributes:
        curve: as measured.
        straight: what two straight lines give at its points, V, shape (K,).
        ideal: the straight-line twin against ngspice.
        calibrated: the calibrated one against the same.
    """

    curve: ActivationCurve
    straight: Array
    ideal: Comparison
    calibrated: Comparison

    def factors(self, *, doubtful: bool = True) -> list[float]:
        """By how much the calibrated twin is closer, rms over a layer's outputs, by layer."""
        pairs = zip(
            self.ideal.rms_and_max(doubtful=doubtful),
            self.calibrated.rms_and_max(doubtful=doubtful),
            strict=True,
        )
        return [plain / close for (plain, _), (close, _) in pairs]


def calibrate(epochs: int, samples: int, seed: int) -> Calibration:
    """Train the default circuit, measure its rectifier, and compare both twins with it."""
    settings: dict[str, Any] = {"task.epochs": epochs, "task.samples": samples, "seed": seed}
    plain = cosim.set_up(load_config(None, None, settings))
    engines = cosim.make_engines(plain)
    training = cosim.begin(plain, engines)
    cosim.train(training)
    learned = training.learners["in_loop"]

    curve = activation_curve.measure(plain.circuit, plain.config.simulation.solver())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "activation-curve.csv"
        activation_curve.write(path, curve, activation_curve.describe(plain.circuit))
        settings["simulation.activation_curve"] = str(path)
        twin = cosim.set_up(load_config(None, None, settings))
    return Calibration(
        curve,
        plain.circuit.activation.ideal_transfer(curve.a),
        compare(plain, learned.engine, learned.model),
        compare(twin, learned.engine, learned.model),
    )


def main(out: Path = PICTURES, epochs: int = 30, samples: int = 100, seed: int = 0) -> Calibration:
    """Compare both twins with the circuit and save `calibrated_twin.png` in `out`."""
    found = calibrate(epochs, samples, seed)
    figure = Figure(figsize=(9, 6), layout="constrained")
    grid = figure.subplots(2, 2, width_ratios=(1, 1.1))
    _plot_curve(grid[0, 0], grid[1, 0], found)
    _plot_layers(grid[0, 1], found, doubtful=True)
    _plot_layers(grid[1, 1], found, doubtful=False)
    grid[0, 1].legend(fontsize=9, loc="lower right")
    for axes in grid.flat:
        axes.grid(alpha=0.3)
    figure.suptitle(
        f"default circuit after {epochs} epochs in the loop, seed {seed} (ngspice, aperture)",
        fontsize=10,
    )
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "calibrated_twin.png", dpi=130)
    return found


def _plot_curve(above: Axes, below: Axes, found: Calibration) -> None:
    curve, off = found.curve, 1e3 * (found.curve.x - found.straight)
    above.plot(curve.a, found.straight, "--", color="black", label="straight lines")
    above.plot(curve.a, curve.x, color=COLOURS[0], label="measured (ngspice)")
    above.set_ylim(-0.6, 2.8)
    above.set_ylabel("output x (V)")
    above.set_title("the rectifier; dotted: the amplifier before it stops", fontsize=10)
    above.legend(fontsize=9)
    below.axhline(0, color="black", linewidth=1.2, linestyle="--")
    below.plot(curve.a, off, color=COLOURS[0])
    below.set_ylim(-160, 20)  # beyond the rails it leaves the picture
    below.set_ylabel("measured − straight (mV)")
    below.set_xlabel("pre-activation a (V)")
    for axes in (above, below):
        axes.set_xlim(-2.8, 2.8)
        for end in (curve.a[1], curve.a[-2]):
            axes.axvline(end, color="grey", linewidth=1, linestyle=":")


def _plot_layers(axes: Axes, found: Calibration, *, doubtful: bool) -> None:
    layers = np.arange(1, len(found.factors()) + 1)
    deviations = [
        np.array([1e3 * rms for rms, _ in comparison.rms_and_max(doubtful=doubtful)])
        for comparison in (found.ideal, found.calibrated)
    ]
    for k, (name, rms) in enumerate(
        zip(("straight-line twin", "calibrated twin"), deviations, strict=True)
    ):
        axes.plot(layers, rms, MARKERS[k], color=COLOURS[k], markersize=8, label=name)
    middle = np.sqrt(deviations[0] * deviations[1])
    for layer, height, factor in zip(layers, middle, found.factors(doubtful=doubtful), strict=True):
        times = f"{float(f'{factor:.2g}'):,.0f}× closer"
        axes.annotate(times, (layer, height), fontsize=9, ha="center", va="center")
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 1e3)
    axes.set_xlim(0.5, len(layers) + 0.5)
    axes.set_xticks(layers, [f"layer {layer}" for layer in layers])
    axes.set_ylabel("ngspice − twin, rms (mV)")
    tally = found.calibrated.tally
    left = tally.passes - tally.doubtful
    title = f"all {tally.passes} passes" if doubtful else f"the {left} passes without a doubt"
    axes.set_title(title, fontsize=10)


if __name__ == "__main__":
    result = main()
    print(f"curve: {len(result.curve.a)} points")
    for which, some in (("all passes", True), ("without doubtful ones", False)):
        rows = zip(
            result.ideal.rms_and_max(doubtful=some),
            result.calibrated.rms_and_max(doubtful=some),
            result.factors(doubtful=some),
            strict=True,
        )
        for number, ((plain_rms, _), (close_rms, _), times) in enumerate(rows, start=1):
            print(
                f"{which}, layer {number}: straight {1e3 * plain_rms:.3g} mV rms, "
                f"calibrated {1e3 * close_rms:.3g} mV rms: {times:.3g} times closer"
            )

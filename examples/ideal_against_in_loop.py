"""Ideal, transfer, in the loop: three ways to a trained circuit, epoch by epoch.

The ideal twin and the circuit train side by side on the same samples under the same noise. After
each epoch three losses are taken with the noise held off: the twin's own, that of the twin's
weights written into the circuit (transfer), and that of the circuit trained in the loop.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sim import cosim
from sim.figures import COLOURS, MARKERS, STYLES
from sim.settings import load_config

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"

_LABELS = {
    "ideal": "ideal twin (mathematics)",
    "transfer": "transfer: twin's weights in the circuit (ngspice)",
    "in_loop": "circuit trained in the loop (ngspice)",
}


@dataclass(frozen=True)
class Losses:
    """Mean loss over the samples with the noise off, before training and after each epoch.

    Attributes:
        epochs: from 0, shape (E + 1,).
        curves: by name, V², shape (E + 1,).
    """

    epochs: Array
    curves: dict[str, Array]


def train(epochs: int, samples: int, seed: int) -> Losses:
    """Train twin and circuit, looking at all three losses after every epoch."""
    overrides = {"task.epochs": epochs, "task.samples": samples, "seed": seed}
    setup = cosim.set_up(load_config(None, None, overrides))
    engines = cosim.make_engines(setup)
    training = cosim.begin(setup, engines)
    curves: dict[str, list[float]] = {name: [] for name in _LABELS}

    def look(_: cosim.Epoch | None = None) -> None:
        twin, circuit = (training.learners[name].model for name in ("ideal", "in_loop"))
        for name, engine, model in (
            ("ideal", engines["ideal"], twin),
            ("transfer", engines["in_loop"], twin),
            ("in_loop", engines["in_loop"], circuit),
        ):
            curves[name].append(cosim.evaluate(setup, engine, model).loss)

    look()
    cosim.train(training, after_epoch=look)
    found = {name: np.array(losses) for name, losses in curves.items()}
    return Losses(np.arange(epochs + 1.0), found)


def main(out: Path = PICTURES, epochs: int = 100, samples: int = 100, seed: int = 0) -> Losses:
    """Train the teacher's 2-2-2-1 network and save `ideal_against_in_loop.png` in `out`."""
    losses = train(epochs, samples, seed)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for k, (name, label) in enumerate(_LABELS.items()):
        axes.semilogy(
            losses.epochs,
            losses.curves[name],
            STYLES[k],
            color=COLOURS[k],
            marker=MARKERS[k],
            markevery=max(1, epochs // 10),
            markersize=5,
            label=label,
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel("mean squared error, noise off (V²)")
    axes.set_title(f"teacher 2-2-2-1, danp, seed {seed}, {samples} samples", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "ideal_against_in_loop.png", dpi=130)
    return losses


if __name__ == "__main__":
    for key, curve in main().curves.items():
        print(f"{key}: {curve[0]:.3g} at the start, {curve[-1]:.3g} after {len(curve) - 1} epochs")

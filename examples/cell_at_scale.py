"""A twin made of characterised cells, held against ngspice at a size that ngspice still reaches.

The default circuit is characterised, with op-amps whose offsets spread by 0.67 mV and weight
resistors of 256 steps. Then 64-32-10 learns handwritten digits by mathematics alone, once as ideal
mathematics and once as cells, and both sets of weights go into the circuit: the same resistors, the
same offset in every op-amp. Accuracies and node voltages are ngspice's and both twins'.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from circuits.network import format_layers
from sim import activation_curve, cosim
from sim.characterize.cell_file import NAME, CellFile
from sim.characterize.corners import typical_corner
from sim.characterize.neuron_cell import measure_cell
from sim.compare import Comparison
from sim.config import RunConfig
from sim.engine import Readout
from sim.engines import IdealEngine
from sim.figures import COLOURS, MARKERS
from sim.libngspice import get_library
from sim.passes import Passes
from sim.record import versions
from sim.scale import configure, train
from sim.scale.cell import OpenedCell, open_hardware
from sim.scale.cell_engine import CellEngine
from sim.scale.preparation import set_up
from sim.settings import load_config

PICTURES = Path(__file__).parents[1] / "docs" / "images"
LAYERS = (64, 32, 10)
SPREAD = 0.67e-3
"""V; a third of what the MCP601's data sheet (DS21314) gives as the most at 25 °C, 2 mV."""
STEPS = 256
ENGINES: tuple[str, ...] = ("ideal mathematics", "cells", "ngspice")


@dataclass(frozen=True)
class Outcome:
    """Weights that were learned in one way, on the held-out images.

    Attributes:
        learned: in what.
        accuracy: by engine, noise off, shares of one.
        ideal: ideal mathematics against ngspice, noise on.
        cells: the cells' twin against the same.
    """

    learned: str
    accuracy: Mapping[str, float]
    ideal: Comparison
    cells: Comparison

    def factors(self) -> list[float]:
        """By how much the cells' twin is closer, rms over a layer's outputs, by layer."""
        pairs = zip(self.ideal.rms_and_max(), self.cells.rms_and_max(), strict=True)
        return [plain / close for (plain, _), (close, _) in pairs]


def characterise(settings: Mapping[str, Any]) -> CellFile:
    """Measure the cells of a circuit, given its settings by path."""
    config = load_config(None, None, dict(settings))
    corner = typical_corner(config)[0]
    curve = activation_curve.measure(config.circuit, corner.solver)
    versions_ = versions(get_library().version)
    return measure_cell(corner, curve, versions_, spread=SPREAD, steps=STEPS)


def compare_learned(
    folder: Path,
    layers: tuple[int, ...],
    epochs: int,
    images: int,
    *,
    seed: int,
    in_cells: bool,
) -> Outcome:
    """Learn the digits, and run the held-out ones in ngspice and in both twins.

    Args:
        folder: that holds `cell.json`; gets the training's.
        layers: of the network.
        epochs: of learning.
        images: held-out ones, at most.
        seed: of everything random.
        in_cells: learn in these cells, and not in ideal mathematics.
    """
    learned = ENGINES[in_cells]
    settings: dict[str, Any] = {
        "seed": seed,
        "data.name": "digits",
        "data.scale": "volts",
        "network.layers": format_layers(layers),
        "learning.loss": "cross-entropy-5",
        "learning.eta": 0.007,
        "learning.decor_rate": 0.01,
        "learning.batch": 32,
        "learning.epochs": epochs,
        "device": "cpu",
        "threads": 1,
    }
    on_the_chip = configure(None, settings | {"cell": str(folder / NAME)})
    trained = train(
        on_the_chip if in_cells else configure(None, settings), folder / learned.replace(" ", "-")
    )
    model = trained.network.to_model()
    chip = set_up(on_the_chip).cell
    if chip is None:
        raise ValueError("the configuration names no cell")
    opened = open_hardware(chip.file, layers, np.random.SeedSequence(0), dtype=torch.float64)
    opened.restore(chip.state())
    spiced = cosim.set_up(_in_spice(opened, seed))
    ngspice = cosim.make_engines(spiced)["in_loop"]
    ideal = IdealEngine(spiced.network, spiced.circuit)
    cells = CellEngine(opened)
    built = cosim.effective_weights(opened.as_built(model), spiced)
    for engine in (ideal, cells, ngspice):
        engine.write(built)
    task, schedule = spiced.task, spiced.schedule(1)
    still = schedule.held(task.test_inputs[:images])
    noisy = schedule.draw(task.test_inputs[: images // 2])

    def accuracy(found: Readout) -> float:
        right = task.accuracy(found.outputs[-1], task.test_targets[:images])
        return float("nan") if right is None else right

    def against(passes: Passes) -> tuple[Comparison, Comparison]:
        measured = ngspice.run(passes)
        return (
            Comparison(passes, ideal.run(passes), measured),
            Comparison(passes, cells.run(passes), measured),
        )

    by_ideal, by_cells = against(still)
    found = (by_ideal.ideal, by_cells.ideal, by_cells.circuit)
    accuracies = {name: accuracy(one) for name, one in zip(ENGINES, found, strict=True)}
    return Outcome(learned, accuracies, *against(noisy))


def _in_spice(opened: OpenedCell, seed: int) -> RunConfig:
    """The circuit with these op-amps' offsets, at operating points."""
    circuit = opened.circuit.model_copy(update={"exceptions": opened.exceptions()})
    tree = {
        "seed": seed,
        "task": {"name": "digits", "layers": list(opened.layers)},
        "simulation": {"fidelity": "op"},
        "circuit": circuit.model_dump(exclude_none=True),
    }
    return RunConfig.model_validate(tree)


def main(
    out: Path = PICTURES,
    epochs: int = 20,
    images: int = 360,
    layers: tuple[int, ...] = LAYERS,
    seed: int = 0,
) -> tuple[Outcome, ...]:
    """Compare both ways of learning in all three engines and save `cell_at_scale.png` in `out`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / NAME).write_text(characterise({}).to_json(), encoding="utf8")
        outcomes = tuple(
            compare_learned(folder, layers, epochs, images, seed=seed, in_cells=how)
            for how in (False, True)
        )
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _plot_accuracy(left, outcomes)
    _plot_layers(right, outcomes[-1])
    figure.suptitle(
        f"digits, {'-'.join(map(str, layers))}, DANP, {epochs} epochs, seed {seed}: learned by "
        f"mathematics (torch, cpu); offsets {1e3 * SPREAD:g} mV, {STEPS} steps",
        fontsize=10,
    )
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "cell_at_scale.png", dpi=130)
    return outcomes


def _plot_accuracy(axes: Axes, outcomes: tuple[Outcome, ...]) -> None:
    width, hatches = 0.26, ("", "//", "..")
    for k, engine in enumerate(ENGINES):
        shares = [100 * outcome.accuracy[engine] for outcome in outcomes]
        places = np.arange(len(outcomes)) + (k - 1) * width
        bars = axes.bar(
            places, shares, width * 0.92, color=COLOURS[k], hatch=hatches[k], label=engine
        )
        axes.bar_label(bars, [f"{share:.1f}" for share in shares], fontsize=9, padding=2)
    axes.set_xticks(range(len(outcomes)), [f"learned in\n{o.learned}" for o in outcomes])
    axes.set_ylim(0, 128)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("held-out digits right (%)")
    axes.legend(fontsize=8, ncols=3, loc="upper center", title="run in", title_fontsize=8)
    axes.set_title("the same resistors and offsets in all", fontsize=10)


def _plot_layers(axes: Axes, outcome: Outcome) -> None:
    layers = np.arange(1, len(outcome.factors()) + 1)
    deviations = [
        np.array([1e3 * rms for rms, _ in comparison.rms_and_max()])
        for comparison in (outcome.ideal, outcome.cells)
    ]
    for k, rms in enumerate(deviations):
        label = f"ngspice − {ENGINES[k]}"
        axes.plot(layers, rms, MARKERS[k], color=COLOURS[k], markersize=9, label=label)
    middle = np.sqrt(deviations[0] * deviations[1])
    for layer, height, factor in zip(layers, middle, outcome.factors(), strict=True):
        times = f"{float(f'{factor:.2g}'):,.0f}× closer"
        axes.annotate(times, (layer, height), fontsize=9, ha="center", va="center")
    axes.set_yscale("log")
    axes.set_ylim(1e-4, 1e4)
    axes.set_xlim(0.5, len(layers) + 0.5)
    axes.set_xticks(layers, [f"layer {k}" for k in layers])
    axes.set_ylabel("outputs, rms (mV)")
    axes.legend(fontsize=8, loc="upper center", ncols=2)
    axes.grid(alpha=0.3)
    passes = len(outcome.cells.passes)
    axes.set_title(f"weights learned in cells, {passes} noisy passes", fontsize=10)


if __name__ == "__main__":
    for result in main():
        shown = ", ".join(f"{name} {share:.2%}" for name, share in result.accuracy.items())
        print(f"learned in {result.learned}: held-out digits right: {shown}")
        rows = zip(
            result.ideal.rms_and_max(), result.cells.rms_and_max(), result.factors(), strict=True
        )
        for number, ((plain, _), (close, worst), times) in enumerate(rows, start=1):
            print(
                f"  layer {number}: ngspice − ideal {1e3 * plain:.3g} mV rms, ngspice − cells "
                f"{1e3 * close:.3g} mV rms, {1e3 * worst:.3g} mV at most: {times:.3g} times closer"
            )

"""A deck exported, run by hand in bare ngspice, and compared with what the engine saw.

The deck holds two whole passes with every flip; the engine simulates only what can still be felt
at the sampling instants. Both read the same voltages there.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlists.build import probe_names
from netlists.spice import format_deck
from sim import cosim
from sim.engines.circuit import CircuitEngine
from sim.errors import UserError
from sim.figures import COLOURS
from sim.settings import load_config
from sim.waves.simulate import pair_deck

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "images"

_PRINTED = re.compile(r"^(\w+_p[12]) = (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Readings:
    """Node voltages at the two sampling instants, in V.

    Attributes:
        names: of the nodes.
        bare: printed by `ngspice -b`, shape (2, nodes).
        engine: read by the engine, shape (2, nodes).
    """

    names: tuple[str, ...]
    bare: Array
    engine: Array


def run_bare(deck: Path) -> dict[str, float]:
    """Run a deck by itself and return what it prints.

    Raises:
        UserError: there is no ngspice command.
    """
    ngspice = shutil.which("ngspice")
    if ngspice is None:
        raise UserError("ngspice: no such command; install it, as in apt install ngspice")
    command = [ngspice, "-b", str(deck)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own deck
    return {name: float(volts) for name, volts in _PRINTED.findall(done.stdout)}


def compare(deck: Path, seed: int) -> Readings:
    """Write a deck of a pair of passes, run it, and run the same pair in the engine."""
    setup, whole = (
        cosim.set_up(load_config(None, None, {"seed": seed, "simulation.fidelity": name}))
        for name in ("aperture", "full")
    )
    engine = cosim.make_engines(setup)["in_loop"]
    if not isinstance(engine, CircuitEngine):
        raise TypeError("the default engine is ngspice")
    engine.write(cosim.effective_weights(setup.start, setup))
    inputs = setup.task.test_inputs[:1]
    readout = engine.run(setup.schedule(0).draw(inputs))
    passes = whole.schedule(0).draw(inputs)  # the same noise, now with all its flips
    deck.write_text(format_deck(pair_deck(whole, engine.pairs, passes)), encoding="ascii")
    names = probe_names(setup.network)
    printed = run_bare(deck)
    bare = [[printed[f"{name}_p{p}"] for name in names] for p in (1, 2)]
    return Readings(names, np.array(bare), _in_order(names, readout.pre, readout.outputs))


def _in_order(names: tuple[str, ...], pre: tuple[Array, ...], outputs: tuple[Array, ...]) -> Array:
    kinds = {"a": pre, "x": outputs}
    columns = []
    for name in names:
        layer, neuron = name[1:].split("_")
        columns.append(kinds[name[0]][int(layer) - 1][:, int(neuron) - 1])
    return np.column_stack(columns)


def main(out: Path = PICTURES, deck: Path = Path("exported.cir"), seed: int = 0) -> Readings:
    """Compare both and save `export_and_run.png` in `out`; the deck stays at `deck`."""
    readings = compare(deck, seed)
    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.4, 1))
    places = np.arange(len(readings.names))
    for p in (0, 1):
        side = places + 0.16 * (2 * p - 1)
        look = {"linestyle": "", "color": COLOURS[p], "markersize": 8}
        above.plot(side, readings.engine[p], "os"[p], fillstyle="none", **look)
        above.plot(side, readings.bare[p], "x+"[p], **look)
        shift = 1e6 * (readings.bare[p] - readings.engine[p])
        below.bar(side, shift, 0.28, color=COLOURS[p], hatch=("", "//")[p], label=f"pass {p + 1}")
    blank = {"linestyle": "", "color": "black"}
    above.plot(
        [], [], marker="o", fillstyle="none", **blank, label="engine, aperture (○ pass 1, □ pass 2)"
    )
    above.plot([], [], marker="x", **blank, label="ngspice -b, whole passes (× pass 1, + pass 2)")
    above.legend(fontsize=9)
    above.set_ylabel("at the sampling instant (V)")
    above.set_title("the same pair of passes in bare ngspice and in the engine", fontsize=10)
    below.set_ylabel("bare − engine (µV)")
    below.legend(fontsize=9)
    below.set_xticks(places, readings.names)
    for axes in (above, below):
        axes.grid(alpha=0.3)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "export_and_run.png", dpi=130)
    return readings


if __name__ == "__main__":
    found = main()
    for name, ours, engines in zip(found.names, found.bare.T, found.engine.T, strict=True):
        print(f"{name}: bare {ours.round(6)} V, engine {engines.round(6)} V in passes 1 and 2")
    print(f"largest difference {1e6 * np.abs(found.bare - found.engine).max():.3g} µV")

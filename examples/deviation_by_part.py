"""Which part is to blame: the deviation from mathematics as parts get better one by one.

The same weights and the same noise go through circuits that differ in a part or two. Each mark is
the root mean square of ngspice − ideal over a layer's outputs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sim import cosim
from sim.compare import compare
from sim.figures import COLOURS, MARKERS
from sim.settings import load_config

PICTURES = Path(__file__).parents[1] / "docs" / "images"

_KIND, _DIODE = "circuit.activation.kind", "circuit.activation.diode"
_LEVEL, _TOP = "circuit.opamp.level", "circuit.synapse.r_max"
# Label, preset, overrides.
_VARIANTS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("divider, 1N4148", None, {_DIODE: "1N4148"}),
    ("divider, BAT54", None, {_DIODE: "BAT54"}),
    ("divider, HSMS-2850\n(default)", None, {}),
    ("the same,\nideal op-amps", None, {_LEVEL: "ideal"}),
    ("precision, 1N4148", None, {_KIND: "precision"}),
    ("divider,\nideal diodes", None, {_DIODE: "ideal"}),
    ("ideal parts", "ideal-parts", {}),
)


@dataclass(frozen=True)
class Deviation:
    """Deviation of one circuit.

    Attributes:
        name: what it is made of.
        rms: of each layer's outputs, V.
        largest: magnitude, likewise.
    """

    name: str
    rms: tuple[float, ...]
    largest: tuple[float, ...]


def measure(
    name: str, preset: str | None, overrides: dict[str, Any], samples: int, seed: int
) -> Deviation:
    """Compare a circuit with mathematics at the weights before training."""
    settings = {
        **overrides,
        "task.samples": samples,
        "learning.init_scale": 0.5,  # keeps clear of the rails, which would hide the parts
        "seed": seed,
    }
    setup = cosim.set_up(load_config(None, preset, settings))
    engine = cosim.make_engines(setup)["in_loop"]
    pairs = compare(setup, engine, setup.start).rms_and_max()
    return Deviation(name, tuple(rms for rms, _ in pairs), tuple(most for _, most in pairs))


def main(out: Path = PICTURES, samples: int = 100, seed: int = 0) -> list[Deviation]:
    """Measure every variant and save `deviation_by_part.png` in `out`."""
    found = [measure(*variant, samples, seed) for variant in _VARIANTS]
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(found))
    for layer in range(3):
        rms = [1e3 * deviation.rms[layer] for deviation in found]
        axes.plot(
            rms,
            places,
            MARKERS[layer],
            color=COLOURS[layer],
            markersize=8,
            label=f"layer {layer + 1}",
        )
    axes.set_yticks(places, [deviation.name for deviation in found])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("deviation of the outputs from mathematics, rms (mV)")
    axes.set_title(f"2-2-2-1, small random weights, seed {seed}, ngspice", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "deviation_by_part.png", dpi=130)
    return found


if __name__ == "__main__":
    for deviation in main():
        layers = ", ".join(
            f"{1e3 * rms:.3g} (max {1e3 * most:.3g})"
            for rms, most in zip(deviation.rms, deviation.largest, strict=True)
        )
        print(f"{deviation.name.replace(chr(10), ' ')}: {layers} mV, layer by layer")

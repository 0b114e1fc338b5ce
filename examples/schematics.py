"""The circuit as a designer draws it: `python examples/schematics.py`.

Draws the default network of 2-2-2-1 with random weights of seed 0: as a block diagram, its first
layer, and a hidden neuron of that with every part.
"""

from pathlib import Path

from circuits import CircuitParameters, Network
from netlists.export import STRETCHES, random_deck
from netlists.schematic.circuit import Circuit
from netlists.schematic.layer import draw_layer
from netlists.schematic.network import draw_network
from netlists.schematic.neuron import draw_neuron
from netlists.schematic.paint import to_png, to_svg
from netlists.schematic.sheet import Drawing

PICTURES = Path(__file__).parents[1] / "docs" / "images"


def main(out: Path = PICTURES) -> dict[str, Drawing]:
    """Write schematic_network, schematic_layer and schematic_neuron as SVG and PNG in `out`."""
    deck = random_deck(Network((2, 2, 2, 1)), CircuitParameters(), STRETCHES["aperture"], seed=0)
    circuit = Circuit(deck)
    drawings = {
        "schematic_network": draw_network(circuit),
        "schematic_layer": draw_layer(circuit, 1),
        "schematic_neuron": draw_neuron(circuit, 1, 2),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, drawing in drawings.items():
        (out / f"{name}.svg").write_bytes(to_svg(drawing))
        (out / f"{name}.png").write_bytes(to_png(drawing))
    return drawings


if __name__ == "__main__":
    for name, drawing in main().items():
        print(f"{name}: {drawing.title}, {len(drawing.symbols)} parts")

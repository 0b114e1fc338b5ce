"""`danp-cosim schematic`: network, layers, neurons and cells as pictures, drawn from the deck."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click

from circuits.activation import Kind
from circuits.errors import UserError
from netlists.commandline import execute
from netlists.deck import Deck
from netlists.models import OPAMP
from netlists.schematic.circuit import Circuit
from netlists.schematic.sheet import Drawing
from sim.options import with_settings
from sim.record import open_folder, require_free
from sim.settings import load_config

WHAT = ("network", "layer", "neuron", "cell")
FORMATS = ("svg", "png")
_ALL_NEURONS = 12  # up to which all are drawn; of more, the first of each layer
_NAMES = {
    "task.layers": "--layers",
    "seed": "--seed",
    "learning.biases": "--biases",
    "circuit.activation.kind": "--activation",
    "circuit.opamp.level": "--opamp",
    "circuit.noise.n_mtj": "--n-mtj",
}


class Several(click.ParamType):
    """Some of a few words, parted by commas."""

    name = "WORD,…"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Read them; each once, in the order of the help."""
        if isinstance(value, tuple):
            return value
        asked = [word.strip() for word in str(value).split(",")]
        for word in asked:
            if word not in self.words:
                self.fail(f"wanted some of {', '.join(self.words)}, got {word!r}", param, ctx)
        return tuple(word for word in self.words if word in asked)


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--what", type=Several(WHAT), help=f"Drawings to make, of {','.join(WHAT)}.  [default: all]"
)
@click.option("--layer", "layers_asked", multiple=True, metavar="K", help="This layer; repeatable.")
@click.option(
    "--neuron", "neurons", multiple=True, metavar="K_J", help="Neuron J of layer K; repeatable."
)
@click.option(
    "--run",
    "run",
    type=click.Path(path_type=Path),
    metavar="RUN_DIR",
    help="Draw the circuit of a finished run, as trained.  [default: random weights]",
)
@click.option(
    "--layers", metavar="N,N,…", help="Units per layer, inputs first.  [default: 2,2,2,1]"
)
@click.option("--seed", metavar="N", help="Seed of the random weights, as of build.  [default: 0]")
@click.option("--opamp", type=OPAMP, help="Level of the op-amps' model.  [default: macro]")
@click.option(
    "--activation",
    type=click.Choice(get_args(Kind)),
    help="Rectifier of hidden neurons.  [default: diode-divider]",
)
@click.option("--n-mtj", metavar="N", help="Junctions in series at each node.  [default: 1]")
@click.option("--biases/--no-biases", default=None, help="Give every neuron a bias.")
@click.option(
    "--format",
    "formats",
    type=Several(FORMATS),
    default=",".join(FORMATS),
    help="Of the pictures.  [default: svg,png]",
)
@with_settings("circuit.noise.source=gaussian", "runs/<time>-schematic")
def schematic(
    what: tuple[str, ...] | None,
    layers_asked: tuple[str, ...],
    neurons: tuple[str, ...],
    *,
    run: Path | None,
    formats: tuple[str, ...],
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Draw the circuit: every part of its deck, with the deck's names and values.

    Leaves network, layer1, …, neuron_1_1, … and cell_opamp, … as SVG and PNG. A picture whose
    connections, read back, are not the deck's is refused.

    Exit codes: 0 done, 2 a wrong input, 130 stopped by Ctrl-C.
    """
    require_free(out)
    from sim.schematic import source  # noqa: PLC0415  # the help does without

    options = {
        path: given[flag.removeprefix("--").replace("-", "_")] for path, flag in _NAMES.items()
    }
    if run is not None:
        others = [_NAMES[path] for path, value in options.items() if value is not None]
        others += ["--set"] * bool(assignments) + ["--preset"] * bool(preset)
        others += ["--config"] * bool(config_file)
        if others:
            raise UserError(f"--run: its own settings are drawn; leave out {', '.join(others)}")
        deck, origin = source.deck_of_run(run)
    else:
        config = load_config(config_file, preset, options, _NAMES, assignments)
        deck, origin = source.deck_of_random(config)
    drawings = [make(origin) for make in _asked(deck, what, layers_asked, neurons)]
    from netlists.schematic import paint  # noqa: PLC0415  # matplotlib and schemdraw

    folder = open_folder(out, "schematic", datetime.now().astimezone())
    for drawing in drawings:
        for kind in formats:
            content = {"svg": paint.to_svg, "png": paint.to_png}[kind](drawing)
            folder.write_bytes(f"{drawing.name}.{kind}", content)
    if not quiet:
        for drawing in drawings:
            dots = f" ({len(drawing.left_out):,} parts as dots)" if drawing.left_out else ""
            click.echo(f"{drawing.name}: {drawing.title}{dots}")
        left = _left(Circuit(deck), what, layers_asked, neurons)
        if left:
            click.echo(left)
        click.echo(f"folder: {folder.path}")
    return 0


def _asked(
    deck: Deck, what: tuple[str, ...] | None, layers: tuple[str, ...], neurons: tuple[str, ...]
) -> Iterator[Callable[[str], Drawing]]:
    """What makes each drawing, given where the weights come from."""
    from netlists.schematic.cell import cells_of, draw_cell  # noqa: PLC0415  # with networkx
    from netlists.schematic.layer import draw_layer  # noqa: PLC0415
    from netlists.schematic.network import draw_network  # noqa: PLC0415
    from netlists.schematic.neuron import draw_neuron  # noqa: PLC0415

    circuit = Circuit(deck)
    pairs = [_neuron(circuit, text) for text in neurons]
    numbers = [_layer(circuit, text) for text in layers]
    if what is None:
        what = WHAT if not pairs and not numbers else ()
    if "network" in what:
        yield lambda origin: _from(draw_network(circuit), origin)
    if "layer" in what or numbers:
        for layer in numbers or range(1, circuit.layers + 1):
            yield lambda origin, layer=layer: _from(draw_layer(circuit, layer), origin)
    if "neuron" in what or pairs:
        for pair in pairs or _neurons(circuit, numbers):
            yield lambda origin, pair=pair: _from(draw_neuron(circuit, *pair), origin)
    if "cell" in what:
        for cell in cells_of(circuit):
            yield lambda _, cell=cell: draw_cell(deck, cell)


def _from(drawing: Drawing, origin: str) -> Drawing:
    from dataclasses import replace  # noqa: PLC0415

    return replace(drawing, title=f"{drawing.title}; {origin}")


def _neurons(circuit: Circuit, layers: Sequence[int]) -> list[tuple[int, int]]:
    """All neurons of some layers, or where they are many the first of each layer."""
    counts = {k: circuit.neurons(k) for k in layers or range(1, circuit.layers + 1)}
    many = sum(counts.values()) > _ALL_NEURONS
    return [(k, j) for k, n in counts.items() for j in range(1, (1 if many else n) + 1)]


def _left(
    circuit: Circuit,
    what: tuple[str, ...] | None,
    layers: tuple[str, ...],
    neurons: tuple[str, ...],
) -> str:
    """What to say of neurons that are not drawn."""
    total = sum(circuit.neurons(k) for k in range(1, circuit.layers + 1))
    default = not neurons and ("neuron" in what if what else not layers)
    if not default or total <= _ALL_NEURONS:
        return ""
    return f"of {total} neurons the first of each layer; name others with --neuron, as in 1_2"


def _layer(circuit: Circuit, text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,6}", text):
        raise UserError(f"--layer: wanted a layer's number from 1, as in 2, got {text!r}")
    number = int(text)
    if number > circuit.layers:
        raise UserError(f"--layer: no layer {number}; there are 1 to {circuit.layers}")
    return number


def _neuron(circuit: Circuit, text: str) -> tuple[int, int]:
    match = re.fullmatch("[axn]?([1-9][0-9]{0,6})_([1-9][0-9]{0,6})", text)
    if match is None:
        raise UserError(f"--neuron: wanted LAYER_NEURON, both from 1, as in 1_2, got {text!r}")
    layer, number = int(match[1]), int(match[2])
    if layer > circuit.layers:
        raise UserError(f"--neuron: no layer {layer} in {text}; there are 1 to {circuit.layers}")
    if number > circuit.neurons(layer):
        raise UserError(
            f"--neuron: no neuron {number} in layer {layer}; there are {layer}_1 to "
            f"{layer}_{circuit.neurons(layer)}"
        )
    return layer, number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(schematic, arguments, "python -m sim.schematic")

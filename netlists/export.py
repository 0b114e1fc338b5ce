"""`python -m netlists.build`: a deck of a random network, with one pair of noisy passes."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast, get_args

import click
import numpy as np

from circuits import CircuitParameters, Network, ResistorPairs, Telegraph
from circuits.activation import ActivationParameters, Kind
from circuits.errors import UserError
from circuits.mismatch import chip_generator, draw_chip
from circuits.network import format_layers, parse_layers
from circuits.noise import NoiseParameters
from circuits.opamp import Level, OpAmpParameters
from netlists.build import build_deck
from netlists.commandline import execute
from netlists.deck import Deck
from netlists.models import OPAMP, with_models
from netlists.rules import Limits, check, require_sound, warnings_of
from netlists.spice import format_deck
from netlists.stimulus import Stimulus, flips

T_PASS = 1e-3
_STREAMS = 6  # that a run makes of its seed; its devices draw from the last
STRETCHES = {"full": T_PASS, "aperture": 10e-6, "op": 0.0}  # s of each pass


@click.command(context_settings={"show_default": True, "max_content_width": 100})
@click.option("--layers", default="2,2,2,1", help="Units per layer, inputs first.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    help="Seed of weights, inputs and junction states.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write.  [default: standard output]",
)
@click.option(
    "--fidelity",
    type=click.Choice(list(STRETCHES)),
    default="aperture",
    help="full: two passes of 1 ms; aperture: their last 10 µs; op: two operating points.",
)
@click.option(
    "--opamp",
    type=OPAMP,
    default="macro",
    help="Level of the op-amps' model; FILE:NAME is a subcircuit of a SPICE library.",
)
@click.option(
    "--activation",
    type=click.Choice(get_args(Kind)),
    default="diode-divider",
    help="Rectifier of hidden neurons.",
)
@click.option(
    "--n-mtj",
    type=click.IntRange(1, 64),
    default=1,
    help="Junctions in series at each node.",
)
@click.option("--biases/--no-biases", default=False, help="Give every neuron a bias.")
@click.option("--erc/--no-erc", default=True, help="Check the deck's electrical rules.")
def export(  # noqa: PLR0917  # click hands over by name
    layers: str,
    seed: int,
    out: Path | None,
    fidelity: str,
    opamp: str,
    activation: Kind,
    n_mtj: int,
    biases: bool,
    erc: bool,
) -> None:
    """Write a SPICE deck of a network with random weights and one pair of noisy passes.

    `ngspice -b FILE` prints every node's voltage at both sampling instants. Where the deck breaks
    an electrical rule, an error stops it and a warning is printed beside it.
    """
    try:
        network = Network(parse_layers(layers), biases)
    except ValueError as error:
        raise UserError(f"--{error}") from None
    circuit = CircuitParameters(
        opamp=OpAmpParameters(level=cast("Level", opamp)),  # FILE:NAME is taken apart there
        activation=ActivationParameters(kind=activation),
        noise=NoiseParameters(n_mtj=n_mtj),
    )
    deck = random_deck(network, with_models(circuit), STRETCHES[fidelity], seed)
    findings = check(deck, Limits.of(circuit)) if erc else ()
    require_sound(findings)
    for warning in warnings_of(findings):
        click.echo(f"warning: {warning}", err=True)
    text = format_deck(deck)
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="ascii")
    except OSError as error:
        raise UserError(f"--out: cannot write {out}: {error.strerror}") from None


def random_deck(network: Network, circuit: CircuitParameters, stretch: float, seed: int) -> Deck:
    """A deck of random weights, inputs and flips; `stretch` s of each pass are simulated.

    Parts that are to differ are drawn: the chip that `circuit.mismatch` names, or that of a run of
    this seed.
    """
    devices = np.random.SeedSequence(seed).spawn(_STREAMS)[-1]
    chip = draw_chip(circuit, network, chip_generator(circuit, devices))
    rng = np.random.default_rng(seed)
    pairs = []
    for layer in range(1, len(network.layers)):
        shape = network.synapse_shape(layer)
        asked = circuit.synapse.program(rng.normal(size=shape) / np.sqrt(shape[1]))
        plus, minus = asked.plus * chip.plus[layer - 1], asked.minus * chip.minus[layer - 1]
        pairs.append(ResistorPairs(plus, minus, asked.clipped))
    inputs = rng.uniform(-1, 1, network.layers[0])
    dwell = circuit.smtj.dwell_times(circuit.temperature)
    count = network.neurons * circuit.noise.n_mtj
    paths = [Telegraph(dwell, child) for child in rng.spawn(count)]
    stretches = []
    for k in (1, 2):
        start = k * T_PASS - stretch
        windows = [path.window(start, k * T_PASS) for path in paths]
        states = np.array([state for state, _ in windows], dtype=np.float64)
        steps = tuple(flips(times - start, state) for state, times in windows)
        stretches.append((f"p{k}", Stimulus(stretch, inputs, states, steps)))
    title = (
        f"danp-cosim: ANP network {format_layers(network.layers)}, random weights of seed {seed}",
        "a pair of noisy passes; ngspice -b prints v(node) at the end of each (_p1, _p2)",
    )
    built = chip.applied(circuit)
    return build_deck(network, built, pairs, stretches, strings=chip.strings, title=title)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(export, arguments, "python -m netlists.build")

"""Where the deck that is drawn comes from: random weights, or a finished run."""

from pathlib import Path

from netlists.deck import Deck
from netlists.export import STRETCHES, random_deck
from netlists.models import with_models
from sim.config import RunConfig
from sim.finished import read_run
from sim.title import run_title
from sim.waves.simulate import pair_deck


def deck_of_run(path: Path) -> tuple[Deck, str]:
    """The deck of a finished run with its trained weights, and where they come from in words.

    Raises:
        UserError: no folder of a finished run of a circuit.
    """
    run = read_run(path)
    setup = run.setup
    schedule = setup.schedule(1, silent=setup.config.simulation.noise_off)
    passes = schedule.draw(setup.task.test_inputs[:1])
    deck = pair_deck(setup, run.pairs, passes)
    whose = {"in_loop": "trained in the loop", "ideal": "trained in mathematics"}
    return deck, f"{whose[run.learner]}: {run_title(setup.config)}"


def deck_of_random(config: RunConfig) -> tuple[Deck, str]:
    """The deck that `danp-cosim build` writes of a seed, and its weights in words.

    Raises:
        UserError: a model from a file cannot be had, or an op-amp of an exception is not there.
    """
    circuit = with_models(config.circuit)
    deck = random_deck(config.network, circuit, STRETCHES["aperture"], config.seed)
    return deck, f"random weights of seed {config.seed}"

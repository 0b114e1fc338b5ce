"""The ways to run passes: a deck for each, by one of three programs, or this project's engine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.cosim.contenders import Contender
from benchmarks.cosim.programs import BareProgram, OneDeck, Program, PySpiceProgram, ReloadProgram
from netlists.build import build_deck
from sim.cosim import make_engines
from sim.engine import Readout
from sim.engines.circuit import longest_step, pass_stretches
from sim.libngspice import Ngspice, get_library
from sim.passes import Passes
from sim.preparation import Setup
from sim.workers.engine import WorkerEngine

Array = NDArray[np.float64]
Ready = Callable[[], Array]
"""Runs passes that were made ready; gives sampled voltages, V, in the order of
`netlists.build.probe_names`, shape (P, probes)."""


class Way(Protocol):
    """Runs passes with given weights."""

    @property
    def made_by(self) -> str:
        """The engine, in words."""
        ...

    def ready(self, weights: Sequence[Array], passes: Passes) -> Ready:
        """Prepare what is not timed."""
        ...

    def inside(self) -> float:
        """Seconds inside ngspice so far."""
        ...

    def count_points(self, weights: Sequence[Array], passes: Passes) -> int | None:
        """Time points of a run, one for an operating point; None where that is not known."""
        ...


@dataclass
class DeckWay:
    """A deck for each pass, simulated from end to end.

    Attributes:
        setup: of the run.
        program: solves one deck.
    """

    setup: Setup
    program: Program

    @property
    def made_by(self) -> str:
        """What the program drives."""
        return self.program.made_by

    def ready(self, weights: Sequence[Array], passes: Passes) -> Ready:
        """Build the decks of a program that would not need them."""
        count = range(len(passes))
        if not self.program.own_objects:
            return lambda: np.array([self._solve(self._deck(weights, passes, p)) for p in count])
        decks = [self._deck(weights, passes, p) for p in count]
        return lambda: np.array([self._solve(deck) for deck in decks])

    def inside(self) -> float:
        """As the program says."""
        return self.program.inside

    def count_points(self, weights: Sequence[Array], passes: Passes) -> int | None:
        """As the program counts them."""
        decks = [self._deck(weights, passes, p) for p in range(len(passes))]
        return sum(self.program.count_points(deck) for deck in decks)

    def _solve(self, deck: OneDeck) -> Array:
        return self.program.solve(deck)

    def _deck(self, weights: Sequence[Array], passes: Passes, p: int) -> OneDeck:
        setup = self.setup
        stretches = pass_stretches(passes, p, setup.clock)
        step = longest_step(stretches, setup.clock)
        deck = build_deck(
            setup.network,
            setup.circuit,
            [setup.circuit.synapse.program(w) for w in weights],
            [(f"p{k}", stretch) for k, stretch in enumerate(stretches, start=1)],
            strings=setup.strings,
            solver=setup.config.simulation.solver(),
            max_step=step,
            strobe=False,
        )
        last = f"p{len(stretches)}"
        whole = sum(stretch.duration for stretch in stretches)
        return OneDeck(deck, whole, step, last, setup.circuit.temperature)


class EngineWay:
    """This project's engine, as a run has it.

    Args:
        setup: of the run.
        jobs: worker processes that simulate; 0: this one does.
    """

    def __init__(self, setup: Setup, jobs: int) -> None:
        self._jobs = jobs
        self._engine = make_engines(setup, jobs=jobs)["in_loop"]
        self._source = self._engine if isinstance(self._engine, WorkerEngine) else get_library()

    @property
    def made_by(self) -> str:
        """As the engine calls itself."""
        return self._engine.name

    def ready(self, weights: Sequence[Array], passes: Passes) -> Ready:
        """Nothing is prepared: weights are written and passes run."""

        def run() -> Array:
            self._engine.write(weights)
            return self.run_again(passes)

        return run

    def run_again(self, passes: Passes) -> Array:
        """Run passes with the weights written last."""
        return _in_order(self._engine.run(passes))

    def inside(self) -> float:
        """Of each process that simulates, in the mean."""
        return self._source.seconds / max(self._jobs, 1)

    def count_points(self, weights: Sequence[Array], passes: Passes) -> int | None:
        """Of all analyses that the engine asks for, of all of its decks; here only."""
        if not isinstance(self._source, Ngspice):
            return None
        with _counting(self._source) as counts:
            self.ready(weights, passes)()
        return sum(counts)


@contextmanager
def _counting(library: Ngspice) -> Iterator[list[int]]:
    """Note the time points of every analysis in this context."""
    counts: list[int] = []
    plain = library.command

    def command(text: str) -> None:
        plain(text)
        if text.startswith("tran "):
            counts.append(len(library.vector("time")))
        elif text == "op":
            counts.append(1)

    library.command = command
    try:
        yield counts
    finally:
        library.command = plain


def _in_order(readout: Readout) -> Array:
    """Voltages of a readout in the order of `netlists.build.probe_names`."""
    hidden = zip(readout.pre[:-1], readout.outputs[:-1], strict=True)
    return np.concatenate([*(v for pair in hidden for v in pair), readout.pre[-1]], axis=1)


def open_way(contender: Contender, setup: Setup) -> Way:
    """What a contender is, made ready.

    Raises:
        UserError: ngspice is not installed.
    """
    match contender.how:
        case "pyspice":
            return DeckWay(setup, PySpiceProgram())
        case "reload":
            return DeckWay(setup, ReloadProgram())
        case "bare":
            return DeckWay(setup, BareProgram())
        case "engine":
            return EngineWay(setup, contender.jobs)

"""What a run's networks are scored on, before and after the training, and what it shows of that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sim import cosim
from sim.alignment import measure_alignment
from sim.compare import compare
from sim.engine import Engine
from sim.outcome import Outcome
from sim.scoring import Stop

_ALIGNMENT_PAIRS = 400  # enough that scatter does not pass for a bad rule


class Scorer:
    """Scores networks; every method raises StoppedError once `stop` says so.

    Args:
        engines: by name; those that there are.
        console: where progress goes: a live line on a terminal, else a plain one at the beginning.
        stop: asked on the way whether to stop.
        quiet: no progress.
    """

    def __init__(
        self, engines: dict[str, Engine], console: Console, stop: Stop, *, quiet: bool
    ) -> None:
        self._engines = engines
        self._console = console
        self._stop = stop
        self._quiet = quiet

    def before(self, outcome: Outcome) -> None:
        """Score the weights that the training starts from."""
        setup, start = outcome.setup, outcome.setup.start
        scores: dict[str, cosim.Evaluation] = {}
        with self._shown("scoring before training") as tell:
            for name, engine in self._engines.items():
                tell(name.replace("_", " "))
                scores[name] = cosim.evaluate(setup, engine, start, self._stop)
        outcome.initial = scores

    def after(self, outcome: Outcome) -> None:
        """Score what was learned, and compare the circuit with mathematics."""
        setup, learners, engines = outcome.setup, outcome.training.learners, self._engines
        learning = {name: engine for name, engine in engines.items() if name in learners}
        sizes = setup.config.task
        trained = (sizes.epochs or 0) * (sizes.samples or 1)  # not to take longer than that did
        pairs = min(_ALIGNMENT_PAIRS, trained)
        with self._shown("scoring after training") as tell:
            tell("angle to the gradient")
            outcome.alignment = measure_alignment(setup, learning, pairs, self._stop)
            tell("ideal")
            twin = learners["ideal"]
            outcome.ideal = cosim.evaluate(setup, twin.engine, twin.model, self._stop)
            if "in_loop" not in engines:
                return
            circuit = engines["in_loop"]
            tell("transfer")
            outcome.transfer = cosim.evaluate(setup, circuit, twin.model, self._stop)
            best = learners.get("in_loop", twin)
            if "in_loop" in learners:
                tell("in loop")
                outcome.in_loop = cosim.evaluate(setup, circuit, best.model, self._stop)
            tell("circuit against mathematics")
            outcome.comparison = compare(setup, circuit, best.model, self._stop)

    @contextmanager
    def _shown(self, what: str) -> Iterator[Callable[[str], None]]:
        """Show that scoring is under way; yields what to tell of each part."""
        if self._quiet:
            yield lambda _: None
        elif self._console.is_terminal:
            with self._console.status(what) as live:
                yield lambda part: live.update(f"{what}: {part}")
        else:
            self._console.print(what)
            yield lambda _: None

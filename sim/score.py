"""What a run's networks are scored on, before and after the training, and what it shows of that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from sim import loop
from sim.alignment import measure_alignment
from sim.compare import compare
from sim.console import live
from sim.engine import Engine
from sim.outcome import Outcome
from sim.programmed import at_start, transferred
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
        """Score the weights that the training starts from, as the chip takes them first."""
        setup, start = outcome.setup, outcome.setup.start
        scores: dict[str, loop.Evaluation] = {}
        with self._shown("scoring before training", len(self._engines)) as part:
            for name, engine in self._engines.items():
                stop = part(name.replace("_", " "), engine)
                pairs = None if name == "ideal" else at_start(setup).pairs
                scores[name] = loop.evaluate(setup, engine, start, stop, pairs=pairs)
        outcome.initial = scores

    def after(self, outcome: Outcome) -> None:
        """Score what was learned, and compare the circuit with mathematics.

        The twin's weights are written once to a chip like the one that learned. Both are scored
        after the retention time; the comparison sees the very resistors of the latter.
        """
        setup, learners, engines = outcome.setup, outcome.training.learners, self._engines
        learning = {name: engine for name, engine in engines.items() if name in learners}
        sizes = setup.config.task
        trained = (sizes.epochs or 0) * (sizes.samples or 1)  # not to take longer than that did
        pairs = min(_ALIGNMENT_PAIRS, trained)
        parts = 2 + ("in_loop" in engines) * 2 + ("in_loop" in learners)
        with self._shown("scoring after training", parts) as part:
            twin = learners["ideal"]
            circuit = engines.get("in_loop", twin.engine)
            stop = part("angle to the gradient", circuit)
            outcome.alignment = measure_alignment(setup, learning, pairs, stop)
            stop = part("ideal", twin.engine)
            outcome.ideal = loop.evaluate(setup, twin.engine, twin.model, stop)
            if "in_loop" not in engines:
                return
            stop = part("transfer", circuit)
            pairs = transferred(setup, twin.model).pairs
            outcome.transfer = loop.evaluate(setup, circuit, twin.model, stop, pairs=pairs)
            model, pairs = outcome.model_in_circuit, outcome.programmed().pairs
            if "in_loop" in learners:
                stop = part("in loop", circuit)
                outcome.in_loop = loop.evaluate(setup, circuit, model, stop, pairs=pairs)
            stop = part("circuit against mathematics", circuit)
            outcome.comparison = compare(setup, circuit, model, stop, pairs=pairs)

    @contextmanager
    def _shown(self, what: str, parts: int) -> Iterator[Callable[[str, Engine], Stop]]:
        """Show that scoring is under way.

        Yields:
            Is told of each part and the engine that runs its passes; gives what that part is to ask
            whether to stop.
        """
        if self._quiet or not live(self._console):
            if not self._quiet:
                self._console.print(what)
            yield lambda _, __: self._stop
            return
        with self._console.status(what) as status:
            begun = 0

            def part(name: str, engine: Engine) -> Stop:
                nonlocal begun
                begun += 1
                place, before = f"{what}, {begun} of {parts}: {name}", engine.tally.passes

                def stop() -> bool:
                    done = engine.tally.passes - before
                    status.update(f"{place}, {done:,} passes done" if done else place)
                    return self._stop()

                status.update(place)
                return stop

            yield part

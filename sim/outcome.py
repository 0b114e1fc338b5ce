"""What a run found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from learning import Model
from netlists.rules import Finding
from sim import loop
from sim.alignment import Alignment
from sim.compare import Comparison
from sim.guards import NO_PASSES, Tally
from sim.programmed import Programmed, as_trained, transferred
from sim.sources import NodeNoise
from sim.training import restored_tally, tally_state


@dataclass
class Outcome:
    """What a run found; `None` is what was not measured.

    Attributes:
        setup: complete configuration and all that follows from it.
        training: learners and their epochs.
        initial: loss before training, by engine.
        nodes: law of the noise at every neuron.
        alignment: of the rule's mean update with the gradient.
        ideal: the twin, trained.
        transfer: the twin's weights in the circuit.
        in_loop: the circuit trained in the loop.
        comparison: circuit against mathematics at the weights learned in the loop.
        trained: what electrical rules find of the trained circuit and not of the one at the start.
        finished: whether the run came to its end, scores and all.
        signal: number of the one that stopped it, if any.
        failure: what ended it before its end, if anything but a signal.
        seconds: from the first evaluation to the last figure, s, without pauses of a resumed run.
        ngspice_seconds: inside ngspice, over all processes, s.
        aids: commands in which ngspice reached for a convergence aid.
        jobs: worker processes; 0: none.
        replaced: workers that were lost or failed, and replaced.
        retried: times that passes were asked again, a unit of them at a time.
        tally: of all passes in ngspice.
    """

    setup: loop.Setup
    training: loop.Training
    initial: dict[str, loop.Evaluation] = field(default_factory=dict)
    nodes: tuple[NodeNoise, ...] = ()
    alignment: Alignment | None = None
    ideal: loop.Evaluation | None = None
    transfer: loop.Evaluation | None = None
    in_loop: loop.Evaluation | None = None
    comparison: Comparison | None = None
    trained: tuple[Finding, ...] = ()
    finished: bool = False
    signal: int | None = None
    failure: BaseException | None = None
    seconds: float = 0.0
    ngspice_seconds: float = 0.0
    aids: int = 0
    jobs: int = 0
    replaced: int = 0
    retried: int = 0
    tally: Tally = NO_PASSES

    @property
    def ended(self) -> str:
        """How: finished, stopped (by a signal), failed, or diverged."""
        if self.finished:
            return "finished"
        if self.failure is None:
            return "stopped"
        return "diverged" if isinstance(self.failure, loop.DivergedError) else "failed"

    @property
    def model_in_circuit(self) -> Model:
        """What the circuit learned; the twin's, where only mathematics can run the rule."""
        learners = self.training.learners
        return learners.get("in_loop", learners["ideal"]).model

    def programmed(self) -> Programmed:
        """What became of that model in the circuit's devices, after the retention time."""
        learner = self.training.learners.get("in_loop")
        if learner is None:
            return transferred(self.setup, self.model_in_circuit)
        return as_trained(self.setup, learner)

    def state(self) -> dict[str, Any]:
        """What was found before the end of the training, beside what it left in its learners."""
        return {
            "initial": {
                name: {**vars(score), "tally": tally_state(score.tally)}
                for name, score in self.initial.items()
            },
            "seconds": self.seconds,
            "ngspice_seconds": self.ngspice_seconds,
            "aids": self.aids,
            "replaced": self.replaced,
            "retried": self.retried,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another outcome of the same setup had its `state` taken."""
        self.initial = {
            name: loop.Evaluation(score["loss"], score["accuracy"], restored_tally(score["tally"]))
            for name, score in state["initial"].items()
        }
        self.seconds = state["seconds"]
        self.ngspice_seconds = state["ngspice_seconds"]
        self.aids = state["aids"]
        self.replaced = state["replaced"]
        self.retried = state["retried"]

"""What a run found."""

from dataclasses import dataclass, field

from netlists.rules import Finding
from sim import cosim
from sim.alignment import Alignment
from sim.compare import Comparison
from sim.guards import NO_PASSES, Tally
from sim.sources import NodeNoise


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
        finished: whether training ran to its end.
        seconds: from the first evaluation to the last figure, s.
        ngspice_seconds: inside ngspice, s.
        aids: commands in which ngspice reached for a convergence aid.
        tally: of all passes in ngspice.
    """

    setup: cosim.Setup
    training: cosim.Training
    initial: dict[str, cosim.Evaluation] = field(default_factory=dict)
    nodes: tuple[NodeNoise, ...] = ()
    alignment: Alignment | None = None
    ideal: cosim.Evaluation | None = None
    transfer: cosim.Evaluation | None = None
    in_loop: cosim.Evaluation | None = None
    comparison: Comparison | None = None
    trained: tuple[Finding, ...] = ()
    finished: bool = False
    seconds: float = 0.0
    ngspice_seconds: float = 0.0
    aids: int = 0
    tally: Tally = NO_PASSES

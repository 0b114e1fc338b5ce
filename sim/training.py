"""What a training is at a moment: its learners, its position, and the noise and order to come.

All of it is plain values and arrays in `Training.state`, so that a training can go on from there in
another process, bit for bit as if nothing had been. The engines carry nothing from one run of
passes to the next, so that only their counts belong to it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.write_back import SynapseArray
from learning import Model, State
from sim.engine import Engine
from sim.guards import NO_PASSES, Doubt, Tally
from sim.preparation import Setup
from sim.schedule import NoiseSchedule

Array = NDArray[np.float64]

STATE = ("learners", "noise", "shuffle", "epochs", "deviations", "finished_epochs", "underway")
"""What `Training.state` holds."""


@dataclass(frozen=True)
class Learner:
    """One network that learns: an engine and what it has learned.

    Attributes:
        engine: runs its passes.
        model: weights, biases and decorrelation.
        memory: of the optimizer.
        skipped: updates skipped because both passes were the same.
        clipped: weights that did not fit the resistors when last written.
        energy: drawn in all training passes so far, J; NaN where it is not known.
        tally: training passes so far, and how they came out.
        synapses: devices that its weights are written through; none for the twin. Unlike all else
            they change in place.
    """

    engine: Engine
    model: Model
    memory: State
    skipped: int = 0
    clipped: int = 0
    energy: float = 0.0
    tally: Tally = NO_PASSES
    synapses: SynapseArray | None = None

    def state(self) -> dict[str, Any]:
        """All but the engine."""
        return {
            "weights": list(self.model.weights),
            "biases": list(self.model.biases),
            "decor": list(self.model.decor),
            "memory": self.memory.arrays(),
            "skipped": self.skipped,
            "clipped": self.clipped,
            "energy": self.energy,
            "tally": tally_state(self.tally),
            "synapses": self.synapses.state() if self.synapses else None,
        }

    def restored(self, state: Mapping[str, Any]) -> "Learner":
        """The learner with the same engine and devices that a state was taken of."""
        if self.synapses:
            self.synapses.restore(state["synapses"])
        tensors = (tuple(state[kind]) for kind in ("weights", "biases", "decor"))
        return Learner(
            self.engine,
            Model(*tensors),
            State.from_arrays(state["memory"]),
            state["skipped"],
            state["clipped"],
            state["energy"],
            restored_tally(state["tally"]),
            self.synapses,
        )


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
        number: from 1.
        losses: per-sample loss in pass 1 during the epoch, by learner; shape (S,).
        skipped: updates skipped in the epoch, by learner.
        doubtful: passes of the epoch that are doubtful, by learner.
        deviation: ngspice − mathematics at the weights in the loop, rms over all outputs and passes
            of the epoch, V; NaN where no circuit learns.
    """

    number: int
    losses: dict[str, Array]
    skipped: dict[str, int]
    doubtful: dict[str, int]
    deviation: float = math.nan


@dataclass
class Underway:
    """An epoch under way.

    Attributes:
        order: of the samples, shape (S,).
        done: samples seen.
        losses: as of an `Epoch`; NaN where a sample has not been seen.
        skipped: updates skipped before the epoch, by learner.
        doubtful: doubtful passes before the epoch, by learner.
        squares: sum of squared deviations of the outputs so far, V²; see `Epoch.deviation`.
        outputs: that it is a sum over.
    """

    order: NDArray[np.int64]
    done: int
    losses: dict[str, Array]
    skipped: dict[str, int]
    doubtful: dict[str, int]
    squares: float = 0.0
    outputs: int = 0

    @property
    def deviation(self) -> float:
        """As of an `Epoch`, over the passes so far."""
        return math.sqrt(self.squares / self.outputs) if self.outputs else math.nan


@dataclass
class Training:
    """A training under way.

    Attributes:
        setup: what all learners share.
        learners: by name.
        schedule: of the noise.
        shuffle: generator of the order of samples.
        epochs: finished.
        underway: the epoch under way, if any.
    """

    setup: Setup
    learners: dict[str, Learner]
    schedule: NoiseSchedule
    shuffle: np.random.Generator
    epochs: list[Epoch] = field(default_factory=list)
    underway: Underway | None = None

    @property
    def finished(self) -> bool:
        """Whether every epoch is."""
        return len(self.epochs) >= (self.setup.config.task.epochs or 0)

    @property
    def seen(self) -> int:
        """Samples seen so far."""
        count = len(self.setup.task.train_inputs)
        return len(self.epochs) * count + (self.underway.done if self.underway else 0)

    def enter_epoch(self) -> Underway:
        """The epoch under way; a new one, its samples shuffled, where there is none."""
        if self.underway is None:
            count = len(self.setup.task.train_inputs)
            self.underway = Underway(
                order=self.shuffle.permutation(count),
                done=0,
                losses={name: np.full(count, np.nan) for name in self.learners},
                skipped={name: learner.skipped for name, learner in self.learners.items()},
                doubtful={name: one.tally.doubtful for name, one in self.learners.items()},
            )
        return self.underway

    def leave_epoch(self) -> Epoch | None:
        """The epoch under way as a finished one; None where samples are left."""
        underway = self.underway
        if underway is None or underway.done < len(underway.order):
            return None
        after = self.learners.items()
        epoch = Epoch(
            len(self.epochs) + 1,
            underway.losses,
            {name: learner.skipped - underway.skipped[name] for name, learner in after},
            {name: one.tally.doubtful - underway.doubtful[name] for name, one in after},
            underway.deviation,
        )
        self.underway = None
        self.epochs.append(epoch)
        return epoch

    def state(self) -> dict[str, Any]:
        """All that the rest of the training depends on, as plain values and arrays.

        To be taken between two steps.
        """
        underway = self.underway
        return {
            "learners": {name: learner.state() for name, learner in self.learners.items()},
            "noise": self.schedule.state(),
            "shuffle": self.shuffle.bit_generator.state,
            "epochs": {
                name: {
                    "losses": np.array([epoch.losses[name] for epoch in self.epochs]),
                    "skipped": [epoch.skipped[name] for epoch in self.epochs],
                    "doubtful": [epoch.doubtful[name] for epoch in self.epochs],
                }
                for name in self.learners
            },
            "deviations": np.array([epoch.deviation for epoch in self.epochs], dtype=np.float64),
            "finished_epochs": len(self.epochs),
            "underway": underway and vars(underway),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where a training of the same setup had its `state` taken."""
        self.learners = {
            name: learner.restored(state["learners"][name])
            for name, learner in self.learners.items()
        }
        self.schedule.restore(state["noise"])
        self.shuffle.bit_generator.state = state["shuffle"]
        past = state["epochs"]

        def of_all(kind: str, k: int) -> dict[str, Any]:
            return {name: past[name][kind][k] for name in self.learners}

        self.epochs = [
            Epoch(
                k + 1,
                of_all("losses", k),
                of_all("skipped", k),
                of_all("doubtful", k),
                float(state["deviations"][k]),
            )
            for k in range(state["finished_epochs"])
        ]
        self.underway = Underway(**state["underway"]) if state["underway"] else None


def begin(setup: Setup, engines: dict[str, Engine]) -> Training:
    """A training at its start, with a learner an engine.

    Args:
        setup: what all learners share.
        engines: by learner, as of `make_engines`; no `in_loop` learns where the rule needs the
            gradient.

    Returns:
        The training, which `train` moves on in place.
    """
    memory = setup.optimizer.init((*setup.start.weights, *setup.start.biases))
    learners = {
        name: Learner(
            engine,
            setup.start,
            memory,
            synapses=None if name == "ideal" else setup.synapse_array(0),
        )
        for name, engine in engines.items()
        if name == "ideal" or not setup.rule.needs_gradient
    }
    schedule = setup.schedule(0, silent=setup.config.simulation.noise_off)
    return Training(setup, learners, schedule, setup.order())


def tally_state(tally: Tally) -> dict[str, Any]:
    """A tally as plain values."""
    reasons = [[int(doubt), count] for doubt, count in tally.reasons.items()]
    return {**vars(tally), "reasons": reasons}


def restored_tally(state: Mapping[str, Any]) -> Tally:
    """The tally that a state was taken of."""
    reasons = {Doubt(number): count for number, count in state["reasons"]}
    return replace(Tally(**{**state, "reasons": {}}), reasons=reasons)

"""What is kept of a point: the figures by which a sweep compares runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.loop import Evaluation
from sim.outcome import Outcome

DONE, FAILED, DIVERGED, MISSING = "done", "failed", "diverged", "missing"
"""States of a point: computed; broken off with a reason; its training diverged; not computed."""

LOSS_UNIT = "of the loss"
"""Unit of measures in V² or nat, as the task's loss has it; a dataset states which."""

BY_MATHEMATICS, BY_NGSPICE = "mathematics", "ngspice"

BY_MAIN = "of the run"
"""Engine of a measure that the run's own engine makes; a dataset states which."""

_BY_BOTH = f"{BY_NGSPICE} and {BY_MATHEMATICS}"
_BY_LAW = f"{BY_MATHEMATICS} (law of the weight devices)"


@dataclass(frozen=True)
class Measure:
    """One figure of a run.

    Attributes:
        unit: SI, `1` for plain numbers, `LOSS_UNIT` for losses.
        long_name: what it is, in words.
        engine: which made it.
    """

    unit: str
    long_name: str
    engine: str


MEASURES: Mapping[str, Measure] = {
    "start_ideal": Measure(LOSS_UNIT, "test loss before training, ideal", BY_MATHEMATICS),
    "start_in_loop": Measure(LOSS_UNIT, "test loss before training, circuit", BY_NGSPICE),
    "ideal": Measure(LOSS_UNIT, "test loss of the twin, trained", BY_MATHEMATICS),
    "transfer": Measure(LOSS_UNIT, "test loss of the twin's weights in the circuit", BY_NGSPICE),
    "in_loop": Measure(LOSS_UNIT, "test loss of the circuit trained in the loop", BY_NGSPICE),
    "accuracy_ideal": Measure("1", "share classified rightly, twin", BY_MATHEMATICS),
    "accuracy_transfer": Measure("1", "share classified rightly, transfer", BY_NGSPICE),
    "accuracy_in_loop": Measure("1", "share classified rightly, in the loop", BY_NGSPICE),
    "deviation": Measure("V", "circuit - mathematics after training, rms of outputs", _BY_BOTH),
    "training_deviation": Measure(
        "V", "circuit - mathematics in the last epoch, rms of outputs", _BY_BOTH
    ),
    "energy_per_pass": Measure("J", "energy from all supplies, mean training pass", BY_NGSPICE),
    "energy_training": Measure("J", "energy from all supplies, training", BY_NGSPICE),
    "settling": Measure("s", "settling time", BY_NGSPICE),
    "aperture": Measure("s", "aperture of a pass", BY_NGSPICE),
    "doubtful": Measure("1", "share of doubtful passes", BY_NGSPICE),
    "clipped": Measure("1", "weights that did not fit the resistors", _BY_LAW),
    "skipped": Measure("1", "updates skipped", BY_MAIN),
    "writes": Measure("1", "weight devices reprogrammed", _BY_LAW),
}
"""Data variables of a sweep's dataset, by name. How long a point took is not among them: it is
another every time, and stands in `points.csv`, so that datasets can be compared byte by byte."""


@dataclass(frozen=True)
class Measured:
    """What became of a point.

    Attributes:
        state: `done`, `failed` or `diverged`.
        reason: why it is not done, in one line; empty otherwise.
        values: figures by name in `MEASURES`; what is not there was not measured.
        seconds: that it took, s.
        of_machine: whether it failed by a fault of the machine, such as a full disk or a worker
            that died, and not of its own: no store keeps that.
    """

    state: str
    reason: str
    values: Mapping[str, float]
    seconds: float
    of_machine: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As `point.json` holds it; NaN is null there, an infinite value the text `inf`."""
        found = {
            "state": self.state,
            "reason": self.reason,
            "seconds": self.seconds,
            "values": {name: _written(value) for name, value in self.values.items()},
        }
        return found | {"of_machine": True} if self.of_machine else found

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> "Measured":
        """Read it back.

        Raises:
            ValueError: it is something else.
        """
        try:
            state, reason, seconds = str(tree["state"]), str(tree["reason"]), tree["seconds"]
            values = {
                str(name): math.nan if value is None else float(value)
                for name, value in tree["values"].items()
            }
            known = state in (DONE, FAILED, DIVERGED)
            if not known:
                raise ValueError(f"no state {state!r}")
            of_machine = tree.get("of_machine", False) is True
            return cls(state, reason, values, float(seconds), of_machine)
        except (LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"not what a point leaves: {error}") from None


def measure(outcome: Outcome, summary: Mapping[str, Any]) -> dict[str, float]:
    """The figures of a finished run.

    Args:
        outcome: of the run.
        summary: the contents of its `summary.json`.

    Returns:
        By name in `MEASURES`; NaN where the run has none, inf where a loss is beyond all numbers.
    """
    accuracy = summary["accuracy"]
    layers = summary["deviation"]["layers"]
    circuit = outcome.training.learners.get("in_loop")
    epochs = outcome.training.epochs
    tally = outcome.tally
    found = {
        # Not the summary's, which has null for an infinite one.
        "start_ideal": _loss(outcome.initial.get("ideal")),
        "start_in_loop": _loss(outcome.initial.get("in_loop")),
        "ideal": _loss(outcome.ideal),
        "transfer": _loss(outcome.transfer),
        "in_loop": _loss(outcome.in_loop),
        "accuracy_ideal": accuracy["ideal"],
        "accuracy_transfer": accuracy["transfer"],
        "accuracy_in_loop": accuracy["in_loop"],
        "deviation": layers[-1]["rms_v"] if layers else None,
        "training_deviation": epochs[-1].deviation if epochs else None,
        "energy_per_pass": summary["energy_per_pass_j"] if circuit else None,
        "energy_training": circuit.energy if circuit else None,
        "settling": summary["t_settling_s"],
        "aperture": summary["t_aperture_s"],
        "doubtful": tally.doubtful / tally.passes if tally.passes else None,
        "clipped": summary["clipped_resistors"] if circuit else None,
        "skipped": summary["skipped_updates"],
        "writes": (summary.get("write_back") or {}).get("writes"),
    }
    return {name: math.nan if value is None else float(value) for name, value in found.items()}


def _loss(evaluation: Evaluation | None) -> float | None:
    return evaluation.loss if evaluation else None


def _written(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)

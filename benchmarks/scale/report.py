"""All that a benchmark found, in JSON and for people."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.cosim.report import machine
from benchmarks.scale.agreement import Difference
from benchmarks.scale.aims import Aim
from benchmarks.scale.epoch import Epoch
from benchmarks.scale.limits import Limits
from benchmarks.scale.parts import Part
from benchmarks.scale.race import Timed

HOW = (
    "time of one update, in one process; everyone makes some steps in turn, round after round, in "
    "an order that is drawn anew; medians over rounds, with the 95 % interval of the median"
)


@dataclass(frozen=True)
class Report:
    """All that a benchmark found.

    Attributes:
        device: in words.
        rounds: of a race.
        steps: of a turn.
        load: processes that wanted a processor, mean of the last minute, at the end.
        timed: everyone, on every workload and number of threads.
        differences: of updates on the same noise, by workload.
        limits: of the machine, by number of threads.
        epochs: all.
        functions: where a step of DANP goes, by workload.
        operations: likewise, by operation.
        aims: how they were met.
    """

    device: str
    rounds: int
    steps: int
    load: float | None
    timed: Sequence[Timed]
    differences: Mapping[str, Sequence[Difference]]
    limits: Sequence[Limits]
    epochs: Sequence[Epoch]
    functions: Mapping[str, Sequence[Part]]
    operations: Mapping[str, Sequence[Part]]
    aims: Sequence[Aim]

    @property
    def made_by(self) -> str:
        """The engine."""
        return f"mathematics (torch {torch.__version__}, {self.device})"

    @property
    def sound(self) -> bool:
        """Whether all updates are the same but for rounding."""
        return all(found.same for several in self.differences.values() for found in several)

    def write(self, path: Path) -> None:
        """As JSON."""
        content = {
            "how": HOW,
            "made_by": self.made_by,
            "rounds": self.rounds,
            "steps": self.steps,
            "machine": machine() | {"load": self.load},
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
            "timed": [
                asdict(one) | {"gflops": one.rate, "gbytes_s": one.bandwidth} for one in self.timed
            ],
            "differences": {
                name: [asdict(one) | {"same": one.same} for one in several]
                for name, several in self.differences.items()
            },
            "limits": [asdict(one) for one in self.limits],
            "epochs": [asdict(one) for one in self.epochs],
            "functions": _all(self.functions),
            "operations": _all(self.operations),
            "aims": [asdict(aim) | {"met": aim.met} for aim in self.aims],
            "sound": self.sound,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf8")


def _all(parts: Mapping[str, Sequence[Part]]) -> dict[str, list[dict[str, object]]]:
    return {name: [asdict(part) for part in several] for name, several in parts.items()}

"""The points that everyone computes: one training, by many seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

from sim.config import RunConfig
from sim.settings import load_config


@dataclass(frozen=True)
class Workload:
    """Points of a sweep over seeds.

    Attributes:
        layers: of every network, as in `2,2,2,1`.
        points: how many, seeds 0, 1, …
        epochs: of every training.
        samples: of every epoch.
    """

    layers: str
    points: int
    epochs: int
    samples: int

    @property
    def name(self) -> str:
        """In words."""
        layers = self.layers.replace(",", "-")
        return f"{self.points} points of {layers}, {self.epochs} × {self.samples} samples"

    def configs(self) -> list[RunConfig]:
        """One for each seed."""
        return [self._config(seed) for seed in range(self.points)]

    def warm_up(self, workers: int) -> Sequence[RunConfig]:
        """A point for each worker that is none of the others: one sample, in which all is loaded.

        Args:
            workers: how many.
        """
        small = Workload(self.layers, workers, 1, 1)
        return [small._config(self.points + k) for k in range(workers)]

    def _config(self, seed: int) -> RunConfig:
        return load_config(
            None,
            None,
            {
                "seed": seed,
                "task.layers": self.layers,
                "task.epochs": self.epochs,
                "task.samples": self.samples,
            },
        )

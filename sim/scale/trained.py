"""What came of a training."""

from dataclasses import dataclass
from pathlib import Path

from learning.scale import TensorNetwork
from sim.scale.config import ScaleConfig
from sim.scale.training import Row


@dataclass(frozen=True)
class Trained:
    """A training at its end, or where it was stopped.

    Attributes:
        config: complete.
        history: a row an epoch, the start as epoch 0: by name `epoch`, `train_loss`,
            `train_accuracy`, `test_loss`, `test_accuracy` (NaN for epochs that were not scored, and
            accuracies where targets are numbers), `noisy_loss`, `skipped` and `seconds`.
        network: that learned, on its device.
        folder: that holds what was written.
        seconds: spent on all epochs, scores included, s.
        step: batches done in an epoch that is not finished.
        finished: whether the last epoch is.
        signal: number of the one that stopped it, if any.
    """

    config: ScaleConfig
    history: list[Row]
    network: TensorNetwork
    folder: Path
    seconds: float
    step: int = 0
    finished: bool = True
    signal: int | None = None

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return max(len(self.history) - 1, 0)

"""The loss over epochs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.figures import QUANTILES
from sim.results import Run

Array = NDArray[np.float64]

MOST = 25
"""Epochs shown, at most."""


@dataclass(frozen=True)
class Spread:
    """Of a learner's per-sample loss, an entry an epoch shown; in units of the loss.

    Attributes:
        quantiles: by name (`q05`, …, `q95`), each of shape (E,).
        mean: shape (E,).
    """

    quantiles: Mapping[str, Array]
    mean: Array


@dataclass(frozen=True)
class Epochs:
    """How a training went.

    Attributes:
        trained: epochs in all.
        numbers: of those shown, shape (E,).
        learners: by name.
        deviation: of the circuit from the mathematics at the same weights in every epoch, rms, V,
            shape (trained,); NaN where it is not known.
        skipped: updates, by learner, in all epochs.
        doubtful: passes, likewise.
    """

    trained: int
    numbers: NDArray[np.int64]
    learners: Mapping[str, Spread]
    deviation: Array
    skipped: Mapping[str, int]
    doubtful: Mapping[str, int]


def epochs_of(run: Run) -> Epochs:
    """Read how a training went; at most `MOST` epochs, evenly from first to last."""
    history = run.history
    names = [str(name) for name in history["learner"].to_numpy()]
    trained = history.sizes["epoch"]
    shown = np.unique(np.linspace(0, max(0, trained - 1), min(MOST, trained)).round().astype(int))
    losses = history["loss"].transpose("learner", "epoch", "sample").to_numpy()[:, shown]
    spreads = {}
    for k, name in enumerate(names if trained else ()):
        quantiles = np.quantile(losses[k], list(QUANTILES.values()), axis=1)
        spreads[name] = Spread(dict(zip(QUANTILES, quantiles, strict=True)), losses[k].mean(axis=1))

    def total(kind: str) -> dict[str, int]:
        counts = history[kind].sum("epoch").to_numpy()
        return {name: int(count) for name, count in zip(names, counts, strict=True)}

    return Epochs(
        trained,
        history["epoch"].to_numpy()[shown],
        spreads,
        history["training_deviation"].to_numpy().astype(float),
        total("skipped"),
        total("doubtful"),
    )

"""Both engines' voltages pass by pass, of as many passes as a page has room for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.guards import Doubt
from sim.report.model.nodes import Deviations
from sim.results import Run

Array = NDArray[np.float64]

_POINTS = 20_000
"""Passes times nodes, at most: 0.7 to 0.8 MB of the page, 1.3 MB where all are of one node."""


@dataclass(frozen=True)
class Cloud:
    """A point a pass and node.

    Attributes:
        nodes: names.
        mathematics: V, shape (P, nodes).
        ngspice: likewise.
        passes: their numbers, shape (P,).
        doubts: of each pass in words; empty where it is ok.
        step: every which pair of passes is in it.
    """

    nodes: tuple[str, ...]
    mathematics: Array
    ngspice: Array
    passes: NDArray[np.int64]
    doubts: tuple[str, ...]
    step: int


def cloud_of(run: Run, found: Deviations) -> Cloud:
    """Read the voltages of the nodes that are shown.

    Args:
        run: that was compared.
        found: its deviations.
    """
    nodes = tuple(node.name for node in found.shown)
    step = -(-found.passes * len(nodes) // _POINTS)
    pairs = np.arange(found.passes) // 2  # of every pass
    results = run.results.isel({"pass": pairs % step == 0, "node": slice(len(nodes))})
    flags = results["doubt"].to_numpy().astype(int).tolist()
    over = ("pass", "node")
    return Cloud(
        nodes,
        results["mathematics"].transpose(*over).to_numpy(),
        results["ngspice"].transpose(*over).to_numpy(),
        results["pass"].to_numpy(),
        tuple(", ".join(d.reason for d in Doubt if flag & d) for flag in flags),
        step,
    )

"""Who takes part: rules of this project by noise source, and ways to write DANP down plainly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor

from benchmarks.scale.arrays import ArrayDanp
from benchmarks.scale.plain import PlainDanp, gaussian
from benchmarks.scale.workload import ETA, LEAK, RATE, SIGMA, Workload
from learning.scale import make_learner

Step: TypeAlias = Callable[[], object]
"""One update from the next batch."""

Learn: TypeAlias = Callable[[Tensor, Tensor], object]
"""One update from inputs (b, N_0) and targets (b, N_L)."""

BASELINE = "plain"
OURS = "danp"


@dataclass(frozen=True)
class Contender:
    """One way to make an update.

    Attributes:
        name: short, as typed.
        title: in words.
        source: of the noise, a name of `circuit.noise.source`.
        settings: beyond the defaults, for `make_learner` or `PlainDanp`.
        kind: "scale" for `learning.scale`, "plain" for the equations in torch, "arrays" for
            `learning` in numpy.
        devices: kinds of device that it runs on.
    """

    name: str
    title: str
    source: str = "gaussian"
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "scale"
    devices: tuple[str, ...] = ("cpu", "cuda")

    @property
    def counted(self) -> bool:
        """Whether its operations are torch's, one by one."""
        return self.kind != "arrays" and not self.settings.get("compiled")

    def open(self, workload: Workload) -> Step:
        """A step on a network and on batches of its own."""
        learn, batches = self.learner(workload), workload.batches()

        def step() -> None:
            learn(*next(batches))

        return step

    def learner(self, workload: Workload) -> Learn:
        """An update of a network of its own."""
        if self.kind == "arrays":
            return ArrayDanp(workload.network(torch.float64)).step
        network = workload.network()
        if self.kind == "plain":
            draw = gaussian(SIGMA, workload.layers, network.weights[0])
            return PlainDanp(
                network, eta=ETA, decor_rate=RATE, leak=LEAK, draw=draw, **self.settings
            ).step
        return make_learner(
            network,
            loss="cross-entropy",
            optimizer="adam",
            eta=ETA,
            leak=LEAK,
            noise=workload.noise(self.source),
            **{"rule": "danp", "decor_rate": RATE, **self.settings},
        ).step


SOURCES = ("bernoulli", "binomial", "hmm", "string", "measured")
"""Noise sources besides Gaussian, each timed under DANP."""

CONTENDERS = (
    Contender(OURS, "DANP, this project"),
    Contender(BASELINE, "DANP, plain torch", kind="plain"),
    Contender(
        "plain-tensor",
        "DANP, plain torch, a tensor of outer products",
        settings={"outer": "tensor"},
        kind="plain",
    ),
    Contender("arrays", "DANP, learning.danp in numpy (float64)", kind="arrays", devices=("cpu",)),
    Contender("anp", "ANP, this project", settings={"rule": "anp", "decor_rate": 0.0}),
    Contender("np", "NP, this project", settings={"rule": "np", "decor_rate": 0.0}),
    Contender("bp", "BP, this project", settings={"rule": "bp", "decor_rate": 0.0}),
    Contender("mixed", "DANP, this project, mixed precision", settings={"mixed": True}),
    *(Contender(f"danp-{name}", f"DANP, {name} noise", source=name) for name in SOURCES),
)
COMPILED = Contender("compiled", "DANP, this project, compiled", settings={"compiled": True})

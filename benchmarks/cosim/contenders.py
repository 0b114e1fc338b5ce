"""Who takes part: every way to run a pass, as data, and which networks it is asked to run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from circuits import Network

How = Literal["pyspice", "reload", "bare", "engine"]

WIDE = 100_000
"""Weights; one deck that holds more takes minutes to load and an hour a pair."""

TIGHT = 1e-7
"""reltol of the reference, a hundredth of the default."""


@dataclass(frozen=True)
class Contender:
    """One way to run passes.

    Attributes:
        name: on the command line.
        title: in tables and figures.
        how: pyspice: PySpice's objects, built for each pass; reload: a deck loaded for each pass;
            bare: `ngspice -b` for each pass; engine: this project's engine.
        batch: samples per writing of weights.
        settings: of the run, by section and name, over the defaults of `simulation`.
        chunk: samples per call of the engine; a batch by default.
        jobs: worker processes that simulate; 0: the engine's own does.
    """

    name: str
    title: str
    how: How = "engine"
    batch: int = 1
    settings: Mapping[str, float | str] = field(default_factory=dict)
    chunk: int | None = None
    jobs: int = 0

    @property
    def samples(self) -> int:
        """Samples per call."""
        return self.chunk or self.batch

    @property
    def reduced(self) -> bool:
        """Whether rows of resistors are replaced by what they amount to."""
        return self.settings.get("reduction") == "norton"

    @property
    def soaks(self) -> bool:
        """Whether it is what a training runs for hours: our engine's apertures, by the sample."""
        aperture = "fidelity" not in self.settings
        return self.how == "engine" and self.batch == 1 and aperture

    def fits(self, network: Network) -> bool:
        """Whether it is asked to run a network: wide ones only reduced, a sample at a time."""
        if not is_wide(network):
            return self.settings.get("fidelity") != "op"  # other voltages than everyone else's
        return self.reduced and self.batch == 1 and self.settings.get("fidelity") != "full"


def is_wide(network: Network) -> bool:
    """Whether it has no deck of every resistor, and nothing to hold voltages against."""
    return sum_of_weights(network) > WIDE


def sum_of_weights(network: Network) -> int:
    """Weights of a network, biases included."""
    shapes = (network.synapse_shape(layer) for layer in range(1, len(network.layers)))
    return sum(rows * columns for rows, columns in shapes)


BASELINE = "pyspice"
"""What ratios are taken to."""

_FULL = {"fidelity": "full"}
_NONE = {"reduction": "none"}
_NORTON = {"reduction": "norton"}

CONTENDERS = (
    Contender("pyspice", "(a) PySpice objects, full", "pyspice", settings=_FULL),
    Contender("reload", "(b) deck reloaded, full", "reload", settings=_FULL),
    Contender("bare", "(c) ngspice -b, full", "bare", settings=_FULL),
    Contender("none-full", "(d) explicit, full", settings=_NONE | _FULL),
    Contender("none", "(d) explicit", settings=_NONE),
    Contender("none-batch", "(d) explicit, batches of 100", batch=100, settings=_NONE),
    Contender("norton-full", "(d) reduced, full", settings=_NORTON | _FULL),
    Contender("norton", "(d) reduced", settings=_NORTON),
    Contender("norton-op", "(d) reduced, op", settings=_NORTON | {"fidelity": "op"}),
    Contender("norton-batch", "(d) reduced, batches of 100", batch=100, settings=_NORTON),
    Contender("jobs-1", "(d) reduced, batches of 32, 1 job", batch=32, settings=_NORTON, jobs=1),
    Contender("jobs-2", "(d) reduced, batches of 32, 2 jobs", batch=32, settings=_NORTON, jobs=2),
)

_REFERENCES = (
    Contender("explicit", "explicit, full, reltol 1e-7", settings=_NONE | _FULL),
    Contender("reduced", "reduced, full, reltol 1e-7", settings=_NORTON | _FULL),
    Contender("aperture", "reduced, aperture, reltol 1e-7", settings=_NORTON),
)
"""What voltages are held against: the first of these that runs a pair in time."""


def references(like: Contender) -> tuple[Contender, ...]:
    """The references for weights that are written as often as a contender writes them."""
    return tuple(
        Contender(
            f"reference-{one.name}-{like.batch}",
            one.title,
            batch=like.batch,
            settings={**one.settings, "reltol": TIGHT},
            chunk=1,
        )
        for one in _REFERENCES
    )

"""What everyone runs: passes drawn once, and weights that move from update to update."""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cosim.contenders import Contender, sum_of_weights
from circuits import Network
from sim.clock import Clock
from sim.config import RunConfig
from sim.passes import NO_JUMPS, Jumps, Passes
from sim.preparation import Setup, circuit_weights, set_up

Array = NDArray[np.float64]

PAIRS = 100
"""Samples drawn, each for two passes; they are run over and over."""

_MOST_DRAWN = 20_000  # neurons times pairs; each takes two arrays
_STEP = 0.01  # of a weight's usual size, by which every update moves every weight


@dataclass(frozen=True)
class Workload:
    """The passes of one network.

    Attributes:
        network: layers; no biases.
        seed: of task, start and noise.
        pairs: samples drawn.
        clock: lengths of passes, as a run would choose them.
    """

    network: Network
    seed: int
    pairs: int
    clock: Clock

    def setup(self, contender: Contender) -> Setup:
        """What a run of a contender is made of; its clock is the workload's."""
        config = configuration(self.network, self.seed, self.pairs, contender)
        fidelity = config.simulation.fidelity
        clock = Clock(self.clock.t_pass, self.clock.t_aperture, fidelity, self.clock.settling)
        return set_up(config, clock)


def configuration(
    network: Network, seed: int, pairs: int, contender: Contender | None = None
) -> RunConfig:
    """The default run of a network, without the electrical rules, which are not what is timed."""
    settings = dict(contender.settings) if contender else {}
    return RunConfig.model_validate(
        {
            "seed": seed,
            "task": {"name": "teacher", "layers": network.layers, "samples": pairs},
            "simulation": {"erc": False, **settings},
        }
    )


def how_many_pairs(network: Network) -> int:
    """Samples to draw: fewer for wide networks."""
    return max(2, min(PAIRS, _MOST_DRAWN // network.neurons))


def prepare(network: Network, seed: int, path: Path) -> Workload:
    """Measure the clock, draw the passes, and write them.

    Args:
        network: to draw for.
        seed: of everything.
        path: npz file to write.

    Raises:
        UserError: no run takes such a network.
        SimulationError: ngspice failed in the measurement of the settling time.
    """
    pairs = how_many_pairs(network)
    measured = set_up(configuration(network, seed, pairs))
    drawing = measured.with_clock(measured.clock.in_full())
    passes = drawing.schedule(0).draw(measured.task.train_inputs)
    jumps = [jumps for controls in passes.jumps for jumps in controls]
    np.savez(
        path,
        allow_pickle=False,
        inputs=passes.inputs,
        controls=passes.controls,
        noise=passes.noise,
        counts=[len(j.ages) for j in jumps],
        ages=np.concatenate([j.ages for j in jumps]),
        before=np.concatenate([j.before for j in jumps]),
    )
    return Workload(network, seed, pairs, measured.clock)


def read_passes(path: Path, look_back: float) -> Passes:
    """The passes that `prepare` wrote, with the jumps of the last so many seconds of each."""
    with np.load(path, allow_pickle=False) as file:
        drawn = {name: file[name] for name in file.files}
    parts = np.split(np.arange(len(drawn["ages"])), np.cumsum(drawn["counts"])[:-1])
    recent = drawn["ages"] < look_back
    jumps = [
        Jumps(drawn["ages"][felt], drawn["before"][felt]) if len(felt) else NO_JUMPS
        for felt in (part[recent[part]] for part in parts)
    ]
    controls = drawn["controls"]
    width = controls.shape[1]
    rows = tuple(tuple(jumps[k * width : (k + 1) * width]) for k in range(len(controls)))
    return Passes(drawn["inputs"], controls, rows, drawn["noise"])


def moving_passes(workload: Workload, path: Path) -> NDArray[np.bool_]:
    """Which passes have a jump so late that the circuit has not settled, shape (P,)."""
    clock = workload.clock
    settling = clock.t_aperture / 2 if clock.settling is None else clock.settling
    passes = read_passes(path, settling)
    return np.array([passes.oldest(p) > 0 for p in range(len(passes))])


class Weights:
    """Weights of every update: those at the start, each moved anew by a hundredth or so.

    Args:
        setup: gives the start.
        seed: of the moves.
    """

    def __init__(self, setup: Setup, seed: int) -> None:
        self._start = circuit_weights(setup.start, setup.network, setup.circuit)
        self._seed = seed

    def __call__(self, update: int) -> tuple[Array, ...]:
        """Weights of an update, shape (N_l, N_{l−1}) a layer."""
        rng = np.random.default_rng((self._seed, update))
        return tuple(w + _STEP * np.std(w) * rng.standard_normal(w.shape) for w in self._start)


def describe(workload: Workload) -> dict[str, object]:
    """For the record: layers, weights, passes drawn, clock."""
    return {
        "layers": list(workload.network.layers),
        "weights": sum_of_weights(workload.network),
        "neurons": workload.network.neurons,
        "passes_drawn": 2 * workload.pairs,
        "seed": workload.seed,
        "clock": asdict(workload.clock),
    }

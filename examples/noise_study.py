"""Train under one setting of the noise, over several seeds, and take what explains the result.

Used by `noise_studies.py`, which says what theory expects of it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import cosim
from sim.alignment import measure_alignment
from sim.settings import load_config
from sim.sources import Drawn, NodeNoise

Array = NDArray[np.float64]

_ANGLE_PAIRS = 400


@dataclass(frozen=True)
class Setting:
    """One point of a study.

    Attributes:
        x: where it stands in the picture.
        label: in tables.
        overrides: of the configuration, by dotted path.
        series: "as built", or what was held equal.
    """

    x: float
    label: str
    overrides: Mapping[str, Any]
    series: str = "as built"


@dataclass(frozen=True)
class Effort:
    """How much is trained.

    Attributes:
        seeds: of the ideal twin, from 0.
        spice_seeds: the first so many of them train the circuit in ngspice too.
        epochs: times through the samples.
        samples: in the task.
        fidelity: of the ngspice engine, `op` or `aperture`.
    """

    seeds: int = 8
    spice_seeds: int = 2
    epochs: int = 30
    samples: int = 100
    fidelity: str = "op"

    @property
    def pairs(self) -> int:
        """Pairs of passes in one training."""
        return self.epochs * self.samples


@dataclass(frozen=True)
class Trained:
    """One engine's trainings, one a seed.

    Attributes:
        loss: after training, noise off, V², shape (S,).
        skipped: share of updates skipped, 1, shape (S,).
        angle: of the mean update over some 400 pairs to the gradient at the start, °, shape (S,).
    """

    loss: Array
    skipped: Array
    angle: Array


@dataclass(frozen=True)
class Result:
    """What one setting gave; noise figures are of all seeds' training together.

    Attributes:
        setting: what was run.
        nodes: law of the noise at every neuron, in closed form.
        same: closed-form chance that all nodes stand at the same levels in both passes, 1.
        correlation: measured, of the two passes at every neuron, 1, shape (N,).
        difference: rms of δν over all neurons, V.
        let_through: eigenvalues of `N⟨δν δνᵀ/‖δν‖²⟩`, ascending, 1, shape (N,).
        trained: by engine, "ideal" and "in_loop".
        predicted: loss that theory expects of the ideal twin, V², shape (S,).
    """

    setting: Setting
    nodes: tuple[NodeNoise, ...]
    same: float
    correlation: Array
    difference: float
    let_through: Array
    trained: Mapping[str, Trained]
    predicted: Array

    @property
    def expected_difference(self) -> float:
        """`√⟨2σ²(1 − ρ)⟩` over the neurons, V."""
        squares = [2 * node.sigma**2 * (1 - node.correlation) for node in self.nodes]
        return math.sqrt(float(np.mean(squares)))


@dataclass(frozen=True)
class Study:
    """A study and what it found.

    Attributes:
        name: key of the study.
        axis: what is varied, for tables and pictures.
        effort: how much was trained.
        results: a setting each, those "as built" first.
        reference: which of them the losses of the others are divided by.
    """

    name: str
    axis: str
    effort: Effort
    results: Sequence[Result]
    reference: int

    @property
    def built(self) -> list[Result]:
        """The settings as built."""
        return self.of_series("as built")

    @property
    def series(self) -> list[str]:
        """What was held equal, by name, "as built" first."""
        return list(dict.fromkeys(result.setting.series for result in self.results))

    def of_series(self, series: str) -> list[Result]:
        """The settings of one series."""
        return [result for result in self.results if result.setting.series == series]

    def ratio(self, result: Result, engine: str) -> Array:
        """Loss over that of the reference setting under the same seed, 1, shape (S,)."""
        return result.trained[engine].loss / self.results[self.reference].trained[engine].loss

    def expected_ratio(self, result: Result) -> Array:
        """The same as theory has it for the twin, 1, shape (S,)."""
        return result.predicted / self.results[self.reference].predicted

    def describe(self) -> str:
        """One line of what was trained and by which engine."""
        e = self.effort
        return (
            f"teacher 2-2-2-1, DANP, {e.epochs} epochs of {e.samples} samples; seeds: "
            f"ideal twin {e.seeds}, ngspice ({e.fidelity}) {e.spice_seeds}"
        )


def run_setting(setting: Setting, effort: Effort, references: Mapping[int, Array]) -> Result:
    """Train the setting on every seed.

    Args:
        setting: of the noise.
        effort: how much.
        references: by seed, the twin's loss after 0, 1, … epochs under noise that never repeats,
            V²; as `reference_curve` gives it.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {"ideal": [], "in_loop": []}
    noise: list[Array] = []
    setup = _set_up(setting.overrides, effort, 0, spice=False)
    nodes = setup.schedule(0).nodes(setup.config.task.batch or 1)
    same = chance_of_same(setup)
    for seed in range(effort.seeds):
        setup = _set_up(setting.overrides, effort, seed, spice=seed < effort.spice_seeds)
        engines = cosim.make_engines(setup)
        training = cosim.begin(setup, engines)
        cosim.train(training, record=lambda drawn: noise.append(_paired(drawn)))
        learning = {name: learner.engine for name, learner in training.learners.items()}
        pairs = min(_ANGLE_PAIRS, effort.pairs)
        degrees = measure_alignment(setup, learning, pairs).degrees
        for name, learner in training.learners.items():
            loss = cosim.evaluate(setup, learner.engine, learner.model).loss
            skipped = learner.skipped / effort.pairs
            rows[name].append((loss, skipped, degrees[name] or math.nan))
    first, second = np.moveaxis(np.concatenate(noise), 1, 0)
    return Result(
        setting,
        nodes,
        same,
        2 * np.sum(first * second, axis=0) / np.sum(first**2 + second**2, axis=0),
        float(np.sqrt(np.mean((first - second) ** 2))),
        _let_through(first - second),
        {name: Trained(*np.array(row).T) for name, row in rows.items() if row},
        np.array([_after(references[s], (1 - same) * effort.epochs) for s in range(effort.seeds)]),
    )


def reference_curve(overrides: Mapping[str, Any], effort: Effort, seed: int) -> Array:
    """The twin's loss after 0, 1, … epochs under Gaussian noise drawn afresh, V², shape (E + 1,).

    Args:
        overrides: what the setting has besides its noise.
        effort: how much.
        seed: of task, start and noise.
    """
    setup = _set_up({**overrides, "circuit.noise.source": "gaussian"}, effort, seed, spice=False)
    training = cosim.begin(setup, cosim.make_engines(setup))
    losses: list[float] = []

    def look(_: cosim.Epoch | None = None) -> None:
        twin = training.learners["ideal"]
        losses.append(cosim.evaluate(setup, twin.engine, twin.model).loss)

    look()
    cosim.train(training, after_epoch=look)
    return np.array(losses)


def chance_of_same(setup: cosim.Setup) -> float:
    """Chance that every node stands at one level in both passes, 1; 0 for continuous noise.

    The count of a string's junctions in AP differs between the passes by the sum of n steps, each
    up with a = p(1 − p)(1 − ρ), down with a, and none with 1 − 2a.
    """
    if setup.circuit.noise.source != "string":
        return 0.0
    chance = 1.0
    for string in setup.strings:
        n, p = len(string.junctions), float(string.occupancies[0])
        a = p * (1 - p) * (1 - string.correlation(setup.clock.t_pass))
        chance *= sum(
            math.comb(n, 2 * k) * math.comb(2 * k, k) * a ** (2 * k) * (1 - 2 * a) ** (n - 2 * k)
            for k in range(n // 2 + 1)
        )
    return chance


def quartiles(values: Iterable[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile."""
    low, middle, high = np.quantile(np.fromiter(values, dtype=np.float64), (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def geometric(ratios: Array) -> tuple[float, float, float]:
    """Geometric mean between one standard error below and one above, as `quartiles` orders them."""
    logarithms = np.log(ratios)
    error = float(np.std(logarithms, ddof=1)) / math.sqrt(len(ratios)) if len(ratios) > 1 else 0.0
    mean = float(np.mean(logarithms))
    return math.exp(mean - error), math.exp(mean), math.exp(mean + error)


def _set_up(overrides: Mapping[str, Any], effort: Effort, seed: int, *, spice: bool) -> cosim.Setup:
    common = {
        "seed": seed,
        "task.epochs": effort.epochs,
        "task.samples": effort.samples,
        "simulation.engine": "ngspice" if spice else "ideal",
        "simulation.fidelity": effort.fidelity,
    }
    return cosim.set_up(load_config(None, None, {**common, **overrides}))


def _paired(drawn: Drawn) -> Array:
    """ν by sample, pass and neuron, V, shape (B, 2, N)."""
    return drawn.noise.reshape(-1, 2, drawn.noise.shape[1])


def _let_through(difference: Array) -> Array:
    norm = np.sum(difference**2, axis=1)
    told = difference[norm > 0] / np.sqrt(norm[norm > 0, np.newaxis])
    let_through = difference.shape[1] * told.T @ told / len(difference)
    return np.asarray(np.linalg.eigvalsh(let_through), dtype=np.float64)


def _after(curve: Sequence[float] | Array, epochs: float) -> float:
    """A loss between two epochs, V²."""
    return float(np.exp(np.interp(epochs, np.arange(len(curve)), np.log(curve))))

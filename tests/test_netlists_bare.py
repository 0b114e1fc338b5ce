"""Decks as a designer runs them, `ngspice -b`, against the engine in the shared library."""

from pathlib import Path

import numpy as np
import pytest
import tolerances
from conftest import Weights, run_bare
from numpy.typing import NDArray

from circuits import (
    ActivationParameters,
    CircuitParameters,
    Network,
    NoiseParameters,
    OpAmpParameters,
    SmtjParameters,
)
from circuits.activation import Kind
from circuits.opamp import Level
from netlists.build import SolverSettings, build_deck, probe_names
from netlists.spice import format_deck
from sim.clock import Clock, Fidelity
from sim.engines import NgspiceEngine
from sim.passes import Passes, pass_stimulus
from sim.schedule import open_schedule

Array = NDArray[np.float64]
SOLVER = SolverSettings(reltol=1e-6, trtol=7)
T_APERTURE = 20e-6
T_PASS = 35e-6
QUIET = 2e-6
# Some 14 µs in a state, so that apertures hold flips.
JUNCTION = SmtjParameters(barrier_p=0.245, barrier_ap=0.25)


def quiet_pair(passes: Passes, *, flips: bool) -> Passes:
    """The first pair of unlike passes, each with its flips but none in its last two microseconds.

    While amplifiers still move, a sample shows the integrator's choice of steps, which differs.
    """
    for k in range(0, len(passes), 2):
        pair = passes.controls[k : k + 2]
        jumps = [j for controls in passes.jumps[k : k + 2] for j in controls]
        ages = [j.ages for j in jumps if len(j.ages)]
        quiet = all(a[-1] > QUIET for a in ages) and bool(ages) == flips
        if quiet and (pair[0] != pair[1]).any():
            return Passes(
                passes.inputs[k : k + 2],
                pair,
                passes.jumps[k : k + 2],
                passes.noise[k : k + 2],
            )
    raise AssertionError("no such pair")


CASES: list[tuple[tuple[int, ...], bool, int, Kind, Level]] = [
    ((2, 1), False, 1, "diode-divider", "macro"),
    ((2, 2, 1), False, 1, "diode-divider", "macro"),
    ((3, 4, 2), True, 2, "diode-divider", "macro"),
    ((3, 4, 2), True, 1, "precision", "macro"),
    ((2, 3, 2, 1), True, 1, "diode-divider", "single-pole"),
    ((2, 2, 1), False, 2, "precision", "single-pole"),
    ((3, 2, 2), True, 2, "diode-divider", "ideal"),
    ((3, 2, 2), False, 1, "precision", "ideal"),
]


@pytest.mark.parametrize("fidelity", ["op", "aperture", "full"])
@pytest.mark.parametrize(("layers", "biases", "n_mtj", "kind", "level"), CASES)
def test_bare_runs_print_what_the_engine_samples(
    *,
    layers: tuple[int, ...],
    biases: bool,
    n_mtj: int,
    kind: Kind,
    level: Level,
    fidelity: Fidelity,
    weights: Weights,
    tmp_path: Path,
) -> None:
    network = Network(layers, biases)
    circuit = CircuitParameters(
        opamp=OpAmpParameters(level=level),
        activation=ActivationParameters(kind=kind),
        noise=NoiseParameters(n_mtj=n_mtj),
        smtj=JUNCTION,
    )
    clock = Clock(T_PASS, T_APERTURE, fidelity)
    engine = NgspiceEngine(network, circuit, clock, solver=SOLVER)
    rng = np.random.default_rng(7)
    inputs = rng.uniform(-1, 1, (400, layers[0]))
    drawn = open_schedule(network, circuit, clock, rng).draw(inputs)
    passes = quiet_pair(drawn, flips=fidelity != "op")
    engine.write(weights(network, 2))
    readout = engine.run(passes)
    length = {"op": 0.0, "aperture": T_APERTURE, "full": T_PASS}[fidelity]
    stretches = [(f"p{p + 1}", pass_stimulus(passes, p, length)) for p in (0, 1)]
    deck = build_deck(network, circuit, engine.pairs, stretches, solver=SOLVER)
    (tmp_path / "deck.cir").write_text(format_deck(deck), encoding="ascii")
    printed = run_bare(tmp_path, "deck.cir")
    got = {
        f"{node}_p{p + 1}": volts[p]
        for p in (0, 1)
        for layer in range(len(layers) - 1)
        for kind_of_node, arrays in (("a", readout.pre), ("x", readout.outputs))
        if kind_of_node == "a" or layer < len(layers) - 2
        for node, volts in (
            (f"{kind_of_node}{layer + 1}_{j + 1}", arrays[layer][:, j])
            for j in range(layers[layer + 1])
        )
    }
    assert got.keys() == {f"{node}_{p}" for node in probe_names(network) for p in ("p1", "p2")}
    worst = max(abs(printed[name] - volts) for name, volts in got.items())
    assert worst < tolerances.BARE_RUN
    # The passes themselves differ, so that a mix-up would show.
    assert max(abs(got[name] - got[name[:-1] + "2"]) for name in got) > 1e-4

"""Evaluation passes of a finished run as waveforms, and what the run itself measured of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim import recorded
from sim.clock import Clock
from sim.errors import UserError
from sim.finished import FinishedRun, read_run
from sim.guards import Doubt
from sim.passes import Passes
from sim.results import Run
from sim.waves.simulate import simulate_waves
from sim.waves.waves import Waves

if TYPE_CHECKING:
    import xarray as xr


def wave_clock(run: FinishedRun, fidelity: str) -> Clock:
    """The clock on which a run's passes are looked at.

    Args:
        run: gives the times.
        fidelity: full or aperture.

    Raises:
        UserError: the run measured no aperture.
    """
    clock = run.setup.clock
    if fidelity == "full":
        return clock.in_full()
    if clock.fidelity == "op":
        raise UserError(
            f"--fidelity aperture: {run.path} ran with operating points and knows no aperture; "
            "take full"
        )
    return replace(clock, fidelity="aperture")


def waves_of(
    run: FinishedRun,
    clock: Clock,
    passes: Passes,
    first: int,
    last: int,
    *,
    nodes: Sequence[str] = (),
    currents: bool = False,
) -> Waves:
    """Simulate consecutive evaluation passes of a run.

    Args:
        run: gives circuit and weights.
        clock: from `wave_clock`.
        passes: all of the run, on that clock.
        first: number of the first, from 1.
        last: number of the last.
        nodes: names or patterns; by default as `simulate_waves`.
        currents: read those of the supplies as well.

    Raises:
        UserError: a node that is not there.
        SimulationError: ngspice failed.
    """
    setup = run.setup.with_clock(clock)
    return simulate_waves(
        setup,
        run.pairs,
        passes[first - 1 : last],
        first=first,
        nodes=nodes or None,
        currents=currents,
    )


def waves_of_run(path: Path, number: int, nodes: Sequence[str] = ()) -> Waves:
    """Simulate one evaluation pass of a finished run from end to end.

    Args:
        path: the run's folder.
        number: of the pass, from 1.
        nodes: names or patterns; by default as `simulate_waves`.

    Raises:
        UserError: no such pass or node, or no finished run of a circuit.
        SimulationError: ngspice failed.
    """
    run = read_run(path)
    clock = wave_clock(run, "full")
    passes = run.passes(clock)
    if not 1 <= number <= len(passes):
        raise UserError(f"pass {number}: {path} has evaluation passes 1 to {len(passes)}")
    return waves_of(run, clock, passes, number, number, nodes=nodes)


@dataclass(frozen=True)
class Held:
    """A node at a sampling instant, here and as the run measured it.

    Attributes:
        number: of the pass.
        node: by its name.
        here: V.
        measured: V.
        doubt: why the run doubted the pass.
    """

    number: int
    node: str
    here: float
    measured: float
    doubt: Doubt

    @property
    def apart(self) -> float:
        """How far, V."""
        return abs(self.here - self.measured)


def measured(run: FinishedRun, passes: int) -> "xr.Dataset | None":
    """What a run measured of its evaluation passes.

    Args:
        run: the run.
        passes: how many it has.

    Returns:
        Its results; None where it left none, as runs of older versions did.

    Raises:
        UserError: `results.nc` is damaged, or of another run.
    """
    if not (run.path / recorded.NAME).is_file():
        return None
    results = Run(run.path).results
    sound = (
        {"ngspice", "doubt"} <= results.keys()
        and results["ngspice"].dims == ("pass", "node")
        and results["pass"].to_numpy().tolist() == list(range(1, passes + 1))
    )
    if not sound:
        raise UserError(
            f"{run.path / recorded.NAME}: is damaged, wanted the {passes} evaluation passes that "
            "the run measured"
        )
    return results


def hold(results: "xr.Dataset", waves: Waves) -> list[Held]:
    """Waves at their sampling instants against what the run measured there.

    Args:
        results: from `measured`, with the weights that the waves are of.
        waves: of the run.

    Returns:
        One for each pass and each measured node among the waves.
    """
    names = [name for name in map(str, results["node"].to_numpy()) if name in waves.voltages]
    volts = results["ngspice"].sel({"pass": list(waves.passes), "node": names}).to_numpy()
    doubts = results["doubt"].sel({"pass": list(waves.passes)}).to_numpy()
    here = np.stack([waves.sampled(name) for name in names], axis=1) if names else volts
    return [
        Held(number, name, float(here[p, k]), float(volts[p, k]), Doubt(int(doubts[p])))
        for p, number in enumerate(waves.passes)
        for k, name in enumerate(names)
    ]

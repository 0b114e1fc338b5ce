"""Waveforms in words: how large, and how far from what the run measured."""

from collections.abc import Sequence

from rich.console import Console

from circuits.quantities import format_quantity
from sim import recorded
from sim.finished import FinishedRun
from sim.guards import Doubt
from sim.waves.replay import Held
from sim.waves.waves import Waves

ALIKE = 10e-6
"""V; how far a settled node may be from the run's own measurement, which takes larger steps, looks
at less of the pass and solves layer by layer."""

_ONE_BY_ONE = 8  # measurements that are printed one by one, at most


def print_waves(console: Console, waves: Waves, took: float) -> None:
    """One line on what was simulated."""
    console.print(
        f"{waves.passes_in_words}: {_count(len(waves.voltages), 'node')}, "
        f"{_count(len(waves.time), 'time point')}, {_count(len(waves.flips), 'flip')}, "
        f"{waves.engine}, {took:.2g} s",
        soft_wrap=True,
    )


def print_alone(console: Console, run: FinishedRun) -> None:
    """Why there is nothing to hold the waves of a run against."""
    why = f"{run.path} holds no {recorded.NAME}, as runs of older versions"
    if not run.trained:
        why = f"weights: {run.learner}; the run measured its passes with others"
    console.print(f"{why}, so there is nothing to hold these against", soft_wrap=True)


def print_held(console: Console, run: FinishedRun, held: Sequence[Held]) -> None:
    """What the nodes are at the sampling instants, beside what the run measured.

    Args:
        console: to print to.
        run: that measured.
        held: one a pass and node.
    """
    if not held:
        console.print("none of these nodes is one that the run measured", soft_wrap=True)
        return
    if len(held) <= _ONE_BY_ONE:
        for one in held:
            console.print(
                f"at the sampling instant of pass {one.number}: {one.node} = {one.here:.6f} V, "
                f"the run measured {one.measured:.6f} V, {_apart(one)} apart",
                soft_wrap=True,
            )
    else:
        most = max(held, key=lambda one: one.apart)
        console.print(
            f"at the sampling instants: {len(held)} voltages within {_apart(most)} of what the run "
            f"measured (furthest: {most.node} in pass {most.number})",
            soft_wrap=True,
        )
    if remark := _remark(run, held):
        console.print(remark, soft_wrap=True)


def _remark(run: FinishedRun, held: Sequence[Held]) -> str:
    """Why voltages are further apart than those of settled passes; empty where none are."""
    far = [one for one in held if one.apart > ALIKE]
    if not far:
        return ""
    numbers = ", ".join(map(str, dict.fromkeys(one.number for one in far)))
    if run.setup.clock.fidelity == "op":
        why = "the run measured operating points (--fidelity op), which know no flip on its way"
        return f"pass {numbers}: {why}"
    if all(one.doubt & Doubt.MOVING for one in far):
        why = "the simulator's own error shows, and shrinks with simulation.reltol"
        return f"pass {numbers}: {Doubt.MOVING.reason}, where {why}"
    return (
        f"warning: pass {numbers}: further apart than the same circuit is; were the run's files "
        "changed, or was it made by another version of danp-cosim or ngspice?"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _apart(one: Held) -> str:
    return format_quantity(one.apart, "V", 2)

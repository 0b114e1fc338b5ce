"""The cells that are characterised: each measures itself at one corner."""

import sys
from collections.abc import Callable, Mapping

from circuits import CircuitParameters
from sim.characterize.cells import activation, network, opamp, perceptron, smtj, summing_amp
from sim.characterize.sheet import Conditions, Measurement

CELLS: Mapping[str, Callable[[Conditions], Measurement]] = {
    "smtj": smtj.measure,
    "opamp": opamp.measure,
    "summing-amp": summing_amp.measure,
    "activation": activation.measure,
    "perceptron": perceptron.measure,
    "network": network.measure,
}
"""By the name on the command line, in the order of a sheet."""

_ABSENT: Mapping[str, Callable[[CircuitParameters], str]] = {"smtj": smtj.absent}


def title_of(name: str) -> str:
    """What a cell is: the first line of its module's documentation."""
    lines = (sys.modules[CELLS[name].__module__].__doc__ or "").splitlines()
    return lines[0].removesuffix(".")


def absent(name: str, circuit: CircuitParameters) -> str:
    """Why a circuit has no such cell; nothing where it has one."""
    reason = _ABSENT.get(name)
    return reason(circuit) if reason else ""

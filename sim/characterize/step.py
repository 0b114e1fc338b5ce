"""Step responses that last until everything has settled."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlists.elements import Pwl
from netlists.stimulus import EDGE
from sim.characterize.analysis import integral, overshoot, settling, slew
from sim.characterize.bench import Bench
from sim.errors import UserError

Array = NDArray[np.float64]

CLOSE = 10e-6
"""V; the finer of the two distances to which settling is stated."""

_LEAD = 100e-9  # s at rest before the step
_SHORTEST, _LONGEST = 1e-6, 0.2  # s; windows tried
_POINTS = 600  # in a window, at least


@dataclass(frozen=True)
class StepResponse:
    """A node after a step of a source.

    Attributes:
        time: from the step on, s, shape (T,); its edge takes `netlists.stimulus.EDGE`.
        found: every probe and supply current of the bench, shape (T,) each.
        voltage: of the node, V, shape (T,).
        power: from all supplies, W, shape (T,).
    """

    time: Array
    found: dict[str, Array]
    voltage: Array
    power: Array

    @property
    def size(self) -> float:
        """How far the node goes, V, with its sign."""
        return float(self.voltage[-1] - self.voltage[0])

    @property
    def slew(self) -> float:
        """Mean slope between 10 % and 90 %, V/s."""
        return slew(self.time, self.voltage)

    @property
    def overshoot(self) -> float:
        """Past the end, of the step, 1."""
        return overshoot(self.voltage, float(self.voltage[-1]))

    def settling(self, within: float) -> float:
        """Time from the step until the node stays within a distance (V) of its end, s."""
        return settling(self.time, self.voltage, float(self.voltage[-1]), within)

    def energy(self, until: float) -> float:
        """Taken from the supplies from the step on, J.

        Args:
            until: s from the step.
        """
        inside = self.time < until
        time = np.append(self.time[inside], until)
        return integral(time, np.interp(time, self.time, self.power))


def step_response(
    bench: Bench,
    source: str,
    node: str,
    start: float,
    stop: float,
    *,
    settings: Mapping[str, float] | None = None,
) -> StepResponse:
    """Let a source jump, and watch a node until it rests.

    The window is doubled until the node stays within `CLOSE` for its second half and ends within
    ten times that of the operating point.

    Args:
        bench: with the node among its probes.
        source: its name.
        node: watched.
        start: V before the step.
        stop: V after it.
        settings: DC voltages of other sources, V.

    Raises:
        SimulationError: ngspice failed.
        UserError: it does not rest within 0.2 s.
    """
    rest = bench.operating_point({**(settings or {}), source: stop})[node]
    window = _SHORTEST
    while window <= _LONGEST:
        end = _LEAD + window
        wave = Pwl(((0.0, start), (_LEAD, start), (_LEAD + EDGE, stop), (end, stop)))
        time, found = bench.transient({source: wave}, end, window / _POINTS, settings)
        after = time >= _LEAD * (1 - 1e-9)
        found = {name: values[after] for name, values in found.items()}
        response = StepResponse(time[after] - _LEAD, found, found[node], bench.power(found))
        arrived = abs(response.voltage[-1] - rest) <= 10 * CLOSE
        if arrived and response.settling(CLOSE) < window / 2:
            return response
        window *= 2
    raise UserError(
        f"{bench.title}: {node} does not settle to {CLOSE:g} V within {_LONGEST:g} s of a step "
        f"from {start:g} to {stop:g} V; look at circuit.opamp.gbw and circuit.opamp.slew_rate"
    )

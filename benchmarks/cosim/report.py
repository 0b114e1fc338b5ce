"""The report: a row a contender and network, in JSON and for people."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.cosim.agreement import Difference
from benchmarks.cosim.aims import Aim
from benchmarks.cosim.cell import Cell
from benchmarks.cosim.contenders import Contender
from benchmarks.cosim.measured import Measured
from circuits import Network
from sim.bare import bare_version
from sim.doctor.machine import look_at_machine
from sim.record import versions

HOW = (
    "wall time of writing weights and running passes, each contender in a process of its own with "
    "one thread; 1 ms passes under the default noise; median, least and most of up to five rounds"
)


@dataclass(frozen=True)
class Row:
    """One contender on one network.

    Attributes:
        network: as typed.
        weights: of the network.
        contender: its name.
        title: in words.
        state: done, slow or failed.
        message: why, where it is not done.
        ms: a pass, median of the rounds.
        least: likewise, of the fastest round.
        most: of the slowest round.
        ratio: time of the baseline over its own; None where one of them is missing.
        ns: per weight and pass.
        error: difference from the reference; None where it has none.
        beyond: ms that a pass takes at least, where not one call ended within the budget.
        measured: everything else.
    """

    network: str
    weights: int
    contender: str
    title: str
    state: str
    message: str
    ms: float | None = None
    least: float | None = None
    most: float | None = None
    ratio: float | None = None
    ns: float | None = None
    error: Difference | None = None
    beyond: float | None = None
    measured: Measured | None = None


@dataclass(frozen=True)
class Report:
    """All that a benchmark found.

    Attributes:
        budget: seconds a cell.
        networks: what was run on each, by its name.
        rows: all.
        differences: all that were looked at.
        soaks: long runs, by contender; their network is the first.
        aims: how they were met.
        failures: what failed, and how.
    """

    budget: float
    networks: Mapping[str, Mapping[str, Any]]
    rows: Sequence[Row]
    differences: Sequence[Difference]
    soaks: Mapping[str, Cell]
    aims: Sequence[Aim]
    failures: Sequence[str]

    @property
    def sound(self) -> bool:
        """Whether voltages agree and nothing failed."""
        return not self.failures and all(found.same for found in self.differences)

    def write(self, path: Path) -> None:
        """As JSON."""
        content = {
            "how": HOW,
            "budget_s": self.budget,
            "machine": machine(),
            "versions": versions(bare_version()),
            "networks": self.networks,
            "rows": [asdict(row) for row in self.rows],
            "differences": [asdict(d) | {"same": d.same} for d in self.differences],
            "soaks": {
                name: {"state": soak.state, "message": soak.message}
                | (asdict(soak.measured) if soak.measured else {})
                for name, soak in self.soaks.items()
            },
            "aims": [asdict(aim) | {"met": aim.met} for aim in self.aims],
            "failures": list(self.failures),
            "sound": self.sound,
        }
        text = json.dumps(content, indent=2, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf8")


def make_row(
    name: str,
    contender: Contender,
    cell: Cell,
    *,
    weights: int,
    budget: float,
    baseline: float | None,
    error: Difference | None,
) -> Row:
    """The row of a contender.

    Args:
        name: of the network.
        contender: that ran it.
        cell: what came of it.
        weights: of the network.
        budget: s.
        baseline: ms a pass of the baseline; None where it has none.
        error: difference from the reference; None where there is none.
    """
    row = Row(name, weights, contender.name, contender.title, cell.state, cell.message)
    measured = cell.measured
    if measured is None:
        beyond = 1e3 * budget / (2 * contender.samples) if cell.state == "slow" else None
        return replace(row, beyond=beyond)
    return replace(
        row,
        ms=measured.ms,
        least=min(measured.rounds),
        most=max(measured.rounds),
        ratio=None if baseline is None else baseline / measured.ms,
        ns=1e6 * measured.ms / weights,
        error=error,
        measured=measured,
    )


def typed(network: Network) -> str:
    """A network as it is typed here: `2-2-2-1`."""
    return "-".join(map(str, network.layers))


def machine() -> dict[str, str]:
    """What it ran on: system, cores, memory and processor."""
    wanted = ("system", "cores", "memory")
    found = {look.what: look.found for look in look_at_machine() if look.what in wanted}
    return found | {"processor": _processor()}


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"

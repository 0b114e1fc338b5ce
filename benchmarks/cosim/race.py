"""All contenders on one network: one after the other, and what their voltages are held against."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.cosim.agreement import Difference, difference, differences
from benchmarks.cosim.cell import Cell, run_cell
from benchmarks.cosim.contenders import BASELINE, Contender, is_wide, references, sum_of_weights
from benchmarks.cosim.entry import COMPARED, Task
from benchmarks.cosim.measured import Measured
from benchmarks.cosim.report import Row, make_row, typed
from benchmarks.cosim.workload import Workload, moving_passes

_PATIENCE = 3  # budgets that a reference may take, since it takes many more steps
_WHOLE = 6 * 3600.0  # s; a long run ends by its passes


@dataclass(frozen=True)
class Limits:
    """When a measurement ends.

    Attributes:
        budget: s, after which no further call begins.
        most: passes, likewise.
    """

    budget: float
    most: int


@dataclass(frozen=True)
class Race:
    """What came of one network.

    Attributes:
        rows: of all contenders.
        figures: of those that ran, by name.
        differences: among them, and from the references.
        reference: what that was, in words.
        failures: of contenders and references, a line each.
    """

    rows: Sequence[Row]
    figures: Mapping[str, Measured]
    differences: Sequence[Difference]
    reference: str
    failures: Sequence[str]


def run_race(
    workload: Workload,
    passes: Path,
    contenders: Iterable[Contender],
    limits: Limits,
    tell: Callable[[str], None],
) -> Race:
    """Run all contenders that fit a network.

    Args:
        workload: of the network.
        passes: file of its passes; its folder takes what the contenders leave.
        contenders: to run, in order.
        limits: of each measurement.
        tell: told what is being run.
    """
    running = [contender for contender in contenders if contender.fits(workload.network)]
    cells: dict[str, Cell] = {}
    for contender in running:
        tell(f"{typed(workload.network)}: {contender.title}")
        cells[contender.name] = run_cell(make_task(workload, passes, contender, limits))
    moving = moving_passes(workload, passes)
    titles, found, errors = {}, [], {}
    # Weights that move with every sample and weights that stay make other voltages.
    for batched in () if is_wide(workload.network) else (False, True):
        group = [contender for contender in running if (contender.batch > 1) == batched]
        voltages = {c.name: v for c in group if (v := cells[c.name].voltages) is not None}
        found += differences(voltages, moving)
        if voltages:
            tell(f"{typed(workload.network)}: reference")
            for contender, cell in _references(workload, passes, group[0], limits):
                cells[contender.name] = cell
                if cell.voltages is not None:
                    titles[contender.title] = None
                    other = (contender.title, cell.voltages)
                    against = [difference(one, other, moving) for one in voltages.items()]
                    errors |= {d.one: d for d in against}
                    found += against
    baseline = cells[BASELINE].measured if BASELINE in cells else None
    rows = [
        make_row(
            typed(workload.network),
            contender,
            cells[contender.name],
            weights=sum_of_weights(workload.network),
            budget=limits.budget,
            baseline=None if baseline is None else baseline.ms,
            error=errors.get(contender.name),
        )
        for contender in running
    ]
    figures = {c.name: m for c in running if (m := cells[c.name].measured) is not None}
    failures = [
        f"{typed(workload.network)}, {name}: {cell.message}"
        for name, cell in cells.items()
        if cell.state == "failed"
    ]
    reference = "; ".join(titles) or "none ran a pair in time"
    return Race(rows, figures, found, reference, failures)


def run_soaks(
    workload: Workload, passes: Path, contenders: Iterable[Contender], most: int
) -> dict[str, Cell]:
    """Run many passes on the engines that a training uses, an update a sample; by contender."""
    whole = Limits(_WHOLE, most)
    running = {
        contender.name: replace(contender, name=f"{contender.name}-soak")
        for contender in contenders
        if contender.fits(workload.network) and contender.soaks
    }
    return {
        name: run_cell(make_task(workload, passes, soaking, whole))
        for name, soaking in running.items()
    }


def make_task(workload: Workload, passes: Path, contender: Contender, limits: Limits) -> Task:
    """What a contender's process is to do, in a folder beside the passes."""
    folder = passes.parent / contender.name
    return Task(contender, workload, passes, folder, limits.budget, limits.most)


def _references(
    workload: Workload, passes: Path, like: Contender, limits: Limits
) -> Iterator[tuple[Contender, Cell]]:
    """Every reference up to the first that runs a pair within three budgets."""
    few = Limits(_PATIENCE * limits.budget, COMPARED)
    for contender in references(like):
        if contender.fits(workload.network):
            cell = run_cell(make_task(workload, passes, contender, few))
            yield contender, cell
            if cell.state == "done":
                return

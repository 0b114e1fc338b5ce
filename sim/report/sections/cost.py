"""Energy, time, workers, and the versions that it all depends on."""

from collections.abc import Iterator, Sequence

from sim.report.blocks import Cell, Column, Part, Section, Table
from sim.report.model.nodes import compared
from sim.report.recorded import recorded
from sim.report.text import quantity
from sim.results import Run

_NAMES = {"danp_cosim": "danp-cosim", "pyspice": "PySpice"}


def section(runs: Sequence[Run]) -> Section:
    """A table for each run."""
    return Section(
        "cost",
        "Energy, time and versions",
        "Energy and time",
        parts=tuple(Part(k, (_table(run),)) for k, run in enumerate(runs)),
    )


def _table(run: Run) -> Table:
    rows = tuple((Cell(what), Cell(value)) for what, value in _facts(run))
    caption = "Simulated by ngspice" if run.has_circuit else "By mathematics alone"
    return Table(caption, (Column("figure"), Column("value")), rows)


def _facts(run: Run) -> Iterator[tuple[str, str]]:
    summary = run.summary
    versions: dict[str, str | None] = summary["versions"]
    if run.has_circuit:
        yield from _energies(run)
        yield "aperture", quantity(summary["t_aperture_s"], "s")
        yield "settling time to 1 µV, measured", quantity(summary["t_settling_s"], "s")
    time, workers = summary["time"], summary["workers"]
    yield "time", f"{time['total_s']:.1f} s"
    if run.has_circuit:
        yield "of it in ngspice, over all workers", f"{time['ngspice_s']:.1f} s"
        yield "workers", f"{workers['jobs']}, {workers['replaced']} replaced"
        yield "units of passes asked again", f"{workers['units_asked_again']:,}"
    for name, version in versions.items():
        if version is not None:
            yield _NAMES.get(name, name), version


def _energies(run: Run) -> Iterator[tuple[str, str]]:
    opamp = run.config.circuit.opamp
    if not opamp.supplied:
        yield "energy per pass", f"not known: op-amps of level {opamp.level} have no supplies"
        return
    mean = quantity(run.summary["energy_per_pass_j"], "J")
    yield "energy per training pass, mean, ngspice", mean
    if recorded(run) and compared(run):
        energy = run.results["energy"].to_numpy()
        low, high = quantity(float(energy.min()), "J"), quantity(float(energy.max()), "J")
        yield "energy per evaluation pass, smallest and largest", f"{low} to {high}"

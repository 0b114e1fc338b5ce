"""Commands that make the run again, go on with it, or look closer."""

import shlex
from collections.abc import Iterator, Sequence

from sim.checkpoint import NAME as CHECKPOINT
from sim.report.blocks import Command, Commands, Part, Section
from sim.report.model.ending import FAILED, STOPPED, ending_of
from sim.report.model.nodes import compared, deviations_of
from sim.report.recorded import recorded
from sim.results import ATTRIBUTION, Run


def section(runs: Sequence[Run]) -> Section:
    """Commands for each run; with several, one for this page first."""
    shared = ()
    if len(runs) > 1:
        folders = " ".join(shlex.quote(str(run.path)) for run in runs)
        shared = (Commands((Command("make this page again", f"danp-cosim report {folders}"),)),)
    return Section(
        "reproduce",
        "Commands",
        "Commands",
        shared=shared,
        parts=tuple(Part(k, (Commands(tuple(_commands(run))),)) for k, run in enumerate(runs)),
    )


def _commands(run: Run) -> Iterator[Command]:
    folder = shlex.quote(str(run.path))
    how = ending_of(run).how
    if how in (STOPPED, FAILED) and (run.path / CHECKPOINT).is_file():
        does = "try again" if how == FAILED else "go on with the run"
        yield Command(f"{does}, from the last checkpoint", f"danp-cosim run --resume {folder}")
    config = shlex.quote(str(run.path / "config.toml"))
    yield Command("the very same run again", f"danp-cosim run --config {config}")
    if run.has_circuit and (run.path / "network.cir").is_file():
        deck = shlex.quote(str(run.path / "network.cir"))
        yield Command("simulate the trained circuit by ngspice alone", f"ngspice -b {deck}")
    if recorded(run) and compared(run) and run.finished:
        node = deviations_of(run).worst.name
        yield Command(
            "waveforms of an evaluation pass, at the node that deviates most",
            f"danp-cosim waves {folder} --pass 1 --node {node}",
        )
        if not (run.path / ATTRIBUTION).is_file():
            yield Command("whom to blame for the deviation", f"danp-cosim attribute {folder}")
    if run.has_circuit and run.finished:
        yield Command(
            "draw the circuit with its trained values", f"danp-cosim schematic --run {folder}"
        )
    yield Command("make this page again", f"danp-cosim report {folder}")

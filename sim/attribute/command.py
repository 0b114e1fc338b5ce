"""`python -m sim.attribute`: whom to blame for a finished run's deviation from mathematics."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from netlists.commandline import complain, execute
from netlists.models import require_built_in
from sim.attribute.attribution import Attribution, attribution_of, rms
from sim.attribute.record import describe, table_text
from sim.attribute.replay import Replayer
from sim.attribute.table import print_attribution
from sim.attribute.units import unit_of
from sim.attribute.verdict import notes, verdict
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError, UserError
from sim.finished import FinishedRun, read_run
from sim.guards import Tally
from sim.interruption import noted_interruptions
from sim.libngspice import get_library
from sim.options import WholeNumber, with_jobs
from sim.record import REPORT, open_folder, require_free, versions
from sim.results import Run
from sim.title import run_title
from sim.workers import Care, Pool

REPEATS = 1e-6
"""V rms; the same deck, weights and noise give the same voltages, but for the voltages from which
Newton's method starts: those of the pass before, which is another one after training."""

_MORE = "--passes {}, but the run has {}: all were replayed; "


@click.command(context_settings={"max_content_width": 100})
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN_DIR")
@click.option(
    "--passes",
    type=WholeNumber(min=1),
    metavar="N",
    help="Replay the first N evaluation passes.  [default: all]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write.  [default: RUN_DIR/attribution]",
)
@with_jobs
@click.option("--quiet", is_flag=True, help="Print errors only.")
def attribute(run: Path, passes: int | None, out: Path | None, jobs: int, quiet: bool) -> int:
    """Say which mechanism is to blame for a run's deviation from mathematics.

    RUN_DIR is the folder of a finished run. Its evaluation passes are simulated again, in the
    circuit as it was and with its mechanisms made ideal: each on its own, and one after the other
    in causal order. Leaves attribution.json, attribution.csv and waterfall.png, and the run's
    report.html anew, with the waterfall in it.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation, 130 stopped by Ctrl-C.
    """
    place = _place(out, run)
    # What the page is made of takes a second to import, which help does without.
    from sim.report.writing import require_ours, write_report  # noqa: PLC0415

    page = run / REPORT if place == run / "attribution" else None
    if page is not None and run.is_dir():
        require_ours(page)
    finished = read_run(run)
    require_built_in(
        finished.setup.config.circuit,
        "sim.attribute",
        "cannot make one of its mechanisms ideal at a time",
    )
    console = open_console()
    simulation = finished.setup.config.simulation
    care = Care(simulation.deadline, simulation.attempts)
    with noted_interruptions() as asked, Pool(jobs, care) as pool:
        replayer = Replayer(finished, passes, pool=pool)
        try:
            found = _attributed(console, replayer, asked, quiet=quiet)
        except SimulationError as error:
            complain(str(error))
            return SIMULATION
        folder = open_folder(place, "attribution", datetime.now().astimezone())
        # From here on it takes a moment: what is written is written whole.
        check, agrees = _check(finished, found, passes, whole=replayer.whole)
        record = describe(found) | {
            "run": str(run),
            "weights": finished.learner,
            "twin": finished.setup.twin,
            "rules_checked": finished.checked,
            "replay": {"checked": replayer.whole, "agrees": agrees, "summary": check},
            "versions": versions(get_library().version),
        }
        folder.write_json("attribution.json", record)
        folder.write_text("attribution.csv", table_text(found))
        from sim.attribute.figure import plot_waterfall  # noqa: PLC0415  # matplotlib: most of a second

        plot_waterfall(found, run_title(finished.setup.config), folder.path / "waterfall.png")
    if not quiet:
        console.print(run_title(finished.setup.config), soft_wrap=True)
        if not finished.checked:
            console.print("electrical rules were not checked (--no-erc)")
        console.print(f"replayed {Tally.of(found.real.circuit.doubts).in_words()}", soft_wrap=True)
        console.print(check, soft_wrap=True)
        print_attribution(console, found)
        console.print(verdict(found), soft_wrap=True, style="bold")
        for note in notes(found):
            console.print(note, soft_wrap=True)
        console.print(f"folder: {folder.path}", soft_wrap=True)
    if page is not None:
        # The run's page shows what was found.
        write_report([Run(run)], page)
        if not quiet:
            console.print(f"report: {page}", soft_wrap=True)
    return 0


def _place(out: Path | None, run: Path) -> Path:
    """Where to write; refused where something is there."""
    if out is not None:
        require_free(out)
        return out
    place = run / "attribution"
    if place.is_dir() and any(place.iterdir()):
        raise UserError(
            f"{place}: is not empty, and without --out it is the folder to write; remove it, or "
            "name another one with --out"
        )
    require_free(place)
    return place


def _attributed(
    console: Console, replayer: Replayer, asked: list[int], *, quiet: bool
) -> Attribution:
    """Attribute; raises KeyboardInterrupt after a replay during which Ctrl-C was pressed."""
    with _status(console, quiet=quiet) as told:

        def go_on(doing: str) -> None:
            if asked:
                raise KeyboardInterrupt
            told(doing)

        found = attribution_of(replayer, go_on)
    if asked:
        raise KeyboardInterrupt
    return found


def _check(
    finished: FinishedRun, found: Attribution, passes: int | None, *, whole: bool
) -> tuple[str, bool | None]:
    """Whether the replay is what the run measured, in words."""
    if not whole:
        return "not held against the run's own deviation, which is over all of its passes", None
    unit = unit_of(found)
    more = "" if passes is None or passes == found.passes else _MORE.format(passes, found.passes)
    replayed = [rms(deviation) for deviation in found.real.deviation]
    apart = max(
        abs(ours - theirs) for ours, theirs in zip(replayed, finished.deviation, strict=True)
    )
    if apart <= REPEATS:
        within = unit.quantity(REPEATS)
        return f"{more}the replay's deviation is the run's, within {within} rms", True
    here = get_library().version
    cause = (
        f"the run was made by ngspice {finished.ngspice}, this is {here}"
        if here != finished.ngspice
        else "were the run's files changed, or was it made by another version of danp-cosim?"
    )
    off = f"the replay's deviation is {unit.quantity(apart)} rms off the run's"
    return f"{more}warning: {off}: {cause}", False


class _Told(AbstractContextManager[Callable[[str], None]]):
    """A line on the terminal that says what is being simulated."""

    def __init__(self, console: Console) -> None:
        self._status: Any = console.status("")

    def __enter__(self) -> Callable[[str], None]:
        self._status.start()
        return lambda doing: self._status.update(f"simulating {doing}")

    def __exit__(self, *_: object) -> None:
        self._status.stop()


def _status(console: Console, *, quiet: bool) -> AbstractContextManager[Callable[[str], None]]:
    if quiet or not console.is_terminal:
        return nullcontext(lambda _: None)
    return _Told(console)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(attribute, arguments, "python -m sim.attribute")

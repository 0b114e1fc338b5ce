"""`python -m sim.conformance`: the suite over all engines, or decks under two simulators."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from netlists.commandline import complain, execute
from netlists.spice import format_deck
from sim.bare import bare_version
from sim.conformance import table
from sim.conformance.cases import MOVING, NETWORKS
from sim.conformance.cells import cell_cases
from sim.conformance.decks import ask_both, with_reltol
from sim.conformance.networks import ask_engines
from sim.errors import SIMULATION, SimulationError, UserError
from sim.interruption import noted_interruptions
from sim.libngspice import get_library
from sim.neospice import get_neospice

LOOSE, TIGHT = 1e-5, 1e-8
"""Relative tolerances: that of runs by default, and one at which steps no longer matter."""

FALLING = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
"""Relative tolerances at which the reason of the differences shows."""

AGREED = 1e-6
"""V; what the simulators have to agree to at the tight tolerance."""

DISAGREED = 1
"""Exit code where they do not."""


@click.command(context_settings={"max_content_width": 100})
@click.argument("decks", nargs=-1, type=click.Path(path_type=Path), metavar="[DECK]...")
def conformance(decks: tuple[Path, ...]) -> int:
    """Ask a second simulator: ngspice and neospice on the same decks, and how far they are apart.

    Without a DECK the suite: cells alone, and networks of several shapes through all engines; five
    minutes. A DECK is one that `python -m netlists.build` or a run wrote (network.cir), edited at
    will above its control section.

    Prints Markdown. Each deck is solved twice, at the tolerance it has and at a tight one, since
    two integrators that take other steps only agree where steps no longer matter.

    Exit codes: 0 agreed within 1 µV at the tight tolerance, 1 not agreed, 2 a wrong input, 3 a
    failed simulation, 130 stopped by Ctrl-C.
    """
    with noted_interruptions() as asked:
        try:
            _print_versions()
            worst = _ask_decks(decks, asked) if decks else _ask_suite(asked)
        except SimulationError as error:
            _stop(asked)  # a terminal sends Ctrl-C to ngspice -b as well, which then fails
            complain(str(error))
            return SIMULATION
    agreed = worst <= AGREED
    click.echo(
        f"largest difference at reltol {TIGHT:g}: {1e6 * worst:.2g} µV, "
        f"{'within' if agreed else 'beyond'} {1e6 * AGREED:g} µV"
    )
    return 0 if agreed else DISAGREED


def _stop(asked: Sequence[int]) -> None:
    """Raise KeyboardInterrupt where Ctrl-C was pressed."""
    if asked:
        raise KeyboardInterrupt


def _print_versions() -> None:
    click.echo(
        f"ngspice {get_library().version} (library), ngspice {bare_version()} (ngspice -b), "
        f"neospice {get_neospice().version}, danp-cosim {version('danp-cosim')}"
    )


def _ask_decks(decks: Sequence[Path], asked: Sequence[int]) -> float:
    worst = 0.0
    for path in decks:
        try:
            text = path.read_text(encoding="utf8")
            tightened = with_reltol(text, TIGHT)
            loose, tight = ask_both(text), ask_both(tightened)
        except UnicodeDecodeError:
            raise UserError(f"{path}: wanted a deck as text in UTF-8") from None
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        except SimulationError as error:
            raise SimulationError(f"{path}: {error}") from None
        _stop(asked)
        click.echo(f"\n{path}; tightened: at reltol {TIGHT:g}\n")
        for line in table.deck_rows(loose, tight):
            click.echo(line)
        click.echo()
        worst = max(worst, tight.largest())
    return worst


def _ask_suite(asked: Sequence[int]) -> float:
    worst = 0.0
    click.echo(f"\nCells alone: {table.CELL_NOTE}.\n")
    for line in table.cell_head(LOOSE, TIGHT):
        click.echo(line)
    for loose_case, tight_case in zip(cell_cases(LOOSE), cell_cases(TIGHT), strict=True):
        loose, tight = (ask_both(format_deck(case.deck)) for case in (loose_case, tight_case))
        _stop(asked)
        click.echo(table.cell_row(tight_case, loose, tight))
        worst = max(worst, tight.largest())
    click.echo(f"\nNetworks: {table.NETWORK_NOTE}.\n")
    for line in table.network_head(LOOSE, TIGHT):
        click.echo(line)
    for case in NETWORKS:
        loose, tight = ask_engines(case, LOOSE, bare=True), ask_engines(case, TIGHT)
        _stop(asked)
        click.echo(table.network_row(case.name, case.fidelity, loose, tight))
        worst = max(worst, tight.apart)
    _show_reason(asked)
    return worst


def _show_reason(asked: Sequence[int]) -> None:
    case = next(case for case in NETWORKS if case.name == MOVING)
    click.echo(f"\nOver tolerances: {table.TOLERANCE_NOTE} ({MOVING}).\n")
    found = []
    for reltol in FALLING:
        found.append(ask_engines(case, reltol))
        _stop(asked)
    for line in table.tolerance_rows(found):
        click.echo(line)
    click.echo()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(conformance, arguments, "python -m sim.conformance")

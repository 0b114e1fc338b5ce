"""`python -m sim.characterize`: what a data sheet would state of the cells, out of ngspice."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from circuits.quantities import parse_quantity
from netlists.commandline import complain, execute
from netlists.models import require_built_in, with_models
from sim import activation_curve
from sim.characterize import cell_file
from sim.characterize.cells import CELLS, absent, title_of
from sim.characterize.corners import corners, parse_supply, parse_temperature, typical_corner
from sim.characterize.neuron_cell import measure_cell, require_describable, undescribable
from sim.characterize.record import Sheet, place, write_sheets
from sim.characterize.sheet import Conditions
from sim.characterize.table import print_sheets
from sim.config import RunConfig
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError, UserError
from sim.interruption import noted_interruptions
from sim.libngspice import get_library
from sim.options import WholeNumber, with_settings
from sim.record import open_folder, require_free, versions
from sim.settings import load_config

LARGEST_SPREAD = 0.1
"""V; of op-amps' input offsets, as `circuit.opamp.v_offset` goes to."""


@click.command(context_settings={"max_content_width": 100})
@click.option(
    "--cell",
    "chosen",
    multiple=True,
    type=click.Choice(tuple(CELLS)),
    help="Cell to measure; may be repeated.  [default: all]",
)
@click.option(
    "--temperature",
    "temperatures",
    multiple=True,
    metavar="CELSIUS",
    help="Temperature, °C; may be repeated.  [default: -40, 85, 125 and the configured 27]",
)
@click.option(
    "--supply",
    "supplies",
    multiple=True,
    metavar="RATIO",
    help="Factor on the op-amps' supplies, 1; may be repeated.  [default: 0.9, 1, 1.1]",
)
@click.option("--typical", is_flag=True, help="The configured temperature and supplies alone.")
@click.option(
    "--layers",
    metavar="N,N,…",
    help="Network whose neurons are measured, inputs first.  [default: the task's, 2,2,2,1]",
)
@click.option(
    "--offset-spread",
    "spread",
    metavar="VOLTS",
    help="Standard deviation of the op-amps' input offsets, V, for cell.json.  [default: 0]",
)
@click.option(
    "--steps",
    type=WholeNumber(2, 2**31),
    metavar="N",
    help="Conductances that a weight resistor can be set to, for cell.json.  [default: any]",
)
@with_settings("circuit.opamp.gbw=300k", "runs/<time>-characterize")
def characterize(
    chosen: tuple[str, ...],
    temperatures: tuple[str, ...],
    supplies: tuple[str, ...],
    *,
    typical: bool,
    layers: str | None,
    spread: str | None,
    steps: int | None,
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
) -> int:
    """Measure in ngspice what a data sheet would state of each cell.

    DC transfer, gain and offset, bandwidth and phase margin, slew rate and settling, output range,
    supply current and energy, over temperature and supply, each beside its closed form; as tables,
    datasheet.json, datasheet.csv, and per cell its curves as CSV and PNG. With the cell activation
    also cell.json, at the configured temperature and supplies: what python -m learning.train --cell
    makes a twin of.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation, 130 stopped by Ctrl-C.
    """
    given = {"task.layers": layers}
    config = load_config(config_file, preset, given, {"task.layers": "--layers"}, assignments)
    config = config.model_copy(update={"circuit": with_models(config.circuit)})
    require_built_in(
        config.circuit, "sim.characterize", "has no closed forms to put beside its figures"
    )
    require_free(out)
    if typical and (temperatures or supplies):
        raise UserError("--typical is one corner; leave out --temperature and --supply, or it")
    places = (
        typical_corner(config)
        if typical
        else corners(
            config,
            [parse_temperature(t) for t in temperatures],
            [parse_supply(s) for s in supplies],
        )
    )
    names, skipped = _present(config, chosen)
    offset_spread = _parsed_spread(spread, config)
    if "activation" not in names and (spread or steps):
        given = "--offset-spread" if spread else "--steps"
        raise UserError(f"{given}: is for cell.json, which comes with --cell activation; add it")
    console = open_console()
    try:
        sheets = _measured(console, names, places, quiet=quiet)
        curve = (
            activation_curve.measure(config.circuit, config.simulation.solver())
            if "activation" in names
            else None
        )
        described = None
        if curve is not None and not undescribable(config.circuit):
            described = measure_cell(
                typical_corner(config)[0],
                curve,
                versions(get_library().version),
                spread=offset_spread,
                steps=steps,
            )
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    library = get_library()
    folder = open_folder(out, "characterize", datetime.now().astimezone())
    write_sheets(folder, sheets, config, skipped=skipped, versions=versions(library.version))
    if curve is not None:
        notes = activation_curve.describe(config.circuit)
        activation_curve.write(folder.path / activation_curve.NAME, curve, notes)
    if described is not None:
        folder.write_text(cell_file.NAME, described.to_json())
    for sheet in sheets:
        from sim.characterize.figure import plot_sheet  # noqa: PLC0415  # matplotlib: most of a second

        plot_sheet(sheet, library.version, folder.path / f"{sheet.name}.png")
    if not quiet:
        print_sheets(console, sheets, skipped, library.version)
        if curve is not None and described is None:
            console.print(f"no {cell_file.NAME}: {undescribable(config.circuit)}", soft_wrap=True)
        console.print(f"folder: {folder.path}", soft_wrap=True)
    return 0


def _parsed_spread(text: str | None, config: RunConfig) -> float:
    """Standard deviation of the op-amps' offsets, V."""
    try:
        spread = 0.0 if text is None else parse_quantity(text, "V")
    except ValueError as error:
        raise UserError(f"--offset-spread: {error}") from None
    if not 0 <= spread <= LARGEST_SPREAD:
        raise UserError(
            f"--offset-spread: wanted 0 to {LARGEST_SPREAD:g} V, such as 0.67m, got {text!r}"
        )
    require_describable(config.circuit, spread)
    return spread


def _present(config: RunConfig, chosen: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Cells to measure, in a sheet's order, and those left out of all, with the reason."""
    names = [name for name in CELLS if name in chosen or not chosen]
    reasons = {name: absent(name, config.circuit) for name in names}
    missing = {name: why for name, why in reasons.items() if why}
    if chosen and missing:
        name, why = next(iter(missing.items()))
        raise UserError(f"--cell {name}: {why}")
    return [name for name in names if name not in missing], missing


def _measured(
    console: Console, names: Sequence[str], places: tuple[Conditions, ...], *, quiet: bool
) -> list[Sheet]:
    """Measure every cell at every corner; raises KeyboardInterrupt between two of them."""
    with _progress(console, quiet=quiet) as progress, noted_interruptions() as asked:
        task = progress.add_task("", total=len(names) * len(places))
        sheets = []
        for name in names:
            found = []
            for corner in places:
                progress.update(task, description=f"{name} at {place(corner)}")
                found.append(CELLS[name](corner))
                progress.advance(task)
                if asked:
                    raise KeyboardInterrupt
            sheets.append(Sheet(name, title_of(name), places, tuple(found)))
    return sheets


def _progress(console: Console, *, quiet: bool) -> Progress:
    return Progress(
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(characterize, arguments, "python -m sim.characterize")

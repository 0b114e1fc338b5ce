"""`python -m sim.explore`: tables, pictures and a page of a sweep."""

from collections.abc import Sequence
from pathlib import Path

import click

from netlists.commandline import execute
from sim.console import open_console, waiting


@click.command(context_settings={"max_content_width": 100})
@click.argument("folder", type=click.Path(path_type=Path), metavar="SWEEP_DIR")
@click.option(
    "--within",
    type=float,
    default=2.0,
    show_default=True,
    metavar="FACTOR",
    help="A chip learns where its loss is at most this many times the ideal twin's, 1.",
)
@click.option(
    "--metric",
    default="",
    metavar="NAME",
    help=(
        "Measure that parameters and parts are ranked by, and energy is held against.  "
        "[default: in_loop; ideal where no point has a circuit]"
    ),
)
@click.option(
    "--energy",
    type=click.Choice(("pass", "training")),
    default="pass",
    show_default=True,
    help="Energy that is held against the loss: of a pass, or of the whole training.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder that takes explore.html and explore/.  [default: SWEEP_DIR]",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def explore(  # noqa: PLR0917  # click hands over by name
    folder: Path, within: float, metric: str, energy: str, out: Path | None, quiet: bool
) -> int:
    """Say what a sweep found: effects, yield, what matters, energy against loss.

    SWEEP_DIR is the folder that danp-cosim sweep wrote, finished or not. Prints tables, and leaves
    explore.html, a page for a browser, and its pictures in explore/. An older page and older
    pictures in their place are replaced, nothing else is.

    Exit codes: 0 done, 2 a wrong input or a folder that takes no more, 130 stopped by Ctrl-C.
    """
    from sim.errors import UserError  # noqa: PLC0415  # with numpy

    if not 1.0 <= within <= 1e6:  # NaN is neither
        raise UserError(f"--within: wanted a factor from 1 to 1000000, got {within:g}")
    # What tables and pictures are made of takes seconds to import, which help does without.
    from sim.explore.asked import Asked  # noqa: PLC0415
    from sim.explore.console import print_sections  # noqa: PLC0415
    from sim.explore.exploration import explore as look  # noqa: PLC0415
    from sim.explore.exploration import write_exploration  # noqa: PLC0415

    console = open_console()
    place = out or folder
    if out is not None and out.exists() and not out.is_dir():
        raise UserError(f"--out: {out} is a file; name a folder")
    with waiting(console, "looking at the sweep", quiet=quiet):
        found = look(folder, Asked(within, metric, energy))
        page, pictures = write_exploration(found, place)
    if not quiet:
        print_sections(console, found.sections, str(page))
        for path in pictures:
            console.print(f"picture: {path}", soft_wrap=True, markup=False)
        console.print(f"page: {page}", soft_wrap=True, markup=False)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(explore, arguments, "python -m sim.explore")

"""`python -m sim.report`: a page for a browser from the folders of runs."""

from collections.abc import Sequence
from pathlib import Path

import click

from netlists.commandline import execute
from sim.console import open_console
from sim.errors import UserError

MOST = 12
"""Runs in a page: more cannot be told apart."""


@click.command(context_settings={"max_content_width": 100})
@click.argument(
    "folders", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="RUN_DIR…"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=(
        "File to write.  [default: report.html in the run's folder; for several runs in the "
        "current one]"
    ),
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def report(folders: tuple[Path, ...], out: Path | None, quiet: bool) -> int:
    """Write a page that shows a run, or several side by side.

    RUN_DIR is the folder of a run, finished or stopped. The page is one file for a browser; it
    needs no network. An older report in its place is replaced, nothing else is.

    Exit codes: 0 done, 2 a wrong input or a folder that takes no more.
    """
    # What the page is made of takes a second to import, which help does without.
    from sim.record import REPORT  # noqa: PLC0415
    from sim.report.writing import require_ours, write_report  # noqa: PLC0415
    from sim.results import Run  # noqa: PLC0415

    unlike = list(dict.fromkeys(folder.resolve() for folder in folders))
    if len(unlike) > MOST:
        raise UserError(f"wanted at most {MOST} runs in a page, got {len(unlike)}; leave some out")
    if len(unlike) < len(folders):
        twice = next(
            f for k, f in enumerate(folders) if f.resolve() in {g.resolve() for g in folders[:k]}
        )
        raise UserError(f"{twice}: is named twice; name every run once")
    runs = [Run(folder) for folder in folders]
    place = out or (folders[0] / REPORT if len(folders) == 1 else Path(REPORT))
    require_ours(place, "--out" if out else "")
    write_report(runs, place)
    if not quiet:
        open_console().print(f"report: {place}", soft_wrap=True, markup=False)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(report, arguments, "python -m sim.report")

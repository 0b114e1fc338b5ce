"""`danp-cosim waves`: passes of a finished run simulated again, to look at.

What simulates is imported when it is to, so that the help is there at once.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from netlists.commandline import execute
from sim.waves.files import SUFFIXES


class Instant(click.ParamType):
    """A time in engineering notation."""

    name = "SECONDS"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read it."""
        from circuits.quantities import parse_quantity  # noqa: PLC0415  # with the physics

        try:
            return parse_quantity(value, "s")
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Learner(click.ParamType):
    """Whose weights, of those that a run leaves behind."""

    name = "LEARNER"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Look it up."""
        from sim.start import LEARNERS  # noqa: PLC0415  # with the physics

        return click.Choice(LEARNERS).convert(value, param, ctx)


@click.command(context_settings={"max_content_width": 100})
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN_DIR")
@click.option(
    "--pass",
    "passes",
    multiple=True,
    metavar="N",
    help=(
        "Evaluation passes by number, from 1, as in results.nc: 12, 11-14 or 3,7; may be repeated. "
        "1 and 2, 3 and 4, … are pairs.  [default: 1-2]"
    ),
)
@click.option(
    "--pair", "pairs", multiple=True, metavar="N", help="Pairs by number: 6 is passes 11-12."
)
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="NAME",
    help=(
        "Node of the deck, also inside a cell (xlayer1.xn2.op), or a pattern ('a1_*'); may be "
        "repeated.  [default: inputs, junctions' states, noise, pre-activations, outputs]"
    ),
)
@click.option("--current", is_flag=True, help="The supplies' currents, too.")
@click.option(
    "--weights",
    type=Learner(),
    help=(
        "Whose weights the circuit holds: in_loop, ideal (the twin) or start (before training).  "
        "[default: in_loop, or those that the run ended with]"
    ),
)
@click.option(
    "--fidelity",
    type=click.Choice(("full", "aperture")),
    default="full",
    help="full: whole passes; aperture: what is felt at the sampling instant.  [default: full]",
)
@click.option("--from", "start", type=Instant(), help="Keep from here on, s from the beginning.")
@click.option("--to", "stop", type=Instant(), help="Keep up to here, s from the beginning.")
@click.option(
    "--format",
    "formats",
    default="raw,nc",
    metavar=",".join(SUFFIXES),
    help=("Files to write: SPICE raw, netCDF (xarray), a table, a figure.  [default: raw,nc]"),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder to write; files of the same passes are replaced.  [default: RUN_DIR/waves]",
)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def waves(
    *,
    run: Path,
    passes: tuple[str, ...],
    pairs: tuple[str, ...],
    nodes: tuple[str, ...],
    current: bool,
    weights: str | None,
    fidelity: str,
    start: float | None,
    stop: float | None,
    formats: str,
    out: Path | None,
    quiet: bool,
) -> int:
    """Simulate evaluation passes of a finished run again, and keep every waveform.

    RUN_DIR is the folder of a finished run. The passes are those that its deviation is over, at
    the trained weights, in the deck that has every resistor. What the nodes are at the sampling
    instants is held against what the run measured. Consecutive passes make one transient and one
    set of files, such as pass-11-12.raw, for ngspice's and LTspice's kind of viewer, and
    pass-11-12.nc for xarray.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation, 130 stopped by Ctrl-C.
    """
    from sim.waves.again import Asked, simulate_again  # noqa: PLC0415  # the help does without

    asked = Asked(
        passes=passes,
        pairs=pairs,
        nodes=nodes,
        currents=current,
        weights=weights,
        fidelity=fidelity,
        start=start,
        stop=stop,
        formats=formats,
        quiet=quiet,
    )
    return simulate_again(run, out, asked)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(waves, arguments, "python -m sim.waves")

"""`python -m sim.workers.replay`: run passes again that failed in a run's workers."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from netlists.build import probe_names
from netlists.commandline import complain, execute
from sim.engine import Readout
from sim.errors import SIMULATION, SimulationError
from sim.guards import Tally
from sim.workers.failed import FailedPasses, read_failed


@click.command(context_settings={"max_content_width": 100})
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
def replay(file: Path) -> int:
    """Run passes again that failed in a run's worker processes, in this process.

    FILE is the failed-passes.npz that the run kept. Prints every node's voltage at the sampling
    instants; what ended a worker ends this process too, a debugger's included.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation.
    """
    failed = read_failed(file)
    engine = failed.description.make(file.parent)
    engine.set_resistors(failed.pairs)
    try:
        readout = engine.run(failed.passes)
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    for line in _lines(failed, readout):
        click.echo(line)
    return 0


def _lines(failed: FailedPasses, readout: Readout) -> list[str]:
    """A line a node, in the order of the circuit; a column a pass."""
    voltages = {}
    for layer, (pre, outputs) in enumerate(zip(readout.pre, readout.outputs, strict=True), start=1):
        voltages |= {f"a{layer}_{j}": a for j, a in enumerate(pre.T, start=1)}
        voltages |= {f"x{layer}_{j}": x for j, x in enumerate(outputs.T, start=1)}
    head = f"ngspice, {failed.description.clock.fidelity}: {Tally.of(readout.doubts).in_words()}"
    return [
        head,
        *(
            f"v({name}) {' '.join(f'{volts:.9g}' for volts in voltages[name])} V"
            for name in probe_names(failed.description.network)
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(replay, arguments, "python -m sim.workers.replay")


if __name__ == "__main__":
    sys.exit(main())

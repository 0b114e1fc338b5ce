"""Junction states in a file that ngspice reads while a transient runs."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from netlists.stimulus import Stimulus, state_table
from sim.errors import SimulationError, UserError
from sim.libngspice import Ngspice

_FOLDER = "NGSPICE_INPUT_DIR"  # ngspice's environment variable: where it looks for input files


@contextlib.contextmanager
def state_file(library: Ngspice, stretches: Sequence[Stimulus]) -> Iterator[str]:
    """A state table that lasts as long as the context.

    Args:
        library: that reads it.
        stretches: of junction states.

    Yields:
        The name by which a deck reads it. It holds no folder, as ngspice would read that in lower
        case; it looks into the one that its environment variable names.

    Raises:
        UserError: ngspice lacks the code models for it.
    """
    try:
        library.command("devhelp d_source")
    except SimulationError:
        # A deck that needs them would spoil every later one in this process.
        raise UserError(
            "ngspice: XSPICE code models missing (there is no d_source), which transients of "
            "hundreds of flips a junction need; install an ngspice whose spinit loads digital.cm, "
            "or in a run take --fidelity aperture"
        ) from None
    with tempfile.TemporaryDirectory(prefix="danp-cosim-") as folder:
        name = f"{Path(folder).name}.txt"
        (Path(folder) / name).write_text(state_table(stretches), encoding="ascii")
        before = os.environ.get(_FOLDER)
        os.environ[_FOLDER] = folder
        try:
            yield name
        finally:
            if before is None:
                del os.environ[_FOLDER]
            else:
                os.environ[_FOLDER] = before

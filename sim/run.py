"""`python -m sim.run`: train an analog network in ngspice beside its ideal twin."""

import sys
from collections.abc import Sequence

from sim.interruption import leaving_at_ctrl_c


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    with leaving_at_ctrl_c():
        from netlists.commandline import execute  # noqa: PLC0415  # these take a second or two
        from sim.run_command import run  # noqa: PLC0415
    return execute(run, arguments, "python -m sim.run")


if __name__ == "__main__":
    sys.exit(main())

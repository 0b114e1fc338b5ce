"""`python -m sim.sweep`: run a design at many points."""

import sys
from collections.abc import Sequence

from sim.interruption import leaving_at_ctrl_c


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    with leaving_at_ctrl_c():
        from netlists.commandline import execute  # noqa: PLC0415  # these take a second or two
        from sim.sweep.command import sweep  # noqa: PLC0415
    return execute(sweep, arguments, "python -m sim.sweep")


if __name__ == "__main__":
    sys.exit(main())

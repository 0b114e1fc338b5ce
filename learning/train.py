"""`python -m learning.train`: train a network by mathematics alone, at the paper's scale.

The doorway to `sim.scale`, which brings circuits' noise and learning together: this module alone of
the package knows of it, and nothing imports this module.
"""

import sys
from collections.abc import Sequence

from sim.interruption import leaving_at_ctrl_c


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    with leaving_at_ctrl_c():
        from netlists.commandline import execute  # noqa: PLC0415  # these take a second
        from sim.scale.command import train  # noqa: PLC0415
    return execute(train, arguments, "python -m learning.train")


if __name__ == "__main__":
    sys.exit(main())

"""`danp-cosim`: the modules' commands as sub-commands."""

import sys
from collections.abc import Sequence

from sim.interruption import leaving_at_ctrl_c


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["doctor"]:
        # Without any package, as it says which of them are broken.
        from sim.doctor.command import main as doctor  # noqa: PLC0415

        return doctor(given[1:], "danp-cosim doctor")
    try:
        with leaving_at_ctrl_c():
            from netlists.commandline import execute  # noqa: PLC0415
            from sim.subcommands import commands  # noqa: PLC0415
        return execute(commands, given, "danp-cosim")
    except ImportError as error:
        print(f"error: {error}; danp-cosim doctor says what is missing", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())

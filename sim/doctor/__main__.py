"""`python -m sim.doctor`."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # a checkout meets any Python; this file suits all
    sys.stdout.write(
        "  WRONG    Python           %s, wanted 3.11 or newer\n"  # noqa: UP031  # likewise
        "                            mend: start a newer one: python3.11 -m sim.doctor\n"
        % sys.version.split()[0]
    )
    sys.exit(1)

from sim.doctor.command import main

sys.exit(main())

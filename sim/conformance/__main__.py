"""`python -m sim.conformance`."""

import sys

from sim.conformance.command import main

sys.exit(main())

"""`python -m sim.tune`."""

import sys

from sim.tune.command import main

sys.exit(main())

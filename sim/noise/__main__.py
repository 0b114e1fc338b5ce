"""`python -m sim.noise`."""

import sys

from sim.noise.command import main

sys.exit(main())

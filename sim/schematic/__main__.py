"""`python -m sim.schematic`."""

import sys

from sim.schematic.command import main

sys.exit(main())

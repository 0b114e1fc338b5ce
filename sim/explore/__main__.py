"""`python -m sim.explore`."""

import sys

from sim.explore.command import main

sys.exit(main())

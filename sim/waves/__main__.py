"""`python -m sim.waves`."""

import sys

from sim.waves.command import main

sys.exit(main())

"""`python -m sim.characterize`."""

import sys

from sim.characterize.command import main

sys.exit(main())

"""`python -m sim.report`."""

import sys

from sim.report.command import main

sys.exit(main())

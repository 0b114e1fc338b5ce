"""`python -m sim.attribute`."""

import sys

from sim.attribute.command import main

sys.exit(main())

"""The two kinds of failure that a user meets."""

from circuits.errors import UserError

__all__ = ["SIMULATION", "SimulationError", "UserError"]

SIMULATION = 3
"""Exit code of a failed simulation."""


class SimulationError(Exception):
    """The simulator failed on a deck: one line, exit code 3, deck and log kept."""

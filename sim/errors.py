"""The two kinds of failure that a user meets."""

from circuits.errors import UserError

__all__ = ["SimulationError", "UserError"]


class SimulationError(Exception):
    """The simulator failed on a deck: one line, exit code 3, deck and log kept."""

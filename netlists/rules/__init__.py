"""Electrical rule check: what is wrong with a circuit, before anything is simulated.

    deck ──netlists.graph.flatten──▶ nodes and parts ──rules──▶ findings

docs/rules.md lists the rules.
"""

from netlists.rules.checking import check
from netlists.rules.finding import Finding, require_sound, warnings_of
from netlists.rules.limits import Limits

__all__ = ["Finding", "Limits", "check", "require_sound", "warnings_of"]

"""Every rule in turn."""

from netlists.cells import OPAMP_PORTS
from netlists.deck import Deck
from netlists.graph import flatten
from netlists.rules.finding import Finding, merged
from netlists.rules.limits import Limits
from netlists.rules.loads import overdriven
from netlists.rules.names import clashes
from netlists.rules.nodes import undetermined
from netlists.rules.pins import loose_pins
from netlists.rules.resistors import out_of_range
from netlists.rules.sources import fighting


def check(deck: Deck, limits: Limits) -> tuple[Finding, ...]:
    """Check a deck by every rule.

    Args:
        deck: any; one that cannot be simulated, too.
        limits: of its parts.

    Returns:
        Findings, errors first; none for a sound deck. Parts that break a rule in the same way,
        such as one in every neuron, are one finding.
    """
    flat = flatten(deck)
    amplifiers = [block for block in flat.blocks if block.cell.ports == OPAMP_PORTS]
    pins = list(loose_pins(deck, flat, amplifiers))
    found = [
        *clashes(deck),
        *(Finding("error", f.rule, "", f.part, f.message) for f in flat.faults),
        *(finding for finding, _ in pins),
        *undetermined(flat, {node for _, nodes in pins for node in nodes}),
        *fighting(flat, amplifiers),
        *out_of_range(flat, limits, amplifiers),
        *overdriven(flat, limits, amplifiers),
    ]
    return tuple(sorted(merged(found), key=lambda finding: finding.severity))

"""Which mechanism is the largest, where, and what would reduce it, in words."""

from collections.abc import Iterator

from sim.attribute.attribution import ALL, Attribution, Effect
from sim.attribute.remedies import REMEDIES
from sim.attribute.units import unit_of

LEAST = 2e-6
"""V; what is smaller is not told from the 1 µV that ideal parts leave, or from the solver."""

LEFT = 5e-6
"""V; ideal parts leave less. More is a mechanism that is not in the list."""

LEFT_OF_TOTAL = 1e-4
"""Ideal parts leave more where the circuit is far off; of the deviation."""

_INSTEAD = 0.5  # of the total; what another mechanism on its own must take off to be named
_HELPED = 0.5  # of the output layer's total; what a mechanism on its own may leave without a word
_WITH_IT = 0.05  # of the output layer's total; from here on a mechanism has to be mended as well


def left_limit(found: Attribution) -> float:
    """What ideal parts may leave over all nodes, V rms."""
    return max(LEFT, LEFT_OF_TOTAL * found.total[-1])


def unexplained(found: Attribution) -> bool:
    """Whether more is left over than any mechanism of the list takes off."""
    left = found.left[-1]
    return left > left_limit(found) and left > max(effect.then[-1] for effect in found.effects)


def largest(found: Attribution) -> Effect | None:
    """The mechanism with the largest share over all nodes, one after the other in causal order.

    None where it is below what the simulator repeats, or where more is left over.
    """
    if unexplained(found):
        return None
    most = max(found.effects, key=lambda effect: effect.then[-1])
    solver = next(e.moves[-1] for e in found.effects if e.mechanism.key == "solver")
    if most.mechanism.key == "solver":
        return most if most.then[-1] > LEAST else None
    return most if most.then[-1] > max(solver, LEAST) else None


def headline(found: Attribution) -> str:
    """The verdict's first clause."""
    unit, total = unit_of(found), found.total[-1]
    if unexplained(found):
        return (
            f"No mechanism explains {unit.part(found.left[-1], total)} rms over all nodes, which "
            "are left with all of them ideal"
        )
    most = largest(found)
    if most is None:
        return f"Nothing stands out: the deviation is {unit.quantity(total)} rms over all nodes"
    share = most.then[-1]
    whole = unit.exceeds(share, total)
    of_it = "others make up for it" if whole else f"{100 * share / total:.0f} %"
    return (
        f"The largest is {most.mechanism.title}: {unit.part(share, total)} rms over all nodes "
        f"({of_it})"
    )


def verdict(found: Attribution) -> str:
    """The largest mechanism: how much, where, what would reduce it, and what that leaves."""
    most = largest(found)
    if unexplained(found):
        return f"{headline(found)}{_curve_hint(found)}."
    if most is None:
        return f"{headline(found)}, with no part above what the simulator repeats."
    unit, layer = unit_of(found), _layer(found, most)
    return (
        f"{headline(found)}, most in {found.scopes[layer]} "
        f"({unit.part(most.then[layer], found.total[layer])}), there at {most.nodes[layer]}; "
        f"to reduce it, {REMEDIES[most.mechanism.key](found.case)}. {_on_its_own(found, most)}"
    )


def notes(found: Attribution) -> Iterator[str]:
    """What the figures should be read with, a sentence each."""
    unit, total = unit_of(found), found.total[-1]
    most = largest(found)
    sums = sum(effect.alone[-1] for effect in found.effects)
    yield (
        f"On their own the mechanisms take off {unit.quantity(sums)} in sum. With what is left "
        f"over and the interaction, what they do together ({unit.quantity(found.interaction[-1])}),"
        f" that is the {unit.quantity(total)} over all nodes."
    )
    instead = [
        f"{effect.mechanism.title} ({unit.quantity(effect.alone[-1])})"
        for effect in found.effects
        if most is not None
        and effect.mechanism is not most.mechanism
        and effect.alone[-1] > max(_INSTEAD * total, LEAST)
    ]
    if instead:
        yield f"On its own this would take off as much or nearly so: {', '.join(instead)}."
    if found.noise_moved:
        yield (
            "Without the TMR's dependence on bias the noise itself would change by "
            f"{unit.quantity(found.noise_moved)} rms, which the mathematics has in closed form."
        )
    left, limit = found.left_rms[-1], left_limit(found)
    if left > limit:
        hint = "" if unexplained(found) else _curve_hint(found)
        yield (
            f"With all of these ideal {unit.quantity(left)} rms are left, where "
            f"{unit.quantity(limit)} at most were expected: the cause is not among these "
            f"mechanisms{hint}."
        )
    else:
        rest = unit.quantity(left) if unit.shows(left) else f"less than {unit.finest}"
        yield f"With all of these ideal {rest} rms are left."


def _curve_hint(found: Attribution) -> str:
    if not found.case.calibrated:
        return ""
    return (
        "; is the activation curve this circuit's? (python -m sim.characterize --cell activation "
        "measures it)"
    )


def _on_its_own(found: Attribution, most: Effect) -> str:
    """What is left where this alone is ideal, and in the output layer where that does not help."""
    unit, out = unit_of(found), len(found.scopes) - 2
    left, total = most.mended[out], found.total[out]
    said = f"On its own that leaves {_rest(found, most, -1)} over all nodes"
    if left <= max(_HELPED * total, left_limit(found)):
        return f"{said}."
    others = [
        effect.mechanism.title
        for effect in found.effects
        if effect is not most and effect.then[out] > _WITH_IT * total
    ]
    together = (
        f"mend with it {' and '.join(others)}"
        if others
        else "mend the others with it, for what they do together: the interaction there is "
        f"{unit.quantity(found.interaction[out])}"
    )
    return f"{said}, but {_rest(found, most, out)} in the output layer: {together}."


def _rest(found: Attribution, effect: Effect, scope: int) -> str:
    unit = unit_of(found)
    left, total = effect.mended[scope], found.total[scope]
    if unit.exceeds(left, total):
        return f"{unit.number(left)} in place of {unit.quantity(total)}, which is worse,"
    return unit.part(left, total)


def _layer(found: Attribution, effect: Effect) -> int:
    """Index of the layer with the largest share."""
    layers = [k for k, scope in enumerate(found.scopes) if scope != ALL]
    return max(layers, key=lambda k: effect.then[k])

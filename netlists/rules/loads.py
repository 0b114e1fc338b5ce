"""Amplifiers that are asked for more current than they have."""

import math
from collections.abc import Iterator, Sequence

from circuits.quantities import format_quantity
from netlists.graph import Block, Flat
from netlists.rules.driven import DrivenNetworks, Load
from netlists.rules.finding import Finding, Severity
from netlists.rules.limits import Limits
from netlists.rules.resistors import is_weight

_RULE = "amplifier overdriven"


def overdriven(flat: Flat, limits: Limits, amplifiers: Sequence[Block]) -> Iterator[Finding]:
    """Amplifiers whose load takes more than `limits.i_out`, the worst first.

    An error where signals of ±1 unit do, since no run is without them; a warning where it takes
    a full swing, or a weight that training may set.
    """
    if math.isinf(limits.i_out):
        return
    networks = DrivenNetworks(flat, amplifiers)
    found: list[tuple[float, Finding]] = []
    for amplifier in amplifiers:
        judged = _judged(networks.load(amplifier.nodes["out"]), limits)
        if judged:
            severity, current, message = judged
            node = amplifier.nodes["out"]
            found.append((current, Finding(severity, _RULE, node, amplifier.path, message)))
    for _, finding in sorted(found, key=lambda item: -item[0]):
        yield finding


def _judged(load: Load, limits: Limits) -> tuple[Severity, float, str] | None:
    """Severity, current in A and message; None for an amplifier that has enough."""
    if not load.resistors:
        return None
    least = min(load.resistors, key=lambda part: part.value or math.inf)
    remedy = f"raise what it drives, first {least.name}, {_ohms(least.value or math.inf)}"
    current = load.current(-limits.signal, limits.signal)
    if current > limits.i_out:
        who = f"signals of ±{format_quantity(limits.signal, 'V')} ask"
        return "error", current, _asked(who, current, limits, remedy)
    current = load.current(limits.low, limits.high)
    if current > limits.i_out:
        return "warning", current, _asked("a full swing asks", current, limits, remedy)
    swing = max(-limits.low, limits.high)
    current = swing / limits.r_min
    if current > limits.i_out and any(is_weight(part) for part in load.resistors):
        who = f"one weight at circuit.synapse.r_min, {_ohms(limits.r_min)}, would at full swing ask"
        remedy = f"raise r_min to {_ohms(swing / limits.i_out)} or more"
        return "warning", current, _asked(who, current, limits, remedy)
    return None


def _asked(who: str, current: float, limits: Limits, remedy: str) -> str:
    asked, has = (format_quantity(amperes, "A") for amperes in (current, limits.i_out))
    return (
        f"{who} it for up to {asked}, it has {has} (circuit.opamp.i_out); {remedy}, or take a "
        "stronger amplifier"
    )


def _ohms(resistance: float) -> str:
    return format_quantity(resistance, "Ω")

"""Names that SPICE, which is case-blind, takes for one."""

from collections.abc import Iterable, Iterator

from netlists.deck import Deck
from netlists.elements import Note
from netlists.graph import GROUNDS, nodes_of
from netlists.rules.finding import Finding

_RULE = "clashing names"


def clashes(deck: Deck) -> Iterator[Finding]:
    """Errors for names of parts and cells, which SPICE would drop or refuse one of.

    A node spelled in two ways is one node: a warning, since that may be meant.
    """
    yield from _twice("subcircuits", (cell.name for cell in deck.subcircuits))
    yield from _twice("parameters", (parameter.name for parameter in deck.parameters))
    yield from _twice("models", (model.name for model in deck.models))
    scopes = [("", (), deck.elements)]
    scopes += [(f" in {cell.name}", cell.ports, cell.elements) for cell in deck.subcircuits]
    for place, ports, elements in scopes:
        named = [element for element in elements if not isinstance(element, Note)]
        yield from _twice("ports", ports, place)
        yield from _twice("elements", (e.kind + e.name for e in named), place)
        first_spelled = {port.lower(): port for port in ports}
        for element in named:
            for node in nodes_of(element):
                folded = node.lower()
                first = first_spelled.setdefault(folded, node)
                if first != node and folded not in GROUNDS:
                    message = f"{first} and {node} are one node to SPICE; write it one way"
                    part = f"{(element.kind + element.name).lower()}{place}"
                    yield Finding("warning", _RULE, folded, part, message)


def _twice(kind: str, names: Iterable[str], place: str = "") -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name in names:
        folded = name.lower()
        if folded in seen:
            message = f"the {kind} {seen[folded]} and {name} are one name to SPICE; rename one"
            yield Finding("error", _RULE, "", f"{folded}{place}", message)
        seen.setdefault(folded, name)

"""A deck: everything that one simulation needs, as data."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netlists.elements import (
    Element,
    Instance,
    Model,
    Note,
    Parameter,
    Subcircuit,
)


@dataclass(frozen=True)
class Transient:
    """A transient analysis.

    Attributes:
        stop: s.
        max_step: s.
        samples: (label, instant in s) at which the deck prints its probes.
    """

    stop: float
    max_step: float
    samples: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class OperatingPoints:
    """Operating points one after the other.

    Attributes:
        points: (label, source settings); a setting is a source's name and its voltage in V.
    """

    points: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]


@dataclass(frozen=True)
class Deck:
    """A circuit with its analysis.

    Attributes:
        title: first lines of the deck.
        parameters: named numbers, used by name in the cells.
        models: device models.
        subcircuits: cells, those used before those that use them.
        elements: the top level.
        options: simulator options, name and value ("" for a flag).
        probes: nodes that are saved and printed.
        traces: nodes that are saved as well, for figures.
        currents: voltage sources whose currents are saved.
        analysis: what a bare simulator run does.
    """

    title: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    models: tuple[Model, ...]
    subcircuits: tuple[Subcircuit, ...]
    elements: tuple[Element, ...]
    options: tuple[tuple[str, str], ...]
    probes: tuple[str, ...]
    currents: tuple[str, ...]
    analysis: Transient | OperatingPoints
    traces: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what SPICE would silently merge or refuse.

        Raises:
            ValueError: two names that differ in case alone, or an unknown subcircuit.
        """
        known = {cell.name.lower() for cell in self.subcircuits}
        _require_distinct("subcircuit", (cell.name for cell in self.subcircuits))
        _require_distinct("parameter", (p.name for p in self.parameters))
        _require_distinct("model", (m.name for m in self.models))
        for place, elements in self._scopes():
            named = [e for e in elements if not isinstance(e, Note)]
            _require_distinct(f"element in {place}", (e.kind + e.name for e in named))
            for e in named:
                if isinstance(e, Instance) and e.subcircuit.lower() not in known:
                    raise ValueError(f"{place}: {e.name} is of no known cell {e.subcircuit}")

    def _scopes(self) -> Iterator[tuple[str, tuple[Element, ...]]]:
        yield "the top level", self.elements
        for cell in self.subcircuits:
            yield cell.name, cell.elements


def _require_distinct(kind: str, names: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        folded = name.lower()
        if folded in seen:
            raise ValueError(f"{kind}: {seen[folded]} and {name} are one name to SPICE")
        seen[folded] = name

"""A deck: everything that one simulation needs, as data."""

from dataclasses import dataclass

from netlists.elements import Element, ForeignCell, Model, Parameter, Subcircuit


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
    """A circuit with its analysis, as given: `netlists.rules` judges it.

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
        foreign: cells from outside, as text.
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
    foreign: tuple[ForeignCell, ...] = ()

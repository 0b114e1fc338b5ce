"""A library taken apart into subcircuits, and one of them put together again with all it needs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from circuits.errors import UserError
from netlists.models.functions import supplied, without_gaps
from netlists.models.lines import Line
from netlists.models.ratings import without_ratings
from netlists.models.screening import model_of, require_nodes, screen, word_of
from netlists.models.settings import assigned, needed, require_order

_FROM: Mapping[str, int] = {
    "d": 3, "q": 4, "j": 4, "m": 4, "s": 5, "w": 4, "a": 2,
}  # fmt: skip
"""Position of the first word of an element that may be its model, which it must have."""
MOST_ELEMENTS = 5_000
"""Statements that a model comes to with its parts in place; an op-amp's has some dozens."""

_DEEPEST = 20  # subcircuits inside of each other
_MAY_HAVE = "rcl"  # elements that may have a model, from their fourth word on
_WORD = re.compile(r"[A-Za-z0-9_.+/-]+")
_EQUALS = re.compile(r"(?<!\s)\s*=\s*")


@dataclass(frozen=True)
class Subckt:
    """A subcircuit's definition.

    Attributes:
        name: as written.
        ports: in order.
        parameters: what follows the ports: its own parameters with their defaults.
        head: the `.subckt` statement.
        body: between it and `.ends`.
    """

    name: str
    ports: tuple[str, ...]
    parameters: tuple[str, ...]
    head: Line
    body: tuple[Line, ...]


@dataclass(frozen=True)
class Library:
    """Screened statements by name; names in lower case.

    Attributes:
        origin: what messages call it.
        subckts: definitions.
        models: `.model` statements outside of subcircuits.
        settings: `.param` and `.func` statements outside of subcircuits, in order.
    """

    origin: str
    subckts: Mapping[str, Subckt]
    models: Mapping[str, Line]
    settings: tuple[Line, ...]

    def subckt(self, name: str) -> Subckt:
        """A definition by name.

        Raises:
            UserError: there is none of that name; the line lists what there is.
        """
        if (found := self.subckts.get(name.lower())) is None:
            raise UserError(f"{self.origin}: no subcircuit {name}; {self._listed()}")
        return found

    def closure(self, name: str) -> tuple[Subckt, ...]:
        """A subcircuit and those that it is made of, it first.

        Raises:
            UserError: it asks for one that is not there, for one with other pins, or for itself,
                comes to more than `MOST_ELEMENTS`, or has settings that come back to themselves.
        """
        found: dict[str, Subckt] = {}
        self._collect(self.subckt(name), found, {}, ())
        return tuple(found.values())

    def statements(self, cell: Subckt, names: Mapping[str, str]) -> Iterator[str]:
        """A subcircuit as text that stands alone, its library's models and settings inside.

        Args:
            cell: of this library.
            names: what subcircuits are to be called, by name in lower case.
        """
        new = names[cell.name.lower()]
        yield " ".join([".subckt", new, *cell.ports, *cell.parameters])
        yield from (line.text for line in self._brought(cell))
        yield from (_renamed(line, names) for line in cell.body)
        yield ".ends"

    def _collect(
        self,
        cell: Subckt,
        found: dict[str, Subckt],
        sizes: dict[str, int],
        inside: tuple[str, ...],
    ) -> int:
        """Find what a subcircuit is made of; returns to how many elements it comes."""
        folded = cell.name.lower()
        if folded in inside:
            raise cell.head.refused(f"subcircuit {cell.name} is put inside itself; take it out")
        if len(inside) == _DEEPEST:
            raise cell.head.refused(f"wanted at most {_DEEPEST} subcircuits inside of each other")
        if folded in sizes:
            return sizes[folded]
        found[folded] = cell
        self._require_models(cell)
        require_order(_settings_in([*self._brought(cell), *cell.body]))
        size = len(cell.body)
        for line in cell.body:
            if word_of(line)[0] != "x":
                continue
            nodes, name = _instance(line)
            inner = self.subckts.get(name.lower())
            if inner is None:
                raise line.refused(f"asks for subcircuit {name}; {self._listed()}")
            if len(nodes) != len(inner.ports):
                raise line.refused(
                    f"connects {len(nodes)} nodes to the {len(inner.ports)} pins of {inner.name}, "
                    f"{' '.join(inner.ports)}; give a node for each"
                )
            size += self._collect(inner, found, sizes, (*inside, folded))
        if size > MOST_ELEMENTS:
            raise cell.head.refused(
                f"subcircuit {cell.name} comes to {size:,} statements with all that is in it; "
                f"wanted at most {MOST_ELEMENTS:,}, since a network has it many times"
            )
        sizes[folded] = size
        return size

    def _require_models(self, cell: Subckt) -> None:
        known = self.models.keys() | _own_models(cell)
        for line in cell.body:
            words = _words(line)
            first = _FROM.get(words[0][0].lower())
            if first is None or any(word.lower() in known for word in words[first:]):
                continue
            listed = ", ".join(sorted(known)) or "none"
            raise line.refused(
                f"{words[0]} asks for a .model that the file does not define; there are {listed}"
            )

    def _models_of(self, cell: Subckt) -> list[str]:
        """Names of the library's models that a subcircuit's elements use."""
        own, used = _own_models(cell), dict[str, None]()
        for line in cell.body:
            words = _words(line)
            letter = words[0][0].lower()
            first = _FROM.get(letter, 3 if letter in _MAY_HAVE else len(words))
            used |= dict.fromkeys(word.lower() for word in words[first:])
        return [name for name in used if name in self.models and name not in own]

    def _brought(self, cell: Subckt) -> list[Line]:
        """What a subcircuit needs from outside of it: functions, settings and models."""
        own = {name for line in _settings_in(cell.body) for name in assigned(line)}
        own |= assigned(Line(cell.head.place, " ".join(cell.parameters)))
        models = [self.models[model] for model in self._models_of(cell)]
        texts = [*(line.text for line in [*models, *cell.body]), *cell.parameters]
        settings = needed(self.settings, texts, own)
        functions = supplied([cell.head, *settings, *models, *cell.body])
        return [*(Line(cell.head.place, text) for text in functions), *settings, *models]

    def _listed(self) -> str:
        names = [cell.name for cell in self.subckts.values()]
        if not names:
            return "the file defines none"
        return f"there are {', '.join(names[:20])}{' …' if len(names) > 20 else ''}"


def parse_library(lines: Sequence[Line], origin: str) -> Library:
    """Screen statements and sort them.

    Args:
        lines: of the library.
        origin: what messages call it.

    Raises:
        UserError: a statement that is not taken, or a subcircuit that does not begin or end.
    """
    sorting = _Sorting()
    for raw in lines:
        line = without_gaps(without_ratings(raw))
        screen(line)
        sorting.take(line)
    if sorting.head is not None:
        raise sorting.head.refused(".subckt without .ends; add that")
    return Library(origin, sorting.subckts, sorting.models, tuple(sorting.settings))


@dataclass
class _Sorting:
    """Statements so far; `head` and `body` are of the subcircuit that has not ended yet."""

    subckts: dict[str, Subckt] = field(default_factory=dict)
    models: dict[str, Line] = field(default_factory=dict)
    settings: list[Line] = field(default_factory=list)
    head: Line | None = None
    body: list[Line] = field(default_factory=list)

    def take(self, line: Line) -> None:
        word = word_of(line)
        if self.head is None:
            self._outside(line, word)
        elif word == ".ends":
            cell = _subckt(self.head, self.body)
            _require_new(cell.name, self.subckts, line, "subcircuit")
            self.subckts[cell.name.lower()] = cell
            self.head = None
        elif word in {".subckt", ".end"}:
            raise line.refused(
                f"{word} inside of the subcircuit of {self.head.place}; end that with .ends first"
            )
        else:
            self.body.append(line)

    def _outside(self, line: Line, word: str) -> None:
        if word == ".subckt":
            self.head, self.body = line, []
        elif word == ".ends":
            raise line.refused(".ends without .subckt; take the line out")
        elif word == ".model":
            name = model_of(line)[0]
            _require_new(name, self.models, line, ".model")
            self.models[name.lower()] = line
        elif not word.startswith("."):
            raise line.refused(
                f"{line.text[:40]!r} stands outside of any subcircuit and would become part of the "
                "network; put it inside of one, or take it out"
            )
        elif word != ".end":
            self.settings.append(line)


def _require_new(name: str, there: Mapping[str, object], line: Line, what: str) -> None:
    if name.lower() in there:
        raise line.refused(f"a second {what} {name}, which to SPICE is the first; keep one of them")


def _subckt(head: Line, lines: Sequence[Line]) -> Subckt:
    words = _EQUALS.sub("=", head.text).split()[1:]
    if not words or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,63}", words[0]):
        raise head.refused(
            f"wanted .subckt NAME PIN …, with a name of letters, digits and _.+/-, got "
            f"{head.text[:60]!r}"
        )
    count = next(
        (k for k, word in enumerate(words) if "=" in word or word.lower() == "params:"), len(words)
    )
    ports = words[1:count]
    require_nodes(head, ports)
    body = tuple(lines)
    for line in body:
        if len(line.text.split()) < 3 and word_of(line)[0] != ".":
            raise line.refused(f"wanted an element's name, nodes and value, got {line.text[:40]!r}")
    return Subckt(words[0], tuple(ports), tuple(words[count:]), head, body)


def _own_models(cell: Subckt) -> frozenset[str]:
    return frozenset(model_of(line)[0].lower() for line in cell.body if word_of(line) == ".model")


def _settings_in(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if word_of(line) in {".param", ".func"}]


def _words(line: Line) -> list[str]:
    return _WORD.findall(line.text) if word_of(line)[0] != "." else ["."]


def _instance(line: Line) -> tuple[list[str], str]:
    """Nodes of an X element, and the subcircuit that it asks for."""
    words = _instance_words(line)[0]
    if len(words) < 2:
        raise line.refused(f"wanted X… NODE … SUBCIRCUIT, got {line.text[:60]!r}")
    nodes = words[1:-1]
    require_nodes(line, nodes)
    return nodes, words[-1]


def _instance_words(line: Line) -> tuple[list[str], list[str]]:
    """Words of an X element up to its subcircuit's name, and those after it."""
    words = _EQUALS.sub("=", line.text).split()
    count = next(
        (k for k, word in enumerate(words) if "=" in word or word.lower() == "params:"), len(words)
    )
    return words[:count], words[count:]


def _renamed(line: Line, names: Mapping[str, str]) -> str:
    if word_of(line)[0] != "x":
        return line.text
    head, rest = _instance_words(line)
    return " ".join([*head[:-1], names[head[-1].lower()], *rest])

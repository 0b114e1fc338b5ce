"""The only place that knows SPICE syntax: decks and elements as ngspice text."""

import math
import re
from collections.abc import Iterable, Iterator

from netlists.deck import Deck, OperatingPoints, Transient
from netlists.elements import (
    BehaviouralCurrent,
    Capacitor,
    Controlled,
    CurrentSource,
    Diode,
    Element,
    External,
    ForeignCell,
    ForeignInstance,
    Instance,
    Model,
    Note,
    Pwl,
    Resistor,
    StateTable,
    Subcircuit,
    Value,
    VoltageSource,
)

_WIDTH = 100
_BRIDGE = 64  # nodes; from 250 on ngspice 39 crashes
_FILE_NAME = re.compile(r"[a-z0-9_./,:()#%@~+-]+( [a-z0-9_./,:()#%@~+-]+)*")


def format_number(value: float) -> str:
    """A number without a suffix, since SPICE reads `1M` as a thousandth; nine digits."""
    return f"{value:.9g}"


def format_altered(value: float) -> str:
    """A number for `alter`: a whole mantissa and a power of ten, nine digits.

    ngspice 39 reads decks and commands with different code. In an `alter`, `0.1234` may differ from
    a deck's in its last bit; in this form both are the same.
    """
    if not math.isfinite(value):
        return format_number(value)
    mantissa, exponent = f"{value:.8e}".split("e")
    digits = mantissa.replace(".", "").rstrip("0")
    if digits in {"", "-"}:
        return "0"
    return f"{digits}e{int(exponent) - len(digits.lstrip('-')) + 1}"


def format_value(value: Value) -> str:
    """A number, or an expression over parameters in braces."""
    return f"{{{value}}}" if isinstance(value, str) else format_number(value)


def format_points(wave: Pwl) -> str:
    """The points of a piecewise linear wave: times to a femtosecond, voltages to nine digits."""
    return " ".join(f"{t:.15g} {v:.9g}" for t, v in wave.points)


def require_file_name(name: str) -> None:
    """Refuse a file name that ngspice would read as another.

    It reads decks in lower case, quoted names too, and takes braces, quotes, semicolons and equals
    signs for its own. A name without folders is looked for beside the deck, wherever that lies.

    Raises:
        ValueError: says which name would do.
    """
    if not _FILE_NAME.fullmatch(name) or "//" in name:
        raise ValueError(
            "a file named in a deck: wanted lower-case ASCII letters, digits, single slashes and "
            "inner spaces, and _.,:()#%@~+- alone, since ngspice reads decks in lower case, got "
            f"{name!r}; a name without folders is looked for beside the deck"
        )


def format_element(element: Element) -> str:
    """One element as a line; a table of states as several."""
    if isinstance(element, Note):
        return f"* {element.text}"
    if isinstance(element, StateTable):
        return "\n".join(_format_states(element))
    line = _format_bare(element)
    return f"{line} ; {element.comment}" if element.comment else line


def _format_bare(element: Element) -> str:  # noqa: C901, PLR0911  # one return an element
    match element:
        case Resistor(name, a, b, value):
            return f"{element.kind}{name} {a} {b} {format_value(value)}"
        case Capacitor(name, a, b, value):
            return f"{element.kind}{name} {a} {b} {format_value(value)}"
        case VoltageSource(name, plus, minus, _, External()):
            return f"{element.kind}{name} {plus} {minus} external"  # with a DC value: crashes
        case VoltageSource(name, plus, minus, dc, wave):
            tail = f" PWL({format_points(wave)})" if isinstance(wave, Pwl) else ""
            level = "" if dc is None else f" DC {format_value(dc)}"
            return f"{element.kind}{name} {plus} {minus}{level}{tail}"
        case CurrentSource(name, a, b, value):
            return f"{element.kind}{name} {a} {b} DC {format_value(value)}"
        case Controlled(kind, name, a, b, plus, minus, gain):
            return f"{kind}{name} {a} {b} {plus} {minus} {format_value(gain)}"
        case BehaviouralCurrent(name, a, b, expression):
            return f"{element.kind}{name} {a} {b} I = {expression}"
        case Diode(name, anode, cathode, model):
            return f"{element.kind}{name} {anode} {cathode} {model}"
        case Instance(name, nodes, subcircuit):
            line = f"{element.kind}{name} {' '.join(nodes)} {subcircuit}"
            return " ".join([line, *_assignments(element.parameters)])
        case ForeignInstance(name, nodes, cell):
            return f"{element.kind}{name} {' '.join(nodes)} {cell}"
    raise TypeError(f"no SPICE form for {type(element).__name__}")


def _format_states(table: StateTable) -> Iterator[str]:
    require_file_name(table.file)
    name, edge = f"{table.kind}{table.name}", format_number(table.edge)
    bits = [f"d{node}" for node in table.nodes]
    if table.comment:
        yield f"* {table.comment}"
    yield from _folded(name, ["[", *bits, "]", f"{table.name}_table"])
    yield f'.model {table.name}_table d_source(input_file="{table.file}")'
    for k in range(0, len(bits), _BRIDGE):
        part = slice(k, k + _BRIDGE)
        ports = ["[", *bits[part], "]", "[", *table.nodes[part], "]"]
        yield from _folded(f"{name}_{k + 1}", [*ports, f"{table.name}_edge"])
    yield (
        f".model {table.name}_edge dac_bridge"
        f"(out_low=0 out_high=1 out_undef=0.5 t_rise={edge} t_fall={edge})"
    )


def _assignments(parameters: tuple[tuple[str, Value], ...]) -> list[str]:
    return [f"{name}={format_value(value)}" for name, value in parameters]


def format_model(model: Model) -> str:
    """A `.model` card."""
    parameters = " ".join(f"{name}={format_number(value)}" for name, value in model.parameters)
    line = f".model {model.name} {model.kind}({parameters})"
    return f"{line} ; {model.comment}" if model.comment else line


def format_subcircuit(cell: Subcircuit) -> Iterator[str]:
    """A cell's lines, long port lists folded."""
    if cell.comment:
        yield f"* {cell.comment}"
    yield from _folded(f".subckt {cell.name}", [*cell.ports, *_assignments(cell.parameters)])
    yield from (format_element(element) for element in cell.elements)
    yield ".ends"


def format_foreign(cell: ForeignCell) -> Iterator[str]:
    """A cell from outside, its statements as they are, long ones folded."""
    if cell.comment:
        yield f"* {cell.comment}"
    for line in cell.lines:
        head, *words = line.split()
        yield from _folded(head, words)


def format_circuit(deck: Deck) -> Iterator[str]:
    """The circuit's lines: parameters, cells, elements and options, without an analysis."""
    yield from (f"* {line}" for line in deck.title)
    yield ""
    for parameter in deck.parameters:
        yield f".param {parameter.name}={format_value(parameter.value)} ; {parameter.comment}"
    yield ""
    yield from (format_model(model) for model in deck.models)
    for foreign in deck.foreign:
        yield ""
        yield from format_foreign(foreign)
    for cell in deck.subcircuits:
        yield ""
        yield from format_subcircuit(cell)
    yield ""
    yield from (format_element(element) for element in deck.elements)
    yield ""
    settings = (f"{name}={value}" if value else name for name, value in deck.options)
    yield f".options {' '.join(settings)}"
    yield from _folded(".save", _saved(deck))


def format_deck(deck: Deck) -> str:
    """A complete deck that `ngspice -b` runs: it prints each probe at each sampling instant."""
    return "\n".join([*format_circuit(deck), "", *_control(deck), ".end", ""])


def format_for_library(deck: Deck) -> str:
    """The deck without its control section, for a simulator that is driven from outside."""
    return "\n".join([*format_circuit(deck), ".end", ""])


def _saved(deck: Deck) -> list[str]:
    nodes = (*deck.probes, *deck.traces)
    return [*(f"v({node})" for node in nodes), *(f"i(V{name})" for name in deck.currents)]


def _control(deck: Deck) -> Iterator[str]:
    yield "* What a bare run does: print every probe at each sampling instant."
    yield ".control"
    yield "set numdgt=9"
    match deck.analysis:
        case Transient(stop, max_step, samples):
            step = format_number(max_step)
            yield f"tran {step} {format_number(stop)} 0 {step}"
            yield "let k = 0"
            for label, instant in samples:
                # The strobe puts a time point on the instant; half a picosecond is rounding.
                yield f"while time[k] < {instant - 5e-13:.15g}"
                yield "  let k = k + 1"
                yield "end"
                for node in deck.probes:
                    yield f"let {node}_{label} = v({node})[k]"
                    yield f"print {node}_{label}"
        case OperatingPoints(points):
            for label, settings in points:
                yield from (f"alter V{name} = {format_number(volts)}" for name, volts in settings)
                yield "op"
                for node in deck.probes:
                    yield f"let {node}_{label} = v({node})"
                    yield f"print {node}_{label}"
    yield "quit"
    yield ".endc"


def _folded(head: str, words: Iterable[str]) -> Iterator[str]:
    line = head
    for word in words:
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = "+"
        line = f"{line} {word}"
    yield line

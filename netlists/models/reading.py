"""Models from outside in a circuit's parameters: their text read, and cells made of it."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from circuits import CircuitParameters, OpAmpParameters
from circuits.activation import DiodeParameters
from circuits.errors import UserError
from circuits.model_file import ModelFile
from netlists.elements import ForeignCell
from netlists.models.diode import as_cell, known_parameters, require_diode
from netlists.models.library import Library, parse_library
from netlists.models.lines import read_lines, split_lines

_WORD = re.compile(r"[a-z_]\w*")
_DEFINED = re.compile(r"(?<!\w)([a-z_]\w*)\s*=")
_ARGUMENTS = re.compile(r"^\.func\s+\w+\s*\(([^)]*)\)", re.MULTILINE)
_EXPRESSION = re.compile(r"\{[^{}\n]*\}|'[^'\n]*'|^\.(?:param|func)\b.*", re.MULTILINE)
_SENSED = re.compile(r"\b[vi]\([^()]*\)")  # nodes and sources, whose names are no parameters


def with_models(circuit: CircuitParameters) -> CircuitParameters:
    """A circuit whose models from outside hold their text, so that no file is needed any more.

    A diode whose parameters are all known becomes these; a text that is there stays.

    Raises:
        UserError: a file that cannot be read, does not hold the model, or holds what a model may
            not; the line says where.
    """
    opamp, activation, given = circuit.opamp, circuit.activation, circuit
    if opamp.level == "file" and opamp.model is not None and opamp.model.text is None:
        library = _read(opamp.model, "circuit.opamp.model")
        text = _standing_alone(library, opamp.model.name)
        model = opamp.model.model_copy(update={"text": text})
        circuit = circuit.model_copy(update={"opamp": opamp.model_copy(update={"model": model})})
    diode = activation.diode
    if diode is not None and diode.model is not None and diode.model.text is None:
        read = _diode(diode, diode.model)
        activation = activation.model_copy(update={"diode": read})
        circuit = circuit.model_copy(update={"activation": activation})
    opamp_cells(circuit.opamp)
    diode_cells(circuit.activation.rectifier)
    if circuit is given:
        return circuit
    # A diode's junction potential is checked together with the temperature.
    try:
        return CircuitParameters.model_validate(circuit.model_dump(exclude_unset=True))
    except ValidationError as error:
        why = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"circuit: {why}") from None


def opamp_cells(opamp: OpAmpParameters) -> tuple[ForeignCell, ...]:
    """Cells of the op-amps' model from a file, the op-amp's own first; none of other levels.

    Raises:
        UserError: no text was read, it is not fit for a deck, or has other pins than `pins`.
    """
    if opamp.level != "file" or opamp.model is None:
        return ()
    cells = _cells(opamp.model, "circuit.opamp.model", "oa")
    wanted, ports = opamp.pins.split(), cells[0].ports
    if len(wanted) != len(ports):
        raise UserError(
            f"circuit.opamp.pins: {opamp.model.name} of {opamp.model.file} has {len(ports)} pins "
            f"({' '.join(ports)}), got {len(wanted)} ({opamp.pins}); say for each pin in its order "
            "whether it is inp, inn, vdd, vss, out, gnd or nc"
        )
    return cells


def diode_cells(diode: DiodeParameters) -> tuple[ForeignCell, ...]:
    """Cells of the rectifier's diode from a file, the diode's own first; none of other diodes.

    Raises:
        UserError: no text was read, it is not fit for a deck, or has not two pins.
    """
    model = diode.model
    if model is None:
        return ()
    cells = _cells(model, "circuit.activation.diode.model", "di")
    ports = cells[0].ports
    if len(ports) != 2:
        raise UserError(
            f"circuit.activation.diode: wanted two pins, anode and cathode, got {len(ports)} of "
            f"{model.name} in {model.file} ({' '.join(ports)})"
        )
    return cells


def require_built_in(circuit: CircuitParameters, who: str, why: str) -> None:
    """Refuse a circuit with models from files.

    Args:
        circuit: to look at.
        who: asks, for the message.
        why: it cannot do with them, as in `has no closed forms for one`.

    Raises:
        UserError: says which model, and what to take in its place.
    """
    opamp, diode = circuit.opamp, circuit.activation.rectifier
    for field, model, instead in (
        ("opamp", opamp.model if opamp.level == "file" else None, "level macro with its figures"),
        ("activation.diode", diode.model, "a diode given by its parameters"),
    ):
        if model is not None:
            raise UserError(
                f"circuit.{field}: {model.name} is a model of {model.file}, and {who} {why}; take "
                f"{instead}"
            )


def require_shielded(cells: Iterable[ForeignCell], names: Iterable[str]) -> None:
    """Refuse cells from outside that count on a deck's own parameters.

    A name that a cell does not define itself is looked for outside of it, and a model that lacks
    one must not come by a resistor of the network.

    Args:
        cells: from outside.
        names: of the deck's parameters.

    Raises:
        UserError: names the parameter.
    """
    ours = {name.lower() for name in names}
    for cell in cells:
        text = "\n".join(cell.lines).lower()
        own = set(_DEFINED.findall(text)) | {
            word for inside in _ARGUMENTS.findall(text) for word in _WORD.findall(inside)
        }
        for expression in _EXPRESSION.findall(_SENSED.sub("", text)):
            if taken := sorted(ours & (set(_WORD.findall(expression)) - own)):
                raise UserError(
                    f"{cell.comment}: asks for the parameter {taken[0]}, which it does not define "
                    "and the network's deck has for itself; add a .param for it to the model"
                )


def _read(model: ModelFile, where: str) -> Library:
    try:
        return parse_library(read_lines(Path(model.file)), model.file)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _diode(diode: DiodeParameters, model: ModelFile) -> DiodeParameters:
    where = "circuit.activation.diode"
    library = _read(model, where)
    try:
        require_diode(library, model.name)
        if model.name.lower() in library.models:
            known = known_parameters(diode.name, library.models[model.name.lower()])
            if known is not None:
                return known
            library = parse_library(as_cell(library, model.name), library.origin)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    text = _standing_alone(library, model.name)
    return diode.model_copy(update={"model": model.model_copy(update={"text": text})})


def _standing_alone(library: Library, name: str) -> str:
    cells = library.closure(name)
    names = {cell.name.lower(): cell.name for cell in cells}
    lines = [line for cell in cells for line in library.statements(cell, names)]
    return "\n".join([*lines, ""])


def _cells(model: ModelFile, where: str, prefix: str) -> tuple[ForeignCell, ...]:
    """Cells of a model's text, under names that no other cell has."""
    if model.text is None:
        raise UserError(
            f"{where}: {model.file} was not read yet; netlists.models.with_models(circuit) does it"
        )
    origin = f"{where}.text ({model.file})"
    library = parse_library(split_lines(model.text, origin), origin)
    cells = library.closure(model.name)
    names = {
        cell.name.lower(): f"{prefix}{k}_{re.sub(r'[^a-z0-9]+', '_', cell.name.lower())}"
        for k, cell in enumerate(cells)
    }
    checksum = hashlib.sha256(model.text.encode("utf8")).hexdigest()
    file = re.sub(r"[^A-Za-z0-9_.+ -]", "?", Path(model.file).name)
    comment = f"{model.name} of {file}, SHA-256 of what was read {checksum[:16]}"
    return tuple(
        ForeignCell(
            names[cell.name.lower()],
            cell.ports,
            tuple(library.statements(cell, names)),
            comment if k == 0 else f"part of {model.name}",
        )
        for k, cell in enumerate(cells)
    )

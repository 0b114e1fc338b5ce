"""A diode of a library: as parameters that closed forms know too, or as a cell of its own."""

import re
from collections.abc import Mapping
from decimal import Decimal

from pydantic import ValidationError

from circuits.activation import DiodeParameters
from circuits.errors import UserError
from netlists.models.library import Library
from netlists.models.lines import Line
from netlists.models.screening import model_of

_FIELDS: Mapping[str, str] = {
    "is": "i_s", "js": "i_s", "n": "n", "rs": "r_s", "cjo": "c_j0", "cj0": "c_j0", "cj": "c_j0",
    "vj": "v_j", "pb": "v_j", "m": "m", "mj": "m", "tt": "t_t", "eg": "e_g", "xti": "x_ti",
    "bv": "b_v", "ibv": "i_bv",
}  # fmt: skip
_SUFFIXES: Mapping[str, str] = {
    "t": "1e12", "g": "1e9", "meg": "1e6", "k": "1e3", "mil": "25.4e-6", "m": "1e-3", "u": "1e-6",
    "n": "1e-9", "p": "1e-12", "f": "1e-15", "": "1",
}  # fmt: skip
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)(meg|mil|[tgkmunpf])?[a-z]*")
_PAIR = re.compile(r"([A-Za-z_]\w*)\s*=\s*([^\s=,()]+)")


def spice_number(text: str) -> float:
    """A number as SPICE reads it, in which `1M` and `1m` are thousandths and units follow.

    Raises:
        ValueError: no number.
    """
    match = _NUMBER.fullmatch(text.lower())
    if match is None:
        raise ValueError(f"wanted a number, got {text!r}")
    return float(Decimal(match[1]) * Decimal(_SUFFIXES[match[2] or ""]))


def known_parameters(name: str, line: Line) -> DiodeParameters | None:
    """The parameters of a `.model` of type D, or None where it has others than these.

    What is left out has the same default here as in SPICE.

    Raises:
        UserError: a parameter out of its range.
    """
    given = model_of(line)[2].strip()
    inside = given[1:-1] if given.startswith("(") and given.endswith(")") else given
    if _PAIR.sub("", inside).strip(" ,\t"):
        return None
    fields: dict[str, float] = {}
    for key, text in _PAIR.findall(inside):
        try:
            value = spice_number(text)
        except ValueError:
            return None
        if key.lower() not in _FIELDS or _FIELDS[key.lower()] in fields:
            return None
        fields[_FIELDS[key.lower()]] = value
    try:
        return DiodeParameters.model_validate({"name": name, **fields})
    except ValidationError as error:
        first = error.errors()[0]
        raise line.refused(
            f".model {name}, {first['loc'][0]}: {first['msg']}, got {first['input']!r}"
        ) from None


def as_cell(library: Library, name: str) -> list[Line]:
    """Statements of a two-pin subcircuit of a diode's name that holds its `.model`."""
    model = library.models[name.lower()]
    if model_of(model)[1] != "d":
        raise model.refused(f"{name} is no diode, wanted a .model of type D")
    return [
        *library.settings,
        Line(model.place, f".subckt {name} anode cathode"),
        model,
        Line(model.place, f"D1 anode cathode {name}"),
        Line(model.place, ".ends"),
    ]


def require_diode(library: Library, name: str) -> None:
    """Refuse a name that is neither a diode's `.model` nor a subcircuit.

    Raises:
        UserError: says which names there are.
    """
    if name.lower() in library.models or name.lower() in library.subckts:
        return
    diodes = [model_of(line)[0] for line in library.models.values() if model_of(line)[1] == "d"]
    names = [*diodes, *(cell.name for cell in library.subckts.values())]
    listed = ", ".join(names[:20]) or "none"
    raise UserError(f"{library.origin}: no diode {name}; there are {listed}")

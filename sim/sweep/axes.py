"""Values along a dimension of a sweep: lists, ranges, and random draws from distributions."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.quantities import parse_quantity
from sim.errors import UserError
from sim.sweep.paths import ParameterField, field_of

Array = NDArray[np.float64]

SCALES = ("linear", "log")

MOST = 100_000
"""Values along one dimension, at most."""

LAWS: Mapping[str, tuple[str, ...]] = {
    "uniform": ("lowest", "highest"),
    "log-uniform": ("lowest", "highest"),
    "normal": ("mean", "standard deviation"),
    "lognormal": ("median", "standard deviation of the logarithm"),
}
"""Distributions of numbers, and what they are given; `choice` is given values."""

_ENDS = re.compile(r"\s*[-+]?\.?\d[^,;]*\.\.\s*[-+]?\.?\d")  # numbers, with V/s perhaps
_RANGE = re.compile(r"(?P<first>.+?)\.\.(?P<last>.+?):(?P<steps>[^:]+)(?::(?P<scale>[^:]*))?")
_LAW = re.compile(r"(?P<law>[a-z-]+)\((?P<given>.*)\)")


def parse_axis(text: str, where: str) -> Any:
    """Read what `--vary` has behind the equals sign, as a TOML file would have it.

    Args:
        text: `a,b,c` or `a;b;c`, `from..to:steps`, `from..to:steps:log`, or `normal(m,s)`.
        where: for messages.

    Returns:
        A list of texts, a range or a distribution as a table.

    Raises:
        UserError: it is none of them.
    """
    law = _LAW.fullmatch(text.strip())
    if law:
        return {law["law"]: _parts(law["given"])}
    if ".." in text and (_ENDS.match(text) or "/" not in text):  # ../file is none
        found = _RANGE.fullmatch(text.strip())
        if found is None:
            raise UserError(f"{where}: wanted from..to:steps or from..to:steps:log, got {text!r}")
        steps: Any = found["steps"].strip()
        return {
            "from": found["first"].strip(),
            "to": found["last"].strip(),
            "steps": int(steps) if steps.isdecimal() else steps,
            "scale": (found["scale"] or "linear").strip(),
        }
    return _parts(text)


def values_of(path: str, axis: Any, where: str) -> tuple[Any, ...]:
    """The values that a list or a range stands for, each as the configuration has it.

    Args:
        path: of the parameter, in full.
        axis: a list, or a table with `from`, `to`, `steps` and `scale`.
        where: for messages.

    Raises:
        UserError: a value is out of range, none are there, or the same twice.
    """
    field = field_of(path)
    if isinstance(axis, Mapping):
        found = _range(field, axis, where)
    elif isinstance(axis, Sequence) and not isinstance(axis, str):
        if not axis:
            raise UserError(f"{where}: wanted one value or more, got none")
        found = tuple(field.read(value, where) for value in axis)
    else:
        raise UserError(f"{where}: wanted a list of values or a range, got {axis!r}")
    if len(found) > MOST:
        raise UserError(f"{where}: wanted {MOST:,} values at most, got {len(found):,}")
    for k, value in enumerate(found):
        if value in found[:k]:
            raise UserError(f"{where}: has {value!r} twice")
    return found


def drawn(path: str, law: Any, count: int, seed: int, where: str) -> tuple[Any, ...]:
    """Random values of a parameter, each as the configuration has it.

    Every parameter has a stream of its own, which its path names: another parameter beside it, or
    more draws, leave the values as they are.

    Args:
        path: of the parameter, in full.
        law: one distribution by name, as in `{"normal": ["1M", "100k"]}`.
        count: of values.
        seed: of all draws.
        where: for messages.

    Raises:
        UserError: no such distribution, or a value came out of the parameter's range.
    """
    field = field_of(path)
    name, given = _law(law, where)
    digest = hashlib.sha256(path.encode()).digest()
    key = tuple(np.frombuffer(digest, dtype=np.uint32).tolist())
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
    if name == "choice":
        choices = [field.read(value, where) for value in given]
        if not choices:
            raise UserError(f"{where}: choice: wanted one value or more, got none")
        return tuple(choices[k] for k in rng.integers(len(choices), size=count))
    if field.type not in (float, int):
        raise UserError(f"{where}: {path} is no number; of the distributions it can have choice")
    numbers = _numbers(field, name, given, where)
    found = [float(value) for value in _from(name, *numbers, rng, count)]
    return tuple(
        field.read(round(value) if field.type is int else value, f"{where}: draw {k}")
        for k, value in enumerate(found)
    )


def is_law(axis: Any) -> bool:
    """Whether a value along an axis is a distribution rather than a list or a range."""
    return isinstance(axis, Mapping) and not {"from", "to", "steps"} & set(axis)


def _parts(text: str) -> list[str]:
    """Values parted by commas; by semicolons where there are any, since layers have commas."""
    mark = ";" if ";" in text else ","
    return [part.strip() for part in text.split(mark)] if text.strip() else []


def _range(field: ParameterField, axis: Mapping[str, Any], where: str) -> tuple[Any, ...]:
    known = {"from", "to", "steps", "scale"}
    if not {"from", "to", "steps"} <= set(axis) <= known:
        raise UserError(
            f"{where}: a range has from, to, steps and scale (linear or log), got "
            f"{', '.join(axis) or 'nothing'}"
        )
    if field.type not in (float, int):
        raise UserError(f"{where}: {field.path} is no number; wanted a list of values")
    first, last = (_number(field, axis[name], f"{where}: {name}") for name in ("from", "to"))
    steps, scale = axis["steps"], axis.get("scale", "linear")
    if not isinstance(steps, int) or isinstance(steps, bool) or not 2 <= steps <= MOST:
        raise UserError(f"{where}: steps: wanted a whole number from 2 to {MOST:,}, got {steps!r}")
    if first == last:
        raise UserError(f"{where}: wanted two different ends, got {first:g} twice")
    if scale not in SCALES:
        raise UserError(f"{where}: scale: wanted linear or log, got {scale!r}")
    if scale == "log" and not (first > 0 and last > 0):
        raise UserError(f"{where}: a log scale takes ends above 0, got {first:g} and {last:g}")
    spaced = np.linspace if scale == "linear" else np.geomspace
    values = [_rounded(value) for value in spaced(first, last, steps).tolist()]
    if field.type is int:
        values = [round(value) for value in values]
        if len(set(values)) < steps:
            raise UserError(f"{where}: no {steps} different whole numbers between its ends")
    return tuple(field.read(value, where) for value in values)


def _rounded(value: float) -> float:
    """To 12 digits, so that a range has 0.3 where a list has it: the same point, the same key."""
    return float(f"{value:.12g}")


def _number(field: ParameterField, value: Any, where: str) -> float:
    try:
        return parse_quantity(value, field.unit or "1")
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


def _law(law: Any, where: str) -> tuple[str, Sequence[Any]]:
    if not isinstance(law, Mapping) or len(law) != 1:
        wanted = ", ".join((*LAWS, "choice"))
        raise UserError(f"{where}: wanted one distribution of {wanted}, got {law!r}")
    name, given = next(iter(law.items()))
    if name not in LAWS and name != "choice":
        wanted = ", ".join((*LAWS, "choice"))
        raise UserError(f"{where}: no distribution {name!r}; there are {wanted}")
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise UserError(f"{where}: {name}: wanted a list, got {given!r}")
    return name, given


def _numbers(
    field: ParameterField, name: str, given: Sequence[Any], where: str
) -> tuple[float, float]:
    what = LAWS[name]
    if len(given) != len(what):
        raise UserError(f"{where}: {name}: wanted {' and '.join(what)}, got {len(given)} values")
    units = [field.unit or "1"] * 2
    if name == "lognormal":
        units[1] = "1"
    try:
        one, other = (parse_quantity(value, unit) for value, unit in zip(given, units, strict=True))
    except ValueError as error:
        raise UserError(f"{where}: {name}: {error}") from None
    if not (np.isfinite(one) and np.isfinite(other)):
        raise UserError(f"{where}: {name}: wanted finite numbers, got {one:g} and {other:g}")
    if "uniform" in name and not one < other:
        raise UserError(f"{where}: {name}: wanted lowest below highest, got {one:g} and {other:g}")
    if name in ("log-uniform", "lognormal") and not one > 0:
        raise UserError(f"{where}: {name}: wanted its {what[0]} above 0, got {one:g}")
    if "normal" in name and not other > 0:
        raise UserError(f"{where}: {name}: wanted its {what[1]} above 0, got {other:g}")
    return one, other


def _from(name: str, one: float, other: float, rng: np.random.Generator, count: int) -> Array:
    match name:
        case "uniform":
            return rng.uniform(one, other, count)
        case "log-uniform":
            return np.exp(rng.uniform(np.log(one), np.log(other), count))
        case "normal":
            return rng.normal(one, other, count)
        case _:
            return one * np.exp(other * rng.standard_normal(count))

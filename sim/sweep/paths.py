"""Parameters of a configuration by their paths, or by any unique ending of one.

`opamp.gbw` stands for `circuit.opamp.gbw`, and `eta` for `learning.eta`. A mapping, such as the
exceptions, has a place for any name: there the ending begins with the mapping's own name at the
latest, as in `exceptions.n1_2_b.v_offset`.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from circuits.model_file import ModelFile
from circuits.quantities import Unit
from sim.config import CHOICES, RunConfig
from sim.errors import UserError

_ANY = "*"  # stands for every name in a mapping
_LISTED = 8  # paths in a message, at most
_ONE_OF = {"task.name": "task", "learning.rule": "rule", "learning.optimizer": "optimizer"}


@dataclass(frozen=True)
class ParameterField:
    """What is known of a parameter.

    Attributes:
        path: in full, as `circuit.opamp.gbw`.
        unit: `Hz`, `1` for a plain number, empty for what is no number.
        description: in words.
        type: `float`, `int`, `bool`, or `str` for names, files and lists as text.
        choices: all that it may be, where these are a few words.
    """

    path: str
    unit: str
    description: str
    type: type
    choices: tuple[str, ...]
    _adapter: TypeAdapter[Any]

    def read(self, value: Any, where: str) -> Any:
        """Read a value of the parameter, as `--set` would: `"1M"` becomes 1e6.

        Args:
            value: a number or text.
            where: what it was given by, for the message.

        Returns:
            A plain value, in the parameter's unit.

        Raises:
            UserError: it is out of range, or none.
        """
        try:
            found = self._adapter.validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            said = str(first.get("ctx", {}).get("error", "")) or first["msg"]
            said = said[0].lower() + said[1:]
            got = "" if "got" in said else f", got {value!r}"
            place = where if where.endswith(self.path) else f"{where}: {self.path}"
            raise UserError(f"{place}: {said}{got}") from None
        # What a configuration writes of it, such as the text of a list of layers.
        return self._adapter.dump_python(found) if self.type in (float, int, bool) else value


def full_path(name: str) -> str:
    """The parameter that a unique ending of a path stands for.

    Args:
        name: a path in full, or as much of its end as tells it from all others.

    Raises:
        UserError: there is none or more than one; the line names those that come close.
    """
    found = _matching(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{name}: matches {_listed(found)}; give more of the path")
    inside = [path for path in _parameters() if _has_section(path, name)]
    if inside:
        raise UserError(f"{name}: is a section; wanted one parameter, of {_listed(inside)}")
    raise UserError(f"{name}: no such parameter; {_nearest(name)}")


def field_of(path: str) -> ParameterField:
    """What is known of a parameter.

    Args:
        path: in full, as of `full_path`.

    Raises:
        UserError: there is no such parameter.
    """
    pattern = _pattern(path)
    info = _parameters().get(pattern)
    if info is None:
        raise UserError(f"{path}: no such parameter; {_nearest(path)}")
    plain, unit = _unwrapped(info.annotation)
    for one in info.metadata:
        unit = one.symbol if isinstance(one, Unit) else unit
    words = get_args(plain) if get_origin(plain) is Literal else CHOICES.get(_ONE_OF.get(path, ""))
    kind = plain if plain in (float, int, bool) else str
    whole: Any = Annotated[info.annotation, info]
    adapter: TypeAdapter[Any] = TypeAdapter(whole, config=ConfigDict(allow_inf_nan=False))
    return ParameterField(
        path, unit, info.description or "", kind, tuple(map(str, words or ())), adapter
    )


def value_of(config: RunConfig, path: str) -> Any:
    """A parameter's value in a configuration, plain; None where it is left out.

    Args:
        config: as it is; what a task's defaults decide is None before `complete`.
        path: in full.
    """
    value: Any = config.model_dump()
    for name in path.split("."):
        if value is None:
            return None
        value = value.get(name)
    return value


def _matching(name: str) -> tuple[str, ...]:
    """Full paths that a name is an ending of; the one alone that it is in full."""
    if _parameters().get(_pattern(name)) is not None:
        return (name,)
    parts = name.split(".")
    found = []
    for path in _parameters():
        full = path.split(".")
        ending = full[-len(parts) :]
        if len(parts) > len(full) or ending[0] == _ANY or not _fits(parts, ending):
            continue
        if _ANY not in full or _ANY in ending:
            found.append(".".join(full[: -len(parts)] + parts))
    return tuple(found)


def _pattern(path: str) -> str:
    """The path with the names in mappings replaced by `*`."""
    parts = path.split(".")
    for pattern in _parameters():
        full = pattern.split(".")
        if len(full) == len(parts) and _ANY in full and _fits(parts, full):
            return pattern
    return path


def _fits(parts: list[str], pattern: list[str]) -> bool:
    return all(b in (a, _ANY) and a for a, b in zip(parts, pattern, strict=True))


def _has_section(path: str, name: str) -> bool:
    folders = path.split(".")[:-1]
    parts = name.split(".")
    return any(folders[k : k + len(parts)] == parts for k in range(len(folders) - len(parts) + 1))


def _nearest(name: str) -> str:
    paths = list(_parameters())
    endings: dict[str, str] = {}
    for path in paths:
        for k in range(path.count(".") + 1):
            endings.setdefault(".".join(path.split(".")[k:]), path)
    close = difflib.get_close_matches(name, endings, n=3, cutoff=0.6)
    named = list(dict.fromkeys(endings[one] for one in close))
    hint = (
        f"did you mean {' or '.join(named)}?" if named else "the config.toml of any run lists all"
    )
    return hint.replace(_ANY, "NAME")


def _listed(paths: tuple[str, ...] | list[str]) -> str:
    shown = [path.replace(_ANY, "NAME") for path in paths[:_LISTED]]
    return ", ".join(shown) + (", …" if len(paths) > _LISTED else "")


@cache
def _parameters() -> Mapping[str, FieldInfo]:
    """All parameters by path, in the order of the configuration."""
    return dict(_walk(RunConfig, ""))


def _walk(model: type[BaseModel], before: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        path = f"{before}{name}"
        plain, _ = _unwrapped(info.annotation)
        if get_origin(plain) is Mapping:
            yield from _walk(get_args(plain)[1], f"{path}.{_ANY}.")
            continue
        section = isinstance(plain, type) and issubclass(plain, BaseModel)
        # A section that may be left out can be given by a name too, as the diode.
        if not section or info.default is None:
            yield path, info
        if section and not issubclass(plain, ModelFile):
            yield from _walk(plain, f"{path}.")


def _unwrapped(annotation: Any) -> tuple[Any, str]:
    """A type without `None` and notes, and the unit among them."""
    unit = ""
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
            unit = next((one.symbol for one in notes if isinstance(one, Unit)), unit)
            continue
        several = [one for one in get_args(annotation) if one is not type(None)]
        if type(None) in get_args(annotation) and len(several) == 1:
            annotation = several[0]
            continue
        return annotation, unit

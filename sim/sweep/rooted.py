"""Plans whose files are found from any folder: paths from the root, made once."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from circuits.model_file import is_reference
from sim.config import RunConfig
from sim.settings import changed
from sim.sweep.keys import FILES, MODELS
from sim.sweep.paths import value_of
from sim.sweep.plan import Plan

_DIODE = "circuit.activation.diode"
_REFERRED = ("circuit.opamp.level", _DIODE)  # may be FILE:NAME
_FILES = tuple(".".join(path) for path in FILES)
_MODELS = tuple(".".join(path) for path in MODELS)


def rooted(plan: Plan) -> Plan:
    """A plan that names every file by its path from the root.

    Paths that it has are taken from the working folder, so this is for a plan that is new.
    """
    draws = plan.draws
    if draws:
        laws = {
            path: {name: _all(path, given) for name, given in law.items()}
            if isinstance(law, Mapping)
            else law
            for path, law in draws.laws.items()
        }
        draws = replace(draws, laws=laws)
    corners = tuple(
        replace(one, values={path: _value(path, value) for path, value in one.values.items()})
        for one in plan.corners
    )
    return replace(
        plan,
        base=_config(plan.base),
        grid={path: tuple(_all(path, values)) for path, values in plan.grid.items()},
        listed={path: tuple(_all(path, values)) for path, values in plan.listed.items()},
        draws=draws,
        corners=corners,
    )


def _config(config: RunConfig) -> RunConfig:
    named = {path: value_of(config, path) for path in (*_FILES, *_MODELS)}
    given = {path: value for path, value in named.items() if value is not None}
    settings = {path: _value(path, value) for path, value in given.items()}
    return changed(config, settings) if settings != given else config


def _all(path: str, values: Any) -> Any:
    """Each of a list; what is none is left to be refused."""
    return [_value(path, value) for value in values] if isinstance(values, list | tuple) else values


def _value(path: str, value: Any) -> Any:
    """A parameter's value, with the file that it names, if any, from the root."""
    if path == _DIODE and isinstance(value, Mapping) and "model" in value:
        return {**value, "model": _value(f"{_DIODE}.model", value["model"])}
    if path in _MODELS and isinstance(value, Mapping):
        return {**value, "file": _absolute(value["file"])} if "file" in value else value
    if path in (*_FILES, *_MODELS) or (path in _REFERRED and is_reference(value)):
        return _absolute(value)
    return value


def _absolute(value: Any) -> Any:
    """A file, `FILE:LEARNER` or `FILE:NAME`; what is no text is left to be refused."""
    return str(Path.cwd() / value) if isinstance(value, str) else value

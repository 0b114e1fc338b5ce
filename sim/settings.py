"""A configuration put together: preset, then file, then options, then assignments."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from circuits.quantities import Parameters
from sim.config import RunConfig
from sim.errors import UserError
from sim.presets import PRESETS, Preset

Config = TypeVar("Config", bound=Parameters)

_DEEPEST = 4  # dots in the path of a parameter, at most


def load_config(
    path: Path | None,
    preset: str | None,
    options: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> RunConfig:
    """The configuration of a co-simulation; arguments and errors are those of `load_settings`."""
    return load_settings(
        RunConfig,
        PRESETS,
        options,
        path=path,
        preset=preset,
        names=names,
        assignments=assignments,
    )


def load_settings(
    model: type[Config],
    presets: Mapping[str, Preset],
    options: Mapping[str, Any],
    *,
    path: Path | None = None,
    preset: str | None = None,
    names: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> Config:
    """Put a configuration together: preset, then file, then options, then assignments.

    Args:
        model: what it is a record of.
        presets: by name.
        options: value by dotted path, such as `circuit.opamp.gbw`; None where not given.
        path: TOML file.
        preset: a name in `presets`.
        names: what the options are called, by path, for messages.
        assignments: `PATH=VALUE`, as of `--set`.

    Raises:
        UserError: one line that says where, what, got and wanted.
    """
    overrides = {dotted: value for dotted, value in options.items() if value is not None}
    origin = {dotted: name for dotted, name in (names or {}).items() if dotted in overrides}
    for assignment in assignments:
        dotted, equals, value = assignment.partition("=")
        if not equals or not dotted:
            raise UserError(
                f"--set: wanted PATH=VALUE, as in circuit.opamp.gbw=300k, got {assignment!r}"
            )
        overrides[dotted], origin[dotted] = value, f"--set {dotted}"
    tree: dict[str, Any] = {}
    if preset is not None:
        if preset not in presets:
            raise UserError(f"--preset: wanted one of {', '.join(presets)}, got {preset!r}")
        _overlay(tree, presets[preset].settings)
    if path is not None:
        found = _read_toml(path)
        try:
            _overlay(tree, found)
        except RecursionError:
            raise UserError(f"{path}: wanted sections four deep at most, got many more") from None
    for dotted, value in overrides.items():
        _set(tree, dotted, value, origin.get(dotted, dotted), path)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, model, path, origin)) from None


def changed(
    config: Config, settings: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> Config:
    """A configuration with some parameters changed.

    Args:
        config: to start from.
        settings: value by dotted path, such as `circuit.opamp.gbw`.
        names: what these are called, by path, for messages.

    Raises:
        UserError: one line that says where, what, got and wanted.
    """
    origin = {dotted: (names or {}).get(dotted, dotted) for dotted in settings}
    tree = config.model_dump(exclude_none=True)
    for dotted, value in settings.items():
        _set(tree, dotted, value, origin[dotted], None)
    try:
        return type(config).model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, type(config), None, origin)) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"--config: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: is not UTF-8 text, wanted a TOML file") from None
    except (ValueError, RecursionError) as error:  # tomllib's own, and what it lets through
        raise UserError(f"{path}: is not TOML: {error}") from None


def _overlay(tree: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, Mapping) and isinstance(tree.get(name), dict):
            _overlay(tree[name], value)
        else:
            tree[name] = {} if isinstance(value, Mapping) else value
            if isinstance(value, Mapping):
                _overlay(tree[name], value)


def _set(tree: dict[str, Any], dotted: str, value: Any, typed: str, path: Path | None) -> None:
    *folders, leaf = dotted.split(".")
    if len(folders) > _DEEPEST:
        raise UserError(f"{typed}: no such parameter; none has more than {_DEEPEST} dots")
    for folder in folders:
        tree = tree.setdefault(folder, {})
        if not isinstance(tree, dict):
            there = f" in {path}" if path else ""
            raise UserError(f"{typed}: {folder} is a value{there}, not a section")
    tree[leaf] = value


def _explain(
    error: ValidationError, root: type[Parameters], path: Path | None, origin: Mapping[str, str]
) -> str:
    first = error.errors()[0]
    dotted = ".".join(str(part) for part in first["loc"])
    exact = [typed for key, typed in origin.items() if f"{dotted}.".startswith(f"{key}.")]
    beneath = [typed for key, typed in origin.items() if key.startswith(f"{dotted}.")]
    where = exact[0] if exact else beneath[0] if len(beneath) == 1 else None
    place = where or ": ".join(str(part) for part in (path, dotted) if part) or "configuration"
    match first["type"]:
        case "extra_forbidden":
            what = f"no such parameter; there {_known(root, first['loc'])}"
        case "value_error" | "assertion_error":
            what = str(first.get("ctx", {}).get("error", first["msg"]))
            named, _, rest = what.partition(": ")
            if not dotted and named in origin:  # of the whole, which names the one that was typed
                place, what = origin[named], rest
            for name in (*first["loc"][-1:], place.rpartition(".")[2]):
                what = what.removeprefix(f"{name}: ")  # said already
        case "missing":
            what = "wanted too, since it has no default"
        case _ if beneath and not exact:
            what = f"{dotted} is a value, not a section; wanted --set {dotted}=…"
        case "model_type" | "dict_type":
            what = f"wanted a section of parameters, got {first['input']!r}"
        case "int_parsing" | "int_type" | "int_from_float":
            what = f"wanted a whole number, got {first['input']!r}"
        case _:
            what = f"{first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}"
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return f"{place}: {what}{more}"


def _known(root: type[Parameters], location: tuple[int | str, ...]) -> str:
    model: Any = root
    for part in location[:-1]:
        if get_origin(model) is Mapping:  # `part` is a key
            model = get_args(model)[1]
        else:
            model = model.model_fields[str(part)].annotation
    fields = getattr(model, "model_fields", {})
    return f"are {', '.join(fields)}" if fields else "is none"

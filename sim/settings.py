"""A configuration put together: preset, then file, then options, then assignments."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from sim.config import RunConfig
from sim.errors import UserError
from sim.presets import PRESETS

_DEEPEST = 4  # dots in the path of a parameter, at most


def load_config(
    path: Path | None,
    preset: str | None,
    options: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
    assignments: Sequence[str] = (),
) -> RunConfig:
    """Put a configuration together: preset, then file, then options, then assignments.

    Args:
        path: TOML file.
        preset: a name in `PRESETS`.
        options: value by dotted path, such as `circuit.opamp.gbw`; None where not given.
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
        if preset not in PRESETS:
            raise UserError(f"--preset: wanted one of {', '.join(PRESETS)}, got {preset!r}")
        _overlay(tree, PRESETS[preset].settings)
    if path is not None:
        found = _read_toml(path)
        try:
            _overlay(tree, found)
        except RecursionError:
            raise UserError(f"{path}: wanted sections four deep at most, got many more") from None
    for dotted, value in overrides.items():
        _set(tree, dotted, value, origin.get(dotted, dotted), path)
    try:
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, path, origin)) from None


def changed(
    config: RunConfig, settings: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> RunConfig:
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
        return RunConfig.model_validate(tree)
    except ValidationError as error:
        raise UserError(_explain(error, None, origin)) from None


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


def _explain(error: ValidationError, path: Path | None, origin: Mapping[str, str]) -> str:
    first = error.errors()[0]
    dotted = ".".join(str(part) for part in first["loc"])
    exact = [typed for key, typed in origin.items() if f"{dotted}.".startswith(f"{key}.")]
    beneath = [typed for key, typed in origin.items() if key.startswith(f"{dotted}.")]
    where = exact[0] if exact else beneath[0] if len(beneath) == 1 else None
    place = where or (f"{path}: {dotted}" if path else dotted) or "configuration"
    match first["type"]:
        case "extra_forbidden":
            what = f"no such parameter; there {_known(first['loc'])}"
        case "value_error" | "assertion_error":
            what = str(first.get("ctx", {}).get("error", first["msg"]))
            for name in (*first["loc"][-1:], place.rpartition(".")[2]):
                what = what.removeprefix(f"{name}: ")  # said already
        case "missing":
            what = "wanted too, since it has no default"
        case _ if beneath and not exact:
            what = f"{dotted} is a value, not a section; wanted --set {dotted}=…"
        case "model_type" | "dict_type":
            what = f"wanted a section of parameters, got {first['input']!r}"
        case _:
            what = f"{first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}"
    more = f" (and {len(error.errors()) - 1} more)" if len(error.errors()) > 1 else ""
    return f"{place}: {what}{more}"


def _known(location: tuple[int | str, ...]) -> str:
    model: Any = RunConfig
    for part in location[:-1]:
        if get_origin(model) is Mapping:  # `part` is a key
            model = get_args(model)[1]
        else:
            model = model.model_fields[str(part)].annotation
    fields = getattr(model, "model_fields", {})
    return f"are {', '.join(fields)}" if fields else "is none"

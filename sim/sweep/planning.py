"""Plans read from TOML files and from options, and refused where they make no sense."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from circuits.mismatch import TYPICAL, typical_of
from sim.config import RunConfig
from sim.errors import UserError
from sim.settings import changed, load_config
from sim.sweep.axes import MOST, is_law, values_of
from sim.sweep.corners import Corner, built_in
from sim.sweep.paths import field_of, full_path
from sim.sweep.plan import CHIP_PATH, SEED_PATH, Draws, Plan
from sim.sweep.rooted import rooted
from sim.sweep.tree import read_tree

Tree = Mapping[str, Any]

_KEYS = (
    "title", "config", "preset", "base", "store", "seeds", "chips", "set", "grid", "list", "draw",
    "corners",
)  # fmt: skip
COMMAND_LINE = "command line"
_TABLES = ("base", "set", "grid", "list", "draw", "corners")


def read_plan(path: Path) -> Plan:
    """The plan in a sweep's TOML file.

    Raises:
        UserError: as of `read_tree` and `plan_of`.
    """
    return plan_of(read_tree(path), str(path))


def plan_of(tree: Tree, where: str) -> Plan:
    """The plan that a tree asks for, such as a TOML file holds.

    Args:
        tree: with the keys that the reference of sweeps lists.
        where: the tree is from, for messages.

    Raises:
        UserError: one line that says where, what, got and wanted.
    """
    _require_known(tree, where)
    base = _base(tree, where)
    grid, laws = _grid(tree.get("grid", {}), where)
    listed = _listed(tree.get("list", {}), where)
    draws = _draws(tree.get("draw", {}), laws, where)
    corners, taken = _corners(tree.get("corners", {}), where)
    seeds = _numbers(tree.get("seeds"), "seeds", where)
    chips = _numbers(tree.get("chips"), "chips", where)
    plan = Plan(
        base=base,
        title=_text(tree, "title", where),
        grid=grid,
        listed=listed,
        draws=draws,
        corners=corners,
        taken=taken,
        chips=chips,
        seeds=seeds,
        store=Path(tree["store"]).absolute() if _text(tree, "store", where) else None,
    )
    _require_once(plan, tree.get("set", {}), where)
    if "base" not in tree:  # of a plan in its sweep's folder files are from the root already
        plan = rooted(plan)
    return _with_spread(plan, where) if chips else plan


def _require_known(tree: Tree, where: str) -> None:
    for name, value in tree.items():
        if name not in _KEYS:
            raise UserError(f"{where}: no such key: {name}; there are {', '.join(_KEYS)}")
        if name in _TABLES and not isinstance(value, Mapping):
            raise UserError(f"{where}: {name}: wanted a table, got {value!r}")


def _base(tree: Tree, where: str) -> RunConfig:
    given = [name for name in ("config", "preset", "base") if name in tree]
    if "base" in given and len(given) > 1:
        raise UserError(f"{where}: wanted one of {' and '.join(given)}")
    settings = {_full(path, _at(where, "[set]")): v for path, v in tree.get("set", {}).items()}
    if "base" in tree:
        base = changed(RunConfig(), _flat(tree["base"]))
        return changed(base, settings) if settings else base
    file, preset = (_text(tree, name, where) or None for name in ("config", "preset"))
    if file is not None:
        _require_readable(Path(file), where)
    return load_config(None if file is None else Path(file), preset, settings)


def _at(where: str, table: str) -> str:
    """What a user typed there: the table of a file, or the option that stands for it."""
    if where != COMMAND_LINE:
        return f"{where}: {table}"
    return "--set" if table == "[set]" else "--vary"


def _require_readable(path: Path, where: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        named = "--config" if where == COMMAND_LINE else f"{where}: config"
        raise UserError(f"{named}: cannot read {path}: {error.strerror}") from None


def _flat(tree: Tree, above: str = "") -> dict[str, Any]:
    """Values by dotted path; tables that a parameter's value is made of as a whole."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{above}{name}.")
        else:
            found[f"{above}{name}"] = value
    return found


def _grid(table: Tree, where: str) -> tuple[dict[str, tuple[Any, ...]], dict[str, Any]]:
    """Values by path, and distributions by path, which only options put there."""
    values: dict[str, tuple[Any, ...]] = {}
    laws: dict[str, Any] = {}
    for name, axis in table.items():
        at = _at(where, "[grid]")
        place, path = f"{at} {name}", _full(name, at)
        if path in values or path in laws:
            raise UserError(f"{place}: {path} is there twice")
        if is_law(axis):
            laws[path] = axis
        else:
            values[path] = values_of(path, axis, place)
    return values, laws


def _listed(table: Tree, where: str) -> dict[str, tuple[Any, ...]]:
    found: dict[str, tuple[Any, ...]] = {}
    for name, axis in table.items():
        place = f"{where}: [list] {name}"
        path = _full(name, f"{where}: [list]")
        if path in found:
            raise UserError(f"{place}: {path} is there twice")
        field = field_of(path)
        if isinstance(axis, Mapping):
            found[path] = values_of(path, axis, place)
        elif isinstance(axis, Sequence) and not isinstance(axis, str) and axis:
            # Beside another parameter the same value may well come twice.
            found[path] = tuple(field.read(value, place) for value in axis)
        else:
            raise UserError(f"{place}: wanted a list of values or a range, got {axis!r}")
    sizes = {path: len(values) for path, values in found.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{path} has {size}" for path, size in sizes.items())
        raise UserError(f"{where}: [list]: wanted as many values of each parameter; {told}")
    return found


def _draws(table: Tree, more: Tree, where: str) -> Draws | None:
    unknown = sorted(set(table) - {"count", "seed", "parameters"})
    if unknown:
        raise UserError(f"{where}: [draw]: no such key: {unknown[0]}; there are count, seed and "
                        "parameters")  # fmt: skip
    parameters = table.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise UserError(f"{where}: [draw.parameters]: wanted a table, got {parameters!r}")
    laws: dict[str, Any] = {}
    for name, law in (*parameters.items(), *more.items()):
        path = _full(name, _at(where, "[draw.parameters]"))
        if path in laws:
            raise UserError(f"{where}: [draw.parameters] {name}: {path} is there twice")
        laws[path] = law
    if not laws:
        if table:
            raise UserError(f"{where}: [draw]: wanted parameters with distributions, got none")
        return None
    count, seed = table.get("count"), table.get("seed", 0)
    if count is None:
        raise UserError(f"{where}: [draw]: wanted count, how many draws (option --draws)")
    for name, value, least in (("count", count, 1), ("seed", seed, 0)):
        if not _whole(value) or not least <= value <= max(MOST, least):
            raise UserError(
                f"{where}: [draw] {name}: wanted a whole number of at least {least}, got {value!r}"
            )
    return Draws(count, seed, laws)


def _corners(table: Tree, where: str) -> tuple[tuple[Corner, ...], tuple[str, ...]]:
    unknown = sorted(set(table) - {"take", "own"})
    if unknown:
        raise UserError(f"{where}: [corners]: no such key: {unknown[0]}; there are take and own")
    take, own = table.get("take", []), table.get("own", {})
    if (
        not isinstance(take, Sequence)
        or isinstance(take, str)
        or not all(isinstance(name, str) for name in take)
    ):
        raise UserError(f"{where}: [corners] take: wanted a list of names, got {take!r}")
    if not isinstance(own, Mapping):
        raise UserError(f"{where}: [corners.own]: wanted a table, got {own!r}")
    if not take and not own:
        if table:
            raise UserError(f"{where}: [corners]: wanted one corner or more, got none")
        return (), ()
    corners = list(built_in(take, f"{where}: [corners] take"))
    taken = tuple(corner.name for corner in corners)
    for name, settings in own.items():
        place = f"{where}: [corners.own] {name}"
        if not isinstance(settings, Mapping) or not settings:
            raise UserError(f"{place}: wanted settings by path, got {settings!r}")
        if name in taken:
            raise UserError(f"{place}: a built-in corner has that name; take another one")
        paths = {_full(path, place): value for path, value in settings.items()}
        values = {path: field_of(path).read(value, place) for path, value in paths.items()}
        corners.append(Corner(name, values))
    return tuple(corners), taken


def _numbers(given: Any, what: str, where: str) -> tuple[int, ...]:
    """Numbers of chips or seeds: `10` is 0 to 9."""
    if given is None:
        return ()
    place = f"{where}: {what}"
    if _whole(given):
        if not 1 <= given <= MOST:
            raise UserError(f"{place}: wanted a number from 1 to {MOST:,}, got {given}")
        return tuple(range(given))
    if isinstance(given, Sequence) and given and all(_whole(one) and one >= 0 for one in given):
        if len(set(given)) < len(given):
            raise UserError(f"{place}: has a number twice")
        return tuple(given)
    raise UserError(f"{place}: wanted how many, or a list of whole numbers, got {given!r}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(tree: Tree, name: str, where: str) -> str:
    value = tree.get(name, "")
    if not isinstance(value, str):
        raise UserError(f"{where}: {name}: wanted text, got {value!r}")
    return value


def _full(name: str, where: str) -> str:
    try:
        return full_path(name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _require_once(plan: Plan, settings: Tree, where: str) -> None:
    """Refuse a parameter that two parts of a plan set."""
    own = {path for corner in plan.corners for path in corner.values}
    parts: dict[str, set[str]] = {
        "[set]": {_full(name, where) for name in settings},
        "[grid]": set(plan.grid),
        "[list]": set(plan.listed),
        "[draw.parameters]": set(plan.draws.laws) if plan.draws else set(),
        "corners": own,
        "chips": {CHIP_PATH} if plan.chips else set(),
        "seeds": {SEED_PATH} if plan.seeds else set(),
    }
    seen: dict[str, str] = {}
    for part, paths in parts.items():
        for path in sorted(paths):
            if path in seen and (seen[path], part) != ("[set]", "corners"):
                one, other = seen[path], part
                if where == COMMAND_LINE:
                    one, other = (
                        _at(where, name) if "[" in name else name for name in (one, other)
                    )
                raise UserError(
                    f"{where}: {path} is set by {one} and by {other}; leave one of them"
                )
            seen[path] = part


def _with_spread(plan: Plan, where: str) -> Plan:
    """The plan of a Monte Carlo, with typical spreads where there are none at all."""
    circuit = plan.base.circuit
    varied = {*plan.grid, *plan.listed, *(plan.draws.laws if plan.draws else ())}
    varied |= {path for corner in plan.corners for path in corner.values}
    if circuit.mismatch.spread or circuit.smtj.spread or varied & set(TYPICAL):
        return plan
    typical = typical_of(circuit)
    if not typical:
        raise UserError(f"{where}: chips: nothing of this circuit can differ from chip to chip")
    told = ", ".join(f"{path} {value:g}" for path, value in typical.items())
    note = f"no spread is configured: chips are drawn with typical ones ({told})"
    return replace(plan, base=changed(plan.base, typical), notes=(note,))

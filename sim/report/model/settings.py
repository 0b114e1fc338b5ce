"""Parameters of runs: which are not the defaults, and in which runs differ.

The rectifier's diodes are those that are simulated, also where a run leaves them to its kind of
rectifier. A diode that is known by name is told by it; what is inside goes into a fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from circuits.activation import DIODES, ActivationParameters
from circuits.quantities import Unit, format_quantity
from sim.config import RunConfig, TaskConfig
from sim.report.text import NONE
from sim.results import Run

_DIODE = "circuit.activation.diode"


@dataclass(frozen=True)
class Setting:
    """A parameter.

    Attributes:
        path: as `--set` takes it.
        value: of the run.
        default: of its task; the same for what a run leaves to the task, or to the kind of its
            rectifier.
        means: its description.
        inside: whether it belongs to a part that its name tells, in a setting of its own.
    """

    path: str
    value: str
    default: str
    means: str
    inside: bool = False

    @property
    def differs(self) -> bool:
        """Whether the value is not the default."""
        return self.value != self.default


@dataclass(frozen=True)
class Difference:
    """A parameter that is not the same in all runs.

    Attributes:
        path: as `--set` takes it.
        values: of each run.
        inside: as a setting's.
    """

    path: str
    values: tuple[str, ...]
    inside: bool


def settings_of(run: Run) -> tuple[Setting, ...]:
    """All parameters of a run, as given or by default."""
    config = run.config.complete()
    default = RunConfig(task=TaskConfig(name=config.task.name)).complete()
    kind = ActivationParameters(kind=config.circuit.activation.kind)
    config, default = _with_diode(config), _with_diode(default, kind)
    described = _descriptions(config)
    own = {_DIODE, *flat(config)}  # the default may have more, of parts that this run has not
    found = []
    for one in _rows((config, default)):
        value, usual = one.values
        if one.path in own:
            found.append(Setting(one.path, value, usual, described.get(one.path, ""), one.inside))
    return tuple(found)


def differing(runs: Sequence[Run]) -> tuple[Difference, ...]:
    """Parameters that are not the same in all runs."""
    rows = _rows([_with_diode(run.config.complete()) for run in runs])
    return tuple(one for one in rows if len(set(one.values)) > 1)


def _with_diode(config: RunConfig, of: ActivationParameters | None = None) -> RunConfig:
    """With the diode that is simulated, if need be the one `of` other parameters."""
    activation = config.circuit.activation
    diode = (of or activation).rectifier
    activation = activation.model_copy(update={"diode": diode})
    circuit = config.circuit.model_copy(update={"activation": activation})
    return config.model_copy(update={"circuit": circuit})


def _rows(configs: Sequence[RunConfig]) -> list[Difference]:
    """All parameters of complete configurations; a diode by its name where all are presets."""
    named = all(c.circuit.activation.rectifier in DIODES.values() for c in configs)
    found = [flat(config) for config in configs]
    rows = []
    for path in dict.fromkeys(path for one in found for path in one):
        values = tuple(one.get(path, NONE) for one in found)
        if named and path == f"{_DIODE}.name":
            rows.append(Difference(_DIODE, values, inside=False))
        else:
            rows.append(Difference(path, values, named and path.startswith(f"{_DIODE}.")))
    return rows


def flat(record: BaseModel, prefix: str = "") -> dict[str, str]:
    """Every parameter of a record by its path, as a person reads it."""
    found: dict[str, str] = {}
    for name, info in type(record).model_fields.items():
        value = getattr(record, name)
        found |= _flat(value, f"{prefix}{name}", _unit(info))
    return found


def _flat(value: Any, path: str, unit: str | None) -> dict[str, str]:
    if isinstance(value, BaseModel):
        return flat(value, f"{path}.")
    if isinstance(value, Mapping):
        found: dict[str, str] = {}
        for key, item in value.items():
            found |= _flat(item, f"{path}.{key}", unit)
        return found
    return {path: _text(value, unit or "1")}


def _text(value: Any, unit: str) -> str:
    match value:
        case None:
            return NONE
        case bool():
            return "yes" if value else "no"
        case float() if unit == "1":
            return f"{value:.9g}"
        case float():
            return format_quantity(value, unit, 9)
        case list() | tuple():
            return ",".join(map(str, value))
    return str(value)


def _unit(info: FieldInfo) -> str | None:
    """The unit of a field, also of one that may be left out."""
    inside = [item for kind in get_args(info.annotation) for item in get_args(kind)]
    return next((i.symbol for i in (*info.metadata, *inside) if isinstance(i, Unit)), None)


def _descriptions(record: BaseModel, prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, info in type(record).model_fields.items():
        value = getattr(record, name)
        found[f"{prefix}{name}"] = info.description or ""
        if isinstance(value, BaseModel):
            found |= _descriptions(value, f"{prefix}{name}.")
    return found

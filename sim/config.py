"""What describes a run: one record, one TOML file, and overrides from the command line."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import tomli_w
from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, ValidationError

from circuits import CircuitParameters
from circuits.network import Network, format_layers, parse_layers
from circuits.quantities import Count, FileName, Parameters, Ratio, Second, Volt
from learning import DEFAULTS, OPTIMIZERS, RULES
from netlists.build import SolverSettings
from sim.clock import Fidelity, Reduction
from sim.errors import UserError
from sim.presets import PRESETS

_DEEPEST = 4  # dots in the path of a parameter, at most

CHOICES: Mapping[str, tuple[str, ...]] = {
    "task": tuple(DEFAULTS),
    "rule": tuple(RULES),
    "optimizer": tuple(OPTIMIZERS),
}


def _read_layers(value: Any) -> Any:
    if isinstance(value, str):
        return parse_layers(value)
    if not isinstance(value, list | tuple) or any(type(n) is not int for n in value):
        raise ValueError(f"wanted whole numbers, as in '2,2,2,1', got {value!r}")
    return Network(tuple(value)).layers


def _one_of(kind: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if value not in CHOICES[kind]:
            raise ValueError(f"wanted one of {', '.join(CHOICES[kind])}, got {value!r}")
        return value

    return BeforeValidator(check)


Layers = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_layers),
    PlainSerializer(format_layers, return_type=str),
]


class TaskConfig(Parameters):
    """What is learned. What is left out takes the task's own default."""

    name: Annotated[str, _one_of("task")] = Field(default="teacher", description="built-in task")
    layers: Layers | None = Field(
        default=None, description="units per layer, inputs first, as in 2,2,2,1"
    )
    samples: Count | None = Field(
        default=None, ge=1, le=1_000_000, description="training samples, 1"
    )
    epochs: Count | None = Field(
        default=None, ge=0, description="times through the training samples, 1"
    )
    batch: Count | None = Field(default=None, ge=1, description="samples per update, 1")
    test_samples: Count | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="held-out samples that networks are scored on, 1",
    )
    data_dir: FileName | None = Field(
        default=None, description="folder of the files of a task that reads some (mnist)"
    )


class LearningConfig(Parameters):
    """How it is learned."""

    rule: Annotated[str, _one_of("rule")] = Field(default="danp", description="learning rule")
    eta: Ratio | None = Field(default=None, gt=0, description="learning rate η of the weights, 1")
    decor_rate: Ratio | None = Field(
        default=None, ge=0, description="learning rate ε of the decorrelation, 1"
    )
    optimizer: Annotated[str, _one_of("optimizer")] | None = Field(
        default=None, description="what the update goes through"
    )
    biases: bool | None = Field(default=None, description="give every neuron a bias")
    reduction: Literal["mean", "sum"] = Field(
        default="mean", description="of a batch: mean as the paper prints it, sum as its code does"
    )
    demean_inputs: bool = Field(
        default=False, description="take the batch mean off the layers' inputs"
    )
    init_scale: Ratio | None = Field(
        default=None,
        gt=0,
        le=1000,
        description="weights at the start: standard deviation times √inputs, 1",
    )
    start: FileName | None = Field(
        default=None,
        description=(
            "weights.npz of a run to go on from, as FILE or FILE:LEARNER; left out: weights drawn"
        ),
    )
    resolution: Volt = Field(
        default=1e-6,
        ge=0,
        description="difference of two passes below which an update is skipped, V",
    )


class SimulationConfig(Parameters):
    """How passes are simulated."""

    engine: Literal["ngspice", "ideal"] = Field(
        default="ngspice", description="ngspice: circuit and twin; ideal: the twin alone"
    )
    fidelity: Fidelity = Field(
        default="aperture",
        description=(
            "full: every pass from end to end; aperture: what can still be felt at the sampling "
            "instant; op: operating points, flips taken as long over"
        ),
    )
    reduction: Reduction = Field(
        default="norton",
        description=(
            "norton: each row of weight resistors as one source, exactly, layer after layer; "
            "none: every resistor in one deck"
        ),
    )
    t_pass: Second = Field(default=1e-3, ge=1e-7, le=10, description="length of a pass, s")
    t_aperture: Second | None = Field(
        default=None, ge=1e-7, description="aperture, s; left out: twice the measured settling time"
    )
    reltol: Ratio = Field(
        default=1e-5, ge=1e-9, le=0.1, description="ngspice's relative tolerance, 1"
    )
    trtol: Ratio = Field(
        default=1.0, ge=0.01, le=1e4, description="ngspice's truncation error factor, 1"
    )
    noise_off: bool = Field(default=False, description="hold every junction at its mean")
    evaluation_noise: bool = Field(
        default=False, description="leave the noise on where losses are evaluated"
    )
    activation_curve: FileName | None = Field(
        default=None,
        description=(
            "CSV of the rectifier's measured curve, a_v,x_v in V, for a calibrated twin; left out: "
            "straight lines"
        ),
    )
    record_noise: bool = Field(
        default=False, description="write what training drew of the noise to noise.parquet"
    )

    checkpoint_every: Second = Field(
        default=30.0,
        ge=0,
        description="a checkpoint after the first step that ends so long after the one before, s",
    )
    deadline: Second = Field(
        default=600.0,
        gt=0,
        le=1e6,
        description=(
            "in which a worker process has to load the circuit and answer for four passes, s; one "
            "that takes longer hangs, and is replaced"
        ),
    )
    attempts: Count = Field(
        default=3,
        ge=1,
        le=100,
        description="worker processes on which passes may fail before the run does, 1",
    )
    erc: bool = Field(
        default=True, description="check the circuit's electrical rules before any simulation"
    )

    def solver(self) -> SolverSettings:
        """Accuracy of the simulator."""
        return SolverSettings(self.reltol, self.trtol)


class RunConfig(Parameters):
    """Everything that a run depends on."""

    seed: Count = Field(default=0, ge=0, description="seed of everything random")
    task: TaskConfig = Field(default=TaskConfig(), description="what is learned")
    learning: LearningConfig = Field(default=LearningConfig(), description="how")
    simulation: SimulationConfig = Field(default=SimulationConfig(), description="simulated how")
    circuit: CircuitParameters = Field(default=CircuitParameters(), description="by which circuit")

    @property
    def network(self) -> Network:
        """The network, its layers the task's own where none are given."""
        defaults = DEFAULTS[self.task.name]
        biases = self.learning.biases
        return Network(
            self.task.layers or defaults.layers, defaults.biases if biases is None else biases
        )

    def complete(self) -> "RunConfig":
        """Fill in what the task's defaults decide."""
        d = DEFAULTS[self.task.name]
        return _merged(
            self,
            {
                "task": _missing(
                    self.task,
                    layers=d.layers,
                    samples=d.samples,
                    epochs=d.epochs,
                    batch=d.batch,
                    test_samples=d.test_samples,
                ),
                "learning": _missing(
                    self.learning,
                    eta=d.eta,
                    decor_rate=d.decor_rate,
                    optimizer=d.optimizer,
                    biases=d.biases,
                    init_scale=d.init_scale,
                ),
            },
        )

    def to_toml(self) -> str:
        """The whole record as TOML."""
        return tomli_w.dumps(self.model_dump(exclude_none=True), multiline_strings=True)


def _missing(section: BaseModel, **defaults: Any) -> dict[str, Any]:
    return {name: value for name, value in defaults.items() if getattr(section, name) is None}


def _merged(config: RunConfig, changes: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    tree = config.model_dump(exclude_none=True)
    for section, values in changes.items():
        tree[section] |= values
    return RunConfig.model_validate(tree)


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

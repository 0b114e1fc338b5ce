"""What describes a run: one record, and one TOML file."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer

from circuits import CircuitParameters
from circuits.network import Network, format_layers, parse_layers
from circuits.quantities import Count, FileName, Parameters, Ratio, Second, Volt
from learning import DEFAULTS, OPTIMIZERS, OWN, RULES, TABLE, TASKS, Scale, TaskDefaults
from netlists.build import SolverSettings
from sim.clock import Fidelity, Reduction
from sim.errors import UserError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "task": TASKS,
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


def _read_names(value: Any) -> Any:
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"wanted names of columns parted by commas, got {value!r}")
    names = tuple(name.strip() for name in names)
    if not all(names):
        raise ValueError(f"wanted names of columns parted by commas, got {value!r}")
    return names


ColumnNames = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_read_names)]


class TableConfig(Parameters):
    """Samples of the user's own, for the task `table`."""

    file: FileName | None = Field(
        default=None, description="CSV with a header, or .npz, that holds the samples"
    )
    inputs: ColumnNames | None = Field(
        default=None, description="columns that are inputs; left out: all that are no targets"
    )
    targets: ColumnNames | None = Field(
        default=None, description="columns of numbers to learn; left out: y, y1, y2, …"
    )
    label: str | None = Field(
        default=None,
        min_length=1,
        description="column of classes to learn, words or numbers; left out: label",
    )
    scale: Scale = Field(
        default="unit",
        description=(
            "unit: each column less its mean, its largest deviation 1 V; common: likewise, with "
            "one factor for all inputs; volts: as they are"
        ),
    )


class TaskConfig(Parameters):
    """What is learned. What is left out takes the task's own default."""

    name: Annotated[str, _one_of("task")] = Field(default="teacher", description="task")
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
    table: TableConfig = Field(
        default=TableConfig(), description="samples of your own, for the task table"
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
        """The network, its layers the task's own where none are given.

        Raises:
            UserError: none are given, and the task's own follow from data.
        """
        defaults = _defaults(self.task.name)
        layers, biases = self.task.layers or defaults.layers, self.learning.biases
        if not layers:
            raise UserError(
                f"task.layers: those of the task {TABLE} follow from its data, which are not read "
                "here; give --layers"
            )
        return Network(layers, defaults.biases if biases is None else biases)

    def complete(self, found: TaskDefaults | None = None) -> "RunConfig":
        """Fill in what the task's defaults decide.

        Args:
            found: defaults that follow from a user's own data, layers and samples among them;
                without them these stay open.
        """
        d = found or _defaults(self.task.name)
        return _merged(
            self,
            {
                "task": _missing(
                    self.task,
                    layers=d.layers or None,
                    samples=d.samples or None,
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


def _defaults(task: str) -> TaskDefaults:
    return OWN if task == TABLE else DEFAULTS[task]


def _missing(section: BaseModel, **defaults: Any) -> dict[str, Any]:
    return {name: value for name, value in defaults.items() if getattr(section, name) is None}


def _merged(config: RunConfig, changes: Mapping[str, Mapping[str, Any]]) -> RunConfig:
    tree = config.model_dump(exclude_none=True)
    for section, values in changes.items():
        tree[section] |= values
    return RunConfig.model_validate(tree)

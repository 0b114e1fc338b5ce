"""What describes a training of the mathematics at scale: one record, and one TOML file."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from circuits import CircuitParameters
from circuits.network import format_layers
from circuits.quantities import Count, FileName, Parameters, Ratio, Second
from sim.config import Layers
from sim.scale.kinds import (
    IMAGE_FILES,
    TEACHER,
    Augment,
    DataName,
    InputScale,
    Order,
    Precision,
)
from sim.scale.rule_config import RuleConfig

_MOST_WIDE = 65_536  # units of a layer
_NONE = "none"  # what stands for no hidden layer
_WITHOUT_EFFECT = {
    "mismatch": "no chip is drawn",
    "write_back": "weights are written to no devices",
}


def _read_hidden(value: Any) -> Any:
    if value in (_NONE, (), []):
        return ()
    try:
        sizes = [int(n) for n in value.split(",")] if isinstance(value, str) else list(value)
    except (TypeError, ValueError):
        sizes = [value]
    if any(type(n) is not int or not 1 <= n <= _MOST_WIDE for n in sizes):
        raise ValueError(
            f"wanted units of hidden layers, as in 500,500,500, or {_NONE}, got {value!r}"
        )
    return tuple(sizes)


Hidden = Annotated[
    tuple[int, ...],
    BeforeValidator(_read_hidden),
    PlainSerializer(lambda sizes: format_layers(sizes) or _NONE, return_type=str),
]


def _read_parts(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _require_device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?", name):
        raise ValueError(f"wanted auto, cpu, cuda, or cuda:1 for the second GPU, got {name!r}")
    return name


def _off_default(record: Parameters, path: str) -> Iterator[str]:
    """Paths of the parameters that are not at their defaults."""
    for name, field in type(record).model_fields.items():
        value = getattr(record, name)
        if isinstance(value, Parameters):
            yield from _off_default(value, f"{path}.{name}")
        elif value != field.default:
            yield f"{path}.{name}"


class DataConfig(Parameters):
    """What is learned."""

    name: DataName = Field(
        default="mnist", description="images to tell apart; teacher: answers of a random network"
    )
    data_dir: FileName | None = Field(
        default=None, description="folder of the images' published files"
    )
    download: bool = Field(default=False, description="fetch the files that are not there")
    train_samples: Count | None = Field(
        default=None, ge=1, description="samples to learn from, 1; left out: all; teacher: 100"
    )
    test_samples: Count | None = Field(
        default=None, ge=1, description="held-out samples to score on, 1; left out: all"
    )
    augment: Augment = Field(
        default="none",
        description="crop-flip: crop at random from 4 pixels more at each side, and mirror",
    )
    scale: InputScale | None = Field(
        default=None,
        description=(
            "inputs: paper: grey less mean over standard deviation of each channel; volts: white "
            "to black 1 V less the pixel's mean, as circuits take them; left out: volts with a "
            "cell, else paper"
        ),
    )


class NetworkConfig(Parameters):
    """The network; ends that are left out follow from the data."""

    layers: Layers | None = Field(
        default=None, description="units per layer, inputs first, as in 784,500,500,500,10"
    )
    hidden: Hidden | None = Field(
        default=None,
        description=(
            "units of the hidden layers alone, as in 500,500,500, or none; left out: 500,500,500"
        ),
    )
    init: Literal["uniform", "normal"] | None = Field(
        default=None,
        description=(
            "weights at the start: uniform within ±1/√inputs, biases too (torch's linear layer), "
            "or normal of deviation 1/√inputs; left out: uniform; normal for teacher"
        ),
    )
    init_scale: Ratio = Field(
        default=1.0, gt=0, le=1000, description="factor on weights at the start, 1"
    )
    leak: Ratio | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="slope of hidden units below zero, V/V; left out: 0.01, with a cell its own",
    )

    @model_validator(mode="after")
    def _check_hidden(self) -> Self:
        layers, hidden = self.layers, self.hidden
        if layers is not None and hidden is not None and layers[1:-1] != hidden:
            raise ValueError(
                f"layers {format_layers(layers)} and hidden {format_layers(hidden) or _NONE} "
                f"disagree; leave one of them out, or give --hidden "
                f"{format_layers(layers[1:-1]) or _NONE} too"
            )
        return self


class TimingConfig(Parameters):
    """How the noise of `circuit.noise` meets the passes."""

    t_pass: Second = Field(
        default=1e-3, ge=1e-7, le=10, description="time from one pass to the next, s"
    )
    order: Order = Field(
        default="pairs",
        description=(
            "in which a clocked source is read: pairs: both passes of a sample, then the next "
            "sample's, as a circuit does; passes: pass 1 of the whole batch, then pass 2 (the "
            "paper's code)"
        ),
    )
    gain: Ratio = Field(default=1.0, gt=0, description="factor on the noise of every node, 1")


class EvaluationConfig(Parameters):
    """How networks are scored."""

    noise: bool = Field(default=False, description="leave the noise on")
    every: Count = Field(default=1, ge=1, description="epochs from one score to the next, 1")
    train_samples: Count = Field(
        default=10_000,
        ge=1,
        description="training samples scored, the first ones, 1; at most all of them",
    )
    augment: bool = Field(
        default=False, description="score training images augmented, as they are learned from"
    )


class ScaleConfig(Parameters):
    """Everything that a training at scale depends on."""

    seed: Count = Field(default=0, ge=0, description="seed of everything random")
    data: DataConfig = Field(default=DataConfig(), description="what is learned")
    network: NetworkConfig = Field(default=NetworkConfig(), description="by which network")
    learning: RuleConfig = Field(default=RuleConfig(), description="how")
    noise: TimingConfig = Field(default=TimingConfig(), description="when noise is read")
    circuit: CircuitParameters = Field(
        default=CircuitParameters(), description="where noise comes from: circuit.noise"
    )
    cell: FileName | None = Field(
        default=None,
        description="cell.json of sim.characterize: a circuit's cells in the mathematics' place",
    )
    cell_without: Annotated[tuple[str, ...], BeforeValidator(_read_parts)] = Field(
        default=(), description="imperfections of the cell to leave out"
    )
    evaluation: EvaluationConfig = Field(default=EvaluationConfig(), description="scored how")
    device: Annotated[str, AfterValidator(_require_device)] = Field(
        default="auto", description="auto: cuda where there is one, else cpu"
    )
    threads: Count | None = Field(
        default=None, ge=1, le=1024, description="threads on a CPU, 1; left out: torch's own choice"
    )
    precision: Precision = Field(
        default="float32", description="mixed: the decorrelation's products in bfloat16"
    )
    compiled: bool = Field(default=False, description="compile the step with torch.compile")
    checkpoint_every: Second = Field(
        default=60.0,
        ge=0,
        description="a checkpoint after the first step that ends so long after the one before, s",
    )

    @model_validator(mode="after")
    def _check_data(self) -> Self:
        data, name = self.data, self.data.name
        if name not in IMAGE_FILES and (data.data_dir is not None or data.download):
            given = "data_dir" if data.data_dir is not None else "download"
            raise ValueError(f"data.{given}: {name} reads no files; leave it out")
        if name != TEACHER:
            return self
        if data.augment != "none" or self.evaluation.augment:
            raise ValueError("data.augment: teacher has no images to crop; leave it out")
        if data.test_samples is not None:
            raise ValueError(
                "data.test_samples: teacher is scored on its training samples; leave it out"
            )
        if self.learning.loss not in (None, "squared-error"):
            raise ValueError(
                f"learning.loss: the targets of teacher are numbers, wanted squared-error, got "
                f"{self.learning.loss}"
            )
        return self

    @model_validator(mode="after")
    def _check_circuit(self) -> Self:
        where = f", and out of the circuit that {self.cell} is of" if self.cell else ""
        for section, why in _WITHOUT_EFFECT.items():
            for path in _off_default(getattr(self.circuit, section), f"circuit.{section}"):
                raise ValueError(
                    f"{path}: {why} at scale, so it would do nothing; leave it out{where}, or "
                    "simulate the circuit: python -m sim.run"
                )
        return self

    @model_validator(mode="after")
    def _check_rule(self) -> Self:
        self.learning.require_consistent()
        if self.cell is not None:
            self._check_cell()
        elif self.cell_without:
            raise ValueError(
                f"cell_without: there is no cell to leave {', '.join(self.cell_without)} out of; "
                "give --cell FILE"
            )
        return self

    def _check_cell(self) -> None:
        if self.data.scale == "paper":
            raise ValueError(
                "data.scale: the inputs of cells are volts, and paper makes some of 2.8 V, beyond "
                "their supplies; leave it out, or take volts"
            )
        if self.precision == "mixed" and self.learning.rule == "bp":
            raise ValueError(
                "precision: bfloat16 would round the sums of cells by millivolts; take float32"
            )

    def to_toml(self) -> str:
        """The whole record as TOML."""
        return tomli_w.dumps(self.model_dump(exclude_none=True), multiline_strings=True)

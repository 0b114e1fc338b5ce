"""A circuit's cells in the mathematics' place: `cell.json` opened for a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tomli_w

from circuits import CircuitParameters, Network
from circuits.exceptions import PartException, amplifier_names
from circuits.noise import NoiseParameters
from circuits.quantities import Parameters
from learning import Model
from learning.activation import MeasuredActivation
from sim.characterize.cell_file import CellFile, Rails, read_cell, require_imperfections
from sim.errors import UserError
from sim.settings import changed

if TYPE_CHECKING:
    import torch

    from learning.scale.hardware import CellHardware, Figures
    from sim.scale.config import ScaleConfig

_NO_RAILS = (-float("inf"), float("inf"))


@dataclass(frozen=True)
class OpenedCell:
    """Cells of one network.

    Attributes:
        file: what was read, without what was to be left out.
        circuit: whose noise source is at the nodes.
        hardware: that stands in the mathematics' place.
        layers: N_0..N_L.
    """

    file: CellFile
    circuit: CircuitParameters
    hardware: "CellHardware"
    layers: tuple[int, ...]

    def state(self) -> dict[str, "torch.Tensor"]:
        """What was drawn, for a checkpoint."""
        return self.hardware.state()

    def restore(self, state: Mapping[str, "torch.Tensor"]) -> None:
        """Take over what another one drew."""
        self.hardware.restore(state)

    def as_built(self, model: Model) -> Model:
        """The weights that the resistors make of a model's, with nothing to decorrelate left.

        In SPICE they are what a run from these weights has, since what resistors cannot make is
        clipped and rounded already.
        """
        import torch  # noqa: PLC0415 - as everywhere outside of a training

        weights, biases = [], []
        for w, b in zip(model.effective_weights(), model.biases, strict=True):
            made, made_bias = self.hardware.made(torch.tensor(w), torch.tensor(b))
            weights.append(made.numpy())
            biases.append(made_bias.numpy())
        return Model(tuple(weights), tuple(biases), tuple(np.eye(w.shape[1]) for w in weights))

    def exceptions(self) -> dict[str, PartException]:
        """The offset of every op-amp, as `circuit.exceptions` takes them."""
        names = amplifier_names(Network(self.layers), self.file.circuit.activation)
        drawn = np.concatenate([o.T.ravel().cpu().numpy() for o in self.hardware.offsets])
        return {
            name: PartException(v_offset=float(volts))
            for name, volts in zip(names, drawn, strict=True)
        }

    def circuit_toml(self) -> str:
        """The circuit with every op-amp's offset, as `python -m sim.run --config` takes it."""
        circuit = self.circuit.model_copy(update={"exceptions": self.exceptions()})
        return tomli_w.dumps({"circuit": circuit.model_dump(exclude_none=True)})


def open_cell(
    config: "ScaleConfig",
    layers: Sequence[int],
    device: "torch.device | str",
    seed: np.random.SeedSequence,
) -> OpenedCell:
    """Read the cell that a training names.

    Args:
        config: names `cell`, and what to leave out of it.
        layers: N_0..N_L.
        device: where the tensors go.
        seed: draws the op-amps' offsets.

    Raises:
        UserError: no such file, a file of something else, a name of no imperfection, or a circuit
            beside the one in the file.
    """
    if config.cell is None:
        raise ValueError("open_cell: the configuration names no cell")
    try:
        require_imperfections(config.cell_without)
    except ValueError as error:
        raise UserError(f"--cell-without: {error}") from None
    path = Path(config.cell)
    file = read_cell(path).leaving_out(config.cell_without)
    circuit = _circuit(file.circuit, config.circuit, path)
    biases = config.learning.biases is not False
    return open_hardware(file, layers, seed, circuit=circuit, device=device, biases=biases)


def open_hardware(
    file: CellFile,
    layers: Sequence[int],
    seed: np.random.SeedSequence,
    *,
    circuit: CircuitParameters | None = None,
    device: "torch.device | str" = "cpu",
    dtype: "torch.dtype | None" = None,
    biases: bool = True,
) -> OpenedCell:
    """Put a network together of a file's cells.

    Args:
        file: as read.
        layers: N_0..N_L.
        seed: draws the op-amps' offsets.
        circuit: whose noise source is at the nodes; the file's by default.
        device: where the tensors go.
        dtype: of the tensors; float32 by default.
        biases: whether every neuron has resistors for a bias.
    """
    import torch  # noqa: PLC0415 - two seconds that reading a file does without

    from learning.scale.hardware import CellHardware  # noqa: PLC0415 - as above

    hardware = CellHardware(
        figures_of(file),
        tuple(layers),
        np.random.default_rng(seed),
        device=device,
        dtype=dtype or torch.float32,
        biases=biases,
    )
    return OpenedCell(file, circuit or file.circuit, hardware, tuple(layers))


def figures_of(file: CellFile) -> "Figures":
    """What a file says of every neuron's parts, without what is left out of it."""
    from learning.scale.hardware import Figures  # noqa: PLC0415 - imports torch

    resistors, summing, outputs = file.resistors, file.summing, file.outputs
    offsets, rectifier = file.offsets, file.rectifier
    kept: dict[str, Any] = {
        "injected": summing.injected,
        "v_one": file.circuit.v_one,
        "slopes": (rectifier.slope_positive, rectifier.slope_negative),
        "followed": tuple(offsets.followed.values()),
    }
    if "range" not in file.without:
        kept |= {"floor": resistors.floor, "largest": resistors.largest}
    if "quantisation" not in file.without:
        kept["step"] = resistors.step
    if "gain" not in file.without:
        kept["gains"] = (summing.open_loop_gain_first, summing.open_loop_gain_second)
    if "rails" not in file.without:
        kept |= {
            "first": _rails(outputs.first_v),
            "hidden": _rails(outputs.hidden_v),
            "output": _rails(outputs.output_v),
        }
    if "offset" not in file.without:
        kept |= {"offset": offsets.mean_v, "spread": offsets.spread_v}
    if "activation" not in file.without:
        curve = rectifier.curve
        kept |= {"curve": MeasuredActivation(curve.a, curve.x), "curve_offset": offsets.mean_v}
    return Figures(**kept)


def _rails(found: Rails | None) -> Rails:
    return _NO_RAILS if found is None else found


def circuit_of(config: "ScaleConfig") -> CircuitParameters:
    """The circuit of the cell that a training names, with the noise and junctions set beside it.

    What was given counts, whatever it is: a parameter that was given at its default replaces the
    cell's. Another noise source brings nothing of the cell's along.

    Args:
        config: names `cell`.

    Raises:
        UserError: the file is no cell, anything else of its circuit was set to another value, or
            what was set does not fit together.
    """
    if config.cell is None:
        raise ValueError("circuit_of: the configuration names no cell")
    path = Path(config.cell)
    return _circuit(read_cell(path).circuit, config.circuit, path)


def leak_of(config: "ScaleConfig") -> float:
    """The slope below zero of the straight line that a cell's rectifier stands for, V/V.

    Args:
        config: names `cell`.

    Raises:
        UserError: the file is no cell, or another slope was given.
    """
    if config.cell is None:
        raise ValueError("leak_of: the configuration names no cell")
    own, given = read_cell(Path(config.cell)).rectifier.slope_negative, config.network.leak
    if given is not None and given != own:
        raise UserError(
            f"--leak: {config.cell} has hidden units of its own, with a slope of {own:g} below "
            f"zero, so {given:g} would do nothing; leave it out"
        )
    return own


def _circuit(
    of_the_cell: CircuitParameters, configured: CircuitParameters, path: Path
) -> CircuitParameters:
    given = dict(_given(configured))
    source = given.get("noise.source", of_the_cell.noise.source)
    start = of_the_cell
    if source != of_the_cell.noise.source:
        start = of_the_cell.model_copy(update={"noise": NoiseParameters()})
    circuit = changed(start, given, {name: f"circuit.{name}" for name in given})
    for name in CircuitParameters.model_fields:
        if name in ("noise", "smtj") or getattr(circuit, name) == getattr(of_the_cell, name):
            continue
        raise UserError(
            f"circuit.{name}: {path} holds the circuit that it was measured of; leave "
            f"circuit.{name} out, or characterise that circuit: "
            "python -m sim.characterize --cell activation"
        )
    return circuit


def _given(record: Parameters, above: str = "") -> Iterator[tuple[str, Any]]:
    """What a record was given, by dotted path; defaults that nobody stated are left out."""
    for name in record.model_fields_set:
        value = getattr(record, name)
        if isinstance(value, Parameters):
            yield from _given(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value

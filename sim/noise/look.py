"""Taking specimens: from recordings, from sources, out of a simulated neuron."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from circuits import CircuitParameters, NoiseString, SmtjParameters
from circuits.noise import NoiseParameters
from circuits.quantities import format_quantity
from circuits.smtj import AP
from sim.config import RunConfig
from sim.errors import UserError
from sim.noise.in_circuit import NODE, InCircuit, in_circuit
from sim.noise.specimen import Specimen, drawn, from_recording
from sim.sources import require_resolvable

_MOST_STATES = 1e8  # of a source in all samples; minutes of drawing
_SAMPLES = {"recording": 1_000_000, "drawn": 100_000, "in circuit": 40_000}


@dataclass(frozen=True)
class Look:
    """How specimens are taken.

    Attributes:
        config: circuit, seed and accuracy.
        simulate: look at a node that ngspice simulates.
        inputs: of its neuron.
        column: of a recording; found where None.
        sample_time: s; what suits the source where None.
        samples: at most; what suits the kind where None.
    """

    config: RunConfig
    simulate: bool
    inputs: int
    column: str | None
    sample_time: float | None
    samples: int | None

    def recording(self, path: Path) -> tuple[Specimen, InCircuit | None]:
        """The beginning of a recorded file."""
        specimen = from_recording(
            path,
            self.config.circuit,
            column=self.column,
            sample_time=self.sample_time,
            count=self.samples or _SAMPLES["recording"],
        )
        return specimen, None

    def played(self, path: Path) -> CircuitParameters:
        """The circuit with a recording as its source."""
        circuit = self.config.circuit
        noise = circuit.noise.model_dump()
        measured = noise["measured"] | {"file": str(path)}
        changed = NoiseParameters.model_validate(
            noise | {"source": "measured", "measured": measured}
        )
        return self._timed(circuit.model_copy(update={"noise": changed}))

    def source_of_config(self) -> CircuitParameters:
        """The circuit as configured; column and sample time are those of a measured source."""
        circuit = self.config.circuit
        return self._timed(circuit) if circuit.noise.source == "measured" else circuit

    def _timed(self, circuit: CircuitParameters) -> CircuitParameters:
        measured = circuit.noise.measured.model_copy(
            update={
                "column": self.column or circuit.noise.measured.column,
                "sample_time": self.sample_time or circuit.noise.measured.sample_time,
            }
        )
        noise = circuit.noise.model_copy(update={"measured": measured})
        return circuit.model_copy(update={"noise": noise})

    def source(
        self, number: int, label: str, circuit: CircuitParameters
    ) -> tuple[Specimen, InCircuit | None]:
        """The noise of one node, drawn or in a simulated neuron: the same device, other flips."""
        devices, *others = np.random.default_rng(self.config.seed).spawn(number + 2)
        rng = others[number]
        try:
            string = circuit.noise_string()
            if circuit.noise.source == "string":
                (string,) = circuit.noise_strings(1, devices)
                require_resolvable([string])
        except ValueError as error:
            raise UserError(str(error)) from None
        solver = self.config.simulation.solver()
        kind = "in circuit" if self.simulate else "drawn"
        count = self.samples or _SAMPLES[kind]
        _require_few_flips(circuit, string, self.sample_time, count)
        if self.simulate:
            return in_circuit(
                circuit,
                string,
                rng,
                inputs=self.inputs,
                label=f"{label}, node {NODE}",
                sample_time=self.sample_time,
                count=count,
                solver=solver,
                erc=self.config.simulation.erc,
            )
        specimen = drawn(
            circuit,
            string,
            rng,
            label=label,
            sample_time=self.sample_time,
            count=count,
            solver=solver,
        )
        return specimen, None


def _require_few_flips(
    circuit: CircuitParameters, string: NoiseString, sample_time: float | None, count: int
) -> None:
    """Refuse a time in which a source has too many states to draw them all."""
    match circuit.noise.source:
        case "string":
            shortest = string.shortest_dwell
        case "hmm":
            shortest = circuit.noise.hmm.sample_time
        case _:
            return
    states = (sample_time or 0.0) * count / shortest
    if states > _MOST_STATES:
        raise UserError(
            f"--sample-time: {count} samples every {sample_time:g} s are about {states:.1g} states "
            f"of the source, wanted {_MOST_STATES:g} at most; take fewer, or a shorter time"
        )


def tuned(
    circuit: CircuitParameters, dwell: float | None, occupancy: float | None
) -> CircuitParameters:
    """Junctions with a wanted dwell and occupancy, by one barrier and a field.

    Args:
        circuit: gives the junction.
        dwell: mean of both states', s; the junction's own by default.
        occupancy: of AP, 1; the junction's own by default.

    Raises:
        UserError: there are none, or not to be tuned so.
    """
    if dwell is None and occupancy is None:
        return circuit
    if circuit.noise.source != "string":
        raise UserError(
            f"--dwell and --occupancy tune junctions; source {circuit.noise.source} has none"
        )
    if math.isfinite(circuit.smtj.critical_current):
        raise UserError(
            "--dwell and --occupancy tune barrier and field of junctions without torque; leave "
            "circuit.smtj.critical_current infinite"
        )
    times = circuit.smtj.dwell_times(circuit.temperature)
    try:
        smtj = circuit.smtj.tuned_by_field(
            sum(times) / 2 if dwell is None else dwell,
            times[AP] / sum(times) if occupancy is None else occupancy,
            circuit.temperature,
        )
    except ValueError as error:
        raise UserError(f"--{error}") from None
    return circuit.model_copy(update={"smtj": smtj})


def biased(
    circuit: CircuitParameters, fields: tuple[float, ...] | None
) -> list[tuple[str, CircuitParameters]]:
    """Label and circuit for each field, T; those of the circuit's own by default.

    Raises:
        UserError: there are no junctions, or a state is lost in a field.
    """
    noise = circuit.noise
    label: str = noise.source
    if noise.source != "string":
        if fields:
            raise UserError(f"--field tunes junctions; source {noise.source} has none")
        return [(label, circuit)]
    if noise.n_mtj > 1:
        label = f"{noise.n_mtj} junctions in {noise.arrangement}"
    found = []
    for field in fields or (circuit.smtj.field,):
        tree = circuit.smtj.model_dump() | {"field": field}
        try:
            smtj = SmtjParameters.model_validate(tree)
        except ValidationError as error:
            first = error.errors()[0]
            reason = first["msg"].removeprefix("Value error, ")
            where = "--" if reason.startswith("field") else f"--dwell: {first['loc'][0]}: "
            raise UserError(f"{where}{reason}") from None
        name = f"{label} at {format_quantity(field, 'T')}" if fields or field else label
        found.append((name, circuit.model_copy(update={"smtj": smtj})))
    return found

"""`python -m sim.noise`: characterise a noise source, a recording, or the noise in a circuit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np
from pydantic import ValidationError
from rich.console import Console

from circuits import CircuitParameters, SmtjParameters
from circuits.noise import Arrangement, Coupling, NoiseParameters, SourceKind
from circuits.quantities import format_quantity, parse_quantity
from circuits.smtj import AP
from netlists.commandline import complain, execute
from sim.config import RunConfig, load_config
from sim.errors import SIMULATION, SimulationError, UserError
from sim.libngspice import get_library
from sim.noise.analysis import NoiseReport, analyse
from sim.noise.doubts import doubts
from sim.noise.figure import plot_noise
from sim.noise.in_circuit import NODE, InCircuit, in_circuit
from sim.noise.specimen import Specimen, drawn, from_recording
from sim.noise.table import half_span, print_findings
from sim.options import with_settings
from sim.record import open_folder, require_free, versions
from sim.sources import require_resolvable

_SAMPLES = {"recording": 1_000_000, "drawn": 100_000, "in circuit": 40_000}
_FEWEST = 100
_LEVELS = 16  # looked for


class Quantity(click.ParamType):
    """A number in engineering notation, with or without its unit."""

    def __init__(self, unit: str, *, positive: bool = False) -> None:
        self.name = unit
        self._unit = unit
        self._positive = positive

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read a number."""
        try:
            number = parse_quantity(value, self._unit)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not np.isfinite(number):
            self.fail(f"wanted a finite number, got {value!r}", param, ctx)
        if self._positive and number <= 0:
            self.fail(f"wanted more than 0 {self._unit}, got {value!r}", param, ctx)
        return number


class Quantities(Quantity):
    """Numbers between commas."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read each."""
        if not isinstance(value, str):
            return value
        return tuple(Quantity.convert(self, part, param, ctx) for part in value.split(","))


@click.command(context_settings={"max_content_width": 100})
@click.argument("recordings", nargs=-1, type=click.Path(path_type=Path), metavar="[RECORDING]...")
@click.option(
    "--source",
    type=click.Choice(get_args(SourceKind)),
    help="Source to look at where no recording is named.  [default: string]",
)
@click.option("--n-mtj", metavar="N", help="Junctions in the string.  [default: 1]")
@click.option(
    "--arrangement",
    type=click.Choice(get_args(Arrangement)),
    help="Of the junctions.  [default: series]",
)
@click.option(
    "--coupling",
    type=click.Choice(get_args(Coupling)),
    help="two-way: dwell times follow the simulated current.  [default: open-loop]",
)
@click.option(
    "--field",
    "fields",
    type=Quantities("T"),
    metavar="TESLA,…",
    help="Fields along the easy axis, T, each looked at: -3m,0,3m.  [default: 0]",
)
@click.option(
    "--dwell",
    type=Quantity("s", positive=True),
    metavar="SECONDS",
    help="Tune barrier and field for this mean dwell, s.  [default: the junction's own]",
)
@click.option(
    "--occupancy",
    type=Quantity("1"),
    metavar="NUMBER",
    help="Tune barrier and field for this occupancy of AP, 1.  [default: the junction's own]",
)
@click.option(
    "--temperature", metavar="CELSIUS", help="Temperature, °C; barriers refer to it.  [default: 27]"
)
@click.option("--column", help="Column of a recording.  [default: V, or the only one]")
@click.option(
    "--sample-time",
    type=Quantity("s", positive=True),
    metavar="SECONDS",
    help=(
        "Time between samples, s.  [default: the recording's own; a string's shorter mean dwell "
        "over 12.36]"
    ),
)
@click.option(
    "--samples",
    type=click.IntRange(min=_FEWEST),
    metavar="N",
    help="Samples, at most.  [default: 1000000 of a recording, 100000 drawn, 40000 in a circuit]",
)
@click.option(
    "--levels",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Levels looked for, at most.  [default: 16]",
)
@click.option(
    "--in-circuit",
    "simulate",
    is_flag=True,
    help="Look at the pre-activation of a neuron that ngspice simulates under this noise.",
)
@click.option(
    "--inputs",
    type=click.IntRange(1, 512),
    default=2,
    show_default=True,
    help="Inputs of that neuron; its weights are drawn as at the start of a run.",
)
@click.option("--seed", metavar="N", help="Seed of everything random.  [default: 0]")
@with_settings("circuit.smtj.diameter=40n", "runs/<time>-noise")
def noise(  # noqa: PLR0917  # click hands over by name
    recordings: tuple[Path, ...],
    fields: tuple[float, ...] | None,
    dwell: float | None,
    occupancy: float | None,
    column: str | None,
    sample_time: float | None,
    samples: int | None,
    levels: int | None,
    simulate: bool,
    inputs: int,
    assignments: tuple[str, ...],
    preset: str | None,
    config_file: Path | None,
    out: Path | None,
    quiet: bool,
    **chosen: str | None,
) -> int:
    """Characterise noise: a source, recorded files, or a simulated node.

    Levels, dwell times with confidence intervals and their law, occupancy, flip probability,
    autocorrelation, spectrum, a two-state hidden Markov fit, and the barriers that these imply;
    as a table, noise.json and noise.png. Where a source has closed forms, they stand beside.

    Exit codes: 0 done, 2 a wrong input, 3 a failed simulation, 130 stopped by Ctrl-C.
    """
    given = {_PATHS[name]: value for name, value in chosen.items()}
    config = load_config(config_file, preset, given, _OPTIONS, assignments)
    require_free(out)
    tuned = fields is not None or dwell is not None or occupancy is not None
    if recordings and (tuned or any(given[path] for path in _OF_A_SOURCE)):
        raise UserError(
            "a recording is named: --source, --n-mtj, --arrangement, --coupling, --field, --dwell "
            "and --occupancy say what else to look at; leave one out"
        )
    if fields is not None and (dwell is not None or occupancy is not None):
        raise UserError("--field and --dwell or --occupancy both set the field; leave one out")
    look = _Look(config, simulate, inputs, column, sample_time, samples)
    console = Console(stderr=False, highlight=False)
    circuits: list[tuple[str, CircuitParameters]] = []
    try:
        if recordings and not simulate:
            looked_at = [look.recording(path) for path in recordings]
        else:
            circuits = [(path.name, look.played(path)) for path in recordings] or _biased(
                _tuned(look.source_of_config(), dwell, occupancy), fields
            )
            looked_at = [look.source(k, *biased) for k, biased in enumerate(circuits)]
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    reports = [_analysed(specimen, levels) for specimen, _ in looked_at]
    specimens = [specimen for specimen, _ in looked_at]
    folder = open_folder(out, "noise", datetime.now().astimezone())
    by_ngspice = any(specimen.made_by == "ngspice" for specimen in specimens)
    described = [
        _described(specimen, report, circuit)
        for (specimen, circuit), report in zip(looked_at, reports, strict=True)
    ]
    found = versions(get_library().version if by_ngspice else None)
    folder.write_json("noise.json", {"specimens": described, "versions": found})
    if len(circuits) == 1:
        config = config.model_copy(update={"circuit": circuits[0][1]})
    folder.write_text("config.toml", config.to_toml())
    plot_noise(specimens, reports, folder.path / "noise.png")
    if not quiet:
        print_findings(console, looked_at, reports)
        console.print(f"folder: {folder.path}", soft_wrap=True)
    return 0


_OPTIONS = {
    "circuit.noise.source": "--source",
    "circuit.noise.n_mtj": "--n-mtj",
    "circuit.noise.arrangement": "--arrangement",
    "circuit.noise.coupling": "--coupling",
    "circuit.temperature": "--temperature",
    "seed": "--seed",
}
_OF_A_SOURCE = tuple(path for path in _OPTIONS if path.startswith("circuit.noise."))
_PATHS = {option[2:].replace("-", "_"): path for path, option in _OPTIONS.items()}


@dataclass(frozen=True)
class _Look:
    """How specimens are taken."""

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


def _tuned(
    circuit: CircuitParameters, dwell: float | None, occupancy: float | None
) -> CircuitParameters:
    """Junctions with a wanted dwell and occupancy, by one barrier and a field."""
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


def _biased(
    circuit: CircuitParameters, fields: tuple[float, ...] | None
) -> list[tuple[str, CircuitParameters]]:
    """Label and circuit for each field."""
    noise = circuit.noise
    label: str = noise.source
    if noise.source != "string":
        if fields:
            raise UserError(f"--field tunes junctions; source {noise.source} has none")
        return [(label, circuit)]
    if noise.n_mtj > 1:
        label = f"{noise.n_mtj} junctions in {noise.arrangement}"
    biased = []
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
        biased.append((name, circuit.model_copy(update={"smtj": smtj})))
    return biased


def _analysed(specimen: Specimen, levels: int | None) -> NoiseReport:
    try:
        return analyse(
            specimen.samples,
            specimen.sample_time,
            temperature=specimen.temperature,
            attempt_time=specimen.attempt_time,
            max_levels=levels or _LEVELS,
            rounded=specimen.made_by == "recording",
        )
    except ValueError as error:
        raise UserError(f"{specimen.label}: {error}") from None


def _described(
    specimen: Specimen, report: NoiseReport, circuit: InCircuit | None
) -> dict[str, Any]:
    law = specimen.law
    low, high = law.dwells
    return {
        "label": specimen.label,
        "made_by": specimen.made_by,
        "found": report.to_dict(curves=True),
        "warnings": list(doubts(specimen, report)),
        "law": {
            "sigma_v": law.sigma,
            "levels_v": list(law.levels),
            "occupancy": law.occupancy,
            "dwell_low_s": low,
            "dwell_high_s": high,
            "correlation_time_s": law.correlation_time,
            "corner_hz": law.corner,
            "seen_flips_hz": law.seen_flips,
        },
        "in_circuit": circuit
        and {
            "node": circuit.node,
            "inputs": circuit.inputs,
            "sigma_ratio": circuit.sigma_ratio,
            "amplitude_v": half_span([k.voltage for k in report.levels]),
            "bandwidth_hz": circuit.bandwidth,
            "points": circuit.points,
            "ngspice_s": circuit.seconds,
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(noise, arguments, "python -m sim.noise")

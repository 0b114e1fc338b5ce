"""`python -m sim.noise`: characterise a noise source, a recording, or the noise in a circuit."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import click
import numpy as np

from circuits.noise import Arrangement, Coupling, SourceKind
from circuits.quantities import parse_quantity
from netlists.commandline import complain, execute
from netlists.rules import warnings_of
from sim.console import open_console
from sim.errors import SIMULATION, SimulationError, UserError
from sim.libngspice import get_library
from sim.noise.analysis import NoiseReport, analyse
from sim.noise.doubts import doubts
from sim.noise.in_circuit import InCircuit
from sim.noise.look import Look, biased, tuned
from sim.noise.specimen import Specimen
from sim.noise.table import half_span, print_findings
from sim.options import with_settings
from sim.record import open_folder, require_free, versions
from sim.settings import load_config

_FEWEST, _MOST = 100, 100_000_000  # samples
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
    type=click.IntRange(_FEWEST, _MOST),
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
    tuning = fields is not None or dwell is not None or occupancy is not None
    if recordings and (tuning or any(given[path] for path in _OF_A_SOURCE)):
        raise UserError(
            "a recording is named: --source, --n-mtj, --arrangement, --coupling, --field, --dwell "
            "and --occupancy say what else to look at; leave one out"
        )
    if fields is not None and (dwell is not None or occupancy is not None):
        raise UserError("--field and --dwell or --occupancy both set the field; leave one out")
    if column is not None and not recordings and config.circuit.noise.source != "measured":
        raise UserError(f"--column: wanted a recording to take {column!r} of, got none")
    look = Look(config, simulate, inputs, column, sample_time, samples)
    console = open_console()
    try:
        if recordings and not simulate:
            circuits = []
            looked_at = [look.recording(path) for path in recordings]
        else:
            circuits = [(path.name, look.played(path)) for path in recordings] or biased(
                tuned(look.source_of_config(), dwell, occupancy), fields
            )
            looked_at = [look.source(k, *one) for k, one in enumerate(circuits)]
    except SimulationError as error:
        complain(str(error))
        return SIMULATION
    reports = [_analysed(specimen, levels) for specimen, _ in looked_at]
    specimens = [specimen for specimen, _ in looked_at]
    folder = open_folder(out, "noise", datetime.now().astimezone())
    by_ngspice = any(specimen.made_by == "ngspice" for specimen in specimens)
    warnings = [
        [*doubts(specimen, report), *warnings_of(circuit.findings or () if circuit else ())]
        for (specimen, circuit), report in zip(looked_at, reports, strict=True)
    ]
    described = [
        _described(specimen, report, circuit) | {"warnings": found}
        for (specimen, circuit), report, found in zip(looked_at, reports, warnings, strict=True)
    ]
    found = versions(get_library().version if by_ngspice else None)
    folder.write_json("noise.json", {"specimens": described, "versions": found})
    if len(circuits) == 1:
        config = config.model_copy(update={"circuit": circuits[0][1]})
    folder.write_text("config.toml", config.to_toml())
    from sim.noise.figure import plot_noise  # noqa: PLC0415  # matplotlib: most of a second

    plot_noise(specimens, reports, folder.path / "noise.png")
    if not quiet:
        print_findings(console, looked_at, reports, warnings)
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
            "erc": {
                "checked": circuit.findings is not None,
                "findings": [finding.to_dict() for finding in circuit.findings or ()],
            },
            "ngspice_s": circuit.seconds,
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return execute(noise, arguments, "python -m sim.noise")

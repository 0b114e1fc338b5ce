"""One junction's noise at three fields, in the manner of the paper's Fig. 2.

The field along the easy axis tilts the barriers: at −3 mT the junction rests in AP nine tenths of
its time, at +3 mT in P. Trace, histogram, autocorrelation and spectrum, as `python -m sim.noise
--field=-3m,0,3m` draws them, 25 µs between samples as in the paper, whose autocorrelation is of a
hundred million of them (2,500 s). No SPICE: the paths are drawn by the law.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
from paper_rows import PICTURES, markdown

from circuits import CircuitParameters, SmtjParameters
from netlists.commandline import execute
from sim.noise.analysis import NoiseReport, analyse
from sim.noise.figure import plot_noise
from sim.noise.specimen import Specimen, drawn

FIELDS = (-3e-3, 0.0, 3e-3)  # T
SAMPLE_TIME = 25e-6  # s; 40 kHz
_LAG = 1e-3  # s; the paper's signal "is decorrelated after a millisecond at the latest"


def format_table(specimens: Sequence[Specimen], reports: Sequence[NoiseReport]) -> str:
    """Occupancy, dwells and memory as Markdown, found and by law."""
    rows = []
    for specimen, report in zip(specimens, reports, strict=True):
        law, centred = specimen.law, specimen.samples - report.mean
        share, dwells = report.occupancy, report.dwells
        if not (share and dwells and law.dwells and law.occupancy is not None):
            raise SystemExit("error: too few samples to find two levels; wanted more --samples")
        memory = report.autocorrelation.correlation_time
        lag = round(_LAG / specimen.sample_time)
        later = float(np.mean(centred[:-lag] * centred[lag:])) / report.sigma**2
        rows.append(
            (
                specimen.label,
                f"{share.value:.3f} ({law.occupancy:.3f})",
                *(
                    f"{1e6 * dwell.mean.value:.0f} ({1e6 * by_law:.0f})"
                    for dwell, by_law in zip(dwells, law.dwells, strict=True)
                ),
                f"{1e6 * memory:.0f} ({1e6 * law.correlation_time:.0f})",
                f"{later:.4f} ({np.exp(-_LAG / law.correlation_time):.4f})",
            )
        )
    heads = (
        "field",
        "occupancy of AP (law)",
        "mean dwell in P, µs (law)",
        "mean dwell in AP, µs (law)",
        "1/e after, µs (law)",
        "autocorrelation at 1 ms (law)",
    )
    return markdown(heads, rows)


def main(out: Path = PICTURES, samples: int = 400_000, seed: int = 0) -> list[NoiseReport]:
    """Draw the noise at three fields and save `noise_at_three_fields.png` in `out`."""
    specimens = []
    for field, rng in zip(FIELDS, np.random.default_rng(seed).spawn(3), strict=True):
        circuit = CircuitParameters(smtj=SmtjParameters(field=field))
        string = circuit.noise_string()
        label = f"{1e3 * field:+.0f} mT" if field else "0 mT"
        specimens.append(
            drawn(circuit, string, rng, label=label, sample_time=SAMPLE_TIME, count=samples)
        )
    reports = [analyse(specimen.samples, specimen.sample_time) for specimen in specimens]
    out.mkdir(parents=True, exist_ok=True)
    plot_noise(specimens, reports, out / "noise_at_three_fields.png")
    print(f"drawn by the law: {samples:,} samples, 25 µs apart, seed {seed}\n")
    print(format_table(specimens, reports))
    return reports


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=PICTURES, help="Folder to write.")
@click.option("--samples", type=click.IntRange(10_000), default=400_000, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def command(out: Path, samples: int, seed: int) -> None:
    """The paper's Fig. 2: one junction's noise at three fields, drawn by the law."""
    main(out, samples, seed)


if __name__ == "__main__":
    sys.exit(execute(command, None, "paper_fig2.py"))

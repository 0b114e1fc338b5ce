"""One junction's noise at three fields, in the manner of the paper's Fig. 2.

The field along the easy axis tilts the barriers: at −3 mT the junction rests in AP nine tenths of
its time, at +3 mT in P. Trace, histogram, autocorrelation and spectrum, as `python -m sim.noise
--field=-3m,0,3m` draws them. No SPICE: the paths are drawn by the law.
"""

from pathlib import Path

import numpy as np

from circuits import CircuitParameters, SmtjParameters
from sim.noise.analysis import NoiseReport, analyse
from sim.noise.figure import plot_noise
from sim.noise.specimen import drawn

PICTURES = Path(__file__).parents[1] / "docs" / "images"
FIELDS = (-3e-3, 0.0, 3e-3)  # T


def main(out: Path = PICTURES, samples: int = 100_000, seed: int = 0) -> list[NoiseReport]:
    """Draw the noise at three fields and save `noise_at_three_fields.png` in `out`."""
    specimens = []
    for field, rng in zip(FIELDS, np.random.default_rng(seed).spawn(3), strict=True):
        circuit = CircuitParameters(smtj=SmtjParameters(field=field))
        string = circuit.noise_string()
        label = f"{1e3 * field:+.0f} mT" if field else "0 mT"
        specimens.append(drawn(circuit, string, rng, label=label, sample_time=20e-6, count=samples))
    reports = [analyse(specimen.samples, specimen.sample_time) for specimen in specimens]
    plot_noise(specimens, reports, out / "noise_at_three_fields.png")
    for specimen, report in zip(specimens, reports, strict=True):
        share, low, high = report.occupancy, *(report.dwells or (None, None))
        if share and low and high:
            print(
                f"{specimen.label}: occupancy {share.value:.3f} (law {specimen.law.occupancy:.3f}),"
                f" dwells {1e6 * low.mean.value:.0f} and {1e6 * high.mean.value:.0f} µs (law "
                f"{1e6 * specimen.law.dwells[0]:.0f} and {1e6 * specimen.law.dwells[1]:.0f} µs)"
            )
    return reports


if __name__ == "__main__":
    main()

"""What the findings should be read with: where a figure would mislead."""

import math
from collections.abc import Iterator

from circuits.quantities import format_quantity
from sim.noise.analysis import NoiseReport
from sim.noise.levels import grid_of
from sim.noise.specimen import Array, Specimen

_FEW = 10  # flips
_UNLIKELY = 1e-3  # p-value
_DRIFT = 5.0  # standard errors between the first and the last tenth
_MISFIT = 0.1  # of the spectrum's logarithm beyond its scatter


def doubts(specimen: Specimen, report: NoiseReport) -> Iterator[str]:
    """A sentence for each reason to doubt."""
    samples = specimen.samples
    step = grid_of(samples) if specimen.made_by == "recording" else None
    if step and len(report.levels) > 2:
        yield (
            f"samples lie on a grid of {format_quantity(step, 'V')}: levels may be its steps; "
            "say how many there are with --levels"
        )
    drift = _drift(samples, report)
    if abs(drift) > _DRIFT:
        yield (
            f"the mean drifts: its last tenth lies {drift:+.0f} standard errors from its first, so "
            "levels need not be states; take a shorter stretch or remove the drift"
        )
    if report.levels and len(report.levels) > 1:
        flips = report.flip_probability * (report.count - 1)
        if flips < _FEW:
            yield f"{flips:.0f} flips alone: dwells, occupancy and spectrum are hardly known"
    if report.hmm and report.dwells:
        both = report.hmm.flip_low_high.value + report.hmm.flip_high_low.value
        if not all(math.isfinite(dwell.mean.value) for dwell in report.dwells) and both > 0.5:
            yield "sampled too slowly: samples know nothing of one another, so dwells are unknown"
        worst = min((d.p_value for d in report.dwells if d.p_value == d.p_value), default=1.0)
        if worst < _UNLIKELY:
            yield (
                f"dwells are not exponential (p = {worst:.1g}): they are not one junction's, and "
                "the barriers mean little"
            )
    found = report.spectrum
    scatter = 0.43 / math.sqrt(max(found.averages, 1))
    if math.isfinite(found.corner) and found.lorentzian_deviation > scatter + _MISFIT:
        yield "the spectrum is no Lorentzian: its corner means little"


def _drift(samples: Array, report: NoiseReport) -> float:
    """Between the means of the first and the last tenth, in standard errors."""
    tenth = len(samples) // 10
    first, last = samples[:tenth], samples[-tenth:]
    tau = report.autocorrelation.correlation_time
    # A record that drifts remembers for ever: what memory a tenth may have is bounded.
    memory = 2 * tau / report.sample_time if math.isfinite(tau) else 1.0
    independent = max(tenth / max(min(memory, tenth / 20), 1.0), 2.0)
    error = math.sqrt((first.var() + last.var()) / independent)
    return float(last.mean() - first.mean()) / error if error else 0.0

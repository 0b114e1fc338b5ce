"""The findings as a table: a row a figure, a column a specimen, its law beside it."""

import math
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from circuits.quantities import format_quantity
from sim.noise.analysis import NoiseReport
from sim.noise.in_circuit import InCircuit
from sim.noise.specimen import MadeBy, Specimen
from sim.noise.telegraph import Estimate

Rows = list[tuple[str, str, str]]  # what, found, by the law

MADE_BY: dict[MadeBy, str] = {
    "recording": "recorded",
    "drawn": "drawn, no SPICE",
    "ngspice": "ngspice",
}
_SHOWN = 8  # levels spelled out, at most


def print_findings(
    console: Console,
    specimens: Sequence[tuple[Specimen, InCircuit | None]],
    reports: Sequence[NoiseReport],
    warnings: Sequence[Sequence[str]],
) -> None:
    """Print one table, or one a specimen where they do not fit side by side, and the warnings."""
    found = list(zip(specimens, reports, strict=True))
    unbounded = console.options.update(width=10_000)
    wide = console.measure(noise_table(found), options=unbounded).maximum > console.width
    for part in [[one] for one in found] if wide else [found]:
        console.print(noise_table(part))
    for ((specimen, _), report), doubts in zip(found, warnings, strict=True):
        for doubt in doubts:
            console.print(f"warning: {specimen.label}: {doubt}", soft_wrap=True)
        if specimen.made_by == "recording" and report.hmm:
            console.print(f"{specimen.label} as a source: {as_source(report)}", soft_wrap=True)


def as_source(report: NoiseReport) -> str:
    """Options of a run whose hidden Markov chains look like a record of two levels."""
    fit = report.hmm
    if fit is None:
        raise ValueError("wanted a record of two levels")
    low, high = fit.levels
    settings = {
        "level_low": low,
        "level_high": high,
        "flip_up": fit.flip_low_high.value,
        "flip_down": fit.flip_high_low.value,
        "observation_noise": fit.noise,
        "sample_time": report.sample_time,
    }
    assigned = " ".join(
        f"--set circuit.noise.hmm.{name}={value:.6g}" for name, value in settings.items()
    )
    return f"--source hmm {assigned}"


def noise_table(found: Sequence[tuple[tuple[Specimen, InCircuit | None], NoiseReport]]) -> Table:
    """What was found in each specimen; what one lacks is a dash."""
    columns = [_rows(specimen, report, circuit) for (specimen, circuit), report in found]
    lawful = any(law not in ("", "–") for column in columns for _, _, law in column)
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for (specimen, _), _ in found:
        made_by = MADE_BY[specimen.made_by]
        table.add_column(f"{specimen.label}\n{made_by}", justify="right")
        if lawful:
            table.add_column("\nlaw", justify="right", style="dim")
    for k, (what, _, _) in enumerate(columns[0]):
        cells = []
        for column in columns:
            _, found_here, law = column[k]
            cells += [found_here, law] if lawful else [found_here]
        if any(cell not in ("", "–") for cell in cells):
            table.add_row(what, *cells)
    return table


def _rows(specimen: Specimen, report: NoiseReport, circuit: InCircuit | None) -> Rows:
    law, hmm = specimen.law, report.hmm
    low, high = report.dwells or (None, None)
    attempt = format_quantity(report.attempt_time, "s")
    rows: Rows = [
        ("samples", f"{report.count}", ""),
        ("sample time", _number(report.sample_time, "s"), ""),
        ("mean", _number(report.mean, "V"), ""),
        ("standard deviation", _number(report.sigma, "V"), _number(law.sigma, "V")),
        ("levels", f"{len(report.levels)}", f"{len(law.levels)}" if law.levels else ""),
        ("", _levels([k.voltage for k in report.levels]), _levels(law.levels)),
        (
            "share of each",
            _listed([f"{k.weight:.3f}" for k in report.levels] if len(report.levels) > 1 else []),
            "",
        ),
        ("occupancy of the high one", _share(report.occupancy), _plain(law.occupancy)),
        ("flip probability per sample", _plain(report.flip_probability), ""),
        ("flips seen", _number(report.event_rate, "Hz"), _number(law.seen_flips, "Hz")),
        ("mean dwell, low", _estimate(low and low.mean, _second), _number(law.dwells[0], "s")),
        ("mean dwell, high", _estimate(high and high.mean, _second), _number(law.dwells[1], "s")),
        ("as sampled, low", _number(low.observed, "s") if low else "–", ""),
        ("as sampled, high", _number(high.observed, "s") if high else "–", ""),
        ("exponential? p, low", _plain(low.p_value) if low else "–", ""),
        ("exponential? p, high", _plain(high.p_value) if high else "–", ""),
        (f"barrier of low, τ0 {attempt}", _estimate(low and low.barrier, _electron_volt), ""),
        (
            f"barrier of high, τ0 {attempt}",
            _estimate(high and high.barrier, _electron_volt),
            "",
        ),
        ("hidden Markov: low → high", _estimate(hmm and hmm.flip_low_high, _plain), ""),
        ("hidden Markov: high → low", _estimate(hmm and hmm.flip_high_low, _plain), ""),
        ("hidden Markov: noise", _observed(report), ""),
        (
            "autocorrelation 1/e",
            _number(report.autocorrelation.correlation_time, "s"),
            _number(law.correlation_time, "s"),
        ),
        (
            "corner of the spectrum",
            _number(report.spectrum.corner, "Hz"),
            _number(law.corner, "Hz"),
        ),
    ]
    if circuit:
        rows += [
            (
                "amplitude left",
                _number(half_span([k.voltage for k in report.levels]), "V"),
                _number(half_span(law.levels), "V"),
            ),
            ("bandwidth left, -3 dB", _number(circuit.bandwidth, "Hz"), ""),
        ]
    return rows


def _observed(report: NoiseReport) -> str:
    """Observation noise; what rounding leaves of none is none."""
    if report.hmm is None:
        return "–"
    low, high = report.hmm.levels
    return _number(report.hmm.noise if report.hmm.noise > 1e-6 * (high - low) else 0.0, "V")


def half_span(levels: Sequence[float]) -> float:
    """Half the way between the outermost levels, V; NaN without two."""
    return (max(levels) - min(levels)) / 2 if len(levels) > 1 else math.nan


def _levels(voltages: Sequence[float]) -> str:
    grain = 1e-4 * max(map(abs, voltages), default=0.0) or 1.0  # what rounding left of a zero
    return _listed([f"{1e3 * grain * round(v / grain):.4g}" for v in voltages], " mV")


def _listed(texts: Sequence[str], unit: str = "") -> str:
    if not texts:
        return ""
    if len(texts) > _SHOWN:
        return f"{texts[0]} … {texts[-1]}{unit}"
    return " ".join(texts) + unit


def _number(value: float, unit: str) -> str:
    return format_quantity(value, unit) if math.isfinite(value) else "–"


def _plain(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"


def _share(estimate: Estimate | None) -> str:
    if estimate is None or not math.isfinite(estimate.low + estimate.high):
        return "–"
    return f"{estimate.value:.4f} ± {(estimate.high - estimate.low) / 2:.2g}"


def _second(value: float) -> str:
    return _number(value, "s")


def _electron_volt(value: float) -> str:
    return f"{value:.4f} eV"


def _estimate(estimate: Estimate | None, form: Callable[[float], str]) -> str:
    if estimate is None or not math.isfinite(estimate.value):
        return "–"
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return form(estimate.value)
    percent = 100 * (estimate.high - estimate.low) / 2 / estimate.value
    if percent > 30:
        return f"{form(estimate.low)} … {form(estimate.high)}"
    return f"{form(estimate.value)} ± {percent:.{0 if percent >= 10 else 1}f} %"

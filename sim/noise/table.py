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
) -> None:
    """Print one table, or one a specimen where they do not fit side by side."""
    found = list(zip(specimens, reports, strict=True))
    unbounded = console.options.update(width=10_000)
    wide = console.measure(noise_table(found), options=unbounded).maximum > console.width
    for part in [[one] for one in found] if wide else [found]:
        console.print(noise_table(part))


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
    rows: Rows = [
        ("samples", f"{report.count}", ""),
        ("sample time", _number(report.sample_time, "s"), ""),
        ("mean", _number(report.mean, "V"), ""),
        ("standard deviation", _number(report.sigma, "V"), _number(law.sigma, "V")),
        ("levels", f"{len(report.levels)}", f"{len(law.levels)}" if law.levels else ""),
        ("", _levels([k.voltage for k in report.levels]), _levels(law.levels)),
        (
            "share of each",
            _listed([f"{k.weight:.3f}" for k in report.levels]),
            "",
        ),
        ("occupancy of the high one", _estimate(report.occupancy, _plain), _plain(law.occupancy)),
        ("flip probability per sample", _plain(report.flip_probability), ""),
        ("flips seen", _number(report.event_rate, "Hz"), _number(law.seen_flips, "Hz")),
        ("mean dwell, low", _estimate(low and low.mean, _second), _number(law.dwells[0], "s")),
        ("mean dwell, high", _estimate(high and high.mean, _second), _number(law.dwells[1], "s")),
        ("as sampled, low", _number(low.observed, "s") if low else "–", ""),
        ("as sampled, high", _number(high.observed, "s") if high else "–", ""),
        ("exponential? p, low", _plain(low.p_value) if low else "–", ""),
        ("exponential? p, high", _plain(high.p_value) if high else "–", ""),
        ("barrier out of low", _estimate(low and low.barrier, _electron_volt), ""),
        ("barrier out of high", _estimate(high and high.barrier, _electron_volt), ""),
        ("hidden Markov: low → high", _estimate(hmm and hmm.flip_low_high, _plain), ""),
        ("hidden Markov: high → low", _estimate(hmm and hmm.flip_high_low, _plain), ""),
        ("hidden Markov: noise", _number(hmm.noise, "V") if hmm else "–", ""),
        (
            "autocorrelation 1/e",
            _number(report.autocorrelation.correlation_time, "s"),
            _number(law.correlation_time, "s"),
        ),
        (
            "corner of the spectrum",
            _number(report.spectrum.corner, "Hz"),
            _number(1 / (2 * math.pi * law.correlation_time), "Hz"),
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
    return f"{form(estimate.value)} ± {percent:.{0 if percent >= 10 else 1}f} %"

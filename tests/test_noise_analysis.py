"""Noise reports against the parameters that synthetic recordings were made from."""

import json
import math
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import tolerances
from numpy.typing import NDArray
from scipy import signal, stats
from scipy.constants import Boltzmann, elementary_charge, zero_Celsius

from sim.noise.analysis import NoiseReport, analyse, exponential_test, lorentzian
from sim.noise.levels import find_levels
from sim.noise.telegraph import Estimate, geometric_test

Array = NDArray[np.float64]

FAMILY = 27  # statistical tests in this file, each parameter set counted
THRESHOLD = tolerances.ALPHA / FAMILY
DEVIATIONS = float(stats.norm.isf(THRESHOLD / 2 / 5))  # five estimates to a recording
Z95 = 1.96  # half width of an interval over the standard error it stands for
SEEDS = 40  # small records whose intervals are counted
UNRESOLVED = 0.01  # of the spacing: levels of 1e5 samples whose noise is a tenth of it
LATTICE = 1e-9  # exact values come back but for a median of two
RATE_LAW = 0.02  # n flips in a step of p = 0.005 coincide in n p of all cases, at most
NOISE = 0.08  # of the spacing

LOW, HIGH = 36.16e-3, 48.02e-3  # V; Koenders et al., arXiv 2412.12783, Appendix A
FLIP, OBSERVED, STEP = 0.0809, 0.908e-3, 25e-6  # per sample, V, s; likewise


def chain(count: int, low_high: float, high_low: float, rng: np.random.Generator) -> Array:
    """States 0 and 1 of the sampled chain: dwells are geometric. Shape (count,)."""
    pairs = int(1.2 * count / (1 / low_high + 1 / high_low)) + 60
    first = int(rng.random() < low_high / (low_high + high_low))
    runs = np.empty(2 * pairs, dtype=int)
    runs[first::2] = rng.geometric(low_high, pairs)
    runs[1 - first :: 2] = rng.geometric(high_low, pairs)
    states = np.repeat((first + np.arange(2 * pairs)) % 2, runs)[:count]
    assert len(states) == count
    return states.astype(float)


def flips(tau_low: float, tau_high: float, step: float) -> tuple[float, float]:
    total = 1 / tau_low + 1 / tau_high
    seen = -math.expm1(-total * step) / total
    return seen / tau_low, seen / tau_high


# mean dwell in low, in high and sample time, s; noise over the spacing
SETTINGS = {
    "symmetric": (1e-3, 1e-3, 1e-4, NOISE),
    "symmetric noise-free": (1e-3, 1e-3, 1e-4, 0.0),
    "occupancy 0.8": (0.5e-3, 2e-3, 1e-4, NOISE),
    "occupancy 0.95": (0.5e-3, 9.5e-3, 1e-4, NOISE),
    "slow sampling": (1e-3, 1e-3, 1e-3, NOISE),
    "overlapping levels": (1e-3, 1e-3, 1e-4, 0.25),
}


def record(setting: str, count: int, seed: int) -> tuple[NoiseReport, dict[str, float]]:
    tau_low, tau_high, step, noise = SETTINGS[setting]
    low_high, high_low = flips(tau_low, tau_high, step)
    rng = np.random.default_rng(seed)
    samples = chain(count, low_high, high_low, rng) + noise * rng.standard_normal(count)
    truth = {
        "low to high": low_high,
        "high to low": high_low,
        "occupancy": tau_high / (tau_low + tau_high),
        "dwell low": tau_low,
        "dwell high": tau_high,
    }
    return analyse(samples, step), truth


@cache
def long_record(setting: str) -> tuple[NoiseReport, dict[str, float]]:
    return record(setting, 200_000, 1)


def estimates(report: NoiseReport) -> dict[str, Estimate]:
    assert report.hmm is not None
    assert report.occupancy is not None
    assert report.dwells is not None
    return {
        "low to high": report.hmm.flip_low_high,
        "high to low": report.hmm.flip_high_low,
        "occupancy": report.occupancy,
        "dwell low": report.dwells[0].mean,
        "dwell high": report.dwells[1].mean,
    }


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_long_record_gives_back_what_it_was_made_from(setting: str) -> None:
    report, truth = long_record(setting)
    for name, estimate in estimates(report).items():
        error = (estimate.high - estimate.low) / 2 / Z95
        assert abs(estimate.value - truth[name]) < DEVIATIONS * error, name
        assert error < 0.1 * truth[name], name


@pytest.mark.parametrize("setting", SETTINGS)
def test_levels_and_noise_of_a_long_record_are_found(setting: str) -> None:
    report, _ = long_record(setting)
    assert report.hmm is not None
    assert report.hmm.converged
    noise = SETTINGS[setting][-1]
    assert report.hmm.levels == pytest.approx((0, 1), abs=UNRESOLVED)
    assert report.hmm.noise == pytest.approx(noise, rel=UNRESOLVED)
    assert sum(level.weight for level in report.levels) == pytest.approx(1)


def test_intervals_of_95_percent_hold_the_truth_as_often() -> None:
    hits: dict[str, int] = {}
    for seed in range(SEEDS):
        report, truth = record("occupancy 0.8", 3000, seed)  # equal rates are a special case of it
        for name, estimate in estimates(report).items():
            hits[name] = hits.get(name, 0) + (estimate.low <= truth[name] <= estimate.high)
    for name, count in hits.items():
        assert stats.binomtest(count, SEEDS, 0.95).pvalue > THRESHOLD / len(hits), name


@pytest.mark.parametrize("setting", ["symmetric", "occupancy 0.8", "slow sampling"])
def test_dwells_of_a_telegraph_pass_the_test_of_the_exponential_law(setting: str) -> None:
    report, _ = long_record(setting)
    assert report.dwells is not None
    assert min(dwell.p_value for dwell in report.dwells) > THRESHOLD / 2


@pytest.mark.parametrize("law", ["gamma", "two rates"])
def test_other_dwells_are_rejected(law: str) -> None:
    rng = np.random.default_rng(1)
    if law == "gamma":
        dwells = rng.gamma(2.0, 0.5e-3, 20_000)
    else:
        dwells = rng.exponential(rng.choice([0.4e-3, 1.6e-3], 20_000))
    ends = np.cumsum(dwells)
    times = np.arange(0, ends[-1], 1e-4)
    states = np.searchsorted(ends, times, side="right") % 2
    report = analyse(states + NOISE * rng.standard_normal(len(times)), 1e-4)
    assert report.dwells is not None
    assert max(dwell.p_value for dwell in report.dwells) < THRESHOLD
    assert exponential_test(dwells, 1e-3) < THRESHOLD


@pytest.mark.parametrize("flip", [0.02, FLIP, 0.6])
def test_p_values_of_geometric_dwells_are_uniform(flip: float) -> None:
    rng = np.random.default_rng(1)
    values = [geometric_test(rng.geometric(flip, 2000)) for _ in range(300)]
    assert stats.kstest(values, stats.uniform.cdf).pvalue > THRESHOLD


def test_exact_flip_times_are_tested_against_a_given_mean() -> None:
    dwells = np.random.default_rng(1).exponential(309e-6, 10_000)
    assert exponential_test(dwells, 309e-6) > THRESHOLD
    assert exponential_test(dwells, 280e-6) < THRESHOLD


def test_too_few_dwells_tell_nothing() -> None:
    assert math.isnan(geometric_test(np.ones(10, dtype=int)))


@cache
def papers_record() -> NoiseReport:
    rng = np.random.default_rng(1)
    states = chain(200_000, FLIP, FLIP, rng)
    samples = LOW + (HIGH - LOW) * states + OBSERVED * rng.standard_normal(len(states))
    return analyse(samples, STEP)


def test_the_papers_model_is_recovered() -> None:
    report = papers_record()
    assert report.hmm is not None
    assert report.dwells is not None
    assert report.hmm.levels == pytest.approx((LOW, HIGH), abs=UNRESOLVED * (HIGH - LOW))
    assert report.hmm.noise == pytest.approx(OBSERVED, rel=UNRESOLVED)
    for flip in (report.hmm.flip_low_high, report.hmm.flip_high_low):
        assert abs(flip.value - FLIP) < DEVIATIONS * (flip.high - flip.low) / 2 / Z95
    for dwell in report.dwells:
        # Geometric: a mean of 1/p samples with a deviation of √(1 − p)/p.
        error = math.sqrt(1 - FLIP) / FLIP / math.sqrt(dwell.count)
        assert abs(dwell.observed / STEP - 12.36) < DEVIATIONS * error
        # By hand: −ln(1 − 2·0.0809)/2 flips a sample make 11.33 samples.
        error = (dwell.mean.high - dwell.mean.low) / 2 / Z95
        assert abs(dwell.mean.value - 11.333 * STEP) < DEVIATIONS * error


def test_events_are_counted_step_by_step() -> None:
    report = papers_record()
    steps = report.count - 1
    events = round(report.flip_probability * steps)
    assert stats.binomtest(events, steps, FLIP).pvalue > THRESHOLD
    assert report.event_rate == pytest.approx(report.flip_probability / STEP)
    assert report.states is not None
    assert np.count_nonzero(np.diff(report.states)) == events


def test_a_rounded_recording_has_the_levels_of_the_junction() -> None:
    rng = np.random.default_rng(1)
    samples = LOW + (HIGH - LOW) * chain(50_000, FLIP, FLIP, rng)
    rounded = np.round((samples + OBSERVED * rng.standard_normal(50_000)) / 0.2e-3) * 0.2e-3
    assert len(find_levels(rounded, 16)) == 2


@pytest.mark.parametrize("temperature", [-40.0, 27.0, 85.0])
def test_dwells_give_back_the_barriers_they_came_from(temperature: float) -> None:
    thermal = Boltzmann * (temperature + zero_Celsius) / elementary_charge
    barriers = [thermal * math.log(tau / 1e-9) for tau in (309e-6, 40e-6)]
    rng = np.random.default_rng(1)
    samples = chain(100_000, *flips(309e-6, 40e-6, 4e-6), rng)
    report = analyse(samples, 4e-6, temperature=temperature)
    assert report.dwells is not None
    for dwell, barrier in zip(report.dwells, barriers, strict=True):
        error = (dwell.barrier.high - dwell.barrier.low) / 2 / Z95
        assert abs(dwell.barrier.value - barrier) < DEVIATIONS * error
        assert error < 0.1 * thermal


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize(
    "parts", [(1.0, 1.0), (1.0, 2.2), (1.0, 1.0, 1.0), (1.0, 2.2, 4.7)], ids=str
)
def test_junctions_in_series_have_the_levels_of_their_sums(
    parts: tuple[float, ...], noise: float
) -> None:
    rng = np.random.default_rng(1)
    samples = sum(part * chain(50_000, 0.05, 0.05, rng) for part in parts)
    samples = samples + noise * rng.standard_normal(50_000)
    sums = sorted({0.0} | {round(float(s), 9) for s in _subset_sums(parts)})
    levels = find_levels(samples, 16)
    assert len(levels) == (len(parts) + 1 if len(set(parts)) == 1 else 2 ** len(parts))
    wanted = pytest.approx(sums, abs=UNRESOLVED if noise else LATTICE)
    assert [level.voltage for level in levels] == wanted


def _subset_sums(parts: tuple[float, ...]) -> Array:
    masks = np.arange(2 ** len(parts))[:, None] >> np.arange(len(parts)) & 1
    return masks @ np.array(parts)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_samples_on_flanks_make_no_levels(noise: float) -> None:
    rng = np.random.default_rng(1)
    fine, rise = 20, 1.0  # flips within a sample, and a time constant in samples
    states = chain(50_000 * fine, 0.03 / fine, 0.03 / fine, rng)
    decay = math.exp(-1 / fine / rise)
    samples = np.asarray(signal.lfilter([1 - decay], [1, -decay], states))[::fine]
    report = analyse(samples + noise * rng.standard_normal(len(samples)), 1e-6)
    assert [level.voltage for level in report.levels] == pytest.approx([0, 1], abs=UNRESOLVED)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_event_rates_of_junctions_in_series_add(count: int) -> None:
    rng = np.random.default_rng(1)
    flip, steps = 0.005, 400_000
    samples = sum(chain(steps, flip, flip, rng) for _ in range(count))
    report = analyse(np.asarray(samples), 1e-6)
    expected = count * flip
    error = math.sqrt(expected / steps)
    assert abs(report.flip_probability - expected) < DEVIATIONS * error + RATE_LAW * expected
    assert report.event_rate == pytest.approx(report.flip_probability / 1e-6)


def test_white_noise_has_one_level_and_no_chain() -> None:
    report = analyse(0.2 + 0.01 * np.random.default_rng(1).standard_normal(100_000), 1e-6)
    assert len(report.levels) == 1
    assert report.hmm is report.dwells is report.occupancy is report.states is None
    assert math.isnan(report.event_rate)
    assert math.isnan(report.spectrum.corner)
    assert math.isnan(report.autocorrelation.correlation_time)
    # Welch's segments have 128 frequencies, and these add up to the variance.
    assert report.spectrum.white == pytest.approx(2e-6 * 1e-4, rel=0.02)
    assert abs(report.mean - 0.2) < DEVIATIONS * 0.01 / math.sqrt(report.count)


def test_the_lorentzian_holds_the_variance() -> None:
    frequencies = np.linspace(0, 1e6, 2_000_001)
    power = np.trapezoid(lorentzian(frequencies, 4.0, 1e-3), frequencies)
    beyond = 4.0 * (1 - 2 / np.pi * math.atan(2 * np.pi * 1e6 * 1e-3))
    assert power + beyond == pytest.approx(4.0, rel=1e-5)
    assert lorentzian(np.array([1 / (2 * np.pi * 1e-3)]), 4.0, 1e-3) == pytest.approx(8e-3)


@cache
def unequal_record() -> tuple[NoiseReport, float, float]:
    """300,000 samples of dwells 20 and 60 steps: variance 3/16, correlation time 15 steps."""
    states = chain(300_000, *flips(20e-6, 60e-6, 1e-6), np.random.default_rng(1))
    return analyse(states, 1e-6), 3 / 16, 15e-6


def test_the_spectrum_is_the_lorentzian_of_both_rates() -> None:
    report, variance, time = unequal_record()
    spectrum = report.spectrum
    # A spectrum of 300,000/15 independent stretches: per cents; aliases below 0.1/dt as well.
    assert spectrum.corner == pytest.approx(1 / (2 * np.pi * time), rel=0.04)
    assert spectrum.plateau == pytest.approx(4 * variance * time, rel=0.06)
    inside = spectrum.frequencies < 0.1 / 1e-6
    closed = lorentzian(spectrum.frequencies[inside], variance, time)
    ratio = spectrum.density[inside] / closed
    assert np.mean(ratio) == pytest.approx(1, abs=0.06)
    assert spectrum.lorentzian_deviation < 2 * 0.434 / math.sqrt(spectrum.averages)


def test_the_fit_knows_aliases_and_observation_noise() -> None:
    rng = np.random.default_rng(1)
    states = chain(300_000, *flips(2e-6, 2e-6, 1e-6), rng)  # correlation time of one sample
    report = analyse(states + 0.1 * rng.standard_normal(len(states)), 1e-6)
    assert report.spectrum.corner == pytest.approx(1 / (2 * np.pi * 1e-6), rel=0.05)
    assert report.spectrum.plateau == pytest.approx(4 * 0.25 * 1e-6, rel=0.05)


def test_other_noise_deviates_from_the_lorentzian() -> None:
    rng = np.random.default_rng(1)
    white = rng.standard_normal(200_000)
    pink = np.fft.irfft(np.fft.rfft(white)[1:] / np.sqrt(np.arange(1, 100_001)), 200_000)
    spectrum = analyse(np.asarray(pink, dtype=np.float64), 1e-6).spectrum
    assert spectrum.lorentzian_deviation > 2 * 0.434 / math.sqrt(spectrum.averages)


def test_the_autocorrelation_decays_with_both_rates() -> None:
    report, _, time = unequal_record()
    lags, values = report.autocorrelation.lags, report.autocorrelation.values
    assert values[0] == pytest.approx(1)
    assert lags[1] == pytest.approx(1e-6)
    # Bartlett: a correlation of such a process has a variance below 2τ/T.
    error = math.sqrt(2 * time / (report.count * 1e-6))
    assert np.abs(values - np.exp(-lags / time)).max() < DEVIATIONS * error
    assert report.autocorrelation.correlation_time == pytest.approx(time, rel=0.05)


def test_a_drift_has_no_correlation_time() -> None:
    walk = np.cumsum(np.random.default_rng(1).standard_normal(1000))
    assert math.isnan(
        analyse(np.asarray(walk, dtype=np.float64), 1.0).autocorrelation.correlation_time
    )


def test_sampling_too_slow_to_see_dwells_leaves_them_unknown() -> None:
    alternating = analyse((np.arange(2000) % 2).astype(np.float64), 1.0)
    assert alternating.dwells is not None
    assert math.isnan(alternating.dwells[0].mean.value)
    assert alternating.to_dict()["dwells"][0]["mean_s"] == dict.fromkeys(("value", "low", "high"))


def test_the_report_is_plain_json() -> None:
    report = papers_record().to_dict(curves=True)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert {"mean_v", "event_rate_hz", "correlation_time_s"} <= report.keys()
    assert "values" not in papers_record().to_dict().get("autocorrelation", {})


def test_the_same_samples_give_the_same_report() -> None:
    samples = np.random.default_rng(1).standard_normal(5000)
    samples += 10 * chain(5000, 0.1, 0.1, np.random.default_rng(2))
    assert analyse(samples, 1.0).to_dict(curves=True) == analyse(samples, 1.0).to_dict(curves=True)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(99), r"at least 100 samples, got 99"),
        (np.zeros((200, 2)), r"one row .* got shape \(200, 2\)"),
        (np.where(np.arange(200) < 7, 1.0, np.nan), r"noise sample 7 is not finite, got nan"),
        (np.full(200, 0.5), r"one level only: all 200 samples are 0\.5 V"),
    ],
)
def test_what_is_no_noise_is_refused(samples: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        analyse(samples, 1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_time": 0.0}, "sample_time must be finite and positive, got 0 s"),
        ({"attempt_time": -1e-9}, "attempt_time must be .* got -1e-09 s"),
        ({"temperature": -300.0}, "absolute temperature must be .* got -26.85 K"),
        ({"max_levels": 0}, "max_levels must be .* got 0 levels"),
    ],
)
def test_settings_without_sense_are_refused(settings: dict[str, float], message: str) -> None:
    arguments = {"sample_time": 1e-6} | settings
    with pytest.raises(ValueError, match=message):
        analyse(np.arange(200.0), **arguments)  # type: ignore[arg-type]


def test_the_module_is_light_to_import() -> None:
    code = "import sys, sim.noise.analysis; print({'sklearn', 'hmmlearn'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

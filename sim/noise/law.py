"""What a noise source should show, in closed form, to be set beside what it does."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root_scalar

from circuits import CircuitParameters, NoiseString
from circuits.sampled import HmmParameters

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """Closed forms of a noise ν; what does not apply is empty or NaN.

    Attributes:
        sigma: standard deviation, V.
        levels: ascending, V; beneath any observation noise.
        occupancy: of the higher of two levels, 1.
        dwells: mean dwell in the lower and the higher of two levels, s.
        correlation_time: at which the autocorrelation has fallen to 1/e, s.
        corner: of the Lorentzian, Hz; NaN where several make the spectrum.
        seen_flips: changes of level from one sample to the next, per second, Hz; the faster the
            sampling, the closer to all flips.
    """

    sigma: float
    levels: tuple[float, ...] = ()
    occupancy: float = math.nan
    dwells: tuple[float, float] = (math.nan, math.nan)
    correlation_time: float = math.nan
    corner: float = math.nan
    seen_flips: float = math.nan


def law_of(circuit: CircuitParameters, string: NoiseString, step: float) -> Law:
    """The law of the source that a circuit's parameters name; a recording has none.

    Args:
        circuit: gives the source.
        string: of the node, where that is the source.
        step: between samples, s.
    """
    noise = circuit.noise
    match noise.source:
        case "string":
            return _string_law(string, step)
        case "hmm":
            return _chain_law(noise.hmm, step)
        case "measured":
            return Law(sigma=math.nan)
        case "gaussian":
            return Law(sigma=noise.gaussian.sigma)
        case "bernoulli":
            coin = noise.bernoulli
            return Law(coin.sigma, tuple(coin.node_levels.tolist()), occupancy=0.5 + coin.skew)
        case "binomial":
            return Law(noise.binomial.sigma, tuple(noise.binomial.node_levels.tolist()))


def _chain_law(p: HmmParameters, step: float) -> Law:
    """Dwells are those of the continuous telegraph that looks like the chain at its samples."""
    low, high = p.node_levels.tolist()
    flips = 2 * p.flip_up * p.flip_down / (p.flip_up + p.flip_down) / p.sample_time
    law = Law(p.sigma, (low, high), p.occupancy)
    if p.correlation > 0:
        tau = -p.sample_time / math.log(p.correlation)
        dwells = (tau / p.occupancy, tau / (1 - p.occupancy))
        law = replace(law, dwells=dwells, correlation_time=tau, corner=1 / (2 * math.pi * tau))
    return replace(law, seen_flips=flips) if math.isclose(step, p.sample_time) else law


def _string_law(string: NoiseString, step: float) -> Law:
    def above(lag: float) -> float:
        return string.correlation(lag) - math.exp(-1)

    longest = float(string.dwell_times.max())
    rates = (1 / string.dwell_times).sum(axis=1)
    alike = np.ptp(rates) < 1e-6 * rates[0]
    while above(2 * longest) > 0:  # junctions that hold each other may take longer than each alone
        longest *= 2
    single = len(string.junctions) == 1
    low, high = string.dwell_times[0].tolist() if single else (math.nan, math.nan)
    return Law(
        sigma=string.sigma,
        levels=string.distinct_levels,
        occupancy=float(string.occupancies[0]) if single else math.nan,
        dwells=(low, high),
        correlation_time=float(root_scalar(above, bracket=(0.0, 2 * longest)).root),
        corner=rates[0] / (2 * math.pi) if alike else math.nan,
        seen_flips=string.seen_flip_rate(step),
    )

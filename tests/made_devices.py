"""Weight devices of one layer, made and written to by their laws; what tests of them share.

Statistics are tests at fixed seeds: a law that holds fails one with the probability `CHANCE`.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from circuits import CircuitParameters
from circuits.write_back.choice import draw_law
from circuits.write_back.law import MINUS, PLUS, Held, Law, Written

Array = NDArray[np.float64]

CHANCE = 1e-4
EXACT = 1e-12
"""Relative; a few roundings of double precision."""

MANY = (100, 100)
ANY_WEIGHTS = arrays(np.float64, (2, 3), elements=st.floats(-12, 12))  # ±9.99 fit


def circuit(
    device: str, *, synapse: dict[str, Any] | None = None, **more: Any
) -> CircuitParameters:
    return CircuitParameters.model_validate(
        {"synapse": synapse or {}, "write_back": {"device": device, **more}}
    )


def law_of(parameters: CircuitParameters, shape: tuple[int, int], factors: float = 1.0) -> Law:
    return draw_law(parameters, np.full((2, *shape), factors), np.random.default_rng(5))


def fresh(shape: tuple[int, int]) -> Held:
    return Held(np.full((2, *shape), np.nan), np.full((2, *shape), np.nan))


def write(law: Law, weights: Array, held: Held | None = None, seed: int = 7) -> Written:
    before = held or fresh((weights.shape[0], weights.shape[1]))
    return law.write(weights, before, np.random.default_rng(seed))


def weights_of(written: Written, r_feedback: float = 100e3) -> Array:
    return r_feedback * (1 / written.resistance[PLUS] - 1 / written.resistance[MINUS])


def row(*weights: float) -> Array:
    return np.array([weights])

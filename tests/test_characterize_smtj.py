"""Junction and string, measured, against resistance law and Kirchhoff."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge
from scipy.optimize import root_scalar

from sim.characterize.cells.smtj import measure
from sim.characterize.corners import corners
from sim.characterize.sheet import Conditions, Measurement
from sim.config import RunConfig
from sim.errors import UserError

SOLVER = 1e-6
"""ngspice's reltol of 1e-5 bounds the last Newton step; the one before last is far shorter."""

GRID = 2e-4
"""A chord over 1/100 of V_h, of a curve whose curvature is near one at V_h."""

SWEPT = 2e-5
"""ngspice's reltol of 1e-5, at either end: along a sweep Newton starts near its root."""

UNEQUAL: dict[str, Any] = {
    "smtj": {
        "resistance_area": 20e-12, "diameter": 50e-9, "tmr": 0.8, "v_half": 0.4,
        "barrier_p": 0.30, "barrier_ap": 0.34,
    },
    "noise": {"v_bias": 2.2, "r_series": 30e3, "r_inject": 220e3},
}  # fmt: skip


def at(temperature: float = 27.0, supply: float = 1.0, **circuit: Any) -> Conditions:
    config = RunConfig.model_validate({"circuit": circuit})
    (only,) = corners(config, (temperature,), (supply,))
    return only


def values(found: Measurement) -> dict[str, float]:
    return {figure.key: figure.value for figure in found.figures}


def divider(states: float, n: int, arrangement: str) -> float:
    """V_z of n junctions all in one state, by Kirchhoff's current law at z."""
    r_p = 20e-12 / (math.pi * (50e-9) ** 2 / 4)

    def resistance(v: float) -> float:
        return r_p * (1 + states * 0.8 / (1 + (v / 0.4) ** 2))

    def surplus(z: float) -> float:
        each = z / n if arrangement == "series" else z
        drawn = each / resistance(each) * (1 if arrangement == "series" else n)
        return drawn + z / 220e3 - (2.2 - z) / 30e3

    return root_scalar(surplus, bracket=(0.0, 2.2), xtol=1e-15).root


@pytest.mark.parametrize(("n", "arrangement"), [(1, "series"), (3, "series"), (2, "parallel")])
def test_levels_currents_and_power_obey_kirchhoff(n: int, arrangement: str) -> None:
    noise = UNEQUAL["noise"] | {"n_mtj": n, "arrangement": arrangement}
    found = measure(at(supply=0.9, smtj=UNEQUAL["smtj"], noise=noise))
    got = values(found)
    for state, name in ((0, "parallel"), (1, "antiparallel")):
        level = divider(state, n, arrangement)
        assert got[f"level_{name}"] == pytest.approx(level, rel=SOLVER)
        # The noise's own supply: no op-amp supply's factor in it.
        current = (2.2 - level) / 30e3
        assert got[f"supply_current_{name}"] == pytest.approx(current, rel=SOLVER)
        assert got[f"power_{name}"] == pytest.approx(2.2 * current, rel=SOLVER)
        bias = level / n if arrangement == "series" else level
        resistance = 20e-12 / (math.pi * (50e-9) ** 2 / 4)
        resistance *= 1 + state * 0.8 / (1 + (bias / 0.4) ** 2)
        assert got[f"r_{name}_bias"] == pytest.approx(resistance, rel=SOLVER)
    swing = divider(1, n, arrangement) - divider(0, n, arrangement)
    assert got["level_swing"] == pytest.approx(swing, rel=10 * SOLVER)
    assert not [figure.key for figure in found.figures if figure.deviates]
    (levels,) = [curve for curve in found.curves if curve.key == "levels"]
    assert levels.x.tolist() == list(range(n + 1))
    ends = levels.y["V_z"][[0, -1]]
    np.testing.assert_allclose(ends, [got["level_parallel"], got["level_antiparallel"]])


def test_magnetoresistance_falls_by_half_at_its_bias() -> None:
    found = measure(at(**UNEQUAL))
    got = values(found)
    assert got["half_bias"] == pytest.approx(0.4, rel=GRID)
    assert got["tmr_zero"] == pytest.approx(80 / (1 + (1e-3 / 0.4) ** 2), rel=SOLVER)
    bias = divider(1, 1, "series")
    assert got["tmr_bias"] == pytest.approx(80 / (1 + (bias / 0.4) ** 2), rel=10 * SOLVER)
    (curve,) = [curve for curve in found.curves if curve.key == "resistance"]
    assert curve.x[0] == -0.8
    upper = curve.y["antiparallel"]
    np.testing.assert_allclose(upper, upper[::-1], rtol=SWEPT)
    np.testing.assert_allclose(curve.y["parallel"], got["r_parallel_zero"], rtol=1e-6)


@pytest.mark.parametrize("temperature", [-40.0, 125.0])
def test_dwells_follow_arrhenius_and_say_that_no_simulator_made_them(temperature: float) -> None:
    found = measure(at(temperature, **UNEQUAL))
    got = values(found)
    thermal = Boltzmann * (temperature + 273.15) / elementary_charge
    tau_p, tau_ap = (1e-9 * math.exp(barrier / thermal) for barrier in (0.30, 0.34))
    assert got["dwell_parallel"] == pytest.approx(tau_p)
    assert got["dwell_antiparallel"] == pytest.approx(tau_ap)
    assert got["occupancy"] == pytest.approx(tau_ap / (tau_p + tau_ap))
    by_law = {figure.key for figure in found.figures if figure.engine != "ngspice"}
    assert by_law == {"dwell_parallel", "dwell_antiparallel", "occupancy"}


def test_another_source_has_no_junction() -> None:
    with pytest.raises(UserError, match="cell smtj: source gaussian has no junctions"):
        measure(at(noise={"source": "gaussian"}))

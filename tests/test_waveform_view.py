"""What a page holds of waveforms."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from viewed_waves import waves

from sim.errors import UserError
from sim.report.assets import embedded
from sim.report.thinning import DECIMALS, thin
from sim.report.waveform_view import payload_of, waveform_payload
from sim.results import Run
from sim.waves.waves import Kind


@given(
    st.lists(st.sampled_from([0.0, 1e-9, 0.25, 0.5, 1.0]), min_size=2, max_size=60),
    st.integers(4, 30),
)
def test_thinned_curves_keep_their_shape_or_at_least_their_extremes(
    values: list[float], most: int
) -> None:
    wave = np.array(values)
    curve = thin(wave, most, np.array([0], dtype=np.intp))
    kept = np.interp(np.arange(len(wave)), curve.at, curve.values)
    assert (np.diff(curve.at) > 0).all()
    assert len(curve.at) <= most + 3  # its ends, and the one to keep
    if curve.whole:
        np.testing.assert_allclose(kept, wave, rtol=0, atol=0.5 * 10**-DECIMALS)
    np.testing.assert_array_equal(
        [curve.values.min(), curve.values.max()], np.round([wave.min(), wave.max()], DECIMALS)
    )


def test_a_page_holds_every_curve_to_a_microvolt() -> None:
    given_waves = waves()
    payload = payload_of(given_waves, 7.5e-6)
    assert json.loads(embedded(payload)) == payload
    assert payload["time_unit"] == "ms"
    assert payload["look"] == pytest.approx(7.5e-3)
    assert payload["notes"] == []
    names = {trace["name"] for trace in payload["traces"]}
    assert names == {name.replace("xlayer1.z", "z1_") for name in given_waves.voltages}
    times = np.array(payload["times"])
    for trace in payload["traces"]:
        node = trace["name"].replace("z1_", "xlayer1.z")
        drawn = np.interp(1e3 * given_waves.time, times[trace["at"]], trace["values"])
        # Times are to a millionth of the whole: on the steepest edge, 1 V in 2.5 µs, 1 mV.
        np.testing.assert_allclose(drawn, given_waves.voltages[node], rtol=0, atol=1e-3)
        np.testing.assert_allclose(
            trace["sampled"], given_waves.sampled(node), rtol=0, atol=0.5 * 10**-DECIMALS
        )


def test_a_wide_network_shows_few_nodes_and_says_what_it_leaves_out() -> None:
    payload = payload_of(waves(neurons=100, points=51), None)
    assert len(payload["traces"]) <= 250
    left_out = 402 - len(payload["traces"])
    assert f"{left_out} more are in waveforms.nc" in payload["notes"][0]
    kinds = {trace["kind"] for trace in payload["traces"]}
    assert kinds == set(get_args(Kind)) - {"other"}
    assert 5 <= sum(trace["shown"] for trace in payload["traces"]) <= 25


def test_long_waveforms_are_thinned_and_the_page_says_so() -> None:
    given_waves = waves(points=60_001)
    payload = payload_of(given_waves, 7.5e-6)
    assert len(embedded(payload)) < 1e6
    assert "2 of the curves are thinned to about 4,000 of 60,001 points" in payload["notes"][0]
    for trace in payload["traces"]:
        assert len(trace["at"]) < 4100


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"time": np.zeros(801)}, "time does not rise"),
        ({"voltages": {}}, "no node"),
        ({"voltages": {"x0_1": np.full(801, np.nan)}}, "x0_1 is not finite"),
    ],
)
def test_damaged_waveforms_are_named(tmp_path: Path, broken: dict[str, Any], named: str) -> None:
    class Damaged(Run):
        def __init__(self) -> None:
            self.path = tmp_path
            self.__dict__["summary"] = {"t_aperture_s": 1e-6}
            self.__dict__["waveforms"] = replace(waves(), **broken).to_dataset()

    with pytest.raises(UserError, match=rf"waveforms\.nc: is damaged .*{named}.*run it again"):
        waveform_payload(Damaged())

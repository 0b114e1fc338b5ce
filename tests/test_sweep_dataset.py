"""A sweep's dataset and table: names, units, words, and deviates of parts."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_sweeps import dataset as made
from made_sweeps import opened
from sweep_stand_ins import TINY

from sim.explore.yields import ratios_of
from sim.sweep.dataset import dataset_of, table_of, to_netcdf
from sim.sweep.deviates import deviates_of
from sim.sweep.labels import labels_of
from sim.sweep.measures import DONE, FAILED, MISSING, Measured
from sim.sweep.planning import plan_of
from sim.sweep.store import Store


def test_the_dataset_has_names_units_and_reasons(tmp_path: Path) -> None:
    import xarray as xr  # noqa: PLC0415  # a second

    plan = plan_of(
        {
            "chips": 2,
            "seeds": [4, 7],
            "set": TINY | {"simulation.engine": "ideal"},
            "grid": {"opamp.gbw": [1e6, 2e6], "simulation.noise_off": [True, False]},
            "list": {"eta": [0.1, 0.2, 0.3], "decor_rate": [0.1, 0.1, 0.2]},
            "corners": {"take": ["hot"]},
        },
        "it",
    )
    points = list(plan.points())
    keys = [f"{k:064x}" for k in range(len(points))]
    store = Store(tmp_path)
    rows = "part,quantity,unit,nominal,value,deviate\n{}n1_1_a,v_offset,V,0,0.001,{}\n"
    found: dict[str, Measured] = {}
    for k, (key, point) in enumerate(zip(keys, points, strict=True)):
        chip = point.config.circuit.mismatch.chip or 0
        extra = "chip,resistors,1,1,1,0.25\n" if chip else ""
        files = {
            "summary.json": json.dumps({"loss_name": "squared-error"}).encode(),
            "chip.csv": rows.format(extra, chip + 0.5).encode(),
        }
        found[key] = Measured(DONE, "", {"ideal": float(k)}, 1.0)
        store.write(key, found[key], files)
    found[keys[1]] = Measured(FAILED, "µ is 3 Ω", {}, 1.0)
    del found[keys[2]]
    content = to_netcdf(dataset_of(plan, points, keys, found, store))
    (tmp_path / "sweep.nc").write_bytes(content)
    made = xr.load_dataset(tmp_path / "sweep.nc", engine="scipy")
    names = ("circuit.opamp.gbw", "simulation.noise_off", "list", "corner", "chip", "seed")
    assert made["ideal"].dims == names
    assert made["ideal"].shape == plan.shape == (2, 2, 3, 2, 2, 2)
    assert made["ideal"].attrs["units"] == made.attrs["loss_unit"] == "V²"
    assert made["circuit.opamp.gbw"].attrs["units"] == "Hz"
    assert list(made["simulation.noise_off"].values) == ["true", "false"]
    assert list(made["corner"].values) == ["nominal", "hot"]
    assert "hot: circuit.temperature 85" in made["corner"].attrs["settings"]
    assert list(made["learning.decor_rate"].values) == [0.1, 0.1, 0.2]
    assert list(made["seed"].values) == [4, 7]
    assert made["skipped"].attrs["engine"] == made["ideal"].attrs["engine"] == "mathematics"
    assert made["writes"].attrs["engine"] == "mathematics (law of the weight devices)"
    assert made["deviate"].attrs["engine"] == "mathematics"
    for name, one in made.variables.items():
        assert one.attrs["long_name"], name
        assert ("units" in one.attrs) == (one.dtype.kind in "fi"), name
    one = made.sel(chip=1, seed=7, corner="hot").sel({"circuit.opamp.gbw": 2e6})
    assert float(one["ideal"].sel({"simulation.noise_off": "false"})[2]) == len(points) - 1
    assert list(made["state"].values.ravel()[:4]) == [DONE, FAILED, MISSING, DONE]
    assert made["reason"].values.ravel()[1] == "µ is 3 Ω"
    assert np.isnan(made["ideal"].values.ravel()[1:3]).all()
    assert list(made["part"].values) == ["n1_1_a.v_offset", "chip.resistors"]
    assert made["deviate"].values.tolist()[1] == [1.5, 0.25]
    assert np.isnan(made["deviate"].values[0, 1])
    table = table_of(plan, points, keys, found).splitlines()
    assert len(table) == 1 + len(points)
    assert table[0].startswith("circuit.opamp.gbw,simulation.noise_off,list,learning.eta,")
    assert table[2].endswith(f"nominal,0,7,{keys[1]},failed,µ is 3 Ω,1.000")
    assert table[3].endswith(f"{keys[2]},missing,,")


def test_lists_and_tables_are_words_in_table_and_dataset(tmp_path: Path) -> None:
    own = {"name": "mine", "i_s": 1e-9}
    plan = plan_of(
        {
            "set": {"simulation.engine": "ideal"},
            "grid": {
                "circuit.activation.diode": ["HSMS-2850", own, own | {"i_s": 2e-9}],
                "write_back.digipot.r_fixed": [1e3, 2e3],
            },
            "list": {"task.layers": [[2, 2, 1], [2, 3, 1]]},
            "draw": {"count": 2, "parameters": {"task.table.inputs": {"choice": [["a", "b"]]}}},
        },
        "it",
    )
    points = list(plan.points())
    assert points[-1].config.network.layers == (2, 3, 1)
    keys = [f"{k:064x}" for k in range(len(points))]
    made = dataset_of(plan, points, keys, {}, Store(tmp_path))
    diodes = ["HSMS-2850", '{"name":"mine","i_s":1e-09}', '{"name":"mine","i_s":2e-09}']
    assert made["circuit.activation.diode"].values.tolist() == diodes
    assert made["task.layers"].values.tolist() == ["2,2,1", "2,3,1"]
    assert made["task.table.inputs"].values.tolist() == ["a,b"] * 2
    assert to_netcdf(made)
    rows = list(csv.DictReader(table_of(plan, points, keys, {}).splitlines()))
    assert [rows[k]["circuit.activation.diode"] for k in (0, 8, 16)] == diodes
    assert rows[-1]["task.layers"] == "2,3,1"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["BAT54", {"name": "mine", "n": 1}], ["BAT54", "mine"]),
        (["mine", {"name": "mine"}], ["mine", '{"name":"mine"}']),
        ([{"n": 1}], ['{"n":1}']),
        ([True, False], ["true", "false"]),
        ([1.5, "inf?"], ["1.5", "inf?"]),
        ([1, 2], [1, 2]),
    ],
)
def test_labels(values: list[Any], labels: list[Any]) -> None:
    assert labels_of(values) == labels


def test_a_part_about_which_settings_disagree_has_no_deviate(tmp_path: Path) -> None:
    plan = plan_of({"chips": 2, "grid": {"noise.n_mtj": [2, 3]}, "seeds": 2}, "it")
    points, store = list(plan.points()), Store(tmp_path)
    keys = [f"{k:064x}" for k in range(len(points))]
    found = dict.fromkeys(keys, Measured(FAILED, "", {}, 1.0))
    for key, point in zip(keys, points, strict=True):
        setting, chip, _ = point.place
        rows = f"n1_1_a,v_offset,V,0,0,{chip}\nn1_1_j1,r_p,1,1,1,{10 * setting + chip}\n"
        text = f"part,quantity,unit,nominal,value,deviate\n{rows}"
        store.write(key, found[key], {"chip.csv": text.encode()})
    deviates, parts = deviates_of(plan, points, keys, found, store)
    assert parts == ["n1_1_a.v_offset", "n1_1_j1.r_p"]
    assert deviates[:, 0].tolist() == [0, 1]
    assert np.isnan(deviates[:, 1]).all()


def test_an_infinite_loss_is_none_that_learned() -> None:
    """Also where the twin's is infinite as well; a point not computed counts for nothing."""
    losses = np.array([[1.0], [np.inf], [np.nan]])
    values = {"in_loop": losses, "ideal": np.array([[1.0], [np.inf], [1.0]])}
    along = {"chip": ("chip", range(3)), "seed": ("seed", [0])}
    found = opened(made({"chip": 3, "seed": 1}, values, along))
    assert ratios_of(found, "in_loop").ravel()[:2].tolist() == [1, np.inf]
    assert np.isnan(ratios_of(found, "in_loop").ravel()[2])

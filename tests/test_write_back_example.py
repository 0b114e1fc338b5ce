"""The picture of the write-back devices shows what their laws say."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "examples" / "write_back.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("example_write_back", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up by name
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("undrawn")
def test_the_picture_shows_steps_misses_and_what_an_accumulator_is_for(tmp_path: Path) -> None:
    panels = load().main(tmp_path)
    assert (tmp_path / "write_back.png").read_bytes().startswith(b"\x89PNG")
    traces = {trace.name: trace for panel in panels.values() for trace in panel}

    def weights(name: str) -> int:
        return len(np.unique(traces[name].held.round(9)))

    def miss(name: str) -> float:
        return float(np.median(np.abs(traces[name].held - traces[name].wanted)))

    assert weights("linear") == weights("log") == 2 * 8 - 1  # of a pair
    assert weights("no spread") == 2 * 5 - 1
    assert miss("E96") < miss("E24") / 3  # steps of 2.4 % and of 10 %
    assert miss("calibrated") < miss("by data sheet") / 3
    assert miss("after 5 writes") < miss("first write") / 10
    assert weights("levels, none") == weights("rram, none") == 1  # the first write, and no other
    half_step = 1 / 33e3 * 100e3 / 15 / 2
    assert (
        np.abs(traces["levels, accumulator"].held - traces["levels, accumulator"].wanted).max()
        < half_step
    )
    assert miss("rram, accumulator") < 0.01

"""The example of cells at scale runs, and its twin of cells is the circuit."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "examples" / "cell_at_scale.py"

CLOSE = 20e-6
"""V; node by node against ngspice at its default relative tolerance of 1e-5, which rows of 65
resistors sum; tests/test_scale_cell.py holds five nodes within 5 µV at a tighter one."""


def load() -> Any:
    spec = importlib.util.spec_from_file_location("example_cell_at_scale", FILE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_cells_are_the_circuit_and_ideal_mathematics_is_not(tmp_path: Path) -> None:
    outcomes = load().main(tmp_path, epochs=1, images=4, layers=(64, 4, 10))
    assert [outcome.learned for outcome in outcomes] == ["ideal mathematics", "cells"]
    for outcome in outcomes:
        assert outcome.accuracy["cells"] == outcome.accuracy["ngspice"]
        assert len(outcome.cells.passes) == 4
        assert all(rms < CLOSE for rms, _ in outcome.cells.rms_and_max())
        assert all(rms > 10e-3 for rms, _ in outcome.ideal.rms_and_max())
        assert min(outcome.factors()) > 100
    assert (tmp_path / "cell_at_scale.png").read_bytes().startswith(b"\x89PNG")

"""Fixtures for tests that solve circuits: benches for single cells, and weights."""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.typing import NDArray

from circuits import CircuitParameters, Network
from netlists import cells
from netlists.build import SolverSettings
from netlists.deck import Deck, Transient
from netlists.elements import Element, VoltageSource
from netlists.spice import format_for_library
from sim.libngspice import Ngspice, get_library
from sim.passes import Passes

# The same examples every time, and no deadline: the machine may be busy.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

Array = NDArray[np.float64]
Bench = Callable[[CircuitParameters, Sequence[Element]], Ngspice]
Weights = Callable[[Network, int], list[Array]]


PICTURE = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0:~\x9bU"
    b"\0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
)
"""A PNG of one pixel."""


@contextmanager
def sketched() -> Iterator[None]:
    """Make figures of all that they show, and write one pixel in their place."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # most of a second

    save = Figure.savefig

    def sketch(figure: Figure, target: Any, **options: Any) -> None:
        if isinstance(target, Path) and target.suffix == ".png":
            target.write_bytes(PICTURE)
        else:
            save(figure, target, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", sketch)
        yield


@pytest.fixture(scope="module")
def undrawn() -> Iterator[None]:
    """For modules that look at no PNG: drawing takes half of the time of a small run.

    Other modules draw what every command draws, and so does every process that a test starts.
    """
    with sketched():
        yield


@pytest.fixture
def bench() -> Bench:
    """Load elements, with every cell, parameter and the op-amps' supplies at hand."""

    def load(circuit: CircuitParameters, elements: Sequence[Element]) -> Ngspice:
        model = cells.diode_model(circuit.activation.rectifier)
        deck = Deck(
            title=("bench",),
            parameters=cells.cell_parameters(circuit),
            models=(model,) if model else (),
            subcircuits=(
                cells.smtj_cell(unequal=True),
                cells.noise_string_cell(circuit.noise, unequal=True),
                cells.opamp_cell(circuit.opamp),
                cells.activation_cell(circuit),
            ),
            elements=(
                *elements,
                VoltageSource("dd", "vdd", "0", "V_DD"),
                VoltageSource("ss", "vss", "0", "V_SS"),
            ),
            options=SolverSettings(reltol=1e-6).options(circuit.temperature),
            probes=("all",),
            currents=("dd", "ss"),
            analysis=Transient(1e-6, 1e-7, ()),
        )
        library = get_library()
        text = format_for_library(deck).replace(".save v(all)", ".save all")
        library.load(text)
        return library

    return load


@pytest.fixture
def weights() -> Weights:
    """Random weights, each matrix its own, so that a transpose or a swap shows."""

    def draw(network: Network, seed: int) -> list[Array]:
        rng = np.random.default_rng(seed)
        shapes = [network.synapse_shape(k) for k in range(1, len(network.layers))]
        return [rng.normal(0, 1 / np.sqrt(shape[1]), shape) for shape in shapes]

    return draw


def run_bare(folder: Path, name: str) -> dict[str, float]:
    """What `ngspice -b` prints of a deck in a folder, by name."""
    done = subprocess.run(
        ["ngspice", "-b", name],  # noqa: S607
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "error" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    printed = re.findall(r"^(\w+) = (\S+)$", done.stdout, re.MULTILINE)
    return {key: float(value) for key, value in printed}


def assert_same(one: Passes, other: Passes, within: float, *, ages: float = 0.0) -> None:
    """Two draws of passes are one, their jumps of the last `within` s to `ages` s."""
    np.testing.assert_array_equal(one.inputs, other.inputs)
    np.testing.assert_array_equal(one.controls, other.controls)
    np.testing.assert_array_equal(one.noise, other.noise)
    for a, b in zip(one.jumps, other.jumps, strict=True):
        for x, y in zip(a, b, strict=True):
            recent, wanted = x.within(within), y.within(within)
            np.testing.assert_allclose(recent.ages, wanted.ages, rtol=0, atol=ages)
            np.testing.assert_array_equal(recent.before, wanted.before)

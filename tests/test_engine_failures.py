"""Failures say what ngspice said and what was kept; each in a process of its own."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import tolerances

ROOT = Path(__file__).parent.parent


def python(code: str, **environment: str) -> str:
    """What a script prints; every script ends well."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("X1 a 0 nosuchcell", "nosuchcell"),
        ("R1 a 0 {NOSUCHPARAMETER}", "NOSUCHPARAMETER"),
        ("D1 a 0 NOSUCHMODEL", "nosuchmodel"),
    ],
)
def test_a_bad_deck_raises_with_ngspices_own_line(line: str, said: str) -> None:
    printed = python(
        f"""
        from sim.errors import SimulationError
        from sim.libngspice import get_library
        try:
            get_library().load("* bad\\nV1 a 0 1\\n{line}\\n.end\\n")
            get_library().command("op")
        except SimulationError as error:
            print(error)
        """
    )
    assert re.match(r"ngspice, (loading the deck|op): .", printed)
    assert said.lower() in printed.lower()


def test_a_command_that_ngspice_refuses_or_cannot_hold_raises() -> None:
    printed = python(
        """
        from sim.errors import SimulationError
        from sim.libngspice import get_library
        library = get_library()
        library.load("* good\\nV1 a 0 1\\nR1 a 0 1k\\n.end\\n")
        for attempt in (
            lambda: library.command("alter nosuchpart = 1"),
            lambda: library.command("x" * 1001),
            lambda: library.vector("nosuchvector"),
        ):
            try:
                attempt()
            except (SimulationError, ValueError) as error:
                print(type(error).__name__, error)
        library.command("op")
        print(library.vector("a")[0])
        """
    )
    lines = printed.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("SimulationError ngspice, alter nosuchpart = 1: ")
    assert "nosuchpart" in lines[0].split(": ", 1)[1]
    assert lines[1] == "ValueError command of 1001 characters, ngspice takes 1000"
    assert lines[2] == "SimulationError ngspice has no result nosuchvector"
    assert float(lines[3]) == pytest.approx(1.0)


ENGINE = """
    from pathlib import Path
    import numpy as np
    from circuits import CircuitParameters, Network
    from sim.engines import NgspiceEngine
    from sim.errors import SimulationError
    from sim.clock import Clock
    from sim.schedule import open_schedule
    circuit = CircuitParameters()
    network, clock = Network((2, 1)), Clock(1e-3, 10e-6, "op")
    def passes(x):
        rng = np.random.default_rng(0)
        return open_schedule(network, CircuitParameters(), clock, rng).held(np.array([[x, 0.3]]))
    def attempt(engine, x):
        try:
            print(engine.run(passes(x)).pre[0])
        except SimulationError as error:
            print(error)
"""


def test_a_broken_circuit_keeps_its_deck_and_log(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    printed = python(
        ENGINE
        + f"""
    opamp = circuit.opamp.model_copy(update={{"part": "x\\nRbroken 1\\n*"}})
    broken = circuit.model_copy(update={{"opamp": opamp}})
    attempt(NgspiceEngine(network, broken, clock, keep=Path({str(keep)!r})), 0.2)
    """
    )
    deck, log = keep / "failed.cir", keep / "failed.log"
    assert printed.startswith("ngspice, loading the deck: Error on line ")
    assert "rbroken 1" in printed
    assert printed.strip().endswith(f"deck and log kept as {deck} and {log}")
    assert "Rbroken 1" in deck.read_text()
    assert "rbroken 1" in log.read_text()


def test_a_pass_that_fails_is_kept_as_it_was_run_and_the_engine_goes_on(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    printed = python(
        ENGINE
        + f"""
    engine = NgspiceEngine(network, circuit, clock, keep=Path({str(keep)!r}))
    engine.write([np.array([[1.0, -1.0]])])
    attempt(engine, 0.5)
    engine.write([np.array([[0.5, -1.0]])])
    attempt(engine, float("nan"))
    attempt(engine, 0.5)
    """
    )
    first, failed, after = printed.splitlines()
    assert float(first.strip("[]")) == pytest.approx(0.2, abs=tolerances.REAL_AMPLIFIERS)
    assert re.match(r"ngspice, alter vx0_1 = nan: Error.*nan; deck and log kept as ", failed)
    assert float(after.strip("[]")) == pytest.approx(-0.05, abs=tolerances.REAL_AMPLIFIERS)
    # The deck holds the weights and the input of the pass, not those of the first load.
    deck = (keep / "failed.cir").read_text()
    assert "w = +0.500000" in deck
    assert "alter Vx0_1 = nan" in deck


@pytest.mark.parametrize("there", [False, True])
def test_a_library_that_is_not_there_or_is_none_is_the_users_to_mend(
    there: bool, tmp_path: Path
) -> None:
    path = tmp_path / "libngspice.so"
    if there:
        path.write_text("no library")
    printed = python(
        """
        from sim.errors import UserError
        from sim.libngspice import get_library
        try:
            get_library()
        except UserError as error:
            print(error)
        """,
        NGSPICE_LIBRARY_PATH=str(path),
    )
    if there:
        assert printed.startswith(f"ngspice: {path} does not load: ")
    else:
        assert printed.strip() == f"NGSPICE_LIBRARY_PATH: there is no file {path}"
